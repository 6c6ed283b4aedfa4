import { gunzipSync, gzipSync } from "node:zlib";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { sendOrThrow } from "../../aws/queues.ts";
import { addUpDay, DAY_ADDED_HOURS, minutesOf, oldMinutesOf, rollUpLate, writeHour } from "../../counters/hours.ts";
import { defined } from "../../domain/defined.ts";
import { environments, OPERATOR, type Tenant, tenantOf } from "../../domain/identity/identity.ts";
import { encodeJobsMessage, type HourWork } from "../../domain/job.ts";
import { dayStart } from "../../domain/metrics/hours.ts";
import { DEFAULT_RETENTION_DAYS } from "../../domain/retention.ts";
import { DAY_MS, HOUR_MS, hourName, rfc3339 } from "../../domain/time.ts";
import {
  type Access,
  type AccessRecord,
  type ArchivedAccess,
  accessKey,
  accessOf,
  chainAccess,
  LATE_MS,
  type SeenBy,
  withViews,
} from "../../domain/usage/access.ts";
import { keepNumbers } from "../numbers.ts";
import { removeExpiredPayloads } from "../payloads.ts";
import type { Tools } from "../work.ts";
import { settledHour } from "./hours.ts";
import { onItsOwn } from "./onItsOwn.ts";

/**
 * Archives who called what: each hour's counts by key and minute, chained, one object a customer and hour in a bucket that
 * (in production) takes nothing back, and an entry in the customer's audit log that names the last record's hash.
 *
 * Invariant: an object is written once, before its entry, and never again; so a step that is done twice has the same result. The
 * object follows the log's newest entry and the log follows the object: rewriting one of them means rewriting both.
 */

/** Hours that are made up for, when nothing ran for a while. The counters themselves are kept for 35 days. */
const LOOK_BACK_HOURS = 48;
const DONE = "done/";
/** With this hour of each day, the day before is added up, and numbers and payloads that are no longer kept are removed. */
const TIDY_HOUR = DAY_ADDED_HOURS;

/** Queues each settled hour of the last two days that isn't done. @returns the hours */
export async function beginAccess(tools: Tools): Promise<readonly string[]> {
  const last = settledHour(tools.now());
  const first = last - (LOOK_BACK_HOURS - 1) * HOUR_MS;
  const { Contents = [] } = await tools.store.s3.send(
    new ListObjectsV2Command({
      Bucket: tools.env.AUDIT_BUCKET,
      Prefix: DONE,
      StartAfter: `${DONE}${hourName(first - HOUR_MS)}`,
    }),
  );
  const done = new Set(Contents.map(({ Key }) => Key));
  const hours: string[] = [];
  for (let hour = first; hour <= last; hour += HOUR_MS) {
    if (!done.has(`${DONE}${hourName(hour)}`)) hours.push(rfc3339(hour));
  }
  await sendOrThrow(
    tools.sqs,
    tools.env.JOB_QUEUE_URL,
    hours.map((hour) => ({ text: encodeJobsMessage({ kind: "access", hour }), group: "access" })),
  );
  return hours;
}

/** Archives an hour for one page of customers, or for one customer, and hands the next page on. */
export async function archiveAccess(message: HourWork, tools: Tools): Promise<void> {
  const { hour, cursor, customer_id } = message;
  if (customer_id !== undefined) {
    await archiveFor([customer_id], message, { [customer_id]: message.metrics_days }, tools);
    return;
  }
  const {
    customer_ids,
    next_cursor,
    metrics_days = {},
  } = (await tools.service({ op: "customers", deleted: true, ...defined({ cursor }) })).answer;
  if (cursor === undefined) await rollUpLate(tools.counters, tools.fold, tools.now(), tools.log);
  const customers = cursor === undefined ? [OPERATOR, ...customer_ids] : customer_ids;
  const records = await archiveFor(customers, message, metrics_days, tools);
  if (next_cursor !== null) {
    const text = encodeJobsMessage({ kind: "access", hour, cursor: next_cursor });
    await sendOrThrow(tools.sqs, tools.env.JOB_QUEUE_URL, [{ text, group: "access" }]);
  } else await put(tools, `${DONE}${hourName(Date.parse(hour))}`, Buffer.alloc(0));
  tools.log("info", "retain.access_archived", { hour, customers: customer_ids.length, records });
}

/** @param metricsDays by customer, how long those keep numbers that have said so @returns how many records were made */
async function archiveFor(
  customers: readonly string[],
  { hour, customer_id }: HourWork,
  metricsDays: Readonly<Record<string, number | undefined>>,
  tools: Tools,
): Promise<number> {
  const tidies = new Date(hour).getUTCHours() === TIDY_HOUR;
  const days = tidies ? await retentionOf(customers, tools) : {};
  let records = 0;
  for (const id of customers) {
    const own = { kind: "access", hour, customer_id: id, ...defined({ metrics_days: metricsDays[id] }) } as const;
    await onItsOwn(tools, own, customer_id !== undefined, async () => {
      records += await archiveCustomer(id, hour, tools);
      if (!tidies) return;
      for (const tenant of tenantsOf(id)) {
        await addUpDay(tools.counters, tenant, dayStart(Date.parse(hour)) - DAY_MS);
        await keepNumbers(tools, tenant, metricsDays[id]);
        await removeExpiredPayloads(tools, tenant, days[tenant] ?? DEFAULT_RETENTION_DAYS);
      }
    });
  }
  return records;
}

const tenantsOf = (customer_id: string): Tenant[] =>
  environments.map((environment) => tenantOf({ customer_id, environment }));

/** For how many days events are kept, by tenant. */
async function retentionOf(customers: readonly string[], tools: Tools): Promise<Readonly<Record<Tenant, number>>> {
  return (await tools.service({ op: "retention", tenants: customers.flatMap(tenantsOf) })).answer.days;
}

async function archiveCustomer(customerId: string, hour: string, tools: Tools): Promise<number> {
  const accesses = withViews(await accessesOf(customerId, hour, tools), await viewsOf(customerId, hour, tools)).sort(
    (a, b) => (a.minute < b.minute ? -1 : a.minute > b.minute ? 1 : 0),
  );
  if (accesses.length === 0) return 0;
  const object = accessKey(customerId, hour);
  const log = (await tools.service({ op: "audit_head", customer_id: customerId, action: "access.archived", object }))
    .answer;
  if (log.told) return 0;
  const follows = { seq: log.seq, hash: log.hash };
  const made = chainAccess(customerId, hour, accesses, follows.hash);
  const head = { customer_id: customerId, hour, follows };
  const lines = [head, ...made].map((line) => JSON.stringify(line)).join("\n");
  const written = await put(tools, object, gzipSync(`${lines}\n`));
  // Written by a run that ended before it could tell: what that one saw stands.
  const details = written ? said(hour, follows, made) : await read(tools, object);
  await tools.service({
    op: "audit",
    customer_id: customerId,
    actor: "retain",
    action: "access.archived",
    object,
    outcome: "ok",
    details: { ...details },
    once: true,
  });
  return details.records;
}

const said = (hour: string, follows: ArchivedAccess["follows"], records: readonly AccessRecord[]): ArchivedAccess => ({
  hour,
  records: records.length,
  hash: records.at(-1)!.hash,
  follows,
});

async function read(tools: Tools, Key: string): Promise<ArchivedAccess> {
  const { Body } = await tools.store.s3.send(new GetObjectCommand({ Bucket: tools.env.AUDIT_BUCKET, Key }));
  const text = gunzipSync(await Body!.transformToByteArray()).toString("utf8");
  const [head, ...records] = text.trimEnd().split("\n");
  const { hour, follows } = JSON.parse(head!) as ArchivedAccess;
  return said(
    hour,
    follows,
    records.map((line) => JSON.parse(line) as AccessRecord),
  );
}

/** @returns false when there was such an object before, which stays as it is */
async function put(tools: Tools, Key: string, Body: Buffer): Promise<boolean> {
  try {
    await tools.store.s3.send(new PutObjectCommand({ Bucket: tools.env.AUDIT_BUCKET, Key, Body, IfNoneMatch: "*" }));
    return true;
  } catch (error) {
    if ((error as Error).name === "PreconditionFailed") return false;
    throw error;
  }
}

/** Adds the hour up, and says what the customer's keys did in it, by minute, environment and key. */
async function accessesOf(customerId: string, hour: string, tools: Tools): Promise<Access[]> {
  const start = Date.parse(hour);
  const found: Access[] = [];
  for (const environment of environments) {
    const tenant = environment === "live" ? customerId : `${customerId}.sandbox`;
    const [counted, before] = await Promise.all([
      minutesOf(tools.counters, tenant, start),
      oldMinutesOf(tools.counters, tenant, start),
    ]);
    // One that is not over, asked for by hand, would stand before all its minutes are there.
    if (tools.now() - (start + HOUR_MS) > LATE_MS) await writeHour(tools.counters, tenant, start, counted, tools.fold);
    const minutes = Map.groupBy([...counted, ...before], ({ sk }) => sk!.S!.slice(0, 16));
    for (const [minute, pages] of minutes) found.push(...accessOf(pages, `${minute}:00.000Z`, environment));
  }
  return found;
}

/** Who saw which payloads in the console within the hour. */
async function viewsOf(customerId: string, hour: string, tools: Tools): Promise<SeenBy[]> {
  const seen: SeenBy[] = [];
  for (let cursor: string | undefined; ; ) {
    const { views, next_cursor } = (
      await tools.service({ op: "views", customer_id: customerId, hour, ...defined({ cursor }) })
    ).answer;
    seen.push(...views);
    if (next_cursor === null) return seen;
    cursor = next_cursor;
  }
}
