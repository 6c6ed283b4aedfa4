import { sendOrThrow } from "../../aws/queues.ts";
import { encodeArchive } from "../../domain/codec/index.ts";
import { defined } from "../../domain/defined.ts";
import { eventHeads } from "../../domain/event.ts";
import { splitTenant, type Tenant } from "../../domain/identity/identity.ts";
import { eventId, timeOf, ulidAt } from "../../domain/ids.ts";
import { encodeJobsMessage, type HourWork } from "../../domain/job.ts";
import { HOUR_MS, rfc3339 } from "../../domain/time.ts";
import type { BatchItem } from "../../store/batches/batchItem.ts";
import { type ScannedBatch, scanEvents } from "../../store/batches/scanEvents.ts";
import { deliveriesOf } from "../../store/deliveries/deliveriesOf.ts";
import { archiveFolder, archiveKeys, hourFolder, readObject, writeLines } from "../archive.ts";
import type { Tools } from "../work.ts";
import { onItsOwn } from "./onItsOwn.ts";
import { recountOf } from "./recount.ts";
import { retryStrays } from "./strays.ts";

/**
 * Finds events that the archive lacks, deliveries whose message was lost, and what was lost before it was counted: for each customer and
 * hour the events of the table are looked up in the archive. Those that aren't there are reported and written there from the table. One run takes the customers a page at a
 * time and queues itself for the next page. What is archived twice because it was only late is read once by its readers.
 */
export interface Reconciled {
  readonly hour: string;
  readonly customers: number;
  readonly events: number;
  readonly missing: number;
  /** Stuck deliveries, sent on their way again. */
  readonly strays: number;
  /** Facts that were not counted, and are now. */
  readonly recounted: number;
}

/** Compares one page of customers, or one customer, repairs the gaps, and hands the next page on. */
export async function reconcile({ hour, cursor, customer_id }: HourWork, tools: Tools): Promise<Reconciled> {
  const from = Date.parse(hour);
  const { customer_ids, next_cursor } =
    customer_id === undefined
      ? (await tools.service({ op: "customers", ...defined({ cursor }) })).answer
      : { customer_ids: [customer_id], next_cursor: null };
  let events = 0;
  let missing = 0;
  let strays = 0;
  let recounted = 0;
  // Customers of one 64th share its objects: they are read once for all of them.
  for (const [, customers] of Map.groupBy(customer_ids, archiveFolder)) {
    const tenantsOf = (id: string): Tenant[] => [id, `${id}.sandbox`];
    const archived = once(() => archivedIds(tools, customers.flatMap(tenantsOf), from));
    for (const id of customers)
      await onItsOwn(tools, { kind: "reconcile", hour, customer_id: id }, customer_id !== undefined, async () => {
        for (const tenant of tenantsOf(id)) {
          const outcome = await compare(tools, tenant, from, (await archived()).get(tenant) ?? new Set());
          events += outcome.events;
          missing += outcome.missing;
          strays += outcome.strays;
          recounted += outcome.recounted;
        }
      });
  }
  if (next_cursor !== null) {
    const text = encodeJobsMessage({ kind: "reconcile", hour, cursor: next_cursor });
    await sendOrThrow(tools.sqs, tools.env.JOB_QUEUE_URL, [{ text, group: "reconcile" }]);
  }
  const report = { hour, customers: customer_ids.length, events, missing, strays, recounted };
  tools.log(missing + strays + recounted > 0 ? "warn" : "info", "retain.reconciled", report);
  return report;
}

/** Does something when it is first asked for. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= work();
    return made;
  };
}

/** Ids of the events of that hour that the archive holds, by tenant. */
async function archivedIds(tools: Tools, tenants: readonly Tenant[], from: number): Promise<Map<Tenant, Set<string>>> {
  const { s3 } = tools.store;
  const bucket = tools.env.ARCHIVE_BUCKET;
  const found = new Map(tenants.map((tenant) => [tenant, new Set<string>()]));
  const { customer_id } = splitTenant(tenants[0]!);
  // Clocks and buffers differ by minutes: arrivals from the hour itself until now.
  for await (const key of archiveKeys(s3, bucket, customer_id, { from, to: tools.now() })) {
    for (const { tenant, events } of (await readObject(tools, key, tenants)).lines) {
      for (const { event_id } of events) {
        const at = timeOf(event_id.slice(4));
        if (at >= from && at < from + HOUR_MS) found.get(tenant)!.add(event_id);
      }
    }
  }
  return found;
}

async function compare(
  tools: Tools,
  tenant: Tenant,
  from: number,
  archived: ReadonlySet<string>,
): Promise<Pick<Reconciled, "events" | "missing" | "strays" | "recounted">> {
  let events = 0;
  let missing = 0;
  let strays = 0;
  const recount = recountOf(tools, tenant, from);
  const range = { order: "asc" as const, from, to: from + HOUR_MS };
  for await (const step of scanEvents(tools.store, tenant, range, tools.now(), () => false)) {
    if (step.kind === "paused") break;
    const gaps: ScannedBatch[] = [];
    for (const scanned of step.batches) {
      const { batch, offsets } = scanned;
      events += offsets.length;
      const absent = offsets.filter((offset) => !archived.has(eventId(ulidAt(batch.first, offset))));
      if (absent.length > 0) gaps.push({ ...scanned, offsets: absent });
      missing += absent.length;
    }
    if (gaps.length > 0) await repair(tools, tenant, from, gaps);
    const matched = step.batches.filter(({ batch }) => Object.keys(batch.matched).length > 0);
    const firsts = matched.map(({ batch }) => batch.first);
    const items = await deliveriesOf(tools.store, tenant, firsts, step.batches.length);
    recount.add(step.batches, items);
    strays += await retryStrays(
      tools,
      tenant,
      matched.map(({ batch }) => batch),
      items,
    );
  }
  if (missing > 0) {
    const { customer_id, environment } = splitTenant(tenant);
    tools.log("warn", "retain.archive_gap", { customer_id, environment, hour: rfc3339(from), events, missing });
  }
  return { events, missing, strays, recounted: await recount.finish() };
}

/** Writes the missing events under a key of their own, which the same repair writes again and no other does. */
async function repair(tools: Tools, tenant: Tenant, from: number, gaps: readonly ScannedBatch[]): Promise<void> {
  const { customer_id, environment } = splitTenant(tenant);
  const lines = gaps.flatMap(({ batch, raws, offsets }) =>
    encodeArchive(batch, customer_id, environment, textsOf(batch, raws, offsets)).map((record) =>
      record.subarray(0, -1),
    ),
  );
  const first = gaps[0]!.batch.first;
  const key = `${archiveFolder(customer_id)}${hourFolder(from)}repair-${environment}-${customer_id}-${first}.gz`;
  await writeLines(tools.store.s3, tools.env.ARCHIVE_BUCKET, key, lines);
}

function textsOf(batch: BatchItem, raws: readonly Buffer[], offsets: readonly number[]) {
  const head = eventHeads(batch.first, batch.types);
  return offsets.map((offset) => ({ head: head(offset), raw: raws[offset]! }));
}
