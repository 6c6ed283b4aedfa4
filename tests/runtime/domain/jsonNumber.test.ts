import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import {
  compareNumeric,
  compareWithWhole,
  equalNumeric,
  isMultiple,
  isNumeric,
  LongNumber,
  numberKey,
  numberKeyIn,
  numericOf,
  parseJson,
} from "../../../runtime/domain/jsonNumber.ts";
import { compareRationals, numberPair, numberText, rational } from "../../support/numbers.ts";

const runs = Number(process.env.NUMBER_RUNS ?? 2_000);

test("numbers of any length compare by their written value", () =>
  fc.assert(
    fc.property(numberPair, ([a, b]) => {
      assert.equal(Math.sign(compareNumeric(numericOf(a), numericOf(b))), compareRationals(a, b), `${a} and ${b}`);
      assert.equal(equalNumeric(numericOf(a), numericOf(b)), compareRationals(a, b) === 0);
      assert.equal(numberKey(numericOf(a)) === numberKeyIn(b), compareRationals(a, b) === 0);
    }),
    { numRuns: runs },
  ));

test("a number compares with a whole one of any size", () =>
  fc.assert(
    fc.property(
      numberText,
      fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }),
      fc.integer({ min: -1, max: 1 }),
      (text, n, by) => {
        const { top, bottom } = rational(text);
        for (const whole of [n, top / bottom + BigInt(by)])
          assert.equal(Math.sign(compareWithWhole(numericOf(text), whole)), compareRationals(text, String(whole)));
      },
    ),
    { numRuns: runs },
  ));

test("a number is a multiple of another exactly when the quotient is whole", () =>
  fc.assert(
    fc.property(numberPair, fc.bigInt({ min: -1000n, max: 1000n }), ([a, b], times) => {
      const [x, y] = [rational(a), rational(b)];
      if (y.top === 0n) return;
      assert.equal(
        isMultiple(numericOf(a), numericOf(b)),
        (x.top * y.bottom) % (y.top * x.bottom) === 0n,
        `${a} of ${b}`,
      );
      const product = `${y.top * times}e${1 - String(y.bottom).length}`;
      assert.ok(isMultiple(numericOf(product), numericOf(b)), `${product} of ${b}`);
    }),
    { numRuns: runs },
  ));

test("only a number that no double equals is long, and it keeps its text", () => {
  const long = ["9007199254740993", "0.1000000000000000055", "1e400", "-1e-400", "1e301", "9007199254740992"];
  for (const text of long) assert.equal(String(numericOf(text) as LongNumber), text);
  const short = ["0", "-0", "0e999", "1.50", "1e22", "123456789012345", "100000000000000000000", "0.1", "1e-300"];
  for (const text of short) assert.equal(numericOf(text), Number(text));
});

test("an exponent of any length is read, at no cost", () => {
  const endless = `1e${"9".repeat(100_000)}`;
  assert.equal(compareNumeric(numericOf(endless), numericOf("1e400")), 1);
  assert.equal(compareNumeric(numericOf(`-${endless}`), numericOf("0")), -1);
  assert.equal(compareNumeric(numericOf(`1e-${"9".repeat(100_000)}`), numericOf("0")), 1);
  assert.ok(isMultiple(numericOf("1e99999999999"), numericOf("0.07")) === false);
});

/** The tree with long numbers as their text in brackets, for comparing. */
const told = (value: unknown): unknown =>
  value instanceof LongNumber
    ? `<${value}>`
    : Array.isArray(value)
      ? value.map(told)
      : typeof value === "object" && value !== null
        ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, told(member)]))
        : value;

const tree = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { depthSize: "small" },
    numberText,
    numberText,
    fc.constantFrom('"=0"', '"\\u003d0"', '"9007199254740993"', '"a\\"9007199254740993"', "true", "null", '"\\\\"'),
    fc.string().map((text) => JSON.stringify(text)),
    fc.array(tie("text")).map((items) => `[${items.join(" , ")}]`),
    fc
      .uniqueArray(fc.tuple(fc.constantFrom("a", "b", "__proto__", "=0", "9007199254740993"), tie("text")), {
        selector: ([name]) => name,
      })
      .map((members) => `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`),
  ),
})).text;

test("JSON is read as JSON.parse reads it, except long numbers", () =>
  fc.assert(
    fc.property(tree, (text) => {
      const long = (_name: string, value: unknown, { source }: { source?: string }) =>
        typeof value === "number" ? numericOf(source!) : value;
      const expected = JSON.parse(text, long as Parameters<typeof JSON.parse>[1]) as unknown;
      const read = parseJson(text);
      assert.deepEqual(told(read), told(expected));
      if (isNumeric(read)) return;
      assert.equal(Object.getPrototypeOf(Object(read)), Object.getPrototypeOf(Object(expected)));
    }),
    { numRuns: runs },
  ));

test("text that is not JSON is refused as JSON.parse refuses it", () => {
  for (const text of [
    "01234567890123456789",
    "1.2.3.4.5.6.7.8.9.0",
    '{"a":12345678901234567890',
    "1e400e400",
    "-",
    "{1e400:1}",
    "{1e400 :1}",
  ])
    assert.throws(() => parseJson(text), SyntaxError);
});

test.run();
