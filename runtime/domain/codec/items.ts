import { defined, mapDefined } from "../defined.ts";
import { type DeliveryStatus, deliveryStatuses } from "../event.ts";
import type { Tenant } from "../identity/identity.ts";
import { isUlid, shardOf } from "../ids.ts";
import {
  checkItemVersion,
  corrupt,
  countOf,
  type Item,
  J,
  jOf,
  keysOf,
  longIndexes,
  longTypes,
  N,
  nOf,
  S,
  shortIndexes,
  shortTypes,
  sOf,
  VERSION,
} from "./fields.ts";
import type { Body } from "./messages.ts";

export type { Item } from "./fields.ts";

/** Items of the events table: batches and the state of their deliveries. */

/** A stored batch: one item an accepted request. */
export interface BatchItem {
  readonly tenant: Tenant;
  readonly first: string;
  readonly count: number;
  readonly types: readonly (string | null)[];
  readonly key_id: string;
  readonly body: Body;
  /** What the router decided: offsets of the matching events by subscription id. */
  readonly matched: Readonly<Record<string, readonly number[]>>;
  /** Version of the customer's subscriptions that decided it. */
  readonly snapshot_version: number;
  /** Milliseconds since the epoch. */
  readonly routed_at: number;
  /** When its write began, milliseconds; after its neighbours of the invocation were matched too. Items of old have none. */
  readonly stored_at?: number;
  readonly acknowledged: Readonly<Record<number, number>>;
  readonly deleted: readonly number[];
  /** Seconds since the epoch, as DynamoDB's expiry wants it. */
  readonly expires_at: number;
  /** Name of the key that sent it, where it has one. */
  readonly key_name?: string;
  readonly traceparent?: string;
  /** How often its events came out of webhooks and back in; left out for none. */
  readonly hops?: number;
  /** Of the request's `Idempotency-Key`; gone once its entry was erased. */
  readonly key_hash?: string;
}

export interface Attempt {
  /** RFC 3339. */
  readonly at: string;
  readonly status_code: number | null;
  readonly latency_ms: number;
  /** Named failure (`timeout`, `connection_reset`, …) or null on success. */
  readonly error: string | null;
  /** What happened, in words, where nothing could be sent. */
  readonly error_detail?: string;
  /** Up to 1 KB of the answer. */
  readonly response_excerpt?: string;
  /** Offsets of the delivery that were deleted or erased by then, and not sent: the answer can't repeat them. */
  readonly unsent?: readonly number[];
  /** Of a post that deliveries of several batches shared: first ULIDs of those that keep its answer, which may repeat any of them. */
  readonly answer_with?: readonly string[];
}

/** The state of one (batch, subscription) delivery. A matched pair without this item is pending. */
export interface DeliveryItem {
  readonly tenant: Tenant;
  readonly first: string;
  readonly count: number;
  readonly subscription_id: string;
  readonly indexes: readonly number[];
  readonly status: DeliveryStatus;
  readonly attempts: readonly Attempt[];
  /** Milliseconds since the epoch; only while `failed`. */
  readonly next_attempt_at?: number;
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
  readonly expires_at: number;
}

/** Partition of a batch and of its deliveries. */
export const partitionOf = (tenant: Tenant, first: string): string => `${tenant}#${shardOf(first)}`;
export const batchSortKey = (first: string): string => `e#${first}`;
export const deliverySortKey = (first: string, subscriptionId: string, replayId?: string): string =>
  `d#${first}#${subscriptionId}${replayId === undefined ? "" : `#${replayId}`}`;

/** The public id of a delivery: `dlv_<batch ulid>_<subscription ulid>[_<replay ulid>]`. */
export const deliveryId = (first: string, subscriptionId: string, replayId?: string): string =>
  `dlv_${[first, subscriptionId.slice(4), ...(replayId === undefined ? [] : [replayId.slice(4)])].join("_")}`;

/** What a delivery id names, or undefined when it is not one. */
export function parseDeliveryId(
  id: string,
): { first: string; subscription_id: string; replay_id?: string } | undefined {
  const [prefix, first, subscription, replay, ...rest] = id.split("_");
  if (
    prefix !== "dlv" ||
    rest.length > 0 ||
    ![first, subscription, replay ?? first].every((p) => p !== undefined && isUlid(p))
  )
    return undefined;
  return {
    first: first!,
    subscription_id: `sub_${subscription!}`,
    ...defined({ replay_id: mapDefined(replay, (replay) => `rpl_${replay}`) }),
  };
}

/** What deliveries are looked for by in the sparse index `by_state`, within which they are ordered by batch ULID. */
const stateName = (tenant: Tenant, status: DeliveryStatus): string => `${tenant}#${status}`;
const heldName = (tenant: Tenant, subscriptionId: string): string => `${tenant}#held#${subscriptionId}`;
/** A partition takes 1,000 units a second, and a full one refuses the table's writes too: as many share a name. */
const STATE_SHARDS = 16;
/** All partitions of a name; the first is where everything was before there were others. */
const statePartitionsOf = (name: string): string[] => [
  name,
  ...Array.from({ length: STATE_SHARDS }, (_, shard) => `${name}#${shard}`),
];
/** Sparse index `by_state`: where the failed, or dead-lettered, deliveries of a tenant are. */
export const statePartitions = (tenant: Tenant, status: DeliveryStatus): string[] =>
  statePartitionsOf(stateName(tenant, status));
/** Sparse index `by_state`: where the deliveries are that a subscription's disabling or open circuit holds back. */
export const heldPartitions = (tenant: Tenant, subscriptionId: string): string[] =>
  statePartitionsOf(heldName(tenant, subscriptionId));
export const DUE_PARTITIONS = 16;
/** Sparse index `due`: which of its 16 partitions something waits in; by a ULID or a post's id, so that a post stays together. */
export const duePartition = (id: string): string => `due#${spread(id, DUE_PARTITIONS)}`;

/** One of so many, by what of an id is random. */
function spread(id: string, parts: number): number {
  let hash = 0;
  for (let i = 10; i < id.length; i += 1) hash = (hash * 31 + id.charCodeAt(i)) >>> 0;
  return hash % parts;
}

/** The state of one event within a delivery: those of a large one may have arrived while others wait. */
export const deliveryStatusAt = (delivery: DeliveryItem, offset: number): DeliveryStatus =>
  delivery.remaining === undefined || delivery.remaining.includes(offset) ? delivery.status : "delivered";

const bodyAttributes = (body: Body): Item =>
  "inline" in body ? { body: { B: body.inline } } : { s3_key: S(body.s3_key) };

export function encodeBatch(batch: BatchItem): Item {
  return {
    pk: S(partitionOf(batch.tenant, batch.first)),
    sk: S(batchSortKey(batch.first)),
    v: N(VERSION),
    count: N(batch.count),
    types: J(shortTypes(batch.types)),
    key_id: S(batch.key_id),
    matched: J(Object.entries(batch.matched).map(([id, at]) => (at.length === batch.count ? [id] : [id, at]))),
    snapshot_version: N(batch.snapshot_version),
    routed_at: N(batch.routed_at),
    ...defined({ stored_at: mapDefined(batch.stored_at, N) }),
    expires_at: N(batch.expires_at),
    ...bodyAttributes(batch.body),
    // Acknowledgement is a map from offset to time, deletion a number set: both are changed in place by update expressions.
    acknowledged: { M: Object.fromEntries(Object.entries(batch.acknowledged).map(([at, ms]) => [at, N(ms)])) },
    ...(batch.deleted.length === 0 ? {} : { deleted: { NS: batch.deleted.map(String) } }),
    ...defined({
      key_name: mapDefined(batch.key_name, S),
      traceparent: mapDefined(batch.traceparent, S),
      hops: mapDefined(batch.hops, N),
      key_hash: mapDefined(batch.key_hash, S),
    }),
  };
}

/** Reads a batch item; with `body` left out by a projection, `body` is an empty inline buffer. @throws CodecError */
export function decodeBatch(item: Item): BatchItem {
  const what = "batch item";
  checkItemVersion(item, what);
  const { tenant, parts } = keysOf(item, /^e#([0-9A-Z]{26})$/, what);
  const count = countOf(item, "count", what);
  const matched = jOf(item, "matched", what);
  if (!Array.isArray(matched) || !matched.every((pair) => Array.isArray(pair) && typeof pair[0] === "string"))
    throw corrupt(what, "matched");
  const key = item.s3_key?.S;
  return {
    tenant,
    first: parts[1]!,
    count,
    types: longTypes(jOf(item, "types", what), count, what),
    key_id: sOf(item, "key_id", what),
    body: key === undefined ? { inline: Buffer.from(item.body?.B ?? []) } : { s3_key: key },
    matched: Object.fromEntries(
      (matched as [string, unknown?][]).map(([id, at]) => [id, longIndexes(at ?? null, count, what, "matched")]),
    ),
    snapshot_version: nOf(item, "snapshot_version", what),
    routed_at: nOf(item, "routed_at", what),
    ...defined({ stored_at: mapDefined(item.stored_at, () => nOf(item, "stored_at", what)) }),
    acknowledged: Object.fromEntries(
      Object.entries(item.acknowledged?.M ?? {}).map(([at, ms]) => [Number(at), Number(ms.N)]),
    ),
    deleted: (item.deleted?.NS ?? []).map(Number).sort((a, b) => a - b),
    expires_at: nOf(item, "expires_at", what),
    ...defined({
      key_name: item.key_name?.S,
      traceparent: item.traceparent?.S,
      hops: mapDefined(item.hops, () => nOf(item, "hops", what)),
      key_hash: item.key_hash?.S,
    }),
  };
}

/** The partition of `by_state` a delivery is found in, where it is in one. */
function stateOf(delivery: DeliveryItem): string | undefined {
  const { tenant, status, subscription_id, first } = delivery;
  const within = (name: string) => `${name}#${spread(first, STATE_SHARDS)}`;
  if (delivery.held === true) return within(heldName(tenant, subscription_id));
  return status === "failed" || status === "dead_lettered" ? within(stateName(tenant, status)) : undefined;
}

export function encodeDeliveryItem(delivery: DeliveryItem): Item {
  const { tenant, first, subscription_id, status, count } = delivery;
  const state = stateOf(delivery);
  return {
    pk: S(partitionOf(tenant, first)),
    sk: S(deliverySortKey(first, subscription_id, delivery.replay_id)),
    v: N(VERSION),
    count: N(count),
    indexes: J(shortIndexes(delivery.indexes, count)),
    status: S(status),
    attempts: J(delivery.attempts),
    expires_at: N(delivery.expires_at),
    ...defined({ state_pk: mapDefined(state, S) }),
    ...(delivery.held === true ? { held: { BOOL: true } } : {}),
    ...defined({ next_attempt_at: mapDefined(delivery.next_attempt_at, N) }),
    ...(delivery.swept === true ? { due_pk: S(duePartition(delivery.group ?? first)) } : {}),
    ...defined({
      remaining: mapDefined(delivery.remaining, J),
      group: mapDefined(delivery.group, S),
      schedule_from: mapDefined(delivery.schedule_from, N),
      reason: mapDefined(delivery.reason, S),
      retried_by: mapDefined(delivery.retried_by, S),
    }),
  };
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
  if (!Array.isArray(attempts)) throw corrupt(what, "attempts");
  return {
    tenant,
    first: parts[1]!,
    count,
    subscription_id: parts[2]!,
    indexes: longIndexes(jOf(item, "indexes", what), count, what),
    status,
    attempts: attempts as Attempt[],
    expires_at: nOf(item, "expires_at", what),
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
