import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { suite } from "uvu";
import { checkDatabase, damagedLogBytes } from "../../local/integrity.ts";
import { StartError } from "../../local/startError.ts";

const test = suite("integrity of SQLite files");

let folder: string;
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "integrity-"));
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

/** A file and its log as SIGKILL leaves them: copied while they are open. @param generations how often the log began anew */
function killed(rows: number, generations = 1): string {
  const path = join(folder, "live.sqlite");
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)");
  const insert = db.prepare("INSERT INTO t (v) VALUES (?)");
  for (let generation = 0; generation < generations; generation += 1) {
    // Each one shorter than the last, so that old frames stay behind the new ones.
    for (let i = 0; i < rows / (generation + 1); i += 1) insert.run(Buffer.alloc(3_000, i));
    if (generation < generations - 1) db.exec("PRAGMA wal_checkpoint(RESTART)");
  }
  const copy = join(folder, "state.sqlite");
  for (const end of ["", "-wal"]) cpSync(`${path}${end}`, `${copy}${end}`);
  db.close();
  return copy;
}

const rowsOf = (path: string): number => {
  const db = new DatabaseSync(path);
  try {
    return (db.prepare("SELECT count(*) AS n FROM t").get() as { n: number }).n;
  } finally {
    // One that is left open ends with the collector's next round, and takes the log of a later try with it.
    db.close();
  }
};
const lines: string[] = [];
const kept = { what: "the things", withoutIt: "they are gone", log: (line: string) => void lines.push(line) };

test("a log left by a kill counts as whole, even with older frames behind it", () => {
  for (const generations of [1, 2, 3]) {
    const path = killed(12, generations);
    assert.equal(damagedLogBytes(`${path}-wal`), 0);
    rmSync(join(folder, "live.sqlite"));
  }
});

test("for any flipped byte of the log, the frames that SQLite drops are reported", () => {
  const path = killed(6);
  const bytes = readFileSync(`${path}-wal`);
  const whole = readFileSync(path);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = damaged[at]! ^ flip;
      writeFileSync(path, whole);
      writeFileSync(`${path}-wal`, damaged);
      rmSync(`${path}-shm`, { force: true });
      const told = damagedLogBytes(`${path}-wal`);
      let rows = 0;
      try {
        rows = rowsOf(path);
      } catch {
        // Without its log the table isn't there at all.
      }
      // Some bytes mean nothing; where rows are missing, it is told.
      return rows === 6 || told > 0;
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 150) },
  );
});

test("a log that was cut short is reported with its file and remedy, and the rest is used", () => {
  const path = killed(6);
  truncateSync(`${path}-wal`, statSync(`${path}-wal`).size - 100);
  lines.length = 0;
  checkDatabase(path, kept);
  assert.match(
    lines.join(),
    /^the things: the last \d+ bytes of .*state\.sqlite-wal can't be read and are passed over; if more than the last moment is in them, put back a copy, or else they are gone$/,
  );
  assert.equal(rowsOf(path), 5);
});

test("a file that is not a database, or has broken pages, stops the start and names the remedy", () => {
  const path = killed(40);
  assert.equal(rowsOf(path), 40);
  const bytes = readFileSync(path);
  const stopped = (damaged: Buffer) => {
    writeFileSync(path, damaged);
    assert.throws(
      () => checkDatabase(path, kept),
      (cause: Error) =>
        cause instanceof StartError &&
        /^.*state\.sqlite, which holds the things, is damaged: .*\nPut back a copy of it if there is one\. Or move it away, .* and they are gone\.$/.test(
          cause.message,
        ),
    );
  };
  stopped(Buffer.concat([Buffer.from("no database at all"), bytes.subarray(18)]));
  stopped(bytes.subarray(0, bytes.length - 4_096 * 5));
  stopped(Buffer.concat([bytes.subarray(0, 4_096), Buffer.alloc(4_096, 0xff), bytes.subarray(8_192)]));
});

test.run();
