import { cut, type Drawing, emptyDrawing, type Paint, rect, text } from "./drawing.ts";
import { linear } from "./scales.ts";

/** Bars from left to right, from zero, in the order given. */

export interface RankedBar {
  readonly name: string;
  readonly value: number;
  readonly paint?: Paint;
}

/** Names are set off by their width, which for capitals is more than on average. */
const CHARACTER = 7.4;
/** Between a name and its bar. */
const GAP = 8;
/** A short name can be of wide letters alone, which no average knows. */
const SPARE = 6;
const ROW = 26;
/** The height that so many bars need. */
const barsHeight = (bars: number): number => Math.max(1, bars) * ROW + 8;

/** @param format of a value @param whole the value whose bar takes all of the width: of shares of something, all of it. @default the largest one */
export function drawRanked(
  bars: readonly RankedBar[],
  width: number,
  format: (value: number) => string,
  whole = 0,
): Drawing {
  if (bars.length === 0) return emptyDrawing({ width, height: 60 });
  const names = Math.min(width * 0.45, Math.max(...bars.map(({ name }) => name.length * CHARACTER)) + SPARE + GAP);
  const figures = Math.max(...bars.map(({ value }) => format(value).length * CHARACTER)) + 12;
  const most = Math.max(whole, ...bars.map(({ value }) => value)) || 1;
  const x = linear([0, most], [0, Math.max(20, width - names - figures)]);
  return {
    width,
    height: barsHeight(bars.length),
    shapes: bars.flatMap(({ name, value, paint = "series0" }, place) => {
      const y = place * ROW + 4;
      return [
        text(names - GAP, y + 15, cut(name, Math.floor((names - GAP) / CHARACTER)), { anchor: "end", fill: "ink" }),
        rect({ x: names, y: y + 2, width: x(value), height: ROW - 8 }, paint, { round: 2 }),
        text(names + x(value) + 6, y + 15, format(value)),
      ];
    }),
    marks: bars.map((_, row) => ({ x: 0, y: row * ROW + 4, width, height: ROW - 2, row })),
  };
}
