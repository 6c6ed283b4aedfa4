import assert from "node:assert/strict";
import { suite } from "uvu";
import type { Service } from "../../../runtime/aws/service.ts";
import { minutesOf } from "../../../runtime/counters/hours.ts";
import { type MetricsReader, queryMetrics } from "../../../runtime/counters/metrics.ts";
import { newUlid } from "../../../runtime/domain/ids.ts";
import { cubeKey } from "../../../runtime/domain/metrics/cube.ts";
import { MetricsQuery } from "../../../runtime/domain/metrics/query.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { erase } from "../../../runtime/retain/erase/erase.ts";
import { archiveAccess } from "../../../runtime/retain/hourly/access.ts";
import { keepNumbers } from "../../../runtime/retain/numbers.ts";
import { removeExpiredPayloads } from "../../../runtime/retain/payloads.ts";
import { beginRequest } from "../../support/erasure.ts";
import { jobBench } from "../../support/jobs.ts";
import { openStorage, type Storage } from "../../support/storage.ts";
import { addHourUp, countUsage } from "../../support/usage.ts";

const test = suite("removing numbers");
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let storage: Storage;
test.before.each(async () => {
  storage = await openStorage();
});
test.after.each(() => storage.close());

const accepted = (tenant: string, at: number): UsageFact => ({
  ...{ kind: "accepted", tenant, at, routed_at: at, key_id: "key_1" },
  events: [{ type: "of a person", bytes: 1 }],
});

/** Hours of the last two days of a customer, one of them added up, and a file of the cube for each day. */
async function counted(tenant: string, now: number): Promise<void> {
  const { dynamodb } = storage.store.events;
  for (const ago of [0, 1, 25, 49]) await countUsage(dynamodb, [accepted(tenant, now - ago * HOUR)]);
  await addHourUp(dynamodb, tenant, now - 25 * HOUR);
  await addHourUp(dynamodb, tenant, now - 49 * HOUR);
  for (const ago of [25, 49]) storage.objects.set(`cube/${cubeKey(tenant, now - ago * HOUR)}`, Buffer.from("facts"));
}

async function eventsOf(tenant: string, now: number, interval: "hour" | "minute" = "hour"): Promise<unknown> {
  const reader: MetricsReader = {
    counters: { dynamodb: storage.store.events.dynamodb, name: "metrics" },
    now: () => now,
    workflows: async () => new Map(),
    cube: { read: async () => undefined },
  };
  const query = MetricsQuery.parse({ measures: ["events"], last: "3d", interval });
  return (await queryMetrics(reader, { tenant, limit_per_second: 1 }, query)).totals.events;
}

test("erasing everything of a customer erases only its own numbers, and leaves the billed ones", async () => {
  const bench = jobBench(storage);
  const now = bench.clock.now;
  for (const tenant of ["cus_a", "cus_b"]) await counted(tenant, now);
  assert.deepEqual([await eventsOf("cus_a", now), await eventsOf("cus_b", now)], [4, 4]);
  bench.clock.now += 61_000;
  const { job_id } = beginRequest(storage, bench, "erasure", "cus_a", { all: true });
  const works = { erasure: erase, replay: erase, export: erase };
  const done = await bench.finish(job_id, works);
  assert.equal(done.status, "succeeded", JSON.stringify(done));
  assert.deepEqual([await eventsOf("cus_a", now), await eventsOf("cus_b", now)], [0, 4]);
  assert.deepEqual(
    [...storage.objects.keys()].filter((key) => key.includes("tenant=cus_a/")),
    [],
  );
  assert.equal([...storage.objects.keys()].filter((key) => key.includes("tenant=cus_b/")).length, 2);
  const minutes = await minutesOf(bench.tools.counters, "cus_a", Math.floor(now / HOUR) * HOUR);
  assert.equal(minutes[0]!.e?.N, "1");
});

/** Runs the job of an hour for three customers: two of them say how many days they keep their numbers. */
async function tidied(hourOfDay: number): Promise<{ now: number; told(): Promise<Record<string, unknown>> }> {
  const bench = jobBench(storage);
  const now = Math.floor(bench.clock.now / DAY) * DAY + 6 * HOUR;
  bench.clock.now = now;
  const tenants = ["cus_a", "cus_a.sandbox", "cus_b", "cus_c"];
  for (const tenant of tenants) await counted(tenant, now);
  const service: Service = (async (request: { op: string }) => ({
    bytes: 0,
    answer:
      request.op === "customers"
        ? { customer_ids: ["cus_a", "cus_b", "cus_c"], next_cursor: null, metrics_days: { cus_a: 1, cus_b: 2 } }
        : { seq: 0, hash: "", told: true, days: { cus_a: 1, "cus_a.sandbox": 1 }, views: [], next_cursor: null },
  })) as never;
  const hour = new Date(Math.floor(now / DAY) * DAY + hourOfDay * HOUR).toISOString();
  for (const tenant of tenants) storage.objects.set(`payloads/${tenant}/${newUlid(now - 3 * DAY)}`, Buffer.alloc(1));
  await archiveAccess({ hour }, { ...bench.tools, service });
  return {
    now,
    told: async () =>
      Object.fromEntries(
        await Promise.all(
          tenants.map(async (tenant) => [
            tenant,
            [
              await eventsOf(tenant, now, "hour"),
              await eventsOf(tenant, now, "minute"),
              [...storage.objects.keys()].filter((key) => key.includes(`tenant=${tenant}/`)).length,
            ],
          ]),
        ),
      ),
  };
}

test("a customer keeps its numbers for the days that it says, in both environments and in any form; for ever where it says none", async () => {
  // It is six o'clock: of what is counted now, an hour, 25 and 49 hours ago, two days hold the first three.
  const { told } = await tidied(3);
  assert.deepEqual(await told(), {
    cus_a: [3, 3, 1],
    "cus_a.sandbox": [3, 3, 1],
    cus_b: [4, 4, 2],
    cus_c: [4, 4, 2],
  });
});

test("numbers are removed once a day", async () => {
  const { told } = await tidied(4);
  assert.deepEqual(Object.values(await told()), Array(4).fill([4, 4, 2]));
});

const payloadsOf = () =>
  [...storage.objects.keys()].flatMap((key) => (key.startsWith("payloads/") ? [key.split("/")[1]] : [])).sort();

test("payload objects go once a day with their customer's retention: here one day, 90 where nothing is said", async () => {
  await tidied(4);
  assert.deepEqual(payloadsOf(), ["cus_a", "cus_a.sandbox", "cus_b", "cus_c"]);
  storage.objects.clear();
  await tidied(3);
  assert.deepEqual(payloadsOf(), ["cus_b", "cus_c"]);
});

test("payload objects are removed a day after their events expired, in pages, and nothing else is", async () => {
  const bench = jobBench(storage);
  const { now } = bench.clock;
  const key = (tenant: string, age: number, rest = "") => `payloads/${tenant}/${newUlid(now - age)}${rest}`;
  const old = Array.from({ length: 2_500 }, (_, n) => key("cus_a", 31 * DAY + 1 + n * 1_000, n % 2 === 0 ? "" : "-7"));
  const kept = [
    ...[
      key("cus_a", 31 * DAY - 1_000),
      key("cus_a", 0, "-rest"),
      key("cus_a.sandbox", 40 * DAY),
      key("cus_ab", 40 * DAY),
    ],
    ...["payloads/cus_a/other", "payloads/health"],
  ];
  for (const each of [...old, ...kept]) storage.objects.set(each, Buffer.alloc(1));
  assert.equal(await removeExpiredPayloads(bench.tools, "cus_a", 30), old.length);
  assert.deepEqual([...storage.objects.keys()].sort(), kept.sort());
});

test("a customer that says nothing keeps its numbers, however old they are", async () => {
  const bench = jobBench(storage);
  await counted("cus_a", bench.clock.now);
  bench.clock.now += 10_000 * DAY;
  await keepNumbers(bench.tools, "cus_a", undefined);
  assert.equal(storage.objects.size, 2);
  await keepNumbers(bench.tools, "cus_a", 9_000);
  assert.equal(storage.objects.size, 0);
});

test.run();
