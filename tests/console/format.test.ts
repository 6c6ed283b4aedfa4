import assert from "node:assert/strict";
import { test } from "uvu";
import { bytes, ms, share } from "../../console/src/format.ts";

const told: [text: string, written: string][] = [
  [share(0), "0 %"],
  [share(0.0001), "< 0.05 %"],
  [share(0.024), "2.4 %"],
  [share(0.99972), "99.972 %"],
  [share(1), "100 %"],
  [bytes(0), "0 B"],
  [bytes(999), "999 B"],
  [bytes(1_234), "1.2 KB"],
  [bytes(999_960), "1 MB"],
  [bytes(18_400_000_000), "18.4 GB"],
  [ms(12.4), "12 ms"],
  [ms(2_600), "2.6 s"],
  [ms(7_200_000), "2 h"],
];
for (const [text, written] of told)
  test(`${written} stands in one line`, () => assert.equal(text, written.replaceAll(" ", "\u00a0")));

test.run();
