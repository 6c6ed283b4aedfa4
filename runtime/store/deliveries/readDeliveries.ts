import { getItem } from "../../aws/tables.ts";
import { jsonSize, PAGE_BYTES } from "../../domain/answer.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import type { DeliveryStatus } from "../../domain/event.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { type Ulid, ulidAt } from "../../domain/ids.ts";
import { type ErrorClass, errorClassOf } from "../../domain/metrics/names.ts";
import type { SubscriptionOf } from "../../domain/subscription.ts";
import type { Millis } from "../../domain/time.ts";
import type { BatchItem } from "../batches/batchItem.ts";
import { type BatchStream, batchStream, type Order, PAUSED, type StatePartition } from "../batches/batchStream.ts";
import { budget, indexed, ulidsBetween } from "../batches/bounds.ts";
import { findEvents } from "../batches/find.ts";
import type { ReadOptions } from "../inbox/read.ts";
import { allDeliveries, type DeliveryView, type IsRemoved, pendingDelivery, viewDelivery } from "../inbox/view.ts";
import { deliveryKey, deliverySortKey, firstIn, heldPartitions, statePartitions } from "../keys.ts";
import type { Store } from "../table.ts";
import { deliveriesOf } from "./deliveriesOf.ts";
import { type DeliveryItem, decodeDeliveryItem } from "./deliveryItem.ts";

/** Lists of deliveries, and what a subscription has not received. */

export interface DeliveryQuery {
  readonly statuses?: readonly DeliveryStatus[];
  readonly subscriptionId?: string;
  /** Of any of these. */
  readonly subscriptionIds?: readonly string[];
  readonly replayId?: string;
  /** With an event whose type passes. */
  matchesType?(type: string): boolean;
  /** Whose last attempt failed like this. */
  readonly errors?: readonly ErrorClass[];
  /** Of events received at or after, before; milliseconds. */
  readonly from?: Millis;
  readonly to?: Millis;
}

export interface DeliveryPosition {
  readonly began: number;
  /** Sort key of the last delivery given: `d#<batch ulid>#<subscription>[#<replay>]`. */
  readonly after?: string;
}

export interface DeliveryPage {
  readonly deliveries: readonly DeliveryView[];
  readonly next: DeliveryPosition | null;
}

const CHUNK = 100;
const sortKeyOf = (item: DeliveryItem): string => deliverySortKey(item.first, item.subscription_id, item.replay_id);

/** A delivery with the status it has by now, and the offsets of its events that still exist. */
export function currentDelivery(
  batch: BatchItem,
  item: DeliveryItem,
  isRemoved: IsRemoved,
): { readonly offsets: number[]; readonly status: DeliveryStatus } {
  const offsets = item.indexes.filter((offset) => !batch.deleted.includes(offset));
  const waits = item.status === "pending" || item.status === "failed";
  const cancelled = waits && (offsets.length === 0 || isRemoved(item.subscription_id));
  return { offsets, status: cancelled ? "cancelled" : item.status };
}

/** Up to a chunk of batches. `end`: all are read; `paused`: the budget is used up. */
async function take(stream: BatchStream): Promise<{ batches: BatchItem[]; end: boolean; paused: boolean }> {
  const batches: BatchItem[] = [];
  while (batches.length < CHUNK) {
    const batch = await stream.next();
    if (batch === undefined || batch === PAUSED) return { batches, end: batch === undefined, paused: batch === PAUSED };
    batches.push(batch);
  }
  return { batches, end: false, paused: false };
}

/** What a delivery has to be like, as far as its item and its batch tell. */
function wantedBy(query: DeliveryQuery) {
  const { subscriptionId, subscriptionIds, replayId, errors } = query;
  const hasType = (batch: BatchItem, offsets: readonly number[]) =>
    query.matchesType === undefined ||
    offsets.some((offset) => {
      const type = batch.types[offset] ?? "";
      return type !== "" && query.matchesType?.(type) === true;
    });
  const failed = ({ attempts }: DeliveryItem) => {
    const last = attempts.at(-1);
    const error = last === undefined ? null : errorClassOf(last.error, last.status_code);
    return errors === undefined || (error !== null && errors.includes(error));
  };
  return (batch: BatchItem, item: DeliveryItem): boolean =>
    (subscriptionId === undefined || item.subscription_id === subscriptionId) &&
    (subscriptionIds?.includes(item.subscription_id) ?? true) &&
    (replayId === undefined || [item.replay_id, item.retried_by].includes(replayId)) &&
    hasType(batch, item.indexes) &&
    failed(item);
}

/** Deliveries of a tenant, those of the newest events first. */
export async function readDeliveries(
  store: Store,
  tenant: Tenant,
  query: DeliveryQuery,
  position: DeliveryPosition,
  options: ReadOptions,
): Promise<DeliveryPage> {
  const now = options.now();
  const kept = options.retentionMs === undefined ? 0 : now - options.retentionMs;
  const bounds = ulidsBetween(
    "desc",
    Math.max(query.from ?? 0, kept),
    Math.min(query.to ?? Number.POSITIVE_INFINITY, position.began + 1),
  );
  const reached = mapDefined(position.after, firstIn);
  const partitions = indexed(tenant, query.statuses);
  const { subscriptionId } = query;
  const isWanted = wantedBy(query);
  const stream = batchStream(
    store,
    tenant,
    {
      order: "desc",
      lo: bounds.lo,
      hi: reached === undefined || bounds.hi < reached ? bounds.hi : reached,
      now,
      headsOnly: true,
    },
    budget(options.now),
    partitions?.map((partition) => ({ ...partition, ...(subscriptionId && { subscriptionId }) })),
  );
  const deliveries: DeliveryView[] = [];
  let size = 0;
  let after = position.after;
  const next = () => ({ began: position.began, ...defined({ after }) });
  for (;;) {
    const { batches, end, paused } = await take(stream);
    const matching = batches.filter(({ matched }) => Object.keys(matched).length > 0);
    const items = await deliveriesOf(
      store,
      tenant,
      batches.map(({ first }) => first),
      partitions === undefined ? batches.length : Number.POSITIVE_INFINITY,
    );
    const ids = new Set([
      ...matching.flatMap(({ matched }) => Object.keys(matched)),
      ...[...items.values()].flat().map((item) => item.subscription_id),
    ]);
    const isRemoved = ids.size === 0 ? () => false : await options.removed([...ids]);
    for (const batch of batches) {
      const own = allDeliveries(batch, items.get(batch.first) ?? []).sort((a, b) =>
        sortKeyOf(a) < sortKeyOf(b) ? 1 : -1,
      );
      for (const item of own) {
        if (position.after !== undefined && sortKeyOf(item) >= position.after) continue;
        if (!isWanted(batch, item)) continue;
        const { offsets, status } = currentDelivery(batch, item, isRemoved);
        if (query.statuses !== undefined && !query.statuses.includes(status)) continue;
        const view = viewDelivery(item, offsets, status);
        size += jsonSize(view) + 1;
        if (deliveries.length === options.limit || (deliveries.length > 0 && size > PAGE_BYTES)) {
          return { deliveries, next: next() };
        }
        deliveries.push(view);
        after = sortKeyOf(item);
      }
      after = `d#${batch.first}#`;
    }
    if (end) return { deliveries, next: null };
    if (paused) {
      if (stream.reached !== undefined) after = `d#${stream.reached}#`;
      return { deliveries, next: next() };
    }
  }
}

/** One delivery: its item, or the matched pair whose first attempt is on its way. */
export async function findDelivery(
  store: Store,
  tenant: Tenant,
  id: { readonly first: Ulid; readonly subscription_id: string; readonly replay_id?: string },
  now: Millis,
): Promise<{ readonly batch: BatchItem; readonly item: DeliveryItem } | undefined> {
  const [places, stored] = await Promise.all([
    findEvents(store, tenant, [id.first], { now, body: false, deleted: true }),
    getItem(store.events, deliveryKey({ tenant, ...id }), "eventual"),
  ]);
  const batch = places.get(id.first)?.batch;
  if (batch === undefined || batch.first !== id.first) return undefined;
  if (stored !== undefined) return { batch, item: decodeDeliveryItem(stored) };
  if (id.replay_id !== undefined || batch.matched[id.subscription_id] === undefined) return undefined;
  return { batch, item: pendingDelivery(batch, id.subscription_id) };
}

/** One event that a subscription has not received, with the delivery that owes it. */
export interface Owed {
  readonly batch: BatchItem;
  readonly offset: number;
  readonly items: readonly DeliveryItem[];
}

/**
 * The events that a delivery owes. If it waits or was given up, these are its offsets less those of delivered and of deleted
 * events.
 */
export const owedOffsets = (batch: BatchItem, item: DeliveryItem): number[] =>
  item.status === "failed" || item.status === "dead_lettered" || (item.status === "pending" && item.held === true)
    ? (item.remaining ?? item.indexes).filter((offset) => !batch.deleted.includes(offset))
    : [];

const backlogPartitions = (tenant: Tenant, subscriptionId: string): StatePartition[] => [
  ...heldPartitions(tenant, subscriptionId).map((pk) => ({ pk })),
  ...statePartitions(tenant, "failed").map((pk) => ({ pk, subscriptionId })),
  ...statePartitions(tenant, "dead_lettered").map((pk) => ({ pk, subscriptionId })),
];

export interface BacklogQuery {
  readonly order: Order;
  /** ULID of the last event of the page before. */
  readonly after: string | undefined;
}

/** One page of the events that a subscription has not received: held back, waiting for another attempt, or given up. */
export async function readBacklog(
  store: Store,
  { tenant, subscription_id: subscriptionId }: SubscriptionOf,
  { order, after }: BacklogQuery,
  options: Pick<ReadOptions, "limit" | "now">,
): Promise<{ readonly owed: readonly (Owed & { ulid: Ulid })[]; readonly next: string | null }> {
  const now = options.now();
  const { lo, hi } = ulidsBetween(order, 0, Number.POSITIVE_INFINITY, after);
  const stream = batchStream(
    store,
    tenant,
    { order, lo, hi, now, marks: true },
    budget(options.now),
    backlogPartitions(tenant, subscriptionId),
  );
  const owed: (Owed & { ulid: Ulid })[] = [];
  let last = after;
  for (;;) {
    const { batches, end, paused } = await take(stream);
    const items = await deliveriesOf(
      store,
      tenant,
      batches.map(({ first }) => first),
      Number.POSITIVE_INFINITY,
    );
    for (const batch of batches) {
      const own = (items.get(batch.first) ?? []).filter((item) => item.subscription_id === subscriptionId);
      const offsets = [...new Set(own.flatMap((item) => owedOffsets(batch, item)))].sort((a, b) => a - b);
      for (const offset of order === "asc" ? offsets : offsets.reverse()) {
        const ulid = ulidAt(batch.first, offset);
        if (after !== undefined && (order === "asc" ? ulid <= after : ulid >= after)) continue;
        if (owed.length === options.limit) return { owed, next: last ?? null };
        owed.push({ batch, offset, items: items.get(batch.first) ?? [], ulid });
        last = ulid;
      }
    }
    if (end) return { owed, next: null };
    if (paused) return { owed, next: stream.reached ?? last ?? null };
  }
}
