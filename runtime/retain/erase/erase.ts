import { splitTenant } from "../../domain/identity/identity.ts";
import type { Job } from "../../domain/job.ts";
import { type Millis, rfc3339 } from "../../domain/time.ts";
import { forgetScope, readScope } from "../scope.ts";
import type { Slice, SliceWork, Tools } from "../work.ts";
import { inArchive } from "./archive.ts";
import { begin, type Cursor, countsOf } from "./erasure.ts";
import { everyEntry, everyNumber, everythingInTable } from "./everything.ts";
import { inExports } from "./exports.ts";
import { subjectInTable } from "./subject.ts";

/**
 * Erasure of a data subject, or of everything a customer sent up to the request. Table, payload objects and idempotency
 * entries, then the customer's 64th of the archive, then its exports; the wait for what was still on its way; and the same again, until a
 * whole pass finds nothing. Only then is the certificate written into the audit log. Erasing twice is harmless.
 */
/**
 * Beyond the archive stream's buffer. Route hears of an erasure within 8 s and erases what comes later, and a post takes 10 s
 * at most; the events that either wrote without knowing are in the table by then, and found by the next pass.
 */
const ON_ITS_WAY_SECONDS = 12;
/** What arrives after this many passes was sent after the request; it happens only when a clock is wrong. */
const MAX_PASSES = 20;

/** What erasing all events leaves, and the certificate names: it is not events, and its owner can change or delete it. */
const KEPT = [
  "subscriptions with their selectors and headers",
  "reference tables",
  "event types and their schemas",
  "usage counters, which name event types",
  "the audit log",
] as const;

export const erase: SliceWork = async (job, tools, until) => {
  const cursor = (job.cursor as Cursor | null) ?? begin(job);
  const moved = await advance(job, cursor, tools, until);
  const next = foundNow(cursor, moved.cursor)
    ? { ...moved, cursor: { ...moved.cursor, found_at: tools.now() } }
    : moved;
  const progress = { ...job.progress, ...next.cursor.counts, passes: next.cursor.pass };
  return { ...next, progress };
};

/** Whether the slice found events or entries, which an export may have read before. */
const foundNow = (before: Cursor, after: Cursor): boolean => before.phase !== "exports" && after.found > before.found;

async function advance(
  job: Job,
  cursor: Cursor,
  tools: Tools,
  until: Millis,
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
    case "numbers":
      return { cursor: await everyNumber(job, cursor, tools) };
    case "archive":
      return { cursor: await inArchive(job, await readScope(job, tools), cursor, tools, until) };
    case "exports": {
      const { cursor: next, waitSeconds } = await inExports(job, cursor, tools);
      return waitSeconds === undefined ? { cursor: passed(next, tools) } : { cursor: next, waitSeconds };
    }
    case "wait": {
      const wait = (cursor.waitUntil ?? 0) - tools.now();
      if (wait > 0) return { cursor, waitSeconds: wait / 1_000 };
      const { waitUntil: _, ...rest } = cursor;
      return { cursor: { ...rest, phase: "table", at: 0, pass: cursor.pass + 1, found: 0, unreadable_lines: 0 } };
    }
    case "forget": {
      await forgetScope(job, tools);
      return { cursor: { ...cursor, phase: "certify" } };
    }
    case "certify":
      return { cursor, result: { certificate: await certify(job, cursor, tools) } };
  }
}

/** A pass is over: the certificate comes next, or another pass. */
function passed(cursor: Cursor, tools: Tools): Cursor {
  // One pass that found nothing, after everything on its way has arrived, is the proof.
  if (cursor.pass > 1 && cursor.found === 0) return { ...cursor, phase: "forget" };
  if (cursor.pass >= MAX_PASSES) throw new Error(`something within the scope was still found in pass ${cursor.pass}`);
  const waitMs = (Number(tools.env.ARCHIVE_BUFFER_SECONDS) * 1.5 + ON_ITS_WAY_SECONDS) * 1_000;
  return { ...cursor, phase: "wait", waitUntil: tools.now() + waitMs };
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
    unreadable_archive_lines: cursor.unreadable_lines ?? 0,
    event_ids_digest: cursor.digest,
    ...("all" in job.request ? { kept: KEPT } : {}),
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
