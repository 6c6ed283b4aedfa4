import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "uvu";

/**
 * Forward only, and compatible with the version that still runs: while a deployment is under way its functions work with the new schema.
 * What takes something away from them has to wait for the release after the one that stopped using it, and then be named here.
 */
const root = join(import.meta.dirname, "../../..");
const files = globSync("runtime/database/migrations/*.ts", { cwd: root }).sort();

/** Statements that a function of the former version may trip over. */
const breaking: readonly RegExp[] = [
  /\bdrop\s+(table|column|type|view|function)\b/i,
  /\brename\s+(to|column|constraint)\b/i,
  /\balter\s+(column\s+)?\w+\s+(set\s+data\s+)?type\b/i,
  /\bset\s+not\s+null\b/i,
  /\badd\s+column\s+(if\s+not\s+exists\s+)?\w+\s+(?![^,;]*\bdefault\b)[^,;]*\bnot\s+null\b/i,
  /\btruncate\b|\bdelete\s+from\b/i,
];
/** By migration, statements that are allowed after all, each with its reason. */
const allowed: Readonly<Record<string, string>> = {
  "0005-no-kept-secrets.ts": "the secrets of removed subscriptions, which nobody reads",
};

/** @returns the breaking statements in a migration's text */
const found = (text: string): string[] => breaking.flatMap((pattern) => pattern.exec(text)?.[0] ?? []);

test("migrations are numbered without a gap", () =>
  assert.deepEqual(
    files.map((file) => Number(basename(file).slice(0, 4))),
    files.map((_, at) => at + 1),
  ));

test("a migration after the first takes nothing away from the version that still runs", () =>
  assert.deepEqual(
    files
      .slice(1)
      .filter((file) => allowed[basename(file)] === undefined)
      .flatMap((file) => found(readFileSync(join(root, file), "utf8")).map((what) => `${basename(file)}: ${what}`)),
    [],
  ));

test("no migration has a way back", () =>
  assert.deepEqual(
    files.filter((file) =>
      /export (async )?function down|export const down/.test(readFileSync(join(root, file), "utf8")),
    ),
    [],
  ));

const says: [statement: string, breaks: boolean][] = [
  ["alter table customers add column note text;", false],
  ["alter table customers add column plan text not null default 'free';", false],
  ["create table notes (id text not null);", false],
  ["create index concurrently a on b (c);", false],
  ["alter table customers add column plan text not null;", true],
  ["alter table customers drop column name;", true],
  ["drop table jobs;", true],
  ["alter table jobs rename to work;", true],
  ["alter table jobs rename column kind to sort;", true],
  ["alter table jobs alter column cursor type text;", true],
  ["alter table jobs alter column result set not null;", true],
  ["delete from jobs;", true],
];
for (const [statement, breaks] of says)
  test(`${statement} ${breaks ? "would break" : "is fine for"} the version before`, () =>
    assert.equal(found(statement).length > 0, breaks));

test.run();
