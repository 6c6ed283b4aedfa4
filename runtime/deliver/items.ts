import { PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { Dynamodb } from "../aws/clients.ts";
import { getAll, type Key, keyText } from "../aws/tables.ts";
import {
  type DeliveryItem,
  decodeDeliveryItem,
  deliverySortKey,
  encodeDeliveryItem,
  heldPartitions,
  type Item,
  partitionOf,
  statePartitions,
} from "../domain/codec/index.ts";
import type { Held } from "./drain.ts";

/** Delivery items that others may change at the same time: a manual retry, an acknowledged backlog, a retry under way. */

/** How often a change is tried over one that came in between. */
const TRIES = 5;

const keyOf = (item: DeliveryItem): Key => ({
  pk: partitionOf(item.tenant, item.first),
  sk: deliverySortKey(item.first, item.subscription_id, item.replay_id),
});

/**
 * Our change from `before` to `after`, made to what is there now: attempts add up, what either side has taken off
 * `remaining` stays off, and a delivery that has ended meanwhile stays ended. Pure.
 */
export function merge(before: DeliveryItem | undefined, after: DeliveryItem, current: DeliveryItem): DeliveryItem {
  const attempts = [...current.attempts, ...after.attempts.slice(before?.attempts.length ?? 0)];
  if (current.status === "delivered" || current.status === "cancelled" || after.status === "delivered") {
    const { held: _, swept: __, next_attempt_at: ___, remaining: ____, ...ended } = after;
    return { ...ended, attempts, status: current.status === "cancelled" ? "cancelled" : "delivered" };
  }
  const mine = after.remaining ?? after.indexes;
  const theirs = new Set(current.remaining ?? current.indexes);
  const remaining = mine.filter((offset) => theirs.has(offset));
  if (remaining.length === after.indexes.length) return { ...after, attempts };
  return { ...after, attempts, remaining };
}

/** Puts `after` where `before` was read (undefined: nothing), or merges it into what has come there since. */
export async function replaceItem(
  dynamodb: Dynamodb,
  table: string,
  before: DeliveryItem | undefined,
  after: DeliveryItem,
): Promise<void> {
  let expected = before === undefined ? undefined : encodeDeliveryItem(before);
  let wanted = after;
  for (let tried = 1; ; tried += 1) {
    try {
      await dynamodb.send(
        new PutItemCommand({ TableName: table, Item: encodeDeliveryItem(wanted), ...unchanged(expected) }),
      );
      return;
    } catch (error) {
      if ((error as Error).name !== "ConditionalCheckFailedException" || tried === TRIES) throw error;
    }
    const key = keyOf(after);
    expected = (await getAll(dynamodb, table, [key])).get(keyText(key));
    wanted = expected === undefined ? after : merge(before, after, decodeDeliveryItem(expected));
  }
}

/** The condition that an item is still as it was read, as far as others change it. */
function unchanged(expected: Item | undefined) {
  if (expected === undefined) return { ConditionExpression: "attribute_not_exists(pk)" };
  const same = (name: string) =>
    expected[name] === undefined ? `attribute_not_exists(#${name})` : `#${name} = :${name}`;
  const compared = ["attempts", "status", "remaining", "held"];
  const present = compared.filter((name) => expected[name] !== undefined);
  return {
    ConditionExpression: compared.map(same).join(" AND "),
    ExpressionAttributeNames: Object.fromEntries(compared.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(present.map((name) => [`:${name}`, expected[name]!])),
  };
}

/**
 * Reads the index by state, which holds keys alone, and then the items. What has gone on since the index was written is left
 * out.
 */
export function heldIn(dynamodb: Dynamodb, table: string): Held {
  /** Keys of a partition's oldest items. */
  async function oldest(partition: string, limit: number, subscriptionId: string): Promise<Key[]> {
    const found: Key[] = [];
    let from: Item | undefined;
    do {
      const page: { Items?: Item[] | undefined; LastEvaluatedKey?: Item | undefined } = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          IndexName: "by_state",
          KeyConditionExpression: "state_pk = :pk",
          ExpressionAttributeValues: { ":pk": { S: partition } },
          ProjectionExpression: "pk, sk",
          Limit: Math.max(limit, 100),
          ...(from && { ExclusiveStartKey: from }),
        }),
      );
      for (const { pk, sk } of page.Items ?? [])
        if (sk!.S!.includes(subscriptionId)) found.push({ pk: pk!.S!, sk: sk!.S! });
      from = page.LastEvaluatedKey;
    } while (from !== undefined && found.length < limit);
    return found;
  }

  async function query(
    partitions: readonly string[],
    limit: number,
    subscriptionId: string,
    wanted: (item: DeliveryItem) => boolean,
  ): Promise<DeliveryItem[]> {
    const found = await Promise.all(partitions.map((partition) => oldest(partition, limit, subscriptionId)));
    const keys = found.flat().sort((a, b) => (a.sk < b.sk ? -1 : 1));
    const deliveries: DeliveryItem[] = [];
    while (deliveries.length < limit && keys.length > 0) {
      const some = keys.splice(0, limit - deliveries.length);
      const items = await getAll(dynamodb, table, some);
      const current = some.map((key) => items.get(keyText(key))).filter((item) => item !== undefined);
      deliveries.push(...current.map(decodeDeliveryItem).filter(wanted));
    }
    return deliveries;
  }

  return {
    page: (tenant, id, limit) => query(heldPartitions(tenant, id), limit, id, ({ held }) => held === true),
    failed: (tenant, id, limit) =>
      query(statePartitions(tenant, "failed"), limit, id, ({ status }) => status === "failed"),
  };
}
