import { waits } from "../../runtime/domain/statuses.ts";
import { MINUTE_MS } from "../../runtime/domain/time.ts";
import type { Event } from "./types.ts";

/** How soon something is looked up again: often while it changes, and seldom or never when it has come to its end. Pure. */

const OFTEN_MS = 3_000;
const SELDOM_MS = 30_000;
/** From this many deliveries on, an answer is megabytes. */
const MANY_DELIVERIES = 1_000;

/** Whether nothing more happens to an event by itself. */
export const isSettled = ({ status, deliveries }: Pick<Event, "status" | "deliveries">): boolean =>
  ![status, ...deliveries.map((delivery) => delivery.status)].some(waits);

/**
 * Milliseconds until an event is looked up again; false for one that is settled.
 * @param retriedAt when a delivery was last tried again from here: its attempt follows soon, and until then nothing tells of it
 */
export function paceOf(event: Pick<Event, "status" | "deliveries"> | undefined, retriedAt: number, now: number) {
  if (event !== undefined && isSettled(event) && now - retriedAt > MINUTE_MS) return false;
  return (event?.deliveries.length ?? 0) < MANY_DELIVERIES ? OFTEN_MS : SELDOM_MS;
}

/** Milliseconds until a list of long work is looked up again: when all has ended, others may still begin more. */
export const paceOfWork = (rows: readonly { readonly status: string }[]): number =>
  rows.some(({ status }) => status === "pending" || status === "running") ? OFTEN_MS : SELDOM_MS;
