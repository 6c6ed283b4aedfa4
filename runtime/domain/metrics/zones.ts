import { Temporal } from "temporal-polyfill";
import { MINUTE_MS, type Millis } from "../time.ts";

/** Where minutes, hours and days begin in a time zone. All times are milliseconds since the epoch. */

export type Step = "minute" | "hour" | "day";

const zonedAt = (at: Millis, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);

const beginningOf = (time: Temporal.ZonedDateTime, step: "hour" | "day"): Temporal.ZonedDateTime =>
  step === "day" ? time.startOfDay() : time.round({ smallestUnit: "hour", roundingMode: "floor" });

/** The beginning of the minute, hour or day that a time lies in. Every zone's offset is of whole minutes. */
export function floorIn(zone: string, step: Step, at: Millis): number {
  if (step === "minute") return Math.floor(at / MINUTE_MS) * MINUTE_MS;
  return beginningOf(zonedAt(at, zone), step).epochMilliseconds;
}

/** The beginning of the next one. */
function nextIn(zone: string, step: Step, start: number): number {
  if (step === "minute") return start + MINUTE_MS;
  const time = zonedAt(start, zone);
  const unit = step === "day" ? "days" : "hours";
  // Where clocks go back by half an hour, the hour that they were in goes on: its second half is not another one.
  for (let count = 1; ; count += 1) {
    const next = beginningOf(time.add({ [unit]: count }), step).epochMilliseconds;
    if (next > start) return next;
  }
}

/** The time itself where something begins then, else the beginning of the next. */
export function ceilIn(zone: string, step: Step, at: Millis): number {
  const start = floorIn(zone, step, at);
  return start === at ? at : nextIn(zone, step, start);
}

/** The beginnings from one on, which has to be one, to before another. */
export function startsIn(zone: string, step: Step, from: number, to: number): number[] {
  const starts: number[] = [];
  for (let start = from; start < to; start = nextIn(zone, step, start)) starts.push(start);
  return starts;
}

/** So many days or weeks earlier by the calendar, at the same time of day. */
export const earlierIn = (zone: string, at: Millis, days: number): number =>
  zonedAt(at, zone).subtract({ days }).epochMilliseconds;

/** What clocks in a zone show, as a field for date and time writes it: `2026-11-27T08:30`. */
export const clockIn = (zone: string, at: Millis): string =>
  zonedAt(at, zone).toPlainDateTime().toString({ smallestUnit: "minute" });

/** The time at which clocks in a zone show this; one that is skipped counts as that after the gap, one that comes twice as the first. */
export const timeOfClock = (zone: string, clock: string): number =>
  Temporal.PlainDateTime.from(clock).toZonedDateTime(zone).epochMilliseconds;

/** The last whole week, which begins on Monday, or month before a time. */
export function lastWhole(
  zone: string,
  unit: "week" | "month",
  at: Millis,
): { readonly from: number; readonly to: number } {
  const today = zonedAt(at, zone).startOfDay();
  const end = (unit === "week" ? today.subtract({ days: today.dayOfWeek - 1 }) : today.with({ day: 1 })).startOfDay();
  const from = end.subtract({ [`${unit}s`]: 1 }).startOfDay();
  return { from: from.epochMilliseconds, to: end.epochMilliseconds };
}
