import { defined } from "../defined.ts";

/**
 * A chart is a drawing: shapes in order, painted by meaning. It is made by pure functions of data and size, so that a screen, a mail and a
 * PDF show the same. Who shows it says which colour a meaning has.
 */

export const seriesPaints = ["series0", "series1", "series2", "series3", "series4", "series5"] as const;
const paints = [
  "ink",
  "soft",
  "faint",
  "sunk",
  "ground",
  "accent",
  "good",
  "warn",
  "bad",
  "info",
  "quiet",
  ...seriesPaints,
] as const;
export type Paint = (typeof paints)[number];
/** The colour of each meaning. */
export type Palette = Readonly<Record<Paint, string>>;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** An element of SVG; colours by meaning, lengths in pixels. */
export interface Shape {
  readonly tag: "line" | "path" | "rect" | "circle" | "text";
  readonly fill?: Paint | "none";
  readonly stroke?: Paint;
  /** Other attributes, as JSX spells them. */
  readonly at: Readonly<Record<string, string | number>>;
  readonly text?: string;
}

/** A part of the drawing that means something by itself: what a pointer meets, and a keyboard's cursor stops at. */
export interface Mark {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Row of the chart's table that tells it. */
  readonly row: number;
}

export interface Drawing extends Size {
  readonly shapes: readonly Shape[];
  readonly marks: readonly Mark[];
}

/** Width of a character at 11 pixels, in the widest of the fonts that screens have. */
export const CHARACTER = 6.6;

export const cut = (text: string, characters: number): string =>
  text.length <= characters ? text : `${text.slice(0, Math.max(1, characters - 1))}…`;

/** Labels thinned until none collide. @param spacing pixels between two of them */
export function thinned<T>(labels: readonly T[], widthOf: (label: T) => number, spacing: number): T[] {
  const widest = Math.max(1, ...labels.map(widthOf));
  const every = Math.max(1, Math.ceil((widest + 8) / Math.max(1e-6, spacing)));
  return labels.filter((_, at) => at % every === 0);
}

export const text = (
  x: number,
  y: number,
  words: string,
  {
    fill = "soft",
    anchor = "start",
    size,
    bold = false,
  }: {
    readonly fill?: Paint;
    readonly anchor?: "start" | "middle" | "end";
    readonly size?: number;
    readonly bold?: boolean;
  } = {},
): Shape => ({
  tag: "text",
  fill,
  text: words,
  at: {
    x,
    y,
    textAnchor: anchor,
    ...defined({ fontSize: size }),
    ...(bold ? { fontWeight: 600 } : {}),
  },
});

export const line = (
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  stroke: Paint,
  { width = 1, dash = "" }: { readonly width?: number; readonly dash?: string } = {},
): Shape => ({
  tag: "line",
  stroke,
  at: { x1, y1, x2, y2, strokeWidth: width, ...(dash === "" ? {} : { strokeDasharray: dash }) },
});

export const rect = (
  { x, y, width, height }: Pick<Mark, "x" | "y" | "width" | "height">,
  fill: Paint | "none",
  more: { readonly stroke?: Paint; readonly opacity?: number; readonly dash?: string; readonly round?: number } = {},
): Shape => ({
  tag: "rect",
  fill,
  ...defined({ stroke: more.stroke }),
  at: {
    x,
    y,
    width: Math.max(0, width),
    height: Math.max(0, height),
    ...defined({ fillOpacity: more.opacity, strokeDasharray: more.dash, rx: more.round }),
  },
});

export const path = (
  d: string,
  paint: { readonly fill?: Paint; readonly stroke?: Paint },
  more: { readonly width?: number; readonly dash?: string; readonly opacity?: number } = {},
): Shape => ({
  tag: "path",
  fill: paint.fill ?? "none",
  ...defined({ stroke: paint.stroke }),
  at: {
    d,
    strokeWidth: more.width ?? 2,
    strokeLinejoin: "round",
    ...(more.dash === undefined || more.dash === "" ? {} : { strokeDasharray: more.dash }),
    ...defined({ fillOpacity: more.opacity }),
  },
});

/** Shown in place of a chart without data: an empty axis would look like zeros. */
export const emptyDrawing = ({ width, height }: Size, words = "Nothing happened in this time."): Drawing => ({
  width,
  height,
  marks: [],
  shapes: [
    rect({ x: 0.5, y: 0.5, width: width - 1, height: height - 1 }, "none", { stroke: "faint", round: 4 }),
    text(width / 2, height / 2 + 4, words, { anchor: "middle" }),
  ],
});
