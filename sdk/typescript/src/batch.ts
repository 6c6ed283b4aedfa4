import { TriggersError } from "./errors.ts";

/** What `POST /events` answers for one event. */
export interface Accepted {
  readonly event_id: string;
  readonly status: "accepted";
}

export interface BatchOptions {
  /** Events in one request, 1 to 1,000. @default 100 */
  readonly maxEvents?: number;
  /** Bytes of one request, at most 1,000,000. @default 500_000 */
  readonly maxBytes?: number;
  /** How long an event waits for others, milliseconds. @default 200 */
  readonly maxWaitMs?: number;
  /** Requests under way at once. @default 4 */
  readonly concurrency?: number;
  /** On SIGTERM and SIGINT: send what waits, then end as without this. Node.js, Deno and Bun only. @default true */
  readonly onSignals?: boolean;
}

interface Waiting {
  readonly text: string;
  readonly bytes: number;
  resolve(accepted: Accepted): void;
  reject(reason: unknown): void;
}

/** What of Node.js's process is needed, where there is one. */
interface ProcessLike {
  readonly pid: number;
  on(name: string, listener: () => void): void;
  once(name: string, listener: () => void): void;
  off(name: string, listener: () => void): void;
  kill(pid: number, signal: string): void;
  listenerCount(name: string): number;
}

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** Refusals for which one event of the request may be to blame: the others are sent without it. */
const BLAMES_EVENTS = new Set([400, 413, 422]);

/**
 * Gathers events into requests, by number, size and time.
 * Invariant: every event that `add` took is sent, or its promise is rejected: also when the program has nothing else to do,
 * or is asked to stop. `process.exit()` runs no asynchronous code: close before it, as where there is no process (workers).
 */
export class Batch {
  readonly #send: (text: string) => Promise<readonly Accepted[]>;
  readonly #write: (value: unknown) => Promise<string>;
  readonly #options: Required<BatchOptions>;
  readonly #underWay = new Set<Promise<void>>();
  readonly #queue: Waiting[][] = [];
  #waiting: Waiting[] = [];
  #bytes = 2;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #taking = new Set<Promise<void>>();
  #closed = false;
  readonly #sendsAtEnd: boolean;
  readonly #unlisten: () => void;

  constructor(
    send: (text: string) => Promise<readonly Accepted[]>,
    write: (value: unknown) => Promise<string>,
    options: BatchOptions,
  ) {
    this.#send = send;
    this.#write = write;
    this.#options = {
      maxEvents: 100,
      maxBytes: 500_000,
      maxWaitMs: 200,
      concurrency: 4,
      onSignals: true,
      ...options,
    };
    const { process } = globalThis as unknown as { process?: ProcessLike };
    this.#sendsAtEnd = typeof process?.on === "function" && typeof process.kill === "function";
    this.#unlisten = this.#sendsAtEnd ? this.#listen(process!) : () => undefined;
  }

  /** @returns when the event is accepted, its id @throws (later) TriggersError of this event alone, TriggersConnectionError */
  add(event: object): Promise<Accepted> {
    return this.#added(() => this.#write(event));
  }

  /**
   * The same for JSON text, whose every character is kept.
   * @throws SyntaxError (later) for text that is not one JSON value: two of them would be two events, and shift the ids of all that follow
   */
  addText(text: string): Promise<Accepted> {
    return this.#added(async () => {
      JSON.parse(text);
      return text;
    });
  }

  #added(write: () => Promise<string>): Promise<Accepted> {
    if (this.#closed) return Promise.reject(new TypeError("This batch is closed."));
    return new Promise((resolve, reject) => {
      const taking: Promise<void> = write()
        .then((text) => this.#take({ text, bytes: new TextEncoder().encode(text).length + 1, resolve, reject }), reject)
        .finally(() => this.#taking.delete(taking));
      this.#taking.add(taking);
    });
  }

  #take(event: Waiting): void {
    if (this.#waiting.length > 0 && this.#bytes + event.bytes > this.#options.maxBytes) this.#dispatch();
    this.#waiting.push(event);
    this.#bytes += event.bytes;
    if (this.#waiting.length >= this.#options.maxEvents) this.#dispatch();
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#dispatch(), this.#options.maxWaitMs);
      // A program that has nothing else to do sends at once, and ends.
      if (this.#sendsAtEnd) (this.#timer as { unref?(): void }).unref?.();
    }
  }

  /** Sends what waits. @returns when all that was added is accepted or refused */
  async flush(): Promise<void> {
    await Promise.all(this.#taking);
    this.#dispatch();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Takes no further events, and sends those that wait. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#unlisten();
    await this.flush();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #dispatch(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length > 0) this.#queue.push(this.#waiting);
    this.#waiting = [];
    this.#bytes = 2;
    this.#work();
  }

  #work(): void {
    while (this.#queue.length > 0 && this.#underWay.size < this.#options.concurrency) {
      const sending: Promise<void> = this.#post(this.#queue.shift()!).finally(() => {
        this.#underWay.delete(sending);
        this.#work();
      });
      this.#underWay.add(sending);
    }
  }

  /** Never rejects: each event's own promise tells. */
  async #post(events: readonly Waiting[]): Promise<void> {
    try {
      const accepted = await this.#send(`[${events.map(({ text }) => text).join(",")}]`);
      if (accepted.length !== events.length)
        throw new TypeError(`${events.length} events were sent, and ${accepted.length} ids were answered.`);
      for (const [at, event] of events.entries()) event.resolve(accepted[at]!);
    } catch (error) {
      if (events.length === 1 || !(error instanceof TriggersError) || !BLAMES_EVENTS.has(error.status)) {
        for (const event of events) event.reject(error);
        return;
      }
      await this.#without(error, events);
    }
  }

  /** A request is taken whole or not at all: what is wrong with one event must not cost the others. */
  async #without(error: TriggersError, events: readonly Waiting[]): Promise<void> {
    const bad = new Map(
      error.details.flatMap((detail) =>
        detail.index !== undefined && events[detail.index] !== undefined ? [[detail.index, detail] as const] : [],
      ),
    );
    if (bad.size === 0) {
      const half = Math.ceil(events.length / 2);
      await this.#post(events.slice(0, half));
      await this.#post(events.slice(half));
      return;
    }
    for (const index of bad.keys()) {
      const { status, requestId, docs } = error;
      const details = error.details.filter((detail) => detail.index === index);
      // What was said of the whole request does not hold for the others, which are sent.
      const message = details.map((detail) => detail.message).join(" ");
      events[index]!.reject(new TriggersError(error.code, message, { status, details, requestId, docs }));
    }
    const good = events.filter((_, index) => !bad.has(index));
    if (good.length > 0) await this.#post(good);
  }

  /** @returns what stops it */
  #listen(process: ProcessLike): () => void {
    const atEnd = () => void this.flush();
    process.on("beforeExit", atEnd);
    const listeners = (this.#options.onSignals ? SIGNALS : []).map((signal) => {
      const listener = () =>
        void this.close().finally(() => {
          // Others that listen decide how the process ends; alone, it ends as the signal says.
          if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
        });
      process.once(signal, listener);
      return [signal, listener] as const;
    });
    return () => {
      process.off("beforeExit", atEnd);
      for (const [signal, listener] of listeners) process.off(signal, listener);
    };
  }
}
