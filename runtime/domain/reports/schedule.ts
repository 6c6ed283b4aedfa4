import { Cron } from "croner";
import type { Millis } from "../time.ts";
import type { Period, Schedule } from "./report.ts";

/** When a report is due: by the clock of its zone, also where daylight saving changes it. */

/** Weeks begin on Monday, months on the first. */
const DAYS: Readonly<Record<Period, string>> = { day: "* * *", week: "* * 1", month: "1 * *" };

/** The next time after `now` that a schedule is due, both milliseconds. */
export function nextRun({ every, at, time_zone }: Schedule, now: Millis): number {
  const [hour, minute] = at.split(":").map(Number);
  const next = new Cron(`0 ${minute} ${hour} ${DAYS[every]}`, { timezone: time_zone }).nextRun(new Date(now));
  if (next === null) throw new Error(`a schedule of every ${every} at ${at} is never due`);
  return next.getTime();
}
