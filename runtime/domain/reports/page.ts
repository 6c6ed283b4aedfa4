import { html, raw } from "hono/html";
import { button, mail } from "../alerts/alert.ts";
import { type Cell, csvText } from "../csv.ts";
import type { Value } from "../metrics/values.ts";
import { type Answered, chartOf, figuresOf, pictureOf, sentenceOf, tableOf } from "./tiles.ts";

/** A report as a mail: HTML that reads without pictures, the same in plain text, and its figures as CSV. Pure. */

export interface ReportPage {
  readonly name: string;
  /** The range in words: `16 to 22 November 2026, Europe/Berlin`. */
  readonly range: string;
  readonly tiles: readonly Answered[];
  /** Where more is to be seen. */
  readonly link: string;
}

export const reportSubject = ({ name, range }: ReportPage): string => `${name}: ${range}`;

/** Rows of a table in a mail; the file beside it has them all. */
const ROWS_SHOWN = 31;
const WIDTH = 560;

const cell = "padding:4px 12px 4px 0;text-align:right;white-space:nowrap";

const table = (rows: readonly (readonly string[])[]) => {
  const [head = [], ...body] = rows;
  return html`<div tabindex="0" style="overflow-x:auto"><table style="border-collapse:collapse;width:100%;font-size:13px"><thead><tr>${head.map(
    (text, at) =>
      html`<th scope="col" class="soft line" style="${cell};color:#57606a;border-bottom:1px solid #d0d7de${at === 0 ? ";text-align:left" : ""}">${text}</th>`,
  )}</tr></thead><tbody>${body
    .slice(0, ROWS_SHOWN)
    .map(
      (row) =>
        html`<tr>${row.map((text, at) =>
          at === 0
            ? html`<td style="${cell};text-align:left;white-space:normal;word-break:break-all"><div style="min-width:120px">${text}</div></td>`
            : html`<td style="${cell}">${text}</td>`,
        )}</tr>`,
    )}</tbody></table></div>${body.length > ROWS_SHOWN ? html`<p class="soft" style="color:#57606a;font-size:13px">${body.length - ROWS_SHOWN} more rows are in the attached file.</p>` : ""}`;
};

/** Beside each other where there is room, below each other on a phone. */
const figures = (answered: Answered) =>
  html`<div>${figuresOf(answered).map(
    ({ name, text, before }) =>
      html`<div style="display:inline-block;box-sizing:border-box;width:180px;padding:8px 16px 8px 0;vertical-align:top"><div class="soft" style="color:#57606a;font-size:13px">${name}</div><div style="font-size:22px;font-weight:600">${text}</div>${before === undefined ? "" : html`<div class="soft" style="color:#57606a;font-size:12px">before: ${before}</div>`}</div>`,
  )}</div>`;

function section(answered: Answered, picture: (answered: Answered) => unknown) {
  const { tile, error } = answered;
  const heading = html`<h2 style="font-size:16px;margin:28px 0 8px">${tile.title}</h2>`;
  if (error !== undefined) return html`${heading}<p class="soft" style="color:#57606a">${error}</p>`;
  if (chartOf(answered) === "number") return html`${heading}${figures(answered)}`;
  return html`${heading}${picture(answered) ?? ""}${table(tableOf(answered))}`;
}

/**
 * @param unsubscribe link that ends the report for this reader; left out in the stored copy
 * @param pictureUrl where a tile's picture is, for mail programs that can't show SVG; by default the SVG itself stands there
 */
export function reportHtml(
  { name, range, tiles, link }: ReportPage,
  unsubscribe?: string,
  pictureUrl?: (place: number) => string | undefined,
): string {
  const picture = (answered: Answered) => {
    const drawn = pictureOf(answered, WIDTH);
    if (drawn === undefined) return undefined;
    const url = pictureUrl?.(tiles.indexOf(answered));
    return url === undefined
      ? html`<div tabindex="0" style="overflow-x:auto">${raw(drawn)}</div>`
      : html`<img src="${url}" width="${WIDTH}" alt="${sentenceOf(answered)}" style="max-width:100%;height:auto;display:block">`;
  };
  return mail(
    name,
    [
      html`<h1 style="font-size:22px;margin:0">${name}</h1><p class="soft" style="color:#57606a;margin:4px 0 0">${range}</p>`,
      ...tiles.map((answered) => section(answered, picture)),
      button(link, "See more"),
    ],
    unsubscribe === undefined ? "" : html`<a href="${unsubscribe}" class="soft" style="color:#57606a">Unsubscribe</a>`,
  );
}

/** @param unsubscribe as of `reportHtml` */
export function reportText({ name, range, tiles, link }: ReportPage, unsubscribe?: string): string {
  const parts = tiles.map((answered) =>
    [
      answered.tile.title,
      ...(answered.error === undefined
        ? chartOf(answered) === "number"
          ? figuresOf(answered).map(
              ({ name, text, before }) => `  ${name}: ${text}${before === undefined ? "" : ` (before: ${before})`}`,
            )
          : tableOf(answered)
              .slice(0, ROWS_SHOWN + 1)
              .map((row) => `  ${row.join("  ")}`)
        : [`  ${answered.error}`]),
    ].join("\n"),
  );
  const leave = unsubscribe === undefined ? [] : [`Unsubscribe: ${unsubscribe}`];
  return [`${name}\n${range}`, ...parts, link, ...leave, ""].join("\n\n");
}

/** Every tile's points, a line a number: numbers as they are, not as they are read. */
export function reportCsv(tiles: readonly Answered[]): string {
  const lines: Cell[][] = [];
  for (const { tile, answer } of tiles)
    for (const { key, points } of answer?.series ?? [])
      for (const { start, partial: _, ...values } of points) {
        const group = Object.values(key)
          .map((each) => each ?? "")
          .join(" / ");
        for (const [measure, value] of Object.entries(values))
          for (const [name, number] of flat(measure, (value ?? null) as Value))
            lines.push([tile.title, group, start, name, number]);
      }
  return csvText(["tile", "group", "start", "measure", "value"], lines);
}

/** A latency as a number each. */
function flat(measure: string, value: Value): [name: string, number: number | null][] {
  if (value === null || typeof value !== "object") return [[measure, value]];
  const { p50, p95, p99, count } = value;
  return Object.entries({ p50, p95, p99, count }).map(([part, number]) => [`${measure}_${part}`, number]);
}
