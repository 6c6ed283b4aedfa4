import assert from "node:assert/strict";
import { test } from "uvu";
import { type Piece, pieceOf, piecesOf } from "../../console/src/pieces.ts";
import { DAY_MS, HOUR_MS } from "../../runtime/domain/time.ts";

const now = Date.parse("2026-11-29T12:20:00Z");
const rows: [says: string, chosen: Piece | undefined, ago: number, length: number, piece: Piece][] = [
  ["the last hour is told by the minute", undefined, HOUR_MS, HOUR_MS, "minute"],
  ["a day is told by the hour", undefined, DAY_MS, DAY_MS, "hour"],
  ["a month is told by the day", undefined, 30 * DAY_MS, 30 * DAY_MS, "day"],
  ["what is chosen is shown", "week", HOUR_MS, HOUR_MS, "week"],
  ["a week has too many minutes", "minute", 7 * DAY_MS, 7 * DAY_MS, "hour"],
  ["minutes of two months ago are not kept", "minute", 60 * DAY_MS, HOUR_MS, "hour"],
];
for (const [says, chosen, ago, length, piece] of rows)
  test(says, () => assert.equal(pieceOf(chosen, now - ago, now - ago + length, now), piece));

test("minutes are offered only where they can be shown", () => {
  assert.deepEqual(piecesOf(now - DAY_MS, now, now), ["minute", "hour", "day", "week"]);
  assert.deepEqual(piecesOf(now - 7 * DAY_MS, now, now), ["hour", "day", "week"]);
});

test.run();
