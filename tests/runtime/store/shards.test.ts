import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { newUlid, ulidAt } from "../../../runtime/domain/ids.ts";
import type { Job } from "../../../runtime/domain/job.ts";
import { MOST_SHARDS, type ShardRule, useShards } from "../../../runtime/domain/shards.ts";
import { everythingInTable } from "../../../runtime/retain/erase/everything.ts";
import type { Tools } from "../../../runtime/retain/work.ts";
import { findEvents } from "../../../runtime/store/batches/find.ts";
import { deliveriesOf } from "../../../runtime/store/deliveries/deliveriesOf.ts";
import { acknowledge } from "../../../runtime/store/inbox/marks.ts";
import { readEvents } from "../../../runtime/store/inbox/read.ts";
import type { Position } from "../../../runtime/store/inbox/readQuery.ts";
import { partitionOf, partitionsOf } from "../../../runtime/store/keys.ts";
import { batchItem, batchOf, deliveryItem, deliveryOf, openStorage, type Storage } from "../../support/storage.ts";

const test = suite("partitions of events, by time and customer");
const SUB = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const LARGE = "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const START = Date.now() - 3_600_000;
const MINUTE = 60_000;
let storage: Storage;
test.before(async () => {
  storage = await openStorage();
});
test.after(() => storage.close());
test.after.each(() => useShards(undefined));

const iso = (ms: number) => new Date(ms).toISOString();
const shards = fc.constantFrom(8, 16, 32, 64, 128);
/** Rules at rising minutes, of everybody or of the large customer. */
const rules = (from: number, to: number): fc.Arbitrary<ShardRule[]> =>
  fc
    .uniqueArray(fc.record({ minute: fc.integer({ min: from, max: to }), shards, all: fc.boolean() }), {
      selector: ({ minute }) => minute,
      maxLength: 4,
    })
    .map((drawn) =>
      drawn
        .sort((a, b) => a.minute - b.minute)
        .map(({ minute, shards, all }) => ({
          from: iso(START + minute * MINUTE),
          shards,
          ...(all ? {} : { customers: [LARGE] }),
        })),
    );

let tenants = 0;
/** A tenant of its own for each case: the large customer, in one of many environments that never meet. */
const tenantOf = (large: boolean): string => {
  tenants += 1;
  return large ? LARGE : `cus_${tenants.toString().padStart(26, "0")}`;
};

async function emptied(): Promise<void> {
  await storage.close();
  storage = await openStorage();
}

test("under any sequence of rules every stored event is read, found, acknowledged and erased once", () =>
  fc.assert(
    fc.asyncProperty(
      rules(0, 20),
      rules(21, 40),
      fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      async (first, later, minutes, large) => {
        if (large) await emptied();
        const tenant = tenantOf(large);
        useShards(JSON.stringify(first));
        const batches = minutes.map((minute) =>
          batchOf(tenant, [{ n: 1 }, { n: 2 }], START + minute * MINUTE + 30_000, { matched: { [SUB]: [0, 1] } }),
        );
        for (const batch of batches) {
          await storage.put(batchItem(batch));
          await storage.put(deliveryItem(deliveryOf(batch, SUB, {})));
        }
        // A later deployment adds rules; those that have begun stay.
        useShards(JSON.stringify([...first, ...later]));
        const wanted = batches.flatMap(({ first: ulid }) => [ulid, ulidAt(ulid, 1)]).sort();

        const read: string[] = [];
        let position: Position | null = { began: Date.now() };
        while (position !== null) {
          const page = await readEvents(storage.store, tenant, { order: "asc", acknowledged: "all" }, position, {
            limit: 7,
            now: Date.now,
            removed: async () => () => false,
          });
          read.push(...page.events.map(({ ulid }) => ulid));
          position = page.next;
        }
        assert.deepEqual(read, wanted);
        const found = await findEvents(storage.store, tenant, wanted, { body: false, now: Date.now() });
        assert.deepEqual([...found.keys()].sort(), wanted);
        const firsts = batches.map((batch) => batch.first).sort();
        assert.deepEqual([...(await deliveriesOf(storage.store, tenant, firsts)).keys()].sort(), firsts);
        const { marked } = await acknowledge(storage.store, tenant, wanted, Date.now);
        assert.deepEqual([...marked].sort(), wanted);
        const job = { created_at: iso(Date.now()) } as Job;
        const tools = { store: storage.store, now: Date.now } as Tools;
        let cursor = {
          phase: "table",
          tenants: [tenant],
          at: 0,
          pass: 1,
          found: 0,
          counts: {},
          digest: "",
        } as unknown as Parameters<typeof everythingInTable>[1];
        for (let steps = 0; steps < MOST_SHARDS; steps += 1)
          cursor = await everythingInTable(job, cursor, tools, Number.POSITIVE_INFINITY);
        assert.equal((await findEvents(storage.store, tenant, wanted, { body: false, now: Date.now() })).size, 0);
      },
    ),
    { numRuns: Number(process.env.PAGING_RUNS ?? 4) },
  ));

test("before the first rule there are eight partitions, and a large customer's rule is for that customer alone", () => {
  useShards(JSON.stringify([{ from: iso(START), shards: 128, customers: [LARGE] }] satisfies ShardRule[]));
  const numberOf = (tenant: string, at: number) =>
    new Set(Array.from({ length: 4_000 }, () => partitionOf(tenant, newUlid(at)))).size;
  assert.deepEqual(
    [numberOf(LARGE, START - 1), numberOf(LARGE, START), numberOf(`${LARGE}.sandbox`, START), numberOf("cus_x", START)],
    [8, 128, 128, 8],
  );
  assert.deepEqual([partitionsOf(LARGE).length, partitionsOf("cus_x").length], [128, 8]);
});

test("a change to a rule that has begun would look for events in the wrong place, so it is refused", () => {
  const first = newUlid(START, 1, () => Uint8Array.from([0xff, ...new Array<number>(9).fill(0)]));
  useShards(JSON.stringify([{ from: iso(START - 1), shards: 32 }]));
  const before = partitionOf(LARGE, first);
  useShards(JSON.stringify([{ from: iso(START - 1), shards: 16 }]));
  assert.notEqual(partitionOf(LARGE, first), before);
});

test.run();
