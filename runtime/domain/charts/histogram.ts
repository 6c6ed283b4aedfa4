import { DAY_MS, HOUR_MS, MINUTE_MS, type Millis } from "../time.ts";
import {
  CHARACTER,
  type Drawing,
  emptyDrawing,
  line,
  type Mark,
  type Paint,
  path,
  rect,
  type Shape,
  type Size,
  text,
} from "./drawing.ts";
import { logarithmic, MARGIN, shortCount, valueAxis, valueScale } from "./scales.ts";

/**
 * How long things took, as a distribution. Its axis of times is logarithmic, as latencies are, and says so by its labels; its axis of counts
 * begins at zero.
 */

/** Upper bound in ms and count, ascending. */
export type Buckets = readonly (readonly [upper: number, count: number])[];

export interface Column {
  /** Milliseconds, exclusive and inclusive. */
  readonly from: Millis;
  readonly to: Millis;
  readonly count: number;
  /** How many it would hold if times were distributed as they were before; null without an earlier time to compare with. */
  readonly expected: number | null;
  /** Clearly more than usual, and slower than what is usual for most. */
  readonly unusual: boolean;
}

/** Factor between the bounds of a column. */
const STEP = 10 ** 0.125;
const FLOOR = 1;
/** A column is unusual that holds more than so many times the expected number, and more than a hundredth of all. */
const TIMES = 2;
const LEAST_SHARE = 0.01;

/** A bucket is 10 % wide. It counts for the column that its middle is in, as quantiles are computed from middles. */
const MIDDLE = Math.sqrt(1.1);
const placeOf = (upper: number): number =>
  upper <= FLOOR ? 0 : Math.max(1, Math.ceil(Math.log(upper / MIDDLE / FLOOR) / Math.log(STEP) - 1e-6));
const totalOf = (buckets: Buckets): number => buckets.reduce((sum, [, count]) => sum + count, 0);

/**
 * The columns of a histogram, without gaps from the fastest to the slowest.
 * @param baseline of an earlier time @param usualUpTo milliseconds: what is slower may be unusual
 */
export function columnsOf(buckets: Buckets, baseline: Buckets = [], usualUpTo = Number.POSITIVE_INFINITY): Column[] {
  const [now, before] = [new Map<number, number>(), new Map<number, number>()];
  for (const [list, into] of [
    [buckets, now],
    [baseline, before],
  ] as const)
    for (const [upper, count] of list) if (count > 0) into.set(placeOf(upper), (into.get(placeOf(upper)) ?? 0) + count);
  const [all, earlier] = [totalOf(buckets), totalOf(baseline)];
  const places = [...now.keys(), ...(all === 0 ? [] : before.keys())];
  if (all === 0) return [];
  const [first, last] = [Math.min(...places), Math.max(...places)];
  return Array.from({ length: last - first + 1 }, (_, at): Column => {
    const place = first + at;
    const from = place === 0 ? 0 : FLOOR * STEP ** (place - 1);
    const count = now.get(place) ?? 0;
    const expected = earlier === 0 ? null : ((before.get(place) ?? 0) / earlier) * all;
    const unusual = expected !== null && from >= usualUpTo && count > expected * TIMES && count > all * LEAST_SHARE;
    return { from, to: FLOOR * STEP ** place, count, expected, unusual };
  });
}

export interface HistogramLine {
  readonly name: string;
  readonly ms: Millis | null;
}

export interface Histogram {
  readonly columns: readonly Column[];
  readonly percentiles: readonly HistogramLine[];
  /** Where the 95th percentile usually lies. */
  readonly band?: { readonly low: number; readonly high: number } | undefined;
  readonly paint?: Paint;
  /** Of milliseconds. */
  format(ms: Millis): string;
}

/** Where the axis of times has its labels: round lengths of each unit, each about three times the one before. */
const LENGTHS = [
  ...[1, 10, 100, 1_000, 10_000].flatMap((ms) => [ms, ms * 3]),
  ...[1, 3, 10, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 3, 10].map((hours) => hours * HOUR_MS),
  ...[1, 10, 100, 1_000].flatMap((days) => [days * DAY_MS, days * 3 * DAY_MS]),
];
const LABELS = 30;

export function drawHistogram(data: Histogram, size: Size): Drawing {
  const { columns, band, paint = "series0", format } = data;
  if (columns.length === 0) return emptyDrawing(size, "Nothing was measured in this time.");
  const [right, bottom, top] = [size.width - MARGIN.right, size.height - MARGIN.bottom, MARGIN.top + LABELS];
  const [low, high] = [Math.max(columns[0]!.from, FLOOR / STEP), columns.at(-1)!.to];
  // A few columns alone would be as wide as the picture.
  const wide = Math.max(high, low * STEP ** 12);
  const x = logarithmic([low, wide], [MARGIN.left, right]);
  const most = Math.max(...columns.map(({ count, expected }) => Math.max(count, expected ?? 0)));
  const y = valueScale(most, bottom, top, true);
  const span = ({ from, to }: Column) => [x(Math.max(from, low)), x(to)] as const;
  const shapes: Shape[] = [];
  if (band !== undefined) {
    const [from, to] = [x(Math.max(low, band.low)), x(Math.max(low, band.high))];
    shapes.push(
      rect({ x: from, y: top, width: Math.max(2, to - from), height: bottom - top }, "info", { opacity: 0.16 }),
    );
  }
  shapes.push(...valueAxis(y, size, shortCount));
  const ticks = [...new Set([low, ...LENGTHS.filter((each) => each > low && each < wide), wide])];
  let free = Number.NEGATIVE_INFINITY;
  for (const tick of ticks) {
    const half = (format(tick).length * CHARACTER) / 2;
    const at = Math.min(Math.max(x(tick), MARGIN.left + half - 10), size.width - half);
    if (at - half < free + 6) continue;
    free = at + half;
    shapes.push(text(at, size.height - 8, format(tick), { anchor: "middle" }));
  }
  for (const column of columns) {
    const [from, to] = span(column);
    if (column.count > 0)
      shapes.push(
        rect(
          { x: from + 0.5, width: to - from - 1, y: y(column.count), height: bottom - y(column.count) },
          column.unusual ? "bad" : paint,
        ),
      );
    // A pattern as well as a colour: a bar that is unusual bears a sign.
    if (column.unusual) shapes.push(text((from + to) / 2, y(column.count) - 3, "▲", { fill: "bad", anchor: "middle" }));
  }
  if (columns.some(({ expected }) => expected !== null)) {
    const steps = columns.flatMap((column) => {
      const [from, to] = span(column);
      return [`${from},${y(column.expected ?? 0)}`, `${to},${y(column.expected ?? 0)}`];
    });
    shapes.push(path(`M${steps.join("L")}`, { stroke: "ink" }, { width: 1.5, dash: "4 3" }));
  }
  shapes.push(...percentileShapes(data, x, bottom, (MARGIN.left + right) / 2));
  const marks = columns.map((column, row): Mark => {
    const [from, to] = span(column);
    return { x: from, y: top, width: to - from, height: bottom - top, row };
  });
  return { ...size, shapes, marks };
}

/** A name's height, and that of the row that it stands in. */
const NAME = 8;
const NAME_ROW = 11;

/** A line at each percentile, and its name beside the line's end. The slowest stands highest, and a line begins below each name that it would meet. */
function percentileShapes(
  { percentiles, format }: Histogram,
  x: (ms: Millis) => number,
  bottom: number,
  middle: number,
): Shape[] {
  const names = percentiles.flatMap(({ name, ms }, at) => {
    if (ms === null) return [];
    const words = `${name} ${format(ms)}`;
    const anchor = x(ms) > middle ? ("end" as const) : ("start" as const);
    const near = x(ms) + (anchor === "end" ? -4 : 4);
    const far = near + words.length * CHARACTER * (anchor === "end" ? -1 : 1);
    const y = 16 + (percentiles.length - 1 - at) * NAME_ROW;
    const dash = ["", "5 2", "2 2"][at] ?? "";
    return [{ words, anchor, near, y, line: x(ms), dash, from: Math.min(near, far), to: Math.max(near, far) }];
  });
  return names.flatMap(({ words, anchor, near, y, line: place, dash }) => {
    const met = names.filter(({ from, to, y: other }) => other >= y && from <= place && place <= to);
    const top = Math.max(y - NAME, ...met.map(({ y: other }) => other + 2));
    return [
      line([place, top], [place, bottom], "ink", { width: 1.5, dash }),
      text(near, y, words, { fill: "ink", anchor }),
    ];
  });
}
