import assert from "node:assert/strict";
import type { AttributeValue, PutItemCommandInput } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { test } from "uvu";
import { hourItems, hourOf } from "../../../runtime/domain/metrics/hours.ts";
import { KEPT_DAYS } from "../../../runtime/domain/metrics/sums.ts";
import type { SendPut } from "../../../runtime/domain/usage/counters.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { latencyBucket, quantiles } from "../../../runtime/domain/usage/histogram.ts";
import {
  emptyTotals,
  minuteShards,
  rollUp,
  type Totals,
  tallyReader,
  type UsageGroup,
  usageWriter,
} from "../../../runtime/domain/usage/usage.ts";

const HOUR = Date.UTC(2026, 0, 2, 3);

/** A table that takes puts as DynamoDB does, with their condition. */
function fakeTable() {
  const items = new Map<string, Record<string, AttributeValue>>();
  const send = async (input: PutItemCommandInput) => {
    const item = input.Item!;
    const key = `${item.pk!.S}|${item.sk!.S}`;
    const before = items.get(key)?.n?.N;
    if (input.ConditionExpression !== undefined && before !== undefined && Number(before) >= Number(item.n!.N))
      throw Object.assign(new Error("The conditional request failed"), { name: "ConditionalCheckFailedException" });
    items.set(key, item);
  };
  const itemsOf = (tenant: string) => {
    const shards = minuteShards(tenant);
    return [...items].filter(([key]) => shards.includes(key.split("|")[0]!)).map(([, item]) => item);
  };
  /** Minutes added up. */
  const read = (tenant: string, group?: UsageGroup) => readAll(itemsOf(tenant), group);
  return { items, itemsOf, send, read };
}

function readAll(items: readonly Record<string, AttributeValue>[], group?: UsageGroup) {
  const groups = new Map<string, Totals>();
  const all = emptyTotals();
  const add = tallyReader(group);
  for (const item of items) add(item, all, groups);
  return group === undefined ? new Map([["", all]]) : groups;
}

/** An environment that counts at once. @param now when it writes */
function environment(send: SendPut, id: string, now: () => number = () => HOUR + 62_000) {
  const writer = usageWriter("metrics", send, id, now);
  return {
    ...writer,
    write(facts: readonly UsageFact[]) {
      writer.add(facts);
      return writer.flush();
    },
  };
}

const request: Extract<UsageFact, { kind: "accepted" }> = {
  kind: "accepted",
  tenant: "cus_a",
  at: HOUR + 61_000,
  routed_at: HOUR + 61_500,
  key_id: "key_1",
  events: [
    { type: "a", bytes: 10 },
    { type: "a", bytes: 20 },
    { type: null, bytes: 30 },
  ],
  matched: { sub_1: [0, 1] },
};
const attempt: UsageFact = {
  kind: "attempted",
  tenant: "cus_a",
  at: HOUR + 62_000,
  subscription_id: "sub_1",
  outcome: "delivered",
  latency_ms: 50,
  parts: [
    { types: ["a"], key_id: "key_1" },
    { types: ["a"], key_id: "key_1" },
  ],
};
const counted = (counts: Partial<Totals>): Totals => ({ ...emptyTotals(), ...counts });

test("a request and its delivery count in total, by event type, by key and by subscription", async () => {
  const table = fakeTable();
  await environment(table.send, "w").write([request, attempt]);
  const latencies = new Map([[latencyBucket(50), 1]]);
  const all = { requests: 1, events: 3, bytes: 60 };
  const hour = rollUp("cus_a", HOUR, table.itemsOf("cus_a"));
  for (const read of [
    (group?: UsageGroup) => table.read("cus_a", group),
    (group?: UsageGroup) => readAll(hour, group),
  ]) {
    assert.deepEqual(read(), new Map([["", counted({ ...all, delivered: 2, latencies })]]));
    assert.deepEqual(read("key"), new Map([["key_1", counted({ ...all, delivered: 2, latencies })]]));
    assert.deepEqual(
      read("subscription"),
      new Map([["sub_1", counted({ requests: 1, events: 2, delivered: 2, latencies })]]),
    );
    assert.deepEqual(
      read("event_type"),
      new Map([
        ["a", counted({ requests: 1, events: 2, bytes: 30, delivered: 2, latencies })],
        ["", counted({ requests: 1, events: 1, bytes: 30 })],
      ]),
    );
  }
});

test("an environment writes one item a tenant and minute, and writes it again as it counts on", async () => {
  const table = fakeTable();
  const { write } = environment(table.send, "w");
  await write([request, attempt, { ...request, tenant: "cus_b" }]);
  await write([request]);
  assert.deepEqual([...table.items.keys()].map((key) => key.replace(/#\d+\|/, "#S|")).sort(), [
    // Who was active, told once.
    "active#2026-01-02T03:01|w.1",
    "cus_a#m#S|2026-01-02T03:01#w.1",
    "cus_b#m#S|2026-01-02T03:01#w.2",
  ]);
  assert.equal(table.read("cus_a").get("")!.events, 6);
});

test("environments are spread over the shards of a tenant's minutes", async () => {
  const table = fakeTable();
  for (let i = 0; i < 200; i += 1) await environment(table.send, `w${i}`).write([request]);
  const counted = [...table.items.keys()].filter((key) => !key.startsWith("active#"));
  const perShard = Map.groupBy(counted, (key) => key.split("|")[0]!);
  assert.deepEqual([...perShard.keys()].sort(), minuteShards("cus_a").sort());
  for (const [shard, keys] of perShard) assert.ok(keys.length < 40, `${shard} has ${keys.length} of 200`);
});

/** How sending can go wrong: refused, answered too late to be heard, or arriving again after a later one. */
const faults = ["none", "refused", "unheard", "again later"] as const;
test("everything is counted once, also when a put fails or arrives several times", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...faults), { maxLength: 20 }),
      fc.array(fc.record({ environment: fc.nat(2), minute: fc.nat(2), pause: fc.nat(200_000) }), { maxLength: 15 }),
      async (fates, steps) => {
        const table = fakeTable();
        let clock = HOUR;
        const ghosts: PutItemCommandInput[] = [];
        const send = async (input: PutItemCommandInput) => {
          const fate = fates.pop() ?? "none";
          if (fate === "refused") throw new Error("throttled");
          await table.send(input);
          if (fate === "unheard") throw new Error("timed out");
          if (fate === "again later") ghosts.push(input);
        };
        const environments = [0, 1, 2].map((i) => environment(send, `w${i}`, () => clock));
        for (const { environment: i, minute, pause } of steps) {
          await environments[i]!.write([{ ...request, at: HOUR + minute * 60_000 }]).catch(() => undefined);
          for (const ghost of ghosts.splice(0)) await table.send(ghost).catch(() => undefined);
          clock += pause;
        }
        fates.length = 0;
        for (const each of environments) await each.flush();
        assert.equal(table.read("cus_a").get("")!.requests, steps.length);
      },
    ),
  ));

test("a failed write is reported, the others are made, and what failed is written the next time", async () => {
  const table = fakeTable();
  let broken = true;
  const { write, flush } = environment(async (input) => {
    if (broken && input.Item!.pk!.S!.startsWith("cus_a#m")) throw new Error("throttled");
    return table.send(input);
  }, "w");
  await assert.rejects(write([request, { ...request, tenant: "cus_b" }]), new Error("throttled"));
  assert.deepEqual([table.itemsOf("cus_a").length, table.itemsOf("cus_b").length], [0, 1]);
  broken = false;
  await flush();
  assert.deepEqual(table.read("cus_a").get("")!.events, 3);
});

test("with any number of types the counts add up, and no item grows past about 20 KB", async () => {
  const table = fakeTable();
  const { write } = environment(table.send, "w");
  for (let i = 0; i < 40; i += 1) {
    const events = Array.from({ length: 100 }, (_, n) => ({ type: `type.${i}.${n}`, bytes: 1 }));
    await write([{ ...request, events }]);
  }
  assert.equal(table.read("cus_a", "event_type").size, 4_000);
  assert.equal(table.read("cus_a").get("")!.events, 4_000);
  for (const item of table.items.values()) assert.ok(Object.keys(item).length <= 405);
  const hour = rollUp("cus_a", HOUR, table.itemsOf("cus_a"));
  assert.deepEqual(readAll(hour, "event_type"), table.read("cus_a", "event_type"));
  for (const item of hour) assert.ok(Object.keys(item).length <= 2_003);
});

test("the sum of an hour leaves out who called what, and is the same at any time", async () => {
  const table = fakeTable();
  for (const id of ["w1", "w2"]) await environment(table.send, id).write([request, attempt]);
  const minutes = table.itemsOf("cus_a");
  assert.ok(minutes.some((item) => Object.keys(item).some((name) => name.startsWith("a#"))));
  const hour = rollUp("cus_a", HOUR, minutes);
  assert.deepEqual(hour, rollUp("cus_a", HOUR, minutes.toReversed()));
  assert.ok(hour.every((item) => !Object.keys(item).some((name) => /^[ai]#/.test(name) || name === "n")));
});

test("a fact counted after its hour may have been added up leaves a mark; its access counts now", async () => {
  const table = fakeTable();
  const late = HOUR + 2 * 3_600_000;
  await environment(table.send, "w", () => late).write([request]);
  const marks = [...table.items.keys()].filter((key) => !key.includes("#m#"));
  assert.deepEqual(marks.sort(), ["cus_a#h|2026-01-02T03:00#late", "late#h|cus_a#2026-01-02T03:00#"]);
  const access = table.itemsOf("cus_a").filter((item) => Object.keys(item).some((name) => name.startsWith("a#")));
  assert.deepEqual(
    access.map(({ sk }) => sk!.S!.slice(0, 16)),
    ["2026-01-02T05:00"],
  );
  assert.equal(readAll(rollUp("cus_a", HOUR, table.itemsOf("cus_a"))).get("")!.events, 3);
});

test("minutes expire after 35 days and hours after 400, and no query asks for them by the minute or hour after that", async () => {
  const table = fakeTable();
  await environment(table.send, "w").write([request, attempt]);
  const minutes = table.itemsOf("cus_a");
  const hours = [...rollUp("cus_a", HOUR, minutes), ...hourItems("cus_a", HOUR, hourOf(minutes))];
  const days = (items: readonly Record<string, AttributeValue>[]) =>
    new Set(items.map(({ expires_at }) => Math.floor((Number(expires_at!.N) - HOUR / 1_000) / 86_400)));
  assert.deepEqual([days(minutes), days(hours)], [new Set([35]), new Set([400])]);
  assert.deepEqual(KEPT_DAYS, { minute: 35, hour: 400 });
});

/** A customer may ask for so much; an event can be delivered as long as it is there. */
const LONGEST_KEPT_DAYS = 3_650;

test("a quantile is within 5 % of the true one, however late a retry or a replay delivers", () =>
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 200 }),
        fc.array(fc.integer({ min: 1, max: LONGEST_KEPT_DAYS * 86_400_000 }), { minLength: 1, maxLength: 200 }),
      ),
      fc.constantFrom(0.5, 0.95, 0.99),
      (values, q) => {
        const histogram = new Map<number, number>();
        for (const ms of values) histogram.set(latencyBucket(ms), (histogram.get(latencyBucket(ms)) ?? 0) + 1);
        const exact = values.toSorted((a, b) => a - b)[Math.ceil(values.length * q) - 1]!;
        const [estimate] = quantiles(histogram, [q]) as [number];
        assert.ok(Math.abs(estimate - exact) <= exact * 0.05 + 0.1, `${estimate} for ${exact}`);
      },
    ),
  ));

test("without measurements there is no quantile", () => assert.deepEqual(quantiles(new Map(), [0.5, 1]), [null, null]));

test.run();
