import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { suite } from "uvu";
import { archivePrefix, encodeArchive } from "../../../runtime/domain/codec/index.ts";
import { unpack } from "../../../runtime/domain/codec/pack.ts";
import { eventHeads } from "../../../runtime/domain/event.ts";
import { splitTenant } from "../../../runtime/domain/identity/identity.ts";
import { ulidAt } from "../../../runtime/domain/ids.ts";
import { rfc3339 } from "../../../runtime/domain/time.ts";
import { queuePutBack } from "../../../runtime/retain/restore/restore.ts";
import { runJobs, type Works } from "../../../runtime/retain/run.ts";
import { type BatchItem, encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { findEvents } from "../../../runtime/store/batches/find.ts";
import { rememberDeleted } from "../../../runtime/store/erasure/tombstones.ts";
import { addMark } from "../../../runtime/store/inbox/acknowledged.ts";
import { deleteEvents } from "../../../runtime/store/inbox/marks.ts";
import { readEvents } from "../../../runtime/store/inbox/read.ts";
import { type JobBench, jobBench } from "../../support/jobs.ts";
import { batchOf, openStorage, type Storage } from "../../support/storage.ts";

const test = suite("what a restored table lacks");
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let storage: Storage;
let bench: JobBench;
test.before.each(async () => {
  storage = await openStorage();
  bench = jobBench(storage);
});
test.after.each(() => storage.close());

/** What was accepted `ago` ms before now and archived; in the table only when `stored`. */
async function accept(
  ago: number,
  payloads: readonly object[],
  { tenant = "cus_a", stored = false, cut = payloads.length } = {},
): Promise<BatchItem> {
  const at = bench.clock.now - ago;
  const batch = batchOf(tenant, payloads as never, at);
  if (stored) await storage.put(encodeBatch(batch));
  const { customer_id, environment } = splitTenant(tenant);
  const head = eventHeads(batch.first, batch.types);
  const texts = unpack((batch.body as { inline: Buffer }).inline).map((raw, i) => ({ head: head(i), raw }));
  const folder = `archive/events/prefix=${archivePrefix(customer_id)}/${rfc3339(at).slice(0, 13).replaceAll(/[-T]/g, "/")}`;
  // A large request is cut in two lines, which may lie in two objects.
  for (const [name, part] of [
    ["a", texts.slice(0, cut)],
    ["b", texts.slice(cut)],
  ] as const)
    if (part.length > 0)
      storage.objects.set(
        `${folder}/${batch.first}-${name}.gz`,
        gzipSync(Buffer.concat(encodeArchive(batch, customer_id, environment, part))),
      );
  return batch;
}

/** Asks for it as an operator does, and works the queue off. */
async function putBack(from = bench.clock.now - DAY, to = bench.clock.now): Promise<void> {
  await queuePutBack({ from: rfc3339(from), to: rfc3339(to) }, bench.tools);
  const queue = bench.sent.get("jobs")!;
  let runs = 0;
  for (let body = queue.shift(); body !== undefined; body = queue.shift()) {
    runs += 1;
    assert.ok(runs < 100, "it goes on for ever");
    const event = { Records: [{ messageId: "1", body, attributes: { ApproximateReceiveCount: "1" } }] };
    assert.deepEqual(await runJobs(event as never, {} as Works, bench.tools), { batchItemFailures: [] });
  }
}
const ulidsOf = (batch: BatchItem) => Array.from({ length: batch.count }, (_, i) => ulidAt(batch.first, i));
async function payloadsOf(batch: BatchItem, tenant = "cus_a"): Promise<unknown[]> {
  const found = await findEvents(storage.store, tenant, ulidsOf(batch), { now: bench.clock.now, body: true });
  return ulidsOf(batch).map((ulid) => {
    const at = found.get(ulid);
    return at && JSON.parse(unpack((at.batch.body as { inline: Buffer }).inline)[at.offset]!.toString());
  });
}

/** Everything in the table, by key, but the marks of inboxes, which count every time that something was put back. */
async function items(): Promise<unknown[]> {
  const { Items = [] } = await storage.dynamodb.send(new ScanCommand({ TableName: "events" }));
  return Items.filter(({ sk }) => sk?.S !== "w#inbox").toSorted((a, b) =>
    JSON.stringify([a.pk, a.sk]) < JSON.stringify([b.pk, b.sk]) ? -1 : 1,
  );
}

test("events of the asked time are put back under their ids, live and sandbox", async () => {
  const one = await accept(HOUR, [{ n: 1 }, { n: 2 }]);
  const two = await accept(2 * HOUR, [{ n: 3 }], { tenant: "cus_b.sandbox" });
  const before = await accept(DAY + 1, [{ n: 4 }]);
  const after = await accept(HOUR, [{ n: 5 }]);
  await putBack(bench.clock.now - DAY, bench.clock.now - HOUR + 1);
  assert.deepEqual(await payloadsOf(one), [{ n: 1 }, { n: 2 }]);
  assert.deepEqual(await payloadsOf(two, "cus_b.sandbox"), [{ n: 3 }]);
  assert.deepEqual(await payloadsOf(before), [undefined]);
  assert.deepEqual(await payloadsOf(after), [{ n: 5 }]);
  assert.deepEqual([...(bench.sent.get("retry") ?? [])], [], "nothing is delivered");
});

test("a restored event stays for its customer's retention, and older events are not put back", async () => {
  bench.retentionDays = 2;
  const young = await accept(HOUR, [{ n: 1 }]);
  const old = await accept(3 * DAY, [{ n: 2 }]);
  await putBack(bench.clock.now - 10 * DAY);
  const found = await findEvents(storage.store, "cus_a", ulidsOf(young), { now: 0, body: false });
  const expires = found.get(young.first)!.batch.expiry * 1_000 - (bench.clock.now - HOUR);
  assert.ok(Math.abs(expires - 2 * DAY) <= 1_000, `${expires} ms`);
  assert.deepEqual(await payloadsOf(old), [undefined]);
  assert.equal((await items()).length, 1);
});

test("batches in the table are left alone: acknowledged, deleted, or there already", async () => {
  const batch = await accept(HOUR, [{ n: 1 }, { n: 2 }, { n: 3 }], { stored: true });
  await deleteEvents(storage.store, "cus_a", [ulidAt(batch.first, 1)], () => bench.clock.now);
  const before = await items();
  await putBack();
  assert.deepEqual(await items(), before);
});

test("acknowledged events are still acknowledged when their batch comes back, and their neighbours are not", async () => {
  const batch = await accept(HOUR, [{ n: 1 }, { n: 2 }]);
  await addMark(storage.store, batch, [1], bench.clock.now);
  await putBack();
  const found = await findEvents(storage.store, "cus_a", ulidsOf(batch), { now: 0, body: false, marks: true });
  assert.deepEqual(found.get(batch.first)!.batch.acknowledged, { 1: bench.clock.now });
});

test("deleted events do not come back, even after their batch is gone", async () => {
  const batch = await accept(HOUR, [{ n: 1 }, { n: 2 }]);
  await rememberDeleted(storage.store, "cus_a", batch.first, [0]);
  await putBack();
  assert.deepEqual(await payloadsOf(batch), [undefined, { n: 2 }]);
});

test("a request that was archived in two parts comes back whole, and doing it again changes nothing", async () => {
  const batch = await accept(HOUR, [{ n: 1 }, { n: 2 }, { n: 3 }], { cut: 2 });
  await putBack();
  assert.deepEqual(await payloadsOf(batch), [{ n: 1 }, { n: 2 }, { n: 3 }]);
  const before = await items();
  await putBack();
  assert.deepEqual(await items(), before);
});

test("when the time of a run is over, the rest is queued behind the last object", async () => {
  const batches = [await accept(3 * HOUR, [{ n: 1 }]), await accept(2 * HOUR, [{ n: 2 }])];
  const { now } = bench.tools;
  let asked = 0;
  // Every look at the clock takes two minutes.
  Object.assign(bench.tools, { now: () => now() + asked++ * 120_000 });
  await putBack();
  assert.deepEqual([await payloadsOf(batches[0]!), await payloadsOf(batches[1]!)], [[{ n: 1 }], [{ n: 2 }]]);
});

test("an inbox that was read to its end before shows the restored events", async () => {
  const lost = await accept(HOUR, [{ n: 1 }]);
  const read = async () =>
    readEvents(
      storage.store,
      "cus_a" as never,
      { order: "desc", acknowledged: false },
      { began: bench.clock.now },
      { limit: 10, now: () => bench.clock.now, removed: async () => () => false, worthAMark: 0 },
    );
  assert.deepEqual((await read()).events, []);
  assert.deepEqual((await read()).events, []);
  await putBack();
  assert.deepEqual(
    (await read()).events.map(({ ulid }) => ulid),
    ulidsOf(lost),
  );
});

test("invalid times, or times in the wrong order, are refused", async () => {
  await assert.rejects(queuePutBack({ from: "yesterday", to: rfc3339(1) }, bench.tools), {
    name: "RangeError",
    message: "from (yesterday) is not a time before to (1970-01-01T00:00:00.001Z)",
  });
  await assert.rejects(queuePutBack({ from: rfc3339(2), to: rfc3339(1) }, bench.tools), RangeError);
  assert.equal(bench.sent.get("jobs"), undefined);
});

test.run();
