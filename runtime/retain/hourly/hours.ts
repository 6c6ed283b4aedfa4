import { rfc3339 } from "../../domain/ids.ts";
import { SETTLED_MS } from "../../domain/usage/access.ts";

/** Hours are worked on once everything of them has had time to arrive. */
export const HOUR_MS = 3_600_000;

/** The last hour that is over and settled, milliseconds. */
export const settledHour = (now: number): number => Math.floor((now - SETTLED_MS) / HOUR_MS) * HOUR_MS - HOUR_MS;

/** `2026-01-02T03` of an hour's time. */
export const hourName = (hour: number): string => rfc3339(hour).slice(0, 13);
