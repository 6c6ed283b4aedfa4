import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import {
  type FormField,
  faultIn,
  faultsAt,
  formOf,
  jsonOf,
  type Path,
  shownOf,
  withoutValue,
  withValue,
} from "../../console/src/eventForm.ts";

const text = `{
  "event_type": "order.created",
  "id": 12345678901234567890,
  "price": 10.10,
  "customer": { "email": "ada@example.com" },
  "lines": [{ "sku": "lamp", "qty": 1 }]
}`;
const schema = {
  type: "object",
  required: ["id", "currency"],
  properties: {
    currency: { title: "Currency", enum: ["EUR", "USD"] },
    id: { type: "integer", minimum: 1 },
    price: { type: "number" },
    paid: { type: "boolean", description: "Whether it was paid." },
    customer: { $ref: "#/$defs/customer" },
    lines: {
      type: "array",
      items: { type: "object", properties: { sku: { type: "string" }, qty: { type: "integer" } } },
    },
    note: { type: ["string", "null"] },
  },
  $defs: {
    customer: {
      allOf: [
        { type: "object", required: ["email"] },
        { properties: { email: { type: "string" }, vip: { type: "boolean" } } },
      ],
    },
  },
};

const fieldAt = (form: FormField | undefined, ...path: Path): FormField => {
  const found = path.reduce<FormField | undefined>(
    (at, step) => at?.fields.find((each) => each.path.at(-1) === step),
    form,
  );
  assert.ok(found, path.join("/"));
  return found;
};
const inShort = ({ label, kind, required }: FormField) => [label, kind, required];

test("a form has the fields of the type's schema in its order, then the other members of the text", () => {
  const form = formOf(text, schema);
  assert.deepEqual(form?.fields.map(inShort), [
    ["event_type", "text", false],
    ["Currency", "choice", true],
    ["id", "number", true],
    ["price", "number", false],
    ["paid", "yes or no", false],
    ["customer", "group", false],
    ["lines", "list", false],
    ["note", "text", false],
  ]);
  assert.equal(fieldAt(form, "id").hint, "a whole number; at least 1");
  assert.equal(fieldAt(form, "paid").hint, "Whether it was paid.");
  assert.deepEqual(fieldAt(form, "currency").choices, ['"EUR"', '"USD"']);
  assert.deepEqual(fieldAt(form, "customer").fields.map(inShort), [
    ["email", "text", true],
    ["vip", "yes or no", false],
  ]);
  assert.deepEqual(fieldAt(form, "lines", 0).fields.map(inShort), [
    ["sku", "text", false],
    ["qty", "number", false],
  ]);
});

test("a form without a schema shows the written event; a value that no field can hold is shown as JSON", () => {
  assert.deepEqual(formOf('{"a":[1],"b":null,"c":{"d":true}}', undefined)?.fields.map(inShort), [
    ["event_type", "text", false],
    ["a", "list", false],
    ["b", "JSON", false],
    ["c", "group", false],
  ]);
  assert.deepEqual(inShort(fieldAt(formOf('{"price":{"of":1}}', schema), "price")), ["price", "JSON", false]);
  assert.equal(formOf("[1]", undefined), undefined);
  assert.equal(formOf('{"a":', undefined), undefined);
});

test("a value that may be null gets its usual field; between other alternatives the form does not choose", () => {
  const person = { type: "object", required: ["name"], properties: { name: { type: "string" } } };
  const alternatives = {
    properties: {
      note: { title: "Note", anyOf: [{ type: "string", maxLength: 9 }, { type: "null" }] },
      owner: { oneOf: [{ type: "null" }, { $ref: "#/$defs/person" }] },
      either: { anyOf: [{ type: "string" }, person] },
    },
    required: ["owner"],
    $defs: { person },
  };
  const form = formOf('{"either":{"name":"Ada"}}', alternatives);
  assert.deepEqual(inShort(fieldAt(form, "note")), ["Note", "text", false]);
  assert.equal(fieldAt(form, "note").hint, "letters at most 9");
  assert.deepEqual(fieldAt(form, "owner").fields.map(inShort), [["name", "text", true]]);
  // What is written has a field by what it is; what is not, by nothing but its JSON.
  assert.equal(fieldAt(form, "either").kind, "group");
  assert.equal(fieldAt(formOf("{}", alternatives), "either").kind, "JSON");
});

test("the form fills in one event of a batch", () => {
  const batch = `[${text}, {"event_type":"b","n":1}]`;
  assert.deepEqual(fieldAt(formOf(batch, undefined, [1]), "n").path, [1, "n"]);
  assert.equal(withValue(batch, [1, "n"], "2"), batch.replace('"n":1', '"n":2'));
});

test("a change leaves the digits of every other number as they are written", () => {
  const changed = withValue(text, ["customer", "email"], jsonOf("text", "grace@example.com"));
  assert.equal(changed, text.replace("ada@", "grace@"));
  const more = withValue(withValue(changed, ["paid"], "true"), ["lines", -1], "{}");
  assert.match(more, /12345678901234567890/);
  assert.match(more, /"price": 10\.10/);
  assert.deepEqual(JSON.parse(more).lines, [{ sku: "lamp", qty: 1 }, {}]);
  assert.match(withoutValue(text, ["price"]), /12345678901234567890/);
});

test("typed digits become a number as soon as they form one, with every digit kept", () => {
  assert.equal(jsonOf("number", "1.50"), "1.50");
  assert.equal(jsonOf("number", "98765432109876543210"), "98765432109876543210");
  for (const begun of ["-", "1.", "", "much"]) {
    assert.equal(jsonOf("number", begun), JSON.stringify(begun));
    assert.equal(shownOf({ written: jsonOf("number", begun) }), begun);
  }
});

test("an error of the platform is shown at its field, at the missing field, or at the nearest group", () => {
  const form = formOf(text, schema)!;
  const faults = faultsAt(form, [
    { path: "/customer/email", message: "must be longer" },
    { path: "", message: "must have required property 'currency' (required)" },
    { path: "/lines/0/other", message: "is not known" },
    { path: "/elsewhere", message: "is of no field" },
  ]);
  assert.equal(faultIn(faults, fieldAt(form, "customer", "email")), "must be longer");
  assert.match(faultIn(faults, fieldAt(form, "currency"))!, /required property/);
  assert.equal(faultIn(faults, fieldAt(form, "lines", 0)), "is not known");
  assert.equal(faultIn(faults, form), "is of no field");
});

test("a schema that refers to itself without end has an end in the form", () => {
  const endless = { $ref: "#", properties: { next: { $ref: "#" } }, required: ["next"], type: "object" };
  assert.ok(formOf("{}", endless));
});

test("any value can be set and taken away again in any event, and nothing else changes", () =>
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }),
      fc.string(),
      fc.jsonValue(),
      (event, name, value) => {
        const before = JSON.stringify(event);
        const set = withValue(before, [name], JSON.stringify(value));
        assert.deepEqual(JSON.parse(set), JSON.parse(JSON.stringify(withMember(event, name, value))));
        const { [name]: _, ...others } = JSON.parse(before) as Record<string, unknown>;
        assert.deepEqual(JSON.parse(withoutValue(set, [name])), others);
        assert.ok(formOf(set, undefined));
      },
    ),
  ));

/** A member of any name, `__proto__` too. */
const withMember = (event: object, name: string, value: unknown): object =>
  Object.fromEntries([...Object.entries(event).filter(([each]) => each !== name), [name, value]]);

test.run();
