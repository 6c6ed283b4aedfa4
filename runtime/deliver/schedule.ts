import { MAX_QUEUE_DELAY_MS } from "../domain/queueDelay.ts";
import type { Millis, Seconds } from "../domain/time.ts";
import type { Unmade } from "./unmade.ts";

/** When a delivery is tried again. Pure: clock and dice are arguments. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Longest wait after each attempt; the wait itself is drawn evenly below it (full jitter). After the last: dead letter. */
export const CEILINGS_MS: readonly number[] = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  8 * HOUR,
  16 * HOUR,
  24 * HOUR,
];
/** Of each of them, what queues and functions may take: an attempt comes within its ceiling, not its message. */
const WAY_MS = SECOND;
/** `Retry-After` is obeyed up to here. */
export const MAX_RETRY_AFTER_MS = 24 * HOUR;

/** How early a message may come and still find its attempt, or its probe, due: clocks of two machines differ. */
export const EARLY_MS = { attempt: SECOND, probe: 2 * SECOND } as const;

/** What a post came to. */
export interface Outcome {
  /** HTTP status, null when there was no answer. */
  readonly status: number | null;
  /** Named failure, null for a 2xx. */
  readonly error: string | null;
  /** The answer's `Retry-After`, as sent. */
  readonly retryAfter?: string | undefined;
  /** Why the post was left out, for a reason on our side. */
  readonly unmade?: Unmade | undefined;
}

export type Next =
  | { readonly kind: "delivered" }
  /** The subscriber answered 410: the subscription is removed. */
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly retry_after_ms: Millis }
  | { readonly kind: "dead_lettered"; readonly reason: string };

/**
 * What follows from a post.
 * @param attempt this attempt's place in the schedule, from 1
 * @param dice in [0, 1)
 * @param now milliseconds since the epoch, to which a `Retry-After` date is compared
 */
export function decide(outcome: Outcome, attempt: number, dice: number, now: Millis): Next {
  const { status } = outcome;
  if (status !== null && status >= 200 && status < 300) return { kind: "delivered" };
  if (status === 410) return { kind: "gone" };
  if (outcome.unmade?.final === true) return { kind: "dead_lettered", reason: outcome.unmade.error };
  const ceiling = CEILINGS_MS[Math.max(attempt, 1) - 1];
  if (ceiling === undefined) return { kind: "dead_lettered", reason: "attempts_exhausted" };
  const bound = status === 429 || status === 503 ? retryAfterMs(outcome.retryAfter, now) : 0;
  return { kind: "failed", retry_after_ms: Math.max(Math.floor(dice * (ceiling - WAY_MS)), bound) };
}

/** `Retry-After` in seconds or as a date (RFC 9110, 10.2.3) as milliseconds from now, at most 24 h; 0 when it says nothing. */
export function retryAfterMs(value: string | undefined, now: Millis): number {
  const text = value?.trim() ?? "";
  const wait = /^\d+$/.test(text) ? Number(text) * SECOND : Date.parse(text) - now;
  return Number.isNaN(wait) ? 0 : Math.min(Math.max(wait, 0), MAX_RETRY_AFTER_MS);
}

/**
 * What waits longer is found by the sweeper. SQS delays are whole seconds: rounded up, so that nothing comes early; at least one, so that a delivery's state is kept
 * before its next attempt is looked at.
 */
export const delaySeconds = (ms: Millis): Seconds => Math.ceil(Math.min(Math.max(ms, 1), MAX_QUEUE_DELAY_MS) / SECOND);
