import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import { type ErrorCode, errorCatalog } from "../../runtime/domain/errors/errors.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/security.md"), "utf8");
/** Cells of the rows of the two tables that have a state. */
const rows = page
  .split("\n")
  .filter((line) => /^\| (API|V)\d/.test(line))
  .map((line) => line.slice(2, -2).split(" | "));

test("the tables have the ten rows of OWASP's API list and the 25 of its verification standard", () => {
  assert.equal(rows.filter(([name]) => name!.startsWith("API")).length, 10);
  assert.equal(rows.filter(([name]) => name!.startsWith("V")).length, 25);
});

for (const [name, state, , tests = ""] of rows) {
  test(`docs/security.md, ${name}: it has a state, and every test that it names is there`, () => {
    assert.match(state!, /^(held( as far as [^|]+)?|partly: .+|n\/a: .+)$/);
    const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file]) => file!);
    assert.ok(files.length > 0 || state!.startsWith("n/a"), "a row without a test");
    assert.deepEqual(
      files.filter((file) => !/\.test\.ts$/.test(file) || !existsSync(join(root, file))),
      [],
    );
  });
}

/** Rows of docs/limits.md, cell by cell. */
const limits = readFileSync(join(root, "docs/limits.md"), "utf8")
  .split("\n")
  .filter((line) => /^\| (?!what |---)/.test(line))
  .map((line) => line.slice(2, -2).split(" | "));

test("docs/limits.md: each row says the limit, what happens above it, and the tests that hold it, or why there is none", () => {
  assert.ok(limits.length > 40);
  for (const [what, ...cells] of limits) {
    assert.equal(cells.length, 3, what);
    const [limit, above, tests] = cells;
    assert.ok(limit !== "" && above !== "", what);
    const files = [...tests!.matchAll(/`([^`]+)`/g)].map(([, file]) => file!);
    assert.ok(files.length > 0 || /^(the same|none: .+)$/.test(tests!), what);
    for (const file of files) assert.ok(/\.test\.ts$/.test(file) && existsSync(join(root, file)), `${what}: ${file}`);
    for (const [, status, code] of above!.matchAll(/\b([45]\d\d) `(\w+)`/g))
      assert.equal(errorCatalog[code as ErrorCode]?.status, Number(status), `${what}: ${code}`);
  }
});

test.run();
