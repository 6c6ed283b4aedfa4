import { PutObjectCommand } from "@aws-sdk/client-s3";
import { placeBody } from "../../domain/codec/index.ts";
import { pack } from "../../domain/codec/pack.ts";
import { splitTenant, type Tenant } from "../../domain/identity/identity.ts";
import { offsetOf, timeOf } from "../../domain/ids.ts";
import type { Job } from "../../domain/job.ts";
import { DAY_SECONDS, type Millis, type Seconds, secondsOf } from "../../domain/time.ts";
import type { BatchItem } from "../../store/batches/batchItem.ts";
import { findEvents } from "../../store/batches/find.ts";
import { storeOverExpired } from "../../store/batches/storeBatches.ts";
import { ARRIVAL_MS, archiveKeys, keptEvents, readObject } from "../archive.ts";
import type { ArchivedEvent } from "../archiveLines.ts";
import type { Tools } from "../work.ts";

/**
 * Puts archived events back into the table, so that they are replayed like any other: with deliveries, retries and a
 * backlog. They are older than the customer's retention, which hides them from reads, and they expire again in days.
 */
const KEEP_SECONDS = 2 * DAY_SECONDS;

/** Runs of consecutive events: what erasure left of a batch, or a part of one, may have gaps. */
export function runsOf(events: readonly ArchivedEvent[]): ArchivedEvent[][] {
  const runs: ArchivedEvent[][] = [];
  // What is archived twice is put back once.
  const distinct = [...new Map(events.map((event) => [event.event_id, event])).values()];
  for (const event of distinct.toSorted((a, b) => (a.event_id < b.event_id ? -1 : 1))) {
    const run = runs.at(-1);
    const first = run?.[0]?.event_id.slice(4);
    if (
      run !== undefined &&
      first !== undefined &&
      offsetOf(first, event.event_id.slice(4), run.length + 1) === run.length
    )
      run.push(event);
    else runs.push([event]);
  }
  return runs;
}

/** What of the archive is put back. */
export interface Restored {
  readonly from: number;
  readonly to: number;
  /** Only these events, by id. */
  readonly named?: ReadonlySet<string>;
  /** Key of the object to go on behind. */
  readonly after?: string;
}

/**
 * @param goesOn asked before each run of events is put back, told how far whole objects have come
 * @returns how many events were put back, and the key to go on behind; no key at the end
 */
export async function restoreSlice(
  job: Job,
  tools: Tools,
  { from, to, named, after }: Restored,
  until: Millis,
  goesOn: (events: number, after: string | undefined) => Promise<boolean>,
): Promise<{ readonly events: number; readonly next: string | undefined }> {
  const { s3 } = tools.store;
  const bucket = tools.env.ARCHIVE_BUCKET;
  const { customer_id } = splitTenant(job.tenant);
  let events = 0;
  let last = after;
  const arrivals = { from, to: to + ARRIVAL_MS };
  for await (const key of archiveKeys(s3, bucket, customer_id, arrivals, after)) {
    const { lines } = await readObject(tools, key, [job.tenant]);
    const wanted = (await keptEvents(tools.store, job.tenant, lines)).filter(({ event_id }) => {
      const at = timeOf(event_id.slice(4));
      return at >= from && at < to && (named?.has(event_id) ?? true);
    });
    const own = runsOf(wanted).flat();
    const missing = await missingOf(tools, job.tenant, own);
    // Counted with its object, since after a crash the whole object is looked at again.
    let restored = own.length - missing.length;
    for (const run of runsOf(missing)) {
      if (!(await goesOn(events, last))) return { events: events + restored, next: last };
      await putRun(tools, run, { tenant: job.tenant, key_id: job.created_by, keepSeconds: KEEP_SECONDS });
      restored += run.length;
    }
    events += restored;
    last = key;
    if (!(await goesOn(events, last)) || tools.now() >= until) return { events, next: last };
  }
  return { events, next: undefined };
}

/**
 * Those that the table lacks, or holds only until it removes what has expired. All others are left in the batch that they are in: it may be
 * a part of this one, or more than it, and none of them may be in two.
 */
export async function missingOf(
  tools: Tools,
  tenant: Tenant,
  events: readonly ArchivedEvent[],
): Promise<ArchivedEvent[]> {
  const ulids = events.map(({ event_id }) => event_id.slice(4));
  const known = await findEvents(tools.store, tenant, ulids, { now: tools.now(), body: false, deleted: true });
  return events.filter(({ event_id }) => !known.has(event_id.slice(4)));
}

/** Puts a run of events that the table lacks back as a batch of its own. */
export async function putRun(
  tools: Tools,
  run: readonly ArchivedEvent[],
  { tenant, key_id, keepSeconds }: { readonly tenant: Tenant; readonly key_id: string; readonly keepSeconds: Seconds },
): Promise<void> {
  const first = run[0]!.event_id.slice(4);
  const packed = pack(run.map(({ payload }) => Buffer.from(payload)));
  const body = await placeBody(packed, `${tenant}/${first}`, async (Key, Body) => {
    await tools.store.s3.send(new PutObjectCommand({ Bucket: tools.store.payloadBucket, Key, Body }));
  });
  const batch: BatchItem = {
    tenant,
    first,
    count: run.length,
    types: run.map(({ event_type }) => event_type),
    key_id,
    body,
    matched: {},
    snapshot_version: 0,
    routed_at: tools.now(),
    acknowledged: {},
    deleted: [],
    expiry: secondsOf(tools.now()) + keepSeconds,
  };
  await storeOverExpired(tools.store.events, batch, tools.now());
}
