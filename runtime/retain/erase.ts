import { createHash } from "node:crypto";
import { DeleteObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { splitTenant, type Tenant } from "../domain/identity.ts";
import { eventId, firstUlidAt, rfc3339, SHARDS, ulidAt } from "../domain/ids.ts";
import { exportFolder, type PrivacyScope } from "../domain/job.ts";
import type { Job } from "../domain/service.ts";
import { scanEvents } from "../store/scanEvents.ts";
import { mapConcurrently, queryPage } from "../store/table.ts";
import { archiveKeys, isOf, keepEvents, parseLine, readLines, writeLines } from "./archive.ts";
import { eraseInBatch, removeItem } from "./eraseTable.ts";
import { forgetScope, readScope, withinScope } from "./scope.ts";
import type { Slice, SliceWork, Tools } from "./work.ts";

/**
 * Erasure of a data subject, or of everything a customer sent up to the request. Table and payload objects, then the
 * customer's 64th of the archive, then its exports; the wait for what was still on its way; and the same again, until a
 * whole pass finds nothing. Only then is the certificate written into the audit log. Whatever is erased twice is harmless.
 */
type Phase = "table" | "archive" | "exports" | "wait" | "forget" | "certify";

interface Cursor {
  readonly phase: Phase;
  readonly tenants: readonly Tenant[];
  /** Which of the tenants, and in `all` which shard. */
  readonly at: number;
  readonly after?: string;
  readonly pass: number;
  /** What this pass has found so far. */
  readonly found: number;
  readonly waitUntil?: number;
  readonly counts: Counts;
  /** Chained SHA-256 over the ids of the erased events, in the order of erasing. */
  readonly digest: string;
  readonly certificate?: Readonly<Record<string, unknown>>;
}

interface Counts {
  readonly events: number;
  readonly deliveries: number;
  readonly payload_objects: number;
  readonly archived_events: number;
  readonly archive_objects: number;
  readonly exports: number;
}

/** Beyond the archive stream's buffer: what a request may spend in queues and functions before it is stored. */
const ON_ITS_WAY_SECONDS = 3;
/** What arrives after this many passes was sent after the request; it can't happen without a clock gone wrong. */
const MAX_PASSES = 20;

const chain = (digest: string, ids: readonly string[]): string =>
  ids.reduce((before, id) => createHash("sha256").update(before).update(id).digest("hex"), digest);

function begin(job: Job): Cursor {
  const { customer_id, environment } = splitTenant(job.tenant);
  // A live key speaks for the customer, whose sandbox may hold the same person; a sandbox key for the sandbox alone.
  const tenants = environment === "live" ? [customer_id, `${customer_id}.sandbox`] : [job.tenant];
  const counts = { events: 0, deliveries: 0, payload_objects: 0, archived_events: 0, archive_objects: 0, exports: 0 };
  return { phase: "table", tenants, at: 0, pass: 1, found: 0, counts, digest: "" };
}

export const erase: SliceWork = async (job, tools, until) => {
  const cursor = (job.cursor as Cursor | null) ?? begin(job);
  const next = await advance(job, cursor, tools, until);
  const progress = { ...job.progress, ...next.cursor.counts, passes: next.cursor.pass };
  return { ...next, progress };
};

async function advance(
  job: Job,
  cursor: Cursor,
  tools: Tools,
  until: number,
): Promise<Omit<Slice, "progress"> & { cursor: Cursor }> {
  switch (cursor.phase) {
    case "table": {
      const scope = await readScope(job, tools);
      const work = "all" in scope ? everythingInTable : subjectInTable;
      return { cursor: await work(job, scope, cursor, tools, until) };
    }
    case "archive":
      return { cursor: await inArchive(job, await readScope(job, tools), cursor, tools, until) };
    case "exports":
      return { cursor: await inExports(cursor, tools) };
    case "wait": {
      const wait = (cursor.waitUntil ?? 0) - tools.now();
      if (wait > 0) return { cursor, waitSeconds: wait / 1_000 };
      const { waitUntil: _, ...rest } = cursor;
      return { cursor: { ...rest, phase: "table", at: 0, pass: cursor.pass + 1, found: 0 } };
    }
    case "forget": {
      await forgetScope(job, tools);
      return { cursor: { ...cursor, phase: "certify" } };
    }
    case "certify":
      return { cursor, result: { certificate: await certify(job, cursor, tools) } };
  }
}

const withCounts = (cursor: Cursor, more: Partial<Counts>, ids: readonly string[], found: number): Cursor => ({
  ...cursor,
  found: cursor.found + found,
  digest: chain(cursor.digest, ids),
  counts: Object.fromEntries(
    Object.entries(cursor.counts).map(([name, count]) => [name, count + (more[name as keyof Counts] ?? 0)]),
  ) as unknown as Counts,
});

/** On to the next tenant (or shard), or to the next phase. */
function onward(cursor: Cursor, last: number, phase: Phase): Cursor {
  const { after: _, ...rest } = cursor;
  return cursor.at + 1 < last ? { ...rest, at: cursor.at + 1 } : { ...rest, at: 0, phase };
}

async function subjectInTable(
  job: Job,
  scope: PrivacyScope,
  cursor: Cursor,
  tools: Tools,
  until: number,
): Promise<Cursor> {
  const tenant = cursor.tenants[cursor.at]!;
  const wanted = withinScope(scope);
  let current = cursor;
  let { after } = cursor;
  const range = {
    order: "asc" as const,
    from: 0,
    to: Date.parse(job.created_at) + 1,
    deleted: true,
    ...(after === undefined ? {} : { after }),
  };
  // At time 0 nothing has expired: what waits for its removal is erased too.
  for await (const step of scanEvents(tools.store, tenant, range, 0, () => tools.now() >= until)) {
    if (step.kind === "paused") return { ...current, ...(step.reached === undefined ? {} : { after: step.reached }) };
    const results = await mapConcurrently(step.batches, 8, async ({ batch }) => ({
      batch,
      ...(await eraseInBatch(tools.store, batch, (_, raws) =>
        raws.flatMap((raw, offset) => (wanted(raw.toString("utf8")) ? [offset] : [])),
      )),
    }));
    for (const { batch, offsets, payloads, deliveries } of results) {
      const ids = offsets.map((offset) => eventId(ulidAt(batch.first, offset)));
      const more = { events: ids.length, payload_objects: payloads, deliveries };
      if (ids.length > 0) current = withCounts(current, more, ids, ids.length);
      after = ulidAt(batch.first, batch.count - 1);
    }
    if (tools.now() >= until) return { ...current, ...(after === undefined ? {} : { after }) };
  }
  return onward(current, cursor.tenants.length, "archive");
}

/** Every batch and delivery of the tenants' shards up to the request, whole items. */
async function everythingInTable(
  job: Job,
  _: PrivacyScope,
  cursor: Cursor,
  tools: Tools,
  until: number,
): Promise<Cursor> {
  const tenant = cursor.tenants[Math.floor(cursor.at / SHARDS)]!;
  const bound = firstUlidAt(Date.parse(job.created_at) + 1);
  let current = cursor;
  for (const kind of ["d", "x", "e"] as const) {
    for (;;) {
      const { items, next } = await queryPage(tools.store, {
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :lo AND :hi",
        ExpressionAttributeValues: {
          ":pk": { S: `${tenant}#${cursor.at % SHARDS}` },
          ":lo": { S: `${kind}#` },
          ":hi": { S: `${kind}#${bound}` },
        },
        ProjectionExpression: "pk, sk, s3_key, #count",
        ExpressionAttributeNames: { "#count": "count" },
        Limit: 500,
      });
      const objects = await mapConcurrently(items, 16, (item) => removeItem(tools.store, item));
      const ids =
        kind !== "e"
          ? []
          : items.flatMap((item) =>
              Array.from({ length: Number(item.count?.N ?? 0) }, (_each, i) =>
                eventId(ulidAt(item.sk!.S!.slice(2), i)),
              ),
            );
      const more =
        kind !== "e"
          ? { deliveries: kind === "d" ? items.length : 0 }
          : { events: ids.length, payload_objects: objects.filter(Boolean).length };
      current = withCounts(current, more, ids, items.length);
      // What was removed is not found again, so there is no place to remember.
      if (tools.now() >= until && next !== undefined) return current;
      if (next === undefined) break;
    }
  }
  return onward(current, cursor.tenants.length * SHARDS, "archive");
}

/** Rewrites the objects of the customer's 64th that hold anything within the scope; one that holds nothing else goes. */
async function inArchive(job: Job, scope: PrivacyScope, cursor: Cursor, tools: Tools, until: number): Promise<Cursor> {
  const wanted = withinScope(scope);
  const { s3 } = tools.store;
  const bucket = tools.env.ARCHIVE_BUCKET;
  const bound = firstUlidAt(Date.parse(job.created_at) + 1);
  const { customer_id } = splitTenant(job.tenant);
  let current = cursor;
  const ever = { from: 0, to: Number.POSITIVE_INFINITY };
  for await (const key of archiveKeys(s3, bucket, customer_id, ever, cursor.after)) {
    const lines = await readLines(s3, bucket, key);
    const ids: string[] = [];
    const kept = lines.flatMap((text) => {
      if (!cursor.tenants.some((tenant) => isOf(text, tenant))) return [text];
      const line = parseLine(text);
      const rest = line.events.filter(({ event_id, payload }) => {
        const erased = event_id.slice(4) < bound && wanted(payload);
        if (erased) ids.push(event_id);
        return !erased;
      });
      return keepEvents(line, rest) ?? [];
    });
    if (ids.length > 0) {
      await writeLines(s3, bucket, key, kept);
      current = withCounts(current, { archived_events: ids.length, archive_objects: 1 }, ids, ids.length);
    }
    if (tools.now() >= until) return { ...current, after: key };
  }
  const { after: _, ...rest } = current;
  return { ...rest, at: 0, phase: "exports" };
}

/** Removes what was exported before, whole: nobody can tell whom a finished export is about. */
async function inExports(cursor: Cursor, tools: Tools): Promise<Cursor> {
  const { s3 } = tools.store;
  const Bucket = tools.env.EXPORT_BUCKET;
  let exports = 0;
  for (const tenant of cursor.tenants) {
    for (let token: string | undefined; ; ) {
      const { Contents = [], NextContinuationToken } = await s3.send(
        new ListObjectsV2Command({
          Bucket,
          Prefix: exportFolder(tenant),
          ...(token === undefined ? {} : { ContinuationToken: token }),
        }),
      );
      for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket, Key: Key! }));
      exports += Contents.length;
      token = NextContinuationToken;
      if (token === undefined) break;
    }
  }
  const current = withCounts(cursor, { exports }, [], exports);
  // One pass that found nothing, after everything on its way has arrived, is the proof.
  if (current.pass > 1 && current.found === 0) return { ...current, phase: "forget" };
  if (current.pass >= MAX_PASSES) throw new Error(`something within the scope was still found in pass ${current.pass}`);
  const waitMs = (Number(tools.env.ARCHIVE_BUFFER_SECONDS) * 1.5 + ON_ITS_WAY_SECONDS) * 1_000;
  return { ...current, phase: "wait", waitUntil: tools.now() + waitMs };
}

/** What, where, how much and when, chained into the customer's audit log. */
async function certify(job: Job, cursor: Cursor, tools: Tools): Promise<Readonly<Record<string, unknown>>> {
  const certificate = {
    request_id: job.job_id,
    customer_id: job.customer_id,
    environments: cursor.tenants.map((tenant) => splitTenant(tenant).environment),
    scope: job.request,
    requested_at: job.created_at,
    completed_at: rfc3339(tools.now()),
    erased: cursor.counts,
    passes: cursor.pass,
    found_by_last_pass: cursor.found,
    event_ids_digest: cursor.digest,
    idempotency: "holds hashes and event ids only, for at most 24 hours",
  };
  const { seq, hash } = (
    await tools.service({
      op: "audit",
      customer_id: job.customer_id,
      actor: "retain",
      action: "privacy.erased",
      object: job.job_id,
      outcome: "ok",
      details: certificate,
      once: true,
    })
  ).answer;
  return { ...certificate, audit: { seq, hash } };
}
