import { createHash } from "node:crypto";
import type { Tenant } from "../../domain/identity/identity.ts";
import { type Job, tenantsErased } from "../../domain/job.ts";
import type { Millis } from "../../domain/time.ts";

/** Where an erasure stands, and what it has done so far: the cursor that is saved after each slice. */
export type Phase = "table" | "entries" | "numbers" | "archive" | "exports" | "wait" | "forget" | "certify";

export interface Counts {
  readonly events: number;
  readonly deliveries: number;
  readonly payload_objects: number;
  readonly idempotency_entries: number;
  readonly archived_events: number;
  readonly archive_objects: number;
  readonly exports: number;
  /** Items and files of metrics. */
  readonly metrics: number;
}

export interface Cursor {
  readonly phase: Phase;
  readonly tenants: readonly Tenant[];
  /** Which of the tenants, and for everything in the table which shard. */
  readonly at: Millis;
  readonly after?: string;
  readonly pass: number;
  /** What this pass has found so far. */
  readonly found: number;
  /** Lines of the archive that this pass could not read. */
  readonly unreadable_lines?: number;
  /** When events or entries within the scope were last found; milliseconds. */
  readonly found_at?: Millis;
  readonly waitUntil?: number;
  readonly counts: Counts;
  /** Chained SHA-256 over the ids of the erased events, in the order of erasing. */
  readonly digest: string;
  readonly certificate?: Readonly<Record<string, unknown>>;
}

const nothing: Counts = {
  events: 0,
  deliveries: 0,
  payload_objects: 0,
  idempotency_entries: 0,
  archived_events: 0,
  archive_objects: 0,
  exports: 0,
  metrics: 0,
};

/** What began before a deployment may not know of all that is counted since. */
export const countsOf = ({ counts }: Pick<Cursor, "counts">): Counts => ({ ...nothing, ...counts });

export function begin(job: Job): Cursor {
  return { phase: "table", tenants: tenantsErased(job.tenant), at: 0, pass: 1, found: 0, counts: nothing, digest: "" };
}

const chain = (digest: string, ids: readonly string[]): string =>
  ids.reduce((before, id) => createHash("sha256").update(before).update(id).digest("hex"), digest);

/** @param found things within the scope that this pass should not have found if it were the last */
export const withCounts = (cursor: Cursor, more: Partial<Counts>, ids: readonly string[], found: number): Cursor => ({
  ...cursor,
  found: cursor.found + found,
  digest: chain(cursor.digest, ids),
  counts: Object.fromEntries(
    Object.entries(countsOf(cursor)).map(([name, count]) => [name, count + (more[name as keyof Counts] ?? 0)]),
  ) as unknown as Counts,
});

/** On to the next tenant (or shard), or to the next phase. */
export function onward(cursor: Cursor, last: number, phase: Phase): Cursor {
  const { after: _, ...rest } = cursor;
  return cursor.at + 1 < last ? { ...rest, at: cursor.at + 1 } : { ...rest, at: 0, phase };
}
