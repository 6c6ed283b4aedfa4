import assert from "node:assert/strict";
import { parse } from "@bufbuild/cel";
import fc from "fast-check";
import { suite } from "uvu";
import { type Ast, partsOf } from "../../../runtime/matching/cel/ast.ts";
import { parseCel } from "../../../runtime/matching/cel/parser.ts";
import { Invalid } from "../../../runtime/matching/invalid.ts";

const test = suite("the parser of CEL");

/** Words from which expressions are thrown together: most sequences are wrong, some are right. */
const words = [
  ..."()[]{}.,:?!-+*/%<>",
  ..."() () () [] [] a a b event 1 1 2".split(" "),
  ..."== != <= >= && || in == && ||".split(" "),
  ".5 1.5 0x1F 7u 'x' \"é\" b'é' br'\\n' r'\\' '''a'b''' // c".split(" "),
  [".a", ".event", ".in", ".`a-b`", "has(a.b)", "a.exists(x, x == 1)", "a.map(x, x)", "true", "null", "__proto__"],
  [" ", "\f", "\n"],
].flat();
const sequences = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 9 }).map((each) => each.join(" "));

const accepts = (work: () => unknown): boolean => {
  try {
    work();
    return true;
  } catch {
    return false;
  }
};

/** Where the oracle is narrower (blanks before a bracket, comments at the end) or wider (names of macros), or we are (`a.in`). */
const differs =
  /\.\s*(in|true|null)\b|,\s*[)\]}]|__proto__|\{|`|has\s*\(|exists\s*\(|map\s*\(|\?\s*[^:]*\?|\d\s+\.|[!-]\s+[!-]|[\w`]\s+[([.]|\/\/[^\n]*$|'\s*'|\f/;

test("the parser takes and refuses the same texts as @bufbuild/cel", () => {
  let taken = 0;
  fc.assert(
    fc.property(sequences, (text) => {
      fc.pre(!differs.test(text));
      const ours = accepts(() => parseCel(text));
      if (ours) taken += 1;
      assert.equal(
        ours,
        accepts(() => parse(text)),
        text,
      );
    }),
    { numRuns: 4_000 },
  );
  assert.ok(taken > 50, `${taken} were right`);
});

const bare = (ast: Ast): unknown =>
  JSON.parse(
    JSON.stringify(ast, (name, value) =>
      name === "start" || name === "end" ? undefined : typeof value === "bigint" ? `${value}n` : value,
    ),
  );

test("each part's range holds its text: that text alone parses to the same part", () => {
  let parts = 0;
  const check = (ast: Ast, text: string) => {
    parts += 1;
    assert.deepEqual(bare(parseCel(text.slice(ast.start, ast.end))), bare(ast), `${text} [${ast.start}, ${ast.end})`);
    for (const part of partsOf(ast)) check(part, text);
  };
  const right = fc.letrec((tie) => ({
    expression: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(
        "a",
        "1",
        "-1",
        ".5",
        "'é'",
        "b'é'",
        ".event",
        "event.`a-b`",
        "event.in",
        "event.a[0]",
        "true",
        "__proto__",
      ),
      fc
        .tuple(tie("expression"), fc.constantFrom("==", "<", "+", "*", "&&", "||", "in", "!="), tie("expression"))
        .map((each) => each.join(" ")),
      tie("expression").map((each) => `(${each})`),
      tie("expression").map((each) => `( ${each}\f)`),
      tie("expression").map((each) => `!(${each})`),
      fc.tuple(tie("expression"), tie("expression")).map(([one, two]) => `(${one}) ? [${two}, 1] : f(${one}).b`),
      tie("expression").map((each) => `event.list.exists(x, ${each})`),
      tie("expression").map((each) => `// why\n${each}`),
    ),
  })).expression as fc.Arbitrary<string>;
  fc.assert(
    fc.property(right, (text) => {
      fc.pre(accepts(() => parseCel(text)));
      check(parseCel(text), text);
    }),
    { numRuns: 500 },
  );
  assert.ok(parts > 1_000, `${parts} parts`);
});

test("relations group from the left, parentheses regroup them, and operands of one operator are one expression", () => {
  const shape = (ast: Ast): string =>
    ast.kind === "binary"
      ? `(${shape(ast.left)}${ast.operator}${shape(ast.right)})`
      : ast.kind === "logic"
        ? `(${ast.parts.map(shape).join(ast.operator)})`
        : ast.kind === "name"
          ? ast.name
          : ast.kind;
  for (const [text, expected] of [
    ["a == b < c", "((a==b)<c)"],
    ["a == (b < c)", "(a==(b<c))"],
    ["a < b == c", "((a<b)==c)"],
    ["a == b < c != d <= e", "((((a==b)<c)!=d)<=e)"],
    ["a || b || c", "(a||b||c)"],
    ["a || (b || c)", "(a||(b||c))"],
    ["(a || b) || c", "((a||b)||c)"],
    ["a + b * c == d", "((a+(b*c))==d)"],
  ] as const)
    assert.equal(shape(parseCel(text)), expected, text);
});

test("any text is parsed at once, or refused with a place inside it", () => {
  fc.assert(
    fc.property(fc.oneof(sequences, fc.string({ unit: "binary", maxLength: 40 })), (text) => {
      try {
        parseCel(text);
      } catch (error) {
        assert.ok(error instanceof Invalid, `${text}: ${error}`);
        const { position } = error.problem;
        assert.ok(position !== undefined && position >= 0 && position <= text.length, `${text}: ${position}`);
      }
    }),
    { numRuns: 2_000 },
  );
  for (const text of [
    "!".repeat(4_000),
    "-".repeat(4_000),
    "(".repeat(4_000),
    "[".repeat(4_000),
    `a${".b".repeat(1_900)}`,
    `a${"?b:c".repeat(900)}`,
  ])
    assert.throws(() => parseCel(text), Invalid, text.slice(0, 5));
});

test.run();
