import type { MetricsAnswer, Point } from "../../runtime/domain/metrics/answer.ts";
import type { Measure } from "../../runtime/domain/metrics/names.ts";
import type { MetricsQueryInput } from "../../runtime/domain/metrics/query.ts";
import type { Value } from "../../runtime/domain/metrics/values.ts";
import { MINUTE_MS } from "../../runtime/domain/time.ts";

/**
 * What a socket tells of the last two minutes, put into an answer that knows the minutes before. Pure.
 *
 * Invariant: the answer is the one that asking anew would give, or there is none. Where points don't add up to it, as to the
 * percentile of a range, it is asked for again instead.
 */

/** A message of the channel `metrics`: the running minute, and the one before. */
export interface LiveFigures {
  readonly complete_until: string;
  readonly start: string;
  readonly previous: Point;
  readonly [measure: string]: unknown;
}

type Asked = Omit<MetricsQueryInput, "measures"> & { readonly measures: readonly Measure[] };

/** Members of a message that are no measure. */
const aside: ReadonlySet<string> = new Set(["channel", "at", "complete_until", "previous"]);

const numberOf = (values: Readonly<Record<string, unknown>>, name: string): number => {
  const value = values[name];
  return typeof value === "number" ? value : 0;
};

/** A share as the platform rounds it. */
const rate = (part: number, whole: number): number | null =>
  whole === 0 ? null : Math.round((part / whole) * 1e6) / 1e6;

/** What points come to by one measure; undefined where they don't tell. @param asked all measures that the points have */
function totalOf(measure: string, points: readonly Point[], asked: readonly string[]): Value | undefined {
  const sum = (name: string) => points.reduce((total, point) => total + numberOf(point, name), 0);
  if (measure.endsWith("_latency_ms")) return undefined;
  // A measure that the filter does not know is null in each point.
  if (points.every((point) => point[measure] === null)) return null;
  if (measure === "limit_use") return Math.max(...points.map((point) => numberOf(point, measure)));
  if (measure === "delivery_success_rate") {
    if (!asked.includes("delivered") || !asked.includes("dead_lettered")) return undefined;
    return rate(sum("delivered"), sum("delivered") + sum("dead_lettered"));
  }
  if (measure === "error_rate") {
    if (!asked.includes("attempts")) return undefined;
    // A rate of a minute has six digits, which tell how many attempts failed of up to a million.
    const failed = points.reduce(
      (total, point) => total + Math.round(numberOf(point, "error_rate") * numberOf(point, "attempts")),
      0,
    );
    return rate(failed, sum("attempts"));
  }
  return sum(measure);
}

/** One point of a message, with just these measures. */
function pointOf(told: Readonly<Record<string, unknown>>, measures: readonly string[], completeUntil: number): Point {
  const start = String(told.start);
  const partial = Date.parse(start) + MINUTE_MS > completeUntil ? { partial: true as const } : {};
  return { start, ...Object.fromEntries(measures.map((name) => [name, (told[name] ?? null) as Value])), ...partial };
}

/**
 * @param query what was asked, by the minute and up to now
 * @param answer what came back for it
 * @param told the newest figures under the same filter
 * @returns the answer as it is by then; undefined where these figures don't lead from one to the other
 */
export function joined(query: Asked, answer: MetricsAnswer, told: LiveFigures): MetricsAnswer | undefined {
  const { measures, group_by = [], compare, histogram, to } = query;
  const [series, ...more] = answer.series;
  if (answer.interval !== "minute" || to !== undefined || group_by.length > 0) return undefined;
  if (compare !== undefined || histogram === true || series === undefined || more.length > 0) return undefined;
  const known = new Set(Object.keys(told).filter((name) => !aside.has(name)));
  if (!measures.every((measure) => known.has(measure))) return undefined;
  // Older than the answer: the clock is the platform's for both.
  if (told.complete_until < answer.complete_until) return undefined;
  const running = Date.parse(told.start);
  const last = series.points.at(-1);
  if (last === undefined) return undefined;
  const behind = (running - Date.parse(last.start)) / MINUTE_MS;
  // What happened in a minute between is not known.
  if (behind !== 0 && behind !== 1) return undefined;
  const completeUntil = Date.parse(told.complete_until);
  const news = [told.previous, told].map((point) => pointOf(point, measures, completeUntil));
  /** A range that ends now goes on with the clock; one that has a beginning grows. */
  const dropped = query.last === undefined ? 0 : behind;
  const before = series.points.slice(dropped, behind === 0 ? -2 : -1).map(({ partial: _, ...point }) => {
    const isPartial = Date.parse(point.start) + MINUTE_MS > completeUntil;
    return isPartial ? { ...point, partial: true as const } : point;
  });
  // A range of one minute has no room for the minute before.
  const length = series.points.length + behind - dropped;
  const points = [...before, ...news].slice(-length) as Point[];
  const totals: Record<string, Value> = {};
  for (const measure of measures) {
    const total = totalOf(measure, points, measures);
    if (total === undefined) return undefined;
    totals[measure] = total;
  }
  const later = (text: string, minutes: number) => new Date(Date.parse(text) + minutes * MINUTE_MS).toISOString();
  return {
    ...answer,
    from: later(answer.from, dropped),
    to: later(answer.to, behind),
    complete_until: told.complete_until,
    series: [{ ...series, points, totals }],
    totals,
  };
}
