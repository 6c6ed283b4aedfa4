import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { containsText, foldCase } from "../../../runtime/store/inbox/text.ts";

const finds = (q: string, payload: string): boolean => containsText(Buffer.from(payload), foldCase(q));

const cases: [q: string, payload: string, found: boolean][] = [
  ["STRASSE", '{"a":"straße"}', true],
  ["straße", '{"a":"STRASSE"}', true],
  ["STRAẞE", '{"a":"strasse"}', true],
  ["ΟΔΟΣ", '{"a":"οδος"}', true],
  ["οδοσ", '{"a":"ΟΔΟΣ 1"}', true],
  ["ÉTÉ", '{"a":"\\u00e9t\\u00e9"}', true],
  ["ete", '{"a":"été"}', false],
  ["ﬁsh", '{"a":"FISH"}', true],
  ["Kelvin", '{"a":"\u212aelvin"}', true],
  ["order", '{"ORDER":1}', true],
  ["9007199254740993", '{"n":9007199254740993}', true],
  ["a\\u0041", '{"a":"x"}', false],
  ["__proto__", '{"__proto__":1}', true],
];
for (const [q, payload, found] of cases)
  test(`q=${q} ${found ? "finds" : "does not find"} ${payload}`, () => assert.equal(finds(q, payload), found));

test("case never matters, written or escaped", () =>
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 6 }), (text) => {
      for (const q of [text, text.toUpperCase(), text.toLowerCase(), text.toUpperCase().toLowerCase()]) {
        assert.ok(finds(q, JSON.stringify({ a: `x${text}y` })) || /["\\]/.test(text), q);
        const escaped = [...Buffer.from(text, "utf16le").swap16().toString("hex").matchAll(/..../g)];
        assert.ok(finds(q, `{"a":"${escaped.map(([unit]) => `\\u${unit}`).join("")}"}`), q);
      }
    }),
  ));

test("folding twice is folding once", () =>
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => assert.equal(foldCase(foldCase(text)), foldCase(text))),
  ));

test.run();
