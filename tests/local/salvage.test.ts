import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { suite } from "uvu";
import { checkDatabase } from "../../local/integrity.ts";
import { StartError } from "../../local/startError.ts";

const test = suite("salvage of a damaged file");

let folder: string;
let path: string;
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "salvage-"));
  path = join(folder, "queues.sqlite");
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

const lines: string[] = [];
const kept = {
  what: "the queues",
  withoutIt: "they are lost",
  row: "messages",
  log: (line: string) => lines.push(line),
};

const PAGE = 4_096;
const ROWS = 120;
/** Some rows fill pages of their own, most share one; numbers have gaps, as where messages were deleted. */
const bodyOf = (n: number) => Buffer.alloc(n % 17 === 0 ? 9_000 : 300, n);
const numberOf = (n: number) => n * 3 + 1_000_000;

/** @returns the bytes of a good file */
function written(): Buffer {
  const db = new DatabaseSync(path);
  db.exec("CREATE TABLE messages (seq INTEGER PRIMARY KEY, meta TEXT, sum INTEGER, body BLOB)");
  db.exec("CREATE TABLE receives (seq INTEGER PRIMARY KEY, receives INTEGER)");
  for (let n = 0; n < ROWS; n += 1) {
    const meta = `message ${n}`;
    db.prepare("INSERT INTO messages VALUES (?, ?, ?, ?)").run(numberOf(n), meta, crc32(meta), bodyOf(n));
    db.prepare("INSERT INTO receives VALUES (?, ?)").run(numberOf(n), n);
  }
  db.close();
  return readFileSync(path);
}

function rootOf(table: string): number {
  const db = new DatabaseSync(path);
  const { rootpage } = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(table) as {
    rootpage: number;
  };
  db.close();
  return rootpage;
}

/** Numbers of the messages that are there and whole, as the queues tell it. */
function whole(): Set<number> {
  const db = new DatabaseSync(path);
  try {
    const rows = db.prepare("SELECT seq, meta, sum, body FROM messages").all() as {
      seq: number;
      meta: string;
      sum: number;
      body: Uint8Array;
    }[];
    const good = rows.filter(
      ({ seq, meta, sum, body }) => crc32(meta) === sum && Buffer.compare(bodyOf((seq - 1_000_000) / 3), body) === 0,
    );
    return new Set(good.map(({ seq }) => seq));
  } finally {
    db.close();
  }
}

/** Whether what a line tells to be missing holds this number. */
const toldMissing = (line: string, seq: number): boolean =>
  [...line.matchAll(/messages (\d+) to (\d+)/g)].some(([, from, to]) => Number(from) <= seq && seq <= Number(to));

test("for any broken page, rows of other pages are read, and the missing ones are reported", () => {
  const good = written();
  const pages = good.length / PAGE;
  const root = rootOf("messages");
  // Where the other table tells no numbers, nothing leads past two broken ends.
  const guides = rootOf("receives");
  let salvages = 0;
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: pages - 1 }), { minLength: 1, maxLength: 3 }),
      fc.constantFrom("zeros", "ones", "another page", "cut"),
      (broken, how) => {
        for (const end of ["", ".damaged"]) rmSync(`${path}${end}`, { force: true });
        let bytes = Buffer.from(good);
        for (const page of broken) {
          const at = page * PAGE;
          if (how === "cut") bytes = bytes.subarray(0, Math.min(bytes.length, at + 100));
          else if (how === "another page") good.copy(bytes, at, PAGE, PAGE * 2);
          else bytes.fill(how === "zeros" ? 0 : 0xff, at, Math.min(bytes.length, at + PAGE));
        }
        writeFileSync(path, bytes);
        lines.length = 0;
        try {
          checkDatabase(path, kept);
        } catch (cause) {
          // Where the list of tables leads nowhere, the start is refused as before.
          assert.ok(cause instanceof StartError);
          return;
        }
        if (lines.length === 0) return;
        salvages += 1;
        assert.match(
          lines[0]!,
          /queues\.sqlite is damaged \(.*\); \d+ messages could be read and go on, .*kept as .*\.damaged: /,
        );
        assert.ok(existsSync(`${path}.damaged`));
        const there = whole();
        const missing = Array.from({ length: ROWS }, (_, n) => numberOf(n)).filter((seq) => !there.has(seq));
        for (const seq of missing)
          if (!present(seq) && !lines[0]!.includes("and more"))
            assert.ok(toldMissing(lines[0]!, seq), `${seq} is missing:\n${lines[0]}`);
        // A page holds a dozen small rows at most, or leads to one large row. Without its root nothing of a table is found, and a cut
        // takes all that is behind.
        if (how !== "cut" && !broken.includes(root - 1) && !broken.includes(guides - 1))
          assert.ok(missing.length <= broken.length * 15, `${missing.length} missing`);
      },
    ),
    // Both ends of the messages, and two pages with one between: the other table's numbers lead to what is between.
    {
      numRuns: Number(process.env.FUZZ_RUNS ?? 40),
      examples: [
        [[28, 5], "zeros"],
        [[9, 5], "zeros"],
      ],
    },
  );
  assert.ok(salvages > 0);
});

/** Whether there is a row of this number, be it one that says itself that it is damaged. */
function present(seq: number): boolean {
  const db = new DatabaseSync(path);
  try {
    return db.prepare("SELECT 1 FROM messages WHERE seq = ?").get(seq) !== undefined;
  } finally {
    db.close();
  }
}

test("a file that is no database is refused as before", () => {
  written();
  writeFileSync(path, "no database at all".padEnd(20_000));
  assert.throws(() => checkDatabase(path, kept), StartError);
  assert.equal(existsSync(`${path}.damaged`), false);
});

test.run();
