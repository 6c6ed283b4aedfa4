import type { DeliveryStatus } from "../../domain/event.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { FIRST_ULID, firstUlidAt, LAST_ULID, lowestOfRun, timeOf } from "../../domain/ids.ts";
import type { Millis } from "../../domain/time.ts";
import { statePartitions } from "../keys.ts";
import type { Order, StatePartition } from "./batchStream.ts";

/** How far a page of a list reaches: in time and in work. */

/** What one page may cost, so that a search for something rare answers in time and goes on by its cursor. */
const BUDGET = { batches: 20_000, events: 50_000, bytes: 32_000_000, ms: 1_500 } as const;

export interface Spent {
  events: number;
  bytes: number;
}

/** Whether the page's budget is used up, from now on. @param now the clock, milliseconds */
export function budget(now: () => Millis, spent: Spent = { events: 0, bytes: 0 }): (scanned: number) => boolean {
  const started = now();
  return (scanned) =>
    scanned >= BUDGET.batches ||
    spent.events >= BUDGET.events ||
    spent.bytes >= BUDGET.bytes ||
    now() - started >= BUDGET.ms;
}

/**
 * Bounds, both inclusive, on the first ULIDs of batches.
 * @param from milliseconds, inclusive
 * @param to milliseconds, exclusive
 * @param after ULID of the last event given; its own batch is within the bounds
 */
export function ulidsBetween(order: Order, from: number, to: number, after?: string): { lo: string; hi: string } {
  // `to` is exclusive, a bound inclusive; no ULID ends in sixteen zeros, so both come to the same.
  const lo = from > 0 ? firstUlidAt(Math.ceil(from)) : FIRST_ULID;
  const hi = to <= 0 ? FIRST_ULID : firstUlidAt(Math.min(Math.ceil(to), timeOf(LAST_ULID)));
  if (after === undefined) return { lo, hi };
  const low = lowestOfRun(after);
  // ULIDs sort as texts.
  if (order === "asc") return { lo: [lo, low].sort()[1]!, hi };
  return { lo, hi: [hi, after].sort()[0]! };
}

/** Where the sparse index answers for these statuses: its partitions; undefined where it can't. */
export const indexed = (tenant: Tenant, statuses: readonly string[] | undefined): StatePartition[] | undefined =>
  statuses?.every((status) => status === "failed" || status === "dead_lettered")
    ? statuses.flatMap((status) => statePartitions(tenant, status as DeliveryStatus).map((pk) => ({ pk })))
    : undefined;
