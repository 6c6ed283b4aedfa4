import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { suite } from "uvu";
import {
  archivePrefix,
  type DeliverMessage,
  decodeDeliver,
  encodeArchive,
} from "../../../runtime/domain/codec/index.ts";
import { type DeliveryStatus, eventHeads } from "../../../runtime/domain/event.ts";
import { deliveryId, eventId, ulidAt } from "../../../runtime/domain/ids.ts";
import type { Cause } from "../../../runtime/domain/problem.ts";
import { rfc3339 } from "../../../runtime/domain/time.ts";
import { erase } from "../../../runtime/retain/erase/erase.ts";
import { exportEvents } from "../../../runtime/retain/export/export.ts";
import { replay } from "../../../runtime/retain/replay/replay.ts";
import type { Works } from "../../../runtime/retain/run.ts";
import { encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { findEvents } from "../../../runtime/store/batches/find.ts";
import { encodeDeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";
import { deleteEvents } from "../../../runtime/store/inbox/marks.ts";
import { type JobBench, jobBench } from "../../support/jobs.ts";
import { batchOf, deliveryOf, openStorage, type Storage } from "../../support/storage.ts";

const test = suite("replays");
const works: Works = { erasure: erase, export: exportEvents, replay };
const DAY = 86_400_000;
const ORDERS = { subscription_id: "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV", version: 1, event_selector: "order" };
const LARGE = {
  subscription_id: "sub_01ARZ3NDEKTSV4RRFFQ69G5FAX",
  version: 1,
  event_selector: { cel: "event.n >= 2.0" },
};

let storage: Storage;
let bench: JobBench;
test.before.each(async () => {
  storage = await openStorage();
  bench = jobBench(storage);
  bench.subscriptions = [ORDERS, LARGE];
});
test.after.each(() => storage.close());

async function put(ago: number, numbers: readonly number[], type = "order", tenant = "cus_a") {
  const payloads = numbers.map((n) => ({ event_type: type, n }));
  const batch = batchOf(tenant, payloads, bench.clock.now - ago);
  await storage.put(encodeBatch(batch));
  return batch;
}
const sent = (): DeliverMessage[] => (bench.sent.get("retry") ?? []).map(decodeDeliver);
const pairs = () =>
  sent().map((message) => message.kind === "delivery" && [message.subscription_id, message.first, message.indexes]);
const range = () => ({ from: rfc3339(bench.clock.now - DAY), to: rfc3339(bench.clock.now + 1) });

test("a replay matches again with today's subscriptions, in the order of the events, under its own id", async () => {
  const one = await put(3_000, [1, 2]);
  const two = await put(2_000, [3], "other");
  await put(1_000, [5], "order", "cus_b");
  const job = await bench.finish(bench.begin("replay", "cus_a", range()).job_id, works);
  assert.deepEqual([job.status, job.progress], ["succeeded", { matched: 3, sent: 4, examined: 3 }]);
  assert.deepEqual(pairs(), [
    [ORDERS.subscription_id, one.first, [0, 1]],
    [LARGE.subscription_id, one.first, [1]],
    [LARGE.subscription_id, two.first, [0]],
  ]);
  for (const message of sent()) {
    assert.deepEqual(message.kind === "delivery" && [message.replay_id, message.repeated], [job.job_id, true]);
  }
});

test("named subscriptions, types and events narrow a replay", async () => {
  const one = await put(3_000, [1, 2]);
  await put(2_000, [3], "other");
  const ask = async (request: object) => {
    bench.sent.clear();
    await bench.finish(bench.begin("replay", "cus_a", { ...range(), ...request }).job_id, works);
    return pairs();
  };
  assert.deepEqual(await ask({ subscription_ids: [LARGE.subscription_id], event_type: "order" }), [
    [LARGE.subscription_id, one.first, [1]],
  ]);
  const dotted = await put(1_000, [7], "other.large");
  for (const event_type of ["other.*", ["nothing", "other.**"]])
    assert.deepEqual(await ask({ event_type }), [[LARGE.subscription_id, dotted.first, [0]]]);
  const named = { event_ids: [one.first, dotted.first].map(eventId), event_type: "other.*" };
  assert.deepEqual(await ask(named), [[LARGE.subscription_id, dotted.first, [0]]]);
  assert.deepEqual(await ask({ event_ids: [eventId(ulidAt(one.first, 0))] }), [
    [ORDERS.subscription_id, one.first, [0]],
  ]);
});

/** A batch of so many orders from long ago, which the archive holds, twice if that is asked for. */
function archived(count: number, copies = 1) {
  const payloads = Array.from({ length: count }, (_, at) => ({ event_type: "order", n: at + 1 }));
  const old = batchOf("cus_a", payloads, bench.clock.now - 20 * DAY);
  const head = eventHeads(old.first, old.types);
  const texts = payloads.map((payload, at) => ({ head: head(at), raw: Buffer.from(JSON.stringify(payload)) }));
  const lines = encodeArchive(old, "cus_a", "live", texts);
  const folder = rfc3339(bench.clock.now - 20 * DAY)
    .slice(0, 13)
    .replaceAll(/[-T]/g, "/");
  const key = `archive/events/prefix=${archivePrefix("cus_a")}/${folder}/x.gz`;
  storage.objects.set(key, gzipSync(Buffer.concat(Array.from({ length: copies }, () => lines).flat())));
  return old;
}
const past = () => ({ from: rfc3339(bench.clock.now - 30 * DAY), to: range().to });

test("events past the retention come from the archive, and are deliverable like any other", async () => {
  bench.retentionDays = 10;
  const old = archived(2);
  const young = await put(5 * DAY, [0]);
  const job = await bench.finish(bench.begin("replay", "cus_a", past()).job_id, works);
  assert.deepEqual(job.progress, { restored: 2, matched: 3, sent: 4, examined: 3 });
  assert.deepEqual(pairs(), [
    [ORDERS.subscription_id, old.first, [0, 1]],
    [LARGE.subscription_id, old.first, [1]],
    [ORDERS.subscription_id, young.first, [0]],
  ]);
  const found = await findEvents(storage.store, "cus_a", [old.first], { now: bench.clock.now, body: true });
  assert.equal(found.get(old.first)!.batch.count, 2);
});

test("deleted events are not replayed from the archive", async () => {
  bench.retentionDays = 10;
  const old = archived(3, 2);
  // Deleted while it was in the table, which has forgotten it since.
  await storage.put(encodeBatch(old));
  await deleteEvents(storage.store, "cus_a", [ulidAt(old.first, 1)], () => bench.clock.now);
  await storage.remove(encodeBatch(old));
  const request = { ...past(), subscription_ids: [ORDERS.subscription_id] };
  await bench.finish(bench.begin("replay", "cus_a", request).job_id, works);
  assert.deepEqual(pairs(), [
    [ORDERS.subscription_id, old.first, [0]],
    [ORDERS.subscription_id, ulidAt(old.first, 2), [0]],
  ]);
});

const COUNT = 4;
/** Events that a replay names, or undefined where it asks for a time. */
const asked = fc.option(fc.subarray([0, 1, 2, 3], { minLength: 1 }), { nil: undefined });
for (const [says, expiry] of [
  ["are gone from the table", undefined],
  ["have expired, and not been removed yet", -1],
  ["are still there, since they used to be kept longer", DAY / 1_000],
] as const)
  test(`replays one after the other take each of their events once from the archive where they ${says}`, () =>
    fc.assert(
      fc.asyncProperty(fc.array(asked, { minLength: 1, maxLength: 4 }), async (replays) => {
        await storage.close();
        storage = await openStorage();
        bench = jobBench(storage);
        bench.subscriptions = [ORDERS];
        bench.retentionDays = 10;
        const old = archived(COUNT);
        if (expiry !== undefined)
          await storage.put(encodeBatch({ ...old, expiry: Math.floor(bench.clock.now / 1_000) + expiry }));
        for (const offsets of replays) {
          bench.sent.clear();
          const event_ids = offsets?.map((offset) => eventId(ulidAt(old.first, offset)));
          const request = event_ids === undefined ? past() : { event_ids };
          const { progress } = await bench.finish(bench.begin("replay", "cus_a", request).job_id, works);
          const taken = sent().flatMap((message) =>
            message.kind === "delivery" ? message.indexes.map((at) => ulidAt(message.first, at)) : [],
          );
          const wanted = (offsets ?? Array.from({ length: COUNT }, (_, at) => at)).map((at) => ulidAt(old.first, at));
          assert.deepEqual([taken.sort(), progress.restored], [wanted, wanted.length]);
        }
      }),
      { numRuns: 25 },
    ));

test("dead letters that the filter names are tried again under their own ids", async () => {
  const [one, two] = [await put(3_000, [1]), await put(2_000, [2])];
  for (const batch of [one, two]) {
    const item = deliveryOf(batch, ORDERS.subscription_id, { status: "dead_lettered", reason: "attempts_exhausted" });
    await storage.put(encodeDeliveryItem(item));
  }
  await storage.put(encodeDeliveryItem(deliveryOf(one, LARGE.subscription_id, { status: "failed" })));
  const ask = async (request: object) => {
    bench.sent.clear();
    const { job_id } = bench.begin("replay", "cus_a", { dead_letters: true, ...request });
    await bench.finish(job_id, works);
    return sent().map((message) => {
      assert.equal(message.kind === "retry" && message.retried_by, job_id);
      return message.kind === "retry" && [message.batches, message.manual, message.replay_id];
    });
  };
  const retried = (first: string) => [[first], true, undefined];
  assert.deepEqual(await ask({}), [retried(two.first), retried(one.first)]);
  assert.deepEqual(await ask({ delivery_ids: [deliveryId(one.first, ORDERS.subscription_id)] }), [retried(one.first)]);
  assert.deepEqual(await ask({ event_ids: [eventId(two.first)] }), [retried(two.first)]);
  assert.deepEqual(await ask({ event_type: "nothing" }), []);
  assert.deepEqual(await ask({ event_type: ["nothing", "*"] }), [retried(two.first), retried(one.first)]);
  assert.deepEqual(await ask({ subscription_ids: [LARGE.subscription_id] }), []);
});

test("what a retry of a problem has tried before a crash counts, and is not tried again", async () => {
  const problem: Cause = { error: "http_5xx", status_code: 500 };
  const request = { dead_letters: true, subscription_ids: [ORDERS.subscription_id], problem };
  const { job_id } = bench.begin("replay", "cus_a", request);
  const attempts = [{ at: "2026-11-25T00:00:00Z", status_code: 500, latency_ms: 5, error: "http_error" }];
  const [before, other] = [await put(3_000, [1]), await put(2_000, [2])];
  const failed = { status: "failed", attempts } as const;
  await storage.put(encodeDeliveryItem(deliveryOf(before, ORDERS.subscription_id, { ...failed, retried_by: job_id })));
  await storage.put(encodeDeliveryItem(deliveryOf(other, ORDERS.subscription_id, failed)));
  bench.sent.clear();
  const { progress } = await bench.finish(job_id, works);
  assert.deepEqual(
    sent().flatMap((message) => (message.kind === "retry" ? message.batches : [])),
    [other.first],
  );
  assert.deepEqual([progress.matched, progress.sent], [2, 2]);
});

/** A delivery that failed last like this, and whether it is one of the problem's. */
const failures: [
  problem: Cause,
  status: DeliveryStatus,
  failed: [status_code: number | null, error: string],
  its: boolean,
][] = (
  [
    [{ error: "http_5xx", status_code: 500 }, [500, "http_error"], [503, "http_error"], [404, "http_error"]],
    [{ error: "timeout", status_code: null }, [null, "timeout"], [null, "dns_error"], [500, "http_error"]],
  ] as const
).flatMap(([problem, own, ...others]) => [
  [problem, "dead_lettered", [...own], true],
  [problem, "failed", [...own], true],
  [problem, "delivered", [...own], false],
  ...others.map((other) => [problem, "failed", [...other], false] as (typeof failures)[number]),
]);
for (const [problem, all] of Map.groupBy(failures, ([problem]) => problem))
  test(`a retry of the problem ${problem.error} takes the undelivered deliveries whose last failure was that one`, async () => {
    const wanted: string[] = [];
    for (const [at, [, status, [status_code, error], its]] of all.entries()) {
      const batch = await put(3_000 + at, [1]);
      if (its) wanted.push(batch.first);
      const attempts = [{ at: "2026-11-25T00:00:00Z", status_code, latency_ms: 5, error }];
      const item = deliveryOf(batch, ORDERS.subscription_id, { status, attempts, reason: "x" });
      await storage.put(encodeDeliveryItem(item));
    }
    bench.sent.clear();
    const request = { dead_letters: true, subscription_ids: [ORDERS.subscription_id] };
    const { job_id } = bench.begin("replay", "cus_a", { ...request, problem });
    const { progress } = await bench.finish(job_id, works);
    assert.deepEqual(
      sent()
        .flatMap((message) => (message.kind === "retry" ? message.batches : []))
        .sort(),
      wanted.sort(),
    );
    assert.deepEqual([progress.matched, progress.sent], [2, 2]);
  });

test.run();
