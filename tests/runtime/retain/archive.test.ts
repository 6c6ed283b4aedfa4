import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { test } from "uvu";
import { archivePrefix, encodeArchive } from "../../../runtime/domain/codec/index.ts";
import { eventHeads } from "../../../runtime/domain/event.ts";
import { eventId, newUlid, ulidAt } from "../../../runtime/domain/ids.ts";
import { hourFolder } from "../../../runtime/retain/archive.ts";
import { type ArchiveLine, parseLine } from "../../../runtime/retain/archiveLines.ts";
import { runsOf } from "../../../runtime/retain/replay/fromArchive.ts";

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function lines(customer: string, environment: string, payloads: readonly string[], types?: readonly (string | null)[]) {
  const first = newUlid(AT, payloads.length);
  const head = eventHeads(first, types ?? payloads.map(() => null));
  const records = encodeArchive(
    { first },
    customer,
    environment,
    payloads.map((text, i) => ({ head: head(i), raw: Buffer.from(text) })),
  );
  return { first, texts: records.map((record) => record.toString("utf8").trimEnd()) };
}

test("DuckDB reads the archive with the documented query, each event once and its payload with all its digits", async () => {
  const folder = mkdtempSync(join(tmpdir(), "archive-"));
  try {
    const one = lines(
      "cus_a",
      "live",
      ['{\n  "n": 1.10,\r\n  "big": 12345678901234567890\n}', '{"ü":"\\u00e9 \\"x\\""}'],
      ["order", null],
    );
    const two = lines("cus_b", "sandbox", ["{}"]);
    for (const [customer, texts] of [
      ["cus_a", [...one.texts, ...one.texts]],
      ["cus_b", two.texts],
    ] as const) {
      const hour = join(folder, `events/prefix=${archivePrefix(customer)}`, hourFolder(AT));
      mkdirSync(hour, { recursive: true });
      // As Firehose names its objects: without an extension.
      writeFileSync(join(hour, `retention-stream-1-${customer}`), gzipSync(`${texts.join("\n")}\n`));
    }
    const [, query] = /```sql\n(SELECT DISTINCT[\s\S]*?)```/.exec(readFileSync("docs/archive.md", "utf8"))!;
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    const reader = await connection.runAndReadAll(query!.replace("s3://ARCHIVE_BUCKET", folder));
    const rows = reader.getRowObjectsJson().map((row) => Object.values(row));
    connection.closeSync();
    const time = "2026-01-02 03:04:05.678+00";
    const expected = [
      ["cus_a", "live", eventId(one.first), "order", time, '{"n":1.1,"big":12345678901234567890}'],
      ["cus_a", "live", eventId(ulidAt(one.first, 1)), null, time, '{"ü":"é \\"x\\""}'],
      ["cus_b", "sandbox", eventId(two.first), null, time, "{}"],
    ];
    assert.deepEqual(
      rows,
      expected.sort((a, b) => (a[2]! < b[2]! ? -1 : 1)),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the rest of an erased batch is put back in runs without gaps", () => {
  const { texts, first } = lines(
    "cus_a",
    "live",
    Array.from({ length: 6 }, (_, n) => `{"n":${n}}`),
  );
  const line = parseLine(Buffer.from(texts[0]!)) as ArchiveLine;
  const events = line.events.filter((_, i) => i !== 2 && i !== 5);
  assert.deepEqual(
    runsOf(events.toReversed()).map((run) => run.map(({ event_id }) => event_id)),
    [
      [0, 1],
      [3, 4],
    ].map((run) => run.map((offset) => eventId(ulidAt(first, offset)))),
  );
});

test.run();
