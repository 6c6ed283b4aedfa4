import assert from "node:assert/strict";
import { test } from "uvu";
import { DAY_MS, HOUR_MS, lengthText, MINUTE_MS, unitOfLength } from "../../../runtime/domain/time.ts";

const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const lengths: readonly (readonly [ms: number, text: string, unit: number])[] = [
  [0, "0 ms", 1],
  [999, "999 ms", 1],
  [1_000, "1 s", 1_000],
  [90_000, "90 s", 1_000],
  [120_000, "2 min", MINUTE_MS],
  [1_541_000, "25.7 min", MINUTE_MS],
  [7_200_000, "2 h", HOUR_MS],
  [86_400_000, "24 h", HOUR_MS],
  [2 * DAY_MS, "2 days", DAY_MS],
  [90 * DAY_MS, "90 days", DAY_MS],
];
for (const [ms, text, unit] of lengths)
  test(`${ms} ms are told as ${text}`, () => {
    assert.equal(lengthText(ms, fine), text);
    assert.equal(unitOfLength(ms), unit);
  });

test.run();
