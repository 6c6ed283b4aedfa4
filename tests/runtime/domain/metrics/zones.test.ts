import assert from "node:assert/strict";
import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { test } from "uvu";
import { isTimeZone } from "../../../../runtime/domain/metrics/timeZone.ts";
import {
  ceilIn,
  earlierIn,
  floorIn,
  lastWhole,
  type Step,
  startsIn,
} from "../../../../runtime/domain/metrics/zones.ts";

const HOUR = 3_600_000;
const zones = Intl.supportedValuesOf("timeZone");
/** Zones whose clocks or days are unlike most. */
const odd = [
  "Australia/Lord_Howe",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "America/St_Johns",
  "Africa/Cairo",
  "Pacific/Apia",
];
const zone = fc.oneof(fc.constantFrom(...odd), fc.constantFrom(...zones));
const step = fc.constantFrom<Step>("minute", "hour", "day");
/** From 2015 to 2035. */
const time = fc.integer({ min: Date.UTC(2015, 0), max: Date.UTC(2035, 0) });

const formats = new Map<string, Intl.DateTimeFormat>();
/** What clocks in the zone show, as the platform's own tables have it: an oracle that shares no code with ours. */
function shown(name: string, at: number): { day: string; hour: string; minute: number; second: number } {
  let format = formats.get(name);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-CA-u-ca-iso8601-nu-latn", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(name, format);
  }
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const day = `${part.year}-${part.month}-${part.day}`;
  return { day, hour: `${day}T${part.hour}`, minute: Number(part.minute), second: Number(part.second) };
}

test("in every zone, days begin where the calendar's day changes, and hours where the clock's hour does", () => {
  for (const name of zones)
    fc.assert(
      fc.property(time, fc.constantFrom<"hour" | "day">("hour", "day"), (at, unit) => {
        const from = floorIn(name, unit, at);
        const to = ceilIn(name, unit, at + 1);
        assert.ok(from <= at && at < to);
        assert.equal(shown(name, from)[unit], shown(name, at)[unit]);
        assert.equal(shown(name, to - 1)[unit], shown(name, at)[unit]);
        assert.notEqual(shown(name, to)[unit], shown(name, at)[unit]);
        assert.notEqual(shown(name, from - 1)[unit], shown(name, at)[unit]);
      }),
      { numRuns: 4 },
    );
});

/** Times within three hours of a change of the clocks. */
const nearChange = fc.tuple(fc.constantFrom(...odd, "Europe/Berlin", "America/New_York"), time).map(([name, at]) => {
  const change = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(name).getTimeZoneTransition("next");
  return [name, change?.epochMilliseconds ?? at] as const;
});
const zoned = fc.oneof(
  fc.tuple(zone, time),
  fc
    .tuple(nearChange, fc.integer({ min: -3 * HOUR, max: 3 * HOUR }))
    .map(([[name, at], off]) => [name, at + off] as const),
);

test("points follow one another without a gap, each where its own floor is", () =>
  fc.assert(
    fc.property(zoned, step, fc.integer({ min: 1, max: 60 }), ([name, at], unit, count) => {
      const length = { minute: 60_000, hour: HOUR, day: 24 * HOUR }[unit];
      const from = floorIn(name, unit, at);
      const to = ceilIn(name, unit, at + count * length);
      const starts = startsIn(name, unit, from, to);
      assert.equal(starts[0], from);
      for (const [i, start] of starts.entries()) {
        const end = starts[i + 1] ?? to;
        assert.ok(start < end && end - start <= { minute: 60_000, hour: 1.5 * HOUR, day: 26 * HOUR }[unit]);
        for (const inside of [start, Math.floor((start + end) / 2), end - 1])
          assert.equal(floorIn(name, unit, inside), start);
      }
    }),
    { numRuns: 300 },
  ));

test("a day in which clocks change is an hour shorter or longer, and one in Lord Howe half an hour", () => {
  const lengths = (name: string, from: string, days: number) => {
    const first = floorIn(name, "day", Date.parse(from));
    const starts = startsIn(name, "day", first, first + (days + 1) * 24 * HOUR);
    return starts.slice(1, days + 1).map((start, i) => (start - starts[i]!) / HOUR);
  };
  assert.deepEqual(lengths("Europe/Berlin", "2026-03-28T12:00:00Z", 3), [24, 23, 24]);
  assert.deepEqual(lengths("Europe/Berlin", "2026-10-24T12:00:00Z", 3), [24, 25, 24]);
  assert.deepEqual(lengths("Australia/Lord_Howe", "2026-04-04T12:00:00Z", 2), [24, 24.5]);
  assert.equal(shown("Asia/Kolkata", floorIn("Asia/Kolkata", "hour", Date.UTC(2026, 0, 1, 0, 10))).minute, 0);
  // A day that begins at one o'clock, since midnight is left out.
  assert.equal(
    shown("Africa/Cairo", floorIn("Africa/Cairo", "day", Date.parse("2026-04-24T12:00:00Z"))).hour,
    "2026-04-24T01",
  );
});

test("days earlier are those of the calendar", () =>
  fc.assert(
    fc.property(zone, time, fc.integer({ min: 1, max: 40 }), (name, at, days) => {
      const start = floorIn(name, "day", at);
      const before = floorIn(name, "day", earlierIn(name, start, days));
      assert.ok(Math.abs(startsIn(name, "day", before, start).length - days) <= (name.startsWith("Pacific") ? 1 : 0));
    }),
  ));

test("the last whole week is from Monday to Monday, and the last whole month from its first day to the next one's", () =>
  fc.assert(
    fc.property(zoned, fc.constantFrom<"week" | "month">("week", "month"), ([name, at], unit) => {
      /** The day by its name, as a date without a zone. */
      const day = (time: number) => Temporal.PlainDate.from(shown(name, time).day);
      const { from, to } = lastWhole(name, unit, at);
      for (const edge of [from, to]) assert.equal(floorIn(name, "day", edge), edge);
      // Where a zone leaves a day out, what would begin with it begins with the next one.
      const begins = (time: number) =>
        [day(time), day(time - 1).add({ days: 1 })].some((one) => (unit === "week" ? one.dayOfWeek : one.day) === 1);
      assert.ok(begins(from) && begins(to), `${shown(name, from).day} to ${shown(name, to).day} in ${name}`);
      const days = day(to).since(day(from)).days;
      assert.ok(unit === "week" ? days >= 6 && days <= 8 : days >= 27 && days <= 31, `${days} days`);
      assert.ok(to <= at);
      assert.ok(day(at).since(day(to)).days <= (unit === "week" ? 6 : 30));
    }),
    { numRuns: 300 },
  ));

test("a name of the time zone database is a zone, an offset is not", () => {
  for (const name of [...zones, "UTC", "Asia/Calcutta", "US/Pacific"]) assert.ok(isTimeZone(name), name);
  for (const name of ["", "+05:30", "Mars/Olympus", "UTC+2", "Europe/Berlin "]) assert.ok(!isTimeZone(name), name);
});

test.run();
