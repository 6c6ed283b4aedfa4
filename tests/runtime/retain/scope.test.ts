import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { type PrivacyScope, subjectHash, subjectType } from "../../../runtime/domain/job.ts";
import { numericOf, parseJson } from "../../../runtime/domain/jsonNumber.ts";
import { withinScope } from "../../../runtime/retain/scope.ts";
import { offsetsErased } from "../../../runtime/route/erased.ts";
import { compareRationals, numberPair } from "../../support/numbers.ts";

const KEY = Buffer.alloc(32, 7).toString("base64");

/** Whether an event is within an erasure, in the store and on arrival: both must say the same. */
function within(equals: string, payload: string): boolean {
  // As it lies in the bucket until the request is done.
  const stored = JSON.stringify({ subject: { jsonpath: "$.id", equals: parseJson(equals) } });
  const scope = parseJson(stored) as PrivacyScope;
  const { subject } = scope as Extract<PrivacyScope, { subject: unknown }>;
  const known = {
    jsonpath: "$.id",
    equals_hmac: subjectHash(subject.equals, KEY),
    key: KEY,
    equals_type: subjectType(subject.equals),
  };
  const arrived = offsetsErased([{ until: 1, subject: known }], 0, [Buffer.from(payload)]).length === 1;
  assert.equal(withinScope(scope)(payload), arrived, `${equals} in ${payload}`);
  return arrived;
}

const cases: [equals: string, payload: string, within: boolean][] = [
  ["9007199254740993", '{"id":9007199254740993}', true],
  ["9007199254740993", '{"id":9007199254740992}', false],
  ["9007199254740993", '{"id":9007199254740993.0}', true],
  ["9007199254740993", '{"id":"9007199254740993"}', false],
  ['"9007199254740993"', '{"id":9007199254740993}', false],
  ["7", '{"id":7.0}', true],
  ["1e400", '{"id":1E+400}', true],
  ["1e400", '{"id":1e401}', false],
  ["-1e400", '{"id":1e400}', false],
  ["1e-400", '{"id":0}', false],
  ["true", '{"id":true}', true],
  ['"true"', '{"id":true}', false],
  ['"a@b.c"', '{"id":"a\\u0040b.c"}', true],
  ['"a"', '{"id":{"a":"a"}}', false],
];
for (const [equals, payload, expected] of cases)
  test(`${payload} is ${expected ? "" : "not "}about ${equals}`, () => assert.equal(within(equals, payload), expected));

test("a person known by a number is found by its value, and no other is", () =>
  fc.assert(fc.property(numberPair, ([a, b]) => assert.equal(within(a, `{"id":${b}}`), compareRationals(a, b) === 0))));

test("a long whole number has the hash of its digits", () =>
  assert.equal(subjectHash(numericOf("9007199254740993.0"), KEY), subjectHash("9007199254740993", KEY)));

test.run();
