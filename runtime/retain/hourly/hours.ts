import { HOUR_MS, type Millis } from "../../domain/time.ts";
import { SETTLED_MS } from "../../domain/usage/access.ts";

/** Hours are worked on once everything of them has had time to arrive: the last hour that is over and settled, milliseconds. */
export const settledHour = (now: Millis): number => Math.floor((now - SETTLED_MS) / HOUR_MS) * HOUR_MS - HOUR_MS;
