import { scaleLinear, scaleTime } from "d3-scale";
import { line } from "d3-shape";
import { html } from "hono/html";
import type { Millis } from "../time.ts";

/**
 * Charts as functions of data and size to SVG: the same drawing on a screen, in a mail, in a PDF. No effects, no document, no identifiers
 * that two charts on a page could share. Marks differ by dashes as well as by colour, and each chart says in words what it shows.
 */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Line {
  readonly name: string;
  /** Null where there is nothing to tell: the line has a gap there. */
  readonly points: readonly { readonly at: Millis; readonly value: number | null }[];
}

export interface Bar {
  readonly name: string;
  readonly value: number;
}

/** Told apart on white and on print, also by people who see no red or no green (Okabe and Ito). */
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"] as const;
const DASHES = ["", "6 3", "2 3", "8 3 2 3", "1 3", "10 4"] as const;
const INK = "#1f2328";
const FAINT = "#d0d7de";
const SOFT = "#57606a";
const FONT = "Roboto, Helvetica, Arial, sans-serif";
/** Width of a character at 11 pixels, on average. */
const CHARACTER = 6;

const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** Labels thinned until none collide. */
function thinned<T>(labels: readonly T[], widthOf: (label: T) => number, spacing: number): T[] {
  const widest = Math.max(1, ...labels.map(widthOf));
  const every = Math.max(1, Math.ceil((widest + 8) / Math.max(1, spacing)));
  return labels.filter((_, at) => at % every === 0);
}

const cut = (text: string, characters: number): string =>
  text.length <= characters ? text : `${text.slice(0, Math.max(1, characters - 1))}…`;

const svg = ({ width, height }: Size, says: string, parts: readonly unknown[]): string =>
  String(
    html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${says}" font-family="${FONT}" font-size="11">${parts}</svg>`,
  );

const MARGIN = { left: 48, right: 12, top: 28, bottom: 24 } as const;

/** Lines over time. @param says in a sentence what they show @param format of a time, as its axis tells it */
export function lineChart(lines: readonly Line[], size: Size, says: string, format: (at: Millis) => string): string {
  const points = lines.flatMap((each) => each.points);
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  if (values.length === 0) return emptyChart(size, says);
  const times = points.map(({ at }) => at);
  const right = size.width - MARGIN.right;
  const bottom = size.height - MARGIN.bottom;
  const x = scaleTime([Math.min(...times), Math.max(...times)], [MARGIN.left, right]);
  const y = scaleLinear([0, Math.max(...values) || 1], [bottom, MARGIN.top]).nice(4);
  const path = line<{ at: Millis; value: number | null }>()
    .defined(({ value }) => value !== null)
    .x(({ at }) => x(at))
    .y(({ value }) => y(value ?? 0));
  const starts = lines[0]!.points.map(({ at }) => at);
  const labels = thinned(
    starts.map((at) => ({ at, text: format(at) })),
    ({ text }) => text.length * CHARACTER,
    (right - MARGIN.left) / Math.max(1, starts.length - 1),
  );
  return svg(size, says, [
    ...y
      .ticks(4)
      .map(
        (tick) =>
          html`<line x1="${MARGIN.left}" x2="${right}" y1="${y(tick)}" y2="${y(tick)}" stroke="${FAINT}" stroke-width="1"/><text x="${MARGIN.left - 6}" y="${y(tick) + 4}" text-anchor="end" fill="${SOFT}">${short.format(tick)}</text>`,
      ),
    ...labels.map(
      ({ at, text }, place) =>
        html`<text x="${x(at)}" y="${size.height - 8}" text-anchor="${place === 0 ? "start" : x(at) > right - 20 ? "end" : "middle"}" fill="${SOFT}">${text}</text>`,
    ),
    ...lines.map(({ points: own }, place) => {
      const colour = COLOURS[place % COLOURS.length]!;
      const told = own.filter(({ value }) => value !== null);
      // A line of one point is none: it is drawn as the point that it is.
      return told.length === 1
        ? html`<circle cx="${x(told[0]!.at)}" cy="${y(told[0]!.value!)}" r="3" fill="${colour}"/>`
        : html`<path d="${path([...own]) ?? ""}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${DASHES[place % DASHES.length]!}" stroke-linejoin="round"/>`;
    }),
    ...legend(
      lines.map(({ name }) => name),
      size.width,
    ),
  ]);
}

function legend(names: readonly string[], width: number): unknown[] {
  const each = (width - MARGIN.left) / Math.max(1, names.length);
  return names.map((name, place) => {
    const x = MARGIN.left + place * each;
    const colour = COLOURS[place % COLOURS.length]!;
    return html`<line x1="${x}" x2="${x + 18}" y1="12" y2="12" stroke="${colour}" stroke-width="2" stroke-dasharray="${DASHES[place % DASHES.length]!}"/><text x="${x + 24}" y="16" fill="${INK}">${cut(name, Math.floor((each - 30) / CHARACTER))}</text>`;
  });
}

const ROW = 26;
/** The height that so many bars need. */
const barsHeight = (bars: number): number => Math.max(1, bars) * ROW + 8;

/** Bars from left to right, the longest first. @param format of a value */
export function barChart(bars: readonly Bar[], width: number, says: string, format: (value: number) => string): string {
  const size = { width, height: barsHeight(bars.length) };
  if (bars.length === 0) return emptyChart({ width, height: 60 }, says);
  const names = Math.min(width * 0.45, Math.max(...bars.map(({ name }) => name.length * CHARACTER)) + 8);
  const figures = Math.max(...bars.map(({ value }) => format(value).length * CHARACTER)) + 12;
  const x = scaleLinear(
    [0, Math.max(...bars.map(({ value }) => value)) || 1],
    [0, Math.max(20, width - names - figures)],
  );
  return svg(
    size,
    says,
    bars.map(({ name, value }, place) => {
      const y = place * ROW + 4;
      return html`<text x="${names - 8}" y="${y + 15}" text-anchor="end" fill="${INK}">${cut(name, Math.floor(names / CHARACTER))}</text><rect x="${names}" y="${y + 2}" width="${Math.max(1, x(value))}" height="${ROW - 8}" rx="2" fill="${COLOURS[0]}"/><text x="${names + x(value) + 6}" y="${y + 15}" fill="${SOFT}">${format(value)}</text>`;
    }),
  );
}

const emptyChart = (size: Size, says: string): string =>
  svg(size, says, [
    html`<rect x="0.5" y="0.5" width="${size.width - 1}" height="${size.height - 1}" rx="4" fill="none" stroke="${FAINT}"/><text x="${size.width / 2}" y="${size.height / 2 + 4}" text-anchor="middle" fill="${SOFT}">Nothing happened in this time.</text>`,
  ]);
