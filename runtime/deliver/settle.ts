import { defined, mapDefined } from "../domain/defined.ts";
import { MAX_QUEUE_DELAY_MS } from "../domain/queueDelay.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";
import type { Attempt, DeliveryItem } from "../store/deliveries/deliveryItem.ts";
import { attemptsMade } from "../store/deliveries/keptAttempts.ts";
import type { Delivery, PlannedPost } from "./plan.ts";
import type { PostResult } from "./post.ts";
import { decide, type Next } from "./schedule.ts";
import { unmade } from "./unmade.ts";

/** What becomes of deliveries after their posts. Pure: clock and dice are arguments. */

/** A post that was made, or one that was left out: its endpoint hung, its host already gets as many posts as it may, or no time was left. */
export interface PostDone {
  readonly post: PlannedPost;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: Millis;
  readonly result: PostResult | undefined;
  /** How long a post that was left out waits; undefined for the usual time. */
  readonly wait_ms?: Millis | undefined;
}

/** Deliveries that are tried again together, with what has to be kept of each. */
export interface Settled {
  readonly deliveries: readonly Delivery[];
  /** The deliveries' new state; empty when nothing was attempted. */
  readonly items: readonly DeliveryItem[];
  readonly next:
    | Next
    /** Something was left out that is still to be attempted. */
    | { readonly kind: "postponed"; readonly retry_after_ms: Millis }
    /** A probe failed: its delivery goes on waiting. */
    | { readonly kind: "held" };
  /** Attempts made with this one. */
  readonly attempts: number;
  readonly posts: readonly PostDone[];
}

/** How long a delivery that was left out waits for its turn. */
const POSTPONED_MS = 5_000;

/**
 * @param unit the posts that stand or fall together: the one that several deliveries share, or those of one large delivery
 * @param dice in [0, 1)
 */
export function settle(unit: readonly PostDone[], dice: number): Settled {
  const deliveries = [...new Set(unit.flatMap(({ post }) => post.parts.map(({ delivery }) => delivery)))];
  const sample = deliveries[0]!;
  const made = unit.filter((entry): entry is PostDone & { result: PostResult } => entry.result !== undefined);
  const known = unit.flatMap(({ wait_ms }) => (wait_ms === undefined ? [] : [wait_ms]));
  const postponed = {
    kind: "postponed",
    retry_after_ms: known.length > 0 ? Math.max(...known) : Math.floor((1 + dice) * POSTPONED_MS),
  } as const;
  if (made.length === 0) return { deliveries, items: [], next: postponed, attempts: attemptsMade(sample), posts: unit };

  const place = attemptsMade(sample) + 1 - sample.schedule_from;
  const judged = made.map((entry) => ({ entry, next: decide(entry.result, place, dice, entry.at) }));
  const left = unit.filter((entry) =>
    judged.every((other) => other.entry !== entry || other.next.kind !== "delivered"),
  );
  // Events that can never be made are given up once all others of the delivery are done.
  const helped = judged.filter(({ entry }) => entry.result.unmade?.final !== true);
  const waits = helped.some(({ next }) => next.kind !== "delivered");
  const worst = (waits ? helped : judged).reduce((a, b) => (severity(b.next) > severity(a.next) ? b : a));
  const leftOut = made.length < unit.length;
  const final = worst.entry.result.unmade?.final === true;
  const verdict = leftOut && (final || worst.next.kind === "delivered") ? postponed : worst.next;
  const next = sample.probe && verdict.kind === "failed" ? ({ kind: "held" } as const) : verdict;
  const attempt = attemptOf(worst.entry);
  const outcome = { next, left, last: worst.entry, together: deliveries.length };
  const items = deliveries.map((delivery) => itemAfter(delivery, accountOf(attempt, delivery, deliveries), outcome));
  return { deliveries, items, next, attempts: attemptsMade(sample) + 1, posts: unit };
}

/**
 * What becomes of deliveries where `settle` itself failed: an attempt that failed at this step, by the schedule.
 * @param thrown what it failed with
 */
export function settleFailed(unit: readonly PostDone[], thrown: unknown): Settled {
  const why = unmade("settle_failed", thrown);
  const result = { status: null, error: why.error, latency_ms: 0, unmade: why };
  return settle(
    unit.map((entry) => ({ ...entry, result })),
    1,
  );
}

/** Gone outweighs a dead letter, and a dead letter outweighs a failure. Of two failures, the one with the longer wait counts. */
function severity(next: Next): number {
  if (next.kind === "delivered") return -1;
  if (next.kind === "failed") return next.retry_after_ms;
  return next.kind === "dead_lettered" ? Number.MAX_SAFE_INTEGER - 1 : Number.MAX_SAFE_INTEGER;
}

/** At most so many deliveries of one post keep its answer: erasure has to find all of them, beginning at any one. */
const ANSWERS_KEPT = 8;

/** A delivery's own account of an attempt that it may have shared. */
function accountOf(attempt: Attempt, delivery: Delivery, together: readonly Delivery[]): Attempt {
  const unsent = delivery.indexes.filter((offset) => delivery.deleted.has(offset));
  const told = unsent.length === 0 ? attempt : { ...attempt, unsent };
  if (together.length === 1 || attempt.response_excerpt === undefined) return told;
  const keepers = together.slice(0, ANSWERS_KEPT);
  const shared = { ...told, answer_with: keepers.map(({ first }) => first) };
  if (keepers.includes(delivery)) return shared;
  const { response_excerpt: _, ...without } = shared;
  return without;
}

const attemptOf = ({ at, result }: PostDone & { result: PostResult }): Attempt => ({
  at: rfc3339(at),
  status_code: result.status,
  latency_ms: result.latency_ms,
  error: result.error,
  ...defined({ error_detail: mapDefined(result.unmade, (unmade) => unmade.text), response_excerpt: result.excerpt }),
});

/** The part of a delivery's item that no attempt changes. */
export const baseItem = (delivery: Delivery) => ({
  tenant: delivery.tenant,
  first: delivery.first,
  count: delivery.count,
  subscription_id: delivery.subscription_id,
  indexes: delivery.indexes,
  attempts: delivery.attempts,
  expiry: delivery.expiry,
  ...defined({ replay_id: delivery.replay_id, retried_by: delivery.retried_by, left_out: delivery.left_out }),
  ...(delivery.schedule_from === 0 ? {} : { schedule_from: delivery.schedule_from }),
  ...(delivery.remaining.length === delivery.indexes.length ? {} : { remaining: delivery.remaining }),
});

/** How posts that stand or fall together ended. */
interface Outcome {
  readonly next: Settled["next"];
  /** The posts whose events are still to be delivered. */
  readonly left: readonly PostDone[];
  /** The post that decided what comes next. */
  readonly last: PostDone;
  /** Number of the deliveries. */
  readonly together: number;
}

function itemAfter(delivery: Delivery, attempt: Attempt, { next, left, last, together }: Outcome): DeliveryItem {
  const { remaining: _, ...base } = baseItem(delivery);
  const attempts = [...delivery.attempts, attempt];
  if (next.kind === "delivered") return { ...base, attempts, status: "delivered" };
  const offsets = left
    .flatMap(({ post }) => post.parts.flatMap((part) => (part.delivery === delivery ? part.offsets : [])))
    .sort((a, b) => a - b);
  const remaining = offsets.length === delivery.indexes.length ? {} : { remaining: offsets };
  if (next.kind === "gone")
    return { ...base, ...remaining, attempts, status: "cancelled", reason: "subscription_removed" };
  if (next.kind === "dead_lettered")
    return { ...base, ...remaining, attempts, status: "dead_lettered", reason: next.reason };
  // A delivery uses up none of its own schedule when its post was only left out, or failed for all that wait.
  const later = { schedule_from: delivery.schedule_from + 1 };
  if (next.kind === "held")
    return { ...base, ...remaining, ...later, attempts, status: "pending", held: true, reason: "circuit_open" };
  const swept = next.retry_after_ms > MAX_QUEUE_DELAY_MS;
  return {
    ...base,
    ...remaining,
    attempts,
    status: next.kind === "failed" ? "failed" : "pending",
    ...(next.kind === "postponed" ? later : {}),
    next_attempt_at: last.at + next.retry_after_ms,
    ...(swept ? { swept } : {}),
    ...(swept && together > 1 ? { group: last.id } : {}),
  };
}
