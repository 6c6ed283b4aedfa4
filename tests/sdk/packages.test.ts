import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";

/** What the README of each package says to somebody who has only that package, published or not. */
const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

for (const workspace of ["sdk/typescript", "cli"])
  test(`the README of ${workspace} says how it is packed, and installs the file that packing makes`, () => {
    const { name, version } = JSON.parse(read(`${workspace}/package.json`)) as { name: string; version: string };
    const [, commands = ""] = /^```sh\n([\s\S]*?)^```/m.exec(read(`${workspace}/README.md`)) ?? [];
    const file = `./${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
    assert.match(commands, new RegExp(`^npm pack --workspace ${workspace}\n`));
    assert.match(commands, new RegExp(`^npm install (--global|--prefix \\S+) ${file.replaceAll(".", "\\.")}\n`, "m"));
    assert.ok(read(`${workspace}/README.md`).includes(`Where your registry has it, \`npm install`));
  });

test("the README of sdk/python says how it is installed from its folder", () => {
  assert.match(read("sdk/python/README.md"), /^```sh\npip install \.\/sdk\/python\n```$/m);
  assert.match(read("sdk/python/pyproject.toml"), /^name = "triggers-sdk"$/m);
});

test("no README of a package leads to a file that the package does not have", () => {
  for (const folder of ["sdk/typescript", "sdk/python", "cli"]) {
    const links = [...read(`${folder}/README.md`).matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(([, target]) => target);
    assert.deepEqual(links, [], folder);
  }
});

test.run();
