import { type AttributeValue, DeleteItemCommand, PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { defined } from "../../domain/defined.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { hourItems, hourOf } from "../../domain/metrics/hours.ts";
import { LATE_PARTITION, lateSortKey, minuteShards, rollUp, usagePartition } from "../../domain/usage/usage.ts";
import { mapConcurrently } from "../../store/table.ts";
import type { Tools } from "../work.ts";
import { hourName } from "./hours.ts";

/**
 * Adds an hour up from its minutes once it is over.
 *
 * Invariant: an hour's items follow from its minutes alone, so adding up again changes nothing but what came since. Who
 * counts in an hour that may have been added up leaves a mark, after its minutes; the hour is then added up again, and the
 * mark goes only if no other took its place.
 */

type Item = Record<string, AttributeValue>;
const SHARDS_AT_ONCE = 8;

/** All items of a partition between two sort keys, as they are now. */
export async function itemsBetween(tools: Tools, pk: string, lo: string, hi: string): Promise<Item[]> {
  const items: Item[] = [];
  let start: Item | undefined;
  do {
    const page = await tools.store.dynamodb.send(
      new QueryCommand({
        TableName: tools.env.METRICS_TABLE,
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :lo AND :hi",
        ExpressionAttributeValues: { ":pk": { S: pk }, ":lo": { S: lo }, ":hi": { S: hi } },
        ConsistentRead: true,
        ...defined({ ExclusiveStartKey: start }),
      }),
    );
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return items;
}

/** The items of an hour's minutes, as each writer counted them. */
export async function minutesOf(tools: Tools, tenant: Tenant, hour: number): Promise<Item[]> {
  const name = hourName(hour);
  const shards = await mapConcurrently(minuteShards(tenant), SHARDS_AT_ONCE, (pk) =>
    itemsBetween(tools, pk, name, `${name}~`),
  );
  return shards.flat();
}

/** Writes an hour's items. @param minutes of `minutesOf` */
export async function writeHour(tools: Tools, tenant: Tenant, hour: number, minutes: readonly Item[]): Promise<void> {
  for (const item of [...rollUp(tenant, hour, minutes), ...hourItems(tenant, hour, hourOf(minutes))])
    await tools.store.dynamodb.send(new PutItemCommand({ TableName: tools.env.METRICS_TABLE, Item: item }));
}

/** Adds up again the hours whose minutes changed after that. @returns how many */
export async function rollUpLate(tools: Tools): Promise<number> {
  const listed = await itemsBetween(tools, LATE_PARTITION, "", "~");
  for (const item of listed) {
    const sk = item.sk!.S!;
    const cut = sk.indexOf("#");
    const tenant: Tenant = sk.slice(0, cut);
    const hour = Date.parse(`${sk.slice(cut + 1, -1)}:00.000Z`);
    const pk = usagePartition(tenant, "h");
    const [mark] = await itemsBetween(tools, pk, lateSortKey(hour), lateSortKey(hour));
    await writeHour(tools, tenant, hour, await minutesOf(tools, tenant, hour));
    if (mark !== undefined) await removeMark(tools, mark);
    await removeMark(tools, item);
  }
  return listed.length;
}

async function removeMark(tools: Tools, { pk, sk, mark }: Item): Promise<void> {
  try {
    await tools.store.dynamodb.send(
      new DeleteItemCommand({
        TableName: tools.env.METRICS_TABLE,
        Key: { pk: pk!, sk: sk! },
        ConditionExpression: "mark = :seen",
        ExpressionAttributeValues: { ":seen": mark! },
      }),
    );
  } catch (error) {
    // Another took its place, or it is gone.
    if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
  }
}
