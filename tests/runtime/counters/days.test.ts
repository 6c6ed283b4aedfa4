import assert from "node:assert/strict";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { suite } from "uvu";
import { addUpDay, minutesOf, rollUpLate, writeHour } from "../../../runtime/counters/hours.ts";
import { type MetricsReader, queryMetrics } from "../../../runtime/counters/metrics.ts";
import { removeHours } from "../../../runtime/counters/remove.ts";
import { dayForms, daysPartition, hoursPartition } from "../../../runtime/domain/metrics/hours.ts";
import { MetricsQuery, type MetricsQueryInput } from "../../../runtime/domain/metrics/query.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { usageWriter } from "../../../runtime/domain/usage/usage.ts";
import { expected, type Model } from "../../support/metricsModel.ts";
import { metricsTable } from "../../support/metricsTable.ts";

/** Days of UTC that are added up from their hours, so that a long range costs an item a day. */

const test = suite("days of the metrics");
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const BEGIN = Date.UTC(2026, 9, 23);
const DAYS = 12;
const NOW = BEGIN + DAYS * DAY + 7 * HOUR;
const tenant = "cus_days";
const measures = ["requests", "events", "bytes", "matched", "unmatched", "limit_use"] as const;

const accepted = (at: number, type: string, events: number): UsageFact => ({
  ...{ kind: "accepted", tenant, at, routed_at: at, key_id: "key_a", accept_ms: 7 },
  events: Array.from({ length: events }, () => ({ type, bytes: 10 })),
  matched: events % 2 === 0 ? { sub_a: [0] } : {},
});
const fact = fc
  .tuple(
    fc.integer({ min: BEGIN, max: BEGIN + DAYS * DAY - 1 }),
    fc.constantFrom("a", "b"),
    fc.integer({ min: 1, max: 4 }),
  )
  .map((parts) => accepted(...parts));

function world() {
  const table = metricsTable();
  const { counters } = table;
  const send = (input: ConstructorParameters<typeof PutItemCommand>[0]) =>
    counters.dynamodb.send(new PutItemCommand(input));
  const reader: MetricsReader = {
    ...table,
    now: () => NOW,
    workflows: async () => new Map(),
    cube: { read: async () => undefined },
  };
  let writers = 0;
  return {
    table,
    reader,
    /** @param now of the environment that counts: late facts leave a mark */
    async count(facts: readonly UsageFact[], now?: number) {
      for (const one of facts) {
        writers += 1;
        const writer = usageWriter("metrics", send, `w${writers}`, () => now ?? one.at);
        writer.add([one]);
        await writer.flush();
      }
    },
    async addUpHours() {
      for (let hour = BEGIN; hour < BEGIN + DAYS * DAY; hour += HOUR)
        await writeHour(counters, tenant, hour, await minutesOf(counters, tenant, hour), async () => undefined);
    },
    async addUpDays() {
      for (let day = BEGIN; day < BEGIN + DAYS * DAY; day += DAY) await addUpDay(counters, tenant, day);
    },
    itemsOf: (pk: string) => [...table.items.values()].filter((item) => item.pk!.S === pk).length,
    /** How many items each form of days has. */
    dayItems: () =>
      dayForms.map(
        (form) => [...table.items.values()].filter(({ pk }) => pk!.S === daysPartition(tenant, form)).length,
      ),
  };
}

async function compare(reader: MetricsReader, facts: readonly UsageFact[], asked: MetricsQueryInput): Promise<void> {
  const model: Model = { facts, workflows: new Map(), limit: 100 };
  const query = MetricsQuery.parse(asked);
  const answer = await queryMetrics(reader, { tenant, limit_per_second: 100 }, query);
  for (const { key, points } of answer.series)
    for (const [i, point] of points.entries())
      for (const measure of query.measures) {
        const [from, to] = [Date.parse(point.start), Date.parse(points[i + 1]?.start ?? answer.to)];
        assert.deepEqual(
          point[measure],
          expected(model, query, measure, from, to, key),
          `${measure} at ${point.start}`,
        );
      }
}

const query = fc
  .record({
    from: fc.integer({ min: 0, max: 30 }),
    hours: fc.integer({ min: 60, max: DAYS * 24 }),
    interval: fc.constantFrom("day" as const, "none" as const, "hour" as const),
    time_zone: fc.constantFrom(...Intl.supportedValuesOf("timeZone")),
    group_by: fc.subarray(["event_type", "status"] as const, { maxLength: 1 }).map((some) => [...some]),
  })
  .map(
    ({ from, hours, ...rest }): MetricsQueryInput => ({
      ...rest,
      ...{ measures: [...measures], from: new Date(BEGIN + from * HOUR).toISOString() },
      to: new Date(BEGIN + Math.min(from + hours, DAYS * 24) * HOUR).toISOString(),
    }),
  );

test("a range is told the same by days, by hours where a day is missing, and by minutes where an hour is late", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fact, { minLength: 1, maxLength: 25 }),
      fc.array(fact, { maxLength: 3 }),
      fc.array(query, { minLength: 1, maxLength: 3 }),
      async (facts, late, queries) => {
        const { reader, count, addUpHours, addUpDays, table } = world();
        await count(facts);
        await addUpHours();
        for (const asked of queries) await compare(reader, facts, asked);
        await addUpDays();
        for (const asked of queries) await compare(reader, facts, asked);
        await count(late, NOW);
        const all = [...facts, ...late];
        for (const asked of queries) await compare(reader, all, asked);
        await rollUpLate(
          table.counters,
          async () => undefined,
          NOW,
          () => undefined,
        );
        for (const asked of queries) await compare(reader, all, asked);
      },
    ),
    { numRuns: 8 },
  ));

test("days of a long range are read instead of their hours, and are there again once what came late is added up", async () => {
  const { reader, count, addUpHours, addUpDays, dayItems, table } = world();
  const facts = Array.from({ length: DAYS * 4 }, (_, n) => accepted(BEGIN + n * 6 * HOUR + 60_000, "a", 2));
  await count(facts);
  await addUpHours();
  await addUpDays();
  assert.deepEqual(dayItems(), [DAYS, DAYS]);
  const asked: MetricsQueryInput = {
    ...{ measures: ["events"], interval: "day", from: new Date(BEGIN).toISOString() },
    to: new Date(BEGIN + DAYS * DAY).toISOString(),
  };
  // What only hours could tell is gone: the days are enough.
  for (const [id, item] of [...table.items]) if (item.pk!.S === hoursPartition(tenant)) table.items.delete(id);
  await compare(reader, facts, asked);
  await addUpHours();
  assert.deepEqual(dayItems(), [0, 0], "a day goes before an hour of it is written");
  await addUpDays();
  const late = accepted(BEGIN + DAY + HOUR, "b", 3);
  await count([late], NOW);
  await rollUpLate(
    table.counters,
    async () => undefined,
    NOW,
    () => undefined,
  );
  assert.deepEqual(dayItems(), [DAYS, DAYS]);
  await compare(reader, [...facts, late], asked);
});

/** Where midnight is on an hour, on a half and on a quarter of it, and where it is where an eighth of a day of UTC begins. */
const ZONES = ["America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Chatham", "Asia/Tokyo"];
/** Many types make an hour of several items. */
const MANY = 5_000;

test("days of another zone are read by the eighth, and hours only where such a day begins", async () => {
  const { reader, count, addUpHours, addUpDays, table } = world();
  const facts = Array.from({ length: DAYS * 8 }, (_, n) => accepted(BEGIN + n * 3 * HOUR + 40 * 60_000, "a", 2));
  const [first] = facts;
  const many = Array.from({ length: MANY }, (_, n) => ({ type: `t${n}`, bytes: 10 }));
  facts.push({
    ...(first as Extract<UsageFact, { kind: "accepted" }>),
    at: BEGIN + 5 * DAY + 18.2 * HOUR,
    events: many,
  });
  await count(facts);
  await addUpHours();
  await addUpDays();
  for (const time_zone of ZONES) {
    const asked: MetricsQueryInput = {
      ...{ measures: [...measures], interval: "day", time_zone },
      from: new Date(BEGIN + DAY).toISOString(),
      to: new Date(BEGIN + (DAYS - 1) * DAY).toISOString(),
    };
    const reads: string[] = [];
    const { send } = table.counters.dynamodb;
    const noted = async (command: Parameters<typeof send>[0]) => {
      const answer = (await send(command)) as { Items?: { pk: { S: string } }[]; Responses?: object };
      const items = [answer.Items ?? [], ...Object.values(answer.Responses ?? {})].flat() as { pk: { S: string } }[];
      reads.push(...items.map(({ pk }) => pk.S));
      return answer;
    };
    const dynamodb = { ...table.counters.dynamodb, send: noted as typeof send };
    await compare({ ...reader, counters: { ...table.counters, dynamodb } }, facts, asked);
    const hours = reads.filter((pk) => pk === hoursPartition(tenant)).length;
    assert.ok(hours <= 3 * DAYS + 24, `${time_zone}: ${hours} items of hours`);
    for (const type of ["a", "t17", `t${MANY - 1}`])
      await compare(reader, facts, { ...asked, measures: ["events"], filter: { event_type: [type] } });
  }
});

test("a day that is added up while one of its hours is written tells what the hours tell, in any order of their calls", () =>
  fc.assert(
    fc.asyncProperty(fc.scheduler(), async (order) => {
      const { reader, count, addUpHours, table } = world();
      const before = accepted(BEGIN + HOUR, "a", 2);
      const then = accepted(BEGIN + 5 * HOUR, "a", 3);
      await count([before]);
      await addUpHours();
      await count([then]);
      const hour = BEGIN + 5 * HOUR;
      const minutes = await minutesOf(table.counters, tenant, hour);
      const { send } = table.counters.dynamodb;
      const inTurn = async (command: Parameters<typeof send>[0]) => {
        await order.schedule(Promise.resolve());
        return send(command);
      };
      const counters = { ...table.counters, dynamodb: { ...table.counters.dynamodb, send: inTurn as typeof send } };
      await order.waitFor(
        Promise.all([
          addUpDay(counters, tenant, BEGIN),
          writeHour(counters, tenant, hour, minutes, async () => undefined),
        ]),
      );
      await compare(reader, [before, then], {
        ...{ measures: ["events"], interval: "day", from: new Date(BEGIN).toISOString() },
        to: new Date(BEGIN + DAYS * DAY).toISOString(),
      });
    }),
    { numRuns: 200 },
  ));

test("days go with the hours that a customer no longer keeps", async () => {
  const { count, addUpHours, addUpDays, dayItems, itemsOf, table } = world();
  await count([accepted(BEGIN + HOUR, "a", 1), accepted(BEGIN + 3 * DAY, "a", 1)]);
  await addUpHours();
  await addUpDays();
  await removeHours(table.counters, tenant, BEGIN + 2 * DAY);
  assert.deepEqual(dayItems(), [1, 1]);
  assert.equal(itemsOf(hoursPartition(tenant)), 1);
});

test.run();
