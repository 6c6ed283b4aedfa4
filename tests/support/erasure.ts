import { gunzipSync, gzipSync } from "node:zlib";
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import type { Item } from "../../runtime/domain/codec/fields.ts";
import { archivePrefix, encodeArchive } from "../../runtime/domain/codec/index.ts";
import { unpack } from "../../runtime/domain/codec/pack.ts";
import { eventHeads } from "../../runtime/domain/event.ts";
import { type Job, scopeKey } from "../../runtime/domain/job.ts";
import { erase } from "../../runtime/retain/erase/erase.ts";
import { exportEvents } from "../../runtime/retain/export/export.ts";
import type { Works } from "../../runtime/retain/run.ts";
import { type BatchItem, encodeBatch } from "../../runtime/store/batches/batchItem.ts";
import { encodeDeliveryItem } from "../../runtime/store/deliveries/deliveryItem.ts";
import { addMark } from "../../runtime/store/inbox/acknowledged.ts";
import type { JobBench } from "./jobs.ts";
import { batchOf, deliveryOf, type Storage } from "./storage.ts";

/** Whom erasures of tests are about. */
export const SECRET = "ada@example.com";
export const SUB = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV";
export const works: Works = { erasure: erase, export: exportEvents, replay: erase };
export const subject = { subject: { jsonpath: "$.user.email", equals: SECRET } };

/** Every byte that the stores hold, decoded: what a search for a person must not find. */
export async function everythingIn(storage: Storage): Promise<string> {
  const texts: string[] = [];
  for (const TableName of ["events", "metrics"]) {
    const { Items = [] } = await storage.dynamodb.send(new ScanCommand({ TableName }));
    for (const item of Items) {
      texts.push(JSON.stringify(item));
      if (item.body?.B !== undefined) texts.push(...unpack(item.body.B).map(String));
    }
  }
  for (const [key, bytes] of storage.objects) {
    texts.push(key);
    if (key.startsWith("payloads/")) texts.push(...unpack(bytes).map(String));
    else texts.push((bytes[0] === 0x1f ? gunzipSync(bytes) : Buffer.from(bytes)).toString());
  }
  return texts.join("\n");
}

/** A request as it was drawn by lot. */
export interface Drawn {
  readonly people: readonly (string | null)[];
  readonly inBucket: boolean;
  readonly delivered: boolean;
  readonly deletedBefore: boolean;
}

/** Stores a request in table and archive, as the router does; all its events are acknowledged. */
export async function putRequest(
  storage: Storage,
  bench: JobBench,
  tenant: string,
  drawn: Drawn,
  ago: number,
): Promise<BatchItem> {
  const payloads = drawn.people.map((email, n) => ({ event_type: "order.created", n, user: { email } }));
  const all = payloads.map((_, i) => i);
  let batch = batchOf(tenant, payloads, bench.clock.now - ago, {
    matched: { [SUB]: all },
    deleted: drawn.deletedBefore ? [0] : [],
  });
  const raws = unpack((batch.body as { inline: Buffer }).inline);
  if (drawn.inBucket) {
    const s3_key = `${tenant}/${batch.first}`;
    storage.objects.set(`payloads/${s3_key}`, (batch.body as { inline: Buffer }).inline);
    batch = { ...batch, body: { s3_key } };
  }
  await storage.put(encodeBatch(batch));
  await addMark(storage.store, batch, all, bench.clock.now - ago + 1);
  if (drawn.delivered) {
    const attempts = [
      {
        at: new Date().toISOString(),
        status_code: 500,
        latency_ms: 1,
        error: "status",
        response_excerpt: `no ${drawn.people.join()}`,
      },
    ];
    await storage.put(encodeDeliveryItem(deliveryOf(batch, SUB, { status: "dead_lettered", attempts })));
  }
  archiveAt(storage, tenant, batch.first, batch.types, raws, `${batch.first}`);
  return batch;
}

/** Adds events to an object of the archive. @returns its key */
export function archiveAt(
  storage: Storage,
  tenant: string,
  first: string,
  types: readonly (string | null)[],
  raws: readonly Buffer[],
  name: string,
): string {
  const [customer, environment = "live"] = tenant.split(".");
  const head = eventHeads(first, types);
  const lines = encodeArchive(
    { first },
    customer!,
    environment,
    raws.map((raw, i) => ({ head: head(i), raw })),
  );
  const key = `archive/events/prefix=${archivePrefix(customer!)}/2026/01/01/00/${name}.gz`;
  const before = storage.objects.get(key);
  const old = before === undefined ? Buffer.alloc(0) : gunzipSync(before);
  storage.objects.set(key, gzipSync(Buffer.concat([old, ...lines])));
  return key;
}

/** A privacy request as the API leaves it. */
export function beginRequest(
  storage: Storage,
  bench: JobBench,
  kind: "erasure" | "export",
  tenant: string,
  scope: object,
): Job {
  const job = bench.begin(kind, tenant, "all" in scope ? { all: true } : { subject: { jsonpath: "$.user.email" } });
  storage.objects.set(`exports/${scopeKey(job.job_id)}`, Buffer.from(JSON.stringify(scope)));
  return job;
}

/** Every item of the events table. */
export const itemsIn = async (storage: Storage): Promise<Item[]> =>
  (await storage.dynamodb.send(new ScanCommand({ TableName: "events" }))).Items ?? [];
