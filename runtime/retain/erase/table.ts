import { DeleteItemCommand, GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import {
  type BatchItem,
  batchSortKey,
  decodeBatch,
  INLINE_LIMIT,
  type Item,
  partitionOf,
} from "../../domain/codec/index.ts";
import { pack } from "../../domain/codec/pack.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { rawEvents } from "../../store/payloads.ts";
import type { Store } from "../../store/table.ts";
import { stripDeliveries } from "./answers.ts";

/**
 * Erasing events inside a stored batch: their bytes become `{}`, their type null, and they count as deleted, which hides
 * them and keeps the others' places. Deliveries of them lose what subscribers answered, and wait no longer.
 */
const EMPTY = Buffer.from("{}");
const TRIES = 8;

const keyOf = (tenant: Tenant, first: string, sk: string) => ({ pk: { S: partitionOf(tenant, first) }, sk: { S: sk } });

const refused = (error: unknown): boolean => (error as Error).name === "ConditionalCheckFailedException";

/** Offsets whose events were erased before: deleted, and nothing left of them. */
export const erasedOffsets = ({ deleted }: BatchItem, raws: readonly Buffer[]): number[] =>
  deleted.filter((offset) => raws[offset]?.equals(EMPTY) === true);

export interface Erased {
  readonly payloads: number;
  readonly deliveries: number;
}

/**
 * @param hits offsets of the events, by their payload's text as it is now; asked again when the batch changed meanwhile
 * @throws Error when the batch kept changing
 */
export async function eraseInBatch(
  store: Store,
  batch: BatchItem,
  hits: (batch: BatchItem, raws: readonly Buffer[]) => readonly number[],
): Promise<Erased & { readonly offsets: readonly number[] }> {
  const { tenant, first } = batch;
  const Key = keyOf(tenant, first, batchSortKey(first));
  let current = batch;
  for (let tried = 1; ; tried += 1) {
    const raws = await rawEvents(store, current);
    const offsets = raws === undefined ? [] : hits(current, raws);
    if (raws === undefined || offsets.length === 0) return { offsets: [], payloads: 0, deliveries: 0 };
    const packed = pack(raws.map((raw, offset) => (offsets.includes(offset) ? EMPTY : raw)));
    const types = current.types.map((type, offset) => (offsets.includes(offset) ? null : type));
    const old = current.body;
    const s3Key = packed.length > INLINE_LIMIT ? `${tenant}/${first}-${tried}-${Date.now().toString(36)}` : undefined;
    if (s3Key !== undefined) {
      await store.s3.send(new PutObjectCommand({ Bucket: store.payloadBucket, Key: s3Key, Body: packed }));
    }
    const place = s3Key === undefined ? "body = :new" : "s3_key = :new";
    const gone = s3Key === undefined ? "s3_key" : "body";
    try {
      await store.dynamodb.send(
        new UpdateItemCommand({
          TableName: store.eventsTable,
          Key,
          UpdateExpression: `SET ${place}, #types = :types ADD deleted :offsets REMOVE ${gone}`,
          ConditionExpression: "inline" in old ? "body = :old" : "s3_key = :old",
          ExpressionAttributeNames: { "#types": "types" },
          ExpressionAttributeValues: {
            ":new": s3Key === undefined ? { B: packed } : { S: s3Key },
            ":old": "inline" in old ? { B: old.inline } : { S: old.s3_key },
            ":types": { S: JSON.stringify(types) },
            ":offsets": { NS: offsets.map(String) },
          },
        }),
      );
    } catch (error) {
      if (!refused(error) || tried === TRIES) throw error;
      const { Item: again } = await store.dynamodb.send(
        new GetItemCommand({ TableName: store.eventsTable, Key, ConsistentRead: true }),
      );
      if (again === undefined) return { offsets: [], payloads: 0, deliveries: 0 };
      current = decodeBatch(again);
      continue;
    }
    if ("s3_key" in old) await store.s3.send(new DeleteObjectCommand({ Bucket: store.payloadBucket, Key: old.s3_key }));
    const deliveries = await stripDeliveries(store, { ...current, deleted: [...current.deleted, ...offsets] }, offsets);
    return { offsets, payloads: "s3_key" in old ? 1 : 0, deliveries };
  }
}

/** Removes a whole item, and the payload object it points at. @returns whether there was such an object */
export async function removeItem(store: Store, item: Item): Promise<boolean> {
  const key = item.s3_key?.S;
  if (key !== undefined) await store.s3.send(new DeleteObjectCommand({ Bucket: store.payloadBucket, Key: key }));
  await store.dynamodb.send(
    new DeleteItemCommand({ TableName: store.eventsTable, Key: { pk: item.pk!, sk: item.sk! } }),
  );
  return key !== undefined;
}
