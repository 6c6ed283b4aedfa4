import assert from "node:assert/strict";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { test } from "uvu";
import { pastCounter } from "../../loadtest/past/counting.ts";
import { EVENTS_A_REQUEST, hoursOf, requestOf, workflows } from "../../loadtest/past/traffic.ts";
import { type Filler, factsOf, fillerOf, itemsOf, type StoredRequest } from "../../loadtest/stored.ts";
import { putItem, type Table } from "../../runtime/aws/tables.ts";
import { minutesOf } from "../../runtime/counters/hours.ts";
import { type MetricsReader, queryMetrics } from "../../runtime/counters/metrics.ts";
import { cubeFilesIn } from "../../runtime/cube/files.ts";
import { cubeReaderOf } from "../../runtime/cube/read.ts";
import { unpack } from "../../runtime/domain/codec/pack.ts";
import { newId, timeOf } from "../../runtime/domain/ids.ts";
import { minuteOf, rowsByMinute } from "../../runtime/domain/metrics/hours.ts";
import { MetricsQuery, type MetricsQueryInput } from "../../runtime/domain/metrics/query.ts";
import { lostFacts, StoredHour } from "../../runtime/domain/metrics/recount.ts";
import { decodeBatch } from "../../runtime/store/batches/batchItem.ts";
import { decodeDeliveryItem } from "../../runtime/store/deliveries/deliveryItem.ts";
import { expected, type Model } from "../support/metricsModel.ts";
import { metricsTable } from "../support/metricsTable.ts";
import { memoryS3 } from "../support/storage.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const END = Date.UTC(2026, 10, 28, 11, 17);
const DAYS = 40;
const REQUESTS = 150;
const tenant = "cus_past";
const subscriptions = Object.fromEntries(Object.keys(workflows).map((workflow) => [workflow, newId("sub")]));
const named = new Map(Object.entries(subscriptions).map(([workflow, id]) => [id, workflow]));

function pastOf(dice: ReturnType<typeof xoroshiro128plus>): StoredRequest[] {
  const shop = { tenant, key_ids: ["key_a", "key_b"], subscriptions, end: END };
  const hours = hoursOf(END - DAYS * DAY, END, REQUESTS);
  return hours.flatMap(({ from, to, requests }) =>
    Array.from({ length: requests }, (_, i) =>
      requestOf(shop, from + Math.floor(((to - from) * i) / requests), from / HOUR + i, dice),
    ),
  );
}

/** Writes a past into a table and files in memory. */
async function counted(requests: readonly StoredRequest[]): Promise<MetricsReader> {
  const table = metricsTable();
  const files = cubeFilesIn(memoryS3(new Map()), "cube");
  const filler: Filler = {
    async put(items) {
      for (const item of items) await putItem(table.counters, item);
    },
    end: async () => undefined,
  };
  const added = END - 3 * HOUR;
  const counter = pastCounter(tenant, { counters: table.counters, filler, files, now: END, added });
  for (const request of requests) {
    counter.add(factsOf(request));
    await counter.writeUntil(Math.floor(timeOf(request.first) / HOUR) * HOUR);
  }
  await counter.end();
  return { ...table, now: () => END, workflows: async () => named, cube: { read: cubeReaderOf(files) } };
}

test("a past has as many events as asked for, in an order of time, and all of it has ended", () => {
  const requests = pastOf(xoroshiro128plus(3));
  assert.equal(requests.length, REQUESTS);
  const times = requests.map(({ first }) => timeOf(first));
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  for (const { types, payloads, deliveries, first } of requests) {
    assert.equal(types.length, EVENTS_A_REQUEST);
    assert.equal(payloads.length, EVENTS_A_REQUEST);
    for (const { attempts } of deliveries)
      for (const [place, { at, latency_ms }] of attempts.entries()) {
        assert.ok(at + latency_ms <= END);
        assert.ok(at > (attempts[place - 1]?.at ?? timeOf(first)));
      }
  }
});

test("the numbers of a past are what counting fact by fact gives: by minutes, hours and the cube, in total and apart", async () => {
  const requests = pastOf(xoroshiro128plus(5));
  const reader = await counted(requests);
  const model: Model = { facts: requests.flatMap(factsOf), workflows: named, limit: 1_000 };
  const measures: MetricsQueryInput["measures"] = [
    ...["requests", "events", "bytes", "matched", "unmatched", "attempts", "delivered", "failed", "dead_lettered"],
    ...["delivery_success_rate", "error_rate"],
  ] as MetricsQueryInput["measures"];
  const range = (from: number, to: number) => ({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
  const asked: MetricsQueryInput[] = [
    { ...range(END - DAYS * DAY, END), interval: "day", measures },
    { ...range(END - DAYS * DAY, END), interval: "day", measures, group_by: ["event_type"], top: 30 },
    { ...range(END - 30 * DAY, END), interval: "day", time_zone: "Asia/Kolkata", measures, group_by: ["workflow_id"] },
    { ...range(END - 2 * DAY, END), interval: "hour", measures, group_by: ["error"] },
    { ...range(END - 20 * DAY, END), interval: "none", measures, group_by: ["event_type", "key_id"], top: 50 },
    { ...range(END - DAY, END), interval: "minute", measures: ["events", "delivered"] },
  ];
  for (const each of asked) {
    const query = MetricsQuery.parse(each);
    const { series, to } = await queryMetrics(reader, { tenant, limit_per_second: 1_000 }, query);
    assert.ok(
      series.some(({ totals }) => Number(totals.events ?? totals.attempts) > 0),
      JSON.stringify(each),
    );
    for (const { key, points } of series)
      for (const [i, point] of points.entries())
        for (const measure of query.measures) {
          const [from, until] = [Date.parse(point.start), Date.parse(points[i + 1]?.start ?? to)];
          const wanted = expected(model, query, measure, from, until, key);
          assert.deepEqual(point[measure], wanted, `${measure} of ${JSON.stringify(key)} at ${point.start}`);
        }
  }
});

test("what is stored of a past misses nothing in its numbers", async () => {
  const requests = pastOf(xoroshiro128plus(7));
  const reader = await counted(requests);
  const kept = requests.filter(({ first }) => timeOf(first) > END - 30 * DAY);
  assert.ok(kept.some(({ deliveries }) => deliveries.some(({ attempts }) => attempts.length > 1)));
  for (const [hour, own] of Map.groupBy(kept, ({ first }) => Math.floor(timeOf(first) / HOUR) * HOUR)) {
    const stored = new StoredHour();
    for (const request of own) {
      const [batch, ...deliveries] = itemsOf(request);
      const { first, key_id, types, body, matched } = decodeBatch(batch!);
      const at = timeOf(first);
      const events = unpack("inline" in body ? body.inline : Buffer.alloc(0));
      const told = events.map((event, offset) => ({ type: types[offset]!, bytes: event.length }));
      stored.addRequest({ at, key_id, rest: false, events: told, matched });
      for (const item of deliveries) {
        const { subscription_id, indexes, status } = decodeDeliveryItem(item);
        const names = indexes.map((offset) => types[offset]!);
        stored.addDelivery({ at, subscription_id, key_id, types: names, left: names, status, settled: true });
      }
    }
    const minutes = await minutesOf(reader.counters, tenant, hour);
    assert.deepEqual(lostFacts(tenant, rowsByMinute(minutes.map((item) => [minuteOf(item), item])), stored), []);
  }
});

test("a store that can't be written ends the filling with what went wrong", async () => {
  const dynamodb = { send: async () => Promise.reject(new Error("no room")) };
  const filler = fillerOf({ name: "events", dynamodb: dynamodb as unknown as Table["dynamodb"] });
  const [request] = pastOf(xoroshiro128plus(9));
  const items = itemsOf(request!);
  await assert.rejects(async () => {
    for (let i = 0; i < 1_000; i += 1) await filler.put(items);
    await filler.end();
  }, /no room/);
});

test.run();
