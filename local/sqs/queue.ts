import { hash, randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import { ServiceError } from "../service.ts";
import { FairQueue } from "./fair.ts";
import { Heap } from "./heap.ts";
import type { Draft, Message, MessageStore } from "./messages.ts";
import { invalid, MAX_IN_FLIGHT, PURGE_INTERVAL_MS } from "./rules.ts";

/** What a queue is declared with. Times in seconds. */
export interface QueueSettings {
  /** Messages that may be received and not deleted yet. @default SQS's 120,000 */
  readonly maxInFlight?: number;
  readonly name: string;
  readonly arn: string;
  readonly visibilityTimeout: number;
  readonly delay: number;
  readonly retention: number;
  readonly maxMessageBytes: number;
  readonly receiveWait: number;
  readonly redrive?: { readonly target: string; readonly maxReceiveCount: number };
}

export interface Received {
  readonly message: Message;
  readonly receipt: string;
  readonly body: string;
  /** How long it could have been received before it was, milliseconds. */
  readonly waitedMs: number;
}

/**
 * A standard queue. Invariant: a message that was answered as sent is, until it is deleted or its retention ends, in exactly one of
 * ready, delayed or in flight, or in the dead-letter queue; and it is in the file, from which a restart takes it again. A restart
 * forgets all receipts: every message in flight is ready at once, and its open receive does not count as a failure. So kills of
 * the platform, however many, send no message to the dead-letter queue.
 */
export class Queue {
  settings: QueueSettings;
  /** Finds the dead-letter queue by ARN when a message has to go there. */
  readonly #find: (arn: string) => Queue | undefined;
  readonly #clock: Clock;
  readonly #store: MessageStore;
  readonly #ready = new FairQueue<Message>();
  readonly #later = new Heap<{ at: number; message: Message; ticket: number }>();
  readonly #counts = { ready: 0, delayed: 0, flight: 0 };
  #waiters: (() => void)[] = [];
  #alarm: { at: number; cancel(): void } | undefined;
  #purgedAt = 0;
  #closed = false;

  constructor(settings: QueueSettings, store: MessageStore, clock: Clock, find: (arn: string) => Queue | undefined) {
    this.settings = settings;
    this.#store = store;
    this.#clock = clock;
    this.#find = find;
    const now = clock.now();
    for (const message of store.all()) {
      // A clock that was set back meanwhile makes no delay longer than it was.
      message.visibleAt = Math.min(message.visibleAt, now + Math.max(0, message.visibleAt - message.sentAt));
      if (message.visibleAt > now && message.receives === 0) this.#wait(message, "delayed");
      else this.#makeReady(message);
    }
  }

  /**
   * Resolves once the message is on disk.
   * @returns its id and MD5
   * @throws ServiceError `ServiceUnavailable` when it can't be written
   */
  async send(
    draft: Omit<Draft, "id" | "md5" | "sentAt" | "visibleAt" | "receives" | "firstReceivedAt">,
    delay = this.settings.delay,
  ): Promise<Message> {
    const now = this.#clock.now();
    const whole: Draft = {
      ...draft,
      id: randomUUID(),
      md5: hash("md5", draft.body),
      sentAt: now,
      visibleAt: now + delay * 1000,
      receives: 0,
      firstReceivedAt: 0,
    };
    const enter = (message: Message) => this.#take(message);
    const drop = (message: Message) => this.#leave(message);
    return this.#store.addDurably(whole, enter, drop).catch(unavailable);
  }

  /** Takes a message in as it is: from `send`, or from a queue whose dead letters come here. */
  accept(draft: Draft): Message {
    const message = this.#store.add(draft);
    this.#take(message);
    return message;
  }

  /** Up to `max` messages at once; an empty list from an empty queue. @throws ServiceError `OverLimit` */
  receive(max: number, visibility?: number): Received[] {
    const { received, recorded } = this.#receive(max, visibility);
    recorded.catch(() => {});
    return received;
  }

  #receive(
    max: number,
    visibility = this.settings.visibilityTimeout,
  ): { received: Received[]; recorded: Promise<void> } {
    const now = this.#clock.now();
    const received: Received[] = [];
    if (this.#counts.flight >= (this.settings.maxInFlight ?? MAX_IN_FLIGHT))
      throw new ServiceError("OverLimit", "Too many messages in flight.");
    while (received.length < max) {
      const message = this.#ready.shift();
      if (message === undefined) break;
      if (message.state !== "ready") continue;
      if (this.#expired(message, now)) continue;
      const body = this.#store.body(message);
      if (body === undefined) {
        this.#leave(message);
        this.#store.setAside(message);
        continue;
      }
      if (this.#redriven(message, body)) continue;
      const waitedMs = message.visibleAt === 0 ? 0 : Math.max(now - message.visibleAt, 0);
      message.receives += 1;
      if (message.firstReceivedAt === 0) message.firstReceivedAt = now;
      message.visibleAt = now + visibility * 1000;
      if (visibility === 0) this.#makeReady(message);
      else this.#wait(message, "flight");
      received.push({ message, receipt: receiptOf(message), body, waitedMs });
      if (visibility === 0 && received.length >= this.#counts.ready) break;
    }
    const recorded =
      received.length === 0 ? Promise.resolve() : this.#store.received(received.map(({ message }) => message));
    return { received, recorded };
  }

  /** Resolves when there may be something to receive, or when `signal` aborts. */
  arrival(signal?: AbortSignal): Promise<void> {
    if (this.#counts.ready > 0 || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      const abort = () => {
        this.#waiters = this.#waiters.filter((waiter) => waiter !== wake);
        resolve();
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiters.push(wake);
    });
  }

  /**
   * Receives, waiting up to `wait` seconds for the first message. A message comes with the number of its receives, which survives
   * a kill.
   * @throws ServiceError `ServiceUnavailable` when the receive can't be recorded: then the messages stay in the queue
   */
  async poll(max: number, wait: number, visibility?: number): Promise<Received[]> {
    let taken = this.#receive(max, visibility);
    if (taken.received.length === 0 && wait > 0) {
      const deadline = new AbortController();
      const cancel = this.#clock.at(this.#clock.now() + wait * 1000, () => deadline.abort());
      while (taken.received.length === 0 && !deadline.signal.aborted) {
        await this.arrival(deadline.signal);
        if (this.#closed) break;
        taken = this.#receive(max, visibility);
      }
      cancel();
    }
    const { received, recorded } = taken;
    const tickets = received.map(({ message }) => message.ticket);
    try {
      await recorded;
    } catch (cause) {
      received.forEach(({ message }, i) => {
        if (message.ticket !== tickets[i] || message.state !== "flight") return;
        message.receives -= 1;
        message.visibleAt = this.#clock.now();
        this.#makeReady(message);
      });
      unavailable(cause);
    }
    return received;
  }

  /** Deletes by receipt handle; repeating is harmless. @throws ServiceError `ReceiptHandleIsInvalid` */
  delete(receipt: string): void {
    const { message } = this.#lookUp(receipt);
    if (message !== undefined) this.#remove(message);
  }

  /** Makes a message in flight visible again after `seconds`. @throws ServiceError `MessageNotInflight` */
  changeVisibility(receipt: string, seconds: number): void {
    const { message, ticket } = this.#lookUp(receipt);
    if (message === undefined)
      throw invalid(
        `Value ${receipt} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
      );
    if (message.state !== "flight" || message.ticket !== ticket)
      throw new ServiceError("AWS.SimpleQueueService.MessageNotInflight", "The specified message isn't in flight.");
    message.visibleAt = this.#clock.now() + seconds * 1000;
    if (seconds === 0) this.#makeReady(message);
    else this.#hold(message);
  }

  /**
   * Moves up to `max` messages that may be received, each as a new one with a life of its own.
   * @param target by the queue that the message died in
   * @returns how many were moved, and whether one has nowhere to go: then it stays
   */
  move(target: (from: string | undefined) => Queue | undefined, max: number): { moved: number; homeless: boolean } {
    let moved = 0;
    while (moved < max) {
      const message = this.#ready.shift();
      if (message === undefined) break;
      if (message.state !== "ready") continue;
      const { deadLetterSource, ...rest } = message;
      const body = this.#store.body(message);
      const queue = target(deadLetterSource);
      if (queue === undefined || body === undefined) {
        this.#makeReady(message);
        return { moved, homeless: true };
      }
      const now = this.#clock.now();
      queue.accept({
        ...rest,
        body,
        id: randomUUID(),
        sentAt: now,
        visibleAt: now,
        receives: 0,
        firstReceivedAt: 0,
      });
      this.#remove(message);
      moved += 1;
    }
    return { moved, homeless: false };
  }

  /** @throws ServiceError `PurgeQueueInProgress` within 60 seconds of the last purge */
  purge(): void {
    const now = this.#clock.now();
    if (now - this.#purgedAt < PURGE_INTERVAL_MS)
      throw new ServiceError(
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        `Only one PurgeQueue operation on ${this.settings.name} is allowed every 60 seconds.`,
      );
    this.#purgedAt = now;
    for (const message of this.#store.all()) this.#remove(message);
    this.#ready.clear();
  }

  /** Forgets messages older than the retention period. */
  expire(): void {
    const now = this.#clock.now();
    for (const message of this.#store.all()) if (!this.#expired(message, now)) break;
  }

  counts(): { readonly ready: number; readonly delayed: number; readonly flight: number } {
    return { ...this.#counts };
  }

  /** How long the oldest message has been here, seconds; 0 when there is none. */
  oldestSeconds(): number {
    for (const { sentAt } of this.#store.all()) return (this.#clock.now() - sentAt) / 1_000;
    return 0;
  }

  flushed(): Promise<void> {
    return this.#store.flushed();
  }

  /** Ends the waits of `poll`. */
  close(): void {
    this.#closed = true;
    this.#alarm?.cancel();
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #expired(message: Message, now: number): boolean {
    if (now - message.sentAt <= this.settings.retention * 1000) return false;
    this.#remove(message);
    return true;
  }

  #redriven(message: Message, body: string): boolean {
    const { redrive } = this.settings;
    if (redrive === undefined || message.receives - message.unended < redrive.maxReceiveCount) return false;
    const target = this.#find(redrive.target);
    if (target === undefined) return false;
    target.accept({ ...message, body, visibleAt: 0, deadLetterSource: this.settings.arn });
    this.#remove(message);
    return true;
  }

  #remove(message: Message): void {
    if (message.state === "gone" || message.state === "new") return;
    this.#leave(message);
    this.#store.remove(message);
  }

  /** A message of the store becomes one of the queue's. */
  #take(message: Message): void {
    if (message.visibleAt > this.#clock.now()) this.#wait(message, "delayed");
    else this.#makeReady(message);
  }

  #leave(message: Message): void {
    if (message.state === "gone" || message.state === "new") return;
    this.#counts[message.state] -= 1;
    message.state = "gone";
  }

  #makeReady(message: Message): void {
    this.#enter(message, "ready");
    this.#ready.push(message.group ?? "", message);
    this.#waiters.shift()?.();
  }

  #wait(message: Message, state: "delayed" | "flight"): void {
    this.#enter(message, state);
    this.#hold(message);
  }

  #enter(message: Message, state: "ready" | "delayed" | "flight"): void {
    if (message.state !== "gone" && message.state !== "new") this.#counts[message.state] -= 1;
    message.state = state;
    message.ticket += 1;
    this.#counts[state] += 1;
  }

  #hold(message: Message): void {
    this.#later.push({ at: message.visibleAt, message, ticket: message.ticket });
    if (this.#alarm === undefined || message.visibleAt < this.#alarm.at) this.#setAlarm();
  }

  #setAlarm(): void {
    this.#alarm?.cancel();
    const at = this.#later.peek()?.at;
    this.#alarm = at === undefined ? undefined : { at, cancel: this.#clock.at(at, () => this.#wakeDue()) };
  }

  #wakeDue(): void {
    const now = this.#clock.now();
    for (let next = this.#later.peek(); next !== undefined; next = this.#later.peek()) {
      const { message, ticket, at } = next;
      const holds =
        (message.state === "delayed" || message.state === "flight") &&
        message.ticket === ticket &&
        message.visibleAt === at;
      if (holds && at > now) break;
      this.#later.pop();
      if (holds) this.#makeReady(message);
    }
    this.#setAlarm();
  }

  #lookUp(receipt: string): { message: Message | undefined; ticket: number } {
    const [seq, ticket, ...rest] = Buffer.from(receipt, "base64").toString("latin1").split(".").map(Number);
    if (
      seq === undefined ||
      ticket === undefined ||
      rest.length > 0 ||
      !Number.isSafeInteger(seq) ||
      !Number.isSafeInteger(ticket)
    )
      throw new ServiceError(
        "ReceiptHandleIsInvalid",
        `The input receipt handle "${receipt}" is not a valid receipt handle.`,
      );
    return { message: this.#store.get(seq), ticket };
  }
}

const receiptOf = (message: Message): string =>
  Buffer.from(`${message.seq}.${message.ticket}`, "latin1").toString("base64");

/** @throws ServiceError always */
function unavailable(cause: unknown): never {
  throw new ServiceError("ServiceUnavailable", `The queue can't be written: ${(cause as Error).message}`, 503);
}
