import assert from "node:assert/strict";
import { suite } from "uvu";
import { readDeliveries } from "../../../runtime/store/deliveries/readDeliveries.ts";
import { readEvents } from "../../../runtime/store/inbox/read.ts";
import { batchItem, batchOf, deliveryItem, deliveryOf, openStorage, type Storage } from "../../support/storage.ts";

/**
 * What the first page of a list costs, counted: so much at most, however much is stored. So a list with millions of events behind it is as
 * quick as one with thousands, whatever machine it is read on.
 */
const test = suite("first pages of lists");
const SUB = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const NOW = Date.now();
const SECOND = 1_000;
const LIMIT = 20;
const EVENTS = 2_500;
/**
 * Every partition is read a step or two ahead, which comes to 270 to 1,040 items here: events lie in partitions by chance. A list
 * that reads all of what it lists comes to 2,500 items, or more.
 */
const MOST = { calls: 250, items: 1_500 };

let storage: Storage;
/** Calls of DynamoDB, and items that they brought, since they were last set to nothing. */
const cost = { calls: 0, items: 0 };
test.before(async () => {
  storage = await openStorage();
  storage.dynamodb.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { Items, Responses } = result.output as { Items?: unknown[]; Responses?: Record<string, unknown[]> };
      cost.calls += 1;
      cost.items += (Items?.length ?? 0) + Object.values(Responses ?? {}).flat().length;
      return result;
    },
    { step: "initialize" },
  );
});
test.after(() => storage.close());

/** Events with a delivery each, one a second up to now; every other one is dead-lettered. @returns their customer and side */
async function stored(count: number): Promise<string> {
  const customer = `cus_${count}/live`;
  const puts = Array.from({ length: count }, (_, at) => {
    const batch = batchOf(customer, [{ event_type: "a", at }], NOW - (count - at) * SECOND, {
      matched: { [SUB]: [0] },
    });
    const status = at % 2 === 0 ? "dead_lettered" : "delivered";
    return [batchItem(batch), deliveryItem(deliveryOf(batch, SUB, { status }))];
  }).flat();
  for (let at = 0; at < puts.length; at += 50)
    await Promise.all(puts.slice(at, at + 50).map((item) => storage.put(item)));
  return customer;
}

const options = { limit: LIMIT, now: () => NOW, removed: async () => () => false };
const began = { began: NOW };
const lists: Readonly<Record<string, (tenant: string) => Promise<number>>> = {
  "the newest events": async (tenant) =>
    (await readEvents(storage.store, tenant, { order: "desc", acknowledged: "all" }, began, options)).events.length,
  "the oldest events that nobody has acknowledged": async (tenant) =>
    (await readEvents(storage.store, tenant, { order: "asc", acknowledged: false }, began, options)).events.length,
  "events of a type": async (tenant) => {
    const query = { order: "desc", acknowledged: "all", types: ["a"] } as const;
    return (await readEvents(storage.store, tenant, query, began, options)).events.length;
  },
  "events of one minute long ago": async (tenant) => {
    const query = { order: "desc", acknowledged: "all", from: NOW - 120 * SECOND, to: NOW - 60 * SECOND } as const;
    return (await readEvents(storage.store, tenant, query, began, options)).events.length;
  },
  deliveries: async (tenant) => (await readDeliveries(storage.store, tenant, {}, began, options)).deliveries.length,
  "deliveries of a subscription": async (tenant) =>
    (await readDeliveries(storage.store, tenant, { subscriptionId: SUB }, began, options)).deliveries.length,
  "dead letters": async (tenant) =>
    (await readDeliveries(storage.store, tenant, { statuses: ["dead_lettered"] }, began, options)).deliveries.length,
};

let tenant: string;
test("a customer has far more events than a page reads", async () => {
  tenant = await stored(EVENTS);
});

for (const [name, read] of Object.entries(lists))
  test(`the first page of ${name} reads no more than a page may`, async () => {
    Object.assign(cost, { calls: 0, items: 0 });
    assert.equal(await read(tenant), LIMIT);
    assert.ok(cost.items < MOST.items && cost.calls < MOST.calls, JSON.stringify(cost));
  });

test.run();
