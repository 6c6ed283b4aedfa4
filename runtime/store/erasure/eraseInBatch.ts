import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { deleteItem, updateItem, updateOnce } from "../../aws/tables.ts";
import type { Item } from "../../domain/codec/fields.ts";
import { INLINE_LIMIT } from "../../domain/codec/index.ts";
import { pack } from "../../domain/codec/pack.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Ulid } from "../../domain/ids.ts";
import type { BatchItem } from "../batches/batchItem.ts";
import { rawEvents } from "../batches/payloads.ts";
import { readBatch } from "../batches/storeBatches.ts";
import { batchKey } from "../keys.ts";
import type { Store } from "../table.ts";
import { stripDeliveries } from "./stripDeliveries.ts";

/**
 * Erasing events inside a stored batch: their bytes become `{}`, their type null, and they count as deleted, which hides
 * them and keeps the others' places. Deliveries of them lose what subscribers answered, and wait no longer.
 */
const EMPTY = Buffer.from("{}");
const TRIES = 8;

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
  let current: BatchItem | undefined = batch;
  for (let tried = 1; current !== undefined; tried += 1) {
    const raws = await rawEvents(store, current);
    const offsets = raws === undefined ? [] : hits(current, raws);
    if (raws === undefined || offsets.length === 0) break;
    const packed = pack(raws.map((raw, offset) => (offsets.includes(offset) ? EMPTY : raw)));
    const types = current.types.map((type, offset) => (offsets.includes(offset) ? null : type));
    const old = current.body;
    const s3Key = packed.length > INLINE_LIMIT ? `${tenant}/${first}-${tried}-${Date.now().toString(36)}` : undefined;
    if (s3Key !== undefined) {
      await store.s3.send(new PutObjectCommand({ Bucket: store.payloadBucket, Key: s3Key, Body: packed }));
    }
    const place = s3Key === undefined ? "body = :new" : "s3_key = :new";
    const gone = s3Key === undefined ? "s3_key" : "body";
    const erased = await updateOnce(store.events, batchKey(tenant, first), {
      UpdateExpression: `SET ${place}, #types = :types ADD deleted :offsets REMOVE ${gone}`,
      ConditionExpression: "inline" in old ? "body = :old" : "s3_key = :old",
      ExpressionAttributeNames: { "#types": "types" },
      ExpressionAttributeValues: {
        ":new": s3Key === undefined ? { B: packed } : { S: s3Key },
        ":old": "inline" in old ? { B: old.inline } : { S: old.s3_key },
        ":types": { S: JSON.stringify(types) },
        ":offsets": { NS: offsets.map(String) },
      },
    });
    if (erased === undefined) {
      if (tried === TRIES) throw new Error(`the batch ${first} kept changing`);
      current = await readBatch(store.events, tenant, first);
      continue;
    }
    if ("s3_key" in old) await store.s3.send(new DeleteObjectCommand({ Bucket: store.payloadBucket, Key: old.s3_key }));
    const deliveries = await stripDeliveries(store, { ...current, deleted: [...current.deleted, ...offsets] }, offsets);
    return { offsets, payloads: "s3_key" in old ? 1 : 0, deliveries };
  }
  return { offsets: [], payloads: 0, deliveries: 0 };
}

/** Removes a whole item, and the payload object it points at. @returns whether there was such an object */
export async function removeItem(store: Store, item: Item): Promise<boolean> {
  const key = item.s3_key?.S;
  if (key !== undefined) await store.s3.send(new DeleteObjectCommand({ Bucket: store.payloadBucket, Key: key }));
  await deleteItem(store.events, { pk: item.pk!, sk: item.sk! });
  return key !== undefined;
}

/** Forgets the hash of a batch's `Idempotency-Key`, once the entry under it is gone. */
export async function forgetKeyHash(store: Store, tenant: Tenant, first: Ulid): Promise<void> {
  await updateItem(store.events, batchKey(tenant, first), { UpdateExpression: "REMOVE key_hash" });
}
