import { getItems, queryPage, queryPages, type Table, updateOnce } from "../../aws/tables.ts";
import type { Item } from "../../domain/codec/fields.ts";
import type { Reached } from "../../domain/codec/index.ts";
import { mapConcurrently } from "../../domain/concurrently.ts";
import { defined } from "../../domain/defined.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Millis } from "../../domain/time.ts";
import { type Circuit, decodeCircuit } from "../circuits/circuitItem.ts";
import { heldPartitions, inStateAfter, isCircuit, keyText, statePartitions } from "../keys.ts";
import { readable } from "../readable.ts";
import { cancelDelivery, releaseDelivery } from "./changeDelivery.ts";
import { type DeliveryItem, decodeDeliveryItem } from "./deliveryItem.ts";

/** Deliveries that wait, as the two sparse indexes find them: by what they wait for, and by when they are due. */
export interface Held {
  /** The oldest held deliveries of a subscription. */
  page(tenant: Tenant, subscriptionId: string, limit: number): Promise<DeliveryItem[]>;
  /**
   * Failed deliveries of a subscription, those that wait for their next attempt: a step of a look through those of all its tenant's, which
   * ends after so many that were found, and after some pages in any case.
   * @param from where the step before ended @returns and where the next begins; undefined at the end
   */
  failed(
    tenant: Tenant,
    subscriptionId: string,
    limit: number,
    from?: Place,
  ): Promise<{ readonly deliveries: DeliveryItem[]; readonly next: Place | undefined }>;
  /** Lets held deliveries go on; see `releaseDelivery`. @returns those that nothing has changed since they were read */
  release(deliveries: readonly DeliveryItem[], foundAgainAt: Millis): Promise<DeliveryItem[]>;
  /** Cancels what waits, but for what has changed since it was read: that is found again. */
  cancel(deliveries: readonly DeliveryItem[], reason: string): Promise<void>;
}

type Place = Pick<Reached, "partition" | "after">;

/** Items changed at a time. */
const WIDTH = 16;
/** Pages of keys that a step reads. */
const STEP_PAGES = 20;
const KEYS_PAGE = 500;

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

  const read = async (keys: readonly Item[]): Promise<DeliveryItem[]> => {
    const items = new Map((await getItems(events, keys, "strong")).map((item) => [keyText(item), item]));
    const current = keys.map((key) => items.get(keyText(key))).filter((item) => item !== undefined);
    return readable(current, decodeDeliveryItem);
  };

  async function page(tenant: Tenant, subscriptionId: string, limit: number): Promise<DeliveryItem[]> {
    const partitions = heldPartitions(tenant, subscriptionId);
    const sources = partitions.map((partition) => oldest(partition, limit, subscriptionId));
    const deliveries: DeliveryItem[] = [];
    // Of what the index names, some has gone on and some may be damaged, perhaps all of an answer: then the next ones are asked for.
    for (;;) {
      const answers = await Promise.all(sources.map((source) => source.next()));
      if (answers.every(({ done }) => done)) return deliveries;
      const keys = answers.flatMap(({ value }) => (value as Item[] | undefined) ?? []);
      keys.sort((a, b) => (a.sk!.S! < b.sk!.S! ? -1 : 1));
      while (keys.length > 0) {
        const some = keys.splice(0, limit - deliveries.length);
        deliveries.push(...(await read(some)).filter(({ held }) => held === true));
        if (deliveries.length === limit) return deliveries;
      }
    }
  }

  return {
    page,
    async failed(tenant, id, limit, from = { partition: 0 }) {
      const partitions = statePartitions(tenant, "failed");
      const deliveries: DeliveryItem[] = [];
      let { partition, after } = from;
      for (let pages = 0; partition < partitions.length; pages += 1) {
        if (deliveries.length >= limit || pages === STEP_PAGES)
          return { deliveries, next: { partition, ...defined({ after }) } };
        const { items, next } = await queryPage(events, {
          IndexName: "by_state",
          ...inStateAfter(partitions[partition]!, after),
          ProjectionExpression: "pk, sk",
          Limit: KEYS_PAGE,
          consistency: "eventual",
        });
        const keys = items.filter(({ sk }) => sk!.S!.includes(id)).map(({ pk, sk }) => ({ pk: pk!, sk: sk! }));
        deliveries.push(...(await read(keys)).filter(({ status }) => status === "failed"));
        after = next?.sk?.S;
        if (after === undefined) partition += 1;
      }
      return { deliveries, next: undefined };
    },
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
