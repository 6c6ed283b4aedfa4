import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { suite } from "uvu";
import { layInstances, type MakeInstance } from "../../local/lambda/instances.ts";

/** A module by a file that makes instances of it, beside the same module imported. */
const test = suite("instances");
const require = createRequire(import.meta.url);
let folder: string;
let modules = 0;

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), "instances-"));
  writeFileSync(join(folder, "beside.mjs"), "export const beside = 'beside'; export default 'default of beside';");
});
test.after(() => rmSync(folder, { recursive: true }));

function lay(code: string): string {
  const file = join(folder, `module${++modules}.mjs`);
  writeFileSync(file, code);
  return file;
}

/** What makes instances of the module; undefined where it has to be imported. */
async function making(file: string): Promise<(() => Promise<Record<string, unknown>>) | undefined> {
  const made = await layInstances(file);
  if (made === undefined) return undefined;
  const make = require(made) as MakeInstance;
  return () => make({ url: pathToFileURL(file).href, filename: file, dirname: dirname(file) });
}

/** What a module says of itself: its exports, those that are functions called. */
async function said(exports: Record<string, unknown>): Promise<Record<string, unknown>> {
  const entries = Object.entries(exports).map(async ([name, value]) => {
    if (typeof value !== "function") return [name, value];
    try {
      return [name, await value()];
    } catch (cause) {
      return [name, `${(cause as Error).name}: ${(cause as Error).message}`];
    }
  });
  return Object.fromEntries((await Promise.all(entries)).sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

/** Statements of a module, each with what it exports. */
const STATEMENTS: readonly (readonly [code: string, ...exports: string[]])[] = [
  ['import { createHash } from "node:crypto"; const a = createHash("md5").update("x").digest("hex");', "a"],
  ['import { createHmac as b1, randomUUID } from "node:crypto"; const b = typeof b1 + typeof randomUUID;', "b"],
  ['import path from "node:path"; const c = path.join("x", "y");', "c"],
  ['import path2, { sep as d1 } from "node:path"; const d = path2.sep === d1;', "d"],
  ['import * as fs from "node:fs"; const e = typeof fs.readFileSync;', "e"],
  ['import "node:os"; const f = 1;', "f"],
  ['import standard, { beside as g1 } from "./beside.mjs"; const g = standard + g1;', "g"],
  ["const h = () => later(); function later() { return 'a function that stands below'; }", "h"],
  ["let count = 0; const i = () => (count += 1);", "i"],
  ["const j = import.meta.url, j2 = import.meta.filename;", "j", "j2 as other"],
  ["const k = await Promise.resolve('waited for');", "k"],
  ['const l = async () => (await import("./beside.mjs")).beside;', "l"],
  ["const m = [typeof require, typeof module, typeof exports, typeof __filename, typeof __dirname].join();", "m"],
  ["const n = (function () { return this === undefined; })(), n2 = this === undefined;", "n", "n2"],
  ["const o = () => { undeclared = 1; };", "o"],
  ["const p = 'import.meta export { x } from \"y\"', p2 = /import\\.meta/.source;", "p", 'p2 as "a name in quotes"'],
  ["let left = 3; while (left-->1); const t = '<!-- ' + left, t2 = `\n-->`, t3 = /<!--|-->/.source;", "t", "t2", "t3"],
  ["const q = '\u{1F600} \u00e9 \u4e2d';", "q"],
  ["class R { #x = 1; get x() { return this.#x; } } const r = () => new R().x;", "r"],
  [
    'import { createRequire } from "node:module"; const required = createRequire(import.meta.url); const s = typeof required("node:fs").statSync;',
    "s",
  ],
];

test("a module says the same by an instance as when it is imported, for all kinds of imports and exports", async () => {
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray([...STATEMENTS], { minLength: 1 }), fc.boolean(), async (chosen, lines) => {
      const names = chosen.flatMap(([, ...exports]) => exports);
      const code = [...chosen.map(([text]) => text), `export { ${names.join(", ")} };`].join(lines ? "\n" : " ");
      const file = lay(code);
      const make = await making(file);
      assert.ok(make !== undefined, code);
      assert.deepEqual(await said(await make()), await said(await import(file)), code);
    }),
    { numRuns: 60 },
  );
});

test("each instance has variables of its own", async () => {
  const make = await making(lay("let count = 0; const next = () => (count += 1); export { next };"));
  const [one, other] = (await Promise.all([make!(), make!()])) as { next(): number }[];
  assert.deepEqual([one!.next(), one!.next(), other!.next()], [1, 2, 1]);
});

test("an error of an instance names the columns of the module, one line further down", async () => {
  const code = 'import { sep } from "node:path"; const fail = () => { throw new Error(sep); }; export { fail };';
  const file = lay(code);
  const placeOf = (module: Record<string, unknown>) => {
    try {
      (module.fail as () => void)();
    } catch (cause) {
      return /:(\d+):(\d+)\)?$/m
        .exec((cause as Error).stack!)!
        .slice(1)
        .map(Number);
    }
    return [];
  };
  const [line, column] = placeOf(await import(file));
  assert.deepEqual(placeOf(await (await making(file))!()), [line! + 1, column]);
});

test("the source map of the file says the same of each line as the module's, one line further down", async () => {
  const file = lay("const x = 1; export { x };\n//# sourceMappingURL=mapped.map\n");
  const map = { version: 3, sources: ["a.ts"], names: [], mappings: "AAAA" };
  writeFileSync(`${file}.map`, JSON.stringify(map));
  const made = (await layInstances(file))!;
  assert.deepEqual(JSON.parse(readFileSync(`${made}.map`, "utf8")), { ...map, mappings: ";AAAA" });
  assert.match(readFileSync(made, "utf8"), /\/\/# sourceMappingURL=module\d+\.instances-\d+\.cjs\.map\n$/);
});

test("what the module compiles at its start is kept for the next process", async () => {
  const statements = Array.from({ length: 500 }, (_, i) => `const x${i} = [${i}, "text ${i}", { member: ${i} }];`);
  const made = (await layInstances(lay(`${statements.join("\n")}\nexport { x1 };`)))!;
  const cache = mkdtempSync(join(folder, "compiled-"));
  execFileSync(process.execPath, ["--eval", `require(${JSON.stringify(made)})`], {
    env: { NODE_COMPILE_CACHE: cache },
  });
  const sizes = readdirSync(cache, { recursive: true, withFileTypes: true }).map((entry) =>
    entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0,
  );
  assert.ok(Math.max(...sizes) > 10_000, `${Math.max(...sizes)} bytes are kept of 500 statements`);
});

test("where the file can't be written, the module is imported", async () => {
  const file = lay("const x = 1; export { x };");
  // What stands in the way of the draft.
  mkdirSync(`${file.replace(/\.mjs$/, "")}.instances-2.cjs.${process.pid}`);
  assert.equal(await making(file), undefined);
});

for (const code of [
  "export const x = 1;",
  "export default 1;",
  'export * from "./beside.mjs";',
  'export { beside } from "./beside.mjs";',
  "#!/usr/bin/env node\nexport { };",
  "let y = 2; const x = 3 <!--y; export { x };",
  "let y = 2; const s = '<!--', x = 3 <!--y; export { s, x };",
  "const x = ; export { x };",
])
  test(`a module that can't be had by instances is imported: ${JSON.stringify(code)}`, async () => {
    assert.equal(await making(lay(code)), undefined);
  });

test.run();
