import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { compileSchema, MAX_SCHEMA_BYTES, SchemaError, withinTime } from "../../../runtime/domain/body/schema.ts";
import { compareRationals, numberPair } from "../../support/numbers.ts";

const faultsOf = (schema: unknown, event: object | string) =>
  compileSchema(JSON.stringify(schema)).faults(Buffer.from(typeof event === "string" ? event : JSON.stringify(event)));

const fits: [says: string, schema: unknown, event: object | string, faults: { path: string; message: string }[]][] = [
  ["what fits has no faults", { type: "object", required: ["a"] }, { a: 1 }, []],
  [
    "a missing member is named",
    { required: ["a"] },
    {},
    [{ path: "", message: "must have required property 'a' (required)" }],
  ],
  [
    "the place of a wrong value is told",
    { properties: { a: { items: { type: "number" } } } },
    { a: [1, "x"] },
    [{ path: "/a/1", message: "must be number (type)" }],
  ],
  [
    "a pointer escapes what it must",
    { properties: { "a/b": { type: "number" } } },
    { "a/b": "x" },
    [{ path: "/a~1b", message: "must be number (type)" }],
  ],
  [
    "an unwanted member is named",
    { additionalProperties: false },
    { b: 1 },
    [{ path: "", message: 'must NOT have additional properties: "b" (additionalProperties)' }],
  ],
  [
    "the values allowed are listed",
    { properties: { a: { enum: [1, "x"] } } },
    { a: 2 },
    [{ path: "/a", message: 'must be equal to one of the allowed values: [1,"x"] (enum)' }],
  ],
  ["true allows all", true, {}, []],
  ["false allows nothing", false, {}, [{ path: "", message: "boolean schema is false (false schema)" }]],
  [
    "2020-12: prefixItems",
    { properties: { a: { prefixItems: [{ type: "string" }], items: false } } },
    { a: ["x", 1] },
    [{ path: "/a", message: "must NOT have more than 1 items (items)" }],
  ],
  [
    "2020-12: unevaluatedProperties",
    { allOf: [{ properties: { a: true } }], unevaluatedProperties: false },
    { a: 1, b: 2 },
    [{ path: "", message: 'must NOT have unevaluated properties: "b" (unevaluatedProperties)' }],
  ],
  [
    "2020-12: dependentRequired",
    { dependentRequired: { a: ["b"] } },
    { a: 1 },
    [{ path: "", message: "must have property b when property a is present (dependentRequired)" }],
  ],
  [
    "2020-12: $dynamicRef",
    { $dynamicAnchor: "n", properties: { child: { $dynamicRef: "#n" }, v: { type: "number" } } },
    { child: { v: "x" } },
    [{ path: "/child/v", message: "must be number (type)" }],
  ],
  [
    "references within the schema hold",
    { $defs: { n: { type: "number" } }, properties: { a: { $ref: "#/$defs/n" } } },
    { a: "x" },
    [{ path: "/a", message: "must be number (type)" }],
  ],
  [
    "references by the schema's own $id hold",
    {
      $id: "https://example.com/s",
      $defs: { n: { $id: "n", type: "number" } },
      properties: { a: { $ref: "https://example.com/n" } },
    },
    { a: "x" },
    [{ path: "/a", message: "must be number (type)" }],
  ],
  ["format is an annotation", { properties: { a: { format: "email" } } }, { a: "x" }, []],
  ["an unknown keyword is an annotation", { "x-internal": true, example: {} }, {}, []],
  [
    "a member of an object's prototype is no member",
    { required: ["constructor", "toString"] },
    {},
    [{ path: "", message: "must have required property 'constructor' (required)" }],
  ],
  ["a member named __proto__ is one", { required: ["__proto__"] }, '{"__proto__":1}', []],
];
for (const [says, schema, event, faults] of fits) test(says, () => assert.deepEqual(faultsOf(schema, event), faults));

const nested = (levels: number): object => (levels === 0 ? {} : { properties: { a: nested(levels - 1) } });
const refused: [says: string, schema: unknown, message: string][] = [
  ["a schema is an object or a boolean", 5, "A JSON Schema is an object or a boolean."],
  ["an array is no schema", [], "A JSON Schema is an object or a boolean."],
  ["null is no schema", null, "A JSON Schema is an object or a boolean."],
  [
    "a remote schema is not fetched",
    { $ref: "https://example.com/other.json" },
    'The schema refers to "https://example.com/other.json", which it does not hold; other documents are not fetched.',
  ],
  [
    "nor a local file",
    { properties: { a: { $ref: "file:///etc/passwd" } } },
    'The schema refers to "file:///etc/passwd", which it does not hold; other documents are not fetched.',
  ],
  [
    "a reference into nothing",
    { $ref: "#/$defs/none" },
    'The schema refers to "#/$defs/none", which it does not hold; other documents are not fetched.',
  ],
  [
    "an invalid regular expression",
    { pattern: "(" },
    "The schema can't be compiled: Invalid regular expression: /(/u: Unterminated group.",
  ],
  ["a schema that is too large", { description: "x".repeat(MAX_SCHEMA_BYTES) }, "The schema exceeds 65,536 bytes."],
  ["a schema that is too deep", nested(17), "The schema is nested deeper than 32 levels."],
  ["ajv's own $async", { $async: true }, 'The schema holds the unknown keyword "$async".'],
];
for (const [says, schema, message] of refused) {
  test(`${says}: refused, and told why`, () =>
    assert.throws(
      () => compileSchema(JSON.stringify(schema)),
      (error) => error instanceof SchemaError && error.message === message,
    ));
}

test("a schema may refer to itself as a whole", () =>
  assert.deepEqual(
    faultsOf({ properties: { child: { $ref: "#" }, v: { type: "number" } } }, { child: { child: { v: "x" } } }),
    [{ path: "/child/child/v", message: "must be number (type)" }],
  ));

test("no event fits a schema that only refers to itself", () =>
  assert.deepEqual(faultsOf({ $ref: "#" }, {}), [{ path: "", message: "the schema refers to itself without end" }]));

test("nothing in a schema becomes code", () => {
  const evil = `x'"\`]);globalThis.pwned=1;//\\`;
  for (const schema of [
    { properties: { [evil]: { const: evil } }, required: [evil] },
    { $ref: `#/$defs/${evil}`, $defs: { [evil]: { title: evil, enum: [evil] } } },
    { patternProperties: { [evil.replaceAll(/[()[\]\\]/g, "")]: { type: "string" } } },
  ]) {
    try {
      faultsOf(schema, {});
    } catch (error) {
      assert.ok(error instanceof SchemaError);
    }
  }
  assert.equal((globalThis as { pwned?: number }).pwned, undefined);
});

test("a schema that could take long is recognised", () => {
  assert.equal(
    compileSchema(JSON.stringify({ properties: { a: { type: "string", minLength: 3 } }, required: ["a"] })).costly,
    false,
  );
  for (const schema of [
    { pattern: "a" },
    { items: { uniqueItems: true } },
    { $ref: "#" },
    { properties: { a: { anyOf: [true] } } },
  ]) {
    assert.equal(compileSchema(JSON.stringify(schema)).costly, true, JSON.stringify(schema));
  }
});

test("a schema that takes very long to compile is stopped, and refused", () => {
  const properties = Object.fromEntries(
    Array.from({ length: 500 }, (_, i) => [`p${i}`, { type: "string", minLength: i }]),
  );
  const anyOf = Array.from({ length: 1_800 }, () => ({ $ref: "#/$defs/b" }));
  assert.throws(
    () => compileSchema(JSON.stringify({ $defs: { b: { properties } }, anyOf }), 20),
    (error) =>
      error instanceof SchemaError && error.message === "The schema can't be compiled: it takes more than 20 ms.",
  );
});

test("a regular expression that runs away is stopped", () => {
  const check = compileSchema(JSON.stringify({ properties: { a: { pattern: "^(a+)+$" } } }));
  const event = Buffer.from(`{"a":"${"a".repeat(100)}b"}`);
  assert.equal(
    withinTime(20, () => check.faults(event)),
    false,
  );
});

test("a recursion that branches is stopped", () => {
  const twice = { anyOf: [1, 2].map(() => ({ required: ["b"], properties: { x: { $ref: "#/$defs/n" } } })) };
  const check = compileSchema(JSON.stringify({ $defs: { n: twice }, ...twice }));
  const event = Buffer.from(`${'{"b":1,"x":'.repeat(60)}{}${"}".repeat(60)}`);
  assert.equal(
    withinTime(20, () => check.faults(event)),
    false,
  );
});

test("work that throws, throws through the time limit", () =>
  assert.throws(
    () =>
      withinTime(100, () => {
        throw new Error("own");
      }),
    /^Error: own$/,
  ));

test("work that ends in time counts as done", () => {
  let done = 0;
  assert.equal(
    withinTime(1_000, () => {
      done += 1;
    }),
    true,
  );
  assert.equal(done, 1);
});

const byValue: [schema: string, event: string, fits: boolean][] = [
  ...["19.99", "0.07", "1.11", "143.48", "1e400", "9007199254740993.01", "0", "-0.0", "1.10"].map(
    (n): [string, string, boolean] => ['{"multipleOf":0.01}', n, true],
  ),
  ['{"multipleOf":0.01}', "19.995", false],
  ['{"multipleOf":0.01}', "9007199254740993.001", false],
  ['{"multipleOf":3}', "9007199254740993", true],
  ['{"multipleOf":3}', "9007199254740994", false],
  ['{"maximum":9007199254740992}', "9007199254740993", false],
  ['{"minimum":9007199254740993}', "9007199254740992", false],
  ['{"exclusiveMinimum":9007199254740992}', "9007199254740993", true],
  ['{"exclusiveMaximum":1e400}', "1e401", false],
  ['{"exclusiveMaximum":1e400}', "1e399", true],
  ['{"const":9007199254740993}', "9007199254740992", false],
  ['{"const":9007199254740993}', "9007199254740993.0", true],
  ['{"enum":[{"a":[1.0]}]}', '{"a":[1]}', true],
  ['{"enum":[{"a":[9007199254740993]}]}', '{"a":[9007199254740992]}', false],
  ['{"uniqueItems":true}', "[9007199254740993,9007199254740992]", true],
  ['{"uniqueItems":true}', "[9007199254740993,9007199254740993.0]", false],
  ['{"uniqueItems":true}', '[{"a":1,"b":2},{"b":2.0,"a":1}]', false],
  ['{"uniqueItems":true}', '["1",1,true,null,"true","null"]', true],
  ['{"type":"number"}', "1e400", true],
  ['{"type":"integer"}', "1e400", true],
  ['{"type":"integer"}', "9007199254740993.0", true],
  ['{"type":"integer"}', "9007199254740993.5", false],
  ['{"type":"integer"}', "1.0000000000000000000001", false],
  ['{"propertyNames":{"enum":["a"]}}', '{"a":9007199254740993}', true],
  ['{"properties":{"const":{"minimum":9007199254740993}}}', '{"const":9007199254740992}', false],
  ['{"$defs":{"n":{"maximum":9007199254740992}},"$ref":"#/properties/v/$defs/n"}', "9007199254740993", false],
  ['{"maxLength":99999999999999999999}', '"x"', true],
];
for (const [schema, event, fits] of byValue) {
  test(`${event} ${fits ? "fits" : "does not fit"} ${schema}`, () =>
    assert.equal(
      compileSchema(`{"properties":{"v":${schema}}}`).faults(Buffer.from(`{"x":9007199254740995,"v":${event}}`)).length,
      fits ? 0 : 1,
    ));
}

test("numbers of any length are compared by value, in a schema and in an event", () =>
  fc.assert(
    fc.property(numberPair, ([a, b]) => {
      const fits = (keyword: string) =>
        compileSchema(`{"items":{"${keyword}":${a}}}`).faults(Buffer.from(`[${b}]`)).length === 0;
      const order = compareRationals(b, a);
      assert.deepEqual(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "const"].map(fits), [
        order >= 0,
        order <= 0,
        order > 0,
        order < 0,
        order === 0,
      ]);
      const unique = compileSchema('{"uniqueItems":true}').faults(Buffer.from(`[${a},[${a}],${b}]`)).length === 0;
      assert.equal(unique, order !== 0);
    }),
    { numRuns: 150 },
  ));

test("a value is identified by its digits", () =>
  assert.deepEqual(compileSchema('{"properties":{"v":{"enum":[9007199254740993]}}}').faults(Buffer.from('{"v":1}')), [
    { path: "/v", message: "must be equal to one of the allowed values: [9007199254740993] (enum)" },
  ]));

test.run();
