import { refuseEmptyRange } from "../emptyRange.ts";
import { type ErrorDetail, TriggersError } from "../errors/errors.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type Millis, rfc3339 } from "../time.ts";
import { isLatency } from "./names.ts";
import { type Interval, lastMinutes, lastOf, MAX_RANGE_DAYS, type MetricsQuery, topOf } from "./query.ts";
import { KEPT_DAYS } from "./sums.ts";
import { ceilIn, earlierIn, floorIn, startsIn } from "./zones.ts";

/** The time that a query asks about, cut into its points. All times are milliseconds since the epoch. */

/** Points of one series. */
export const MAX_POINTS = 10_000;
/** Numbers in an answer that fit into one of a function: a point's start counts as two, a latency as four. */
const MAX_NUMBERS = 250_000;

/** Points of all series together. */
function roomFor({ measures, compare, histogram }: MetricsQuery): number {
  if (histogram) return MAX_POINTS;
  const numbers = measures.reduce((sum, each) => sum + (isLatency(each) ? 4 : 1), 2);
  return Math.max(MAX_POINTS, Math.floor(MAX_NUMBERS / (compare === undefined ? numbers : 2 * numbers)));
}

const AUTO_MINUTES_MS = 6 * HOUR_MS;
const AUTO_HOURS_MS = 14 * DAY_MS;

const autoInterval = (ms: Millis): Interval =>
  ms <= AUTO_MINUTES_MS ? "minute" : ms <= AUTO_HOURS_MS ? "hour" : "day";

export interface Span {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  /** Where each point begins; ascending. */
  readonly starts: readonly number[];
}

export interface Range extends Span {
  readonly interval: Interval;
  readonly compare?: Span;
  /** Series beside `(other)`. */
  readonly top: number;
}

const refuse = (message: string, ...details: ErrorDetail[]): TriggersError =>
  new TriggersError("invalid_request", message, { details });

/** The range as it is asked for, before it is cut. */
function askedRange({ last, from, to }: MetricsQuery, now: Millis): { from: number; to: number; ms: Millis } {
  if (from === undefined) {
    const ms = lastMinutes(lastOf(last ?? "24h")) * MINUTE_MS;
    return { from: now - ms, to: now, ms };
  }
  const range = { from: Date.parse(from), to: to === undefined ? now : Date.parse(to) };
  if (range.from > now)
    throw refuse("The range begins in the future.", {
      path: "/from",
      message: `must not be after now, ${rfc3339(now)}`,
    });
  refuseEmptyRange(range);
  const ms = range.to - range.from;
  if (ms > MAX_RANGE_DAYS * DAY_MS)
    throw refuse("The range is too long.", {
      path: "/from",
      message: `must be ${MAX_RANGE_DAYS} days before \`to\` at most, or before now where that is left out`,
    });
  return { ...range, ms };
}

/**
 * A range ends with the point that holds its last moment and begins with the one that holds its first; `last` counts whole points
 * back from the end of the present one, so that `24h` by hour are 24 points.
 */
function cut(query: MetricsQuery, interval: Interval, asked: { from: number; to: number; ms: Millis }): Span {
  const zone = query.time_zone;
  const step = interval === "none" ? "minute" : interval;
  // The present point counts even in its first millisecond.
  const to = ceilIn(zone, step, query.from === undefined ? asked.to + 1 : asked.to);
  const back = query.from === undefined ? backFrom(to, query, interval, asked.ms) : asked.from;
  const from = floorIn(zone, step, back);
  if (interval === "none") return { from, to, starts: [from] };
  const least = { minute: MINUTE_MS, hour: HOUR_MS / 2, day: DAY_MS / 2 }[interval];
  if ((to - from) / least > 4 * MAX_POINTS) throw tooMany(Math.round((to - from) / least));
  return { from, to, starts: startsIn(zone, step, from, to) };
}

/** Days are those of the calendar, which daylight saving makes longer and shorter. */
function backFrom(to: number, query: MetricsQuery, interval: Interval, ms: Millis): number {
  if (interval === "day" && ms % DAY_MS === 0) return earlierIn(query.time_zone, to, ms / DAY_MS);
  return to - ms;
}

const tooMany = (points: number, series = 1, most = MAX_POINTS): TriggersError =>
  refuse(`The query asks for more than ${most} points.`, {
    path: series > 1 ? "/top" : "/interval",
    message: `makes ${points} points${series > 1 ? ` of ${series} series` : ""}; at most ${most} are allowed: ask for a longer interval, a shorter range or fewer series`,
  });

function checkKept(span: Span, interval: Interval, now: Millis, path: string): void {
  if (interval !== "minute" && interval !== "hour") return;
  const days = KEPT_DAYS[interval];
  if (span.from >= now - days * DAY_MS - DAY_MS) return;
  throw refuse(`The range begins before what is kept.`, {
    path,
    message: `is older than ${days} days, for which ${interval}s are kept: ask for a longer interval`,
  });
}

/**
 * Cuts a query's time into points.
 * @param now milliseconds
 * @throws TriggersError `invalid_request` for a range that is impossible, makes too many points, or begins before the oldest kept numbers
 */
export function rangeOf(query: MetricsQuery, now: Millis): Range {
  const asked = askedRange(query, now);
  const interval = query.interval === "auto" ? autoInterval(asked.ms) : query.interval;
  const span = cut(query, interval, asked);
  const points = span.starts.length;
  if (points > MAX_POINTS) throw tooMany(points);
  const room = roomFor(query);
  const top = query.group_by.length === 0 ? 1 : topOf(query, points, room);
  if (points * top > room) throw tooMany(points * top, top, room);
  checkKept(span, interval, now, query.from === undefined ? "/last" : "/from");
  const compare = query.compare === undefined ? undefined : earlier(span, query, interval);
  if (compare !== undefined) checkKept(compare, interval, now, "/compare");
  return { ...span, interval, top, ...(compare && { compare }) };
}

/** The range to compare with: as many days of the calendar earlier, else as long before. */
function earlier({ from, to, starts }: Span, query: MetricsQuery, interval: Interval): Span {
  const zone = query.time_zone;
  const days = query.compare === "week" ? 7 : interval === "day" ? starts.length : undefined;
  const span =
    days === undefined
      ? { from: from - (to - from), to: from }
      : { from: earlierIn(zone, from, days), to: earlierIn(zone, to, days) };
  if (interval === "none") return { ...span, starts: [span.from] };
  const first = floorIn(zone, interval, span.from);
  const last = ceilIn(zone, interval, span.to);
  return { from: first, to: last, starts: startsIn(zone, interval, first, last) };
}
