/** Arithmetic over numbers of time. A gap stays a gap: missing values are never filled in. */

type Maybe = number | null;
const known = (value: Maybe | undefined): value is number => value !== null && value !== undefined;

/**
 * The mean of each value and those up to two before and after it. Null where the value is, and in buckets that still fill, since what
 * they come to is not known yet.
 */
export function movingAverage(values: readonly Maybe[], partial: readonly boolean[] = []): Maybe[] {
  const whole = values.map((value, at) => (partial[at] === true ? null : value));
  return whole.map((value, at) => {
    if (!known(value)) return null;
    const near = whole.slice(Math.max(0, at - 2), at + 3).filter(known);
    return near.reduce((sum, each) => sum + each, 0) / near.length;
  });
}

export interface Trend {
  /** The line's value in each bucket. */
  readonly values: readonly Maybe[];
  /** Of its end to its beginning, as a share of that; null where it begins at nothing. */
  readonly change: number | null;
}

/** The line with the least squares through the whole buckets; undefined for fewer than three. It never goes below zero. */
export function trendOf(values: readonly Maybe[], partial: readonly boolean[] = []): Trend | undefined {
  const points = values.flatMap((value, at) => (known(value) && partial[at] !== true ? [[at, value] as const] : []));
  if (points.length < 3) return undefined;
  const meanAt = points.reduce((sum, [at]) => sum + at, 0) / points.length;
  const mean = points.reduce((sum, [, value]) => sum + value, 0) / points.length;
  const spread = points.reduce((sum, [at]) => sum + (at - meanAt) ** 2, 0);
  const slope = points.reduce((sum, [at, value]) => sum + (at - meanAt) * (value - mean), 0) / spread;
  const [first, last] = [points[0]![0], points.at(-1)![0]];
  const on = (at: number) => Math.max(0, mean + slope * (at - meanAt));
  return {
    values: values.map((_, at) => (at >= first && at <= last ? on(at) : null)),
    change: on(first) === 0 ? null : (on(last) - on(first)) / on(first),
  };
}

/** A trend in a word or two. */
export function trendInWords(trend: Trend | undefined): string {
  if (trend === undefined) return "too little for a trend";
  if (trend.change === null) return (trend.values.findLast(known) ?? 0) > 0 ? "rising from nothing" : "steady";
  const share = Math.round(Math.abs(trend.change) * 100);
  if (share < 5) return "steady";
  return `${trend.change > 0 ? "rising" : "falling"} by ${share} % over the range`;
}

/** The value that a share of them does not exceed. @param values at least one */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

export interface Usual {
  readonly low: number;
  readonly high: number;
}
/** Values below which nothing can be called usual. */
const LEAST = 6;

/** Between which values most lay: the tenth and ninetieth of a hundred; undefined for too few. */
export function usualOf(values: readonly Maybe[]): Usual | undefined {
  const all = values.filter(known);
  return all.length < LEAST ? undefined : { low: quantile(all, 0.1), high: quantile(all, 0.9) };
}

/** Room above what is usual before something counts as unusual: quantiles are off by 5 % at most on either side. */
const ROOM = 1.25;
export const isUnusual = (value: Maybe | undefined, usual: Usual | undefined): boolean =>
  known(value) && usual !== undefined && value > usual.high * ROOM;

/** An hour of a day of the calendar. */
export interface HourOfDay {
  /** `2026-11-27`. */
  readonly day: string;
  /** 0 to 23. */
  readonly hour: number;
  readonly value: number;
}

/**
 * What a day will come to: what it has so far, and as much more as the days before had on average after the same time of day.
 * @param today the day, as the hours name it @param hour of the present time @param passed share of that hour that is over, 0 to 1
 * @returns undefined without a whole day before
 */
export function dayForecast(
  hours: readonly HourOfDay[],
  today: string,
  hour: number,
  passed: number,
): { readonly soFar: number; readonly whole: number; readonly days: number } | undefined {
  const before = [...new Set(hours.map(({ day }) => day))].filter((day) => day < today).toSorted();
  // The first day may have begun before the first hour that is known, and the days before the first event foretell nothing.
  const busy = hours.filter(({ value }) => value > 0).map(({ day }) => day);
  const begun = busy.toSorted()[0] ?? today;
  const days = before.slice(1).filter((day) => day > begun);
  const soFar = hours.filter(({ day }) => day === today).reduce((sum, { value }) => sum + value, 0);
  if (days.length === 0) return undefined;
  const later = hours.filter(({ day }) => days.includes(day));
  const rest = later.reduce(
    (sum, each) => sum + (each.hour > hour ? each.value : each.hour === hour ? each.value * (1 - passed) : 0),
    0,
  );
  return { soFar, whole: soFar + rest / days.length, days: days.length };
}
