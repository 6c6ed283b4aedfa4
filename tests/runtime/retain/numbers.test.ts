import assert from "node:assert/strict";
import { suite } from "uvu";
import { minutesOf } from "../../../runtime/counters/hours.ts";
import { type MetricsReader, queryMetrics } from "../../../runtime/counters/metrics.ts";
import { cubeKey } from "../../../runtime/domain/metrics/cube.ts";
import { MetricsQuery } from "../../../runtime/domain/metrics/query.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { erase } from "../../../runtime/retain/erase/erase.ts";
import { removeOldNumbers } from "../../../runtime/retain/numbers.ts";
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

async function eventsOf(tenant: string, now: number): Promise<unknown> {
  const reader: MetricsReader = {
    counters: { dynamodb: storage.store.events.dynamodb, name: "metrics" },
    now: () => now,
    workflows: async () => new Map(),
    cube: { read: async () => undefined },
  };
  const query = MetricsQuery.parse({ measures: ["events"], last: "3d", interval: "hour" });
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

test("hours and files older than their days are removed", async () => {
  const bench = jobBench(storage);
  const now = bench.clock.now;
  await counted("cus_a", now);
  const bound = Math.floor((now - 25 * HOUR) / DAY) * DAY;
  const older = [25, 49].filter((ago) => Math.floor((now - ago * HOUR) / DAY) * DAY < bound);
  await removeOldNumbers(bench.tools, "cus_a", bound);
  assert.equal(storage.objects.size, 2 - older.length);
});

test.run();
