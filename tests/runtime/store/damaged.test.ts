import assert from "node:assert/strict";
import { suite } from "uvu";
import { pack } from "../../../runtime/domain/codec/pack.ts";
import type { BatchItem } from "../../../runtime/store/batches/batchItem.ts";
import { findEvents } from "../../../runtime/store/batches/find.ts";
import { type ScanRange, scanEvents } from "../../../runtime/store/batches/scanEvents.ts";
import { readDeliveries } from "../../../runtime/store/deliveries/readDeliveries.ts";
import { readEvents } from "../../../runtime/store/inbox/read.ts";
import type { Position, ReadQuery } from "../../../runtime/store/inbox/readQuery.ts";
import { batchItem, batchOf, openStorage, type Storage } from "../../support/storage.ts";

const test = suite("batches that can't be read");
const SUB = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const TENANT = "cus_damaged";
const NOW = Date.now();
const HOUR = 3_600_000;

let storage: Storage;
let batches: BatchItem[];
test.before.each(async () => {
  storage = await openStorage();
  batches = [0, 1, 2, 3, 4].map((n) =>
    batchOf(TENANT, [{ event_type: "a", n }], NOW - HOUR + n, { matched: { [SUB]: [0] } }),
  );
  for (const batch of batches) await storage.put(batchItem(batch));
});
test.after.each(() => storage.close());

const options = { limit: 10, now: () => NOW, removed: async () => () => false, worthAMark: 0 };
const whole = () => [batches[4]!, batches[2]!, batches[0]!].map(({ first }) => first);

/** The second has no readable head, and the fourth no readable events. */
const damage: [says: string, item: () => Record<string, object>, events: () => Uint8Array][] = [
  ["a broken attribute and broken bytes", () => ({ matched: { S: "[" } }), () => Buffer.from("no frame")],
  ["a newer version and fewer events", () => ({ v: { N: "99" } }), () => pack([Buffer.from("1"), Buffer.from("2")])],
  [
    "ids of matches that are gone",
    () => ({ matched_in: { S: "x" }, matched_parts: { N: "1" } }),
    () => new Uint8Array(),
  ],
];

async function scan(range: Partial<ScanRange>): Promise<string[]> {
  const found: string[] = [];
  const all = { order: "desc", from: 0, to: NOW, ...range } as const;
  for await (const step of scanEvents(storage.store, TENANT, all, NOW, () => false))
    if (step.kind === "batches") found.push(...step.batches.map(({ batch }) => batch.first));
  return found;
}

async function inbox(query: ReadQuery, limit = 10): Promise<string[]> {
  const found: string[] = [];
  for (let position: Position | null = { began: NOW }; position !== null; ) {
    const page = await readEvents(storage.store, TENANT, query, position, { ...options, limit });
    found.push(...page.events.map(({ ulid }) => ulid));
    position = page.next;
  }
  return found;
}

for (const [says, broken, events] of damage) {
  test(`${says} hide no other event, and what must see each says so`, async () => {
    await storage.put({ ...batchItem(batches[1]!), ...broken() } as never);
    await storage.put({ ...batchItem(batches[3]!), body: { B: events() } });
    assert.deepEqual(await inbox({ order: "desc", acknowledged: "all" }), whole());
    assert.deepEqual(await inbox({ order: "desc", acknowledged: "all", text: "n" }), whole());
    assert.deepEqual(await scan({}), whole());
    const named = batches.map(({ first }) => first);
    const found = await findEvents(storage.store, TENANT, named, { now: NOW, body: true });
    assert.deepEqual([...found.keys()].sort(), named.toSpliced(1, 1));
    const { deliveries } = await readDeliveries(storage.store, TENANT, {}, { began: NOW }, options);
    assert.equal(deliveries.length, 4);
    await assert.rejects(scan({ strict: true }), { name: "CodecError" });
    await storage.put(batchItem(batches[1]!));
    await assert.rejects(scan({ strict: true }), { name: "CodecError" });
  });
}

const unreadable: [what: string, broken: object][] = [
  ["heads", { v: { N: "99" } }],
  ["events", { body: { B: Buffer.from("no frame") } }],
];
for (const [what, broken] of unreadable) {
  test(`no mark hides a batch whose ${what} can be read again`, async () => {
    await storage.put({ ...batchItem(batches[0]!), ...broken });
    const open: ReadQuery = { order: "desc", acknowledged: false };
    const left = [4, 3, 2, 1].map((n) => batches[n]!.first);
    for (const limit of [10, 1]) assert.deepEqual(await inbox(open, limit), left);
    await storage.put(batchItem(batches[0]!));
    assert.deepEqual(await inbox(open), [...left, batches[0]!.first]);
  });
}

test.run();
