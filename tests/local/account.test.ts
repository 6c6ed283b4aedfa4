import assert from "node:assert/strict";
import * as fc from "fast-check";
import { suite } from "uvu";
import { Account } from "../../local/account.ts";
import { Throughput } from "../../local/dynamodb/throughput.ts";
import { createDynamodb } from "../../local/dynamodb.ts";
import { type LocalContext, ServiceError } from "../../local/service.ts";
import { defined, mapDefined } from "../../runtime/domain/defined.ts";
import { testClock } from "./clock.ts";
import { jsonCall, serve } from "./serve.ts";

const test = suite("quotas of an account");

test("a share is above 0 and at most 1", () => {
  for (const share of [0, -1, 1.5, Number.NaN]) assert.throws(() => new Account(share), RangeError);
  assert.equal(new Account(0.02).of("lambdaConcurrency"), 20);
  assert.equal(new Account(0.0001).of("pollerStart"), 1);
});

test("over any time a rate allows its burst, its refill and at most one call beyond", () =>
  fc.assert(
    fc.property(
      fc.array(fc.record({ wait: fc.nat(2_000), units: fc.integer({ min: 1, max: 40 }) }), { maxLength: 200 }),
      (calls) => {
        const clock = testClock();
        const account = new Account(0.02, clock);
        const rate = account.of("partitionWriteUnits");
        const began = clock.now();
        let taken = 0;
        for (const { wait, units } of calls) {
          clock.advance(wait);
          if (account.admit("partitionWriteUnits", "p", units)) taken += units;
        }
        return taken <= rate + ((clock.now() - began) / 1_000) * rate + 40;
      },
    ),
  ));

test("a used-up rate is available again in time, and delayed calls are counted by second", () => {
  const clock = testClock();
  const account = new Account(0.01, clock);
  account.begin();
  assert.equal(account.admit("partitionWriteUnits", "p", 30), true);
  assert.equal(account.admit("partitionWriteUnits", "p", 1), false);
  assert.equal(account.admit("partitionWriteUnits", "other", 1), true);
  clock.advance(2_100);
  assert.equal(account.admit("partitionWriteUnits", "p", 1), true);
  assert.deepEqual(account.told().felt, { partitionWriteUnits: { 0: 1 } });
});

test("environments are given back", () => {
  const account = new Account(0.002);
  assert.deepEqual([account.enter(), account.enter(), account.enter()], [true, true, false]);
  account.leave();
  assert.equal(account.enter(), true);
});

// ---- DynamoDB ------------------------------------------------------------------------------------------------------

async function table() {
  const clock = testClock();
  const account = new Account(0.01, clock);
  const served = await serve(async (context) => [await createDynamodb({ ...context, account } as LocalContext)]);
  const service = await createDynamodb({
    ...served.context,
    state: `${served.context.state}/metered`,
    account,
  } as LocalContext);
  await service.resources["aws:dynamodb/table:Table"]!({
    type: "aws:dynamodb/table:Table",
    name: "events",
    inputs: {
      hashKey: "pk",
      rangeKey: "sk",
      attributes: ["pk", "sk", "state"].map((name) => ({ name, type: "S" })),
      globalSecondaryIndexes: [{ name: "by_state", hashKey: "state", rangeKey: "sk", projectionType: "ALL" }],
    },
  });
  const call = async (action: string, args: object): Promise<Record<string, unknown>> => {
    const asked = jsonCall("dynamodb", `DynamoDB_20120810.${action}`, args);
    return JSON.parse(String((await service.api!.call(asked)).body));
  };
  let at = 0;
  const item = (pk: string, bytes: number, state?: string) => ({
    pk: { S: pk },
    sk: { S: String(++at) },
    body: { S: "x".repeat(bytes) },
    ...defined({ state: mapDefined(state, (state) => ({ S: state })) }),
  });
  const put = (pk: string, bytes = 100, state?: string) =>
    call("PutItem", { TableName: "events", Item: item(pk, bytes, state) });
  const close = async () => {
    await service.close();
    await served.close();
  };
  return { clock, account, call, put, item, close };
}

const throttled = (thrown: unknown): boolean => thrown instanceof ServiceError && thrown.code === "ThrottlingException";

test("writes of one partition key are held back at its units, while another key's go on", async () => {
  const { clock, put, close } = await table();
  // A partition has ten units a second here: an item of 4,000 bytes takes four.
  for (let i = 0; i < 3; i += 1) await put("a", 4_000);
  await assert.rejects(put("a"), throttled);
  await put("b");
  clock.advance(1_000);
  await put("a");
  await close();
});

test("a full partition of an index refuses the table's write", async () => {
  const { put, close } = await table();
  for (let i = 0; i < 3; i += 1) await put(`key-${i}`, 4_000, "failed");
  await assert.rejects(put("another", 100, "failed"), throttled);
  await put("another", 100, "delivered");
  await close();
});

test("a new table serves its first units and refuses beyond them, with any keys", async () => {
  const { account, put, close } = await table();
  // 40 units a second, of which five seconds are there at first.
  for (let i = 0; i < 50; i += 1) await put(`key-${i}`, 4_000);
  await assert.rejects(put("one more"), throttled);
  assert.ok("tableWarmWriteUnits" in account.told().felt);
  await close();
});

test("a batch write returns the items of a full partition unprocessed, and writes the others", async () => {
  const { call, put, item, close } = await table();
  for (let i = 0; i < 3; i += 1) await put("a", 4_000);
  const items = [item("a", 10), item("b", 10)];
  const answer = await call("BatchWriteItem", {
    RequestItems: { events: items.map((Item) => ({ PutRequest: { Item } })) },
  });
  assert.deepEqual(answer, { UnprocessedItems: { events: [{ PutRequest: { Item: items[0] } }] } });
  const { Items } = (await call("Query", {
    TableName: "events",
    KeyConditionExpression: "#p = :p",
    ExpressionAttributeNames: { "#p": "pk" },
    ExpressionAttributeValues: { ":p": { S: "b" } },
  })) as { Items: unknown[] };
  assert.deepEqual(Items, [items[1]]);
  await close();
});

test("an update is charged for the whole item", async () => {
  const { call, put, close } = await table();
  await put("a", 9_000);
  const update = () =>
    call("UpdateItem", {
      TableName: "events",
      Key: { pk: { S: "a" }, sk: { S: "1" } },
      UpdateExpression: "SET seen = :t",
      ExpressionAttributeValues: { ":t": { BOOL: true } },
    });
  await update();
  await assert.rejects(update(), throttled);
  await close();
});

test("a table that was warmed up serves more from the first second on, and only that table", () => {
  const account = new Account(0.01, testClock());
  account.raise("tableWarmWriteUnits", "warm", 20_000);
  const served = (key: string) => {
    let units = 0;
    for (; account.has("tableWarmWriteUnits", key); units += 10) account.take("tableWarmWriteUnits", key, 10);
    return units;
  };
  // Five seconds of what is there at once: a hundredth of 4,000, and of 20,000.
  assert.deepEqual([served("cold"), served("warm")], [200, 1_000]);
});

test("consumed capacity is answered only to callers that ask for it", async () => {
  const account = new Account(1);
  const throughput = new Throughput(account, new Map([["t", { table: "pk", indexes: new Map() }]]), () => {});
  const call = jsonCall("dynamodb", "D.GetItem", { TableName: "t", Key: { pk: { S: "a" } } });
  const answer = await throughput.meter(call, async () => ({
    status: 200,
    headers: {},
    body: JSON.stringify({ Item: {}, ConsumedCapacity: { TableName: "t", CapacityUnits: 1 } }),
  }));
  assert.equal(answer.body, '{"Item":{}}');
});

test.run();
