import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { clockIn, timeOfClock } from "../../../../runtime/domain/metrics/zones.ts";
import { type Period, periods } from "../../../../runtime/domain/reports/report.ts";
import { nextRun } from "../../../../runtime/domain/reports/schedule.ts";

const test = suite("when a report is due");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const zones = fc.constantFrom(...Intl.supportedValuesOf("timeZone"), "UTC");
const clocks = fc
  .record({ hour: fc.integer({ min: 0, max: 23 }), minute: fc.integer({ min: 0, max: 59 }) })
  .map(({ hour, minute }) => [hour, minute].map((part) => String(part).padStart(2, "0")).join(":"));
const times = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2029, 0, 1) });

const weekday = (zone: string, at: number): number => new Date(`${clockIn(zone, at)}Z`).getUTCDay();
const begins: Readonly<Record<Period, (zone: string, at: number) => boolean>> = {
  day: () => true,
  week: (zone, at) => weekday(zone, at) === 1,
  month: (zone, at) => clockIn(zone, at).slice(8, 10) === "01",
};

test("in every zone it is due at its time of day by the clock there, on the day that its period begins with", () =>
  fc.assert(
    fc.property(zones, clocks, fc.constantFrom(...periods), times, (time_zone, at, every, now) => {
      const due = nextRun({ every, at, time_zone }, now);
      assert.ok(due > now);
      const shown = clockIn(time_zone, due);
      assert.ok(begins[every](time_zone, due), shown);
      const wanted = `${shown.slice(0, 10)}T${at}`;
      if (clockIn(time_zone, timeOfClock(time_zone, wanted)) === wanted) assert.equal(shown, wanted);
      // A time that clocks skip is due at the first that they show after it.
      else
        assert.ok(
          clockIn(time_zone, due - MINUTE) < wanted && wanted < shown,
          `${shown} for ${wanted} in ${time_zone}`,
        );
    }),
    { numRuns: 500 },
  ));

test("each day has one run, also when clocks change", () =>
  fc.assert(
    fc.property(zones, clocks, times, (time_zone, at, now) => {
      let due = nextRun({ every: "day", at, time_zone }, now);
      for (let day = 0; day < 3; day += 1) {
        const next = nextRun({ every: "day", at, time_zone }, due);
        assert.notEqual(clockIn(time_zone, next).slice(0, 10), clockIn(time_zone, due).slice(0, 10));
        assert.ok(next - due >= 22 * HOUR && next - due <= 26 * HOUR, `${(next - due) / HOUR} h`);
        due = next;
      }
    }),
    { numRuns: 300 },
  ));

const nights: [says: string, at: string, after: string, due: string][] = [
  ["before clocks go forward", "08:00", "2026-03-28T08:00:00Z", "2026-03-29T06:00:00.000Z"],
  ["a time that is skipped", "02:30", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00.000Z"],
  ["before clocks go back", "08:00", "2026-10-24T08:00:00Z", "2026-10-25T07:00:00.000Z"],
  ["a time that comes twice, the first", "02:30", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00.000Z"],
  ["a time that comes twice, once", "02:30", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00.000Z"],
];
for (const [says, at, after, due] of nights)
  test(`in Berlin: ${says}`, () =>
    assert.equal(
      new Date(nextRun({ every: "day", at, time_zone: "Europe/Berlin" }, Date.parse(after))).toISOString(),
      due,
    ));

test.run();
