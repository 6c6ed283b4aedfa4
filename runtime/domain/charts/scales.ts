import { nice, ticks } from "d3-array";
import { CHARACTER, line, type Shape, type Size, text, thinned } from "./drawing.ts";

/** Scales and axes. Invariant: one of values begins at zero and ends above the largest, so no difference looks larger than it is. */

export const MARGIN = { left: 48, right: 12, top: 10, bottom: 24 } as const;
const TICKS = 4;

type Pair = readonly [from: number, to: number];
/** Where a value stands in a picture: pixels. */
type Scale = (value: number) => number;

/**
 * In proportion, beyond both ends too. By hand, since d3-scale brings colours, formats and calendars along, which no picture here needs:
 * 7 KB of the console's first page.
 * @param values two that differ @param pixels where these two stand
 */
export const linear =
  ([low, high]: Pair, [from, to]: Pair): Scale =>
  (value) => {
    const share = (value - low) / (high - low);
    return from * (1 - share) + to * share;
  };

/** By its logarithm; what is beyond an end stands at that end. @param values two above zero that differ */
export function logarithmic([low, high]: Pair, pixels: Pair): Scale {
  const place = linear([Math.log(low), Math.log(high)], pixels);
  return (value) => place(Math.log(Math.min(high, Math.max(low, value))));
}

export interface ValueScale extends Scale {
  /** Round values along the axis, ascending. */
  readonly ticks: readonly number[];
}

/**
 * The axis of values.
 * @param most largest value @param whole values are counts, which have no halves @param unit of which the axis shows round multiples
 */
export function valueScale(most: number, bottom: number, top: number, whole: boolean, unit = 1): ValueScale {
  const least = whole ? TICKS : 0;
  const [low, high] = nice(0, (Math.max(most, least) || 1) / unit, TICKS);
  return Object.assign(linear([low * unit, high * unit], [bottom, top]), {
    ticks: ticks(low, high, TICKS).map((tick) => tick * unit),
  });
}

/** Pixels between a label of the axis of values and the picture. */
const BESIDE_LABELS = 6;

/** Where the picture begins, so that each label of the axis of values stands whole beside it. */
export const leftOf = ({ ticks: values }: ValueScale, format: (value: number) => string): number =>
  Math.max(MARGIN.left, ...values.map((value) => Math.ceil(format(value).length * CHARACTER) + BESIDE_LABELS));

/** Lines across, each with its value. @param format of a value, short @param left where the picture begins */
export function valueAxis(
  y: ValueScale,
  { width }: Size,
  format: (value: number) => string,
  left: number = MARGIN.left,
): Shape[] {
  return y.ticks.flatMap((tick) => [
    line([left, y(tick)], [width - MARGIN.right, y(tick)], "faint"),
    text(left - BESIDE_LABELS, y(tick) + 4, format(tick), { anchor: "end" }),
  ]);
}

/** Pixels between two labels of a time axis. */
const BETWEEN_LABELS = 6;

/** Labels below, none of which meets another or an edge. @param places where each stands, ascending */
export function timeAxis(places: readonly number[], labels: readonly string[], { width, height }: Size): Shape[] {
  const spacing = places.length < 2 ? width : (places.at(-1)! - places[0]!) / (places.length - 1);
  const shown = thinned(
    labels.map((words, at) => ({ words, x: places[at]! })),
    ({ words }) => words.length * CHARACTER,
    spacing,
  );
  let free = Number.NEGATIVE_INFINITY;
  return shown.flatMap(({ words, x }) => {
    const half = (words.length * CHARACTER) / 2;
    // A label at an edge is moved inwards, towards its neighbour.
    const at = Math.max(Math.min(x, width - half), half);
    if (at - half < free) return [];
    free = at + half + BETWEEN_LABELS;
    return [text(at, height - 8, words, { anchor: "middle" })];
  });
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
/** A count as an axis tells it. */
export const shortCount = (value: number): string => compact.format(value);
