/**
 * The arithmetic of the sliding window: two counters, of the current and the previous second, the previous one weighted
 * by the part of it that still lies within the last second.
 *
 * What holds: no clock second passes more than the limit. What is assumed, as in every sliding-window counter: the
 * previous second's events were spread evenly. Where they came as a burst at its end, some other interval of one second
 * can pass up to twice the limit less one; over longer times the rate never exceeds it. docs/decisions/rate-limit.md.
 */
export const WINDOW_MS = 1_000;

/** Counters of one window when it was asked, before this request was counted. */
export interface Counters {
  readonly limit: number;
  readonly current: number;
  readonly previous: number;
}

/** Where in the current window a moment lies. */
export const elapsedAt = (now: number): number => now % WINDOW_MS;
export const bucketAt = (now: number): number => Math.floor(now / WINDOW_MS);

/** What is left of the limit at this moment, in thousandths of an event: whole numbers, so that nothing is rounded. */
const room = ({ limit, current, previous }: Counters, elapsed: number): number =>
  (limit - current) * WINDOW_MS - previous * (WINDOW_MS - elapsed);

/** Whole events that may still come at this moment. */
export const remaining = (counters: Counters, elapsed: number): number =>
  Math.max(0, Math.floor(room(counters, elapsed) / WINDOW_MS));

/**
 * Milliseconds until `cost` events fit, if nothing else comes meanwhile. 0 when they fit now.
 * Infinity when they alone exceed the limit.
 */
export function waitFor(counters: Counters, cost: number, elapsed: number): number {
  const { limit, current, previous } = counters;
  if (cost > limit) return Number.POSITIVE_INFINITY;
  if (room(counters, elapsed) >= cost * WINDOW_MS) return 0;
  const toEnd = WINDOW_MS - elapsed;
  const others = limit - cost;
  // Within this window only the weight of the previous one shrinks; in the next one the current takes its place.
  if (current <= others) return toEnd - Math.floor((WINDOW_MS * (others - current)) / previous);
  return toEnd + Math.ceil((WINDOW_MS * (current - others)) / current);
}
