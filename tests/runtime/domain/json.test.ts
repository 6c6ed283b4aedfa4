import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { readJson } from "../../../runtime/domain/json.ts";

/** Characters of names that an escape is written with, and some that are often written as one. */
const name = fc.string({ unit: fc.constantFrom("\\", '"', "/", "\n", "n", "u", "0", "é", "a"), maxLength: 4 });

/** A string in one of the ways that JSON has for it: each character as it is or escaped. */
const written = (text: string): fc.Arbitrary<string> =>
  fc
    .tuple(
      ...text.split("").map((character) => {
        const code = `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
        const short = JSON.stringify(character).slice(1, -1);
        return fc.constantFrom(short, code, ...(character === "/" ? ["\\/"] : []));
      }),
    )
    .map((characters) => `"${characters.join("")}"`);

interface Case {
  readonly text: string;
  readonly names: readonly string[];
}
const object: fc.Arbitrary<Case> = fc
  .uniqueArray(fc.oneof(name, fc.constant("__proto__")), { maxLength: 4 })
  .chain((names) =>
    fc
      .tuple(...names.map(written))
      .map((texts) => ({ names, text: `{${texts.map((text, i) => `${text} :${i}`).join(",")}}` })),
  );

test("a name is read as it was written, after any other names", () =>
  fc.assert(
    fc.property(fc.array(object, { minLength: 1, maxLength: 6 }), (cases) => {
      for (const { text, names } of cases) {
        const expected = Object.fromEntries(names.map((name, i) => [name, i]));
        const read = readJson(text) as object;
        assert.deepEqual(read, expected);
        assert.deepEqual(Object.keys(read), Object.keys(expected));
      }
    }),
    { numRuns: 3_000 },
  ));

test("a document is read as JSON.parse reads it, but for what stands for its numbers", () =>
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      const inBrackets = (value: unknown): unknown =>
        typeof value === "number" ? [String(value)] : value instanceof Written ? [String(Number(value.text))] : value;
      const told = (value: unknown): string => JSON.stringify(value, (_, each) => inBrackets(each));
      const numbers = readJson(text, (text, start, end) => new Written(text.slice(start, end)));
      assert.equal(told(numbers), told(readJson(text)));
    }),
  ));
class Written {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

test("a name that is given twice has its last value, in its first place", () => {
  const read = readJson('{"\\u0061":1,"b":2,"a":3,"\\u0062":4}');
  assert.equal(JSON.stringify(read), '{"a":3,"b":4}');
});

test("text that is not JSON is refused", () => {
  for (const text of ['{"\\":1}', '{"\\x":1}', '{"a\\n"1}', '"\\', '{"\\n":1', "[1,]", '{"\\n":"\\y"}', "\\", '1"a\\"'])
    assert.throws(() => readJson(text), SyntaxError, text);
});

test.run();
