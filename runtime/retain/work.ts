import type { Sqs } from "../aws/clients.ts";
import type { Log } from "../aws/log.ts";
import type { Service } from "../aws/service.ts";
import type { Table } from "../aws/tables.ts";
import type { ForgetRequest, Forgotten } from "../domain/idempotency.ts";
import type { Job } from "../domain/job.ts";
import type { CubeRequest, Folded } from "../domain/metrics/cube.ts";
import type { Millis, Seconds } from "../domain/time.ts";
import type { Store } from "../store/table.ts";
import type { RetainEnvironment } from "./environment.ts";

/** What jobs may use; built once a cold start, replaced by fakes in tests. */
export interface Tools {
  readonly env: RetainEnvironment;
  readonly store: Store;
  /** The `metrics` table. */
  readonly counters: Table;
  readonly sqs: Sqs;
  readonly service: Service;
  /** Asks the function that reaches Redis. @throws Error when it failed */
  forget(request: ForgetRequest): Promise<Forgotten>;
  /** Has the cube take an hour in. @throws Error when it failed */
  fold(request: Extract<CubeRequest, { op: "fold" }>): Promise<Folded>;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  now(): Millis;
  sleep(ms: Millis): Promise<void>;
}

/** Where a slice stands: what the next one goes on from, and how far the job has come. */
export interface Standing {
  readonly cursor: unknown;
  readonly progress: Readonly<Record<string, number>>;
}

/** What a slice of a job's work came to. The cursor is saved before the next slice begins. */
export interface Slice extends Standing {
  /** The job is over; what it came to. */
  readonly result?: Readonly<Record<string, unknown>>;
  /** Nothing can be done before this many seconds have passed. */
  readonly waitSeconds?: Seconds;
}

/**
 * What a slice asks between the steps of its work, as often as it likes: whether to go on. Where it stands is saved at
 * once while the job is pending, then about once a second.
 * @returns false once the job is cancelled, or finished by another run: the slice then ends at once
 */
export type Checkpoint = (standing: Standing) => Promise<boolean>;

/**
 * One kind of job. A slice works on from `job.cursor` for a bounded time. Invariant: each step of a slice is safe to do
 * again, since after a crash the next one begins at the last cursor that was saved. Cursor and progress are saved together, so
 * repeated work counts once.
 */
export type SliceWork = (job: Job, tools: Tools, until: Millis, checkpoint: Checkpoint) => Promise<Slice>;

/** A job that fails for good: trying again would fail, too; the message is for the customer. */
export class JobError extends Error {
  override readonly name = "JobError";
}
