import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { test } from "uvu";

const root = join(import.meta.dirname, "../..");
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(root, file)));
const names = new Set(files.map((file) => basename(file)));

/** Comments of a source text, without the slashes that begin addresses: `https://…`. */
const COMMENT = /\/\*[\s\S]*?\*\/|(?<![:"'`\w/])\/\/[^\n]*/g;
/** A file by its name or path: `errors.md`, `runtime/store/read.ts`. Not `.test.ts`, which is an ending. */
const NAMED = /(?<![\w./*-])((?:[\w.-]+\/)*\w[\w.-]*\.(?:ts|md|mjs|cjs))\b(?![./]\w)/g;

/** Names of files that a build makes, and that are not kept. */
const BUILT = new Set(["index.mjs"]);

/** Files that a text names and that are not there. A bare name may be of any folder, a path may begin anywhere. */
function missingFrom(file: string, text: string): string[] {
  const read = file.endsWith(".md") ? text : [...text.matchAll(COMMENT)].map(([comment]) => comment).join("\n");
  return [...read.matchAll(NAMED)]
    .map(([, path]) => path!)
    .filter(
      (path) =>
        !BUILT.has(path) &&
        !files.includes(path) &&
        !files.includes(normalize(join(dirname(file), path))) &&
        !files.some((one) => one.endsWith(`/${path}`)) &&
        !(basename(path) === path && names.has(path)),
    );
}

test("comments and pages name files that are there", () =>
  assert.deepEqual(
    files
      .filter((file) => /\.(ts|mjs|cjs|md)$/.test(file) && !/^tests\/(corpus|house\/references)/.test(file))
      .flatMap((file) => missingFrom(file, readFileSync(join(root, file), "utf8")).map((path) => `${file}: ${path}`)),
    [],
  ));

test("the check sees a file that is gone, in every kind of comment", () => {
  const text = [
    "/** docs/decisions/gone.md says why. */",
    "// see gone.ts",
    'const kept = "gone.md";',
    "// https://example.com/gone.md",
    "// README.md and ../support/groups.ts and `.test.ts`",
  ].join("\n");
  assert.deepEqual(missingFrom("tests/house/references.test.ts", text), ["docs/decisions/gone.md", "gone.ts"]);
});

test.run();
