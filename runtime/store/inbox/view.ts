import { fitting } from "../../domain/answer.ts";
import { defined } from "../../domain/defined.ts";
import { type DeliveryStatus, type EventStatus, foldStatus, spliceEvent } from "../../domain/event.ts";
import { deliveryId, eventId, timeOf, type Ulid, ulidAt } from "../../domain/ids.ts";
import { waits } from "../../domain/statuses.ts";
import { rfc3339 } from "../../domain/time.ts";
import type { BatchItem } from "../batches/batchItem.ts";
import { type DeliveryItem, deliveryStatusAt } from "../deliveries/deliveryItem.ts";

/** What an event and its deliveries look like to a customer. Pure. */

/** A delivery as the API shows it. Within an event, `event_ids` names that event alone. */
export interface DeliveryView {
  readonly delivery_id: string;
  readonly subscription_id: string;
  readonly event_ids: readonly string[];
  readonly status: DeliveryStatus;
  readonly attempts: DeliveryItem["attempts"];
  /** Attempts after the first ten that are no longer kept; only where there are any. */
  readonly attempts_left_out?: number;
  readonly next_attempt_at: string | null;
  readonly created_at: string;
  readonly reason?: string;
  readonly replay_id?: string;
}

/** Whether a subscription is gone for good: its waiting deliveries are cancelled. */
export type IsRemoved = (subscriptionId: string) => boolean;

/** What a delivery's status has become where its subscription is removed or its event deleted. */
const settled = (status: DeliveryStatus, cancelled: boolean): DeliveryStatus =>
  cancelled && waits(status) ? "cancelled" : status;

/** When a delivery came to be: with its batch, or when its replay was asked for. */
const createdAt = (first: Ulid, replayId: string | undefined): string =>
  rfc3339(timeOf(replayId === undefined ? first : replayId.slice(4)));

/** @param offsets of the events to name */
export function viewDelivery(item: DeliveryItem, offsets: readonly number[], status: DeliveryStatus): DeliveryView {
  const replay_id = item.retried_by ?? item.replay_id;
  const next = status === "failed" ? item.next_attempt_at : undefined;
  return {
    delivery_id: deliveryId(item.first, item.subscription_id, item.replay_id),
    subscription_id: item.subscription_id,
    event_ids: offsets.map((offset) => eventId(ulidAt(item.first, offset))),
    status,
    attempts: item.attempts.map(({ unsent: _, answer_with: __, ...attempt }) => attempt),
    ...defined({ attempts_left_out: item.left_out?.attempts }),
    next_attempt_at: next === undefined ? null : rfc3339(next),
    created_at: createdAt(item.first, item.replay_id),
    ...defined({ reason: item.reason, replay_id }),
  };
}

/** A matched pair that has no item yet: its first attempt is on its way. */
export function pendingDelivery(batch: BatchItem, subscriptionId: string): DeliveryItem {
  return {
    tenant: batch.tenant,
    first: batch.first,
    count: batch.count,
    subscription_id: subscriptionId,
    indexes: batch.matched[subscriptionId] ?? [],
    status: "pending",
    attempts: [],
    expiry: batch.expiry,
  };
}

/** Every delivery of a batch: the items, and the matched pairs that have none yet. */
export function allDeliveries(batch: BatchItem, items: readonly DeliveryItem[]): DeliveryItem[] {
  const begun = new Set(items.filter((item) => item.replay_id === undefined).map((item) => item.subscription_id));
  const waiting = Object.keys(batch.matched).filter((id) => !begun.has(id));
  return [...items, ...waiting.map((id) => pendingDelivery(batch, id))];
}

/** The deliveries that concern the event at this offset, each with the status it has for that event. */
export function deliveriesAt(
  batch: BatchItem,
  items: readonly DeliveryItem[],
  offset: number,
  isRemoved: IsRemoved,
): { readonly item: DeliveryItem; readonly status: DeliveryStatus }[] {
  const deleted = batch.deleted.includes(offset);
  return allDeliveries(batch, items)
    .filter((item) => item.indexes.includes(offset))
    .map((item) => ({
      item,
      status: settled(deliveryStatusAt(item, offset), deleted || isRemoved(item.subscription_id)),
    }));
}

/**
 * The event's status. A subscription that has received the event once, be it by a replay, has received it; over several
 * subscriptions the worst wins.
 */
export function statusOf(deliveries: readonly { item: DeliveryItem; status: DeliveryStatus }[]): EventStatus {
  const bySubscription = new Map<string, DeliveryStatus[]>();
  for (const { item, status } of deliveries) {
    const list = bySubscription.get(item.subscription_id);
    if (list === undefined) bySubscription.set(item.subscription_id, [status]);
    else list.push(status);
  }
  return foldStatus(
    [...bySubscription.values()].flatMap((statuses) =>
      statuses.includes("delivered") ? (["delivered"] as const) : statuses,
    ),
  );
}

/** An event read back, ready to be shown. */
export interface StoredEvent {
  readonly ulid: Ulid;
  readonly batch: BatchItem;
  readonly offset: number;
  readonly raw: Buffer;
  readonly status: EventStatus;
  readonly deliveries: readonly { item: DeliveryItem; status: DeliveryStatus }[];
}

/** Bytes of an event's deliveries: with a payload of 1,000,000 bytes they fit into one answer. */
const DELIVERIES_BYTES = 3_000_000;

/** The deliveries of an event as they are shown with it, each as JSON: the first that fit into an answer. */
const shownDeliveries = ({ offset, deliveries }: StoredEvent): readonly string[] =>
  fitting(
    deliveries.map(({ item, status }) => JSON.stringify(viewDelivery(item, [offset], status))),
    Buffer.byteLength,
    DELIVERIES_BYTES,
  );

/** Bytes that an event takes in an answer, at most. */
export const shownSize = (event: StoredEvent): number =>
  event.raw.length + 400 + shownDeliveries(event).reduce((bytes, text) => bytes + Buffer.byteLength(text) + 1, 0);

/**
 * The event's JSON: its payload as it was sent, byte for byte, with `status`, `acknowledged_at` and `deliveries`. Where those would not
 * fit into an answer, `more_deliveries` counts the others; `GET /deliveries` lists them all.
 */
export function writeEvent(event: StoredEvent): Buffer {
  const { batch, offset, raw, status, deliveries } = event;
  const acknowledged = batch.acknowledged[offset];
  const texts = shownDeliveries(event);
  const more = deliveries.length - texts.length;
  const spliced = spliceEvent(batch.first, offset, batch.types[offset] ?? null, raw);
  const acknowledged_at = acknowledged === undefined ? null : rfc3339(acknowledged);
  const rest = JSON.stringify({ status, acknowledged_at }).slice(1, -1);
  const left = more > 0 ? `,"more_deliveries":${more}` : "";
  return Buffer.concat([spliced.subarray(0, -1), Buffer.from(`,${rest},"deliveries":[${texts.join(",")}]${left}}`)]);
}

const COMMA = Buffer.from(",");

/** `{"events":[…],<rest>}` of texts that are JSON already. @param rest further members of the object */
export function writeList(name: string, texts: readonly Uint8Array[], rest: Readonly<Record<string, unknown>>): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`{${JSON.stringify(name)}:[`)];
  for (const [i, text] of texts.entries()) {
    if (i > 0) parts.push(COMMA);
    parts.push(text);
  }
  const tail = JSON.stringify(rest);
  parts.push(Buffer.from(tail === "{}" ? "]}" : `],${tail.slice(1)}`));
  return Buffer.concat(parts);
}
