import { type Ringing, rehearse } from "../domain/alerts/evaluate.ts";
import { type RuleDefinition, type Watched, watchedBy } from "../domain/alerts/rule.ts";
import { grainFor } from "../domain/metrics/facts.ts";
import { QUARTER_MS } from "../domain/metrics/hours.ts";
import type { Measure } from "../domain/metrics/names.ts";
import { dimensionsIn, type MetricsQuery } from "../domain/metrics/query.ts";
import { addSums, noSums, type Sums } from "../domain/metrics/sums.ts";
import { numberOf, readingsOf, type Value } from "../domain/metrics/values.ts";
import { HOUR_MS, MINUTE_MS, rfc3339 } from "../domain/time.ts";
import { probesBetween } from "./alerts.ts";
import { type Measured, type MetricsReader, queryMetrics, sumsIn } from "./metrics.ts";

/** The numbers that alert rules watch. */

const PREVIEW_MS = 30 * 24 * HOUR_MS;
/** What is newer is told by the minute. */
const BY_MINUTE_MS = 5 * HOUR_MS;
/** Milliseconds after which a fact is counted. */
export const COUNTED_AFTER_MS = 10_000;

/** The number that a set of facts is to a rule. @param limit events a second */
export function numberIn(
  watched: Watched & { query: NonNullable<Watched["query"]> },
  limit: number,
  sums: Sums,
): number | null {
  const [reading] = readingsOf(watched.query, limit);
  return reading === undefined || !reading.applies ? null : numberOf(reading.value(sums));
}

/** The numbers of points, each over the window that ends with it. @param points in a window, at least 1 */
export function rolling(
  watched: Watched & { query: NonNullable<Watched["query"]> },
  limit: number,
  sums: ReadonlyMap<number, Sums>,
  count: number,
  points: number,
): (number | null)[] {
  return Array.from({ length: count }, (_, place) => {
    if (points <= 1) return numberIn(watched, limit, sums.get(place) ?? noSums());
    const window = noSums();
    for (let at = Math.max(0, place - points + 1); at <= place; at += 1) {
      const more = sums.get(at);
      if (more !== undefined) addSums(window, more);
    }
    return numberIn(watched, limit, window);
  });
}

/** Numbers by all dimensions together are kept by the hour. */
async function byHour(
  reader: MetricsReader,
  measured: Measured,
  query: MetricsQuery,
  from: number,
  to: number,
): Promise<[starts: number[], values: (number | null)[]]> {
  const [measure] = query.measures as [Measure];
  const range = { from: rfc3339(from), to: rfc3339(to), interval: "hour" as const };
  const { series } = await queryMetrics(reader, measured, { ...query, ...range });
  const points = series[0]?.points ?? [];
  return [
    points.map(({ start }) => Date.parse(start)),
    points.map((point) => numberOf((point[measure] ?? null) as Value)),
  ];
}

export const startsBetween = (from: number, to: number, step: number): number[] =>
  Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, at) => from + at * step);

/** When a rule would have rung in the last 30 days. Times are milliseconds. */
export async function rehearseRule(
  reader: MetricsReader,
  measured: Measured,
  rule: RuleDefinition,
): Promise<{ from: number; to: number; rung: Ringing[] }> {
  const watched = watchedBy(rule);
  const to = Math.floor((reader.now() - COUNTED_AFTER_MS) / MINUTE_MS) * MINUTE_MS;
  const from = Math.floor((to - PREVIEW_MS) / HOUR_MS) * HOUR_MS;
  const { query } = watched;
  if (query === undefined) {
    const probes = await probesBetween(reader.counters, from, to);
    const numbers = startsBetween(from, to, MINUTE_MS).map((at) => [at, probes.get(at) ?? null] as const);
    return { from, to, rung: rehearse(rule, numbers) };
  }
  const cut = Math.floor((to - BY_MINUTE_MS) / HOUR_MS) * HOUR_MS;
  const joint = grainFor(dimensionsIn(query)) === "joint";
  const limit = measured.limit_per_second;
  const minutesOf = (starts: readonly number[], values: readonly (number | null)[], step: number) =>
    starts.flatMap((start, place) =>
      startsBetween(start, Math.min(start + step, to), MINUTE_MS).map((at) => [at, values[place]!] as const),
    );
  const rolled = async (begin: number, end: number, step: number) => {
    const starts = startsBetween(begin, end, step);
    const sums = await sumsIn(reader, measured, query, { from: begin, to: end, starts });
    const points = Math.max(1, Math.ceil((watched.window * MINUTE_MS) / step));
    return minutesOf(starts, rolling({ ...watched, query }, limit, sums, starts.length, points), step);
  };
  const parts = await Promise.all([
    joint
      ? byHour(reader, measured, query, from, cut).then(([starts, values]) => minutesOf(starts, values, HOUR_MS))
      : rolled(from, cut, QUARTER_MS),
    rolled(cut, to, MINUTE_MS),
  ]);
  return { from, to, rung: rehearse(rule, parts.flat()) };
}
