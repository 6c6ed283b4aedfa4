import type { Table } from "../aws/tables.ts";
import { defined, mapDefined } from "../domain/defined.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { deliveryId, eventId, timeOf, type Ulid, ulidAt } from "../domain/ids.ts";
import { type LiveDelivery, type LiveEvent, MOST_EVENT_IDS } from "../domain/live.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";
import type { BatchItem } from "./batches/batchItem.ts";
import { batchStream, PAUSED } from "./batches/batchStream.ts";
import { ulidsBetween } from "./batches/bounds.ts";
import { deliveriesOf } from "./deliveries/deliveriesOf.ts";
import type { DeliveryItem } from "./deliveries/deliveryItem.ts";
import { attemptsMade } from "./deliveries/keptAttempts.ts";
import { deliveriesAt, statusOf } from "./inbox/view.ts";
import type { Store } from "./table.ts";

/** Stored events and deliveries as people who watch see them: with neither payloads nor answers of endpoints. */

type Told = Pick<BatchItem, "first" | "count" | "types" | "key_id" | "matched" | "deleted">;

/** The events of a batch that was just stored. */
export function liveEvents(batch: Told): LiveEvent[] {
  const matched = new Set(Object.values(batch.matched).flat());
  const received_at = rfc3339(timeOf(batch.first));
  return Array.from({ length: batch.count }, (_, offset) => offset)
    .filter((offset) => !batch.deleted.includes(offset))
    .map((offset) => ({
      event_id: eventId(ulidAt(batch.first, offset)),
      event_type: batch.types[offset] ?? null,
      received_at,
      status: matched.has(offset) ? "pending" : "unmatched",
      key_id: batch.key_id,
    }));
}

/** What the last attempt made of a delivery. @param types of its batch's events, by offset */
export function liveDelivery(item: DeliveryItem, types: readonly (string | null)[]): LiveDelivery {
  const { status } = item;
  const last = item.attempts.at(-1);
  const next = status === "failed" ? item.next_attempt_at : undefined;
  return {
    at: last?.at ?? rfc3339(timeOf(item.first)),
    delivery_id: deliveryId(item.first, item.subscription_id, item.replay_id),
    subscription_id: item.subscription_id,
    event_ids: item.indexes.slice(0, MOST_EVENT_IDS).map((offset) => eventId(ulidAt(item.first, offset))),
    events: item.indexes.length,
    event_types: [...new Set(item.indexes.map((offset) => types[offset] ?? null))].slice(0, MOST_EVENT_IDS),
    status,
    attempt: attemptsMade(item),
    status_code: last?.status_code ?? null,
    error: last?.error ?? null,
    latency_ms: last?.latency_ms ?? null,
    next_attempt_at: mapDefined(next, rfc3339) ?? null,
    ...defined({ replay_id: item.retried_by ?? item.replay_id }),
  };
}

/** An event as it is stored, with what became of its deliveries. */
export interface LiveListed {
  readonly ulid: Ulid;
  readonly event: LiveEvent;
  readonly routed_at: Millis;
  readonly deliveries: readonly LiveDelivery[];
}

/** Batches of a page: of a thousand events at most each. */
const PAGE_BATCHES = 100;

/**
 * A page of stored events, ascending: events received from a time on that were routed from a time on. Payloads are not read.
 * @param range `after` is the last ULID of the page before; with `deliveries`, those of them that something was attempted for
 */
export async function listLive(
  events: Table,
  tenant: Tenant,
  range: { readonly from: Millis; readonly routed_from: Millis; readonly deliveries: boolean; readonly after?: Ulid },
  now: Millis,
): Promise<{ readonly listed: readonly LiveListed[]; readonly next: Ulid | undefined }> {
  const store = { events } as Store;
  const { lo, hi } = ulidsBetween("asc", range.from, now + 1, range.after);
  const stream = batchStream(
    store,
    tenant,
    { order: "asc", lo, hi, now, routedAfter: range.routed_from - 1, headsOnly: true },
    () => false,
    undefined,
  );
  const batches: BatchItem[] = [];
  let more = false;
  for (;;) {
    const batch = await stream.next();
    if (batch === undefined || batch === PAUSED) break;
    if (range.after !== undefined && ulidAt(batch.first, batch.count - 1) <= range.after) continue;
    batches.push(batch);
    more = batches.length === PAGE_BATCHES;
    if (more) break;
  }
  const firsts = batches.map(({ first }) => first);
  const items = firsts.length === 0 ? new Map<Ulid, DeliveryItem[]>() : await deliveriesOf(store, tenant, firsts);
  const listed = batches.flatMap((batch) => {
    const own = items.get(batch.first) ?? [];
    const heads = new Map(liveEvents(batch).map((event) => [event.event_id, event]));
    return Array.from({ length: batch.count }, (_, offset) => offset).flatMap((offset) => {
      const ulid = ulidAt(batch.first, offset);
      const event = heads.get(eventId(ulid));
      if (event === undefined) return [];
      const found = deliveriesAt(batch, own, offset, () => false);
      const attempted = range.deliveries ? found.filter(({ item }) => item.attempts.length > 0) : [];
      return [
        {
          ulid,
          event: { ...event, status: statusOf(found) },
          routed_at: batch.routed_at,
          deliveries: attempted.map(({ item }) => liveDelivery(item, batch.types)),
        },
      ];
    });
  });
  const last = batches.at(-1);
  return { listed, next: more && last !== undefined ? ulidAt(last.first, last.count - 1) : undefined };
}
