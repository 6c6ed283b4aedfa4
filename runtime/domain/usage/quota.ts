import { DAY_MS, HOUR_MS, type Millis } from "../time.ts";
/**
 * What of a limit was used, and where that leads. Everything is counted in accepted events, as the limit is; today's limit is
 * held against all of the past. Starts and times are milliseconds since the epoch; months and days are UTC's.
 */

/** Events by the start of their hour or minute; starts without events may be absent. */
export type Series = ReadonlyMap<number, number>;

/** Days that a trend is made of: whole weeks, since working days are unlike Sundays. */
const TREND_DAYS = 28;
/** Days of traffic below which there is no trend. */
const LEAST_DAYS = 7;
/** The present pace is the mean of so many days. */
const PACE_DAYS = 7;
/** Traffic that is younger foretells no month: it has not shown a night yet. */
const LEAST_PACE_MS = DAY_MS;
/** Further ahead than this a trend says nothing. */
const HORIZON_DAYS = 365;

/** Events per second, to a thousandth. */
const rate = (perSecond: number): number => Math.round(perSecond * 1e3) / 1e3;
/** Share of a limit, 1 being all of it, to a millionth. */
export const share = (perSecond: number, limit: number): number => Math.round((perSecond / limit) * 1e6) / 1e6;

/** The start with the most events, the earliest of equals; undefined when there were none. */
export function busiest(series: Series): number | undefined {
  let found: number | undefined;
  for (const [start, events] of series) {
    const most = found === undefined ? 0 : series.get(found)!;
    if (events > most || (events === most && events > 0 && start < found!)) found = start;
  }
  return found;
}

/** The busiest stretch of a range. */
export interface Peak {
  readonly start: number;
  readonly interval: "minute" | "hour";
  readonly per_second: number;
}

/** @param minutes of any range */
export function peakMinute(minutes: Series): Peak | undefined {
  const start = busiest(minutes);
  if (start === undefined) return undefined;
  return { start, interval: "minute", per_second: minutes.get(start)! / 60 };
}

/**
 * The peak of hours: the busiest minute of the busiest one, or that hour itself where its minutes are no longer kept.
 * @param minutes of the busiest hour
 */
export function peakOf(hours: Series, minutes: Series): Peak | undefined {
  const start = busiest(hours);
  if (start === undefined) return undefined;
  const mean: Peak = { start, interval: "hour", per_second: hours.get(start)! / 3_600 };
  const within = peakMinute(new Map([...minutes].filter(([at]) => at >= start && at < start + HOUR_MS)));
  // The mean can't be above the busiest minute unless minutes are missing.
  return within !== undefined && within.per_second >= mean.per_second ? within : mean;
}

/** What of a limit a range used. */
export interface LimitUse {
  readonly limit_per_second: number;
  readonly average_per_second: number;
  readonly average_use: number;
  readonly peak_per_second: number;
  readonly peak_use: number;
  /** Start of the peak; null without events. */
  readonly peak_start: number | null;
  readonly peak_interval: "minute" | "hour" | null;
}

/** @param ms how much of the range has passed */
export function limitUse(limit_per_second: number, events: number, ms: Millis, peak: Peak | undefined): LimitUse {
  const average = ms <= 0 ? 0 : events / (ms / 1_000);
  const highest = peak?.per_second ?? 0;
  return {
    limit_per_second,
    average_per_second: rate(average),
    average_use: share(average, limit_per_second),
    peak_per_second: rate(highest),
    peak_use: share(highest, limit_per_second),
    peak_start: peak?.start ?? null,
    peak_interval: peak?.interval ?? null,
  };
}

const hourOf = (now: Millis): number => Math.floor(now / HOUR_MS) * HOUR_MS;

/** First ms of the month of `now`, and of the next one. */
function monthOf(now: Millis): { readonly from: number; readonly to: number } {
  const date = new Date(now);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { from: Date.UTC(year, month), to: Date.UTC(year, month + 1) };
}

/** The hours that `projectionOf` needs to know: the month's so far, and those of the trend. */
export function projectionRange(now: Millis): { readonly from: number; readonly to: number } {
  const hour = hourOf(now);
  return { from: Math.min(monthOf(now).from, hour - TREND_DAYS * DAY_MS), to: hour + HOUR_MS };
}

/** The trend's hours that are over: one that has only begun would look quiet. */
export function trendHours(now: Millis, hours: Series): Series {
  const end = hourOf(now);
  return new Map([...hours].filter(([start]) => start >= end - TREND_DAYS * DAY_MS && start < end));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A line through values one a day. */
interface Trend {
  /** On the last day. */
  readonly level: number;
  readonly per_day: number;
}

/** The line of Theil and Sen: the median of all slopes, which a few wild days don't bend as they bend least squares. */
function trendOf(values: readonly number[]): Trend {
  const slopes = values.flatMap((value, i) => values.slice(i + 1).map((later, k) => (later - value) / (k + 1)));
  const per_day = median(slopes);
  const last = values.length - 1;
  return { level: Math.max(0, median(values.map((value, i) => value + per_day * (last - i)))), per_day };
}

/** Events in the busiest hour of each of the trend's days, which end with the last whole hour; from the first day with any. */
function busiestHours(now: Millis, hours: Series): number[] {
  const begin = hourOf(now) - TREND_DAYS * DAY_MS;
  const most = new Array<number>(TREND_DAYS).fill(0);
  for (const [start, events] of trendHours(now, hours)) {
    const day = Math.floor((start - begin) / DAY_MS);
    most[day] = Math.max(most[day]!, events);
  }
  const first = most.findIndex((events) => events > 0);
  return first < 0 ? [] : most.slice(first);
}

/** Events per second of the last days, or since traffic began if that was later, for at least an hour; and how long ago it began. */
function paceOf(now: Millis, hours: Series): { readonly perSecond: number; readonly ageMs: Millis } {
  const begin = hourOf(now) - PACE_DAYS * DAY_MS;
  let events = 0;
  let first = now;
  for (const [start, count] of hours) {
    if (count === 0) continue;
    first = Math.min(first, start);
    if (start >= begin) events += count;
  }
  return { perSecond: events / (Math.max(now - Math.max(begin, first), HOUR_MS) / 1_000), ageMs: now - first };
}

/** Where the present leads. */
export interface Projection {
  readonly month_start: number;
  readonly month_end: number;
  readonly events_to_date: number;
  readonly events_per_second: number;
  /** Null, as what follows from it, while there is less than a day of traffic. */
  readonly projected_events: number | null;
  readonly projected_use: number | null;
  /** Today's peak on the trend; null where traffic is too young for one. */
  readonly peak_per_second: number | null;
  readonly peak_growth_per_day: number | null;
  /** `now` when the trend's peak has met the limit; null when it does not within a year. */
  readonly limit_reached_at: Millis | null;
}

/**
 * Events by the end of the month if they come at the present pace, and when the peak meets the limit if it grows on.
 * @param hours of `projectionRange(now)`
 * @param minutes of the busiest of `trendHours(now, hours)`: how far peaks stand above their hour
 */
export function projectionOf(now: Millis, limit: number, hours: Series, minutes: Series): Projection {
  const month = monthOf(now);
  let events_to_date = 0;
  for (const [start, events] of hours) if (start >= month.from && start <= now) events_to_date += events;
  const { perSecond, ageMs } = paceOf(now, hours);
  const projected = ageMs < LEAST_PACE_MS ? null : events_to_date + (perSecond * (month.to - now)) / 1_000;
  return {
    month_start: month.from,
    month_end: month.to,
    events_to_date,
    events_per_second: rate(perSecond),
    projected_events: projected === null ? null : Math.round(projected),
    projected_use: projected === null ? null : share(projected / ((month.to - month.from) / 1_000), limit),
    ...peakProjection(now, limit, hours, minutes),
  };
}

function peakProjection(now: Millis, limit: number, hours: Series, minutes: Series) {
  const days = busiestHours(now, hours);
  if (days.length < LEAST_DAYS) return { peak_per_second: null, peak_growth_per_day: null, limit_reached_at: null };
  const whole = trendHours(now, hours);
  const hour = whole.get(busiest(whole)!)!;
  /** From a busy hour's events to the events per second of its busiest minute. */
  const perEvent = peakOf(whole, minutes)!.per_second / hour;
  const trend = trendOf(days);
  const [peak, growth] = [trend.level * perEvent, trend.per_day * perEvent];
  const daysLeft = peak >= limit ? 0 : growth > 0 ? (limit - peak) / growth : Number.POSITIVE_INFINITY;
  return {
    peak_per_second: rate(peak),
    peak_growth_per_day: rate(growth),
    limit_reached_at: daysLeft <= HORIZON_DAYS ? Math.round(now + daysLeft * DAY_MS) : null,
  };
}
