import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type DuckDBConnection,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  LIST,
  listValue,
  VARCHAR,
} from "@duckdb/node-api";
import type { CubeRows, ReadCube } from "../counters/metrics.ts";
import type { TimeRange } from "../counters/read.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import { countersOf, type Dims, placeOf, type Take } from "../domain/metrics/answer.ts";
import { cubeKey, daysOf } from "../domain/metrics/cube.ts";
import { QUARTER_MS } from "../domain/metrics/hours.ts";
import type { MetricsQuery } from "../domain/metrics/query.ts";
import type { Span } from "../domain/metrics/range.ts";
import { count, type HistogramName, noSums, type Sums } from "../domain/metrics/sums.ts";
import { histogramsOf } from "../domain/metrics/values.ts";
import { columnOf, dimensionColumns, histogramColumn } from "./columns.ts";
import { quoted, withDuck } from "./duck.ts";
import type { CubeFiles } from "./files.ts";

/**
 * Reads rows of the cube, added up by the query's points and what it tells apart. The SQL is put together from names of ours; what the
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

/** Reads from the files what the query is about: facts of points, and the names in them, which rows then say by number. */
async function writeFacts(
  duck: DuckDBConnection,
  paths: readonly string[],
  { grain, query }: CubeRows,
  names: readonly string[],
  numbers: readonly string[],
): Promise<void> {
  const values: DuckDBValue[] = [grain];
  const types: DuckDBType[] = [VARCHAR];
  const conditions = ["grain = $1"];
  for (const name of told) {
    const wanted = name === "status" ? undefined : query.filter[name];
    if (wanted === undefined) continue;
    values.push(listValue(wanted.filter((value) => value !== null)));
    types.push(LIST(VARCHAR));
    const column = columnOf(name);
    const given = `list_contains($${values.length}, ${column})`;
    conditions.push(wanted.includes(null) ? `(${column} IS NULL OR ${given})` : given);
  }
  await duck.run(
    `CREATE TEMP TABLE facts AS SELECT ${["place", ...names, ...numbers].join(", ")} FROM read_parquet([${paths.map(quoted).join(", ")}]) JOIN points USING (quarter_start) WHERE ${conditions.join(" AND ")}`,
    values,
    types,
  );
  await duck.run(
    `CREATE TEMP TABLE named AS SELECT *, row_number() OVER () - 1 AS id FROM (SELECT DISTINCT ${names.join(", ")} FROM facts)`,
  );
}

async function readFiles(duck: DuckDBConnection, paths: readonly string[], asked: CubeRows, take: Take): Promise<void> {
  const { query, span } = asked;
  const apart = toldApart(query);
  // The grain is the same in all of them: so there is one name at least.
  const names = ["grain", ...apart.map(columnOf)];
  const counted = countersOf(query);
  const measured = histogramsOf(query);
  await writePoints(duck, asked.ranges, span);
  await writeFacts(duck, paths, asked, names, [...counted, "peak", ...measured.map(histogramColumn)]);
  const dims = (await duck.runAndReadAll(`SELECT ${names.join(", ")} FROM named ORDER BY id`))
    .getRowsJS()
    .map(([, ...row]) => Object.fromEntries(apart.map((name, i) => [name, row[i] as string | null])) as Dims);
  const rows = new Map<number, Sums>();
  const rowOf = (place: number, id: number): Sums => {
    const at = place * dims.length + id;
    let sums = rows.get(at);
    if (sums === undefined) {
      sums = noSums();
      rows.set(at, sums);
    }
    return sums;
  };
  const same = names.map((name) => `facts.${name} IS NOT DISTINCT FROM named.${name}`).join(" AND ");
  const from = `FROM facts JOIN named ON ${same}`;
  const summed = counted.map((name) => `sum(${name})`);
  await eachRow(duck, ["place", "id", "max(peak)", ...summed], `${from} GROUP BY 1, 2`, (value) => {
    const sums = rowOf(value(0), value(1));
    sums.peak = value(2);
    for (const [i, name] of counted.entries()) count(sums, name, value(3 + i));
  });
  for (const name of measured)
    await eachRow(
      duck,
      ["place", "id", "h.bucket", "sum(h.n)"],
      `FROM (SELECT place, id, unnest(${histogramColumn(name)}) AS h ${from}) GROUP BY 1, 2, 3`,
      (value) => addBucket(rowOf(value(0), value(1)), name, value(2), value(3)),
    );
  for (const [at, sums] of rows) take(span.starts[Math.floor(at / dims.length)]!, dims[at % dims.length]!, sums);
}

/** A table of the quarters that are wanted, each with the place of its point. */
async function writePoints(duck: DuckDBConnection, ranges: readonly TimeRange[], span: Span): Promise<void> {
  await duck.run("CREATE TEMP TABLE points (quarter_start TIMESTAMP, place INTEGER)");
  const firstQuarter = Math.ceil(span.from / QUARTER_MS) * QUARTER_MS;
  const appender = await duck.createAppender("points", "main", "temp");
  for (const { from, to } of ranges)
    for (let quarter = Math.max(from, firstQuarter); quarter < Math.min(to, span.to); quarter += QUARTER_MS) {
      appender.appendTimestamp(new DuckDBTimestampValue(BigInt(quarter) * 1_000n));
      appender.appendInteger(placeOf(span.starts, quarter));
      appender.endRow();
    }
  appender.closeSync();
}

/**
 * Hands over rows of numbers, column by column: a month has too many of them for an object each, and reading a text takes as long as
 * ten numbers.
 */
async function eachRow(
  duck: DuckDBConnection,
  columns: readonly string[],
  from: string,
  take: (value: (column: number) => number) => void,
): Promise<void> {
  const result = await duck.stream(`SELECT ${columns.map((column) => `(${column})::DOUBLE`).join(", ")} ${from}`);
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const { rowCount } = chunk;
    const vectors = columns.map((_, i) => chunk.getColumnVector(i));
    for (let at = 0; at < rowCount; at += 1) take((column) => vectors[column]!.getItem(at) as number);
  }
}

function addBucket({ latencies }: Sums, name: HistogramName, bucket: number, n: number): void {
  latencies[name] ??= new Map();
  latencies[name].set(bucket, n);
}
