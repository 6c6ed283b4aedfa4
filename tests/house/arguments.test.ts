import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { test } from "uvu";

const root = join(import.meta.dirname, "../..");

/** More arguments than this in a row get mixed up: they go into an object with names. */
const MOST = 5;

const ALLOWED: Readonly<Record<string, string>> = {
  "runtime/matching/index/tree.ts editShelf": "runs for each node of the index; an object a call would cost memory",
  "runtime/matching/jsonPath/query.ts slice": "runs for each step of a path over each event",
  "local/dynamodb/dynaliteTypes.ts QueryTable": "dynalite calls it like this",
  "local/dynamodb/queryTable.ts pageReader": "the function that dynalite calls",
  "local/redis/scripts.ts _lua_pcallk": "Lua's C interface",
};

/** The nearest name at or around a function. */
function nameOf(node: ts.Node): string {
  for (let at: ts.Node = node; !ts.isSourceFile(at); at = at.parent) {
    const { name } = at as { readonly name?: ts.Node };
    if (name !== undefined) return name.getText();
  }
  return "";
}

function longLists(file: string, text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && node.parameters.length > MOST) found.push(`${file} ${nameOf(node)}`);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return found;
}

test(`no function takes more than ${MOST} arguments in a row, but for those with a reason`, () => {
  const found = globSync("{runtime,components,local}/**/*.{ts,tsx}", { cwd: root }).flatMap((file) =>
    longLists(file, readFileSync(join(root, file), "utf8")),
  );
  assert.deepEqual(found.sort(), Object.keys(ALLOWED).sort());
});

test("the check sees functions, methods, arrows and types of them", () => {
  const six = "(a: 1, b: 2, c: 3, d: 4, e: 5, f: 6)";
  const text = `function one${six} {}; class C { two${six} {} }; const three = ${six} => 0; type Four = ${six} => void;`;
  assert.deepEqual(longLists("x.ts", text), ["x.ts one", "x.ts two", "x.ts three", "x.ts Four"]);
  assert.deepEqual(longLists("x.ts", "function five(a: 1, b: 2, c: 3, d: 4, e: 5) {}"), []);
});

test.run();
