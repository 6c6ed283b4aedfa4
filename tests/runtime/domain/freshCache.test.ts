import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { type Asked, FreshCache, type Freshness } from "../../../runtime/domain/freshCache.ts";

const test = suite("values that a function remembers");

const KEYS = ["a", "b", "c"] as const;
type Key = (typeof KEYS)[number];
/** What the source held, and when that was true. */
interface Version {
  readonly key: Key;
  readonly at: number;
}

/** Lets all promises that can go on do so. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const pass = (world: { now: number; real: number }, ms: number): void => {
  world.now += ms;
  world.real += ms;
};

/** A source that answers when it is told to, with what it held when it was asked. */
function source(freshness: Freshness, options: { together?: number; along?: "used" | "all"; newAlone?: boolean }) {
  const world = {
    /** What the clock says, and what it would say had nobody set it. */
    now: 1_000,
    real: 1_000,
    away: false,
    questions: [] as { live: Set<Key>; answer(): void }[],
    overlapping: 0,
    largest: 0,
  };
  const cache = new FreshCache<Key, Version>({
    freshness,
    now: () => world.now,
    max: 10,
    ...options,
    ask: (asked: readonly Asked<Key, Version>[]) => {
      const keys = asked.map(({ key }) => key);
      const sentAt = world.real;
      world.largest = Math.max(world.largest, keys.length);
      for (const { live } of world.questions) if (keys.some((key) => live.has(key))) world.overlapping += 1;
      return new Promise((resolve, reject) => {
        const question = {
          live: new Set(keys),
          answer() {
            world.questions.splice(world.questions.indexOf(question), 1);
            if (world.away) reject(new Error("away"));
            else resolve(new Map(keys.map((key) => [key, { key, at: sentAt }])));
          },
        };
        world.questions.push(question);
      });
    },
  });
  return { cache, world };
}

type Step =
  | { readonly do: "get"; readonly key: Key }
  | { readonly do: "forget"; readonly key: Key }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "set back"; readonly ms: number }
  | { readonly do: "answer" }
  | { readonly do: "away"; readonly away: boolean };
const key = fc.constantFrom(...KEYS);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("get" as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("forget" as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("set back" as const), ms: fc.constantFrom(1, 500, 7_200_000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("answer" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("away" as const), away: fc.boolean() }) },
);
const freshnesses = fc
  .tuple(
    fc.integer({ min: 0, max: 200 }),
    fc.integer({ min: 0, max: 200 }),
    fc.integer({ min: 0, max: 400 }),
    fc.integer({ min: 0, max: 100 }),
  )
  .map(([refreshAfter, more, longer, pauseAfterFailure]) => ({
    refreshAfter,
    waitAfter: refreshAfter + more,
    serveUntil: refreshAfter + more + longer,
    pauseAfterFailure,
  }));
const shapes = fc.constantFrom(
  {},
  { together: 2, along: "used" as const },
  { together: Number.POSITIVE_INFINITY, along: "all" as const, newAlone: true },
);

test("at any time the cache asks once a key, serves no old or forgotten value, and answers young ones without a wait", () =>
  fc.assert(
    fc.asyncProperty(freshnesses, shapes, fc.array(step, { maxLength: 60 }), async (freshness, shape, steps) => {
      const { cache, world } = source(freshness, shape);
      const forgottenAt = new Map<Key, number>();
      const faults: string[] = [];
      let failures = 0;
      const gets: Promise<void>[] = [];
      for (const each of steps) {
        if (each.do === "pass") pass(world, each.ms);
        if (each.do === "set back") {
          // The clock is looked at before and after: what passes in between is not known.
          cache.age(KEYS[0]);
          world.now -= each.ms;
          cache.age(KEYS[0]);
        }
        if (each.do === "away") world.away = each.away;
        if (each.do === "answer") {
          if (world.away && world.questions.length > 0) failures += 1;
          world.questions[0]?.answer();
        }
        if (each.do === "forget") {
          cache.forget(each.key);
          // Its question continues, but its answer no longer counts: another one may be sent.
          for (const question of world.questions) question.live.delete(each.key);
          // A millisecond passes: what is asked in this one is asked before.
          forgottenAt.set(each.key, world.real);
          pass(world, 1);
        }
        if (each.do === "get") {
          const calledAt = world.real;
          const age = cache.age(each.key);
          const [failedBefore, forgottenBefore] = [failures, forgottenAt.get(each.key) ?? 0];
          let done = false;
          gets.push(
            cache.get(each.key).then(
              (value) => {
                done = true;
                if (value === undefined) return;
                if (value.at <= forgottenBefore) faults.push("a value from before it was forgotten");
                const old = calledAt - value.at;
                if (old > freshness.waitAfter && failures === 0) faults.push(`${old} ms old while nothing ever failed`);
                if (world.real - value.at >= freshness.serveUntil && old > freshness.waitAfter)
                  faults.push(`served ${world.real - value.at} ms after it was asked for`);
              },
              () => {
                done = true;
                if (failures === failedBefore) faults.push("an error without a failed question");
              },
            ),
          );
          await settled();
          if (age <= freshness.waitAfter && !done) faults.push(`waited for a value of ${age} ms`);
        }
        await settled();
      }
      world.away = false;
      for (let turn = 0; turn < 20 && world.questions.length > 0; turn += 1) {
        while (world.questions.length > 0) world.questions[0]!.answer();
        await settled();
      }
      await Promise.all(gets);
      assert.deepEqual(faults, []);
      assert.equal(world.overlapping, 0);
      assert.ok(world.largest <= (shape.together ?? 1));
    }),
    { numRuns: 2_000 },
  ));

const FRESHNESS: Freshness = { refreshAfter: 100, waitAfter: 200, serveUntil: 1_000 };

test("a value that is too large to be kept still reaches its caller", async () => {
  let asked = 0;
  const cache = new FreshCache<string, string>({
    freshness: FRESHNESS,
    now: () => 0,
    max: 10,
    weigh: (value) => value.length,
    ask: async () => {
      asked += 1;
      return new Map([["a", "x".repeat(11)]]);
    },
  });
  assert.equal((await cache.get("a"))?.length, 11);
  assert.equal((await cache.renew("a"))?.length, 11);
  assert.equal(asked, 2);
});

test("a caller waits for a silent source only as long as its patience", async () => {
  const { cache, world } = source({ ...FRESHNESS, patience: () => 5 }, {});
  assert.equal(await cache.get("a"), undefined);
  world.questions[0]!.answer();
  await settled();
  assert.equal((await cache.get("a"))?.at, 1_000);
});

test("keys without a value don't push out those with one", async () => {
  const cache = new FreshCache<string, string>({
    freshness: FRESHNESS,
    now: () => 0,
    max: 2,
    absent: { max: 2, ms: 50 },
    ask: async (asked) => new Map(asked.map(({ key }) => [key, key === "here" ? "value" : null])),
  });
  await cache.get("here");
  for (let n = 0; n < 10; n += 1) assert.equal(await cache.get(`not${n}`), undefined);
  assert.equal(cache.peek("here"), "value");
});

test.run();
