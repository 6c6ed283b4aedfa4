import { DAY_MS } from "../../runtime/domain/time.ts";
import { dateIn } from "./format.ts";

/** Hours by the days of a calendar. Pure. */

interface Hour {
  readonly start: string;
}

const dayBefore = (date: string): string => dateIn(Date.parse(date) - DAY_MS, "UTC");

/**
 * The hours of today and those of yesterday, by the clocks of a zone. Today is the day of the newest hour: at midnight the figures of
 * the day before are still being counted.
 */
export function todayAndYesterday<H extends Hour>(hours: readonly H[], zone: string): readonly [H[], H[]] {
  const of = (date: string) => hours.filter(({ start }) => dateIn(Date.parse(start), zone) === date);
  const newest = hours.at(-1);
  if (newest === undefined) return [[], []];
  const today = dateIn(Date.parse(newest.start), zone);
  return [of(today), of(dayBefore(today))];
}
