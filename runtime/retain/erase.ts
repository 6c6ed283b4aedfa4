import { DeleteObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { splitTenant } from "../domain/identity.ts";
import { firstUlidAt, rfc3339 } from "../domain/ids.ts";
import { exportFolder, type PrivacyScope } from "../domain/job.ts";
import type { Job } from "../domain/service.ts";
import { archiveKeys, isOf, keepEvents, parseLine, readLines, writeLines } from "./archive.ts";
import { everyEntry, everythingInTable } from "./eraseEverything.ts";
import { subjectInTable } from "./eraseSubject.ts";
import { begin, type Cursor, countsOf, withCounts } from "./erasure.ts";
import { forgetScope, readScope, withinScope } from "./scope.ts";
import type { Slice, SliceWork, Tools } from "./work.ts";

/**
 * Erasure of a data subject, or of everything a customer sent up to the request. Table, payload objects and idempotency
 * entries, then the customer's 64th of the archive, then its exports; the wait for what was still on its way; and the same again, until a
 * whole pass finds nothing. Only then is the certificate written into the audit log. Whatever is erased twice is harmless.
 */
/**
 * Beyond the archive stream's buffer. Route hears of an erasure within 8 s and erases what comes later, and a post takes 10 s
 * at most; whatever either wrote without knowing is in the table by then, and found by the next pass.
 */
const ON_ITS_WAY_SECONDS = 12;
/** What arrives after this many passes was sent after the request; it can't happen without a clock gone wrong. */
const MAX_PASSES = 20;

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
      const next =
        "all" in scope
          ? await everythingInTable(job, cursor, tools, until)
          : await subjectInTable(job, scope, cursor, tools, until);
      return { cursor: next };
    }
    case "entries":
      return { cursor: await everyEntry(job, cursor, tools, until) };
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
    erased: countsOf(cursor),
    passes: cursor.pass,
    found_by_last_pass: cursor.found,
    event_ids_digest: cursor.digest,
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
