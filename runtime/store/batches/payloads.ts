import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { Body } from "../../domain/codec/index.ts";
import { unpack } from "../../domain/codec/pack.ts";
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

/** The raw bytes of each event of a batch, in order; undefined when they are gone. @throws CodecError when damaged */
export async function rawEvents(store: Store, batch: Pick<BatchItem, "body">): Promise<Buffer[] | undefined> {
  const packed = await packedBytes(store, batch.body);
  return packed === undefined ? undefined : unpack(packed);
}
