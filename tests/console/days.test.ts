import assert from "node:assert/strict";
import { test } from "uvu";
import { todayAndYesterday } from "../../console/src/days.ts";
import { HOUR_MS } from "../../runtime/domain/time.ts";

/** The fifty hours up to the one that holds a time, as the platform answers them. */
const hoursUpTo = (time: string) => {
  const last = Math.floor(Date.parse(time) / HOUR_MS) * HOUR_MS;
  return Array.from({ length: 50 }, (_, at) => ({ start: new Date(last - (49 - at) * HOUR_MS).toISOString() }));
};

const days: [
  says: string,
  now: string,
  zone: string,
  today: [first: string, hours: number],
  yesterday: [string, number],
][] = [
  ["in the afternoon", "2026-11-29T15:20:00Z", "UTC", ["2026-11-29T00", 16], ["2026-11-28T00", 24]],
  ["in the first second of a day", "2026-11-29T00:00:00Z", "UTC", ["2026-11-29T00", 1], ["2026-11-28T00", 24]],
  [
    "at the end of the day on which clocks are set back",
    "2026-10-25T22:30:00Z",
    "Europe/Berlin",
    ["2026-10-24T22", 25],
    ["2026-10-23T22", 24],
  ],
  ["on the day after it", "2026-10-26T11:30:00Z", "Europe/Berlin", ["2026-10-25T23", 13], ["2026-10-24T22", 25]],
  [
    "just after the day on which clocks are set forward",
    "2026-03-29T22:30:00Z",
    "Europe/Berlin",
    ["2026-03-29T22", 1],
    ["2026-03-28T23", 23],
  ],
];
for (const [says, now, zone, ...expected] of days)
  test(`today and yesterday are those of the calendar ${says}`, () =>
    assert.deepEqual(
      todayAndYesterday(hoursUpTo(now), zone).map((hours) => [hours[0]?.start.slice(0, 13), hours.length]),
      expected,
    ));

test("before an answer there is neither", () => assert.deepEqual(todayAndYesterday([], "UTC"), [[], []]));

test.run();
