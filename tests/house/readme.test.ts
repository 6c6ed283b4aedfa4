import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";

const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
/** Rows of the table "where things are": the folder, and what is in it. */
const rows = new Map(
  [...readme.matchAll(/^\| \[`([\w.]+)\/?`\]\([\w.]+\) \| (.+) \|$/gm)].map(([, name, text]) => [name!, text!]),
);
const files = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).split("\n");

test("the README describes every folder, and no folder that does not exist", () =>
  assert.deepEqual(
    [...rows.keys()].filter((name) => !name.endsWith(".ts")).sort(),
    // Hidden folders are settings of tools.
    [...new Set(files.filter((file) => /^[^./][^/]*\//.test(file)).map((file) => file.split("/")[0]!))].sort(),
  ));

for (const folder of ["runtime", "components"]) {
  test(`the README names every folder in ${folder}/`, () =>
    assert.deepEqual(
      readdirSync(join(root, folder), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .filter((name) => !rows.get(folder)!.includes(`\`${name}\``)),
      [],
    ));
}

test.run();
