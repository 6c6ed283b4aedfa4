import { gunzipSync, gzipSync } from "node:zlib";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { archivePrefix } from "../domain/codec.ts";
import { splitTenant, type Tenant, tenantOf } from "../domain/identity.ts";
import { MAX_EVENTS_PER_REQUEST, offsetOf } from "../domain/ids.ts";
import { type RawObject, scan } from "../matching/rawJson.ts";
import type { Store } from "../store/table.ts";
import { deletedOffsets } from "../store/tombstones.ts";

/**
 * The archive as it lies in S3: gzipped JSON lines, one a batch (or part of one), under
 * `events/prefix=<00-3f>/<yyyy>/<MM>/<dd>/<HH>/`, the hour being that of arrival at the delivery stream.
 */
export interface ArchivedEvent {
  readonly event_id: string;
  readonly event_type: string | null;
  /** The payload's text, as it was sent. */
  readonly payload: string;
  /** The whole event's text. */
  readonly text: string;
}

export interface ArchiveLine {
  readonly text: string;
  /** ULID of the first event of the batch that the line is of. */
  readonly batch: string;
  readonly events: readonly ArchivedEvent[];
}

const HOUR_MS = 3_600_000;
/** Firehose keeps trying for a day before it gives a record up: so late can an event arrive. */
export const ARRIVAL_MS = 24 * HOUR_MS;

export const archiveFolder = (customerId: string): string => `events/prefix=${archivePrefix(customerId)}/`;

/** `2026/01/02/03/` of a time in ms. */
export const hourFolder = (ms: number): string =>
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

/** An object's lines; none when it is gone. */
export const readLines = async (s3: S3Client, bucket: string, key: string): Promise<readonly string[]> =>
  (await readObject(s3, bucket, key)).lines;

/** The same with its version, for `replaceLines`. */
export async function readObject(
  s3: S3Client,
  bucket: string,
  key: string,
): Promise<{ readonly lines: readonly string[]; readonly etag: string | undefined }> {
  let bytes: Uint8Array;
  let etag: string | undefined;
  try {
    const { Body, ETag } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    bytes = await Body!.transformToByteArray();
    etag = ETag;
  } catch (error) {
    if ((error as Error).name === "NoSuchKey") return { lines: [], etag };
    throw error;
  }
  // Firehose may hand on what is gzipped already as it is, and plain lines stay readable.
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : Buffer.from(bytes);
  const lines = plain
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");
  return { lines, etag };
}

/**
 * Writes fewer lines over an object that is still as it was read, or removes it when none is left: whoever else rewrites it
 * only takes lines away too. @returns false when it was changed or removed meanwhile
 */
export async function replaceLines(
  s3: S3Client,
  bucket: string,
  key: string,
  lines: readonly string[],
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
  lines: readonly string[],
  etag?: string,
): Promise<void> {
  if (lines.length === 0) {
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    return;
  }
  const Body = gzipSync(Buffer.from(`${lines.join("\n")}\n`));
  const condition = etag === undefined ? {} : { IfMatch: etag };
  await s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body, ContentType: "application/gzip", ...condition }),
  );
}

/** Whose a line is: `encodeArchive` writes its head in one fixed order. @throws SyntaxError when it is none */
export const tenantOfLine = (line: string): Tenant =>
  tenantOf(JSON.parse(`${line.slice(0, line.indexOf(',"batch":'))}}`) as Parameters<typeof tenantOf>[0]);

/** Whether a line is of this tenant, without reading it: `encodeArchive` writes its head in one fixed order. */
export function isOf(line: string, tenant: Tenant): boolean {
  const { customer_id, environment } = splitTenant(tenant);
  return line.slice(0, 300).includes(`"customer_id":${JSON.stringify(customer_id)},"environment":"${environment}",`);
}

/** Reads a line's events. @throws SyntaxError when it is not JSON */
export function parseLine(text: string): ArchiveLine {
  const root = scan(text) as RawObject;
  const memberOf = (name: string) => root.members.find((each) => each.name === name)?.value;
  const events = memberOf("events");
  const first = memberOf("batch");
  const batch = first === undefined ? "" : (JSON.parse(text.slice(first.start, first.end)) as string);
  if (events?.kind !== "array") return { text, batch, events: [] };
  return {
    text,
    batch,
    events: events.items.map((item) => {
      const member = (name: string): string | undefined => {
        const value = (item as RawObject).members.find((each) => each.name === name)?.value;
        return value && text.slice(value.start, value.end);
      };
      return {
        event_id: JSON.parse(member("event_id") ?? '""') as string,
        event_type: JSON.parse(member("event_type") ?? "null") as string | null,
        payload: member("payload") ?? "{}",
        text: text.slice(item.start, item.end),
      };
    }),
  };
}

/** The line with only these of its events; undefined when none is left. */
export function keepEvents(line: ArchiveLine, kept: readonly ArchivedEvent[]): string | undefined {
  if (kept.length === 0) return undefined;
  if (kept.length === line.events.length) return line.text;
  const head = line.text.slice(0, line.text.indexOf('"events":[') + '"events":['.length);
  return `${head}${kept.map(({ text }) => text).join(",")}]}`;
}

/** A tenant's events of an object's lines, those that the customer deleted left out. */
export async function keptEvents(store: Store, tenant: Tenant, lines: readonly string[]): Promise<ArchivedEvent[]> {
  const own = lines.filter((line) => isOf(line, tenant)).map(parseLine);
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
