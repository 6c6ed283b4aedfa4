import { gunzipSync, gzipSync } from "node:zlib";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { archivePrefix } from "../domain/codec/index.ts";
import { defined } from "../domain/defined.ts";
import { splitTenant, type Tenant } from "../domain/identity/identity.ts";
import { MAX_EVENTS_PER_REQUEST, offsetOf } from "../domain/ids.ts";
import { HOUR_MS, type Millis } from "../domain/time.ts";
import { deletedOffsets } from "../store/erasure/tombstones.ts";
import type { Store } from "../store/table.ts";
import {
  type ArchivedEvent,
  type ArchiveLine,
  headOf,
  parseLine,
  splitLines,
  type UnreadableLine,
} from "./archiveLines.ts";
import type { RetainEnvironment } from "./environment.ts";
import type { Tools } from "./work.ts";

/**
 * The archive as it lies in S3: gzipped JSON lines, one a batch (or part of one), under
 * `events/prefix=<00-3f>/<yyyy>/<MM>/<dd>/<HH>/`, the hour being that of arrival at the delivery stream.
 */
export interface ArchiveObject {
  /** Lines of the tenants that were asked for. */
  readonly lines: readonly ArchiveLine[];
  /** All others', as they are. */
  readonly others: readonly Buffer[];
  /** Unreadable lines, of any customer. They have been logged. */
  readonly unreadable: readonly UnreadableLine[];
  /** For `replaceLines`; undefined when the object is gone. */
  readonly etag: string | undefined;
}

/** What reading needs of a job's tools. */
type Reading = Pick<Tools, "log"> & {
  readonly store: Pick<Store, "s3">;
  readonly env: Pick<RetainEnvironment, "ARCHIVE_BUCKET">;
};

const NEWLINE = Buffer.from("\n");
/** Firehose keeps trying for a day before it gives a record up: so late can an event arrive. */
export const ARRIVAL_MS = 24 * HOUR_MS;

export const archiveFolder = (customerId: string): string => `events/prefix=${archivePrefix(customerId)}/`;

/** `2026/01/02/03/` of a time in ms. */
export const hourFolder = (ms: Millis): string =>
  `${new Date(ms).toISOString().slice(0, 13).replaceAll("-", "/").replace("T", "/")}/`;

/** Keys of a customer's 64th of the archive, in order, of arrivals between two times. @param after key to begin behind */
export const archiveKeys = (
  s3: S3Client,
  bucket: string,
  customerId: string,
  range: { readonly from: number; readonly to: number },
  after?: string,
): AsyncGenerator<string> => keysUnder(s3, bucket, archiveFolder(customerId), range, after);

/** The same of a 64th by its folder, whose ever it is. */
export async function* keysUnder(
  s3: S3Client,
  bucket: string,
  folder: string,
  range: { readonly from: number; readonly to: number },
  after?: string,
): AsyncGenerator<string> {
  // Keys sort by time: begin just before the first hour, end with the first key past the last.
  const first = folder + hourFolder(Math.max(0, range.from));
  const last = Number.isFinite(range.to) ? `${folder}${hourFolder(range.to)}~` : `${folder}~`;
  let token: string | undefined;
  const start = after ?? first.slice(0, -1);
  do {
    const { Contents = [], NextContinuationToken } = await s3.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: folder,
        ...(token === undefined ? { StartAfter: start } : { ContinuationToken: token }),
      }),
    );
    for (const { Key } of Contents) {
      if (Key === undefined || Key <= start) continue;
      if (Key > last) return;
      yield Key;
    }
    token = NextContinuationToken;
  } while (token !== undefined);
}

/**
 * Reads an object; nothing of it when it is gone. An object that can't be read is logged, and its callers pass over it.
 * @param tenants whose lines are wanted; everybody's when undefined
 */
export async function readObject(tools: Reading, key: string, tenants?: readonly Tenant[]): Promise<ArchiveObject> {
  let bytes: Buffer;
  let etag: string | undefined;
  try {
    const { Body, ETag } = await tools.store.s3.send(
      new GetObjectCommand({ Bucket: tools.env.ARCHIVE_BUCKET, Key: key }),
    );
    bytes = Buffer.from(await Body!.transformToByteArray());
    etag = ETag;
  } catch (error) {
    if ((error as Error).name === "NoSuchKey") return { lines: [], others: [], unreadable: [], etag };
    throw error;
  }
  const { lines, unreadable } = linesOf(bytes);
  const found: ArchiveLine[] = [];
  const others: Buffer[] = [];
  const broken = [...unreadable];
  for (const line of lines) {
    const head = headOf(line);
    if (head !== undefined && tenants !== undefined && !tenants.includes(head.tenant)) {
      others.push(line);
      continue;
    }
    const parsed = parseLine(line);
    if ("reason" in parsed) broken.push(parsed);
    else found.push(parsed);
  }
  for (const { bytes, reason, head } of broken) {
    tools.log("error", "retain.archive_unreadable", {
      key,
      line_bytes: bytes.length,
      reason,
      ...(head && { ...splitTenant(head.tenant), batch: head.batch }),
    });
  }
  return { lines: found, others, unreadable: broken, etag };
}

function linesOf(bytes: Buffer): ReturnType<typeof splitLines> {
  // Firehose may hand on what is gzipped already as it is, and plain lines stay readable.
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return splitLines(bytes);
  try {
    return splitLines(gunzipSync(bytes));
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!code.startsWith("Z_")) throw error;
    return { lines: [], unreadable: [{ bytes, reason: "it is not a whole gzip file", head: undefined }] };
  }
}

/**
 * Writes fewer lines over an object that is still as it was read, or removes it when none is left: another job that rewrites it
 * only takes lines away too. @returns false when it was changed or removed meanwhile
 */
export async function replaceLines(
  s3: S3Client,
  bucket: string,
  key: string,
  lines: readonly Buffer[],
  etag: string | undefined,
): Promise<boolean> {
  try {
    await writeLines(s3, bucket, key, lines, etag);
    return true;
  } catch (error) {
    // 409: another conditional write of the object is under way.
    const changed = ["PreconditionFailed", "NoSuchKey", "ConditionalRequestConflict"];
    if (changed.includes((error as Error).name)) return false;
    throw error;
  }
}

/** Writes an object's lines, or removes it when none is left. @param etag when given, only over this version */
export async function writeLines(
  s3: S3Client,
  bucket: string,
  key: string,
  lines: readonly Buffer[],
  etag?: string,
): Promise<void> {
  if (lines.length === 0) {
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    return;
  }
  const Body = gzipSync(Buffer.concat(lines.flatMap((line) => [line, NEWLINE])));
  const condition = defined({ IfMatch: etag });
  await s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body, ContentType: "application/gzip", ...condition }),
  );
}

/** A tenant's events of an object's lines, those that the customer deleted left out. */
export async function keptEvents(
  store: Store,
  tenant: Tenant,
  lines: readonly ArchiveLine[],
): Promise<ArchivedEvent[]> {
  const own = lines.filter((line) => line.tenant === tenant);
  const deleted = await deletedOffsets(
    store,
    tenant,
    own.map(({ batch }) => batch),
  );
  return own.flatMap(({ batch, events }) => {
    const gone = deleted.get(batch);
    if (gone === undefined) return events;
    return events.filter(({ event_id }) => !gone.has(offsetOf(batch, event_id.slice(4), MAX_EVENTS_PER_REQUEST)));
  });
}
