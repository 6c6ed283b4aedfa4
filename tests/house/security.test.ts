import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";

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

test.run();
