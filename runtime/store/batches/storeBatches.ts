import { getItems, putItem, putItems, putOnce, type Table } from "../../aws/tables.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Ulid } from "../../domain/ids.ts";
import { type Millis, secondsOf } from "../../domain/time.ts";
import { batchKey } from "../keys.ts";
import { strictly } from "../readable.ts";
import { type BatchItem, decodeBatch, encodeBatch } from "./batchItem.ts";
import { itemsOf, readBatches } from "./manyMatched.ts";

/**
 * Stores batches. Invariant: a stored batch is never written over, because its events may have been acknowledged, deleted or
 * erased since, and its routing decided. Batches of a first receive are new, so they go in one unconditional call. Batches that
 * are received again are put one by one, each on the condition that it is missing.
 */

/** @throws Error when they are not all stored */
export async function storeNew(events: Table, batches: readonly BatchItem[]): Promise<void> {
  const all = batches.map(itemsOf);
  const beside = all.flatMap((each) => each.beside);
  if (beside.length > 0) await putItems(events, beside);
  await putItems(
    events,
    all.map(({ item }) => item),
  );
}

/** Stores a batch of the archive, which matches nobody, unless it is stored. One that has expired counts as gone: DynamoDB removes it days later. */
export async function storeOverExpired(events: Table, batch: BatchItem, now: Millis): Promise<void> {
  await putItem(events, encodeBatch(batch), {
    ConditionExpression: "attribute_not_exists(pk) OR expires_at <= :now",
    ExpressionAttributeValues: { ":now": { N: String(secondsOf(now)) } },
  });
}

/** What a stored batch already decided. */
export interface Stored {
  readonly matched: BatchItem["matched"];
  readonly deleted: readonly number[];
  /** Undefined where it has expired since. */
  readonly body: BatchItem["body"] | undefined;
}

/** Stores a batch unless it is stored. @returns undefined when it was stored now, else the stored one */
export async function storeAgain(events: Table, batch: BatchItem): Promise<Stored | undefined> {
  const { item, beside } = itemsOf(batch);
  if (beside.length > 0) await putItems(events, beside);
  // What was deleted since it was put must not come back.
  const missing = { ConditionExpression: "attribute_not_exists(pk)" };
  if (await putOnce(events, item, missing, "attribute_not_exists(deleted)")) return undefined;
  // Expired between the two calls: nothing is left to deliver.
  return (await readBatch(events, batch.tenant, batch.first)) ?? { matched: {}, deleted: [], body: undefined };
}

/** How many events are stored under a request's first id; undefined where none are. */
export async function storedCount(events: Table, tenant: Tenant, first: Ulid): Promise<number | undefined> {
  const [item] = await getItems(events, [batchKey(tenant, first)], "strong");
  return item && decodeBatch(item).count;
}

/** The batch as it is now. @throws CodecError when it can't be read */
export async function readBatch(events: Table, tenant: Tenant, first: Ulid): Promise<BatchItem | undefined> {
  const items = await getItems(events, [batchKey(tenant, first)], "strong");
  return (await readBatches(events, items, strictly))[0];
}
