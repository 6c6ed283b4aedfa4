import assert from "node:assert/strict";
import { suite } from "uvu";
import { unpack } from "../../../runtime/domain/codec/pack.ts";
import { defined } from "../../../runtime/domain/defined.ts";
import type { Job } from "../../../runtime/domain/job.ts";
import { type BatchItem, decodeBatch, encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { encodeDeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";
import {
  archiveAt,
  beginRequest,
  everythingIn,
  itemsIn,
  putRequest,
  SECRET,
  SUB,
  subject,
  works,
} from "../../support/erasure.ts";
import { type JobBench, jobBench } from "../../support/jobs.ts";
import { batchOf, deliveryOf, openStorage, type Storage } from "../../support/storage.ts";

/** What goes on while an erasure runs: exports, other erasures, posts, events. */
const test = suite("erasure meanwhile");
const BOB = "bob@example.com";

let storage: Storage;
let bench: JobBench;
test.before.each(async () => {
  storage = await openStorage();
  bench = jobBench(storage);
});
test.after.each(() => storage.close());

const request = (...people: (string | null)[]) => ({ people, inBucket: false, delivered: false, deletedBefore: false });

/** Does something at the nth question of this kind that a job asks the service, before it is answered. */
function at(op: string, nth: number, work: () => Promise<unknown>): void {
  const ask = bench.tools.service as (question: { op: string }, options?: object) => Promise<unknown>;
  let seen = 0;
  Object.assign(bench.tools, {
    service: async (question: { op: string }, options?: object) => {
      if (question.op === op && ++seen === nth) await work();
      return ask(question, options);
    },
  });
}

/** One more slice of a job, as far as it gets at once. */
async function slice(job: Job): Promise<Job> {
  const current = bench.jobs.get(job.job_id)!;
  const {
    cursor,
    progress,
    result,
    waitSeconds = 0,
  } = await works[job.kind](current, bench.tools, bench.clock.now + 20_000, async () => true);
  bench.clock.now += waitSeconds * 1_000;
  const status = result === undefined ? "running" : "succeeded";
  const saved: Job = { ...current, status, cursor, progress, ...defined({ result }) };
  bench.jobs.set(job.job_id, saved);
  return saved;
}
async function rest(job: Job): Promise<void> {
  for (let current = bench.jobs.get(job.job_id)!; current.status !== "succeeded"; ) current = await slice(job);
}

test("an erasure waits for an export that is under way, and removes its files before the certificate", async () => {
  await putRequest(storage, bench, "cus_a", request(SECRET, BOB), 60_000);
  const exporting = beginRequest(storage, bench, "export", "cus_a", { all: true });
  for (let current = exporting; (current.cursor as { phase?: string } | null)?.phase !== "assemble"; )
    current = await slice(exporting);
  bench.clock.now += 1_000;
  // It holds what it has read, and writes it when the erasure has been through everything.
  at("copying", 3, () => rest(exporting));
  const erasing = beginRequest(storage, bench, "erasure", "cus_a", subject);
  const done = await bench.finish(erasing.job_id, works);
  assert.equal(bench.jobs.get(exporting.job_id)!.status, "succeeded");
  const { erased, completed_at } = done.result!.certificate as { erased: { exports: number }; completed_at: string };
  assert.ok(erased.exports > 0);
  assert.ok(Date.parse(completed_at) > Date.parse(exporting.created_at));
  assert.ok(!(await everythingIn(storage)).includes(SECRET));
});

test("an erasure does not wait for ever for an export whose job was given up", async () => {
  const lost = beginRequest(storage, bench, "export", "cus_a", { all: true });
  at("copying", 3, async () => {
    bench.clock.now += 3 * 3_600_000;
  });
  const erasing = beginRequest(storage, bench, "erasure", "cus_a", subject);
  const done = await bench.finish(erasing.job_id, works);
  assert.deepEqual([done.status, bench.jobs.get(lost.job_id)!.status], ["succeeded", "failed"]);
});

test("an export that is asked for after the erasure found everything stays, and does not hold the subject", async () => {
  await putRequest(storage, bench, "cus_a", request(SECRET, BOB), 60_000);
  let later: Job | undefined;
  at("copying", 2, async () => {
    bench.clock.now += 10_000;
    later = beginRequest(storage, bench, "export", "cus_a", { all: true });
    await rest(later);
  });
  const erasing = beginRequest(storage, bench, "erasure", "cus_a", subject);
  await bench.finish(erasing.job_id, works);
  const key = `exports/exports/cus_a/${later!.job_id}/export.tar.gz`;
  assert.ok(storage.objects.has(key));
  const left = await everythingIn(storage);
  assert.ok(!left.includes(SECRET) && left.includes(BOB));
});

test("two erasures at once, of one customer and of a neighbour, never bring back what the other erased", async () => {
  const first = await putRequest(storage, bench, "cus_a", request(SECRET, BOB, null), 60_000);
  const raws = unpack((first.body as { inline: Buffer }).inline);
  const key = archiveAt(storage, "cus_a", first.first, first.types, raws, "shared");
  bench.clock.now += 1_000;
  const ada = beginRequest(storage, bench, "erasure", "cus_a", subject);
  const bob = beginRequest(storage, bench, "erasure", "cus_a", { subject: { jsonpath: "$.user.email", equals: BOB } });
  // Between the first's reading of an object of the archive and its writing, the second comes to its end.
  const { s3 } = storage.store;
  const send = s3.send.bind(s3) as (command: { input: { Key?: string; IfMatch?: string } }) => Promise<unknown>;
  let nested = false;
  const once = async (command: { constructor: { name: string }; input: { Key?: string } }) => {
    if (!nested && command.constructor.name === "PutObjectCommand" && `archive/${command.input.Key}` === key) {
      nested = true;
      await rest(bob);
    }
    return send(command);
  };
  Object.assign(s3, { send: once });
  await bench.finish(ada.job_id, works);
  assert.ok(nested);
  const left = await everythingIn(storage);
  assert.deepEqual([left.includes(SECRET), left.includes(BOB)], [false, false]);
  const batch = decodeBatch((await itemsIn(storage)).find((item) => item.sk!.S!.startsWith("e#"))!);
  assert.deepEqual(batch.deleted, [0, 1]);
});

const answered = (batch: BatchItem, response_excerpt = SECRET, unsent?: number[]) =>
  encodeDeliveryItem(
    deliveryOf(batch, SUB, {
      status: "failed",
      next_attempt_at: bench.clock.now + 60_000,
      attempts: [
        {
          at: "2026-11-26T00:00:00.000Z",
          status_code: 500,
          latency_ms: 1,
          error: "status",
          response_excerpt,
          ...(unsent && { unsent }),
        },
      ],
    }),
  );

test("a subscriber's answer that comes after its event was erased is erased too", async () => {
  const batch = await putRequest(storage, bench, "cus_a", request(SECRET, BOB), 60_000);
  at("copying", 1, () => storage.put(answered(batch)));
  const erasing = beginRequest(storage, bench, "erasure", "cus_a", subject);
  const done = await bench.finish(erasing.job_id, works);
  assert.ok(!(await everythingIn(storage)).includes(SECRET));
  assert.deepEqual((done.result!.certificate as { passes: number }).passes, 3);
});

test("an answer to a post that several requests shared goes from all deliveries that keep it, and others' answers stay", async () => {
  const hers = await putRequest(storage, bench, "cus_a", request(SECRET), 60_000);
  const his = await putRequest(storage, bench, "cus_a", request(BOB), 50_000);
  const attempt = { at: "2026-11-26T00:00:00.000Z", status_code: 500, latency_ms: 1, error: "status" };
  const shared = { ...attempt, answer_with: [his.first] };
  const later = { ...attempt, at: "2026-11-26T00:00:05.000Z", response_excerpt: "no, Bob" };
  await storage.put(encodeDeliveryItem(deliveryOf(hers, SUB, { status: "dead_lettered", attempts: [shared] })));
  const kept = [{ ...shared, response_excerpt: SECRET }, later];
  await storage.put(encodeDeliveryItem(deliveryOf(his, SUB, { status: "dead_lettered", attempts: kept })));
  await bench.finish(beginRequest(storage, bench, "erasure", "cus_a", subject).job_id, works);
  const left = await everythingIn(storage);
  assert.deepEqual([left.includes(SECRET), left.includes("no, Bob")], [false, true]);
});

test("answers to later posts without the erased event stay, and the erasure does not wait for them", async () => {
  const batch = await putRequest(storage, bench, "cus_a", request(SECRET, BOB), 60_000);
  at("copying", 1, () => storage.put(answered(batch, "no, Bob", [0])));
  const done = await bench.finish(beginRequest(storage, bench, "erasure", "cus_a", subject).job_id, works);
  assert.equal((done.result!.certificate as { passes: number }).passes, 2);
  assert.ok((await everythingIn(storage)).includes("no, Bob"));
});

test("everything is erased while deliveries go on and events arrive: those accepted before go, those after stay", async () => {
  const batch = await putRequest(storage, bench, "cus_a", request(SECRET), 60_000);
  const erasing = beginRequest(storage, bench, "erasure", "cus_a", { all: true });
  let later: BatchItem | undefined;
  at("copying", 1, async () => {
    await storage.put(answered(batch));
    await putRequest(storage, bench, "cus_a", request(SECRET), bench.clock.now - Date.parse(erasing.created_at));
    later = batchOf("cus_a", [{ user: { email: SECRET } }], Date.parse(erasing.created_at) + 1);
    await storage.put(encodeBatch(later));
  });
  const done = await bench.finish(erasing.job_id, works);
  assert.deepEqual(
    (await itemsIn(storage)).map((item) => item.sk!.S),
    [`e#${later!.first}`],
  );
  const { erased } = done.result!.certificate as { erased: Record<string, number> };
  assert.deepEqual([erased.events, erased.deliveries, erased.archived_events], [2, 1, 2]);
});

test.run();
