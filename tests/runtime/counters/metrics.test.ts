import assert from "node:assert/strict";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { test } from "uvu";
import { minutesOf } from "../../../runtime/counters/hours.ts";
import { type MetricsReader, queryMetrics } from "../../../runtime/counters/metrics.ts";
import { cubeFilesIn } from "../../../runtime/cube/files.ts";
import { foldHour } from "../../../runtime/cube/fold.ts";
import { cubeReaderOf } from "../../../runtime/cube/read.ts";
import { defined } from "../../../runtime/domain/defined.ts";
import type { DeliveryStatus } from "../../../runtime/domain/event.ts";
import { hourItems, hourOf } from "../../../runtime/domain/metrics/hours.ts";
import { dimensions, errorClasses, measures } from "../../../runtime/domain/metrics/names.ts";
import { MetricsQuery, type MetricsQueryInput } from "../../../runtime/domain/metrics/query.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { usageWriter } from "../../../runtime/domain/usage/usage.ts";
import { expected, type Model } from "../../support/metricsModel.ts";
import { metricsTable } from "../../support/metricsTable.ts";
import { memoryS3 } from "../../support/storage.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Seven hours before the night in which Berlin's clocks go forward, and on. */
const BEGIN = Date.UTC(2026, 2, 28, 18);
const HOURS = 9;
const NOW = BEGIN + HOURS * HOUR + 17 * MINUTE;
const tenant = "cus_a";
const workflows = new Map([
  ["sub_1", "zap_1"],
  ["sub_2", "zap_1"],
  ["sub_3", null],
]);

const type = fc.constantFrom("a", "b\n\u{1F600}", null);
const key_id = fc.constantFrom("key_1", "key_2");
const subscription_id = fc.constantFrom(...workflows.keys());
const at = fc.integer({ min: BEGIN, max: NOW - 1 });
const ms = fc.integer({ min: 0, max: 20_000 });
/** What becomes of the deliveries of a request, by subscription. */
const becomes = fc.constantFrom<readonly DeliveryStatus[]>(
  ["pending"],
  ["pending", "delivered"],
  ["pending", "failed", "delivered"],
  ["pending", "failed", "dead_lettered", "delivered"],
  ["pending", "cancelled"],
);
const accepted = fc
  .record({
    at,
    paths: fc.tuple(becomes, becomes, becomes),
    key_id,
    events: fc.array(fc.record({ type, bytes: fc.integer({ min: 2, max: 2_000 }) }), { minLength: 1, maxLength: 5 }),
    wanted: fc.array(subscription_id, { maxLength: 3 }),
    every: fc.integer({ min: 1, max: 3 }),
    accept_ms: fc.option(ms, { nil: undefined }),
    rest: fc.option(fc.constant(true as const), { nil: undefined, freq: 5 }),
  })
  .map(({ wanted, every, accept_ms, rest, paths, ...fact }): UsageFact[] => {
    const offsets = fact.events.map((_, i) => i).filter((i) => i % every === 0);
    const matched = Object.fromEntries([...new Set(wanted)].map((id) => [id, offsets]));
    const more = rest === undefined ? defined({ accept_ms }) : { rest };
    const types = offsets.map((offset) => fact.events[offset]!.type);
    const moves = Object.keys(matched).flatMap((id, i) =>
      paths[i]!.slice(1).map((to, step): UsageFact => {
        const { at, key_id } = fact;
        return { kind: "moved", tenant, at, subscription_id: id, key_id, types, from: paths[i]![step]!, to };
      }),
    );
    return [{ kind: "accepted", tenant, routed_at: fact.at + 5, ...fact, matched, ...more }, ...moves];
  });
const part = fc.record(
  {
    types: fc.array(type, { minLength: 1, maxLength: 3 }),
    key_id,
    first_success_ms: ms,
    replayed: fc.constant(true as const),
  },
  { requiredKeys: ["types"] },
);
const attempted = fc
  .record({
    at,
    subscription_id,
    outcome: fc.constantFrom("delivered", "failed", "dead_lettered", null),
    error: fc.constantFrom(...errorClasses),
    latency_ms: ms,
    parts: fc.array(part, { minLength: 1, maxLength: 2 }),
  })
  .map(
    (fact): UsageFact => ({
      kind: "attempted",
      tenant,
      ...fact,
      error: fact.outcome === "delivered" ? null : fact.error,
    }),
  );
const called = fc
  .record({ at, key_id, outcome: fc.constantFrom("rate_limited", "ok", "replayed", "internal", "unavailable") })
  .map(
    (fact): UsageFact => ({ kind: "called", tenant, call: "POST /events", requests: 2, events: 0, bytes: 0, ...fact }),
  );
const alone = (fact: UsageFact) => [fact];
const facts = fc
  .array(fc.oneof(accepted, attempted.map(alone), called.map(alone)), { minLength: 1, maxLength: 30 })
  .map((all) => all.flat());

const some = <T>(values: readonly T[]) => fc.subarray([...values], { minLength: 1 });
const filters = fc.record(
  {
    event_type: some(["a", "b\n\u{1F600}", null, "c"]),
    key_id: some(["key_1", "key_2"]),
    subscription_id: some([...workflows.keys()]),
    workflow_id: some(["zap_1", null]),
    status: some(["pending", "delivered", "failed", "dead_lettered", "cancelled"] as const),
    error: some([...errorClasses.slice(0, 6), null]),
    reason: some(["rate_limited", "unavailable", "schema_violation"]),
  },
  { requiredKeys: [] },
);
const query = fc
  .record({
    group_by: fc.subarray([...dimensions], { maxLength: 2 }),
    filter: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: filters }),
    interval: fc.constantFrom("minute", "hour", "day", "none"),
    time_zone: fc.constantFrom("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"),
    range: fc.tuple(fc.integer({ min: 0, max: HOURS * 60 }), fc.integer({ min: 1, max: HOURS * 60 })),
  })
  .map(
    ({ range: [start, length], ...rest }): MetricsQueryInput => ({
      ...(rest as object),
      measures: [...measures],
      from: new Date(BEGIN + start * MINUTE).toISOString(),
      to: new Date(BEGIN + (start + length) * MINUTE).toISOString(),
      top: 20,
      histogram: true,
    }),
  );

interface Step {
  /** Facts that an environment counts, which one, and how often it writes them. */
  readonly facts: readonly UsageFact[];
  readonly writer: number;
  readonly writes: number;
  /** Hours that are added up after it, from the first. */
  readonly addUp: number;
}
const steps = fc.array(
  fc.record({
    facts,
    writer: fc.integer({ min: 0, max: 2 }),
    writes: fc.integer({ min: 1, max: 2 }),
    addUp: fc.integer({ min: 0, max: HOURS - 2 }),
  }),
  { minLength: 1, maxLength: 3 },
);

async function world(all: readonly Step[]) {
  const table = metricsTable();
  const files = cubeFilesIn(memoryS3(new Map()), "cube");
  const reader: MetricsReader = {
    ...table,
    now: () => NOW,
    workflows: async () => workflows,
    cube: { read: cubeReaderOf(files) },
  };
  const writers = new Map<number, ReturnType<typeof usageWriter>>();
  const send = (input: ConstructorParameters<typeof PutItemCommand>[0]) =>
    table.counters.dynamodb.send(new PutItemCommand(input));
  for (const step of all) {
    const writer = writers.get(step.writer) ?? usageWriter("metrics", send, `w${step.writer}`, () => NOW);
    writers.set(step.writer, writer);
    writer.add(step.facts);
    for (let i = 0; i < step.writes; i += 1) await writer.flush();
    for (let i = 0; i < step.addUp; i += 1) await addUp(BEGIN + i * HOUR);
  }
  async function addUp(hour: number): Promise<void> {
    const minutes = await minutesOf(reader.counters, tenant, hour);
    const added = hourOf(minutes);
    await foldHour(files, tenant, hour, added);
    for (const item of hourItems(tenant, hour, added)) await send({ TableName: "metrics", Item: item });
  }
  return { reader, addUp };
}

test("every point of every query is what counting fact by fact gives, added up or not, late or repeated", () =>
  fc.assert(
    fc.asyncProperty(steps, fc.array(query, { minLength: 1, maxLength: 4 }), async (all, queries) => {
      const model: Model = { facts: all.flatMap((step) => step.facts), workflows, limit: 100 };
      const { reader } = await world(all);
      for (const asked of queries) {
        const checked = MetricsQuery.parse(asked);
        let answer: Awaited<ReturnType<typeof queryMetrics>>;
        try {
          answer = await queryMetrics(reader, { tenant, limit_per_second: 100 }, checked);
        } catch (error) {
          // The only reason to refuse: too many points.
          assert.match(JSON.stringify((error as { details?: unknown }).details), /at most 10000/);
          continue;
        }
        for (const { key, points, totals } of answer.series) {
          for (const [i, point] of points.entries()) {
            const from = Date.parse(point.start);
            const to = Date.parse(points[i + 1]?.start ?? answer.to);
            for (const measure of measures)
              same(point[measure], expected(model, checked, measure, from, to, key), `${measure} ${point.start}`);
          }
          const [from, to] = [Date.parse(answer.from), Date.parse(answer.to)];
          for (const measure of measures)
            same(totals[measure], expected(model, checked, measure, from, to, key), measure);
        }
      }
    }),
    { numRuns: 40, includeErrorInReport: true },
  ));

type Quantiles = Record<"p50" | "p95" | "p99", number>;

/** Each quantile lies in the bucket of the measurement that as many are at most as high as: a bucket is a tenth wide. */
function sameQuantiles({ p50, p95, p99 }: Quantiles, buckets: readonly (readonly [number, number])[], says: string) {
  const total = buckets.reduce((sum, [, n]) => sum + n, 0);
  for (const [share, told] of [
    [0.5, p50],
    [0.95, p95],
    [0.99, p99],
  ] as const) {
    let seen = 0;
    const upper = buckets.find(([, n]) => {
      seen += n;
      return seen >= Math.ceil(share * total);
    })?.[0];
    assert.ok(told <= upper! && told >= upper! / 1.1 - 0.2, `${says}: ${told}, not up to ${upper}`);
  }
}

function same(value: unknown, wanted: ReturnType<typeof expected>, says: string): void {
  if (!Array.isArray(wanted)) {
    assert.deepEqual(value, wanted, `${says}: ${JSON.stringify(value)}, not ${JSON.stringify(wanted)}`);
    return;
  }
  if (wanted.length === 0) {
    assert.equal(value, null, says);
    return;
  }
  const { buckets, count, ...told } = value as { buckets: [number, number][]; count: number } & Quantiles;
  assert.deepEqual(buckets, wanted, `${says}: ${JSON.stringify(buckets)}, not ${JSON.stringify(wanted)}`);
  assert.equal(
    count,
    wanted.reduce((sum, [, n]) => sum + n, 0),
    says,
  );
  sameQuantiles(told, wanted as [number, number][], says);
}

test.run();
