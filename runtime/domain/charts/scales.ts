import { type ScaleLinear, scaleLinear } from "d3-scale";
import { CHARACTER, line, type Shape, type Size, text, thinned } from "./drawing.ts";

/** Axes. Invariant: one of values begins at zero and ends above the largest, so no difference looks larger than it is. */

export const MARGIN = { left: 48, right: 12, top: 10, bottom: 24 } as const;
const TICKS = 4;

/** The axis of values. @param most largest value @param whole values are counts, which have no halves */
export function valueScale(most: number, bottom: number, top: number, whole: boolean): ScaleLinear<number, number> {
  const least = whole ? TICKS : 0;
  return scaleLinear([0, Math.max(most, least) || 1], [bottom, top]).nice(TICKS);
}

/** Lines across, each with its value. @param format of a value, short */
export function valueAxis(y: ScaleLinear<number, number>, { width }: Size, format: (value: number) => string): Shape[] {
  return y
    .ticks(TICKS)
    .flatMap((tick) => [
      line([MARGIN.left, y(tick)], [width - MARGIN.right, y(tick)], "faint"),
      text(MARGIN.left - 6, y(tick) + 4, format(tick), { anchor: "end" }),
    ]);
}

/** Labels below, none of which meets another. @param places where each stands, ascending */
export function timeAxis(places: readonly number[], labels: readonly string[], { width, height }: Size): Shape[] {
  const spacing = places.length < 2 ? width : (places.at(-1)! - places[0]!) / (places.length - 1);
  const shown = thinned(
    labels.map((words, at) => ({ words, x: places[at]! })),
    ({ words }) => words.length * CHARACTER,
    spacing,
  );
  return shown.flatMap(({ words, x }) => {
    const half = (words.length * CHARACTER) / 2;
    const anchor = x - half < MARGIN.left - 20 ? "start" : x + half > width ? "end" : "middle";
    return [text(anchor === "end" ? Math.min(x, width) : x, height - 8, words, { anchor })];
  });
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
/** A count as an axis tells it. */
export const shortCount = (value: number): string => compact.format(value);
