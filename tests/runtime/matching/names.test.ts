import assert from "node:assert/strict";
import { test } from "uvu";
import { type Service, serviceOver } from "../../../runtime/aws/service.ts";
import { payloadMaker } from "../../../runtime/deliver/payloads.ts";
import type { Delivery } from "../../../runtime/deliver/plan.ts";
import { parseJson as parseBody } from "../../../runtime/domain/body/managementBody.ts";
import { scan } from "../../../runtime/domain/body/scan.ts";
import { compileSchema } from "../../../runtime/domain/body/schema.ts";
import type { DeliveryTarget, EventSelector } from "../../../runtime/domain/subscription.ts";
import { applyTransform, checkTransform, compileSelector, parsePath } from "../../../runtime/matching/index.ts";
import { containsText } from "../../../runtime/store/inbox/text.ts";
import { hostileNames } from "../../support/names.ts";
import { eventOf, wants } from "../../support/wants.ts";

/** Whatever a customer may name is a name like any other, the names of JavaScript's own prototypes above all. */
const FIRST = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const quoted = (name: string) => JSON.stringify(name);
const identifiers = hostileNames.filter(
  (name) => /^[A-Za-z_]\w*$/.test(name) && !["null", "true", "has"].includes(name),
);
const textual = hostileNames.filter((name) => name.isWellFormed());

for (const name of textual) {
  const [has, hasNot] = [eventOf(`{${quoted(name)}:7}`), eventOf("{}")];
  const inside = eventOf(`{"list":[${quoted(name)}],"map":{${quoted(name)}:1}}`);

  test(`${quoted(name)} is a member like any other to CEL and JSONPath`, () => {
    const selectors: EventSelector[] = [
      { cel: `event[${quoted(name)}] == 7` },
      { cel: `${quoted(name)} in event` },
      { cel: `event.exists(k, k == ${quoted(name)})` },
      { jsonpath: `$[${quoted(name)}]` },
      { jsonpath: `$[?@ == 7]` },
      `$[${quoted(name)}] == 7`,
    ];
    for (const selector of selectors) {
      assert.deepEqual([wants(selector, has), wants(selector, hasNot)], [true, false], JSON.stringify(selector));
      assert.equal(wants(selector, eventOf('{"x":{}}')), false);
    }
    assert.deepEqual(parsePath(`$[${quoted(name)}]`).values(has.payload), [7]);
    assert.deepEqual(parsePath(`$[${quoted(name)}]`).values({}), []);
    for (const cel of [
      `${quoted(name)} in event.list`,
      `${quoted(name)} in event.map`,
      `event.map[${quoted(name)}] == 1`,
    ])
      assert.deepEqual([wants({ cel }, inside), wants({ cel }, eventOf('{"list":[],"map":{}}'))], [true, false]);
  });

  test(`${quoted(name)} can be an event type`, () => {
    if (name === "" || name === " ") return;
    const scanned = scan(Buffer.from(`{"event_type":${quoted(name)}}`));
    assert.equal(scanned.kind === "scanned" && scanned.events[0]!.type, name);
    if (name === "*") return;
    const selector: EventSelector = { event_type: [name] };
    assert.deepEqual([wants(selector, eventOf("{}", name)), wants(selector, eventOf("{}", "x"))], [true, false]);
    assert.equal(wants(selector, eventOf("{}")), false);
  });

  test(`a transform makes, renames and leaves out ${quoted(name)}`, () => {
    if (name === "") return;
    const named = <V>(value: V) => JSON.parse(`{${quoted(name)}:${JSON.stringify(value)}}`) as Record<string, V>;
    const apply = (raw: string, transform: object) => {
      checkTransform(transform);
      return applyTransform(Buffer.from(raw), transform).toString();
    };
    assert.equal(apply('{"a":1.50}', { extract: named("$.a") }), `{${quoted(name)}:1.50}`);
    assert.equal(apply('{"a":1.50}', { rename: { a: name } }), `{${quoted(name)}:1.50}`);
    assert.equal(apply(`{${quoted(name)}:1.50}`, { rename: named("a") }), '{"a":1.50}');
    assert.equal(apply(`{${quoted(name)}:1,"a":2}`, { omit: [`$[${quoted(name)}]`] }), '{"a":2}');
    assert.equal(apply("{}", { extract: { a: `$[${quoted(name)}]` } }), "{}");
    assert.equal(
      applyTransform(Buffer.from("{}"), undefined, { as: name, row: '{"b":1}' }).toString(),
      `{${quoted(name)}:{"b":1}}`,
    );
  });

  test(`a schema asks for ${quoted(name)} as for any member`, () => {
    const faults = (schema: string, text: string) => compileSchema(schema).faults(Buffer.from(text)).length;
    const schema = `{"properties":{${quoted(name)}:{"type":"string"}},"additionalProperties":false}`;
    assert.deepEqual(
      [faults(schema, `{${quoted(name)}:"x"}`), faults(schema, `{${quoted(name)}:1}`), faults(schema, "{}")],
      [0, 1, 0],
    );
    const required = `{"required":[${quoted(name)}]}`;
    assert.deepEqual([faults(required, `{${quoted(name)}:1}`), faults(required, "{}")], [0, 1]);
    const values = `{"enum":[{${quoted(name)}:1}]}`;
    assert.deepEqual(
      [faults(values, `{${quoted(name)}:1}`), faults(values, "{}"), faults(values, '{"x":1}')],
      [0, 1, 1],
    );
  });
}

for (const name of identifiers) {
  test(`${name} is a field, a presence and a variable in CEL`, () => {
    const [has, hasNot] = [eventOf(`{"${name}":7,"list":[7]}`), eventOf('{"list":[8]}')];
    for (const cel of [`event.${name} == 7`, `has(event.${name})`, `event.list.exists(${name}, ${name} == 7)`])
      assert.deepEqual([wants({ cel }, has), wants({ cel }, hasNot)], [true, false], cel);
    assert.deepEqual([wants({ jsonpath: `$.${name}` }, has), wants({ jsonpath: `$..${name}` }, hasNot)], [true, false]);
  });

  if (["size", "length"].includes(name)) continue;
  test(`${name} alone, or called, is nothing that CEL knows`, () => {
    for (const cel of [`${name} == 7`, `${name}(event.a)`, `event.a.${name}() == 1`, `${name}`])
      assert.throws(() => compileSelector({ cel }), /The event selector is not valid/, cel);
    assert.throws(() => compileSelector({ jsonpath: `$[?${name}(@.a) == 1]` }), /The event selector is not valid/);
  });
}

for (const name of hostileNames) {
  test(`${quoted(name)} as a key finds the row of this name, and nothing where there is none`, async () => {
    const deliver = async (rows: readonly (readonly [string, string])[]) => {
      const service = (async ({ keys }: { keys: readonly string[] }) => {
        const found = rows.filter(([key]) => keys.includes(key));
        // As it comes over the wire.
        return { answer: JSON.parse(JSON.stringify({ version: 1, rows: found })), bytes: 0 };
      }) as unknown as Service;
      const make = payloadMaker({ service, region: "eu-west-1", now: () => 0 });
      const enrich = { from: "products", key: "$.sku", as: "product" };
      const events = [Buffer.from(`{"sku":${quoted(name)}}`)];
      const target = { tenant: "cus_a", enrich } as DeliveryTarget;
      const made = (await make(target, { first: FIRST, events } as never as Delivery, [0]))(0);
      return Buffer.isBuffer(made) ? made.toString() : made;
    };
    assert.equal(await deliver([[name, '{"price":1.50}']]), `{"sku":${quoted(name)},"product":{"price":1.50}}`);
    assert.equal(await deliver([["other", "{}"]]), `{"sku":${quoted(name)}}`);
  });
}

/** Whether the member `é` of an object is found where names are a customer's own. */
const readings: Readonly<Record<string, (text: string) => boolean | Promise<boolean>>> = {
  "a CEL selector": (text) => wants({ cel: "event['é'] == 7" }, eventOf(text)),
  "a JSONPath selector": (text) => wants("$['é'] == 7", eventOf(text)),
  "a transform that leaves it out": (text) =>
    !applyTransform(Buffer.from(text), { omit: ["$['é']"] })
      .toString()
      .includes("7"),
  "a schema": (text) => compileSchema('{"required":["é"]}').faults(Buffer.from(text)).length === 0,
  "a search": (text) => containsText(Buffer.from(text), "é"),
  "a management call": (text) => Object.hasOwn(parseBody(Buffer.from(text)) as object, "é"),
  "an answer of a function": async (text) => {
    const { answer } = await serviceOver(async () => Buffer.from(text), "f")({} as never);
    return Object.hasOwn(answer, "é");
  },
};
for (const [what, found] of Object.entries(readings))
  test(`${what} finds a member whose name is written with an escape, after another one was read in its place`, async () => {
    const first = quoted(what);
    assert.equal(await found(String.raw`{${first}:1,"\\":7}`), false);
    assert.equal(await found(String.raw`{${first}:1,"\u00e9":7}`), true);
  });

test.run();
