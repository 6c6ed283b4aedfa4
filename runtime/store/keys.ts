import { between } from "../aws/tables.ts";
import type { Item } from "../domain/codec/fields.ts";
import type { DeliveryStatus } from "../domain/event.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { Ulid } from "../domain/ids.ts";
import { shardOf, shardsOf } from "../domain/shards.ts";
import type { Millis } from "../domain/time.ts";

/**
 * Keys of the events table and of its two indexes, and ranges of them. A tenant's partitions are its shards (domain/shards.ts), in which a
 * batch stands beside what belongs to it; the sort key begins with the kind of the item and the batch's first ULID.
 */

const key = (pk: string, sk: string): Item => ({ pk: { S: pk }, sk: { S: sk } });

/** Tells one item from all others. @param item an item, or its key */
export const keyText = ({ pk, sk }: Item): string => `${pk!.S}\n${sk!.S}`;

/** Kinds of the items of a shard, as sort keys begin: batches, ids that they match, deliveries, acknowledgements, deleted events. */
export type Kind = "e" | "m" | "d" | "a" | "x";
/** Kinds of which a batch may have many items. */
const many: readonly Kind[] = ["m", "d"];

/** Partition of a batch and of all that belongs to it. */
export const partitionOf = (tenant: Tenant, first: Ulid): string => shardPartition(tenant, shardOf(tenant, first));
/** Every partition that a tenant's batches may be in, whenever they came. */
export const partitionsOf = (tenant: Tenant): string[] =>
  Array.from({ length: shardsOf(tenant) }, (_, shard) => shardPartition(tenant, shard));
export const shardPartition = (tenant: Tenant, shard: number): string => `${tenant}#${shard}`;

/** The first ULID of the batch that an item of a shard belongs to. @param sk its sort key */
export const firstIn = (sk: string): string => sk.slice(2, 28);

export const batchSortKey = (first: Ulid): string => `e#${first}`;
export const batchKey = (tenant: Tenant, first: Ulid): Item => key(partitionOf(tenant, first), batchSortKey(first));

export const deliverySortKey = (first: Ulid, subscriptionId: string, replayId?: string): string =>
  `d#${first}#${subscriptionId}${replayId === undefined ? "" : `#${replayId}`}`;
/** What a delivery is known by. */
export interface DeliveryName {
  readonly tenant: Tenant;
  /** First ULID of its batch. */
  readonly first: Ulid;
  readonly subscription_id: string;
  /** The replay that made it. */
  readonly replay_id?: string;
}
export const deliveryKey = ({ tenant, first, subscription_id, replay_id }: DeliveryName): Item =>
  key(partitionOf(tenant, first), deliverySortKey(first, subscription_id, replay_id));

/** Where a part of the ids is that match a batch. @param name of the decision that they were found by */
export const matchedKey = (tenant: Tenant, first: Ulid, name: string, part: number): Item =>
  key(partitionOf(tenant, first), `m#${first}#${name}#${part}`);

/** Where a batch's marks of acknowledgement are. */
export const markKey = (tenant: Tenant, first: Ulid): Item => key(partitionOf(tenant, first), `a#${first}`);
/** Where it is remembered which events of a batch were deleted. */
export const tombstoneKey = (tenant: Tenant, first: Ulid): Item => key(partitionOf(tenant, first), `x#${first}`);

/** Items of one kind in a partition. @param lo first ULIDs of their batches, both inclusive */
export const kindBetween = (pk: string, kind: Kind, lo: string, hi: string) =>
  between(pk, `${kind}#${lo}`, `${kind}#${hi}${many.includes(kind) ? "~" : ""}`);

/** Where a tenant's low-water mark is kept. */
export const lowWaterKey = (tenant: Tenant): Item => key(`${tenant}#0`, "w#inbox");

export const circuitPartition = (tenant: Tenant): string => `${tenant}#circuit`;
const CIRCUIT = "c#";
export const circuitKey = (tenant: Tenant, subscriptionId: string): Item =>
  key(circuitPartition(tenant), `${CIRCUIT}${subscriptionId}`);
/** Whether an item of the index of due items is a circuit; otherwise it is a delivery. */
export const isCircuit = ({ sk }: Item): boolean => sk!.S!.startsWith(CIRCUIT);

export const testSlotKey = (customerId: string, slot: number): Item => key(`${customerId}#tests`, `slot#${slot}`);

/** @param window of ten seconds, counted since the epoch */
export const hostKey = (host: string, window: number): Item => key(`host#${host}`, String(window).padStart(12, "0"));

/** All stops are in one partition, ordered by time. */
export const STOPS = "stops";
/** @param at milliseconds since the epoch */
export const stopSortKey = (at: Millis): string => String(at).padStart(15, "0");
export const stopKey = (at: Millis, tenant: Tenant, subscriptionId: string | undefined): Item =>
  key(STOPS, `${stopSortKey(at)}#${tenant}#${subscriptionId ?? ""}`);

// ---- the sparse index `by_state`, in which deliveries are ordered by batch ----

const stateName = (tenant: Tenant, status: DeliveryStatus): string => `${tenant}#${status}`;
const heldName = (tenant: Tenant, subscriptionId: string): string => `${tenant}#held#${subscriptionId}`;
/** A partition takes 1,000 units a second, and a full one makes the table refuse writes too. So this many partitions share a name. */
const STATE_SHARDS = 16;
/** All partitions of a name. The first holds what was written before there were others. */
const statePartitionsOf = (name: string): string[] => [
  name,
  ...Array.from({ length: STATE_SHARDS }, (_, shard) => `${name}#${shard}`),
];
/** Where the failed, or dead-lettered, deliveries of a tenant are. */
export const statePartitions = (tenant: Tenant, status: DeliveryStatus): string[] =>
  statePartitionsOf(stateName(tenant, status));
/** Where the deliveries are that a subscription's disabling or open circuit holds back. */
export const heldPartitions = (tenant: Tenant, subscriptionId: string): string[] =>
  statePartitionsOf(heldName(tenant, subscriptionId));

/** The partition that a delivery is found in, where it is in one. */
export function statePartitionOf(
  { tenant, subscription_id, first }: DeliveryName,
  { status, held = false }: { readonly status: DeliveryStatus; readonly held?: boolean },
): string | undefined {
  const within = (name: string) => `${name}#${spread(first, STATE_SHARDS)}`;
  if (held) return within(heldName(tenant, subscription_id));
  return status === "failed" || status === "dead_lettered" ? within(stateName(tenant, status)) : undefined;
}

/** Deliveries in a partition of the index. @param lo first ULIDs of their batches, both inclusive */
export const inStateBetween = (pk: string, lo: string, hi: string) => ({
  KeyConditionExpression: "state_pk = :pk AND sk BETWEEN :lo AND :hi",
  ExpressionAttributeValues: { ":pk": { S: pk }, ":lo": { S: `d#${lo}` }, ":hi": { S: `d#${hi}~` } } satisfies Item,
});

/** All deliveries in a partition of the index behind a sort key. */
export const inStateAfter = (pk: string, after = "d#") => ({
  KeyConditionExpression: "state_pk = :pk AND sk > :after",
  ExpressionAttributeValues: { ":pk": { S: pk }, ":after": { S: after } } satisfies Item,
});

// ---- the sparse index `due`, in which deliveries and circuits are ordered by time ----

const DUE_PARTITIONS = 16;
/** Which of its partitions something waits in; by a ULID or a post's id, so that a post stays together. */
export const duePartition = (id: string): string => `due#${spread(id, DUE_PARTITIONS)}`;
export const duePartitions: readonly string[] = Array.from({ length: DUE_PARTITIONS }, (_, n) => `due#${n}`);

/** One of `parts` partitions, by the random part of an id. */
function spread(id: string, parts: number): number {
  let hash = 0;
  for (let i = 10; i < id.length; i += 1) hash = (hash * 31 + id.charCodeAt(i)) >>> 0;
  return hash % parts;
}
