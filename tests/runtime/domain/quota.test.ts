import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import {
  limitUse,
  type Peak,
  peakMinute,
  peakOf,
  projectionOf,
  projectionRange,
  type Series,
} from "../../../runtime/domain/usage/quota.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MARCH = Date.UTC(2026, 2);
const APRIL = Date.UTC(2026, 3);

/** Events of the hours before `now`, by how many hours ago they began: 1 is the last whole one, 0 the present one. */
const before = (now: number, events: (hoursAgo: number) => number, hours = 40 * 24): Map<number, number> => {
  const present = Math.floor(now / HOUR) * HOUR;
  return new Map(Array.from({ length: hours }, (_, ago) => [present - ago * HOUR, events(ago)]));
};
const none: Series = new Map();

// ---- peaks -----------------------------------------------------------------------------------------------------------

const noon = MARCH + 12 * HOUR;
const peaks: [says: string, hours: [number, number][], minutes: [number, number][], peak: Peak | undefined][] = [
  ["nothing has no peak", [], [], undefined],
  ["hours without events have none either", [[noon, 0]], [[noon, 0]], undefined],
  [
    "the peak is the busiest minute of the busiest hour",
    [
      [noon, 600],
      [noon + HOUR, 500],
    ],
    [
      [noon, 100],
      [noon + MINUTE, 480],
      [noon + HOUR, 490],
    ],
    { start: noon + MINUTE, interval: "minute", per_second: 8 },
  ],
  [
    "an hour whose minutes have expired counts as a whole",
    [[noon, 7_200]],
    [],
    { start: noon, interval: "hour", per_second: 2 },
  ],
  [
    "so does one whose busiest minute has expired",
    [[noon, 7_200]],
    [[noon, 60]],
    { start: noon, interval: "hour", per_second: 2 },
  ],
  [
    "of equals it is the earliest",
    [
      [noon + HOUR, 3_600],
      [noon, 3_600],
    ],
    [],
    { start: noon, interval: "hour", per_second: 1 },
  ],
];
for (const [says, hours, minutes, peak] of peaks)
  test(says, () => assert.deepEqual(peakOf(new Map(hours), new Map(minutes)), peak));

test("the peak of minutes is the busiest one", () =>
  assert.deepEqual(
    peakMinute(
      new Map([
        [noon, 6],
        [noon + MINUTE, 60],
      ]),
    ),
    { start: noon + MINUTE, interval: "minute", per_second: 1 },
  ));

test("use is a share of the limit, on average and at the peak", () => {
  assert.deepEqual(limitUse(100, 36_000, HOUR, { start: noon, interval: "minute", per_second: 50 }), {
    limit_per_second: 100,
    average_per_second: 10,
    average_use: 0.1,
    peak_per_second: 50,
    peak_use: 0.5,
    peak_start: noon,
    peak_interval: "minute",
  });
});

test("without events nothing of the limit was used", () =>
  assert.deepEqual(limitUse(100, 0, 0, undefined), {
    limit_per_second: 100,
    average_per_second: 0,
    average_use: 0,
    peak_per_second: 0,
    peak_use: 0,
    peak_start: null,
    peak_interval: null,
  }));

// ---- projection ------------------------------------------------------------------------------------------------------

const march = { month_start: MARCH, month_end: APRIL };
const young = { peak_per_second: null, peak_growth_per_day: null, limit_reached_at: null };

test("without traffic nothing can be foreseen", () =>
  assert.deepEqual(projectionOf(MARCH + 10 * DAY, 100, none, none), {
    ...march,
    events_to_date: 0,
    events_per_second: 0,
    projected_events: null,
    projected_use: null,
    ...young,
  }));

test("steady traffic goes on: the whole month has its share, and the limit is never met", () => {
  const now = MARCH + 10 * DAY;
  assert.deepEqual(
    projectionOf(
      now,
      10,
      before(now, (ago) => (ago === 0 ? 0 : 3_600)),
      none,
    ),
    {
      ...march,
      events_to_date: 10 * 86_400,
      events_per_second: 1,
      projected_events: 31 * 86_400,
      projected_use: 0.1,
      peak_per_second: 1,
      peak_growth_per_day: 0,
      limit_reached_at: null,
    },
  );
});

test("in the first hour of a month the pace is that of the days before, not of some minutes", () => {
  const now = MARCH + 6 * MINUTE;
  const { events_to_date, events_per_second, projected_events } = projectionOf(
    now,
    10,
    before(now, (ago) => (ago === 0 ? 360 : 3_600)),
    none,
  );
  assert.deepEqual([events_to_date, events_per_second, projected_events], [360, 1, 31 * 86_400]);
});

test("traffic that began today has its own pace, taken over an hour at least; it foretells neither month nor trend", () => {
  const now = MARCH + 10 * DAY + 10 * MINUTE;
  const first = before(now, (ago) => (ago === 0 ? 3_600 : 0));
  assert.deepEqual(projectionOf(now, 10, first, none), {
    ...march,
    events_to_date: 3_600,
    events_per_second: 1,
    projected_events: null,
    projected_use: null,
    ...young,
  });
  const sinceTwoDays = before(now, (ago) => (ago > 0 && ago <= 48 ? 3_600 : 0));
  assert.equal(projectionOf(now, 10, sinceTwoDays, none).events_per_second, 0.997);
});

test("however traffic begins, its first day foretells no month, and from then on it goes on as it was", () =>
  fc.assert(
    fc.property(fc.array(fc.nat(10_000), { minLength: 1, maxLength: 47 }), fc.nat(HOUR - 1), (counts, passed) => {
      const began = MARCH + 10 * DAY;
      const hours = new Map(counts.map((events, at) => [began + at * HOUR, at === 0 ? events + 1 : events]));
      const now = began + (counts.length - 1) * HOUR + passed;
      const { events_to_date, projected_events } = projectionOf(now, 10, hours, none);
      const age = now - began;
      if (age < DAY) assert.equal(projected_events, null);
      else assert.equal(projected_events, Math.round(events_to_date + (events_to_date / age) * (APRIL - now)));
    }),
  ));

test("a trend needs seven days of traffic", () => {
  const now = MARCH + 20 * DAY;
  const days = (n: number) =>
    projectionOf(
      now,
      10,
      before(now, (ago) => (ago > 0 && ago <= n * 24 ? 3_600 : 0)),
      none,
    );
  assert.equal(days(6).peak_per_second, null);
  assert.equal(days(7).peak_per_second, 1);
});

test("peaks stand above their hour as the busiest hour's minute did", () => {
  const now = MARCH + 20 * DAY;
  const hours = before(now, (ago) => (ago === 30 ? 7_200 : ago === 0 ? 0 : 3_600));
  const busiest = now - 30 * HOUR;
  const minutes = new Map([[busiest + 5 * MINUTE, 600]]);
  assert.equal(projectionOf(now, 100, hours, minutes).peak_per_second, 5);
});

test("a peak above the limit has reached it now", () => {
  const now = MARCH + 20 * DAY;
  const { limit_reached_at } = projectionOf(
    now,
    1,
    before(now, () => 7_200),
    none,
  );
  assert.equal(limit_reached_at, now);
});

test("a limit that would be reached in more than a year is not forecast", () => {
  const now = MARCH + 20 * DAY;
  // 3,600 events an hour more each day: one event per second a day, from 28 on the last one.
  const growing = before(now, (ago) => Math.max(0, 28 - Math.floor((ago - 1) / 24)) * 3_600);
  assert.equal(projectionOf(now, 28 + 365, growing, none).limit_reached_at, now + 365 * DAY);
  assert.equal(projectionOf(now, 28 + 366, growing, none).limit_reached_at, null);
});

test("the hour that has only begun does not lower the trend", () => {
  const now = MARCH + 20 * DAY;
  const day = (ago: number) => (ago === 0 ? 1 : 3_600);
  assert.equal(projectionOf(now, 10, before(now, day), none).peak_growth_per_day, 0);
});

const moments = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2035, 0) });

test("at any moment steady traffic is projected to the length of the month, and its hours are queried", () =>
  fc.assert(
    fc.property(moments, fc.integer({ min: 1, max: 100 }), (now, perSecond) => {
      const range = projectionRange(now);
      const passed = (now % HOUR) / HOUR;
      const hours = new Map(
        [...before(now, (ago) => perSecond * 3_600 * (ago === 0 ? passed : 1))].filter(
          ([start]) => start >= range.from && start < range.to,
        ),
      );
      const { month_start, month_end, projected_events, projected_use } = projectionOf(now, perSecond, hours, none);
      assert.ok(month_start <= now && now < month_end);
      const whole = (perSecond * (month_end - month_start)) / 1_000;
      assert.ok(Math.abs(projected_events! - whole) <= 1, `${projected_events} is not ${whole}`);
      assert.ok(Math.abs(projected_use! - 1) <= 1e-6);
    }),
  ));

test("for any line of growth the limit is reached where the line meets it, even with some wild days", () =>
  fc.assert(
    fc.property(
      moments,
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 0, max: 27 }), { maxLength: 3 }),
      (now, base, perDay, wild) => {
        const level = base + 27 * perDay;
        const hours = before(now, (ago) => {
          const day = Math.floor((ago - 1) / 24);
          if (ago < 1 || day > 27) return 0;
          return (base + (27 - day) * perDay) * 3_600;
        });
        // A day's quiet is no decline. A burst would be the busiest hour, whose minute sets how far peaks stand above.
        for (const day of wild)
          for (let ago = 1 + day * 24; ago <= (day + 1) * 24; ago += 1)
            hours.set(Math.floor(now / HOUR) * HOUR - ago * HOUR, 3_600);
        const { limit_reached_at } = projectionOf(now, level + 30 * perDay, hours, none);
        const days = (limit_reached_at! - now) / DAY;
        assert.ok(Math.abs(days - 30) <= (wild.length === 0 ? 1e-3 : 3), `${days} days`);
      },
    ),
  ));

test.run();
