import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import type { EventStatus } from "../../../runtime/domain/event.ts";
import { timeOf, ulidAt } from "../../../runtime/domain/ids.ts";
import type { BatchItem } from "../../../runtime/store/batches/batchItem.ts";
import { budget, type Spent } from "../../../runtime/store/batches/bounds.ts";
import type { DeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";
import { stripDeliveries } from "../../../runtime/store/erasure/stripDeliveries.ts";
import { readEvents } from "../../../runtime/store/inbox/read.ts";
import type { Position, ReadQuery } from "../../../runtime/store/inbox/readQuery.ts";
import { writeEvent } from "../../../runtime/store/inbox/view.ts";
import { batchItem, batchOf, deliveryItem, deliveryOf, openStorage, type Storage } from "../../support/storage.ts";

const test = suite("reading events");
const runs = Number(process.env.PAGING_RUNS ?? 25);

let storage: Storage;
test.before(async () => {
  storage = await openStorage();
});
test.after(() => storage.close());

const SUB = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const GONE = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAX";
const NOW = Date.now();
const START = NOW - 3_600_000;
const options = (limit: number, clock = () => NOW) => ({
  limit,
  now: clock,
  removed: async () => (id: string) => id === GONE,
});
const everything: ReadQuery = { order: "desc", acknowledged: "all" };

async function readAll(tenant: string, query: ReadQuery, limit: number, between = async (_page: number) => {}) {
  const ulids: string[] = [];
  let position: Position | null = { began: NOW };
  for (let page = 0; position !== null; page += 1) {
    assert.ok(page < 2_000, "reading never ends");
    const { events, next } = await readEvents(storage.store, tenant, query, position, options(limit));
    ulids.push(...events.map((event) => event.ulid));
    position = next;
    if (position !== null) await between(page);
  }
  return ulids;
}

/** A stored request in the model: its events' fate is drawn at random. */
interface Request {
  readonly minute: number;
  readonly types: readonly ("a" | "b" | null)[];
  readonly fate: "unmatched" | "pending" | DeliveryItem["status"] | "gone";
  readonly acknowledged: readonly number[];
  readonly deleted: readonly number[];
}

const request: fc.Arbitrary<Request> = fc
  .record({
    minute: fc.integer({ min: 0, max: 5 }),
    types: fc.array(fc.constantFrom("a" as const, "b" as const, null), { minLength: 1, maxLength: 7 }),
    fate: fc.constantFrom("unmatched", "pending", "delivered", "failed", "dead_lettered", "cancelled", "gone"),
    acknowledged: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 3 }),
    deleted: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 2 }),
  })
  .map((drawn) => ({
    ...drawn,
    acknowledged: drawn.acknowledged.filter((at) => at < drawn.types.length),
    deleted: drawn.deleted.filter((at) => at < drawn.types.length),
  })) as fc.Arbitrary<Request>;

interface Modelled {
  readonly ulid: string;
  readonly at: number;
  readonly type: string | null;
  readonly status: EventStatus;
  readonly acknowledged: boolean;
  readonly deleted: boolean;
  readonly text: string;
}

let tenants = 0;
const newTenant = () => `cus_paging${tenants++}`;

async function store(tenant: string, drawn: Request, late = false): Promise<Modelled[]> {
  const at = START + drawn.minute * 60_000;
  const subscription = drawn.fate === "gone" ? GONE : SUB;
  const all = drawn.types.map((_, i) => i);
  const batch: BatchItem = batchOf(
    tenant,
    drawn.types.map((type, i) => ({ ...(type === null ? {} : { event_type: type }), word: `Wort ${i % 2}` })),
    at,
    {
      matched: drawn.fate === "unmatched" ? {} : { [subscription]: all },
      acknowledged: Object.fromEntries(drawn.acknowledged.map((offset) => [offset, at])),
      deleted: drawn.deleted.toSorted((a, b) => a - b),
      ...(late ? { routed_at: NOW + 1 } : {}),
    },
  );
  await storage.put(batchItem(batch));
  const written = { delivered: 1, failed: 1, dead_lettered: 1, cancelled: 1 } as Record<string, 1>;
  if (drawn.fate in written) {
    const status = drawn.fate as DeliveryItem["status"];
    await storage.put(deliveryItem(deliveryOf(batch, SUB, { status })));
  }
  const status = drawn.fate === "gone" || drawn.fate === "cancelled" ? "unmatched" : drawn.fate;
  return drawn.types.map((type, offset) => ({
    ulid: ulidAt(batch.first, offset),
    at,
    type,
    status,
    acknowledged: drawn.acknowledged.includes(offset),
    deleted: drawn.deleted.includes(offset),
    text: `wort ${offset % 2}`,
  }));
}

const question = fc.record(
  {
    order: fc.constantFrom("asc" as const, "desc" as const),
    acknowledged: fc.constantFrom(true, false, "all" as const),
    from: fc.integer({ min: -1, max: 6 }).map((minute) => START + minute * 60_000),
    to: fc.integer({ min: -1, max: 6 }).map((minute) => START + minute * 60_000),
    types: fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 2 }),
    statuses: fc.uniqueArray(
      fc.constantFrom<EventStatus>("unmatched", "pending", "delivered", "failed", "dead_lettered"),
      { minLength: 1, maxLength: 2 },
    ),
    text: fc.constantFrom("WORT 1", "wort 0"),
  },
  { requiredKeys: ["order", "acknowledged"] },
);

function expected(model: readonly Modelled[], query: ReadQuery): string[] {
  const wanted = model.filter(
    (event) =>
      !event.deleted &&
      event.at >= (query.from ?? 0) &&
      event.at < (query.to ?? Number.POSITIVE_INFINITY) &&
      (query.types === undefined || query.types.includes(event.type ?? "")) &&
      (query.statuses === undefined || query.statuses.includes(event.status)) &&
      (query.acknowledged === "all" || query.acknowledged === event.acknowledged) &&
      (query.text === undefined || event.text === query.text.toLowerCase()),
  );
  const ulids = wanted.map((event) => event.ulid).sort();
  return query.order === "asc" ? ulids : ulids.reverse();
}

test("the pages together are what a plain list would give, for any query, order and page size", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(request, { maxLength: 25 }),
      question,
      fc.integer({ min: 1, max: 12 }),
      async (drawn, query, limit) => {
        const tenant = newTenant();
        const model = (await Promise.all(drawn.map((each) => store(tenant, each)))).flat();
        assert.deepEqual(await readAll(tenant, query as ReadQuery, limit), expected(model, query as ReadQuery));
      },
    ),
    { numRuns: runs * 2 },
  ));

test("events that exist when reading begins come exactly once and in order while others arrive, some of them stored late", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 3, maxLength: 15 }),
      fc.array(request, { maxLength: 10 }),
      fc.constantFrom("asc" as const, "desc" as const),
      fc.integer({ min: 1, max: 5 }),
      async (drawn, arriving, order, limit) => {
        const tenant = newTenant();
        const query: ReadQuery = { order, acknowledged: "all" };
        const model = (await Promise.all(drawn.map((each) => store(tenant, each)))).flat();
        const arrivals = [...arriving];
        const ulids = await readAll(tenant, query, limit, async () => {
          // New ones, accepted after reading began.
          const next = arrivals.pop();
          if (next !== undefined) {
            await storage.put(
              batchItem(
                batchOf(
                  tenant,
                  next.types.map(() => ({})),
                  NOW + 1_000,
                ),
              ),
            );
          }
        });
        assert.deepEqual(ulids, expected(model, query));
      },
    ),
    { numRuns: runs },
  ));

test("an event accepted before reading began but stored behind the position comes once, at the end", async () => {
  for (const order of ["asc", "desc"] as const) {
    const tenant = newTenant();
    const at = (ms: number) => batchOf(tenant, [{}], NOW - ms);
    const old = [at(3_000), at(2_000), at(1_000)];
    for (const batch of old) await storage.put(batchItem(batch));
    const late = batchOf(tenant, [{}, {}, {}], NOW - 500, { routed_at: NOW + 5 });
    const ulids = await readAll(tenant, { order, acknowledged: "all" }, 1, async (page) => {
      if (page === 0) await storage.put(batchItem(late));
    });
    const inOrder = (list: string[]) => (order === "asc" ? list : list.toReversed());
    assert.deepEqual(ulids, [
      ...inOrder(old.map((batch) => batch.first)),
      ...inOrder([0, 1, 2].map((offset) => ulidAt(late.first, offset))),
    ]);
  }
});

test("acknowledging every page as it is read skips nothing and repeats nothing", async () => {
  const tenant = newTenant();
  const batches = Array.from({ length: 10 }, (_, i) => batchOf(tenant, [{}, {}, {}, {}], START + i));
  for (const batch of batches) await storage.put(batchItem(batch));
  let read = 0;
  const ulids = await readAll(tenant, { order: "desc", acknowledged: false }, 3, async () => {
    // The four events of a batch are acknowledged once three of them were read.
    const batch = batches.at(-1 - Math.floor(read++ / 2))!;
    await storage.put(batchItem({ ...batch, acknowledged: { 1: NOW, 2: NOW, 3: NOW } }));
  });
  assert.equal(new Set(ulids).size, ulids.length);
  for (const batch of batches.slice(0, 4)) assert.ok(ulids.includes(batch.first));
});

test("expired events are hidden at once", async () => {
  const tenant = newTenant();
  await storage.put(batchItem(batchOf(tenant, [{}], START, { expiry: Math.floor(NOW / 1_000) })));
  const kept = batchOf(tenant, [{}], START, { expiry: Math.floor(NOW / 1_000) + 1 });
  await storage.put(batchItem(kept));
  assert.deepEqual(await readAll(tenant, everything, 10), [kept.first]);
});

test("a payload in the bucket reads like one in the table", async () => {
  const tenant = newTenant();
  const batch = batchOf(tenant, [{ n: 1 }, { n: 2 }], START);
  const body = batch.body as { inline: Buffer };
  storage.objects.set("payloads/big", body.inline);
  await storage.put(batchItem({ ...batch, body: { s3_key: "big" } }));
  const { events } = await readEvents(storage.store, tenant, everything, { began: NOW }, options(10));
  assert.deepEqual(
    events.map((event) => JSON.parse(writeEvent(event).toString())),
    [1, 0].map((offset) => ({
      event_id: `evt_${ulidAt(batch.first, offset)}`,
      event_type: null,
      received_at: new Date(timeOf(batch.first)).toISOString(),
      payload: { n: offset + 1 },
      status: "unmatched",
      acknowledged_at: null,
      deliveries: [],
    })),
  );
});

test("a page's budget is used up by batches, events, bytes or time, each at its own bound", () => {
  const used = (batches: number, spent: Spent, ms = 0): boolean => {
    let at = NOW;
    const exhausted = budget(() => at, spent);
    at += ms;
    return exhausted(batches);
  };
  assert.equal(used(19_999, { events: 49_999, bytes: 31_999_999 }, 1_499), false);
  assert.equal(used(20_000, { events: 0, bytes: 0 }), true);
  assert.equal(used(0, { events: 50_000, bytes: 0 }), true);
  assert.equal(used(0, { events: 0, bytes: 32_000_000 }), true);
  assert.equal(used(0, { events: 0, bytes: 0 }, 1_500), true);
});

test("a page ends at its budget and goes on where it ended, in either order", async () => {
  const tenant = newTenant();
  const rare: string[] = [];
  const all: string[] = [];
  for (let i = 0; i < 200; i += 1) {
    const event_type = i % 40 === 0 ? "rare" : "common";
    const batch = batchOf(tenant, [{ event_type }, { event_type }, { event_type }], START + i);
    const ulids = [0, 1, 2].map((offset) => ulidAt(batch.first, offset));
    all.push(...ulids);
    if (event_type === "rare") rare.push(...ulids);
    await storage.put(batchItem(batch));
  }
  const questions: [types: string[] | undefined, expected: string[]][] = [
    [["rare"], rare],
    [undefined, all],
  ];
  for (const [order, [types, expected]] of (["asc", "desc"] as const).flatMap((order) =>
    questions.map((question) => [order, question] as const),
  )) {
    // Every look at the clock costs a second: no page may look at more than a first step.
    let seconds = 0;
    const clock = () => NOW + 1_000 * seconds++;
    const ulids: string[] = [];
    let short = 0;
    for (let position: Position | null = { began: NOW }; position !== null; ) {
      const query: ReadQuery = { order, acknowledged: "all", ...(types && { types }) };
      const { events, next } = await readEvents(storage.store, tenant, query, position, options(1_000, clock));
      ulids.push(...events.map((event) => event.ulid));
      if (next !== null) short += 1;
      position = next;
    }
    assert.deepEqual(ulids, order === "asc" ? expected : expected.toReversed());
    assert.ok(short > 0, "no page was cut short");
  }
});

test("one delivery that can't be read hides no event of the page, and an erasure says so", async () => {
  const tenant = "cus_damaged";
  const batches = [1, 2].map((n) => batchOf(tenant, [{ event_type: "a", n }], START + n, { matched: { [SUB]: [0] } }));
  const items = batches.map((batch) => deliveryItem(deliveryOf(batch, SUB, { status: "delivered" })));
  for (const batch of batches) await storage.put(batchItem(batch));
  await storage.put(items[0]!);
  await storage.put({ ...items[1]!, attempts: { S: "[null]" } });
  const { events } = await readEvents(storage.store, tenant, everything, { began: NOW }, options(10));
  assert.deepEqual(
    events.map(({ ulid, status }) => [ulid, status]),
    [
      [batches[1]!.first, "pending"],
      [batches[0]!.first, "delivered"],
    ],
  );
  assert.equal(await stripDeliveries(storage.store, batches[0]!, [0]), 0);
  await assert.rejects(stripDeliveries(storage.store, batches[1]!, [0]), {
    message: 'the delivery item has no valid "attempts"',
  });
});

test.run();
