import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { suite } from "uvu";
import { archivePrefix, decodeDeliver, encodeArchive } from "../../../runtime/domain/codec/index.ts";
import { unpack } from "../../../runtime/domain/codec/pack.ts";
import { eventHeads } from "../../../runtime/domain/event.ts";
import { decodeJobsMessage, type HourWork } from "../../../runtime/domain/job.ts";
import { rfc3339 } from "../../../runtime/domain/time.ts";
import { readHour, settledHour } from "../../../runtime/retain/hourly/hours.ts";
import { reconcile } from "../../../runtime/retain/hourly/reconcile.ts";
import { type BatchItem, encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { type DeliveryItem, encodeDeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";
import { jobBench } from "../../support/jobs.ts";
import { batchOf, deliveryOf, openStorage, type Storage } from "../../support/storage.ts";

const test = suite("table against archive");
const HOUR = 3_600_000;
const SUBSCRIPTION = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const REPLAY = "rpl_01ARZ3NDEKTSV4RRFFQ69G5FAV";

let storage: Storage;
test.before.each(async () => {
  storage = await openStorage();
});
test.after.each(() => storage.close());

/** Stores a request of two events; where `archived` names an object, its delivery stream did its part. */
async function accept(tenant: string, at: number, archived?: string, deleted: number[] = []) {
  const batch = batchOf(tenant, [{ n: 1 }, { n: 2 }], at, { deleted });
  await storage.put(encodeBatch(batch));
  if (archived === undefined) return;
  const [customer, environment = "live"] = tenant.split(".");
  const head = eventHeads(batch.first, batch.types);
  const raws = unpack((batch.body as { inline: Buffer }).inline);
  const key = `archive/events/prefix=${archivePrefix(customer!)}/${rfc3339(at).slice(0, 13).replaceAll(/[-T]/g, "/")}/${archived}`;
  storage.objects.set(
    key,
    gzipSync(
      Buffer.concat(
        encodeArchive(
          batch,
          customer!,
          environment,
          raws.map((raw, i) => ({ head: head(i), raw })),
        ),
      ),
    ),
  );
}

test("events lost by a failing delivery stream are found, reported, and written from the table; then nothing is missing", async () => {
  const bench = jobBench(storage);
  bench.customers = ["cus_a", "cus_b"];
  const logged: [string, unknown][] = [];
  const tools = {
    ...bench.tools,
    log: (_: string, message: string, fields: unknown) => logged.push([message, fields]),
  };
  const hour = settledHour(bench.clock.now);
  await accept("cus_a", hour + 1_000, "fine.gz");
  await accept("cus_a", hour + 2_000);
  await accept("cus_a.sandbox", hour + 3_000);
  await accept("cus_b", hour + HOUR - 1, "other.gz");
  await accept("cus_b", hour - 1);
  await accept("cus_b", hour + HOUR);
  const before = storage.objects.size;
  const first = await reconcile({ hour: rfc3339(hour) }, tools);
  assert.deepEqual(first, { hour: rfc3339(hour), customers: 2, events: 8, missing: 4, strays: 0, recounted: 4 });
  assert.deepEqual(
    logged.filter(([message]) => message === "retain.archive_gap").map(([, fields]) => fields),
    [
      { customer_id: "cus_a", environment: "live", hour: rfc3339(hour), events: 4, missing: 2 },
      { customer_id: "cus_a", environment: "sandbox", hour: rfc3339(hour), events: 2, missing: 2 },
    ],
  );
  const repaired = [...storage.objects.keys()].slice(before);
  assert.equal(repaired.length, 2);
  const lines = gunzipSync(storage.objects.get(repaired[0]!)!).toString().trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).events.map(({ payload }: { payload: unknown }) => payload)),
    [[{ n: 1 }, { n: 2 }]],
  );
  assert.equal((await reconcile({ hour: rfc3339(hour) }, tools)).missing, 0);
});

test("a customer whose hour can't be compared keeps no other's from being compared, and is tried again alone", async () => {
  const bench = jobBench(storage);
  bench.customers = ["cus_a", "cus_b", "cus_c"];
  const hour = settledHour(bench.clock.now);
  for (const customer of bench.customers) await accept(customer, hour + 1_000);
  let broken = true;
  const { s3 } = bench.tools.store;
  const send = async (command: { input: { Key?: string } }) => {
    if (broken && command.input.Key?.includes("live-cus_b")) throw new Error("denied");
    return s3.send(command as never);
  };
  const tools = { ...bench.tools, store: { ...bench.tools.store, s3: { send } as never } };
  assert.equal((await reconcile({ hour: rfc3339(hour) }, tools)).missing, 4);
  const [text, ...more] = bench.sent.get(tools.env.JOB_QUEUE_URL)!;
  assert.deepEqual(more, []);
  const message = decodeJobsMessage(text!);
  assert.deepEqual(message, { kind: "reconcile", hour: rfc3339(hour), customer_id: "cus_b" });
  await assert.rejects(reconcile(message as HourWork, tools), { message: "denied" });
  broken = false;
  assert.equal((await reconcile(message as HourWork, tools)).missing, 2);
  assert.equal((await reconcile({ hour: rfc3339(hour) }, tools)).missing, 0);
});

test("deleted events are not put back into the archive", async () => {
  const bench = jobBench(storage);
  bench.customers = ["cus_a"];
  const hour = settledHour(bench.clock.now);
  await accept("cus_a", hour + 1_000, undefined, [0, 1]);
  assert.equal((await reconcile({ hour: rfc3339(hour) }, bench.tools)).missing, 0);
  assert.equal(storage.objects.size, 0);
});

test("deliveries that no longer move are tried again, and no others", async () => {
  const bench = jobBench(storage);
  bench.customers = ["cus_a"];
  const hour = settledHour(bench.clock.now);
  const late = bench.clock.now - 1_900_000;
  let at = hour;
  const stored = async (state: Partial<DeliveryItem> | undefined, more: Partial<BatchItem> = {}) => {
    at += 1_000;
    const batch = batchOf("cus_a", [{ n: 1 }, { n: 2 }], at, { matched: { [SUBSCRIPTION]: [0, 1] }, ...more });
    await storage.put(encodeBatch(batch));
    if (state !== undefined) await storage.put(encodeDeliveryItem(deliveryOf(batch, SUBSCRIPTION, state)));
    return batch.first;
  };
  const attempt = { at: rfc3339(late), status_code: 500, latency_ms: 1, error: null };
  const neverTried = await stored(undefined);
  const retryLost = await stored({ status: "failed", attempts: [attempt], next_attempt_at: late });
  const replayLost = await stored({ status: "failed", attempts: [attempt], next_attempt_at: late, replay_id: REPLAY });
  const partly = await stored(
    { status: "failed", attempts: [attempt], next_attempt_at: late, remaining: [1] },
    { deleted: [0] },
  );
  // Each of these has ended, or something that moves it.
  await stored({ status: "delivered" });
  await stored({ status: "dead_lettered" });
  await stored({ status: "cancelled" });
  await stored({ status: "failed", attempts: [attempt], next_attempt_at: bench.clock.now + 60_000 });
  await stored({ status: "failed", attempts: [attempt], next_attempt_at: late, swept: true });
  await stored({ status: "pending", held: true });
  await stored(undefined, { deleted: [0, 1] });
  await stored({ status: "failed", attempts: [attempt], next_attempt_at: late, remaining: [0] }, { deleted: [0] });
  await stored(undefined, { matched: {} });

  const { strays } = await reconcile({ hour: rfc3339(hour) }, bench.tools);
  const sent = (bench.sent.get("retry") ?? []).map((text) => {
    const message = decodeDeliver(text);
    return message.kind === "retry" ? [message.batches[0], message.attempts, message.replay_id] : [message.kind];
  });
  // Beside a replay's item its own first attempt is still to come, too.
  assert.deepEqual(
    sent.sort(),
    [
      [neverTried, 0, undefined],
      [retryLost, 1, undefined],
      [replayLost, 1, REPLAY],
      [replayLost, 0, undefined],
      [partly, 1, undefined],
    ].sort(),
  );
  assert.equal(strays, 5);
});

test("an hour is compared only once it is over and had an hour to settle", () => {
  const at = Date.UTC(2026, 0, 2, 12);
  assert.equal(rfc3339(settledHour(at)), "2026-01-02T10:00:00.000Z");
  assert.equal(rfc3339(settledHour(at - 1)), "2026-01-02T09:00:00.000Z");
});

test("an hour that an operator gives is one, in any spelling, or is refused with an example", () => {
  for (const text of ["2026-11-27T10:00:00Z", "2026-11-27T10:00:00.000Z", "2026-11-27T12:00:00+02:00"])
    assert.equal(readHour(text), "2026-11-27T10:00:00.000Z");
  for (const text of ["2026-11-27T10", "2026-11-27T10:30:00Z", "yesterday", ""])
    assert.throws(() => readHour(text), /hour \(.*\) is not a time on the hour, like 2\d{3}-/, text);
});

test.run();
