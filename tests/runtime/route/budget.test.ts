import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { suite } from "uvu";
import { decodeIngest } from "../../../runtime/domain/codec/index.ts";
import { unpack } from "../../../runtime/domain/codec/pack.ts";
import { eventId, newUlid, ulidAt } from "../../../runtime/domain/ids.ts";
import type { EventSelector } from "../../../runtime/domain/subscription.ts";
import { route } from "../../../runtime/route/route.ts";
import { storeNew } from "../../../runtime/store/batches/storeBatches.ts";
import { openStorage } from "../../support/storage.ts";
import { makeWorld, START, TENANT } from "./world.ts";

const test = suite("one customer's matching");
const NEIGHBOUR = "cus_01JDGXS7G0ABCDEFGHJKMNPQRT";

/** Looks at every pair of a list: on a long one, as much as a selector may. */
const heavy = (count: number): Record<string, EventSelector> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `sub_heavy_${i}`,
      { cel: `event.a.exists(x, event.a.exists(y, x == y + ${i}.5))` },
    ]),
  );
const long = (n: number) => ({ event_type: "d", n, a: new Array<number>(4_000).fill(1) });
const all = "sub_all";

/** Works off a message and all that is sent back, one by one. */
async function workOff(world: ReturnType<typeof makeWorld>): Promise<number> {
  let rounds = 0;
  for (let back = world.takeBack(); back.length > 0; back = world.takeBack()) {
    rounds += 1;
    assert.deepEqual(await world.route(...back), []);
  }
  return rounds;
}

test("a request that is too much for one invocation delivers its first events now; the rest comes back alone, later each time", async () => {
  const world = makeWorld({ ...heavy(200), [all]: "d" });
  const first = newUlid(START, 30);
  const record = world.message(
    Array.from({ length: 30 }, (_, n) => long(n)),
    { first },
  );
  assert.deepEqual(await world.route(record), []);
  const now = world.stored.get(first)!;
  assert.ok(now.count > 0 && now.count < 30, String(now.count));
  assert.deepEqual(now.matched, { [all]: Array.from({ length: now.count }, (_, n) => n) });
  const [rest] = world.sentBack;
  const message = decodeIngest(rest!.text);
  assert.deepEqual(
    [message.first, message.count, message.part, message.rest, rest!.delaySeconds, rest!.group],
    [ulidAt(first, now.count), 30 - now.count, 1, true, 1, TENANT],
  );
  const delays = [1];
  for (let back = world.takeBack(); back.length > 0; back = world.takeBack()) {
    assert.deepEqual(await world.route(...back), []);
    delays.push(...world.sentBack.map(({ delaySeconds = 0 }) => delaySeconds));
  }
  assert.ok(delays.length > 1);
  assert.deepEqual(
    delays,
    delays.map((_, n) => Math.min(2 ** n, 30)),
  );
  assert.deepEqual(
    world.archived.map(({ event_id }) => event_id).sort(),
    Array.from({ length: 30 }, (_, n) => eventId(ulidAt(first, n))).sort(),
    "each event once",
  );
  const delivered = world.deliveries.flatMap((delivery) => delivery.indexes.map((at) => ulidAt(delivery.first, at)));
  assert.deepEqual(delivered.sort(), Array.from({ length: 30 }, (_, n) => ulidAt(first, n)).sort());
  assert.equal(world.facts.filter((fact) => fact.kind === "accepted" && fact.rest === undefined).length, 1);
});

test("another customer's messages in the same invocation are stored and queued before the rest is begun, in any order", async () => {
  const world = makeWorld({ ...heavy(200), [all]: "d" });
  const mine = Array.from({ length: 4 }, () => world.message(Array.from({ length: 20 }, (_, n) => long(n))));
  assert.deepEqual(await world.route(...mine), []);
  assert.equal(world.stored.size, 1, "of one customer one request takes the whole budget, the others wait");
  const rests = world.takeBack();
  assert.equal(rests.length, 4);
  const order: string[] = [];
  const { storeNew, storeAgain } = world.ports;
  Object.assign(world.ports, {
    storeNew: async (batches: { tenant: string }[]) => {
      order.push(...batches.map(({ tenant }) => tenant));
      await storeNew(batches as never);
    },
    storeAgain: async (batch: { tenant: string }) => {
      order.push(batch.tenant);
      return await storeAgain(batch as never);
    },
  });
  const neighbour = world.message([{ event_type: "d", n: 1 }], { tenant: NEIGHBOUR });
  assert.deepEqual(await world.route(...rests, neighbour), []);
  assert.equal(order[0], NEIGHBOUR);
  assert.ok(order.length > 1);
});

const random = (bytes: number) => randomBytes(bytes).toString("base64");
const large: [
  says: string,
  subscriptions: number,
  selector: string,
  events: { event_type: string; text?: string }[],
][] = [
  ["of a thousand long types", 1, "*", Array.from({ length: 1_000 }, () => ({ event_type: `a${random(183)}` }))],
  [
    "that every second event of a thousand matches hundreds of subscriptions",
    300,
    "a",
    Array.from({ length: 1_000 }, (_, n) => ({ event_type: n % 2 === 0 ? "a" : "b" })),
  ],
  [
    "of many bytes and long types",
    1,
    "*",
    Array.from({ length: 480 }, () => ({ event_type: `a${random(189)}`, text: random(420) })),
  ],
];
for (const [says, subscriptions, selector, events] of large)
  test(`a request ${says} is stored in items that DynamoDB takes, and delivers each event once`, async () => {
    const ids = Array.from({ length: subscriptions }, (_, n) => `sub_${String(n).padStart(26, "0")}`);
    const world = makeWorld(Object.fromEntries(ids.map((id) => [id, selector])));
    const first = newUlid(START, events.length);
    assert.deepEqual(await world.route(world.message(events, { first })), []);
    await workOff(world);
    const batches = [...world.stored.values()];
    const storage = await openStorage();
    await storeNew(storage.store.events, batches);
    await storage.close();
    const stored = batches.flatMap(({ body }) =>
      unpack("inline" in body ? body.inline : world.payloads.get(body.s3_key)!).map(String),
    );
    assert.deepEqual(
      stored,
      events.map((event) => JSON.stringify(event)),
    );
    const wanted = events.flatMap(({ event_type }, at) =>
      [event_type, "*"].includes(selector) ? [ulidAt(first, at)] : [],
    );
    for (const id of ids) {
      const own = world.deliveries.filter(({ subscription_id }) => subscription_id === id);
      assert.deepEqual(
        own.flatMap((delivery) => delivery.indexes.map((at) => ulidAt(delivery.first, at))),
        wanted,
      );
    }
  });

test("the owner hears of the selectors that took much, where events took all that one may", async () => {
  const world = makeWorld({ ...heavy(300), [all]: "d" });
  await world.route(world.message([long(1)]), world.message([{ event_type: "d" }], { tenant: NEIGHBOUR }));
  assert.deepEqual(
    world.costly.map(({ tenant, events, ids }) => [tenant, events, ids.length > 50, ids.includes(all)]),
    [[TENANT, 1, true, false]],
  );
});

test("with little time left no batch is begun, and an invocation that runs out of time keeps its results", async () => {
  const world = makeWorld({ [all]: "d", ...heavy(5) });
  const record = world.message(Array.from({ length: 9 }, (_, n) => long(n)));
  assert.deepEqual(await route({ Records: [record] }, world.ports, START + 7_999), { batchItemFailures: [] });
  assert.deepEqual([world.stored.size, world.sentBack.length], [0, 1]);
  const [back] = world.takeBack();
  let looks = 0;
  const ports = { ...world.ports, now: () => START + (++looks > 6 ? 60_000 : 0) };
  await route({ Records: [back!] }, ports, START + 30_000);
  const { count } = [...world.stored.values()][0]!;
  assert.ok(count > 0 && count < 9, String(count));
  await workOff(world);
  assert.equal(world.archived.length, 9);
});

test("a request that was cut and comes again goes on where it was cut, also with other subscriptions by then", async () => {
  const world = makeWorld({ ...heavy(200), [all]: "d" });
  const record = world.message(Array.from({ length: 20 }, (_, n) => long(n)));
  world.fails.add("send back");
  assert.deepEqual(await world.route(record), ["m1"]);
  const { count } = [...world.stored.values()][0]!;
  assert.deepEqual([world.sentBack.length, world.deliveries.length], [0, 0]);
  world.subscriptions.clear();
  world.subscriptions.set(all, { subscription_id: all, version: 1, event_selector: "d" });
  assert.deepEqual(await world.route(world.again(record)), []);
  assert.equal(decodeIngest(world.sentBack[0]!.text).count, 20 - count);
  await workOff(world);
  assert.deepEqual([world.archived.length, new Set(world.archived.map(({ event_id }) => event_id)).size], [20, 20]);
});

test("a large request that was cut leaves nothing of itself in the bucket, and coming again has nothing left to do", async () => {
  const world = makeWorld({ ...heavy(200), [all]: "d" });
  const record = world.message(Array.from({ length: 12 }, (_, n) => long(n)));
  const { body, ...rest } = decodeIngest(record.body);
  world.payloads.set("cus/whole", (body as { inline: Buffer }).inline);
  const large = world.message([{}], { ...rest, body: { s3_key: "cus/whole" } });
  assert.deepEqual(await world.route(large), []);
  assert.equal(world.payloads.has("cus/whole"), false);
  const before = world.deliveries.length;
  assert.deepEqual(await world.route(world.again(large)), []);
  assert.equal(world.deliveries.length, before);
});

test("each event is stored, archived and delivered, also after failures and repeats", () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.constantFrom("store", "queue", "archive", "send back", "snapshot", "usage"), { maxLength: 4 }),
      async (events, faults) => {
        const world = makeWorld({ ...heavy(250), [all]: "d" });
        const first = newUlid(START, events);
        let waiting = [
          world.message(
            Array.from({ length: events }, (_, n) => long(n)),
            { first },
          ),
        ];
        const left = [...faults];
        for (let round = 0; waiting.length > 0; round += 1) {
          assert.ok(round < 60);
          const fault = left.shift();
          if (fault !== undefined) world.fails.add(fault);
          const failed = new Set(await world.route(...waiting));
          world.fails.clear();
          const again = waiting.filter(({ messageId }) => failed.has(messageId));
          waiting = [...again.map((record) => world.again(record)), ...world.takeBack()];
        }
        const ids = Array.from({ length: events }, (_, n) => ulidAt(first, n));
        const stored = [...world.stored.values()].flatMap((batch) =>
          Array.from({ length: batch.count }, (_, n) => ulidAt(batch.first, n)),
        );
        assert.deepEqual(stored.sort(), [...ids].sort(), "stored once");
        const delivered = world.deliveries.flatMap((one) => one.indexes.map((at) => ulidAt(one.first, at)));
        assert.deepEqual([...new Set(delivered)].sort(), [...ids].sort());
        assert.deepEqual(new Set(world.archived.map(({ event_id }) => event_id)), new Set(ids.map(eventId)));
      },
    ),
    { numRuns: 12 },
  ));

test.run();
