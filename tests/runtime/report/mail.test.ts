import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import type { MetricsAnswer } from "../../../runtime/domain/metrics/answer.ts";
import { type Measure, measures } from "../../../runtime/domain/metrics/names.ts";
import { type ReportPage, reportHtml } from "../../../runtime/domain/reports/page.ts";
import type { Tile } from "../../../runtime/domain/reports/report.ts";
import type { Answered } from "../../../runtime/domain/reports/tiles.ts";
import { attribute, elementsOf, type HtmlElement, textIn } from "../../support/html.ts";

const test = suite("charts of a mail");
const HOUR = 3_600_000;

type Numbers = readonly (number | null)[];
const count = fc.option(fc.integer({ min: 0, max: 10_000 }), { freq: 5 });
const numbersOf = (min: number, max: number) =>
  fc
    .record({ points: fc.integer({ min, max }), lines: fc.integer({ min: 1, max: 3 }) })
    .chain(({ points, lines }) =>
      fc.array(fc.array(count, { minLength: points, maxLength: points }), { minLength: lines, maxLength: lines }),
    );

/** A tile over time with these numbers, a line of counts each. */
function overTime(lines: readonly Numbers[], interval: "hour" | "day" = "hour"): Answered {
  const named = (["events", "delivered", "failed"] as const).slice(0, lines.length);
  const points = lines[0]!.map((_, at) => ({
    start: new Date(at * HOUR).toISOString(),
    ...Object.fromEntries(named.map((measure, line) => [measure, lines[line]![at]!])),
  }));
  const answer: MetricsAnswer = {
    ...{ from: points[0]!.start, to: new Date(points.length * HOUR).toISOString(), interval, time_zone: "UTC" },
    ...{ complete_until: points[0]!.start, totals: {}, folded: 0, series: [{ key: {}, points, totals: {} }] },
  };
  return { tile: { title: "Tile", query: { measures: [...named], interval } }, answer };
}
const pageOf = (...tiles: Answered[]): ReportPage => ({
  name: "Report",
  range: "A week",
  tiles,
  link: "https://a.example/",
});

const within = (element: HtmlElement): HtmlElement[] =>
  element.childNodes.flatMap((child) => ("tagName" in child ? [child, ...within(child)] : []));
const named = (elements: readonly HtmlElement[], ...names: string[]) =>
  elements.filter(({ tagName }) => names.includes(tagName));
const isBar = (element: HtmlElement): boolean => /^bar\d$/.test(attribute(element, "class") ?? "");
const styleOf = (element: HtmlElement, property: string): string | undefined =>
  new RegExp(`(?:^|;)${property}:([^;]+)`).exec(attribute(element, "style") ?? "")?.[1];

/** Cells of a table's own rows: text, and the width of the bar below it in percent. */
function barredCells(html: string): { text: string; width: number | undefined }[][] {
  const rows = named(elementsOf(html), "tr").filter((row) =>
    named(within(row), "th").some((head) => attribute(head, "scope") === "row"),
  );
  return rows.map((row) =>
    row.childNodes.flatMap((cell) => {
      if (!("tagName" in cell) || cell.tagName !== "td") return [];
      const [bar] = named(within(cell), "table");
      return [
        {
          text: textIn(cell).trim(),
          width: bar === undefined ? undefined : Number.parseInt(attribute(bar, "width")!, 10),
        },
      ];
    }),
  );
}

test("up to a month of points are rows: each number stands there, and below it a bar as long as it is of the largest", () =>
  fc.assert(
    fc.property(numbersOf(1, 31), (lines) => {
      const rows = barredCells(reportHtml(pageOf(overTime(lines, "day"))));
      const most = Math.max(1, ...lines.flat().map((value) => value ?? 0));
      const wanted = lines[0]!.map((_, at) =>
        lines.map((line) => {
          const value = line[at] ?? null;
          const text = value === null ? "–" : value.toLocaleString("en");
          return { text, width: value ? Math.max(2, Math.round((value / most) * 100)) : undefined };
        }),
      );
      assert.deepEqual(rows, wanted);
    }),
  ));

test("more points than a month has are columns, each as high as the highest that it stands for, under what the highest of all is", () =>
  fc.assert(
    fc.property(numbersOf(32, 400), (lines) => {
      const html = reportHtml(pageOf(overTime(lines)));
      const pictures = elementsOf(html).filter((element) => attribute(element, "role") === "img");
      assert.equal(pictures.length, lines.length);
      for (const [at, picture] of pictures.entries()) {
        const values = lines[at]!.map((value) => value ?? 0);
        const most = Math.max(...values);
        const says = attribute(picture, "aria-label")!;
        if (lines[at]!.some((value) => value !== null))
          assert.ok(says.includes(`: ${most.toLocaleString("en")} at most, on `), says);
        assert.ok(named(elementsOf(html), "p").some((said) => textIn(said) === says));
        const columns = named(within(picture), "td");
        assert.ok(columns.length <= 62);
        const each = Math.ceil(values.length / 62);
        const heights = columns.map((column) => {
          const [bar] = within(column).filter(isBar);
          return bar === undefined ? 0 : Number.parseInt(styleOf(bar, "line-height")!, 10);
        });
        const wanted = Array.from({ length: Math.ceil(values.length / each) }, (_, place) => {
          const highest = Math.max(...values.slice(place * each, place * each + each));
          return highest === 0 ? 0 : Math.max(1, Math.round((highest / most) * 56));
        });
        assert.deepEqual(heights, wanted);
      }
    }),
    { numRuns: 30 },
  ));

test("series are compared by bars in the order of their numbers, other measures stand beside them, and what has nothing has no bar", () => {
  const series = [
    [["order.paid"], 80, 8_000],
    [["order.created"], 20, 100],
    [["none"], 0, 0],
  ] as const;
  const answer: MetricsAnswer = {
    ...{ from: "2026-01-01T00:00:00.000Z", to: "2026-01-02T00:00:00.000Z", interval: "none", time_zone: "UTC" },
    ...{ complete_until: "2026-01-01T00:00:00.000Z", totals: {}, folded: 0 },
    series: series.map(([[event_type], events, bytes]) => ({
      key: { event_type },
      points: [],
      totals: { events, bytes },
    })),
  };
  const tile: Tile = {
    title: "Types",
    query: { measures: ["events", "bytes"], interval: "none", group_by: ["event_type"] },
  };
  assert.deepEqual(barredCells(reportHtml(pageOf({ tile, answer }))), [
    [
      { text: "80", width: 100 },
      { text: "8,000", width: undefined },
    ],
    [
      { text: "20", width: 25 },
      { text: "100", width: undefined },
    ],
    [
      { text: "0", width: undefined },
      { text: "0", width: undefined },
    ],
  ]);
});

const chart = fc.constantFrom<Tile["chart"]>("line", "bar", "number", "table", undefined);
/** A tile as large as tiles can be. */
const large = fc
  .record({
    chart,
    points: fc.integer({ min: 1, max: 400 }),
    series: fc.integer({ min: 1, max: 20 }),
    named: fc.subarray([...measures], { minLength: 1 }),
    name: fc.constantFrom("a", "\u{1F600}".repeat(32), "<&>".repeat(40)),
  })
  .map(({ chart, points, series, named, name }): Answered => {
    const valuesOf = (n: number) =>
      Object.fromEntries(
        named.map((measure: Measure) => [measure, measure.endsWith("_ms") ? { p50: n, p95: n, p99: n, count: n } : n]),
      );
    const group_by = series === 1 ? [] : (["event_type"] as const);
    const answer: MetricsAnswer = {
      ...{ from: "2026-01-01T00:00:00.000Z", to: "2026-01-02T00:00:00.000Z", interval: "hour", time_zone: "UTC" },
      ...{ complete_until: "2026-01-01T00:00:00.000Z", totals: valuesOf(1_000_000), folded: 0 },
      series: Array.from({ length: series }, (_, at) => ({
        key: series === 1 ? {} : { event_type: `${name}${at}` },
        points: Array.from({ length: points }, (_, point) => ({
          start: new Date(point * HOUR).toISOString(),
          ...valuesOf(point + 1),
        })),
        totals: valuesOf(at * 1_000),
      })),
    };
    return {
      tile: { title: name.slice(0, 120), query: { measures: named, group_by: [...group_by] }, ...(chart && { chart }) },
      answer,
    };
  });

test("Gmail shows a mail to its end: one of twelve large tiles is less than the 102 KB after which it cuts, and names each tile", () =>
  fc.assert(
    fc.property(fc.array(large, { minLength: 12, maxLength: 12 }), (tiles) => {
      const html = reportHtml(pageOf(...tiles), "https://a.example/links/end");
      assert.ok(Buffer.byteLength(html) < 102_000, `${Buffer.byteLength(html)} bytes`);
      assert.deepEqual(
        named(elementsOf(html), "h2").map(textIn),
        tiles.map(({ tile }) => tile.title),
      );
      assert.ok(html.includes("https://a.example/links/end"));
    }),
    { numRuns: 20 },
  ));

test("a mail holds nothing that mail programs leave out: no SVG, no picture, no script, nothing to load", () =>
  fc.assert(
    fc.property(large, (tile) => {
      const elements = elementsOf(reportHtml(pageOf(tile)));
      assert.deepEqual(
        named(elements, "svg", "img", "script", "link", "canvas", "object", "iframe", "video").map(
          ({ tagName }) => tagName,
        ),
        [],
      );
    }),
    { numRuns: 20 },
  ));

test("a table or a comparison of nothing is a sentence, and no empty table", () => {
  const answer: MetricsAnswer = {
    ...{ from: "2026-11-16T00:00:00.000Z", to: "2026-11-23T00:00:00.000Z", interval: "none", time_zone: "UTC" },
    ...{ complete_until: "2026-11-23T00:00:00.000Z", totals: {}, folded: 0, series: [] },
  };
  for (const chart of ["table", "bar"] as const) {
    const query = { measures: ["delivered" as Measure], group_by: ["workflow_id" as const], interval: "none" as const };
    const html = reportHtml(pageOf({ tile: { title: "Workflows", chart, query }, answer }));
    assert.match(html, /Nothing happened in this time\./);
    assert.deepEqual(named(elementsOf(html), "th"), []);
  }
});

test.run();
