import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { test } from "uvu";
import { exampleGraph } from "../../../program/graph.ts";
import { columns } from "../../../runtime/cube/columns.ts";
import { cubeFilesIn } from "../../../runtime/cube/files.ts";
import { foldHour } from "../../../runtime/cube/fold.ts";
import { cubeKey } from "../../../runtime/domain/metrics/cube.ts";
import { boundJoint, MAX_JOINT_KEYS, type Rows, rowIn, tallyRows } from "../../../runtime/domain/metrics/facts.ts";
import { memoryS3 } from "../../support/storage.ts";

const HOUR = 3_600_000;
const DAY = Date.UTC(2026, 5, 1);

/** Rows of one attempt to deliver events of a type. */
function attempt(type: string, subscription_id: string, error: "timeout" | null, times = 1): Rows {
  const rows: Rows = new Map();
  for (let i = 0; i < times; i += 1)
    tallyRows((key) => rowIn(rows, key), {
      ...{ kind: "attempted", tenant: "cus_a", at: DAY, subscription_id, error, latency_ms: 12 },
      outcome: error === null ? "delivered" : "failed",
      parts: [{ types: [type], key_id: "key_1" }],
    });
  return rows;
}

/** What the last of some statements says of files of the cube, as JSON. */
async function ask(
  objects: ReadonlyMap<string, Uint8Array>,
  sql: (folder: string) => string | readonly string[],
): Promise<unknown[][]> {
  const folder = mkdtempSync(join(tmpdir(), "cube-test-"));
  try {
    for (const [key, bytes] of objects) {
      mkdirSync(dirname(join(folder, key)), { recursive: true });
      writeFileSync(join(folder, key), bytes);
    }
    const connection = await (await DuckDBInstance.create()).connect();
    let rows: unknown[][] = [];
    for (const statement of [sql(folder)].flat())
      rows = (await connection.runAndReadAll(statement)).getRowsJson() as unknown[][];
    connection.closeSync();
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const page = readFileSync("docs/metrics.md", "utf8");
/** The documented query, over a folder. */
const documented = (folder: string): string =>
  /```sql\n(SELECT[\s\S]*?read_parquet[\s\S]*?)```/
    .exec(page)![1]!
    .replace("CUBE", `${folder}/bucket`)
    .replace("TENANT", "cus_a");

/** The queries for Athena, over its table: here a view of the same files, with the partitions that Glue takes from their paths. */
const [forAthena, ofAttempts] = [...page.matchAll(/```sql\n(SELECT[^`]*?\nFROM facts\b[\s\S]*?)```/g)].map(
  ([, sql]) =>
    (folder: string): string[] => [
      `CREATE VIEW facts AS FROM read_parquet('${folder}/bucket/cube/*/*/facts.parquet', hive_partitioning = true, hive_types_autocast = false)`,
      sql!.replace("TENANT", "cus_a"),
    ],
) as [(folder: string) => string[], (folder: string) => string[]];

test("the documented SQL reads the very files, each hour as it was folded last", async () => {
  const objects = new Map<string, Uint8Array>();
  const files = cubeFilesIn(memoryS3(objects), "bucket");
  await foldHour(files, "cus_a", DAY, { quarters: new Map([[DAY, attempt("a", "sub_1", "timeout")]]) });
  await foldHour(files, "cus_b", DAY, { quarters: new Map([[DAY, attempt("of another", "sub_9", null)]]) });
  await foldHour(files, "cus_a", DAY + HOUR, { quarters: new Map([[DAY + HOUR, attempt("a", "sub_1", null, 2)]]) });
  // Late: the first hour again, with more.
  const more = attempt("a", "sub_1", "timeout", 3);
  for (const [key, sums] of attempt("b \u0000\ud800'\"\n", "sub_2", null)) more.set(key, sums);
  await foldHour(files, "cus_a", DAY, { quarters: new Map([[DAY + HOUR / 4, more]]) });
  assert.deepEqual([...objects.keys()], [`bucket/${cubeKey("cus_a", DAY)}`, `bucket/${cubeKey("cus_b", DAY)}`]);
  for (const sql of [documented, forAthena])
    assert.deepEqual(await ask(objects, sql), [
      ["a", "sub_1", "timeout", "3", "3"],
      ["a", "sub_1", null, "2", "0"],
      ["b \ufffd\ufffd'\"\n", "sub_2", null, "1", "0"],
    ]);
});

test("the documented SQL for percentiles gives the buckets of each hour's attempts", async () => {
  const objects = new Map<string, Uint8Array>();
  const files = cubeFilesIn(memoryS3(objects), "bucket");
  const day = /day = '([\d-]+)'/.exec(ofAttempts("")[1]!)![1]!;
  const from = Date.parse(day);
  for (const [hour, times] of [
    [from, 3],
    [from + HOUR, 2],
    [from + 24 * HOUR, 9],
  ] as const)
    await foldHour(files, "cus_a", hour, { quarters: new Map([[hour, attempt("a", "sub_1", null, times)]]) });
  // 12 ms lie in the bucket up to 1.1^27 ms.
  assert.deepEqual(await ask(objects, ofAttempts), [
    [`${day} 00:00:00`, 27, "3"],
    [`${day} 01:00:00`, 27, "2"],
  ]);
});

test("hours of one day that are folded at once are all there afterwards", async () => {
  const objects = new Map<string, Uint8Array>();
  const files = cubeFilesIn(memoryS3(objects), "bucket");
  const hours = Array.from({ length: 8 }, (_, i) => DAY + i * HOUR);
  await Promise.all(
    hours.map((hour) => foldHour(files, "cus_a", hour, { quarters: new Map([[hour, attempt("a", "sub_1", null)]]) })),
  );
  assert.deepEqual(await ask(objects, documented), [["a", "sub_1", null, "8", "0"]]);
});

test("an hour without facts makes no file", async () => {
  const objects = new Map<string, Uint8Array>();
  await foldHour(cubeFilesIn(memoryS3(objects), "bucket"), "cus_a", DAY, { quarters: new Map() });
  assert.equal(objects.size, 0);
});

test("the Glue table has the columns that the files have, in their types", async () => {
  const { resources } = await exampleGraph("prod");
  const table = resources.find(({ type }) => type === "aws:glue/catalogTable:CatalogTable")!;
  const glue: Record<string, string> = { VARCHAR: "string", BIGINT: "bigint", TIMESTAMP: "timestamp" };
  const expected = columns.map(([name, type]) => ({
    name,
    type: glue[type] ?? "array<struct<bucket:int,n:bigint>>",
  }));
  assert.deepEqual((table.inputs.storageDescriptor as { columns: unknown }).columns, expected);
});

test("past 1,000 joint keys the others are one row, and sums are unchanged", () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), (beyond) => {
      const rows: Rows = new Map();
      const keys = MAX_JOINT_KEYS + beyond;
      for (let i = 0; i < keys; i += 1)
        for (const [key, sums] of attempt(`type ${i}`, "sub_1", null, i < 3 ? 2 : 1)) {
          if (key.startsWith("j")) rows.set(key, sums);
        }
      const bounded = boundJoint(rows);
      const attempts = (all: Rows) => [...all.values()].reduce((sum, { counts }) => sum + (counts.attempts ?? 0), 0);
      assert.equal(bounded.size, MAX_JOINT_KEYS + 1);
      assert.equal(attempts(bounded), attempts(rows));
      assert.ok([...rows.keys()].slice(0, 3).every((key) => bounded.has(key)));
    }),
    { numRuns: 5 },
  ));

test.run();
