import { bucketUpper, quantiles } from "../usage/histogram.ts";
import { share } from "../usage/quota.ts";
import { type CountMeasure, countsPairs, dimensionsOf, isLatency, type LatencyMeasure, type Measure } from "./names.ts";
import { dimensionsIn, type MetricsQuery } from "./query.ts";
import type { Counter, HistogramName, Sums } from "./sums.ts";

/** What a measure says of a set of facts. */

/** Of one measurement at least: where nothing was measured, the value of a latency is null. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly count: number;
  /** Upper bound in ms and count, ascending; only with `histogram`. */
  readonly buckets?: readonly (readonly [number, number])[];
}
export type Value = number | null | Latency;
/** A value as one number: of a latency the 95th percentile; null where there is none. */
export const numberOf = (value: Value): number | null =>
  value !== null && typeof value === "object" ? value.p95 : value;

const HISTOGRAM: Readonly<Record<LatencyMeasure, HistogramName>> = {
  accept_latency_ms: "accept",
  delivery_latency_ms: "delivery",
  attempt_latency_ms: "attempt",
};

/** The latencies that a query asks for. */
export const histogramsOf = ({ measures }: Pick<MetricsQuery, "measures">): HistogramName[] =>
  measures.flatMap((measure) => (isLatency(measure) ? [HISTOGRAM[measure]] : []));

/** What a measure needs of a row, and how it reads it. */
interface Reading {
  readonly measure: Measure;
  /** Whether it can be told apart by all that the query names. */
  readonly applies: boolean;
  readonly counters: readonly Counter[];
  readonly histogram?: HistogramName;
  /** By which series are ranked. */
  weigh(sums: Sums): number;
  value(sums: Sums): Value;
}

const rate = (part: number, whole: number): number | null =>
  whole === 0 ? null : Math.round((part / whole) * 1e6) / 1e6;

const QUANTILES = [0.5, 0.95, 0.99];

function measured(counts: ReadonlyMap<number, number> | undefined): number {
  let count = 0;
  for (const n of counts?.values() ?? []) count += n;
  return count;
}

function latencyOf(found: ReadonlyMap<number, number> | undefined, withBuckets: boolean): Latency | null {
  const count = measured(found);
  if (found === undefined || count === 0) return null;
  const [p50, p95, p99] = quantiles(found, QUANTILES) as [number, number, number];
  const buckets = withBuckets
    ? { buckets: [...found].sort(([a], [b]) => a - b).map(([bucket, n]) => [bucketUpper(bucket), n] as const) }
    : {};
  return { p50, p95, p99, count, ...buckets };
}

function counterOf(measure: CountMeasure, pairs: boolean): Counter {
  return pairs && (measure === "events" || measure === "matched") ? "pairs" : measure;
}

/**
 * How the measures of a query are read.
 * @param limit events a second that the customer may send
 */
export function readingsOf(query: MetricsQuery, limit: number): Reading[] {
  const named = dimensionsIn(query);
  const pairs = countsPairs(named);
  return query.measures.map((measure): Reading => {
    const applies =
      named.every((dimension) => dimensionsOf[measure].includes(dimension)) &&
      // The busiest second of several keys together is not known from each of theirs.
      (measure !== "limit_use" || (query.filter.key_id?.length ?? 1) === 1);
    const of = (sums: Sums, counter: Counter) => sums.counts[counter] ?? 0;
    if (isLatency(measure)) {
      const histogram = HISTOGRAM[measure];
      return {
        measure,
        applies,
        counters: [],
        histogram,
        weigh: (sums) => measured(sums.latencies[histogram]),
        value: (sums) => latencyOf(sums.latencies[histogram], query.histogram),
      };
    }
    if (measure === "limit_use")
      return {
        measure,
        applies,
        counters: ["events"],
        weigh: ({ peak }) => peak,
        value: ({ peak }) => share(peak, limit),
      };
    if (measure === "error_rate" || measure === "delivery_success_rate") {
      const counters: readonly [Counter, Counter] =
        measure === "error_rate" ? ["attempts_failed", "attempts"] : ["delivered", "dead_lettered"];
      const base = (sums: Sums) =>
        measure === "error_rate" ? of(sums, "attempts") : of(sums, "delivered") + of(sums, "dead_lettered");
      return { measure, applies, counters, weigh: base, value: (sums) => rate(of(sums, counters[0]), base(sums)) };
    }
    const counter = counterOf(measure, pairs);
    return {
      measure,
      applies,
      counters: [counter],
      weigh: (sums) => of(sums, counter),
      value: (sums) => of(sums, counter),
    };
  });
}

/** Whether a row says anything that the query asks for. */
export const tells = (readings: readonly Reading[], { counts, latencies }: Sums): boolean =>
  readings.some(
    ({ applies, counters, histogram }) =>
      applies &&
      ((histogram !== undefined && latencies[histogram] !== undefined) ||
        counters.some((counter) => (counts[counter] ?? 0) !== 0)),
  );

/** The measures of a set of facts, by name. A measure that has no such dimension is null. */
export const valuesOf = (readings: readonly Reading[], sums: Sums): Record<string, Value> =>
  Object.fromEntries(readings.map(({ measure, applies, value }) => [measure, applies ? value(sums) : null]));

/** A value as numbers, each with a name: a latency is four of them. */
export function numbersOf(measure: Measure, value: Value): [name: string, number: number | null][] {
  if (!isLatency(measure)) return [[measure, value as number | null]];
  const { p50, p95, p99, count } = (value as Latency | null) ?? { p50: null, p95: null, p99: null, count: 0 };
  return Object.entries({ p50, p95, p99, count }).map(([part, number]) => [`${measure}_${part}`, number]);
}
