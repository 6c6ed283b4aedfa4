import assert from "node:assert/strict";
import type { AttributeValue, UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { test } from "uvu";
import {
  emptyTotals,
  latencyBucket,
  quantiles,
  type Totals,
  tallyReader,
  type UsageFact,
  type UsageGroup,
  usageWriter,
} from "../../../runtime/domain/usage.ts";

const HOUR = Date.UTC(2026, 0, 2, 3);

/** A table that applies updates as DynamoDB does: conditions, SET and ADD of numbers; an item's size costs units. */
function fakeTable(unitsPerAttribute = 0.1) {
  const items = new Map<string, Record<string, AttributeValue>>();
  const send = async (input: UpdateItemCommandInput) => {
    const key = `${input.Key!.pk!.S}|${input.Key!.sk!.S}`;
    const item = items.get(key) ?? {};
    const names = input.ExpressionAttributeNames!;
    const values = input.ExpressionAttributeValues!;
    const seen = item[names["#w"]!]?.N;
    if (seen !== undefined && Number(seen) >= Number(values[":w"]!.N)) {
      throw Object.assign(new Error("The conditional request failed"), { name: "ConditionalCheckFailedException" });
    }
    const [sets, adds] = input.UpdateExpression!.replace("SET ", "").split(" ADD ");
    for (const clause of sets!.split(", ")) item[names[clause.slice(0, 2)]!] = values[clause.slice(5)]!;
    for (const clause of adds!.split(", ")) {
      const [name, value] = clause.split(" ");
      const sum = Number(item[names[name!]!]?.N ?? 0) + Number(values[value!]!.N);
      item[names[name!]!] = { N: String(sum) };
    }
    items.set(key, item);
    return { ConsumedCapacity: { CapacityUnits: Object.keys(item).length * unitsPerAttribute } };
  };
  const read = (partition: string, group?: UsageGroup) => {
    const groups = new Map<string, Totals>();
    const all = emptyTotals();
    const add = tallyReader(group);
    for (const [key, item] of items) if (key.startsWith(`${partition}|`)) add(item, all, groups);
    return group === undefined ? new Map([["", all]]) : groups;
  };
  return { items, send, read };
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
  matched: { sub_1: 2 },
};
const attempt: UsageFact = {
  kind: "attempted",
  tenant: "cus_a",
  at: HOUR + 62_000,
  subscription_id: "sub_1",
  outcome: "delivered",
  latency_ms: 50,
  types: ["a", "a"],
};
const counted = (counts: Partial<Totals>): Totals => ({ ...emptyTotals(), ...counts });

test("a request and its delivery count in total, by event type, by key and by subscription", async () => {
  const table = fakeTable();
  await usageWriter("metrics", table.send, "w").write([request, attempt]);
  const latencies = new Map([[latencyBucket(50), 1]]);
  const all = { requests: 1, events: 3, bytes: 60 };
  assert.deepEqual(table.read("cus_a#h"), new Map([["", counted({ ...all, delivered: 2, latencies })]]));
  assert.deepEqual(table.read("cus_a#m"), table.read("cus_a#h"));
  assert.deepEqual(table.read("cus_a#h", "key"), new Map([["key_1", counted(all)]]));
  assert.deepEqual(
    table.read("cus_a#h", "subscription"),
    new Map([["sub_1", counted({ requests: 1, events: 2, delivered: 2, latencies })]]),
  );
  assert.deepEqual(
    table.read("cus_a#h", "event_type"),
    new Map([
      ["a", counted({ requests: 1, events: 2, bytes: 30, delivered: 2, latencies })],
      ["", counted({ requests: 1, events: 1, bytes: 30 })],
    ]),
  );
});

test("an invocation writes one hour and one minute a tenant", async () => {
  const table = fakeTable();
  await usageWriter("metrics", table.send, "w").write([request, attempt, { ...request, tenant: "cus_b" }]);
  assert.deepEqual([...table.items.keys()].sort(), [
    "cus_a#h|2026-01-02T03:00#",
    "cus_a#m|2026-01-02T03:01#",
    "cus_b#h|2026-01-02T03:00#",
    "cus_b#m|2026-01-02T03:01#",
  ]);
});

test("an update that arrives twice counts once", async () => {
  const table = fakeTable();
  const twice = async (input: UpdateItemCommandInput) => {
    await table.send(input);
    return table.send(input);
  };
  const writer = usageWriter("metrics", twice, "w");
  await writer.write([request]);
  await writer.write([request]);
  assert.equal(table.read("cus_a#h").get("")!.events, 6);
});

test("two environments with the same numbers don't hide each other's counts", async () => {
  const table = fakeTable();
  for (const name of ["w1", "w2"]) await usageWriter("metrics", table.send, name).write([request]);
  assert.equal(table.read("cus_a#h").get("")!.events, 6);
});

test("a failed write is reported, and the others are still made", async () => {
  const table = fakeTable();
  const broken = async (input: UpdateItemCommandInput) => {
    if (input.Key!.pk!.S === "cus_a#h") throw new Error("throttled");
    return table.send(input);
  };
  await assert.rejects(usageWriter("metrics", broken, "w").write([request]), new Error("throttled"));
  assert.deepEqual([...table.items.keys()], ["cus_a#m|2026-01-02T03:01#"]);
});

test("however many types there are, their counts add up, and no item grows far past its limit", async () => {
  const table = fakeTable();
  const writer = usageWriter("metrics", table.send, "w");
  for (let i = 0; i < 40; i += 1) {
    const events = Array.from({ length: 100 }, (_, n) => ({ type: `type.${i}.${n}`, bytes: 1 }));
    await writer.write([{ ...request, events }]);
  }
  const types = table.read("cus_a#h", "event_type");
  assert.equal(types.size, 4_000);
  assert.equal(table.read("cus_a#h").get("")!.events, 4_000);
  for (const item of table.items.values()) assert.ok(Object.keys(item).length < 1_000);
});

test("a quantile is within 5 % of the true one", () =>
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 200 }),
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

test("nothing measured has no quantile", () => assert.deepEqual(quantiles(new Map(), [0.5, 1]), [null, null]));

test.run();
