import { dimsOf, grainOf, type Rows } from "../domain/metrics/facts.ts";
import { type Counter, counters, type HistogramName, histograms, type Sums } from "../domain/metrics/sums.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";

/** The columns of the cube's files, and rows as they are written there. */

export const dimensionColumns = ["event_type", "subscription_id", "key_id", "status", "error"] as const;
export type DimensionColumn = (typeof dimensionColumns)[number];

export const histogramColumn = (name: HistogramName): string => `${name}_ms`;

/** The column that tells a dimension apart. A refusal has no failed attempt: its reason stands where that would. */
export const columnOf = (dimension: DimensionColumn | "reason"): DimensionColumn =>
  dimension === "reason" ? "error" : dimension;

/** Name and DuckDB type of each column, in order. */
export const columns: readonly (readonly [name: string, type: string])[] = [
  ["quarter_start", "TIMESTAMP"],
  ["grain", "VARCHAR"],
  ...dimensionColumns.map((name) => [name, "VARCHAR"] as const),
  ...counters.map((name: Counter) => [name, "BIGINT"] as const),
  ["peak", "BIGINT"],
  ...histograms.map((name) => [histogramColumn(name), "STRUCT(bucket INTEGER, n BIGINT)[]"] as const),
];

/** DuckDB refuses lone surrogates and U+0000 in JSON, which an event type may hold. */
const readable = (text: string | null | undefined): string | null =>
  text === null || text === undefined ? null : text.toWellFormed().replaceAll("\u0000", "\uFFFD");

function lineOf(at: Millis, key: string, { counts, latencies, peak }: Sums): string {
  const dims = dimsOf(key);
  const told = dims.reason === undefined ? dims : { ...dims, error: dims.reason };
  return JSON.stringify({
    quarter_start: rfc3339(at).slice(0, -1),
    grain: grainOf(key),
    ...Object.fromEntries(dimensionColumns.map((name) => [name, readable(told[name])])),
    ...Object.fromEntries(counters.map((name) => [name, counts[name] ?? 0])),
    peak,
    ...Object.fromEntries(
      histograms.map((name) => [
        histogramColumn(name),
        [...(latencies[name] ?? [])].map(([bucket, n]) => ({ bucket, n })),
      ]),
    ),
  });
}

/** Rows of quarters as lines of JSON. */
export const linesOf = (quarters: ReadonlyMap<number, Rows>): string[] =>
  [...quarters].flatMap(([at, rows]) => [...rows].map(([key, sums]) => lineOf(at, key, sums)));
