import { html, raw } from "hono/html";
import { seriesPaints } from "../charts/drawing.ts";
import { printed } from "../charts/svgText.ts";
import { type Answered, isGrouped, type Line, linesOf, pointNames, tableOf, totalsOf } from "./tiles.ts";

/**
 * The charts of a mail: tables with coloured cells. Mail programs show no SVG and block pictures; these are there in all of them, in the light and
 * in the dark, and beside each bar stands its number (docs/decisions/mail-charts.md). Pure.
 */

/** Rows of a table in a mail; the files beside it have them all. A month has as many days. */
export const ROWS_SHOWN = 31;
/** Columns of a strip: on a phone each is still wide enough to be seen. */
const COLUMNS = 62;
const COLUMN_HEIGHT = 56;

/** Class and colour of a series; the class is what has another colour in the dark. */
const paintOf = (place: number): { readonly name: string; readonly colour: string } => {
  const at = place % seriesPaints.length;
  return { name: `bar${at}`, colour: printed[seriesPaints[at]!] };
};

const CELL = "padding:4px 12px 4px 0;text-align:right;white-space:nowrap;vertical-align:top";

/** Says how many rows of a table are left out, if any are. */
const leftOut = (rows: number) =>
  rows > ROWS_SHOWN ? note(`${rows - ROWS_SHOWN} more rows are in the attached files.`) : "";

/** The largest of these, 1 where all are nothing. */
const mostOf = (values: readonly (number | null)[]): number =>
  values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0) || 1;

/** Percent of a cell that can be seen on a phone. */
const LEAST_WIDTH = 2;

/** Text of a cell, and below it a bar that is this share of the cell's width. Outlook sizes no other element than a table. */
function barred(text: string, share: number, place: number) {
  const { name, colour } = paintOf(place);
  const width = share === 0 ? 0 : Math.max(LEAST_WIDTH, Math.round(share * 100));
  return html`<td style="padding:4px 8px 4px 0;vertical-align:top">${text}${
    width === 0
      ? ""
      : html`<table role="presentation" width="${width}%" cellspacing="0" cellpadding="0"><tr><td class="${name}" bgcolor="${colour}" height="6" style="font-size:1px;line-height:6px">&nbsp;</td></tr></table>`
  }</td>`;
}

const nameCell = (text: string) =>
  html`<th scope="row" style="padding:4px 12px 4px 0;text-align:left;vertical-align:top;font-weight:400;word-break:break-word">${text}</th>`;

/** Head of a table with bars. @param firstWidth of the first column */
const headOf = (names: readonly string[], firstWidth: string) =>
  html`<thead><tr>${names.map(
    (name, at) =>
      html`<th scope="col" class="soft line"${at === 0 ? raw(` width="${firstWidth}"`) : ""} style="padding:4px 4px 4px 0;text-align:left;vertical-align:bottom;font-size:11px;color:#57606a;border-bottom:1px solid #d0d7de">${name}</th>`,
  )}</tr></thead>`;

/** What is wider than its reader's screen scrolls by itself. */
const scrolling = (inner: unknown) => html`<div tabindex="0" style="overflow-x:auto">${inner}</div>`;

/** Pixels that a column needs: for a time, and for a number with its bar. */
const TIME_WIDTH = 64;
const NUMBER_WIDTH = 66;

/** Columns are as wide as they are said to be, so that bars side by side compare. */
const frame = (columns: number, head: unknown, body: unknown) =>
  scrolling(
    html`<table style="border-collapse:collapse;table-layout:fixed;width:100%;min-width:${TIME_WIDTH + (columns - 1) * NUMBER_WIDTH}px;font-size:13px">${head}<tbody>${body}</tbody></table>`,
  );

export const note = (text: string) => html`<p class="soft" style="color:#57606a;font-size:13px">${text}</p>`;

const nothing = note("Nothing happened in this time.");

/** A row a point, each number with its bar. Lines of one scale have bars of one scale. */
function byPoint(names: readonly string[], lines: readonly Line[]) {
  const most = new Map(
    Object.entries(Object.groupBy(lines, ({ scale }) => scale)).map(([scale, of]) => [
      scale,
      mostOf(of.flatMap(({ values }) => values)),
    ]),
  );
  return frame(
    lines.length + 1,
    headOf(["", ...lines.map(({ name }) => name)], `${TIME_WIDTH}`),
    names.map(
      (name, at) =>
        html`<tr>${nameCell(name)}${lines.map(({ values, scale, read }, place) =>
          barred(read(values[at] ?? null), (values[at] ?? 0) / most.get(scale)!, place),
        )}</tr>`,
    ),
  );
}

/** The highest of each so many values that stand side by side; null where none of them is anything. */
function condensed(values: readonly (number | null)[], each: number): (number | null)[] {
  return Array.from({ length: Math.ceil(values.length / each) }, (_, at) => {
    const some = values.slice(at * each, at * each + each).filter((value) => value !== null);
    return some.length === 0 ? null : Math.max(...some);
  });
}

/** A line as columns, under a sentence that says its highest. */
function strip({ name, values, read }: Line, names: readonly string[], place: number) {
  const { name: paint, colour } = paintOf(place);
  const most = mostOf(values);
  const highest = values.reduce<number>((best, value, at) => ((value ?? -1) > (values[best] ?? -1) ? at : best), 0);
  const says =
    (values[highest] ?? null) === null
      ? `${name}: nothing in this time.`
      : `${name}: ${read(values[highest]!)} at most, on ${names[highest]}.`;
  const columns = condensed(values, Math.ceil(values.length / COLUMNS)).map((value) => {
    if (value === null || value === 0) return html`<td></td>`;
    const height = Math.max(1, Math.round((value / most) * COLUMN_HEIGHT));
    return html`<td><div class="${paint}" style="font-size:1px;line-height:${height}px;background:${colour}">&nbsp;</div></td>`;
  });
  return html`<p style="margin:12px 0 4px;font-size:13px;word-break:break-word">${says}</p><table role="img" aria-label="${says}" class="line" width="100%" height="${COLUMN_HEIGHT}" cellspacing="0" cellpadding="0" style="table-layout:fixed;border-bottom:1px solid #d0d7de"><tr valign="bottom">${columns}</tr></table>`;
}

function strips(names: readonly string[], lines: readonly Line[]) {
  const each = Math.ceil(names.length / COLUMNS);
  const ends =
    names.length === 0
      ? ""
      : html`<table role="presentation" class="soft" width="100%" style="color:#57606a;font-size:12px"><tr><td>${names[0]!}</td><td style="text-align:right">${names.at(-1)!}</td></tr></table>`;
  return html`${lines.map((line, place) => strip(line, names, place))}${ends}${
    each > 1 ? note(`Each column is the highest of ${each} that follow each other.`) : ""
  }`;
}

/** The picture and the numbers of a tile over time. */
export function chartOverTime(answered: Answered) {
  const [names, lines] = [pointNames(answered), linesOf(answered)];
  if (isGrouped(answered.tile)) return html`${strips(names, lines)}${plainTable(tableOf(answered))}`;
  if (names.length <= ROWS_SHOWN) return byPoint(names, lines);
  return html`${strips(names, lines)}${note("Each number is in the attached files.")}`;
}

/** The picture and the numbers of a tile that compares series, or points where it has no series. */
export function chartOfSeries(answered: Answered) {
  const { tile, answer } = answered;
  if (!isGrouped(tile) && answer?.interval !== "none") return chartOverTime(answered);
  const [head = [], ...rows] = tableOf(answered);
  if (rows.length === 0) return nothing;
  const totals = totalsOf(answered);
  const most = mostOf(totals);
  const body = rows
    .slice(0, ROWS_SHOWN)
    .map(
      ([name = "", first = "", ...others], at) =>
        html`<tr>${nameCell(name)}${barred(first, (totals[at] ?? 0) / most, 0)}${others.map((text) => html`<td style="${CELL}">${text}</td>`)}</tr>`,
    );
  return html`${frame(head.length, headOf(head, "50%"), body)}${leftOut(rows.length)}`;
}

/** Numbers without bars. @param rows the head first */
export function plainTable(rows: readonly (readonly string[])[]) {
  const [head = [], ...body] = rows;
  if (body.length === 0) return nothing;
  return html`${scrolling(
    html`<table style="border-collapse:collapse;width:100%;font-size:13px"><thead><tr>${head.map(
      (text, at) =>
        html`<th scope="col" class="soft line" style="${CELL};white-space:normal;vertical-align:bottom;color:#57606a;border-bottom:1px solid #d0d7de${at === 0 ? ";text-align:left" : ""}">${text}</th>`,
    )}</tr></thead><tbody>${body
      .slice(0, ROWS_SHOWN)
      .map(
        (row) =>
          html`<tr>${row.map((text, at) =>
            at === 0
              ? html`<td style="${CELL};text-align:left;white-space:normal;word-break:break-all"><div style="min-width:120px">${text}</div></td>`
              : html`<td style="${CELL}">${text}</td>`,
          )}</tr>`,
      )}</tbody></table>`,
  )}${leftOut(body.length)}`;
}
