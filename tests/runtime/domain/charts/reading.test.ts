import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import {
  dayForecast,
  isUnusual,
  movingAverage,
  trendInWords,
  trendOf,
  usualOf,
} from "../../../../runtime/domain/charts/reading.ts";

const value = fc.integer({ min: 0, max: 1_000_000 });
const values = fc.array(fc.option(value, { nil: null }), { minLength: 1, maxLength: 50 });

test("a moving average lies within the values around it, and is missing where they are missing", () =>
  fc.assert(
    fc.property(values, (all) => {
      for (const [at, average] of movingAverage(all).entries()) {
        if (all[at] === null) {
          assert.equal(average, null);
          continue;
        }
        const near = all.slice(Math.max(0, at - 2), at + 3).filter((each) => each !== null);
        assert.ok(average! >= Math.min(...near) - 1e-6 && average! <= Math.max(...near) + 1e-6);
      }
    }),
  ));

test("a bucket that still fills has no average and does not lower others", () =>
  assert.deepEqual(movingAverage([10, 10, 10, 1], [false, false, false, true]), [10, 10, 10, null]));

test("the trend of values on a line is that line", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1_000 }),
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 3, max: 40 }),
      (begin, step, length) => {
        const line = Array.from({ length }, (_, at) => begin + at * step);
        for (const [at, on] of trendOf(line)!.values.entries()) assert.ok(Math.abs(on! - line[at]!) < 1e-6);
      },
    ),
  ));

test("a trend is never below zero, and a bucket that still fills does not bend it", () => {
  assert.ok(trendOf([100, 10, 0, 0, 0])!.values.every((each) => each! >= 0));
  assert.equal(trendOf([10, 10, 10, 0], [false, false, false, true])!.change, 0);
  assert.equal(trendOf([10, null, 12]), undefined);
});

for (const [says, all] of [
  ["steady", [10, 10, 10, 10]],
  ["rising by 100 % over the range", [10, 12, 14, 16, 18, 20]],
  ["falling by 50 % over the range", [20, 18, 16, 14, 12, 10]],
  ["rising from nothing", [0, 1, 2, 3]],
  ["too little for a trend", [1, 2]],
] as const)
  test(`${all.join(", ")}: ${says}`, () => assert.equal(trendInWords(trendOf(all)), says));

test("the usual band leaves out outliers on both sides; of a few values there is no band", () => {
  const all = [1, ...Array.from({ length: 18 }, (_, at) => 100 + at), 9_000];
  const usual = usualOf(all)!;
  assert.ok(usual.low >= 100 && usual.high <= 117);
  assert.ok(isUnusual(9_000, usual));
  assert.ok(!isUnusual(120, usual));
  assert.equal(usualOf([1, 2, 3]), undefined);
  assert.ok(!isUnusual(9_000, undefined));
});

test("a day of even traffic is foreseen exactly, at any time of it", () =>
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }), (hour, minute) => {
      const passed = minute / 60;
      const hours = ["2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27"].flatMap((day) =>
        Array.from({ length: 24 }, (_, at) => ({
          day,
          hour: at,
          value: day === "2026-11-27" ? (at < hour ? 60 : at === hour ? 60 * passed : 0) : 60,
        })),
      );
      const { whole, days } = dayForecast(hours, "2026-11-27", hour, passed)!;
      assert.ok(Math.abs(whole - 24 * 60) < 1e-6);
      assert.equal(days, 2, "the first day may not be known whole");
    }),
  ));

test("days before the first event say nothing of how a day goes on", () => {
  const hours = ["2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27"].flatMap((day) =>
    Array.from({ length: 24 }, (_, hour) => ({ day, hour, value: 0 })),
  );
  const from = (first: string) => hours.map((each) => ({ ...each, value: each.day >= first ? 60 : 0 }));
  assert.equal(dayForecast(from("2026-11-27"), "2026-11-27", 4, 0), undefined);
  assert.equal(dayForecast(from("2026-11-26"), "2026-11-27", 4, 0), undefined);
  assert.equal(dayForecast(from("2026-11-25"), "2026-11-27", 4, 0)?.days, 1);
});

test("without a whole earlier day there is no forecast", () =>
  assert.equal(dayForecast([{ day: "2026-11-27", hour: 3, value: 9 }], "2026-11-27", 4, 0), undefined));

test.run();
