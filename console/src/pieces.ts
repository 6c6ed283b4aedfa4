import { KEPT_DAYS } from "../../runtime/domain/metrics/sums.ts";
import { DAY_MS, HOUR_MS, type Millis } from "../../runtime/domain/time.ts";

/** What the history of a range is told by. Pure. */
export const pieces = ["minute", "hour", "day", "week"] as const;
export type Piece = (typeof pieces)[number];

/** Those that a range can be told by: minutes are not kept as long as hours, and of a week they would be thousands. */
export const piecesOf = (from: Millis, to: Millis, now: Millis): readonly Piece[] =>
  to - from <= DAY_MS && from > now - KEPT_DAYS.minute * DAY_MS ? pieces : pieces.filter((each) => each !== "minute");

/** @param chosen where it can't be, or none is, the one that tells most at a glance */
export function pieceOf(chosen: Piece | undefined, from: Millis, to: Millis, now: Millis): Piece {
  const possible = piecesOf(from, to, now);
  if (chosen !== undefined && possible.includes(chosen)) return chosen;
  if (to - from <= 6 * HOUR_MS && possible.includes("minute")) return "minute";
  return to - from <= 14 * DAY_MS ? "hour" : "day";
}
