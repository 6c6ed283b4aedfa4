import { GetObjectCommand } from "@aws-sdk/client-s3";
import { CodecError } from "../../domain/codec/codecError.ts";
import type { Body } from "../../domain/codec/index.ts";
import { unpack } from "../../domain/codec/pack.ts";
import { batchKey } from "../keys.ts";
import { tellUnreadable } from "../readable.ts";
import type { Store } from "../table.ts";
import type { BatchItem } from "./batchItem.ts";

/** The packed bytes, wherever they are; undefined when their object is gone (expired or erased). */
async function packedBytes(store: Store, body: Body): Promise<Uint8Array | undefined> {
  if ("inline" in body) return body.inline;
  try {
    const { Body: stream } = await store.s3.send(
      new GetObjectCommand({ Bucket: store.payloadBucket, Key: body.s3_key }),
    );
    return await stream?.transformToByteArray();
  } catch (error) {
    if ((error as Error).name === "NoSuchKey") return undefined;
    throw error;
  }
}

type Packed = Pick<BatchItem, "tenant" | "first" | "count" | "body">;

/** The raw bytes of each event of a batch, in order; undefined when they are gone. @throws CodecError when damaged */
export async function rawEvents(store: Store, { count, body }: Packed): Promise<Buffer[] | undefined> {
  const packed = await packedBytes(store, body);
  if (packed === undefined) return undefined;
  const raws = unpack(packed);
  if (raws.length === count) return raws;
  throw new CodecError("corrupt", `the packed events are ${raws.length}, their batch has ${count}`);
}

/** Like `rawEvents`, for many batches at once: what is damaged is told of, and counts as gone. */
export async function readableEvents(
  store: Store,
  batch: Packed,
  unreadable = tellUnreadable,
): Promise<Buffer[] | undefined> {
  try {
    return await rawEvents(store, batch);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    unreadable(batchKey(batch.tenant, batch.first), error);
    return undefined;
  }
}
