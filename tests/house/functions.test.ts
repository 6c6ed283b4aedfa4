import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { test } from "uvu";

const root = join(import.meta.dirname, "../..");

/** More arguments than this in a row get mixed up: they go into an object with names. */
const MOST_ARGUMENTS = 5;
const MANY_ARGUMENTS: Readonly<Record<string, string>> = {
  "runtime/matching/index/tree.ts editShelf": "runs for each node of the index; an object a call would cost memory",
  "runtime/matching/jsonPath/query.ts slice": "runs for each step of a path over each event",
  "local/dynamodb/dynaliteTypes.ts QueryTable": "dynalite calls it like this",
  "local/dynamodb/queryTable.ts pageReader": "the function that dynalite calls",
  "local/redis/scripts.ts _lua_pcallk": "Lua's C interface",
};

/** All that is not a test, and not made by a program. */
const PRODUCT =
  "{cli,components,console/src,docs/site/src,loadtest,local,operations,policies,program,runtime,sdk/typescript/src}/**/*.{ts,tsx}";

/** A stand-in of a service that is longer holds wiring and behaviour in one: behaviour gets a file in the service's folder. */
const MOST_LINES = 150;

/** The nearest name at or around a function. */
function nameOf(node: ts.Node): string {
  for (let at: ts.Node = node; !ts.isSourceFile(at); at = at.parent) {
    const { name } = at as { readonly name?: ts.Node };
    if (name !== undefined) return name.getText();
  }
  return "";
}

const linesOf = (node: ts.Node): number => node.getText().split("\n").length;

/** `<file> <name>` of the functions that break a rule. */
function breaking(file: string, text: string, rule: (node: ts.SignatureDeclaration) => boolean): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && rule(node)) found.push(`${file} ${nameOf(node)}`);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return found;
}

const breakingIn = (files: string, rule: (node: ts.SignatureDeclaration) => boolean): string[] =>
  globSync(files, { cwd: root, exclude: ["**/node_modules/**"] })
    .flatMap((file) => breaking(file, readFileSync(join(root, file), "utf8"), rule))
    .sort();

const takesMany = ({ parameters }: ts.SignatureDeclaration): boolean => parameters.length > MOST_ARGUMENTS;
const isLong = (node: ts.SignatureDeclaration): boolean => linesOf(node) > MOST_LINES;

test(`no function takes more than ${MOST_ARGUMENTS} arguments in a row, but for those with a reason`, () =>
  assert.deepEqual(breakingIn(PRODUCT, takesMany), Object.keys(MANY_ARGUMENTS).sort()));

test(`no function of the local platform is longer than ${MOST_LINES} lines`, () =>
  assert.deepEqual(breakingIn("local/**/*.ts", isLong), []));

test("the checks see functions, methods, arrows and types of them", () => {
  const six = "(a: 1, b: 2, c: 3, d: 4, e: 5, f: 6)";
  const text = `function one${six} {}; class C { two${six} {} }; const three = ${six} => 0; type Four = ${six} => void;`;
  assert.deepEqual(breaking("x.ts", text, takesMany), ["x.ts one", "x.ts two", "x.ts three", "x.ts Four"]);
  assert.deepEqual(breaking("x.ts", "function five(a: 1, b: 2, c: 3, d: 4, e: 5) {}", takesMany), []);
  const lines = (n: number) => `function long() {${"\n".repeat(n - 1)}}`;
  assert.deepEqual(breaking("x.ts", lines(MOST_LINES + 1), isLong), ["x.ts long"]);
  assert.deepEqual(breaking("x.ts", lines(MOST_LINES), isLong), []);
});

test.run();
