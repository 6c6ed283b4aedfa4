import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { suite } from "uvu";
import { queryAll } from "../../../runtime/aws/tables.ts";
import { firstUlidAt, ulidAt } from "../../../runtime/domain/ids.ts";
import type { BatchItem } from "../../../runtime/store/batches/batchItem.ts";
import { findEvents } from "../../../runtime/store/batches/find.ts";
import { itemsOf } from "../../../runtime/store/batches/manyMatched.ts";
import { scanEvents } from "../../../runtime/store/batches/scanEvents.ts";
import { readBatch, storeAgain, storedCount, storeNew } from "../../../runtime/store/batches/storeBatches.ts";
import { readFromTable } from "../../../runtime/store/deliveries/stored.ts";
import { erasedKinds, eraseShard } from "../../../runtime/store/erasure/eraseShard.ts";
import { partitionOf } from "../../../runtime/store/keys.ts";
import { batchOf, openStorage, type Storage } from "../../support/storage.ts";

/** An event may match more subscriptions than one item has room for: every reader of the store sees all of them. */

const test = suite("more matching subscriptions than an item has room for");
const TENANT = "cus_01JDGXS7G0ABCDEFGHJKMNPQRS";
const AT = Date.now() - 5_000;
let storage: Storage;
test.before(async () => {
  storage = await openStorage();
});
test.after(() => storage.close());

const subscription = (n: number) => `sub_${String(n).padStart(26, "0")}`;
/** A batch of events, each of which matches every n-th subscription. */
const matching = (subscriptions: number, events: number): BatchItem => {
  const payloads = Array.from({ length: events }, (_, n) => ({ event_type: "a", n }));
  const pairs = Array.from({ length: subscriptions }, (_, n) => {
    return [subscription(n), [...payloads.keys()].filter((offset) => n % (offset + 1) === 0)] as const;
  });
  return batchOf(TENANT, payloads, AT, { matched: Object.fromEntries(pairs) });
};

/** Whether these are the same: a difference between thousands would fill the screen. */
const same = (found: BatchItem["matched"] | undefined, expected: BatchItem["matched"]): void =>
  assert.ok(isDeepStrictEqual(found, expected), `${Object.keys(found ?? {}).length} subscriptions were found`);

const cases = [
  [3, 1],
  [11_000, 1],
  [12_000, 1],
  [40_000, 1],
  [24_000, 3],
] as const;

for (const [subscriptions, events] of cases)
  test(`${subscriptions} subscriptions that match ${events} of a request are all found again`, async () => {
    const { store } = storage;
    const batch = matching(subscriptions, events);
    const { tenant, first, matched } = batch;
    await storeNew(store.events, [batch]);
    same((await readBatch(store.events, tenant, first))?.matched, matched);
    assert.equal(await storedCount(store.events, tenant, first), events);

    const now = Date.now();
    for (const body of [true, false]) {
      const other = matching(2, 1);
      await storeNew(store.events, [other]);
      const found = await findEvents(store, tenant, [ulidAt(first, events - 1), other.first], { now, body });
      same(found.get(ulidAt(first, events - 1))?.batch.matched, matched);
    }

    const scanned: BatchItem[] = [];
    const range = { order: "asc", from: AT - 1, to: now } as const;
    for await (const step of scanEvents(store, tenant, range, now, () => false))
      if (step.kind === "batches") scanned.push(...step.batches.map((each) => each.batch));
    same(scanned.find((each) => each.first === first)?.matched, matched);

    const last = { tenant, first, subscription_id: subscription(subscriptions - 1) };
    const stored = await readFromTable(store.events, { deliveries: [last], batches: [last], deletions: [] });
    assert.deepEqual(stored.matched(last), matched[last.subscription_id]);
    assert.equal(stored.matched({ ...last, subscription_id: "sub_other" }), undefined);
  });

test("a later decision about a stored request changes nothing of the first", async () => {
  const { events } = storage.store;
  const batch = matching(30_000, 1);
  assert.equal(await storeAgain(events, batch), undefined);
  for (const other of [matching(20_000, 1), matching(5, 1)]) {
    const before = await storeAgain(events, { ...other, first: batch.first });
    same(before?.matched, batch.matched);
  }
  same((await readBatch(events, TENANT, batch.first))?.matched, batch.matched);
});

test("a part that is gone is a fault, and no shorter list", async () => {
  const batch = matching(30_000, 1);
  await storeNew(storage.store.events, [batch]);
  const [part] = await partsOf(batch);
  await storage.remove(part!);
  await assert.rejects(readBatch(storage.store.events, TENANT, batch.first), /matched_in/);
});

test("they go when everything is erased, and otherwise after their batch", async () => {
  const batch = matching(30_000, 1);
  await storeNew(storage.store.events, [batch]);
  const parts = await partsOf(batch);
  assert.equal(parts.length, 3);
  for (const part of parts) assert.ok(Number(part.expires_at?.N) > batch.expiry);
  const shard = Number(partitionOf(TENANT, batch.first).split("#").at(-1));
  for (const kind of erasedKinds)
    for (let more = true; more; )
      ({ more } = await eraseShard(storage.store, TENANT, { shard, kind, before: firstUlidAt(Date.now()) }));
  assert.equal((await partsOf(batch)).length, 0);
});

const partsOf = ({ first }: BatchItem) =>
  queryAll(storage.store.events, {
    KeyConditionExpression: "pk = :pk AND begins_with(sk, :sk)",
    ExpressionAttributeValues: { ":pk": { S: partitionOf(TENANT, first) }, ":sk": { S: `m#${first}` } },
    consistency: "strong",
  });

test("a damaged batch whose matches are beside it keeps no other from being read", async () => {
  const { store } = storage;
  const [damaged, whole] = [matching(12_000, 1), matching(12_001, 1)];
  await storeNew(store.events, [damaged, whole]);
  await storage.put({ ...itemsOf(damaged).item, types: { S: "[" } });
  const names = [damaged, whole].map(({ tenant, first }) => ({ tenant, first, subscription_id: subscription(0) }));
  const stored = await readFromTable(store.events, { deliveries: names, batches: names, deletions: [] });
  assert.deepEqual(stored.matched(names[1]!), [0]);
  assert.throws(() => stored.matched(names[0]!), { name: "CodecError" });
});

test.run();
