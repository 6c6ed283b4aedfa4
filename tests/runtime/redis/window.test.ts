import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { type Counters, elapsedAt, remaining, WINDOW_MS, waitFor } from "../../../runtime/redis/window.ts";

const rows: [says: string, counters: Counters, cost: number, elapsed: number, left: number, wait: number][] = [
  ["an unused window has all of it left", { limit: 10, current: 0, previous: 0 }, 10, 0, 10, 0],
  ["what was used in this second counts whole", { limit: 10, current: 4, previous: 0 }, 6, 500, 6, 0],
  ["the second before counts by the part that still overlaps", { limit: 10, current: 0, previous: 10 }, 5, 500, 5, 0],
  ["a wait within the second lets the one before fade", { limit: 10, current: 0, previous: 10 }, 5, 200, 2, 300],
  ["a wait past its end lets this one fade", { limit: 10, current: 10, previous: 0 }, 1, 400, 0, 700],
  ["the whole limit needs a whole empty second before it", { limit: 10, current: 1, previous: 0 }, 10, 0, 9, 2_000],
  ["more than the limit never fits", { limit: 10, current: 0, previous: 0 }, 11, 0, 10, Number.POSITIVE_INFINITY],
];
for (const [says, counters, cost, elapsed, left, wait] of rows) {
  test(says, () => assert.deepEqual([remaining(counters, elapsed), waitFor(counters, cost, elapsed)], [left, wait]));
}

const counts = fc.integer({ min: 1, max: 2_000 }).chain((limit) =>
  fc.record({
    limit: fc.constant(limit),
    current: fc.nat(limit),
    previous: fc.nat(limit),
    cost: fc.integer({ min: 1, max: limit }),
    elapsed: fc.nat(WINDOW_MS - 1),
  }),
);

test("after the wait it tells a request fits, and a millisecond earlier it does not", () =>
  fc.assert(
    fc.property(counts, ({ cost, elapsed, ...counters }) => {
      const wait = waitFor(counters, cost, elapsed);
      const after = (ms: number): number => {
        const at = elapsed + ms;
        if (at < WINDOW_MS) return waitFor(counters, cost, at);
        if (at < 2 * WINDOW_MS)
          return waitFor({ ...counters, current: 0, previous: counters.current }, cost, at - WINDOW_MS);
        return 0;
      };
      assert.equal(after(wait), 0);
      if (wait > 0) assert.notEqual(after(wait - 1), 0);
    }),
    { numRuns: 5_000 },
  ));

/** Plays a schedule of requests against the counters, as the script does, and tells what passed when. */
function play(limit: number, schedule: readonly { gap: number; cost: number }[]): { at: number; cost: number }[] {
  const buckets = new Map<number, number>();
  const passed: { at: number; cost: number }[] = [];
  let now = 0;
  for (const { gap, cost } of schedule) {
    now += gap;
    const bucket = Math.floor(now / WINDOW_MS);
    const counters = { limit, current: buckets.get(bucket) ?? 0, previous: buckets.get(bucket - 1) ?? 0 };
    if (waitFor(counters, cost, elapsedAt(now)) > 0) continue;
    buckets.set(bucket, counters.current + cost);
    passed.push({ at: now, cost });
  }
  return passed;
}

const schedules = fc.record({
  limit: fc.integer({ min: 1, max: 100 }),
  schedule: fc.array(fc.record({ gap: fc.nat(400), cost: fc.integer({ min: 1, max: 100 }) }), { maxLength: 60 }),
});

test("no clock second passes more than the limit, and no second at all twice as much", () =>
  fc.assert(
    fc.property(schedules, ({ limit, schedule }) => {
      const passed = play(limit, schedule);
      const between = (from: number, to: number) =>
        passed.filter(({ at }) => at >= from && at < to).reduce((sum, { cost }) => sum + cost, 0);
      for (const { at } of passed) {
        const second = at - elapsedAt(at);
        assert.ok(between(second, second + WINDOW_MS) <= limit);
        assert.ok(between(at, at + WINDOW_MS) < 2 * limit);
      }
    }),
    { numRuns: 2_000 },
  ));

test("over many seconds the rate stays below the limit", () => {
  // Hammered every millisecond for 20 s, in the way that gains most: whatever fits is taken at once.
  const passed = play(
    100,
    Array.from({ length: 20_000 }, () => ({ gap: 1, cost: 1 })),
  );
  assert.ok(passed.length <= 100 * 21);
  assert.ok(passed.length >= 100 * 19);
});

test.run();
