import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { lineOf, textsOf } from "../../console/src/listText.ts";
import { draftOf, selectorOf } from "../../console/src/selectorForm.ts";

const NONE = "(none)";

/** Texts with each of the characters that a line has a meaning for. */
const texts = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', ",", " ", "a", "(none)") }));

const written: [says: string, line: string, texts: (string | null)[]][] = [
  ["texts are separated by commas", "order.created, order.*", ["order.created", "order.*"]],
  ["spaces around a text and empty places count for nothing", " a ,, b,", ["a", "b"]],
  ["a text that holds a comma stands in quotes", 'a, "b,c"', ["a", "b,c"]],
  ["a quote in quotes is written twice", '"say ""hi"""', ['say "hi"']],
  ["what has no value is not the text that stands for it", '(none), "(none)"', [null, "(none)"]],
  ["a quote within a text stands for itself", 'a "b" c', ['a "b" c']],
  ["a quote that is not closed stands for itself", '"a', ['"a']],
  ["nothing is no text", " ", []],
];
for (const [says, line, texts] of written) test(says, () => assert.deepEqual(textsOf(line, NONE), texts));

test("a line that was made of texts is read as these texts, whatever they hold", () =>
  fc.assert(fc.property(fc.array(fc.option(texts)), (all) => assert.deepEqual(textsOf(lineOf(all, NONE), NONE), all))));

test("a selector that is opened and saved unchanged selects the same types", () =>
  fc.assert(
    fc.property(fc.array(texts, { minLength: 1 }), (types) => {
      const event_type = types.length === 1 ? types[0]! : types;
      assert.deepEqual(selectorOf(draftOf({ event_type, cel: "event.a > 1" })), { event_type, cel: "event.a > 1" });
    }),
  ));

test("a selector of one text is a type, or a JSONPath where it begins as one", () => {
  assert.deepEqual(selectorOf(draftOf("a,b")), { event_type: "a,b" });
  assert.deepEqual(selectorOf(draftOf("$.country == 'DE'")), { jsonpath: "$.country == 'DE'" });
});

test.run();
