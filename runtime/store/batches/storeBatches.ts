import { getItems, putItem, putItems, type Table } from "../../aws/tables.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Ulid } from "../../domain/ids.ts";
import { batchKey } from "../keys.ts";
import { type BatchItem, decodeBatch, encodeBatch } from "./batchItem.ts";

/**
 * Stores batches. Invariant: a stored batch is never written over, because its events may have been acknowledged, deleted or
 * erased since, and its routing decided. Batches of a first receive are new, so they go in one unconditional call. Batches that
 * are received again are put one by one, each on the condition that it is missing.
 */

/** @throws Error when they are not all stored */
export const storeNew = (events: Table, batches: readonly BatchItem[]): Promise<void> =>
  putItems(events, batches.map(encodeBatch));

/** Stores a batch unless it is stored. @returns false when it was */
export const storeUnlessThere = (events: Table, batch: BatchItem): Promise<boolean> =>
  putItem(events, encodeBatch(batch), { ConditionExpression: "attribute_not_exists(pk)" });

/** What a stored batch already decided. */
export interface Stored {
  readonly matched: BatchItem["matched"];
  readonly deleted: readonly number[];
}

/** Stores a batch unless it is stored. @returns undefined when it was stored now, else the stored one */
export async function storeAgain(events: Table, batch: BatchItem): Promise<Stored | undefined> {
  if (await storeUnlessThere(events, batch)) return undefined;
  // Expired between the two calls: nothing is left to deliver.
  return (await readBatch(events, batch.tenant, batch.first)) ?? { matched: {}, deleted: [] };
}

/** How many events are stored under a request's first id; undefined where none are. */
export const storedCount = async (events: Table, tenant: Tenant, first: Ulid): Promise<number | undefined> =>
  (await readBatch(events, tenant, first))?.count;

/** The batch as it is now. @throws CodecError when it can't be read */
export async function readBatch(events: Table, tenant: Tenant, first: Ulid): Promise<BatchItem | undefined> {
  const [item] = await getItems(events, [batchKey(tenant, first)], "strong");
  return item === undefined ? undefined : decodeBatch(item);
}
