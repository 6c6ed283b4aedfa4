import {
  checkItemVersion,
  corrupt,
  countOf,
  type Item,
  J,
  jOf,
  keysOf,
  longIndexes,
  N,
  nOf,
  S,
  shortIndexes,
  sOf,
  VERSION,
} from "../../domain/codec/fields.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import { type DeliveryStatus, deliveryStatuses } from "../../domain/event.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Ulid } from "../../domain/ids.ts";
import type { Millis, Seconds } from "../../domain/time.ts";
import { deliveryKey, duePartition, statePartitionOf } from "../keys.ts";

export interface Attempt {
  /** RFC 3339. */
  readonly at: string;
  readonly status_code: number | null;
  readonly latency_ms: Millis;
  /** Named failure (`timeout`, `connection_reset`, …) or null on success. */
  readonly error: string | null;
  /** What happened, in words, where nothing could be sent. */
  readonly error_detail?: string;
  /** Up to 1 KB of the answer. */
  readonly response_excerpt?: string;
  /** Offsets of the delivery that were deleted or erased by then, and left out of the post, so the answer can't repeat them. */
  readonly unsent?: readonly number[];
  /** Of a post that deliveries of several batches shared: first ULIDs of those that keep its answer, which may repeat any of them. */
  readonly answer_with?: readonly string[];
}

export interface LeftOut {
  /** Their number. */
  readonly attempts: number;
  /** First ULIDs of batches whose deliveries may keep answers to posts that were shared with them. */
  readonly answer_with: readonly string[];
}

/** The state of one (batch, subscription) delivery. A matched pair without this item is pending. */
export interface DeliveryItem {
  readonly tenant: Tenant;
  readonly first: Ulid;
  readonly count: number;
  readonly subscription_id: string;
  readonly indexes: readonly number[];
  readonly status: DeliveryStatus;
  /** The first and the newest of them: see `left_out`. */
  readonly attempts: readonly Attempt[];
  /** What is known of attempts between the first and the newest that are no longer kept; undefined while all are. */
  readonly left_out?: LeftOut;
  /** Milliseconds since the epoch; only while `failed`. */
  readonly next_attempt_at?: Millis;
  /** True when the wait exceeds what an SQS delay can hold, so that the sweeper must find it. */
  readonly swept?: boolean;
  /**
   * True for a pending delivery that waits without being attempted: its subscription is disabled or its endpoint's
   * circuit is open. Such items are in the partitions `heldPartitions` of `by_state`.
   */
  readonly held?: boolean;
  /** Offsets of `indexes` still to deliver, where that is not all of them: a large delivery's other posts arrived. */
  readonly remaining?: readonly number[];
  /** `webhook-id` of the post that this delivery shared with others: they are retried together. */
  readonly group?: string;
  /** Attempts made before the schedule began anew: a manual retry of a finished delivery starts it again. */
  readonly schedule_from?: number;
  readonly reason?: string;
  /** The replay that made this delivery: part of its identity. */
  readonly replay_id?: string;
  /** The replay of dead letters that last had it tried again. */
  readonly retried_by?: string;
  readonly expiry: Seconds;
}

/** The state of one event within a delivery: those of a large one may have arrived while others wait. */
export const deliveryStatusAt = (delivery: DeliveryItem, offset: number): DeliveryStatus =>
  delivery.remaining === undefined || delivery.remaining.includes(offset) ? delivery.status : "delivered";

export function encodeDeliveryItem(delivery: DeliveryItem): Item {
  const { first, status, count } = delivery;
  return {
    ...deliveryKey(delivery),
    v: N(VERSION),
    count: N(count),
    indexes: J(shortIndexes(delivery.indexes, count)),
    status: S(status),
    attempts: J(delivery.attempts),
    expires_at: N(delivery.expiry),
    ...defined({ state_pk: mapDefined(statePartitionOf(delivery, delivery), S) }),
    ...(delivery.held === true ? { held: { BOOL: true } } : {}),
    ...defined({ next_attempt_at: mapDefined(delivery.next_attempt_at, N) }),
    ...(delivery.swept === true ? { due_pk: S(duePartition(delivery.group ?? first)) } : {}),
    ...defined({
      left_out: mapDefined(delivery.left_out, J),
      remaining: mapDefined(delivery.remaining, J),
      group: mapDefined(delivery.group, S),
      schedule_from: mapDefined(delivery.schedule_from, N),
      reason: mapDefined(delivery.reason, S),
      retried_by: mapDefined(delivery.retried_by, S),
    }),
  };
}

function leftOutOf(item: Item, what: string): LeftOut {
  const { attempts, answer_with } = Object(jOf(item, "left_out", what)) as LeftOut;
  if (!Number.isInteger(attempts) || !Array.isArray(answer_with)) throw corrupt(what, "left_out");
  return { attempts, answer_with };
}

/** @throws CodecError */
export function decodeDeliveryItem(item: Item): DeliveryItem {
  const what = "delivery item";
  checkItemVersion(item, what);
  const { tenant, parts } = keysOf(item, /^d#([0-9A-Z]{26})#(sub_[0-9A-Z]{26})(?:#(rpl_[0-9A-Z]{26}))?$/, what);
  const count = countOf(item, "count", what);
  const status = sOf(item, "status", what) as DeliveryStatus;
  if (!deliveryStatuses.includes(status)) throw corrupt(what, "status");
  const attempts = jOf(item, "attempts", what);
  if (!Array.isArray(attempts) || !attempts.every((attempt) => typeof attempt?.at === "string"))
    throw corrupt(what, "attempts");
  return {
    tenant,
    first: parts[1]!,
    count,
    subscription_id: parts[2]!,
    indexes: longIndexes(jOf(item, "indexes", what), count, what),
    status,
    attempts: attempts as Attempt[],
    expiry: nOf(item, "expires_at", what),
    ...defined({ left_out: mapDefined(item.left_out, () => leftOutOf(item, what)) }),
    ...defined({ next_attempt_at: mapDefined(item.next_attempt_at, () => nOf(item, "next_attempt_at", what)) }),
    ...(item.due_pk === undefined ? {} : { swept: true }),
    ...(item.held?.BOOL === true ? { held: true } : {}),
    ...defined({
      remaining: mapDefined(item.remaining, () => longIndexes(jOf(item, "remaining", what), count, what, "remaining")),
      group: item.group?.S,
      schedule_from: mapDefined(item.schedule_from, () => countOf(item, "schedule_from", what)),
      reason: item.reason?.S,
      retried_by: item.retried_by?.S,
      replay_id: parts[3],
    }),
  };
}
