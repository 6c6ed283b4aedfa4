import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import type { AcceptedRun } from "./ledger.ts";
import { Received, ulidsOf } from "./receiver.ts";
import type { Target } from "./target.ts";

/** Seconds to wait for the stream's buffer to reach the bucket. */
const PATIENCE = 120;
/** Bytes of text at once. */
const CHUNK = 1_048_576;

/** Hands over the ULID of every event id in a text that comes in chunks, cut wherever they were. Gigabytes are read this way. */
export async function ulidsIn(text: AsyncIterable<Buffer>, take: (ulid: string) => void): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of text) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    rest = bytes.subarray(ulidsOf(bytes, take));
  }
}

/** Every event id in the archive, from its gzipped JSON lines. */
async function read(client: S3Client, bucket: string, seen: Set<string>, ids: Received): Promise<void> {
  let token: string | undefined;
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: token }));
    for (const { Key } of page.Contents ?? []) {
      if (Key === undefined || seen.has(Key)) continue;
      seen.add(Key);
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      await ulidsIn((Body as Readable).pipe(createGunzip({ chunkSize: CHUNK })), (ulid) => ids.add(ulid));
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
}

/**
 * What the archive holds of a run, once all of it has come or two minutes have passed. Needs a bucket to read: that of
 * the platform started here, or ARCHIVE_BUCKET with credentials; otherwise undefined, and the ledger says "not read".
 */
export async function archiveOf(target: Target, runs: readonly AcceptedRun[]): Promise<Received | undefined> {
  const bucket = process.env.ARCHIVE_BUCKET ?? target.archiveBucket;
  if (bucket === undefined) return undefined;
  const client = new S3Client(target.aws ?? {});
  const ids = new Received();
  const seen = new Set<string>();
  const until = Date.now() + PATIENCE * 1_000;
  for (;;) {
    await read(client, bucket, seen, ids);
    // The bucket may hold other runs too.
    const whole = runs.every(({ first, count }) => ids.missing(first, count).length === 0);
    if (whole || Date.now() > until) return ids;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
