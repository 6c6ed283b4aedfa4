import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import type { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { suite } from "uvu";
import { archivePrefix, decodeDeliver, encodeArchive } from "../../../runtime/domain/codec/index.ts";
import { eventHeads } from "../../../runtime/domain/event.ts";
import { eventId } from "../../../runtime/domain/ids.ts";
import { rfc3339 } from "../../../runtime/domain/time.ts";
import { erase } from "../../../runtime/retain/erase/erase.ts";
import { exportEvents } from "../../../runtime/retain/export/export.ts";
import { replay } from "../../../runtime/retain/replay/replay.ts";
import type { Works } from "../../../runtime/retain/run.ts";
import type { Tools } from "../../../runtime/retain/work.ts";
import { encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { encodeDeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";
import { type JobBench, jobBench } from "../../support/jobs.ts";
import { batchOf, deliveryOf, openStorage, type Storage } from "../../support/storage.ts";

const test = suite("replays: rate, progress, cancelling");
const works: Works = { erasure: erase, export: exportEvents, replay };
const DAY = 86_400_000;
const ORDERS = { subscription_id: "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV", version: 1, event_selector: "order" };

let storage: Storage;
let bench: JobBench;
test.before.each(async () => {
  storage = await openStorage();
  bench = jobBench(storage);
  bench.subscriptions = [ORDERS];
});
test.after.each(() => storage.close());

async function put(ago: number, count = 1) {
  const payloads = Array.from({ length: count }, (_, n) => ({ event_type: "order", n }));
  const batch = batchOf("cus_a", payloads, bench.clock.now - ago);
  await storage.put(encodeBatch(batch));
  return batch;
}
async function putMany(count: number) {
  const batches = [];
  for (let i = 0; i < count; i += 1) batches.push(await put(300_000 - i));
  return batches;
}
async function putDeadLetters(count: number) {
  for (const batch of await putMany(count)) {
    const item = deliveryOf(batch, ORDERS.subscription_id, { status: "dead_lettered", reason: "attempts_exhausted" });
    await storage.put(encodeDeliveryItem(item));
  }
}
/** Replay whose tools differ. */
const replayWith = (change: (tools: Tools) => Partial<Tools>): Works => ({
  ...works,
  replay: (job, tools, until, checkpoint) => replay(job, { ...tools, ...change(tools) }, until, checkpoint),
});
const begin = (request: object) =>
  bench.begin("replay", "cus_a", {
    from: rfc3339(bench.clock.now - DAY),
    to: rfc3339(bench.clock.now + 1),
    ...request,
  }).job_id;
const sent = () => (bench.sent.get("retry") ?? []).map(decodeDeliver);
const queuedAgain = () => (bench.sent.get("jobs") ?? []).length;
/** Events handed on so far. */
const handedOn = () => sent().reduce((sum, each) => sum + (each.kind === "delivery" ? each.indexes.length : 1), 0);

/** Runs a job; at each save in seconds since the beginning: what could be read until then. */
async function finish(jobId: string, cancelAfter = Number.POSITIVE_INFINITY, run = works) {
  const started = bench.clock.now;
  const seconds = () => (bench.clock.now - started) / 1_000;
  const saves: { at: number; status: string; sent: number }[] = [];
  let atCancel = 0;
  const job = await bench.finish(jobId, run, (op) => {
    const current = bench.jobs.get(jobId)!;
    if (op === "job_save") {
      saves.push({ at: seconds(), status: current.status, sent: current.progress.sent ?? 0 });
    }
    if (seconds() < cancelAfter || current.status !== "running") return;
    bench.jobs.set(jobId, { ...current, status: "cancelled" });
    atCancel = handedOn();
  });
  return { job, saves, atCancel, seconds: seconds() };
}

/** Works that note when something is handed on, in seconds from now. */
function timed() {
  const times: number[] = [];
  const started = bench.clock.now;
  const run = replayWith(({ sqs }) => {
    const send = (command: SendMessageBatchCommand) => {
      times.push((bench.clock.now - started) / 1_000);
      return sqs.send(command);
    };
    return { sqs: { send } as unknown as SQSClient };
  });
  return { times, run };
}

test("single events are handed on at the rate", async () => {
  await putMany(4);
  const { times, run } = timed();
  const { job, seconds } = await finish(begin({ rate_per_second: 2 }), undefined, run);
  assert.deepEqual([job.status, times, handedOn(), seconds], ["succeeded", [0.5, 1, 1.5, 2], 4, 2]);
});

test("a request's events go together, once their time at the rate has passed", async () => {
  await put(2_000, 60);
  await put(1_000, 10);
  const { times, run } = timed();
  const { job, seconds } = await finish(begin({ rate_per_second: 5 }), undefined, run);
  assert.deepEqual([job.status, job.progress.sent, times, seconds], ["succeeded", 70, [12, 14], 14]);
  // The function doesn't sleep through the twelve seconds.
  assert.equal(queuedAgain(), 1);
});

test("a replay is running at once, and tells about once a second how far it is", async () => {
  await putMany(12);
  const { job, saves } = await finish(begin({ rate_per_second: 2 }));
  assert.deepEqual(
    saves.map(({ at, status, sent: told }) => [at, status, told]),
    [
      [0, "pending", 0],
      [1, "running", 0],
      [2, "running", 1],
      [3, "running", 3],
      [4, "running", 5],
      [5, "running", 7],
      [6, "running", 9],
      [6, "running", 11],
    ],
  );
  assert.deepEqual([job.status, job.progress], ["succeeded", { matched: 12, sent: 12, examined: 12 }]);
});

test("a fast replay does not save its progress for each event", async () => {
  await putMany(120);
  const { job, saves } = await finish(begin({}));
  assert.deepEqual([job.progress.sent, saves.length], [120, 2]);
});

test("a cancelled replay hands nothing on after a second, and says how much it did", async () => {
  const events = (await putMany(40)).map(({ first }) => eventId(first));
  const { job, atCancel } = await finish(begin({ event_ids: events, rate_per_second: 2 }), 8);
  assert.equal(job.status, "cancelled");
  assert.ok(handedOn() - atCancel <= 2 && handedOn() <= 18, `${handedOn()} handed on, ${atCancel} before`);
  assert.equal(job.progress.sent, handedOn());
});

test("a replay that is cancelled while the queue holds it hands nothing on", async () => {
  await put(1_000, 60);
  const { job } = await finish(begin({ rate_per_second: 1 }), 0);
  assert.deepEqual([job.status, job.progress.sent, handedOn()], ["cancelled", 0, 0]);
});

test("a cancelled replay of dead letters stops as quickly", async () => {
  await putDeadLetters(40);
  const { job, atCancel, saves } = await finish(begin({ dead_letters: true, rate_per_second: 2 }), 8);
  assert.equal(job.status, "cancelled");
  assert.ok(handedOn() - atCancel <= 2 && handedOn() <= 18, `${handedOn()} handed on, ${atCancel} before`);
  assert.deepEqual([job.progress.sent, saves.at(3)?.sent], [handedOn(), 3]);
});

test("a cancelled replay puts nothing more of the archive back", async () => {
  bench.retentionDays = 10;
  const at = bench.clock.now - 20 * DAY;
  const lines = Array.from({ length: 40 }, (_, n) => {
    const payload = { event_type: "order", n };
    const batch = batchOf("cus_a", [payload], at + n);
    const raw = Buffer.from(JSON.stringify(payload));
    return encodeArchive(batch, "cus_a", "live", [{ head: eventHeads(batch.first, batch.types)(0), raw }]);
  });
  const folder = rfc3339(at).slice(0, 13).replaceAll(/[-T]/g, "/");
  const key = `archive/events/prefix=${archivePrefix("cus_a")}/${folder}/x.gz`;
  storage.objects.set(key, gzipSync(Buffer.concat(lines.flat())));
  const slow = replayWith(({ now }) => ({
    now: () => {
      bench.clock.now += 50;
      return now();
    },
  }));
  const { job } = await finish(begin({ from: rfc3339(at - 1) }), 1, slow);
  assert.equal(job.status, "cancelled");
  assert.ok(job.progress.restored! < 40, `${job.progress.restored} put back`);
  assert.equal(handedOn(), 0);
});

test("a slow replay outlasts the function's time: it is queued again, and goes on where it was", async () => {
  const events = (await putMany(150)).map(({ first }) => eventId(first));
  await putDeadLetters(150);
  for (const request of [{ event_ids: events }, { dead_letters: true }]) {
    bench.sent.clear();
    const { job, saves, seconds } = await finish(begin({ ...request, rate_per_second: 1 }));
    assert.deepEqual([job.status, job.progress.sent, handedOn(), seconds], ["succeeded", 150, 150, 150]);
    assert.equal(queuedAgain(), 1);
    const gaps = saves.map(({ at }, i) => at - (saves[i - 1]?.at ?? 0));
    assert.ok(Math.max(...gaps) <= 1.5);
  }
});

test("a replay that crashes anywhere sends everything, repeats at most a second's worth, and counts each once", async () => {
  const batches = await putMany(30);
  let calls = 0;
  const crash = () => {
    if (calls++ % 5 === 4) throw new Error("crash");
  };
  const crashing = replayWith(({ sleep }) => ({
    sleep: async (ms) => {
      crash();
      await sleep(ms);
    },
  }));
  let saves = 0;
  const jobId = begin({ rate_per_second: 4 });
  const job = await bench.finish(jobId, crashing, (op) => {
    if (op === "job_save" && saves++ % 4 === 3) throw new Error("crash");
  });
  assert.deepEqual(job.progress, { matched: 30, sent: 30, examined: 30 });
  const firsts = sent().map((each) => each.kind === "delivery" && each.first);
  assert.deepEqual([...new Set(firsts)].sort(), batches.map(({ first }) => first).sort());
  assert.ok(firsts.length > 30);
  for (const each of sent()) {
    assert.deepEqual(each.kind === "delivery" && [each.replay_id, each.repeated], [jobId, true]);
  }
});

test.run();
