import { area as areaOf, line as lineOf } from "d3-shape";
import {
  CHARACTER,
  cut,
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
import { leftOf, linear, MARGIN, shortCount, timeAxis, type ValueScale, valueAxis, valueScale } from "./scales.ts";

/**
 * What happened over time, a bucket beside the other: bars, areas or lines. Invariant: a bar is as high as its value, a bucket without
 * a value is a gap, and one that is still filling is marked.
 */

export interface TimeSeries {
  readonly name: string;
  readonly paint: Paint;
  /** One a bucket; null where there is nothing to tell. */
  readonly values: readonly (number | null)[];
  /** Bars of several series stand on each other. */
  readonly as: "bars" | "line" | "area";
  /** Of a line, so that lines differ by more than colour. */
  readonly dash?: string;
}

/** Where the points of an answer stand on the axis of time. @param to the end of the last one */
export const alongTime = (
  points: readonly { readonly start: string; readonly partial?: boolean | undefined }[],
  to: string,
) => ({
  starts: points.map(({ start }) => Date.parse(start)),
  end: Date.parse(to),
  partial: points.map(({ partial }) => partial === true),
});

export interface OverTime {
  /** Where each bucket begins: milliseconds, ascending. */
  readonly starts: readonly number[];
  /** Where the last one ends. */
  readonly end: number;
  /** Buckets that are still filling. */
  readonly partial?: readonly boolean[];
  readonly series: readonly TimeSeries[];
  /** What is usual, from and to. */
  readonly band?: { readonly low: number; readonly high: number };
  /** Lines across at values that mean something, such as a limit; the axis reaches them. */
  readonly levels?: readonly { readonly value: number; readonly paint: Paint; readonly name: string }[];
  /** Values are counts. */
  readonly whole?: boolean;
  /** Of a value on the axis. @default a short count */
  format?(value: number): string;
  /** In which unit `format` tells values up to this one: the axis shows round multiples of it. @default 1 */
  unit?(most: number): number;
  /** Of a bucket's beginning on the axis. */
  label(at: number): string;
  /** Names of the series stand above: where nothing beside the picture tells them. */
  readonly legend?: boolean;
  /** First row of the table that tells the buckets. @default 0 */
  readonly row?: number;
}

/** Height of a row of the legend, and the room that a line or box takes before its name. */
const LEGEND = 20;
const SWATCH = 24;
const known = (value: number | null | undefined): value is number => value !== null && value !== undefined;

/** Upper bounds of each bucket's stack, series by series. */
function stacked(bars: readonly TimeSeries[], buckets: number): number[][] {
  const tops: number[][] = [];
  for (const { values } of bars)
    tops.push(Array.from({ length: buckets }, (_, at) => (tops.at(-1)?.[at] ?? 0) + (values[at] ?? 0)));
  return tops;
}

/** The largest value of the axis. */
function mostOf({ series, band, starts, levels = [] }: OverTime): number {
  const bars = stacked(
    series.filter(({ as }) => as === "bars"),
    starts.length,
  );
  const others = series.filter(({ as }) => as !== "bars").flatMap(({ values }) => values.filter(known));
  return Math.max(0, ...(bars.at(-1) ?? []), ...others, band?.high ?? 0, ...levels.map(({ value }) => value));
}

export function drawOverTime(data: OverTime, size: Size): Drawing {
  const { starts, end, series, band } = data;
  if (starts.length === 0 || !series.some(({ values }) => values.some(known))) return emptyDrawing(size);
  const entries = data.legend === true ? legendEntries(series, size.width) : [];
  const top = MARGIN.top + (entries.length === 0 ? 0 : (entries.at(-1)!.row + 1) * LEGEND);
  const [right, bottom] = [size.width - MARGIN.right, size.height - MARGIN.bottom];
  const most = mostOf(data);
  const y = valueScale(most, bottom, top, data.whole ?? false, data.unit?.(most));
  const format = data.format ?? shortCount;
  const left = leftOf(y, format);
  const x = linear([starts[0]!, Math.max(end, starts[0]! + 1)], [left, right]);
  const spans = starts.map((start, at) => [x(start), x(starts[at + 1] ?? end)] as const);
  const shapes: Shape[] = [];
  if (band !== undefined)
    shapes.push(
      rect({ x: left, y: y(band.high), width: right - left, height: y(band.low) - y(band.high) }, "info", {
        opacity: 0.14,
      }),
    );
  shapes.push(...valueAxis(y, size, format, left));
  shapes.push(
    ...timeAxis(
      spans.map(([from, to]) => (from + to) / 2),
      starts.map((start) => data.label(start)),
      size,
    ),
  );
  shapes.push(...barShapes(data, spans, y));
  for (const each of series) if (each.as !== "bars") shapes.push(...lineShapes(each, data, spans, y));
  for (const { value, paint, name } of data.levels ?? []) {
    shapes.push(line([left, y(value)], [right, y(value)], paint, { width: 1.5, dash: "6 4" }));
    shapes.push(
      text(right - 4, y(value) - 4 < top + 6 ? y(value) + 12 : y(value) - 4, name, { anchor: "end", fill: "ink" }),
    );
  }
  shapes.push(...legend(entries, size.width));
  const marks = spans.map(
    ([from, to], at): Mark => ({ x: from, y: top, width: to - from, height: bottom - top, row: (data.row ?? 0) + at }),
  );
  return { ...size, shapes, marks };
}

type Spans = readonly (readonly [number, number])[];

function barShapes({ series, starts, partial }: OverTime, spans: Spans, y: ValueScale): Shape[] {
  const bars = series.filter(({ as }) => as === "bars");
  const tops = stacked(bars, starts.length);
  return bars.flatMap(({ paint, values }, place) =>
    values.flatMap((value, at) => {
      if (!known(value) || value === 0) return [];
      const [from, to] = spans[at]!;
      const room = Math.min(4, (to - from) * 0.15);
      const [upper, lower] = [tops[place]![at]!, tops[place - 1]?.[at] ?? 0];
      const box = { x: from + room / 2, width: to - from - room, y: y(upper), height: y(lower) - y(upper) };
      if (partial?.[at] === true) return [rect(box, paint, { opacity: 0.35, stroke: paint, dash: "3 2" })];
      return [rect(box, paint, bars.length > 1 ? { stroke: "ground" } : {})];
    }),
  );
}

function lineShapes(
  { paint, values, as, dash }: TimeSeries,
  { partial }: OverTime,
  spans: Spans,
  y: ValueScale,
): Shape[] {
  const points = values.map((value, at) => ({
    value,
    x: (spans[at]![0] + spans[at]![1]) / 2,
    filling: partial?.[at] === true,
  }));
  type Point = (typeof points)[number];
  const shapes: Shape[] = [];
  if (as === "area") {
    const d = areaOf<Point>()
      .defined(({ value }) => known(value))
      .x(({ x }) => x)
      .y1(({ value }) => y(value ?? 0))
      .y0(y(0))(points);
    if (d !== null) shapes.push(path(d, { fill: paint }, { opacity: 0.18, width: 0 }));
  }
  const drawn = (wanted: (point: Point, at: number) => boolean) =>
    lineOf<Point>()
      .defined((point, at) => known(point.value) && wanted(point, at))
      .x(({ x }) => x)
      .y(({ value }) => y(value ?? 0))(points) ?? "";
  const solid = drawn(({ filling }) => !filling);
  if (solid !== "") shapes.push(path(solid, { stroke: paint }, { dash: dash ?? "" }));
  // From the last whole bucket into those that still fill.
  const open = drawn((point, at) => point.filling || points[at + 1]?.filling === true);
  if (points.some(({ filling, value }) => filling && known(value)))
    shapes.push(path(open, { stroke: paint }, { dash: "2 3" }));
  // A line of one point is none: it is drawn as the point that it is.
  points.forEach((point, at) => {
    if (known(point.value) && !known(points[at - 1]?.value) && !known(points[at + 1]?.value))
      shapes.push({ tag: "circle", fill: paint, at: { cx: point.x, cy: y(point.value), r: 3 } });
  });
  return shapes;
}

interface Entry {
  readonly series: TimeSeries;
  readonly x: number;
  readonly row: number;
}

/** Where the name of each series stands: one after the other, in as many rows as they need. */
function legendEntries(series: readonly TimeSeries[], width: number): Entry[] {
  let [x, row] = [MARGIN.left, 0];
  return series.map((each) => {
    const wide = SWATCH + each.name.length * CHARACTER + 14;
    if (x > MARGIN.left && x + wide > width) [x, row] = [MARGIN.left, row + 1];
    const entry = { series: each, x, row };
    x += wide;
    return entry;
  });
}

function legend(entries: readonly Entry[], width: number): Shape[] {
  return entries.flatMap(({ series: { name, paint, as, dash }, x, row }) => {
    const y = row * LEGEND;
    return [
      as === "bars"
        ? rect({ x, y: y + 5, width: 12, height: 12 }, paint)
        : line([x, y + 12], [x + 18, y + 12], paint, { width: 2, dash: dash ?? "" }),
      text(x + SWATCH, y + 16, cut(name, Math.floor((width - x - SWATCH) / CHARACTER)), { fill: "ink" }),
    ];
  });
}
