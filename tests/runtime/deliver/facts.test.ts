import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { encodeDelivery, encodeRetry } from "../../../runtime/domain/codec/index.ts";
import { pack } from "../../../runtime/domain/codec/pack.ts";
import { defined } from "../../../runtime/domain/defined.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { type Answer, makeWorld, START, SUB, TENANT } from "./world.ts";

const test = suite("what deliver counts of its posts");

type World = ReturnType<typeof makeWorld>;
const attempts = ({ facts }: World) =>
  facts.flatMap((fact) => (fact.kind === "attempted" ? [fact] : [])) satisfies UsageFact[];
const moves = ({ facts }: World) =>
  facts.flatMap((fact) => (fact.kind === "moved" ? [[fact.from, fact.to, fact.at, fact.types, fact.key_id]] : []));

/** A world whose endpoint answers these, one after the other, and then 200. */
function answering(...answers: Answer[]): World {
  const world = makeWorld();
  world.subscribe();
  world.answers((_, nth) => answers[nth - 1] ?? 200);
  return world;
}

/** Has a delivery tried once more, as a retry that was asked for does. */
async function again(world: World, first: string, attempts: number, retried_by?: string): Promise<void> {
  const name = { tenant: TENANT, subscription_id: SUB, batches: [first], attempts, manual: true };
  world.send("retry", [{ text: encodeRetry({ ...name, ...defined({ retried_by }) }), group: TENANT }]);
  await world.settle();
}

test("a post is a fact: when, to whom, with which outcome, how long the answer took, and of which events", async () => {
  const world = answering({ status: 200, ms: 41 });
  world.accept([{ event_type: "a" }, { n: 1 }]);
  world.advance(300);
  await world.settle();
  assert.deepEqual(attempts(world), [
    {
      ...{ kind: "attempted", tenant: TENANT, at: START + 300, subscription_id: SUB, outcome: "delivered" },
      ...{ error: null, latency_ms: 41 },
      // From their receipt to the end of the post that succeeded.
      parts: [{ types: ["a", null], first_success_ms: 341 }],
    },
  ]);
  assert.deepEqual(moves(world), [["pending", "delivered", START, ["a", null], undefined]]);
});

test("events are delivered when they first are: not by a post that fails, nor by one after a success", async () => {
  const world = answering({ status: 503, ms: 7 }, { status: 200, ms: 20 });
  const first = world.accept([{ n: 1 }]);
  await world.settle();
  world.advance(10_000);
  await world.settle();
  assert.deepEqual(
    attempts(world).map(({ outcome, error, latency_ms, parts }) => [outcome, error, latency_ms, parts]),
    [
      ["failed", "http_5xx", 7, [{ types: [null] }]],
      ["delivered", null, 20, [{ types: [null], key_id: "key_1", first_success_ms: world.posts[1]!.at + 20 - START }]],
    ],
  );
  assert.deepEqual(moves(world), [
    ["pending", "failed", START, [null], undefined],
    ["failed", "delivered", START, [null], "key_1"],
  ]);
  await again(world, first, 2);
  assert.deepEqual(attempts(world).at(-1)!.parts, [{ types: [null], key_id: "key_1" }]);
  assert.equal(moves(world).length, 2);
});

test("of a message that two invocations hold at once, each delivery moves once, however their posts end", () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.constantFrom(200, 500, 410), { minLength: 2, maxLength: 6 }),
      async (deliveries, answers) => {
        const world = makeWorld();
        world.subscribe();
        let release = () => {};
        const second = new Promise<void>((resolve) => {
          release = resolve;
        });
        world.answers(async (_, nth) => {
          if (nth === 2) await second;
          return answers[nth - 1] ?? 200;
        });
        const firsts = Array.from({ length: deliveries }, (_, n) => world.accept([{ n }, { n }]));
        const one = world.step();
        // Its message is visible again, though it is being worked on: a clock that steps, or a queue that repeats.
        for (const entry of world.queue) entry.visibleAt = world.now();
        const other = world.step();
        await one;
        release();
        await other;
        await world.run(world.now() + 48 * HOUR, HOUR);
        const net: Record<string, number> = {};
        for (const fact of world.facts) {
          if (fact.kind !== "moved") continue;
          net[fact.from] = (net[fact.from] ?? 0) - fact.types.length;
          net[fact.to] = (net[fact.to] ?? 0) + fact.types.length;
        }
        const wanted: Record<string, number> = {};
        for (const first of firsts) {
          const { status } = world.delivery(first)!;
          wanted[status] = (wanted[status] ?? 0) + 2;
        }
        const { pending = 0, ...reached } = net;
        assert.equal(pending, -2 * deliveries);
        assert.deepEqual(Object.fromEntries(Object.entries(reached).filter(([, n]) => n !== 0)), wanted);
      },
    ),
    { numRuns: 60 },
  ));

const HOUR = 3_600_000;
const REPLAY = "rpl_01JDGXS7G0ABCDEFGHJKMNPQRW";

test("an event that is replayed counts once as replayed, in the first of its posts, and says nothing of its own delivery", async () => {
  const world = answering(200, 500);
  const first = world.accept([{ n: 1 }]);
  await world.settle();
  world.facts.length = 0;
  const body = { inline: pack([Buffer.from('{"n":1}')]) };
  const delivery = { tenant: TENANT, subscription_id: SUB, first, count: 1, indexes: [0], attempts: 0, types: [null] };
  world.send("delivery", [{ text: encodeDelivery({ ...delivery, body, replay_id: REPLAY }), group: TENANT }]);
  await world.settle();
  world.advance(10_000);
  await world.settle();
  assert.deepEqual(
    attempts(world).map(({ outcome, parts }) => [
      outcome,
      parts.map(({ replayed, first_success_ms }) => [replayed, first_success_ms]),
    ]),
    [
      ["failed", [[true, undefined]]],
      ["delivered", [[undefined, undefined]]],
    ],
  );
  assert.deepEqual(moves(world), []);
});

test("a delivery that a job tries again counts once as replayed, one that a person tries again does not", async () => {
  const world = answering(500, 500, 200, 500, 200);
  const [first, other] = [world.accept([{ n: 1 }]), world.accept([{ n: 2 }], { indexes: [0] })];
  world.queue.splice(1);
  await world.settle();
  world.queue.length = 0;
  world.facts.length = 0;
  await again(world, first, 1, REPLAY);
  await world.run(world.now() + HOUR);
  await again(world, other, 0);
  await world.run(world.now() + HOUR);
  assert.deepEqual(
    attempts(world).map(({ outcome, parts }) => [
      outcome,
      parts.map(({ replayed, first_success_ms }) => [replayed, first_success_ms !== undefined]),
    ]),
    [
      ["failed", [[true, false]]],
      ["delivered", [[undefined, false]]],
      ["failed", [[undefined, false]]],
      ["delivered", [[undefined, true]]],
    ],
  );
});

test("of deliveries that are kept in one call, those that were not put come again, and all others have counted", async () => {
  const world = answering();
  const firsts = [world.accept([{ n: 1 }]), world.accept([{ n: 2 }])];
  world.subscribe({ max_batch: 1 });
  world.faults.set("record all but the first", new Error("the table is full"));
  await world.settle();
  await world.run(world.now() + HOUR);
  assert.deepEqual(
    firsts.map((first) => world.delivery(first)?.status),
    ["delivered", "delivered"],
  );
  assert.deepEqual(
    attempts(world).map(({ outcome }) => outcome),
    ["delivered", null, "delivered"],
  );
  assert.equal(moves(world).length, 2);
});

test("a post whose delivery's state could not be kept counts as an attempt without an outcome: it comes again", async () => {
  const world = answering(500, 500);
  world.accept([{ n: 1 }]);
  world.faults.set("retry", new Error("the queue is away"));
  await world.settle();
  assert.deepEqual(
    attempts(world).map(({ outcome, error }) => [outcome, error]),
    [[null, "http_5xx"]],
  );
  assert.deepEqual(moves(world), []);
});

test.run();
