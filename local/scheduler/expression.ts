import { Cron } from "croner";

/**
 * Schedule expressions of EventBridge and EventBridge Scheduler: `rate(5 minutes)`, `cron(0 8 ? * MON-FRI *)`, `at(2026-01-31T08:00:00)`.
 * Source: EventBridge Scheduler user guide, "Schedule types".
 */
export interface Schedule {
  /** @param last when it ran before, if it did. @returns milliseconds since the epoch, or undefined when it never runs again */
  next(now: number, last: number | undefined): number | undefined;
}

const UNITS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** @throws Error quoting an expression that AWS would refuse */
export function readSchedule(expression: string, timezone = "UTC"): Schedule {
  const [, kind, inner] = /^(rate|cron|at)\((.*)\)$/.exec(expression) ?? [];
  if (kind === "rate") return rate(inner!, expression);
  if (kind === "cron") return cron(inner!, expression, timezone);
  if (kind === "at") {
    const at = new Cron(inner!, { timezone }).nextRun(new Date(0))?.getTime();
    return { next: (now, last) => (last === undefined && at !== undefined ? Math.max(at, now) : undefined) };
  }
  throw refused(expression);
}

const refused = (expression: string): Error => new Error(`"${expression}" is no schedule expression that AWS takes`);

function rate(inner: string, expression: string): Schedule {
  const [, value, unit, plural] = /^(\d+) (minute|hour|day)(s?)$/.exec(inner) ?? [];
  // "1 minutes" is refused by AWS, and so is "5 minute".
  if (value === undefined || Number(value) < 1 || (Number(value) === 1) === (plural === "s")) throw refused(expression);
  const period = Number(value) * UNITS[unit!]!;
  return { next: (now, last) => (last === undefined ? now + period : Math.max(now, last + period)) };
}

function cron(inner: string, expression: string, timezone: string): Schedule {
  const fields = inner.trim().split(/\s+/);
  // Minutes, hours, day of month, month, day of week, year; one of the two days is "?".
  if (fields.length !== 6 || (fields[2] === "?") === (fields[4] === "?")) throw refused(expression);
  let job: Cron;
  try {
    job = new Cron(`0 ${fields.map((field) => (field === "?" ? "*" : field)).join(" ")}`, {
      mode: "7-part",
      timezone,
      // Sunday is 1, as in Quartz.
      alternativeWeekdays: true,
      // `0/15`: every 15 from 0.
      sloppyRanges: true,
      paused: true,
    });
  } catch (cause) {
    throw new Error(refused(expression).message, { cause });
  }
  return { next: (now) => job.nextRun(new Date(now))?.getTime() };
}
