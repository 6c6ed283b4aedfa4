import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { Item } from "../../domain/codec/fields.ts";
import { defined } from "../../domain/defined.ts";
import { ontoOneLine, spliceEvent } from "../../domain/event.ts";
import { splitTenant } from "../../domain/identity/identity.ts";
import { firstUlidAt, timeOf, type Ulid, ulidAt } from "../../domain/ids.ts";
import { EXPORT_DAYS, exportFolder, type Job } from "../../domain/job.ts";
import { DEFAULT_RETENTION_DAYS } from "../../domain/retention.ts";
import { DAY_MS, type Millis, rfc3339, secondsOf } from "../../domain/time.ts";
import { scanEvents } from "../../store/batches/scanEvents.ts";
import { firstIn } from "../../store/keys.ts";
import { tellUnreadable } from "../../store/readable.ts";
import { ARRIVAL_MS, archiveKeys, keptEvents, readObject } from "../archive.ts";
import { removeObjects } from "../removeObjects.ts";
import { forgetScope, readScope, withinScope } from "../scope.ts";
import type { Slice, SliceWork, Tools } from "../work.ts";
import { tarEnd, tarHeader, tarPadding } from "./tar.ts";

/**
 * Exports: every event within the scope, as it was sent, oldest part first: what the table no longer holds from the
 * archive, then the table. Each slice writes a part of events.jsonl, a gzip member of its own; members one after the other
 * are a gzip file again, so the end only puts tar's headers between them.
 */
interface Part {
  readonly key: string;
  /** Of the text, before compression. */
  readonly bytes: number;
  readonly events: number;
}

interface Cursor {
  readonly phase: "archive" | "table" | "assemble" | "clean";
  /** Events received before this come from the archive; milliseconds. */
  readonly cutoff: Millis;
  readonly to: number;
  readonly after?: string;
  readonly parts: readonly Part[];
  /** How much is left out that is damaged. */
  readonly unreadable?: Unreadable;
  /** Once it is assembled. */
  readonly result?: Readonly<Record<string, unknown>>;
}

interface Unreadable {
  /** Of the table, and lines of the archive that are the tenant's or may be. */
  readonly batches: number;
  readonly lines: number;
}

const PART_BYTES = 64_000_000;
/** S3 takes parts of 5 MiB and more. */
const UPLOAD_BYTES = 8_388_608;
const NEWLINE = Buffer.from("\n");

export const exportEvents: SliceWork = async (job, tools, until) => {
  const cursor = (job.cursor as Cursor | null) ?? (await begin(job, tools));
  if (cursor.phase === "assemble") return assemble(job, cursor, tools);
  if (cursor.phase === "clean") return clean(job, cursor, tools);
  const isWanted = withinScope(await readScope(job, tools));
  const lines: Buffer[] = [];
  let bytes = 0;
  const add = (line: Buffer) => {
    lines.push(ontoOneLine(line), NEWLINE);
    bytes += line.length + 1;
  };
  const isFull = () => bytes >= PART_BYTES || tools.now() >= until;
  const read = cursor.phase === "archive" ? fromArchive : fromTable;
  const { after, over, unreadable } = await read(job, cursor, tools, { isWanted, add, isFull });
  const parts = [...cursor.parts];
  if (lines.length > 0) {
    const text = Buffer.concat(lines);
    // Two runs of a job, as a repeated message begins them, end their parts in other places: neither writes over the other's.
    const name = createHash("sha256").update(text).digest("base64url").slice(0, 16);
    const key = `${exportFolder(job.tenant, job.job_id)}part-${parts.length}-${name}.gz`;
    await tools.store.s3.send(
      new PutObjectCommand({ Bucket: tools.env.EXPORT_BUCKET, Key: key, Body: gzipSync(text) }),
    );
    parts.push({ key, bytes, events: lines.length / 2 });
  }
  const phase = !over ? cursor.phase : cursor.phase === "archive" ? "table" : "assemble";
  const { batches = 0, lines: left = 0 } = cursor.unreadable ?? {};
  const next: Cursor = {
    phase,
    unreadable: { batches: batches + (unreadable.batches ?? 0), lines: left + (unreadable.lines ?? 0) },
    cutoff: cursor.cutoff,
    to: cursor.to,
    parts,
    ...defined({ after: over ? undefined : after }),
  };
  return { cursor: next, progress: { ...job.progress, events: parts.reduce((sum, part) => sum + part.events, 0) } };
};

async function begin(job: Job, tools: Tools): Promise<Cursor> {
  const { days } = (await tools.service({ op: "retention", tenants: [job.tenant] })).answer;
  const to = Date.parse(job.created_at);
  return { phase: "archive", cutoff: to - (days[job.tenant] ?? DEFAULT_RETENTION_DAYS) * DAY_MS, to, parts: [] };
}

/** The part that a slice writes, while it is read. */
interface OpenPart {
  /** Whether the export's scope has an event. @param payload raw JSON */
  isWanted(payload: string): boolean;
  add(line: Buffer): void;
  /** Whether the slice ends here: the part has its size, or the time is over. */
  isFull(): boolean;
}

interface Reached {
  readonly after: string | undefined;
  readonly over: boolean;
  readonly unreadable: Partial<Unreadable>;
}

async function fromArchive(
  job: Job,
  cursor: Cursor,
  tools: Tools,
  { isWanted, add, isFull }: OpenPart,
): Promise<Reached> {
  const { s3 } = tools.store;
  const bucket = tools.env.ARCHIVE_BUCKET;
  const seen = new Set<string>();
  let left = 0;
  const arrivals = { from: 0, to: cursor.cutoff + ARRIVAL_MS };
  for await (const key of archiveKeys(s3, bucket, splitTenant(job.tenant).customer_id, arrivals, cursor.after)) {
    const { lines, unreadable } = await readObject(tools, key, [job.tenant]);
    for (const { head } of unreadable)
      if (head === undefined || (head.tenant === job.tenant && head.batch < firstUlidAt(cursor.cutoff))) left += 1;
    for (const event of await keptEvents(tools.store, job.tenant, lines)) {
      // A batch that was routed twice is archived twice.
      if (timeOf(event.event_id.slice(4)) >= cursor.cutoff || seen.has(event.event_id)) continue;
      if (!isWanted(event.payload)) continue;
      seen.add(event.event_id);
      add(Buffer.from(event.text));
    }
    if (isFull()) return { after: key, over: false, unreadable: { lines: left } };
  }
  return { after: undefined, over: true, unreadable: { lines: left } };
}

async function fromTable(
  job: Job,
  cursor: Cursor,
  tools: Tools,
  { isWanted, add, isFull }: OpenPart,
): Promise<Reached> {
  let { after } = cursor;
  const damaged = new Set<Ulid>();
  const range = {
    order: "asc" as const,
    from: cursor.cutoff,
    to: cursor.to,
    ...defined({ after }),
    unreadable: (item: Item, error: unknown) => {
      tellUnreadable(item, error);
      damaged.add(firstIn(item.sk!.S!));
    },
  };
  // What is read ahead of the place where the slice ends is read again by the next one.
  const ended = (over: boolean): Reached => {
    const here = [...damaged].filter(
      (first) => (range.after === undefined || first > range.after) && (over || first <= (after ?? "")),
    );
    return { after, over, unreadable: { batches: here.length } };
  };
  for await (const step of scanEvents(tools.store, job.tenant, range, tools.now(), isFull)) {
    if (step.kind === "paused") {
      after = step.reached ?? after;
      return ended(false);
    }
    for (const { batch, raws, offsets } of step.batches) {
      for (const offset of offsets) {
        const raw = raws[offset]!;
        if (isWanted(raw.toString("utf8"))) add(spliceEvent(batch.first, offset, batch.types[offset] ?? null, raw));
      }
      after = ulidAt(batch.first, batch.count - 1);
      if (isFull()) return ended(false);
    }
  }
  return ended(true);
}

/** Writes the archive out of its parts. */
async function assemble(job: Job, cursor: Cursor, tools: Tools): Promise<Slice> {
  const { s3 } = tools.store;
  const Bucket = tools.env.EXPORT_BUCKET;
  const at = secondsOf(Date.parse(job.created_at));
  const total = cursor.parts.reduce((sum, part) => sum + part.bytes, 0);
  const events = cursor.parts.reduce((sum, part) => sum + part.events, 0);
  const hash = createHash("sha256");
  const key = `${exportFolder(job.tenant, job.job_id)}export.tar.gz`;
  const upload = new Upload(tools, key);
  await upload.write(gzipSync(tarHeader("events.jsonl", total, at)));
  for (const part of cursor.parts) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: part.key }));
    const member = Buffer.from(await Body!.transformToByteArray());
    hash.update(gunzipSync(member));
    await upload.write(member);
  }
  const sha256 = hash.digest("hex");
  const { customer_id, environment } = splitTenant(job.tenant);
  const manifest = Buffer.from(
    `${JSON.stringify(
      {
        request_id: job.job_id,
        customer_id,
        environment,
        scope: job.request,
        requested_at: job.created_at,
        created_at: rfc3339(tools.now()),
        events,
        unreadable_batches: cursor.unreadable?.batches ?? 0,
        unreadable_archive_lines: cursor.unreadable?.lines ?? 0,
        files: [{ name: "events.jsonl", bytes: total, sha256, events }],
      },
      undefined,
      2,
    )}\n`,
  );
  const tail = [
    tarPadding(total),
    tarHeader("manifest.json", manifest.length, at),
    manifest,
    tarPadding(manifest.length),
    tarEnd(),
  ];
  await upload.write(gzipSync(Buffer.concat(tail)));
  const bytes = await upload.end();
  const result = { object: key, bytes, events, sha256, available_until: rfc3339(tools.now() + EXPORT_DAYS * DAY_MS) };
  return { cursor: { ...cursor, phase: "clean", result }, progress: { ...job.progress, events, bytes } };
}

/** Removes what only making it needed, of crashed slices too. In a slice of its own: a crash before leaves everything to assemble it again. */
async function clean(job: Job, cursor: Cursor, tools: Tools): Promise<Slice> {
  const folder = exportFolder(job.tenant, job.job_id);
  const isPart = (key: string) => key !== cursor.result?.object;
  await removeObjects(tools.store.s3, tools.env.EXPORT_BUCKET, folder, isPart);
  await forgetScope(job, tools);
  return { cursor, progress: job.progress, result: cursor.result ?? {} };
}

/** One object out of pieces of any size: a plain put when it is small, else a multipart upload. */
class Upload {
  readonly #tools: Tools;
  readonly #key: string;
  #pieces: Buffer[] = [];
  #size = 0;
  #total = 0;
  #id: string | undefined;
  readonly #parts: { PartNumber: number; ETag: string | undefined }[] = [];
  constructor(tools: Tools, key: string) {
    this.#tools = tools;
    this.#key = key;
  }

  async write(piece: Buffer): Promise<void> {
    this.#pieces.push(piece);
    this.#size += piece.length;
    this.#total += piece.length;
    if (this.#size >= UPLOAD_BYTES) await this.#flush();
  }

  /** @returns the object's bytes */
  async end(): Promise<number> {
    const { s3 } = this.#tools.store;
    const target = { Bucket: this.#tools.env.EXPORT_BUCKET, Key: this.#key };
    if (this.#id === undefined) {
      await s3.send(
        new PutObjectCommand({ ...target, Body: Buffer.concat(this.#pieces), ContentType: "application/gzip" }),
      );
      return this.#total;
    }
    await this.#flush();
    await s3.send(
      new CompleteMultipartUploadCommand({ ...target, UploadId: this.#id, MultipartUpload: { Parts: this.#parts } }),
    );
    return this.#total;
  }

  async #flush(): Promise<void> {
    if (this.#size === 0) return;
    const { s3 } = this.#tools.store;
    const target = { Bucket: this.#tools.env.EXPORT_BUCKET, Key: this.#key };
    this.#id ??= (
      await s3.send(new CreateMultipartUploadCommand({ ...target, ContentType: "application/gzip" }))
    ).UploadId;
    const PartNumber = this.#parts.length + 1;
    const { ETag } = await s3.send(
      new UploadPartCommand({ ...target, UploadId: this.#id, PartNumber, Body: Buffer.concat(this.#pieces) }),
    );
    this.#parts.push({ PartNumber, ETag });
    this.#pieces = [];
    this.#size = 0;
  }
}
