import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { placeOf, placeOfDetail, writtenAt } from "../../console/src/editor/jsonText.ts";
import { offerJson, offerPath } from "../../console/src/editor/offers.ts";
import { celPath, jsonPathPath } from "../../console/src/editor/selectorText.ts";
import { joined, membersBelow, shapeOf, shapeOfSchema } from "../../console/src/shape.ts";

const cut = (text: string, { from, to }: { from: number; to: number }): string => text.slice(from, to);
/** A text with `|` where the cursor is. */
const at = (marked: string): [text: string, at: number] => [marked.replace("|", ""), marked.indexOf("|")];

const text = '{"event_type": "order", "lines": [{"sku": "lamp", "a/b": 1}], "n": 12}';
for (const [pointer, found] of [
  ["/n", "12"],
  ["/lines/0/sku", '"lamp"'],
  ["/lines/0/a~1b", "1"],
  ["/lines/0", "{"],
  ["/lines", '"lines"'],
  ["/lines/7", '"lines"'],
  ["/nothing/at/all", "{"],
  ["", "{"],
] as const)
  test(`the place of ${pointer === "" ? "the whole" : pointer} is ${found}`, () =>
    assert.equal(cut(text, placeOf(text, pointer)), found));

test("a fault is placed by line and column, by its event in a batch, or by its path", () => {
  const broken = '{\n  "a": 01\n}';
  assert.equal(cut(broken, placeOfDetail(broken, { message: "", line: 2, column: 9 }, false)), "1");
  const cutShort = '{"a":';
  assert.deepEqual(placeOfDetail(cutShort, { message: "", line: 1, column: 6 }, false), { from: 4, to: 5 });
  const batch = '[{"a": 1}, {"a": 2}]';
  assert.equal(cut(batch, placeOfDetail(batch, { message: "", index: 1, path: "/a" }, true)), "2");
});

test("any pointer into any text, whole or not, has a place within it", () =>
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.array(fc.string({ maxLength: 3 })), (whole, cutAt, steps) => {
      const part = whole.slice(0, cutAt % (whole.length + 1));
      const { from, to } = placeOf(part, steps.map((step) => `/${step}`).join(""));
      assert.ok(from >= 0 && from <= to && to <= part.length);
    }),
  ));

for (const [marked, expected] of [
  ["{|}", ["name", "$", undefined]],
  ['{"a": 1, |}', ["name", "$", undefined]],
  ['{"a": 1, "|"}', ["name", "$", undefined]],
  ['{"a": 1, "cu|', ["name", "$", undefined]],
  ['{"customer": {"em|"}}', ["name", "$.customer", undefined]],
  ['{"lines": [{"s|"}]}', ["name", "$.lines[*]", undefined]],
  ['[{"a": 1}, {"|"}]', ["name", "$", undefined]],
  ['{"event_type": "or|"}', ["value", "$", "event_type"]],
  ['{"a": 1|}', undefined],
  ['{"a": [1, |]}', undefined],
] as const)
  test(`what is written in ${marked} is ${expected === undefined ? "nothing to complete" : expected.slice(0, 2).join(" of ")}`, () => {
    const written = writtenAt(...at(marked));
    assert.deepEqual(written === undefined ? undefined : [written.what, written.path, written.name], expected);
  });

const shapes = joined([
  ...shapeOfSchema({
    type: "object",
    properties: {
      id: { type: "string" },
      lines: { type: "array", items: { properties: { sku: { type: "string" } } } },
    },
    allOf: [{ properties: { amount: { type: ["number", "null"] } } }],
  }),
  ...shapeOf([{ id: 7, customer: { email: "a@b.c" } }, { lines: [{ qty: 1 }] }]),
]);

test("shapes join the members of the schema and those of recorded events", () => {
  assert.deepEqual(membersBelow(shapes, "$"), [
    { name: "id", kinds: ["string", "number"] },
    { name: "lines", kinds: ["list"] },
    { name: "amount", kinds: ["number", "null"] },
    { name: "customer", kinds: ["object"] },
  ]);
  assert.deepEqual(
    membersBelow(shapes, "$.lines[*]").map(({ name }) => name),
    ["sku", "qty"],
  );
  assert.equal(shapeOf([{ a: 1 }, { a: "x" }, {}])[0]!.share, 2 / 3);
});

test("the editor offers names that the object lacks, with the beginning of a value, and known types", () => {
  const offer = offerJson(shapes, ["order.created"]);
  const [whole, place] = at('{"id": 1, "|"}');
  const offered = offer(whole, place)!;
  assert.equal(whole.slice(offered.from, offered.to), '""');
  assert.deepEqual(
    offered.options.map(({ apply }) => apply),
    ['"event_type": ""', '"lines": []', '"amount": 0', '"customer": {}'],
  );
  const renamed = offer(...at('{"|": 1}'))!;
  assert.equal(renamed.options[0]!.apply, '"event_type"');
  assert.deepEqual(
    offer(...at('{"event_type": "|"}'))!.options.map(({ label }) => label),
    ['"order.created"'],
  );
});

for (const [pathAt, before, path] of [
  [celPath, "event.", "$"],
  [celPath, "event.customer.em", "$.customer"],
  [celPath, "event.lines[0].", "$.lines[*]"],
  [celPath, "myevent.", undefined],
  [celPath, "event.n > 1 && ", undefined],
  [jsonPathPath, "$.", "$"],
  [jsonPathPath, "$.lines[?@.q", "$.lines[*]"],
  [jsonPathPath, "$['lines'][*].", "$.lines[*]"],
  [jsonPathPath, "@.", undefined],
] as const)
  test(`after ${before} ${path === undefined ? "nothing is offered" : `members of ${path} are`}`, () =>
    assert.equal(pathAt(before)?.path, path));

test("a suggestion in a selector replaces the word that was begun", () => {
  const text = "event.customer.em";
  const offered = offerPath(shapes, celPath)(text, text.length)!;
  assert.deepEqual([text.slice(offered.from), offered.options.map(({ label }) => label)], ["em", ["email"]]);
});

test.run();
