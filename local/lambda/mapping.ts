/**
 * An event source mapping of an SQS queue. Invariant: a message is deleted only after a function has returned without
 * reporting it as failed; everything else comes back by the queue's own visibility timeout and redrive policy.
 */
import type { SQSRecord } from "aws-lambda";
import type { Account } from "../account.ts";
import type { QueueSource } from "../service.ts";
import type { Outcome } from "./function.ts";
import { SYNC_LIMIT } from "./functionUrl.ts";
import { machineIsFull, messagesWait } from "./machine.ts";

export interface MappingSettings {
  readonly queueArn: string;
  readonly functionName: string;
  /** Most messages an invocation gets. */
  readonly batchSize: number;
  /** How long a batch may wait to fill, milliseconds. */
  readonly windowMs: number;
  /** Most invocations at once. */
  readonly maximumConcurrency: number;
  /** Whether the function names the messages that failed. */
  readonly partialFailures: boolean;
}

/**
 * Invocations at once in the beginning, and how many more a second while all are busy. Lambda begins with five; on a few
 * cores two at once take fuller batches, which cost less a message. While the machine is full more would not be faster,
 * but some must come all the same: those that run may be waiting for an endpoint that hangs; once they have for a while, they
 * leave their place to others.
 */
const FIRST = 2;
const RAMP = 5;
const RAMP_WHEN_FULL = 1;
/** SQS hands out at most ten messages a call. */
const PER_RECEIVE = 10;
const WAIT_MS = 1_000;
/**
 * What a receive takes over a network; meanwhile a batch that is not full may fill, and costs less a message. While each such time brings
 * more, another is waited, as long as this in all: so what comes one by one is held up once, and a stream of 200 a second fills a batch.
 */
const ROUND_TRIP_MS = 15;
const FILL_MS = 45;
/** Invocations of a mapping at once while requests at the front door have to wait. */
const WHILE_YIELDING = 1;
/**
 * After each of them a queue rests ten times as long as that one took, and three seconds at most. What works off a queue makes work for the main thread
 * too, where no priority holds it back.
 */
const REST = 10;
const LONGEST_REST_MS = 3_000;
/** How soon it goes on when nobody waits at the front door any longer. */
const REST_STEP_MS = 50;
/** An invocation that takes longer waits for something else than the machine. */
const LONG_MS = 1_000;
/** How soon an invocation that was refused for concurrency is tried again. */
const THROTTLE_MS = 100;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The messages that the function reported, or undefined when its answer can't be understood: then all of them failed. */
function failuresOf(json: string, ids: ReadonlySet<string>): ReadonlySet<string> | undefined {
  const answer = JSON.parse(json) as { batchItemFailures?: unknown } | null;
  const listed = answer?.batchItemFailures ?? [];
  if (!Array.isArray(listed)) return undefined;
  const failed = listed.map((failure) => (failure as { itemIdentifier?: unknown } | null)?.itemIdentifier);
  if (failed.some((id) => typeof id !== "string" || !ids.has(id))) return undefined;
  return new Set(failed as string[]);
}

/** What a mapping needs of the rest of Lambda. */
export interface MappingPorts {
  readonly source: QueueSource;
  invoke(records: readonly SQSRecord[]): Promise<Outcome>;
  report(records: number, failed: number, ms: number): void;
  failed(cause: unknown): void;
  /** Whether those wait whose requests are taken in: what works off the queue does little then. */
  yields(): boolean;
  /** The account whose pollers it shares; undefined: as many as the machine can. */
  readonly account: Account | undefined;
}

export class QueueMapping {
  readonly settings: MappingSettings;
  readonly #ports: MappingPorts;
  /** When the invocations under way began. */
  readonly #running = new Set<{ readonly since: number }>();
  #allowed = FIRST;
  #stopped = false;
  #wake: (() => void) | undefined;
  #loop: Promise<void> | undefined;
  #ramp: NodeJS.Timeout | undefined;
  #saturated = false;
  /** Whether a message has waited for longer than a batch takes to fill. */
  #late = false;
  /** Until when nothing is taken off the queue while requests at the front door have to wait; of `performance.now()`. */
  #restsUntil = 0;

  constructor(settings: MappingSettings, ports: MappingPorts) {
    this.settings = settings;
    this.#ports = ports;
  }

  /** Begins to receive, or goes on after a stop. */
  start(): void {
    this.#stopped = false;
    const most = this.#most();
    const first = Math.min(this.#ports.account?.of("pollerStart") ?? FIRST, most);
    this.#allowed = first;
    this.#ramp = setInterval(() => {
      const more =
        this.#ports.account === undefined
          ? machineIsFull()
            ? RAMP_WHEN_FULL
            : RAMP
          : this.#ports.account.of("pollerRampPerMinute") / 60;
      if (this.#saturated && this.#late)
        this.#ports.account?.feel(this.#allowed < most ? "pollerRampPerMinute" : "pollerMax");
      this.#allowed = this.#saturated ? Math.min(this.#allowed + more, most) : Math.max(this.#allowed - 1, first);
      this.#late = false;
      this.#saturated = false;
      this.#wake?.();
    }, 1_000).unref();
    this.#loop = this.#poll().catch(this.#ports.failed);
  }

  /** Stops receiving and waits for the invocations under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#ramp);
    this.#wake?.();
    await this.#loop;
    while (this.#running.size > 0) await this.#change();
    messagesWait(this.settings.queueArn, 0);
  }

  /** Invocations that may ever be under way. */
  #most(): number {
    return Math.max(
      1,
      Math.floor(
        Math.min(this.settings.maximumConcurrency, this.#ports.account?.of("pollerMax") ?? Number.POSITIVE_INFINITY),
      ),
    );
  }

  /** Invocations under way that the machine works at: those that wait for an endpoint take none of its time. */
  #atWork(): number {
    let count = 0;
    for (const { since } of this.#running) if (performance.now() - since <= LONG_MS) count += 1;
    return count;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async #poll(): Promise<void> {
    while (!this.#stopped) {
      const yields = this.#ports.yields();
      if (yields && performance.now() < this.#restsUntil) {
        await pause(Math.min(REST_STEP_MS, this.#restsUntil - performance.now()));
        continue;
      }
      const allowed = yields ? WHILE_YIELDING : Math.floor(this.#allowed);
      if (this.#atWork() >= allowed || this.#running.size >= this.#most()) {
        // More at once would not help those who wait at the door.
        this.#saturated ||= !yields;
        await this.#change();
        continue;
      }
      const records = await this.#gather();
      if (records.length === 0) continue;
      if (this.#stopped) {
        await this.#ports.source.release(
          this.settings.queueArn,
          records.map(({ receiptHandle }) => receiptHandle),
        );
        return;
      }
      const run = { since: performance.now() };
      this.#running.add(run);
      void this.#process(records)
        .catch(this.#ports.failed)
        .finally(() => {
          this.#running.delete(run);
          const now = performance.now();
          this.#restsUntil = now + Math.min(LONGEST_REST_MS, REST * (now - run.since));
          this.#wake?.();
        });
    }
  }

  /** One batch: as many as there are now, or, with a window, as arrive until it is full, too large or the time is over. */
  async #gather(): Promise<SQSRecord[]> {
    const { queueArn, batchSize, windowMs } = this.settings;
    const take = async (count: number, waitMs: number) => {
      const { records, waitedMs, waiting } = await this.#ports.source.receive(
        queueArn,
        Math.min(PER_RECEIVE, count),
        waitMs,
      );
      messagesWait(queueArn, waiting);
      if (waitedMs > LONG_MS) this.#late = true;
      return records;
    };
    const records = await take(batchSize, WAIT_MS);
    if (windowMs === 0) {
      if (records.length === 0) return records;
      for (let waited = 0; records.length < batchSize && waited < FILL_MS && !this.#stopped; waited += ROUND_TRIP_MS) {
        await pause(ROUND_TRIP_MS);
        const more = await take(batchSize - records.length, 0);
        records.push(...more);
        if (more.length === 0) break;
      }
      return records;
    }
    const until = Date.now() + windowMs;
    let size = sizeOf(records);
    while (records.length > 0 && records.length < batchSize && size < SYNC_LIMIT / 2 && !this.#stopped) {
      const waitMs = until - Date.now();
      if (waitMs <= 0) break;
      const more = await take(batchSize - records.length, Math.min(waitMs, WAIT_MS));
      records.push(...more);
      size += sizeOf(more);
    }
    return records;
  }

  async #process(records: SQSRecord[]): Promise<void> {
    // Ten messages of 1 MiB exceed the payload of an invocation: the rest goes into further batches.
    const batches: SQSRecord[][] = [[]];
    let size = 0;
    for (const record of records) {
      const length = sizeOf([record]);
      if (size + length > SYNC_LIMIT && size > 0) {
        batches.push([]);
        size = 0;
      }
      (batches.at(-1) as SQSRecord[]).push(record);
      size += length;
    }
    for (const batch of batches) {
      await this.#one(batch);
    }
  }

  async #one(records: SQSRecord[]): Promise<void> {
    const started = performance.now();
    let outcome = await this.#ports.invoke(records);
    while (outcome.kind === "throttled" && !this.#stopped) {
      await pause(THROTTLE_MS);
      outcome = await this.#ports.invoke(records);
    }
    let failed: ReadonlySet<string> | undefined;
    if (outcome.kind === "result") {
      const ids = new Set(records.map(({ messageId }) => messageId));
      failed = this.settings.partialFailures ? failuresOf(outcome.result.json, ids) : new Set();
    }
    const done = failed === undefined ? [] : records.filter(({ messageId }) => failed?.has(messageId) === false);
    if (done.length > 0)
      await this.#ports.source.delete(
        this.settings.queueArn,
        done.map(({ receiptHandle }) => receiptHandle),
      );
    this.#ports.report(records.length, records.length - done.length, performance.now() - started);
  }
}

/** Bytes that the records take in the payload, nearly: their bodies are ASCII or close to it. */
const sizeOf = (records: readonly SQSRecord[]): number => records.reduce((sum, { body }) => sum + body.length + 600, 0);
