import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { eventOf, eventText } from "../../local/lambda/protocol.ts";

const test = suite("events on their way to a thread");

/** Events of a Function URL, of a queue, of an edge, of a schedule; and JSON of any shape that has their names at odd places. */
const text = fc.string({ unit: "binary" });
const events = fc.oneof(
  fc.record({ rawPath: text, body: text, isBase64Encoded: fc.boolean() }, { requiredKeys: [] }),
  fc.record({ Records: fc.array(fc.record({ messageId: text, body: text })) }),
  fc.record({
    Records: fc.array(
      fc.record({ cf: fc.record({ request: fc.record({ uri: text, body: fc.record({ data: text }) }) }) }),
    ),
  }),
  fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(null, true, 0, -1.5),
      text,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.oneof(fc.constantFrom("body", "Records", "cf", "request", "data"), text), tie("value"), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
    ),
  })).value,
);

test("a function is given what JSON makes of the event, and the event itself stays as it was", () => {
  fc.assert(
    fc.property(events, (event) => {
      const before = JSON.stringify(event);
      const sent = structuredClone(eventText(event));
      assert.deepEqual(eventOf(sent), JSON.parse(before));
      assert.equal(JSON.stringify(event), before);
    }),
  );
});

test("an event that is JSON already is given as it is", () => {
  assert.deepEqual(eventOf({ json: '{"body":"of the caller"}' }), { body: "of the caller" });
});

test.run();
