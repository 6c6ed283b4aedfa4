import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import type { EventSelector } from "../../../runtime/domain/subscription.ts";
import { compileSelector } from "../../../runtime/matching/index.ts";
import { compareRationals, numberPair, numberText, rational } from "../../support/numbers.ts";
import { eventOf, wants } from "../../support/wants.ts";

/** Numbers of events are compared by value, whatever their length; in CEL's arithmetic they adapt to what they meet. */
const runs = Number(process.env.NUMBER_RUNS ?? 80);
const OPERATORS = ["==", "!=", "<", "<=", ">", ">="] as const;
const expected = (order: number): boolean[] => [order === 0, order !== 0, order < 0, order <= 0, order > 0, order >= 0];
const isInt = (text: string): boolean => /^-?\d+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);

test("a number is compared with a literal by value, in JSONPath and in CEL", () =>
  fc.assert(
    fc.property(numberPair, ([a, b]) => {
      const of = eventOf(`{"n":${a},"list":[${a}]}`);
      const order = expected(compareRationals(a, b));
      assert.deepEqual(
        OPERATORS.map((sign) => wants({ jsonpath: `$.n ${sign} ${b}` }, of)),
        order,
        `${a} with ${b}`,
      );
      assert.deepEqual(
        OPERATORS.map((sign) => wants({ jsonpath: `$.list[?@ ${sign} ${b}]` }, of)),
        order,
      );
      const double = /[.eE]/.test(b) ? b : `${b}.0`;
      if (Number.isFinite(Number(b))) {
        assert.deepEqual(
          OPERATORS.map((sign) => wants({ cel: `event.n ${sign} ${double}` }, of)),
          order,
          `${a} with the double ${double}`,
        );
        assert.deepEqual(
          OPERATORS.map((sign) => wants({ cel: `${double} ${sign} event.n` }, of)),
          expected(compareRationals(b, a)),
        );
        assert.equal(wants({ cel: `event.n in [${double}]` }, of), order[0]);
        assert.equal(wants({ cel: `${double} in event.list` }, of), order[0]);
        assert.equal(wants({ cel: `event.list == [${double}]` }, of), order[0]);
        assert.equal(wants({ cel: `event.list.exists(n, n == ${double})` }, of), order[0]);
      }
      if (!isInt(b)) return;
      assert.deepEqual(
        OPERATORS.map((sign) => wants({ cel: `event.n ${sign} ${b}` }, of)),
        order,
        `${a} with the int ${b}`,
      );
      assert.equal(wants({ cel: `event.n in [${b}]` }, of), order[0]);
      assert.equal(wants({ cel: `${b} in event.list` }, of), order[0]);
      assert.equal(wants({ cel: `event.list.exists(n, n == ${b})` }, of), order[0]);
    }),
    { numRuns: runs },
  ));

test("two numbers of an event are compared by value, alone and inside of lists and objects", () =>
  fc.assert(
    fc.property(numberPair, ([a, b]) => {
      const of = eventOf(`{"a":${a},"b":${b},"x":[{"n":${a}}],"y":[{"n":${b}}]}`);
      const order = expected(compareRationals(a, b));
      for (const kind of ["cel", "jsonpath"] as const) {
        const [left, right] = kind === "cel" ? ["event.", "event."] : ["$.", "$."];
        assert.deepEqual(
          OPERATORS.map((sign) => wants({ [kind]: `${left}a ${sign} ${right}b` }, of)),
          order,
          `${a} with ${b} in ${kind}`,
        );
        assert.equal(wants({ [kind]: `${left}x == ${right}y` }, of), order[0]);
      }
    }),
    { numRuns: runs },
  ));

test("a whole number counts as an int where it meets one", () =>
  fc.assert(
    fc.property(numberText, fc.bigInt({ min: -1000n, max: 1000n }), (text, n) => {
      const { top, bottom } = rational(text);
      const of = eventOf(`{"n":${text}}`);
      const whole = top % bottom === 0n ? top / bottom : undefined;
      const results: [sign: string, result: bigint | undefined][] = [
        ["+", whole === undefined ? undefined : whole + n],
        ["-", whole === undefined ? undefined : whole - n],
        ["*", whole === undefined ? undefined : whole * n],
        ["/", whole === undefined || n === 0n ? undefined : whole / n],
        ["%", whole === undefined || n === 0n ? undefined : whole % n],
      ];
      for (const [sign, result] of results) {
        const fits = [whole, result].every((each) => each !== undefined && BigInt.asIntN(64, each) === each);
        // What has no value is neither equal nor unequal to anything.
        const shown = fits ? result! : 0n;
        if (shown === -(2n ** 63n)) continue;
        assert.equal(wants({ cel: `event.n ${sign} ${n} == ${shown}` }, of), fits, `${text} ${sign} ${n}`);
        if (!fits) assert.equal(wants({ cel: `event.n ${sign} ${n} != ${shown}` }, of), false);
      }
    }),
    { numRuns: runs },
  ));

const table: [cel: string, payload: string, wanted: boolean][] = [
  ["event.n % 2 == 0", '{"n":4}', true],
  ["event.n % 2 == 0", '{"n":5}', false],
  ["event.n % 2 == 1", '{"n":9007199254740993}', true],
  ["event.n % 2 == 0", '{"n":4.5}', false],
  ["event.n % 2u == 0u", '{"n":4}', true],
  ["event.n * 1.5 > 10.0", '{"n":7}', true],
  ["event.n * 1.5 > 10.0", '{"n":6}', false],
  ["10 - event.n == 3", '{"n":7}', true],
  ["event.n + 1 > 9007199254740993", '{"n":9007199254740993}', true],
  ["event.n / 2 == 3", '{"n":7}', true],
  ["event.n / 2.0 == 3.5", '{"n":7}', true],
  ["event.a + event.b == 0.75", '{"a":0.5,"b":0.25}', true],
  ["event.a % event.b == 1", '{"a":7,"b":3}', true],
  ["event.a % event.b == 1", '{"a":7.5,"b":3}', false],
  ["event.lines.exists(l, l.qty % 2 == 1)", '{"lines":[{"qty":2},{"qty":3}]}', true],
  ["event.lines.filter(l, l.qty > 1).map(l, l.qty * 2) == [4, 6]", '{"lines":[{"qty":1},{"qty":2},{"qty":3}]}', true],
  ["-event.n == -9007199254740993", '{"n":9007199254740993}', true],
  ["type(event.n) == double", '{"n":9007199254740993}', true],
  ["type(event.n) == double", '{"n":7}', true],
  ["int(event.n) == 9007199254740993", '{"n":9007199254740993}', true],
  ["int(event.n) == 9007199254740993", '{"n":9007199254740993.75}', true],
  ['string(event.n) == "9007199254740993"', '{"n":9007199254740993}', true],
  ["double(event.n) == 9007199254740992.0", '{"n":9007199254740993}', true],
  ["event.n > 1e308", '{"n":1e400}', true],
  ["event.n == event.m", '{"n":1e400,"m":1e401}', false],
  ["event.n > 0.0", '{"n":1e-400}', true],
  ["event.n == 0", '{"n":1e-400}', false],
  ["event.n + 1 == 2", '{"n":"1"}', false],
  // What is written as a double stays one, beside an int whose type is not known before.
  ["dyn(event.n == 1 ? 0 : 1) + 0.0 == 0.0", '{"n":1}', false],
  ["0.5 * dyn(event.n == 1 ? 2 : 1) == 1.0", '{"n":1}', false],
  ["dyn(event.n) + 0.0 == 1.0", '{"n":1}', true],
  ["has(event.n.a)", '{"n":9007199254740993}', false],
  ["size(event.n) == 0", '{"n":9007199254740993}', false],
  ["event.n.exists(k, true)", '{"n":9007199254740993}', false],
  ["event[string(event.n)] == 1", '{"n":9007199254740993,"9007199254740993":1}', true],
];
for (const [cel, payload, wanted] of table)
  test(`${cel} ${wanted ? "wants" : "does not want"} ${payload}`, () =>
    assert.equal(wants({ cel }, eventOf(payload)), wanted));

const paths: [jsonpath: string, payload: string, wanted: boolean][] = [
  ["$.n[*]", '{"n":9007199254740993}', false],
  ["$.n.double", '{"n":9007199254740993}', false],
  ["$.list[?length(@) == 0]", '{"list":[9007199254740993]}', false],
  ["$..[?@ == 9007199254740993]", '{"a":{"b":[9007199254740993.0]}}', true],
  ["$.n == 1e400", '{"n":10E399}', true],
  ["$.n < 1e400", '{"n":1e399}', true],
];
for (const [jsonpath, payload, wanted] of paths)
  test(`${jsonpath} ${wanted ? "wants" : "does not want"} ${payload}`, () =>
    assert.equal(wants({ jsonpath }, eventOf(payload)), wanted));

const refused = [
  "5.0 % 2 == 0",
  "0.0 % event.n == 0",
  "event.n % 2.0 == 0",
  "5.0 + 1 == 6.0",
  "event.n + 1 + 0.5 > 1.0",
  "event_id % 2 == 0",
];
for (const cel of refused)
  test(`${cel} is refused: a literal written as a double stays a double`, () =>
    assert.throws(() => compileSelector({ cel }), /The event selector is not valid/));

test("an int that is too long for CEL is refused with a double that says the same", () =>
  assert.throws(
    () => compileSelector({ cel: "event.n == 12345678901234567890123" }),
    /the int does not fit in 64 bits; did you mean `12345678901234567890123\.0`\?/,
  ));

const told: [selector: EventSelector, payload: string, because: string][] = [
  [
    { cel: "event.id < 9007199254740992.5" },
    '{"id":9007199254740993}',
    "id 9007199254740993 is not < 9007199254740992.5",
  ],
  [
    { cel: "event.id == 9007199254740993" },
    '{"id":9007199254740992}',
    "id 9007199254740992 is not == 9007199254740993",
  ],
  [
    { jsonpath: "$.id == 9007199254740993" },
    '{"id":9007199254740994}',
    "id 9007199254740994 is not == 9007199254740993",
  ],
  [{ cel: "event.n < 5" }, '{"n":1e400}', "n 1e400 is not < 5"],
  [
    { jsonpath: "$.list[?@.id == 9007199254740993]" },
    '{"list":[{"id":9007199254740995}]}',
    "no element of list qualifies; the first: id 9007199254740995 is not == 9007199254740993",
  ],
];
for (const [selector, payload, because] of told)
  test(`${JSON.stringify(selector)} names for ${payload} the value that it met`, () =>
    assert.equal(compileSelector(selector).explain(eventOf(payload)).because, because));

test.run();
