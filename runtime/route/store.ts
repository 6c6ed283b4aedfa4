import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { Dynamodb } from "../aws/clients.ts";
import { getAll, keyText, putAll } from "../aws/tables.ts";
import {
  type BatchItem,
  batchSortKey,
  decodeBatch,
  encodeBatch,
  type Item,
  partitionOf,
} from "../domain/codec/index.ts";

import type { Tenant } from "../domain/identity/identity.ts";

/**
 * Stores batches. Invariant: a batch that is stored already is never written over, for since then its events may have been
 * acknowledged, deleted or erased, and its routing decided. A first receive can't have stored it before, so those go in one
 * unconditional call; anything received again is put one by one, on the condition that it isn't there.
 */

/** @throws Error when they are not all stored */
export const storeNew = (dynamodb: Dynamodb, table: string, batches: readonly BatchItem[]): Promise<void> =>
  putAll(dynamodb, table, batches.map(encodeBatch));

/** What a stored batch already decided. */
export interface Stored {
  readonly matched: BatchItem["matched"];
  readonly deleted: readonly number[];
}

/**
 * Stores a batch unless it is stored.
 * @returns undefined when it was stored now, else what is there
 */
export async function storeAgain(dynamodb: Dynamodb, table: string, batch: BatchItem): Promise<Stored | undefined> {
  const item: Item = encodeBatch(batch);
  try {
    await dynamodb.send(
      new PutItemCommand({ TableName: table, Item: item, ConditionExpression: "attribute_not_exists(pk)" }),
    );
    return undefined;
  } catch (error) {
    if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
  }
  const key = { pk: partitionOf(batch.tenant, batch.first), sk: batchSortKey(batch.first) };
  const stored = (await getAll(dynamodb, table, [key])).get(keyText(key));
  // Expired between the two calls: nothing is left to deliver.
  if (stored === undefined) return { matched: {}, deleted: [] };
  const { matched, deleted } = decodeBatch(stored);
  return { matched, deleted };
}

/** How many events are stored under a request's first id; undefined where none are. */
export async function storedCount(
  dynamodb: Dynamodb,
  table: string,
  tenant: Tenant,
  first: string,
): Promise<number | undefined> {
  const key = { pk: partitionOf(tenant, first), sk: batchSortKey(first) };
  const stored = (await getAll(dynamodb, table, [key])).get(keyText(key));
  return stored === undefined ? undefined : decodeBatch(stored).count;
}
