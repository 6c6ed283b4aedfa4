import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { atMost } from "../../console/src/atMost.ts";

/** Pages under a live feed repaint at most once a second, and never leave out what came last. */

const test = suite("at most once in a while");
const EVERY = 1_000;

/** A clock that moves from timer to timer. */
function movedClock() {
  const timers = new Set<{ readonly at: number; run(): void }>();
  let now = 50_000;
  return {
    now: () => now,
    after(ms: number, run: () => void) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    move(ms: number) {
      const end = now + ms;
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers.delete(next);
        now = next.at;
        next.run();
      }
      now = end;
    },
  };
}

test("however messages come, repaints are a second apart, and each message is painted within one", () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2_500 }), { minLength: 1, maxLength: 200 }), (waits) => {
      const clock = movedClock();
      let newest = 0;
      let painted = 0;
      const paints: number[] = [];
      const came: number[] = [];
      const repaint = atMost(
        EVERY,
        () => {
          paints.push(clock.now());
          painted = newest;
        },
        clock,
      );
      for (const wait of waits) {
        clock.move(wait);
        newest += 1;
        came.push(clock.now());
        repaint.ask();
      }
      clock.move(EVERY);
      assert.equal(painted, newest);
      for (const [at, paint] of paints.entries())
        if (at > 0) assert.ok(paint - paints[at - 1]! >= EVERY, `${paint - paints[at - 1]!} ms after the one before`);
      for (const at of came) assert.ok(paints.some((paint) => paint >= at && paint <= at + EVERY));
    }),
  ));

/** A repaint, and when it painted. */
function painter() {
  const clock = movedClock();
  const paints: number[] = [];
  return { clock, paints, repaint: atMost(EVERY, () => void paints.push(clock.now()), clock) };
}

test("a feed of fifty messages a second makes sixty repaints in a minute", () => {
  const { clock, paints, repaint } = painter();
  for (let message = 0; message < 60 * 50 - 1; message += 1) {
    repaint.ask();
    clock.move(20);
  }
  assert.equal(paints.length, 60);
});

test("a look that takes longer than the time between two comes to its end, and the next one sees what came meanwhile", async () => {
  const clock = movedClock();
  const ends: (() => void)[] = [];
  let asked = 0;
  const seen: number[] = [];
  const look = atMost(
    EVERY,
    () => {
      const began = asked;
      return new Promise<void>((resolve) => ends.push(resolve)).then(() => void seen.push(began));
    },
    clock,
  );
  for (let second = 0; second < 30; second += 1) {
    asked += 1;
    look.ask();
    clock.move(EVERY);
  }
  assert.equal(ends.length, 1, "one look at a time");
  ends[0]!();
  await new Promise(setImmediate);
  clock.move(EVERY);
  assert.equal(ends.length, 2);
  ends[1]!();
  await new Promise(setImmediate);
  clock.move(10 * EVERY);
  assert.deepEqual(seen, [1, 30]);
  assert.equal(ends.length, 2, "nobody asked again");
});

test("a look that fails is followed by the next", async () => {
  const clock = movedClock();
  let looks = 0;
  const look = atMost(
    EVERY,
    () => {
      looks += 1;
      return Promise.reject(new Error("no answer"));
    },
    clock,
  );
  look.ask();
  clock.move(0);
  look.ask();
  await new Promise(setImmediate);
  clock.move(EVERY);
  assert.equal(looks, 2);
});

test("a page that a person left is not painted again", () => {
  const { clock, paints, repaint } = painter();
  repaint.ask();
  repaint.stop();
  clock.move(5_000);
  assert.equal(paints.length, 0);
});

test.run();
