import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DuckDBConnection, type DuckDBType, type DuckDBValue, LIST, listValue, VARCHAR } from "@duckdb/node-api";
import type { CubeRows, ReadCube } from "../counters/metrics.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import type { Dims, Take } from "../domain/metrics/answer.ts";
import { cubeKey, daysOf } from "../domain/metrics/cube.ts";
import type { MetricsQuery } from "../domain/metrics/query.ts";
import {
  type Counter,
  count,
  counters,
  type HistogramName,
  histograms,
  noSums,
  type Sums,
} from "../domain/metrics/sums.ts";
import type { Millis } from "../domain/time.ts";
import { columnOf, dimensionColumns, histogramColumn } from "./columns.ts";
import { quoted, withDuck } from "./duck.ts";
import type { CubeFiles } from "./files.ts";
import { timestamp } from "./fold.ts";

/**
 * Reads rows of the cube, added up by the quarter and what the query tells apart. The SQL is put together from names of ours; what the
 * query says goes along as values.
 */

const GETS_AT_ONCE = 32;

export const cubeReaderOf =
  (files: CubeFiles): ReadCube =>
  async (tenant, wanted, take) => {
    const days = [...new Set(wanted.ranges.flatMap(daysOf))];
    await withDuck(async (duck, folder) => {
      const found = await mapConcurrently(days, GETS_AT_ONCE, async (day) => {
        const file = await files.get(cubeKey(tenant, day));
        if (file === undefined) return undefined;
        const path = join(folder, `${day}.parquet`);
        writeFileSync(path, file.bytes);
        return path;
      });
      const paths = found.filter((path) => path !== undefined);
      if (paths.length === 0) return;
      await readFiles(duck, paths, wanted, take);
    });
  };

const told = [...dimensionColumns, "reason"] as const;
type Told = (typeof told)[number];

/** What the SQL tells apart: all that is grouped by, and what only the rows' reader can filter by. */
function toldApart({ group_by, filter }: MetricsQuery): Told[] {
  const named = new Set<string>(group_by);
  // Workflows are known by subscription, and what a delivery is now by its counters.
  if (named.has("workflow_id") || filter.workflow_id !== undefined) named.add("subscription_id");
  if (filter.status !== undefined) named.add("status");
  return told.filter((name) => named.has(name) || (name !== "status" && filter[name] !== undefined));
}

async function readFiles(
  duck: DuckDBConnection,
  paths: readonly string[],
  { grain, ranges, query }: CubeRows,
  take: Take,
): Promise<void> {
  const apart = toldApart(query);
  const within = ranges
    .map(
      ({ from, to }) =>
        `(quarter_start >= TIMESTAMP ${timestamp(from)} AND quarter_start < TIMESTAMP ${timestamp(to)})`,
    )
    .join(" OR ");
  const values: DuckDBValue[] = [grain];
  const types: DuckDBType[] = [VARCHAR];
  const conditions = ["grain = $1", `(${within})`];
  for (const name of told) {
    const wanted = name === "status" ? undefined : query.filter[name];
    if (wanted === undefined) continue;
    values.push(listValue(wanted.filter((value) => value !== null)));
    types.push(LIST(VARCHAR));
    const column = columnOf(name);
    const given = `list_contains($${values.length}, ${column})`;
    conditions.push(wanted.includes(null) ? `(${column} IS NULL OR ${given})` : given);
  }
  const from = `FROM read_parquet([${paths.map(quoted).join(", ")}]) WHERE ${conditions.join(" AND ")}`;
  const keys = ["epoch_ms(quarter_start)::DOUBLE AS at_ms", ...apart.map(columnOf)];
  const places = keys.map((_, i) => i + 1).join(", ");
  const rows = new Map<string, { readonly at: Millis; readonly dims: Dims; readonly sums: Sums }>();
  const rowOf = (row: readonly unknown[]) => {
    const id = JSON.stringify(row.slice(0, keys.length));
    let known = rows.get(id);
    if (known === undefined) {
      const dims = Object.fromEntries(apart.map((name, i) => [name, row[i + 1] as string | null])) as Dims;
      known = { at: row[0] as number, dims, sums: noSums() };
      rows.set(id, known);
    }
    return known.sums;
  };
  const each = async (sql: string, read: (row: readonly unknown[]) => void) => {
    const result = await duck.runAndReadAll(sql, values, types);
    for (const row of result.getRowsJS()) read(row);
  };
  const summed = [...counters.map((name) => `sum(${name})::DOUBLE`), "max(peak)::DOUBLE"];
  await each(`SELECT ${[...keys, ...summed].join(", ")} ${from} GROUP BY ${places}`, (row) => {
    const sums = rowOf(row);
    for (const [i, name] of counters.entries()) count(sums, name as Counter, row[keys.length + i] as number);
    sums.peak = row[keys.length + counters.length] as number;
  });
  for (const name of histograms)
    if (query.measures.some((measure) => measure === `${name}_latency_ms`))
      await each(
        `SELECT ${keys.map((_, i) => `k${i}`).join(", ")}, h.bucket, sum(h.n)::DOUBLE FROM (SELECT ${keys
          .map((key, i) => `${key.replace(/ AS .*/, "")} AS k${i}`)
          .join(", ")}, unnest(${histogramColumn(name)}) AS h ${from}) GROUP BY ${places}, ${keys.length + 1}`,
        (row) => addBucket(rowOf(row), name, row[keys.length] as number, row[keys.length + 1] as number),
      );
  for (const { at, dims, sums } of rows.values()) take(at, dims, sums);
}

function addBucket({ latencies }: Sums, name: HistogramName, bucket: number, n: number): void {
  latencies[name] ??= new Map();
  latencies[name].set(bucket, n);
}
