import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { readJson } from "../../../runtime/domain/json.ts";
import type { Enrich, Transform } from "../../../runtime/domain/subscription.ts";
import {
  applyTransform,
  checkTransform,
  type Enrichment,
  enrichmentKey,
  rowOf,
} from "../../../runtime/matching/index.ts";
import { compareRationals, numberText } from "../../support/numbers.ts";

const apply = (raw: string, transform: Transform | undefined, enrichment?: Enrichment): string =>
  applyTransform(Buffer.from(raw), transform, enrichment).toString();

const behaviour: [says: string, raw: string, transform: Transform, result: string][] = [
  [
    "extract keeps the named values alone, with their digits",
    '{"id":12345678901234567890.10,"x":1}',
    { extract: { order: "$.id" } },
    '{"order":12345678901234567890.10}',
  ],
  [
    "extract leaves out what has no value",
    '{"a":{"b":[1,2]}}',
    { extract: { last: "$.a.b[-1]", none: "$.a.c", no: "$.a.b[2]" } },
    '{"last":2}',
  ],
  ["extract of the root is the whole payload as a member", '{"a":1}', { extract: { all: "$" } }, '{"all":{"a":1}}'],
  [
    "rename changes top-level names in their place",
    '{"amt":1e400,"b":2}',
    { rename: { amt: "amount" } },
    '{"amount":1e400,"b":2}',
  ],
  ["renaming can swap", '{"a":1,"b":2}', { rename: { a: "b", b: "a" } }, '{"b":1,"a":2}'],
  ["a member whose name is taken gives way", '{"a":1,"b":2}', { rename: { a: "b" } }, '{"b":1}'],
  ["renaming a missing member changes nothing", '{"b":2}', { rename: { a: "b" } }, '{"b":2}'],
  [
    "omit takes out members and items",
    '{"card":{"n":1},"l":[1,2.50,3]}',
    { omit: ["$.card", "$.l[0]"] },
    '{"l":[2.50,3]}',
  ],
  [
    "omit takes any path, filters and descendants too",
    '{"l":[{"k":1,"s":"x"},{"k":2}],"s":0}',
    { omit: ["$..s", "$.l[?@.k == 2]"] },
    '{"l":[{"k":1}]}',
  ],
  [
    "several paths of omit speak of the same payload",
    '{"l":["a","b","c"]}',
    { omit: ["$.l[0]", "$.l[1]"] },
    '{"l":["c"]}',
  ],
  ["omit takes a negative index from the end", '{"l":[1,2,3]}', { omit: ["$.l[-1]"] }, '{"l":[1,2]}'],
  [
    "extract, rename and omit apply in this order",
    '{"id":1,"card":{"n":2,"e":3}}',
    { omit: ["$.payment.n"], rename: { c: "payment" }, extract: { c: "$.card" } },
    '{"payment":{"e":3}}',
  ],
  [
    "texts keep their escapes, names are compared by what they mean",
    '{"\\u0061":"\\u00e9\\/"}',
    { rename: { a: "b" } },
    '{"b":"\\u00e9\\/"}',
  ],
];
for (const [says, raw, transform, result] of behaviour) test(says, () => assert.equal(apply(raw, transform), result));

test("a transform without changes passes on the same bytes", () => {
  const raw = Buffer.from('{ "a" : 1.0 }');
  for (const transform of [undefined, {}, { rename: {}, omit: [] }]) assert.equal(applyTransform(raw, transform), raw);
  assert.equal(applyTransform(raw, undefined, { as: "product", row: undefined }), raw);
});

test("an enrichment adds its row as the last member, in place of one of that name", () => {
  const row = '{"name":"Chair","price":5.00,"ean":12345678901234567890}';
  assert.equal(
    apply('{"product":1,"sku":"s"}', undefined, { as: "product", row }),
    '{"sku":"s","product":{"name":"Chair","price":5.00,"ean":12345678901234567890}}',
  );
});

const keys: [payload: string, key: { text: string; number: string | undefined } | undefined][] = [
  ['{"sku":"s-1"}', { text: "s-1", number: undefined }],
  ['{"sku":"\\u0073-1"}', { text: "s-1", number: undefined }],
  ['{"sku":"7"}', { text: "7", number: undefined }],
  ['{"sku":7}', { text: "7", number: "7e0" }],
  ['{"sku":1.50}', { text: "1.50", number: "15e-1" }],
  ['{"sku":9007199254740993}', { text: "9007199254740993", number: "9007199254740993e0" }],
  ['{"sku":true}', { text: "true", number: undefined }],
  ['{"sku":null}', undefined],
  ['{"sku":{}}', undefined],
  ["{}", undefined],
];
for (const [payload, key] of keys) {
  test(`the key of ${payload} is ${key?.text ?? "none"}`, () =>
    assert.deepEqual(enrichmentKey({ key: "$.sku" }, Buffer.from(payload)), key));
}

test("a number finds the row whose key is its value, first the one that is written as it is", () =>
  fc.assert(
    fc.property(numberText, fc.array(numberText, { maxLength: 6 }), (sku, names) => {
      const rows = names.map((name) => [name, `row ${name}`] as const);
      const found = rowOf(enrichmentKey({ key: "$.sku" }, Buffer.from(`{"sku":${sku}}`))!, rows);
      const equal = names.filter((name) => compareRationals(name, sku) === 0);
      assert.equal(found, names.includes(sku) ? `row ${sku}` : equal.length === 0 ? undefined : `row ${equal[0]}`);
      const asText = rowOf(enrichmentKey({ key: "$.sku" }, Buffer.from(`{"sku":"${sku}"}`))!, rows);
      assert.equal(asText, names.includes(sku) ? `row ${sku}` : undefined);
    }),
  ));

const details = (transform: Transform | undefined, enrich?: Enrich): unknown => {
  try {
    checkTransform(transform, enrich);
    return "accepted";
  } catch (thrown) {
    const { code, details: told } = thrown as { code: string; details: unknown };
    return { code, details: told };
  }
};

test("a sound transform is accepted", () => {
  assert.equal(
    details(
      { extract: { a: "$.b[0]['c']" }, rename: { a: "x" }, omit: ["$..card"] },
      { from: "t", key: "$.sku", as: "p" },
    ),
    "accepted",
  );
});

test("every mistake of a transform is told, each with its place", () => {
  assert.deepEqual(
    details(
      { extract: { "a/b": "$..b", "": "$.c" }, rename: { a: "x", b: "x" }, omit: ["$", "$.a["] },
      { from: "t", key: "$.*", as: "" },
    ),
    {
      code: "invalid_request",
      details: [
        {
          path: "/transform/extract/a~1b",
          message: "$..b can name several values; give a path of names and indexes only",
          position: 0,
        },
        { path: "/transform/extract/", message: "a member name has 1 to 256 characters" },
        { path: "/transform/rename", message: "two members can't be renamed to the same name" },
        { path: "/transform/omit/0", message: "`$` is the whole payload and can't be omitted", position: 0 },
        {
          path: "/transform/omit/1",
          message: "unclosed bracketed selection",
          position: 4,
          expected: "the rest of the expression",
        },
        {
          path: "/enrich/key",
          message: "$.* can name several values; give a path of names and indexes only",
          position: 0,
        },
        { path: "/enrich/as", message: "a member name has 1 to 256 characters" },
      ],
    },
  );
});

test("a transform has bounds", () => {
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`k${i}`, `v${i}`]));
  assert.deepEqual(details({ rename: many, omit: Array.from({ length: 11 }, (_, i) => `$..k${i}`) }), {
    code: "invalid_request",
    details: [
      { path: "/transform/rename", message: "at most 100 entries" },
      { path: "/transform/omit/10", message: "at most 10 paths of `omit` can name several places", position: 0 },
    ],
  });
});

test("a path finds an object's own members alone, for a key and for a payload, whatever their names", () => {
  for (const name of [...Object.getOwnPropertyNames(Object.prototype), "prototype", "length"]) {
    const path = `$[${JSON.stringify(name)}]`;
    const [without, own] = ['{"k":"v"}', `{"k":"v",${JSON.stringify(name)}:"its own"}`].map((text) =>
      Buffer.from(text),
    );
    assert.equal(enrichmentKey({ key: path }, without!), undefined, name);
    assert.equal(enrichmentKey({ key: path }, own!)?.text, "its own", name);
    assert.equal(String(applyTransform(without!, { extract: { m: path } })), "{}", name);
    assert.equal(String(applyTransform(own!, { extract: { m: path } })), '{"m":"its own"}', name);
  }
});

test("a payload has 1,000,000 bytes at most, names, quotes and commas among them", () => {
  const made = (length: number) =>
    applyTransform(Buffer.from(`{"p":"${"x".repeat(length)}"}`), { extract: { m: "$.p" } }, undefined);
  assert.equal(made(1_000_000 - '{"m":""}'.length).length, 1_000_000);
  assert.throws(() => made(1_000_001 - '{"m":""}'.length), { code: "payload_too_large" });
});

test("an omission that takes too much work is an error, so the member is not delivered", () => {
  const raw = JSON.stringify({ a: Array.from({ length: 3_000 }, (_, i) => i) });
  assert.throws(
    () => apply(raw, { omit: ["$.a[?count($..*) > 1e9]"] }),
    (thrown: { code?: string }) => thrown.code === "unprocessable",
  );
});

const names: fc.Arbitrary<string> = fc.constantFrom("a", "b", "c", "é", "__proto__", '"');
const payload = fc.dictionary(names, fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true });

test("a transformed payload is what doing the same to the parsed object gives", () => {
  fc.assert(
    fc.property(
      payload,
      fc.dictionary(names, names),
      fc.uniqueArray(names),
      fc.boolean(),
      (object, rename, omit, spaced) => {
        fc.pre(new Set(Object.values(rename)).size === Object.keys(rename).length);
        const raw = JSON.stringify(object, null, spaced ? 2 : 0);
        const taken = new Set(
          Object.entries(rename).flatMap(([from, to]) => (Object.hasOwn(object, from) ? [to] : [])),
        );
        const expected = Object.entries(readJson(raw) as object).flatMap(([name, value]) => {
          if (Object.hasOwn(rename, name)) return [[rename[name]!, value]];
          return taken.has(name) ? [] : [[name, value]];
        });
        const kept = expected.filter(([name]) => !omit.some((one) => one === name));
        const result = apply(raw, { rename, omit: omit.map((name) => `$[${JSON.stringify(name)}]`) });
        assert.deepEqual(readJson(result), Object.fromEntries(kept));
      },
    ),
    { numRuns: 1_000 },
  );
});

test("metadata needs no key; a reference table does", () => {
  assert.equal(details(undefined, { from: "$event", as: "meta" }), "accepted");
  assert.deepEqual(details(undefined, { from: "products", as: "product" }), {
    code: "invalid_request",
    details: [{ path: "/enrich/key", message: "is required" }],
  });
});

test.run();
