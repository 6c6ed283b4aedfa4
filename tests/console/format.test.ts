import assert from "node:assert/strict";
import { test } from "uvu";
import { ms, share } from "../../console/src/format.ts";

const told: [text: string, written: string][] = [
  [share(0), "0 %"],
  [share(0.0001), "< 0.05 %"],
  [share(0.024), "2.4 %"],
  [share(0.99972), "99.972 %"],
  [share(1), "100 %"],
  [ms(12.4), "12 ms"],
  [ms(2_600), "2.6 s"],
  [ms(7_200_000), "2 h"],
];
for (const [text, written] of told)
  test(`${written} stands in one line`, () => assert.equal(text, written.replaceAll(" ", "\u00a0")));

test.run();
