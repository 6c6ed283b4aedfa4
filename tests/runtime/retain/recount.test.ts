import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { minutesOf } from "../../../runtime/counters/hours.ts";
import { type MetricsReader, queryMetrics } from "../../../runtime/counters/metrics.ts";
import type { DeliveryStatus } from "../../../runtime/domain/event.ts";
import { newUlid, ulidAt } from "../../../runtime/domain/ids.ts";
import { dimensions, type Measure } from "../../../runtime/domain/metrics/names.ts";
import { MetricsQuery } from "../../../runtime/domain/metrics/query.ts";
import { rfc3339 } from "../../../runtime/domain/time.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { settledHour } from "../../../runtime/retain/hourly/hours.ts";
import { recountOf } from "../../../runtime/retain/hourly/recount.ts";
import type { Tools } from "../../../runtime/retain/work.ts";
import type { BatchItem } from "../../../runtime/store/batches/batchItem.ts";
import type { DeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";
import { metricsTable } from "../../support/metricsTable.ts";
import { batchOf, deliveryOf } from "../../support/storage.ts";
import { addHourUp, countUsage } from "../../support/usage.ts";

const test = suite("numbers that were lost are counted again");
const HOUR = 3_600_000;
const SUBSCRIPTIONS = ["sub_01ARZ3NDEKTSV4RRFFQ69G5FAV", "sub_01ARZ3NDEKTSV4RRFFQ69G5FAW"] as const;

type Stored = readonly (readonly [batch: BatchItem, items: readonly DeliveryItem[]])[];

/** Counters in memory, and the time of the job: an hour after the hour that it looks at. @param ago days by which that is older */
function world(ago = 0) {
  const now = Date.now();
  const { counters } = metricsTable();
  const tools = { counters, now: () => now, log: () => {} } as unknown as Tools;
  const hour = settledHour(now) - ago * 24 * HOUR;
  /** Looks at what is stored, as the comparison with the archive does. @returns facts that were missing */
  const recount = (tenant: string, stored: Stored): Promise<number> => {
    const looked = recountOf(tools, tenant, hour);
    for (const [batch, items] of [...stored].sort(([a], [b]) => (a.first < b.first ? -1 : 1))) {
      const raws = batch.types.map((type) => Buffer.from(textOf(type)));
      const offsets = raws.map((_, offset) => offset).filter((offset) => !batch.deleted.includes(offset));
      looked.add([{ batch, raws, offsets }], new Map([[batch.first, items]]));
    }
    return looked.finish();
  };
  return { now, hour, counters, recount };
}
const payloadOf = (type: string | null) => ({ ...(type === null ? {} : { event_type: type }), n: 1 });
const textOf = (type: string | null): string => JSON.stringify(payloadOf(type));

/** The states that a delivery goes through, to one that it does not leave. */
const ended: readonly (readonly DeliveryStatus[])[] = [
  ["pending", "delivered"],
  ["pending", "failed", "delivered"],
  ["pending", "failed", "dead_lettered", "delivered"],
  ["pending", "cancelled"],
];
/** Or to any. */
const paths: typeof ended = [...ended, ["pending"], ["pending", "failed"], ["pending", "failed", "dead_lettered"]];
/** Whether a fact was counted, or was lost with the environment that held it. */
const kept = fc.boolean();
/** @param most how often a move was counted at most: twice where two invocations made it at once */
const requests = (paths: typeof ended, most: number) =>
  fc.array(
    fc.record({
      minute: fc.integer({ min: 0, max: 59 }),
      key_id: fc.constantFrom("key_01ARZ3NDEKTSV4RRFFQ69G5FAV", "key_01ARZ3NDEKTSV4RRFFQ69G5FAW"),
      types: fc.array(fc.constantFrom("a", "b", null), { minLength: 1, maxLength: 4 }),
      every: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })),
      paths: fc.tuple(fc.constantFrom(...paths), fc.constantFrom(...paths)),
      kept,
      moves: fc.array(fc.integer({ min: 0, max: most }), { minLength: 6, maxLength: 6 }),
    }),
    { minLength: 1, maxLength: 5 },
  );

const MEASURES: readonly Measure[] = ["requests", "events", "bytes", "matched", "unmatched"];
/** Every way in which these measures are told apart. */
const told = ["event_type", "key_id", "subscription_id", "status"].filter((name) =>
  (dimensions as readonly string[]).includes(name),
);
const groups = [[], ...told.map((name) => [name]), ["event_type", "subscription_id"], ["key_id", "status"]];

const counted = [
  ["with any facts lost", requests(paths, 1)],
  ["with any facts of ended deliveries lost or counted twice", requests(ended, 2)],
] as const;
for (const [says, requests] of counted)
  test(`${says}, no number is below zero, and counting the hour again tells the stored facts once`, () =>
    fc.assert(
      fc.asyncProperty(requests, async (all) => {
        const { now, hour, counters, recount } = world();
        const [whole, lossy] = ["cus_whole", "cus_lossy"];
        const stored: (readonly [BatchItem, readonly DeliveryItem[]])[] = [];
        const wholly: UsageFact[] = [];
        const lossily: UsageFact[] = [];
        for (const { minute, key_id, types, every, paths, kept, moves } of all) {
          const at = hour + minute * 60_000 + 7;
          const matched = Object.fromEntries(
            SUBSCRIPTIONS.flatMap((id, i) => {
              const offsets = every[i] === 0 ? [] : types.map((_, o) => o).filter((o) => o % every[i]! === 0);
              return offsets.length === 0 ? [] : [[id, offsets]];
            }),
          );
          const batch = batchOf(lossy, types.map(payloadOf), at, { key_id, matched });
          const items: DeliveryItem[] = [];
          for (const tenant of [whole, lossy]) {
            const facts: [UsageFact, number][] = [
              [
                {
                  ...{ kind: "accepted", tenant, at, routed_at: at, key_id, matched },
                  events: types.map((type) => ({ type, bytes: textOf(type).length })),
                },
                Number(kept),
              ],
            ];
            for (const [i, subscription_id] of SUBSCRIPTIONS.entries()) {
              const path = paths[i]!;
              const own = matched[subscription_id]?.map((offset) => types[offset]!);
              if (own === undefined) continue;
              for (const [step, to] of path.slice(1).entries())
                facts.push([
                  { kind: "moved", tenant, at, subscription_id, key_id, types: own, from: path[step]!, to },
                  moves[i * 3 + step]!,
                ]);
              if (path.length === 1 || tenant === whole) continue;
              const attempts = path
                .slice(1)
                .map(() => ({ at: rfc3339(at), status_code: 200, latency_ms: 1, error: null }));
              items.push(deliveryOf(batch, subscription_id, { status: path.at(-1)!, attempts }));
            }
            if (tenant === whole) wholly.push(...facts.map(([fact]) => fact));
            else lossily.push(...facts.flatMap(([fact, times]) => Array<UsageFact>(times).fill(fact)));
          }
          stored.push([batch, items]);
        }
        const { dynamodb } = counters;
        for (const facts of [wholly, lossily]) if (facts.length > 0) await countUsage(dynamodb, facts);
        const reader: MetricsReader = {
          counters,
          now: () => now,
          workflows: async () => new Map(),
          cube: { read: async () => undefined },
        };
        const numbers = async (tenant: string) => {
          const answers = groups.map(async (group_by) => {
            const query = MetricsQuery.parse({
              ...{ measures: MEASURES, group_by, interval: "minute", top: 40 },
              ...{ from: rfc3339(hour), to: rfc3339(hour + HOUR) },
            });
            const { series, totals } = await queryMetrics(reader, { tenant, limit_per_second: 1_000 }, query);
            const byKey = series.map(({ key, points }) => [JSON.stringify(key), points] as const);
            return { totals, series: Object.fromEntries(byKey.sort(([a], [b]) => (a < b ? -1 : 1))) };
          });
          return Promise.all(answers);
        };
        const before = await numbers(lossy);
        for (const { series } of before)
          for (const points of Object.values(series))
            for (const point of points)
              for (const measure of MEASURES) assert.ok(Number(point[measure] ?? 0) >= 0, JSON.stringify(point));
        await recount(lossy, stored);
        const wanted = await numbers(whole);
        assert.deepEqual(await numbers(lossy), wanted);
        assert.equal(await recount(lossy, stored), 0);
        // As well once the hour is added up.
        await addHourUp(dynamodb, lossy, hour);
        assert.deepEqual(await numbers(lossy), wanted);
      }),
      { numRuns: 60 },
    ));

test("requests are counted again wherever their ids end, and the rest of one is no request of its own", async () => {
  const { hour, counters, recount } = world();
  const at = hour + 60_000;
  const request = (last: string, count: number, more: Partial<BatchItem> = {}): Stored[number] => {
    const first = `${newUlid(at).slice(0, -last.length)}${last}`;
    return [batchOf("cus_last", Array<object>(count).fill(payloadOf(null)), at, { first, ...more }), []];
  };
  const [cut] = request("ZZ0", 2);
  const stored = [
    ...[request("ZZZ", 1), request("ZZX", 3), [cut, []] as const],
    request("", 1, { first: ulidAt(cut.first, cut.count) }),
  ];
  await recount("cus_last", stored);
  const [minute] = await minutesOf(counters, "cus_last", hour);
  assert.deepEqual([minute!.r?.N, minute!.e?.N], ["3", "7"]);
  assert.equal(await recount("cus_last", stored), 0);
});

test("recently stored or changed batches and deleted events are not counted again", async () => {
  const { now, hour, counters, recount } = world();
  const [subscription_id] = SUBSCRIPTIONS;
  const matched = { [subscription_id]: [0] };
  const at = hour + 2_000;
  const late = batchOf("cus_late", [payloadOf(null)], hour + 1_000, { matched, stored_at: now - 60_000 });
  const changed = batchOf("cus_late", [payloadOf(null)], at, { matched });
  const attempts = [{ at: rfc3339(now - 60_000), status_code: 200, latency_ms: 1, error: null }];
  const deleted = batchOf("cus_late", [payloadOf(null)], at, { matched, deleted: [0] });
  const events = [{ type: null, bytes: textOf(null).length }];
  await countUsage(
    counters.dynamodb,
    [changed, deleted].map(({ key_id }) => ({
      ...{ kind: "accepted", tenant: "cus_late", at, routed_at: at, key_id, matched, events },
    })),
  );
  const stored: Stored = [
    [late, []],
    [changed, [deliveryOf(changed, subscription_id, { attempts })]],
    [deleted, []],
  ];
  assert.equal(await recount("cus_late", stored), 0);
});

test("an hour whose minutes have expired is not counted again", async () => {
  for (const [ago, facts] of [
    [33, 1],
    [35, 0],
  ] as const) {
    const { hour, recount } = world(ago);
    assert.equal(await recount("cus_old", [[batchOf("cus_old", [payloadOf("a")], hour + 1_000), []]]), facts);
  }
});

test("a request that was cut is one request", async () => {
  const { hour, counters, recount } = world();
  const whole = batchOf("cus_cut", [payloadOf("a"), payloadOf("b")], hour + 1_000);
  const part = { count: 1, types: ["a"] };
  const rest = { ...whole, count: 1, types: ["b"], first: ulidAt(whole.first, 1) };
  await recount("cus_cut", [
    [{ ...whole, ...part }, []],
    [rest, []],
  ]);
  const reader: MetricsReader = {
    ...{ counters, now: () => hour + 2 * HOUR, workflows: async () => new Map() },
    cube: { read: async () => undefined },
  };
  const range = { from: rfc3339(hour), to: rfc3339(hour + HOUR), interval: "none" };
  const query = MetricsQuery.parse({ ...range, measures: ["requests", "events"] });
  const { totals } = await queryMetrics(reader, { tenant: "cus_cut", limit_per_second: 1 }, query);
  assert.deepEqual(totals, { requests: 1, events: 2 });
});

test.run();
