import { sendOrThrow } from "../../aws/queues.ts";
import { archivePrefixes } from "../../domain/codec/index.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { timeOf } from "../../domain/ids.ts";
import { encodeJobsMessage, type PutBackMessage } from "../../domain/job.ts";
import { DEFAULT_RETENTION_DAYS } from "../../domain/retention.ts";
import { DAY_SECONDS, rfc3339 } from "../../domain/time.ts";
import { removeLowWater } from "../../store/inbox/lateBatch.ts";
import { ARRIVAL_MS, keptEvents, keysUnder, readObject } from "../archive.ts";
import type { ArchiveLine } from "../archiveLines.ts";
import { missingOf, putRun, runsOf } from "../replay/fromArchive.ts";
import type { Tools } from "../work.ts";

/**
 * A table that was restored to an earlier moment lacks later events. The archive has them: every event of that time
 * which the table doesn't know is put back, for as long as its customer keeps events. The outcome of its deliveries is lost, so
 * it counts as unmatched and is delivered to nobody. Doing it twice changes nothing.
 */

/** Of one invocation, whose timeout is 300 s. */
const RUN_MS = 120_000;
/** Stands where the id of the key would that sent the event: the archive doesn't say. */
const SENDER = "archive";

export interface PutBackQueued {
  readonly from: string;
  readonly to: string;
  /** Messages on the jobs queue, one for each 64th of the archive. */
  readonly queued: number;
}

/** @throws RangeError when `from` and `to` are no times in this order */
export async function queuePutBack(
  { from, to }: { readonly from: string; readonly to: string },
  tools: Tools,
): Promise<PutBackQueued> {
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  if (!(begin < end)) throw new RangeError(`from (${from}) is not a time before to (${to})`);
  const range = { from: rfc3339(begin), to: rfc3339(end) };
  await sendOrThrow(
    tools.sqs,
    tools.env.JOB_QUEUE_URL,
    archivePrefixes.map((prefix) => ({
      text: encodeJobsMessage({ kind: "put_back", ...range, prefix }),
      group: `put-back-${prefix}`,
    })),
  );
  return { ...range, queued: archivePrefixes.length };
}

/** Works on one 64th, and queues the rest when the time is over. @returns how many events were put back now */
export async function putBack(message: PutBackMessage, tools: Tools): Promise<number> {
  const { s3 } = tools.store;
  const bucket = tools.env.ARCHIVE_BUCKET;
  const range = { from: Date.parse(message.from), to: Date.parse(message.to) };
  const until = tools.now() + RUN_MS;
  const arrivals = { from: range.from, to: range.to + ARRIVAL_MS };
  let events = 0;
  for await (const key of keysUnder(s3, bucket, `events/prefix=${message.prefix}/`, arrivals, message.after)) {
    const { lines } = await readObject(tools, key);
    for (const [tenant, own] of Map.groupBy(lines, (line) => line.tenant))
      events += await putBackOf(tenant, own, range, tools);
    if (tools.now() < until) continue;
    const text = encodeJobsMessage({ ...message, after: key });
    await sendOrThrow(tools.sqs, tools.env.JOB_QUEUE_URL, [{ text, group: `put-back-${message.prefix}` }]);
    break;
  }
  if (events > 0) tools.log("info", "retain.put_back", { ...message, events });
  return events;
}

async function putBackOf(
  tenant: Tenant,
  lines: readonly ArchiveLine[],
  range: { readonly from: number; readonly to: number },
  tools: Tools,
): Promise<number> {
  const archived = (await keptEvents(tools.store, tenant, lines)).filter(({ event_id }) => {
    const at = timeOf(event_id.slice(4));
    return at >= range.from && at < range.to;
  });
  const missing = await missingOf(tools, tenant, archived);
  if (missing.length === 0) return 0;
  const { days } = (await tools.service({ op: "retention", tenants: [tenant] })).answer;
  let events = 0;
  for (const run of runsOf(missing)) {
    const age = Math.floor((tools.now() - timeOf(run[0]!.event_id.slice(4))) / 1_000);
    const keepSeconds = (days[tenant] ?? DEFAULT_RETENTION_DAYS) * DAY_SECONDS - age;
    if (keepSeconds <= 0) continue;
    await putRun(tools, run, { tenant, key_id: SENDER, keepSeconds });
    events += run.length;
  }
  // The inbox may have been read to its end meanwhile. Its next reading begins below the restored events.
  if (events > 0) await removeLowWater(tools.store.events, tenant);
  return events;
}
