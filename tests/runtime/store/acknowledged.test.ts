import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { GetItemCommand, QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { suite } from "uvu";
import { ulidAt } from "../../../runtime/domain/ids.ts";
import type { BatchItem } from "../../../runtime/store/batches/batchItem.ts";
import { findEvents } from "../../../runtime/store/batches/find.ts";
import { removeMarks } from "../../../runtime/store/erasure/removeMarks.ts";
import { addMark } from "../../../runtime/store/inbox/acknowledged.ts";
import { acknowledge } from "../../../runtime/store/inbox/marks.ts";
import { readEvents } from "../../../runtime/store/inbox/read.ts";
import type { Position, ReadQuery } from "../../../runtime/store/inbox/readQuery.ts";
import { markKey } from "../../../runtime/store/keys.ts";
import type { Store } from "../../../runtime/store/table.ts";
import { batchItem, batchOf, deliveryItem, deliveryOf, openStorage, type Storage } from "../../support/storage.ts";

const test = suite("marks of acknowledgement");
const runs = Number(process.env.ACKNOWLEDGED_RUNS ?? 15);
const SUB = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const NOW = Date.now();
const START = NOW - 3_600_000;

let storage: Storage;
let store: Store;
/** Write units of each update, and queries of marks, since they were last emptied. */
const units: number[] = [];
let markQueries = 0;
test.before(async () => {
  storage = await openStorage();
  const { dynamodb } = storage;
  const send = async (command: unknown) => {
    if (
      command instanceof QueryCommand &&
      command.input.ExpressionAttributeValues?.[":lo"]?.S?.startsWith("a#") === true
    )
      markQueries += 1;
    if (!(command instanceof UpdateItemCommand)) return dynamodb.send(command as never);
    const answer = await dynamodb.send(new UpdateItemCommand({ ...command.input, ReturnConsumedCapacity: "TOTAL" }));
    units.push(answer.ConsumedCapacity!.CapacityUnits!);
    return answer;
  };
  store = { ...storage.store, events: { dynamodb: Object.assign(Object.create(dynamodb), { send }), name: "events" } };
});
test.after(() => storage.close());

let tenants = 0;
const newTenant = () => `cus_ack${++tenants}`;
const ulidsOf = ({ first, count }: BatchItem): string[] => Array.from({ length: count }, (_, i) => ulidAt(first, i));

async function readAll(tenant: string, query: ReadQuery, limit: number) {
  const times: (readonly [ulid: string, at: number | undefined])[] = [];
  for (let position: Position | null = { began: NOW }; position !== null; ) {
    const options = { limit, now: () => NOW, removed: async () => () => false, worthAMark: 0 };
    const page = await readEvents(store, tenant, query, position, options);
    for (const { ulid, batch, offset } of page.events) times.push([ulid, batch.acknowledged[offset]]);
    position = page.next;
  }
  return times;
}

const markOf = async ({ tenant, first }: BatchItem) => {
  const Key = markKey(tenant, first);
  return (await storage.dynamodb.send(new GetItemCommand({ TableName: "events", Key, ConsistentRead: true }))).Item;
};

/** A stored request, and which of its events bear a mark of old in the batch's item. */
const request = fc.record({
  minute: fc.integer({ min: 0, max: 5 }),
  count: fc.integer({ min: 1, max: 7 }),
  old: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 4 }),
  failed: fc.boolean(),
});
/** Acknowledging some of all events, in one call or several at once. */
const call = fc.record({
  which: fc.array(fc.nat(), { minLength: 1, maxLength: 8 }),
  times: fc.integer({ min: 1, max: 3 }),
});

test("every reading shows acknowledgements as a list would, in any order, repeated, and over old marks", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 15 }),
      fc.array(call, { maxLength: 12 }),
      fc.constantFrom("asc" as const, "desc" as const),
      fc.integer({ min: 1, max: 9 }),
      async (requests, calls, order, limit) => {
        const tenant = newTenant();
        const model = new Map<string, number | undefined>();
        const failed = new Set<string>();
        for (const { minute, count, old, failed: fails } of requests) {
          const at = START + minute * 60_000;
          const payloads = Array.from({ length: count }, (_, n) => ({ n }));
          const marked = Object.fromEntries(old.filter((offset) => offset < count).map((offset) => [offset, at + 1]));
          const matched = fails ? { [SUB]: payloads.map((_, n) => n) } : {};
          const batch = batchOf(tenant, payloads, at, { acknowledged: marked, matched });
          await storage.put(batchItem(batch));
          if (fails) await storage.put(deliveryItem(deliveryOf(batch, SUB, { status: "failed" })));
          for (const [offset, ulid] of ulidsOf(batch).entries()) {
            model.set(ulid, marked[offset]);
            if (fails) failed.add(ulid);
          }
        }
        const all = [...model.keys()].sort();
        for (const [i, { which, times }] of calls.entries()) {
          const ulids = which.map((n) => all[n % all.length]!);
          const done = await Promise.all(
            Array.from({ length: times }, (_, n) => acknowledge(store, tenant, ulids, () => NOW + 10 * i + n)),
          );
          for (const { marked, missing } of done) {
            assert.deepEqual(marked.toSorted(), [...new Set(ulids)].sort());
            assert.deepEqual(missing, []);
          }
          for (const ulid of ulids) if (model.get(ulid) === undefined) model.set(ulid, NOW + 10 * i);
        }
        const sorted = order === "asc" ? all : all.toReversed();
        const listed = (wanted: (ulid: string) => boolean) =>
          sorted.filter(wanted).map((ulid) => [ulid, model.get(ulid)] as const);
        const marked = (ulid: string) => model.get(ulid) !== undefined;
        const read = (more: Partial<ReadQuery>) => readAll(tenant, { order, acknowledged: "all", ...more }, limit);
        assert.deepEqual(
          await read({}),
          listed(() => true),
        );
        assert.deepEqual(await read({ acknowledged: true }), listed(marked));
        // The second is read above the low-water mark that the first has set.
        for (let i = 0; i < 2; i += 1)
          assert.deepEqual(
            await read({ acknowledged: false }),
            listed((ulid) => !marked(ulid)),
          );
        assert.deepEqual(
          await read({ acknowledged: true, statuses: ["failed"] }),
          listed((ulid) => marked(ulid) && failed.has(ulid)),
        );
        const found = await findEvents(store, tenant, all, { now: NOW, body: false, marks: true });
        assert.deepEqual(
          all.map((ulid) => found.get(ulid)!.batch.acknowledged[found.get(ulid)!.offset]),
          all.map((ulid) => model.get(ulid)),
        );
      },
    ),
    { numRuns: runs },
  ));

test("an acknowledgement costs one write unit, for a batch of any size", async () => {
  for (const [count, bytes] of [
    [1, 10],
    [100, 200],
    [1_000, 200],
  ] as const) {
    const payloads = Array.from({ length: count }, () => ({ text: randomBytes(bytes).toString("base64") }));
    const batch = batchOf(newTenant(), payloads, START);
    await storage.put(batchItem(batch));
    const ulids = ulidsOf(batch);
    units.length = 0;
    // One, then every other one, then all.
    for (const some of [ulids.slice(0, 1), ulids.slice(0, 200).filter((_, i) => i % 2 === 0), ulids])
      await acknowledge(store, batch.tenant, some, () => NOW);
    assert.deepEqual(units, Array(units.length).fill(1));
    // What is acknowledged is not written again.
    const writes = units.length;
    await acknowledge(store, batch.tenant, ulids, () => NOW + 1);
    assert.equal(units.length, writes);
    assert.equal((await readAll(batch.tenant, { order: "asc", acknowledged: true }, 1_000)).length, count);
  }
});

test("a hundred events acknowledged one by one cost two units at most each", async () => {
  const batch = batchOf(
    newTenant(),
    Array.from({ length: 100 }, () => ({ text: randomBytes(300).toString("base64") })),
    START,
  );
  await storage.put(batchItem(batch));
  units.length = 0;
  for (const [i, ulid] of ulidsOf(batch).entries()) await acknowledge(store, batch.tenant, [ulid], () => NOW + i);
  assert.equal(units.length, 100);
  assert.ok(Math.max(...units) <= 2, String(units));
  assert.ok(units.filter((unit) => unit === 1).length > 60, String(units));
});

test("the earliest of several marks counts, in any order and place", async () => {
  const batch = batchOf(newTenant(), [{}, {}, {}, {}], START, { acknowledged: { 3: NOW - 5 } });
  await storage.put(batchItem(batch));
  await addMark(store, batch, [0, 1, 3], NOW + 5);
  await addMark(store, batch, [1, 2], NOW);
  const read = await readAll(batch.tenant, { order: "asc", acknowledged: true }, 10);
  assert.deepEqual(
    read.map(([, at]) => at),
    [NOW + 5, NOW, NOW, NOW - 5],
  );
});

test("a mark expires when its batch does, also one that was put back and lives longer", async () => {
  const batch = batchOf(newTenant(), [{}, {}], START);
  for (const [offset, expiry] of [batch.expiry, batch.expiry + 86_400].entries()) {
    await storage.put(batchItem({ ...batch, expiry }));
    await acknowledge(store, batch.tenant, [ulidAt(batch.first, offset)], () => NOW);
    assert.equal((await markOf(batch))!.expires_at!.N, String(expiry));
  }
  assert.equal((await readAll(batch.tenant, { order: "asc", acknowledged: true }, 10)).length, 2);
});

test("removed marks are gone, the others stay, and the item goes with its last mark", async () => {
  const batch = batchOf(newTenant(), Array(6).fill({}), START);
  await storage.put(batchItem(batch));
  await addMark(store, batch, [0, 1, 2, 3], NOW);
  await addMark(store, batch, [5], NOW + 1);
  await removeMarks(store, batch, [1, 4, 5]);
  const read = await readAll(batch.tenant, { order: "asc", acknowledged: true }, 10);
  assert.deepEqual(
    read,
    [0, 2, 3].map((offset) => [ulidAt(batch.first, offset), NOW] as const),
  );
  await removeMarks(store, batch, [0, 2, 3]);
  assert.equal(await markOf(batch), undefined);
  await removeMarks(store, batch, [0]);
});

test("every mark in a long inbox counts, except one whose batch is gone", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("open", "marked", "marked", "marked", "gone"), { minLength: 250, maxLength: 350 }),
      fc.constantFrom("asc" as const, "desc" as const),
      fc.integer({ min: 20, max: 1_000 }),
      async (fates, order, limit) => {
        const tenant = newTenant();
        const batches = fates.map((fate, i) => ({ fate, batch: batchOf(tenant, [{}], START + i) }));
        await Promise.all(
          batches.map(async ({ fate, batch }) => {
            if (fate !== "gone") await storage.put(batchItem(batch));
            if (fate !== "open") await addMark(store, batch, [0], NOW);
          }),
        );
        const sorted = order === "asc" ? batches : batches.toReversed();
        for (const acknowledged of [true, false] as const) {
          const wanted = sorted.filter(({ fate }) => fate === (acknowledged ? "marked" : "open"));
          assert.deepEqual(
            (await readAll(tenant, { order, acknowledged }, limit)).map(([ulid]) => ulid),
            wanted.map(({ batch }) => batch.first),
          );
        }
      },
    ),
    { numRuns: Math.ceil(runs / 5) },
  ));

test("a long inbox in which little is acknowledged asks each shard for marks once a page", async () => {
  const tenant = newTenant();
  const batches = Array.from({ length: 300 }, (_, i) => batchOf(tenant, [{}], START + i));
  for (const batch of batches) await storage.put(batchItem(batch));
  for (const batch of batches.slice(0, 3)) await addMark(store, batch, [0], NOW);
  markQueries = 0;
  assert.equal((await readAll(tenant, { order: "desc", acknowledged: false }, 1_000)).length, 297);
  assert.equal(markQueries, 8);
});

test.run();
