import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import { type Level, log } from "../../runtime/aws/log.ts";
import { printed } from "../support/printed.ts";

const root = join(import.meta.dirname, "../..");
const textOf = (file: string): string => readFileSync(join(root, file), "utf8");
const runtime = globSync("runtime/**/*.ts", { cwd: root }).map((file) => [file, textOf(file)] as const);

test("functions write lines through the one logger: Lambda would put printed text into a line of its own, and another logger spells its levels otherwise", () =>
  assert.deepEqual(
    runtime
      .filter(([, text]) => /\bconsole\.\w+\(|process\.std(out|err)/.test(text))
      .map(([file]) => file)
      .filter((file) => file !== "runtime/aws/log.ts"),
    [],
  ));

/** A message in the code: `log("error", "route.failed"`, `report("ingest.failed"`, or one of two by a condition. */
const MESSAGE = /"((?:[a-z]+)\.[a-z_]+)"/g;
/** `log("error", …` and `log(failed ? "warn" : "info", …`, with the messages up to the fields. */
const CALL = /\blog\(([^;]*?)(?:\{|\);)/g;

/** Level and message of every line that the code may write. */
const written: [level: Level, message: string][] = runtime.flatMap(([, text]) => [
  ...[...text.matchAll(CALL)].flatMap(([, call]) => {
    const levels = [...call!.matchAll(/"(info|warn|error)"/g)].map(([, level]) => level as Level);
    return [...call!.matchAll(MESSAGE)].flatMap(([, message]) =>
      levels.map((level): [Level, string] => [level, message!]),
    );
  }),
  ...[...text.matchAll(/\breportFailure\(\s*"([a-z]+\.[a-z_]+)"/g)].map(([, message]): [Level, string] => [
    "error",
    message!,
  ]),
]);

/** The line that the logger makes of it, as CloudWatch keeps it. */
function lineOf(level: Level, message: string): Readonly<Record<string, string>> {
  const line = printed(() => log(level, message));
  return { ...(JSON.parse(line) as Record<string, string>), "@message": line };
}
const lines = written.map(([level, message]) => lineOf(level, message));

/** Queries of Logs Insights in pages: code that begins with `filter` or `fields`. */
const queries = ["README.md", ...globSync("docs/**/*.md", { cwd: root })].flatMap((page) =>
  [...textOf(page).matchAll(/`((?:filter|fields) [^`]+)`/g)].map(([, query]) => [page, query!] as const),
);

/** One condition of a filter: `level = "ERROR"`, `@message like /Task timed out/`. */
const CONDITION = /^(@?\w+) (?:= "([^"]*)"|like \/(.+)\/)$/;

/** The filter of a query as a function, for conditions joined by `or`. @throws Error for a filter that isn't understood here */
function filterOf(query: string): (line: Readonly<Record<string, string>>) => boolean {
  const filter = /(?:^|\| )filter ([^|]+)/.exec(query)?.[1]?.trim() ?? "";
  const conditions = filter.split(" or ").map((condition) => {
    const match = CONDITION.exec(condition);
    if (match === null) throw new Error(`the condition "${condition}" is not understood: extend this test`);
    const [, field, value, pattern] = match;
    return (line: Readonly<Record<string, string>>) =>
      value === undefined ? new RegExp(pattern!).test(line[field!] ?? "") : line[field!] === value;
  });
  return (line) => conditions.some((holds) => holds(line));
}

test("the code's messages are found", () => {
  const messages = written.map(([level, message]) => `${level} ${message}`);
  for (const one of [
    "error route.failed",
    "error api.failed",
    "error edge.failed",
    "warn deliver.attempted",
    "info deliver.attempted",
  ])
    assert.ok(messages.includes(one), one);
});

test("a query for errors finds every line that the code writes as one", () => {
  const errors = queries.filter(([, query]) => query.includes("level"));
  assert.ok(errors.length >= 2);
  for (const [page, query] of errors)
    assert.deepEqual(
      lines.filter(filterOf(query)).map(({ message }) => message),
      written.filter(([level]) => level === "error").map(([, message]) => message),
      page,
    );
});

for (const [page, query] of queries) {
  test(`${page}: \`${query}\` asks for what the code writes`, () => {
    // Lambda's own fields and lines: `@duration` of `@type = "REPORT"`.
    const [, message] = /message = "([^"]+)"/.exec(query) ?? [];
    if (message !== undefined) assert.ok(lines.some(filterOf(query)), `nothing logs ${message}`);
    const fields = [...query.replaceAll(/"[^"]*"|\/[^/]*\//g, "").matchAll(/(?<![@\w(])([a-z]+(?:_[a-z]+)*)(?![\w(])/g)]
      .map(([, field]) => field!)
      .filter((field) => !WORDS.has(field));
    assert.deepEqual(
      fields.filter((field) => !runtime.some(([, text]) => new RegExp(`\\b${field}\\b`).test(text))),
      [],
    );
  });
}

/** Words of the query language. Source: CloudWatch Logs User Guide, "Logs Insights query syntax". */
const WORDS = new Set("fields filter stats sort limit by desc asc as and or not like in".split(" "));

test("the check sees a query that finds no line", () => {
  assert.equal(lines.some(filterOf('filter level = "error"')), false);
  assert.equal(lines.some(filterOf('filter message = "route.broke"')), false);
});

test.run();
