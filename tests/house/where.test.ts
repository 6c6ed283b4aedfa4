import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "uvu";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/where.md"), "utf8");

/** Paths of the API by the file that declares them: `alertRules` has `/alert-rules/{id}`. */
const declared = globSync("runtime/api/routes/*.ts", { cwd: root })
  .sort()
  .flatMap((file) =>
    [...readFileSync(join(root, file), "utf8").matchAll(/method: [^\n]+\n\s+path: ["`](\/[^"`]*)["`]/g)].map(
      ([, path]) => ({ file: basename(file), path: path! }),
    ),
  );

/** The paths that the page says are in another file than their first part names. */
const elsewhere = new Map(
  [...page.matchAll(/^\| (`\/.+`) \| `(\w+\.ts)` \|$/gm)].flatMap(([, paths, file]) =>
    [...paths!.matchAll(/`([^`]+)`/g)].map(([, path]) => [path!, file!] as const),
  ),
);

/** `alertRules.ts` for `/alert-rules/{id}`. */
const namedBy = (path: string): string =>
  `${path.split("/")[1]!.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())}.ts`;

test("a call is in the file that docs/where.md says", () => {
  assert.ok(declared.length > 60, String(declared.length));
  assert.deepEqual(
    declared.filter(({ file, path }) => file !== (elsewhere.get(path) ?? namedBy(path))),
    [],
  );
});

test("docs/where.md names no path that is not declared, and none that is where its name says", () =>
  assert.deepEqual(
    [...elsewhere].filter(
      ([path, file]) => !declared.some((one) => one.path === path && one.file === file) || namedBy(path) === file,
    ),
    [],
  ));

test("docs/where.md names files and folders that are there", () => {
  const named = [...page.matchAll(/`((?:runtime|local|components)\/[\w/.]+)`/g)].map(([, path]) => path!);
  assert.ok(named.length > 70, String(named.length));
  assert.deepEqual(
    named.filter((path) => !existsSync(join(root, path))),
    [],
  );
});

test.run();
