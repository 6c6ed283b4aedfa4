import { getItems, queryPages, type Table, updateOnce } from "../../aws/tables.ts";
import type { Item } from "../../domain/codec/fields.ts";
import { mapConcurrently } from "../../domain/concurrently.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Millis } from "../../domain/time.ts";
import { type Circuit, decodeCircuit } from "../circuits/circuitItem.ts";
import { heldPartitions, isCircuit, keyText, statePartitions } from "../keys.ts";
import { readable } from "../readable.ts";
import { cancelDelivery, releaseDelivery } from "./changeDelivery.ts";
import { type DeliveryItem, decodeDeliveryItem } from "./deliveryItem.ts";

/** Deliveries that wait, as the two sparse indexes find them: by what they wait for, and by when they are due. */
export interface Held {
  /** The oldest held deliveries of a subscription. */
  page(tenant: Tenant, subscriptionId: string, limit: number): Promise<DeliveryItem[]>;
  /** Failed deliveries of a subscription, those that wait for their next attempt. */
  failed(tenant: Tenant, subscriptionId: string, limit: number): Promise<DeliveryItem[]>;
  /** Lets held deliveries go on; see `releaseDelivery`. @returns those that nothing has changed since they were read */
  release(deliveries: readonly DeliveryItem[], foundAgainAt: Millis): Promise<DeliveryItem[]>;
  /** Cancels what waits, but for what has changed since it was read: that is found again. */
  cancel(deliveries: readonly DeliveryItem[], reason: string): Promise<void>;
}

/** Items changed at a time. */
const WIDTH = 16;

/**
 * Reads the index by state, which holds keys alone, and then the items. What has gone on since the index was written is left
 * out.
 */
export function heldIn(events: Table): Held {
  /** Keys of a partition's items, oldest first; each answer has so many of them at least, unless it is the last. */
  async function* oldest(partition: string, limit: number, subscriptionId: string): AsyncGenerator<Item[]> {
    const pages = queryPages(events, {
      IndexName: "by_state",
      KeyConditionExpression: "state_pk = :pk",
      ExpressionAttributeValues: { ":pk": { S: partition } },
      ProjectionExpression: "pk, sk",
      Limit: Math.max(limit, 100),
      consistency: "eventual",
    });
    let found: Item[] = [];
    for await (const items of pages) {
      for (const { pk, sk } of items) if (sk!.S!.includes(subscriptionId)) found.push({ pk: pk!, sk: sk! });
      if (found.length < limit) continue;
      yield found;
      found = [];
    }
    yield found;
  }

  async function query(
    partitions: readonly string[],
    limit: number,
    subscriptionId: string,
    wanted: (item: DeliveryItem) => boolean,
  ): Promise<DeliveryItem[]> {
    const sources = partitions.map((partition) => oldest(partition, limit, subscriptionId));
    const deliveries: DeliveryItem[] = [];
    // Of what the index names, some has gone on and some may be damaged, be it all of an answer: then the next ones are asked for.
    for (;;) {
      const answers = await Promise.all(sources.map((source) => source.next()));
      if (answers.every(({ done }) => done)) return deliveries;
      const keys = answers.flatMap(({ value }) => (value as Item[] | undefined) ?? []);
      keys.sort((a, b) => (a.sk!.S! < b.sk!.S! ? -1 : 1));
      while (keys.length > 0) {
        const some = keys.splice(0, limit - deliveries.length);
        const items = new Map((await getItems(events, some, "strong")).map((item) => [keyText(item), item]));
        const current = some.map((key) => items.get(keyText(key))).filter((item) => item !== undefined);
        deliveries.push(...readable(current, decodeDeliveryItem).filter(wanted));
        if (deliveries.length === limit) return deliveries;
      }
    }
  }

  return {
    page: (tenant, id, limit) => query(heldPartitions(tenant, id), limit, id, ({ held }) => held === true),
    failed: (tenant, id, limit) =>
      query(statePartitions(tenant, "failed"), limit, id, ({ status }) => status === "failed"),
    async release(deliveries, foundAgainAt) {
      const released = await mapConcurrently(deliveries, WIDTH, (item) => releaseDelivery(events, item, foundAgainAt));
      return deliveries.filter((_, at) => released[at]);
    },
    async cancel(deliveries, reason) {
      await mapConcurrently(deliveries, WIDTH, (item) => cancelDelivery(events, item, reason));
    },
  };
}

const DUE_PAGE = 200;

/** The items of a partition that are due until a time in milliseconds, earliest first, page by page. */
export const due = (events: Table, partition: string, until: Millis): AsyncGenerator<readonly Item[]> =>
  queryPages(events, {
    IndexName: "due",
    KeyConditionExpression: "due_pk = :pk AND next_attempt_at <= :until",
    ExpressionAttributeValues: { ":pk": { S: partition }, ":until": { N: String(until) } },
    Limit: DUE_PAGE,
    consistency: "eventual",
  });

/** Postpones a due item. @param until milliseconds @returns false when another has done so */
export async function claimDue(events: Table, { pk, sk, next_attempt_at }: Item, until: Millis): Promise<boolean> {
  const claimed = await updateOnce(
    events,
    { pk: pk!, sk: sk! },
    {
      UpdateExpression: "SET next_attempt_at = :until",
      ConditionExpression: "next_attempt_at = :was AND attribute_exists(due_pk)",
      ExpressionAttributeValues: { ":until": { N: String(until) }, ":was": next_attempt_at! },
    },
  );
  return claimed !== undefined;
}

/** A due item: a delivery's next attempt, or a circuit's probe. @throws CodecError */
export const decodeDue = (item: Item): { readonly delivery: DeliveryItem } | { readonly circuit: Circuit } =>
  isCircuit(item) ? { circuit: decodeCircuit(item) } : { delivery: decodeDeliveryItem(item) };
