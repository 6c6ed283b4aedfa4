import { html } from "hono/html";
import { button, mail } from "../alerts/alert.ts";
import { type Cell, csvText } from "../csv.ts";
import type { Measure } from "../metrics/names.ts";
import { numbersOf, type Value } from "../metrics/values.ts";
import { chartOfSeries, chartOverTime, note, plainTable, ROWS_SHOWN } from "./mailCharts.ts";
import { type Answered, chartOf, figuresOf, headingOf, sentenceOf, tableOf } from "./tiles.ts";

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

/** Beside each other where there is room, below each other on a phone. */
const figures = (answered: Answered) =>
  html`<div>${figuresOf(answered).map(
    ({ name, text, before }) =>
      html`<div style="display:inline-block;box-sizing:border-box;width:180px;padding:8px 16px 8px 0;vertical-align:top"><div class="soft" style="color:#57606a;font-size:13px">${name}</div><div style="font-size:22px;font-weight:600">${text}</div>${before === undefined ? "" : html`<div class="soft" style="color:#57606a;font-size:12px">before: ${before}</div>`}</div>`,
  )}</div>`;

function chart(answered: Answered) {
  switch (chartOf(answered)) {
    case "number":
      return figures(answered);
    case "line":
      return chartOverTime(answered);
    case "bar":
      return chartOfSeries(answered);
    case "table":
      return plainTable(tableOf(answered));
  }
}

const section = (answered: Answered, inner: unknown) =>
  html`<h2 style="font-size:16px;margin:28px 0 8px">${headingOf(answered)}</h2>${inner}`;

/**
 * Bytes of all tiles together: Gmail shows the first 102 KB of a mail, and cuts off what follows, with the link that unsubscribes. A tile that goes
 * beyond it is a sentence.
 */
const MOST_BYTES = 75_000;
const bytes = new TextEncoder();

function sections(tiles: readonly Answered[]): unknown[] {
  let left = MOST_BYTES;
  return tiles.map((answered) => {
    const { error } = answered;
    const whole = section(answered, error === undefined ? chart(answered) : note(error));
    const size = bytes.encode(String(whole)).length;
    if (size > left) return section(answered, note(`${sentenceOf(answered)} Its numbers are in the attached files.`));
    left -= size;
    return whole;
  });
}

/** @param unsubscribe link that ends the report for this reader; left out in the stored copy */
export function reportHtml({ name, range, tiles, link }: ReportPage, unsubscribe?: string): string {
  return mail(
    name,
    [
      html`<h1 style="font-size:22px;margin:0">${name}</h1><p class="soft" style="color:#57606a;margin:4px 0 0">${range}</p>`,
      ...sections(tiles),
      button(link, "See more"),
    ],
    unsubscribe === undefined ? "" : html`<a href="${unsubscribe}" class="soft" style="color:#57606a">Unsubscribe</a>`,
  );
}

/** @param unsubscribe as of `reportHtml` */
export function reportText({ name, range, tiles, link }: ReportPage, unsubscribe?: string): string {
  const parts = tiles.map((answered) =>
    [
      headingOf(answered),
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
          for (const [name, number] of numbersOf(measure as Measure, (value ?? null) as Value))
            lines.push([tile.title, group, start, name, number]);
      }
  return csvText(["tile", "group", "start", "measure", "value"], lines);
}
