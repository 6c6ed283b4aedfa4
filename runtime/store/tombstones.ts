import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { partitionOf } from "../domain/codec/index.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { getItems, type Store } from "./table.ts";

/**
 * Which events of a batch a customer deleted, remembered beyond the batch itself: the archive still holds them, and what
 * is read from it must leave them out. Items `x#<first ULID>` beside the batch, with the set `deleted`.
 */
const sortKey = (first: string): string => `x#${first}`;

export async function rememberDeleted(
  store: Store,
  tenant: Tenant,
  first: string,
  offsets: readonly number[],
): Promise<void> {
  await store.dynamodb.send(
    new UpdateItemCommand({
      TableName: store.eventsTable,
      Key: { pk: { S: partitionOf(tenant, first) }, sk: { S: sortKey(first) } },
      UpdateExpression: "ADD deleted :offsets",
      ExpressionAttributeValues: { ":offsets": { NS: offsets.map(String) } },
    }),
  );
}

/** The deleted offsets of these batches, by first ULID; those without any are left out. */
export async function deletedOffsets(
  store: Store,
  tenant: Tenant,
  firsts: readonly string[],
): Promise<Map<string, ReadonlySet<number>>> {
  const keys = [...new Set(firsts)].map((first) => ({ pk: partitionOf(tenant, first), sk: sortKey(first) }));
  const items = await getItems(store, keys);
  return new Map(items.map((item) => [item.sk!.S!.slice(2), new Set((item.deleted?.NS ?? []).map(Number))]));
}
