/**
 * Reading one customer's inbox: a million events stored, 1,000 of them filtered out a page. Prints the time of each
 * question, over the DynamoDB stand-in in the same process (so its work counts too).
 */
import { BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import { compileSelector } from "../../../runtime/matching/index.ts";
import { encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { encodeDeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";
import { textsOf } from "../../../runtime/store/inbox/acknowledged.ts";
import { readEvents } from "../../../runtime/store/inbox/read.ts";
import type { Position, ReadQuery } from "../../../runtime/store/inbox/readQuery.ts";
import { writeEvent } from "../../../runtime/store/inbox/view.ts";
import { markKey } from "../../../runtime/store/keys.ts";
import { batchOf, deliveryOf, openStorage } from "../../support/storage.ts";

const EVENTS = Number(process.env.EVENTS ?? 1_000_000);
const BATCH = 100;
const SUB = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const storage = await openStorage();
const now = Date.now();

const payload = (n: number) => ({
  event_type: ["order.created", "order.paid", "order.shipped", "invoice.sent"][n % 4],
  id: n,
  amount: n % 1_000,
  customer: { email: `someone${n % 5_000}@example.com`, name: "A. Customer", city: "Zürich" },
  lines: Array.from({ length: 4 }, (_, i) => ({
    sku: `SKU-${(n + i) % 997}`,
    qty: i + 1,
    price: 19.9,
    text: "an item",
  })),
  note: "x".repeat(200),
});

const started = performance.now();
let pending: object[] = [];
const flush = async () => {
  for (let from = 0; from < pending.length; from += 25) {
    const requests = pending.slice(from, from + 25);
    await storage.dynamodb.send(new BatchWriteItemCommand({ RequestItems: { events: requests } as never }));
  }
  pending = [];
};
for (let n = 0; n < EVENTS; n += BATCH) {
  const events = Array.from({ length: BATCH }, (_, i) => payload(n + i));
  const matched = { [SUB]: events.map((_, i) => i).filter((i) => i % 4 === 0) };
  const batch = batchOf("cus_bench", events, now - (EVENTS - n) * 100, { matched });
  pending.push({ PutRequest: { Item: encodeBatch(batch) } });
  const status = n % 50_000 === 0 ? "failed" : "delivered";
  const attempts = [
    { at: new Date(now).toISOString(), status_code: 200, latency_ms: 12, error: null, response_excerpt: "ok" },
  ];
  pending.push({ PutRequest: { Item: encodeDeliveryItem(deliveryOf(batch, SUB, { status, attempts })) } });
  if (pending.length >= 100) await flush();
}
await flush();
console.log(`${EVENTS} events stored in ${((performance.now() - started) / 1_000).toFixed(0)} s`);

const cel = (filter: string) => ({ matches: compileSelector({ cel: filter }).matches });
const questions: [says: string, query: Partial<ReadQuery>][] = [
  ["the newest 1,000", {}],
  ["the newest 1,000, all states", { acknowledged: "all" }],
  ["the oldest 1,000", { order: "asc" }],
  ["1,000 of one type in four", { types: ["order.paid"] }],
  ["1,000 by CEL, one in four", cel("event.amount >= 750.0")],
  ["1,000 by CEL and type, one in eight", { types: ["order.created"], ...cel("event.amount > 500") }],
  ["1,000 by text, one in ten", { text: "sku-1" }],
  ["1,000 that failed", { statuses: ["failed"] }],
  ["1,000 delivered", { statuses: ["delivered"] }],
  ["an unsent type", { types: ["nothing"] }],
];
for (const [says, query] of questions) {
  const times: number[] = [];
  const cpu = process.cpuUsage();
  let found = 0;
  let bytes = 0;
  for (let i = 0; i < 6; i += 1) {
    const at = performance.now();
    const { events } = await readEvents(
      storage.store,
      "cus_bench",
      { order: "desc", acknowledged: false, ...query },
      { began: now },
      { limit: 1_000, now: Date.now, removed: async () => () => false },
    );
    bytes = Buffer.concat(events.map(writeEvent)).length;
    times.push(performance.now() - at);
    found = events.length;
  }
  times.sort((a, b) => a - b);
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    `${says.padEnd(38)} ${String(found).padStart(5)} events  ${(bytes / 1_024).toFixed(0).padStart(5)} KB  median ${times[3]!.toFixed(0)} ms, worst ${times[5]!.toFixed(0)} ms, CPU ${((user + system) / 6_000).toFixed(0)} ms`,
  );
}

// Another customer, whose whole history is acknowledged, asks for what isn't: at first, and when that has been told once.
for (let n = 0; n < EVENTS; n += BATCH) {
  const events = Array.from({ length: BATCH }, (_, i) => payload(n + i));
  const batch = batchOf("cus_done", events, now - 600_000 - (EVENTS - n) * 100);
  const marks = { SS: textsOf(new Map(events.map((_, offset) => [offset, now]))) };
  pending.push({ PutRequest: { Item: encodeBatch(batch) } });
  pending.push({ PutRequest: { Item: { ...markKey("cus_done", batch.first), marks } } });
  if (pending.length >= 100) await flush();
}
await flush();
for (const says of ["all acknowledged, read for the first time", "all acknowledged, read again"]) {
  const at = performance.now();
  let pages = 0;
  for (let position: Position | null = { began: now }; position !== null; pages += 1) {
    const query: ReadQuery = { order: "desc", acknowledged: false };
    const options = { limit: 1_000, now: Date.now, removed: async () => () => false };
    ({ next: position } = await readEvents(storage.store, "cus_done", query, position, options));
  }
  console.log(`${says.padEnd(42)} ${pages} pages, ${(performance.now() - at).toFixed(0)} ms`);
}
await storage.close();
