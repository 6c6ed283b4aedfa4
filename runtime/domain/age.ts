/**
 * How long ago something was that this process remembers, milliseconds. Infinite where it is yet to come: the clock has been set back
 * since, and what rests, waits or is remembered "for a second" must not do so for hours.
 */
import type { Millis } from "./time.ts";
export const ageOf = (then: Millis, now: Millis): number => (then > now ? Number.POSITIVE_INFINITY : now - then);
