import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { timeOf, ulidAt } from "../../../runtime/domain/ids.ts";
import { LATE_MS, removeLowWater, storedLate } from "../../../runtime/store/inbox/lateBatch.ts";
import { acknowledge } from "../../../runtime/store/inbox/marks.ts";
import { type ReadOptions, readEvents } from "../../../runtime/store/inbox/read.ts";
import type { Position, ReadQuery } from "../../../runtime/store/inbox/readQuery.ts";
import type { Store } from "../../../runtime/store/table.ts";
import { batchItem, batchOf, openStorage, type Storage } from "../../support/storage.ts";

const test = suite("an inbox whose history is acknowledged");
const runs = Number(process.env.LOW_WATER_RUNS ?? 15);
const NOW = Date.now();
const DAY = 86_400_000;

let storage: Storage;
let store: Store;
/** Items that queries have looked at. */
let looked = 0;
test.before(async () => {
  storage = await openStorage();
  const { dynamodb } = storage;
  const send = async (command: never) => {
    const answer = (await dynamodb.send(command)) as { ScannedCount?: number };
    looked += answer.ScannedCount ?? 0;
    return answer;
  };
  store = { ...storage.store, events: { dynamodb: Object.assign(Object.create(dynamodb), { send }), name: "events" } };
});
test.after(() => storage.close());

const open: ReadQuery = { order: "desc", acknowledged: false };
const options = (now: number, more: Partial<ReadOptions> = {}): ReadOptions => ({
  limit: 100,
  now: () => now,
  removed: async () => () => false,
  worthAMark: 0,
  ...more,
});

async function readAll(tenant: string, now: number, more: Partial<ReadOptions> = {}, query = open): Promise<string[]> {
  const ulids: string[] = [];
  for (let position: Position | null = { began: now }; position !== null; ) {
    const page = await readEvents(store, tenant, query, position, options(now, more));
    ulids.push(...page.events.map(({ ulid }) => ulid));
    position = page.next;
  }
  return ulids;
}

async function put(tenant: string, at: number, acknowledged: readonly number[], count = 1): Promise<string[]> {
  const payloads = Array.from({ length: count }, (_, n) => ({ n }));
  const batch = batchOf(tenant, payloads, at, {
    acknowledged: Object.fromEntries(acknowledged.map((offset) => [offset, at + 1])),
  });
  await storage.put(batchItem(batch));
  return payloads.map((_, offset) => ulidAt(batch.first, offset));
}

test("a long history is read once, and then only newer events", async () => {
  for (let i = 0; i < 200; i += 1) await put("cus_long", NOW - DAY + i, [0]);
  const read = async (now: number) => {
    looked = 0;
    return { ulids: await readAll("cus_long", now), looked };
  };
  assert.deepEqual(await read(NOW), { ulids: [], looked: 200 });
  assert.deepEqual(await read(NOW), { ulids: [], looked: 0 });
  const fresh = await put("cus_long", NOW - 1_000, []);
  assert.deepEqual(await read(NOW), { ulids: fresh, looked: 1 });
  // Asked for all, none is left out.
  assert.equal((await readAll("cus_long", NOW, {}, { order: "asc", acknowledged: "all" })).length, 201);
});

test("only a reading that looked at everything sets the mark", async () => {
  const [event] = await put("cus_part", NOW - DAY, []);
  const filters: Partial<ReadQuery>[] = [
    { types: ["nothing"] },
    { text: "nothing" },
    { matches: () => false },
    { from: NOW - 1_000 },
    { to: NOW - 2 * DAY },
    { statuses: ["failed"] },
    { order: "asc", types: ["nothing"] },
  ];
  for (const filter of filters) assert.deepEqual(await readAll("cus_part", NOW, {}, { ...open, ...filter }), []);
  assert.deepEqual(await readAll("cus_part", NOW), [event]);
});

test("a batch that is stored a day late is found, also by a reading that follows one begun before it was stored", async () => {
  for (let i = 0; i < 3; i += 1) await put("cus_late", NOW - DAY + i, []);
  const first = await readEvents(store, "cus_late", open, { began: NOW }, options(NOW, { limit: 2 }));
  const [late] = await put("cus_late", NOW - 2 * DAY, []);
  await removeLowWater(store.events, "cus_late");
  // Where that reading has passed the late batch already, it ends without it; it may not set the mark above it.
  const beyond = { ...first.next!, after: late!, given: first.next!.after! };
  assert.equal((await readEvents(store, "cus_late", open, beyond, options(NOW))).next?.late, undefined);
  assert.ok((await readAll("cus_late", NOW)).includes(late!));
});

test("events that a longer retention brings back are found", async () => {
  const [old] = await put("cus_kept", NOW - 10 * DAY, []);
  assert.deepEqual(await readAll("cus_kept", NOW, { retentionMs: 5 * DAY }), []);
  assert.deepEqual(await readAll("cus_kept", NOW, { retentionMs: 20 * DAY }), [old]);
});

/** What may happen between readings. */
type Step =
  | { readonly kind: "accept"; readonly ago: number; readonly count: number }
  | { readonly kind: "acknowledge"; readonly which: number }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "read"; readonly limit: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("accept" as const),
    // Mostly at once; sometimes after hours in a dead-letter queue.
    ago: fc.oneof(fc.integer({ min: 0, max: 59_000 }), fc.integer({ min: 61_000, max: 5 * 3_600_000 })),
    count: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constant("acknowledge" as const), which: fc.nat() }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1_000, max: 600_000 }) }),
  fc.record({ kind: fc.constant("read" as const), limit: fc.integer({ min: 1, max: 4 }) }),
);

let tenants = 0;
test("a reading gives exactly the events that aren't acknowledged, also when events are stored late", () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const tenant = `cus_p${++tenants}`;
      const waiting = new Set<string>();
      let now = NOW - DAY;
      for (const each of [...steps, { kind: "read" as const, limit: 3 }]) {
        if (each.kind === "wait") now += each.ms;
        else if (each.kind === "accept") {
          const ulids = await put(tenant, now - each.ago, [], each.count);
          for (const ulid of ulids) waiting.add(ulid);
          if (storedLate(timeOf(ulids[0]!), now)) await removeLowWater(store.events, tenant);
        } else if (each.kind === "acknowledge") {
          const ulid = [...waiting].sort()[each.which % Math.max(1, waiting.size)];
          if (ulid === undefined) continue;
          await acknowledge(store, tenant, [ulid], () => now);
          waiting.delete(ulid);
        } else {
          const read = await readAll(tenant, now + 1, { limit: each.limit });
          assert.deepEqual(read.toSorted(), [...waiting].sort());
        }
      }
    }),
    { numRuns: runs },
  ));

test("a mark stays behind events that may still be stored in time", async () => {
  await put("cus_soon", NOW - DAY, [0]);
  assert.deepEqual(await readAll("cus_soon", NOW), []);
  const [event] = await put("cus_soon", NOW - LATE_MS / 2, []);
  assert.deepEqual(await readAll("cus_soon", NOW), [event]);
});

test.run();
