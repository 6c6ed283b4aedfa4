import assert from "node:assert/strict";
import { type DefaultTreeAdapterTypes, parse } from "parse5";
import { getDocumentProxy } from "unpdf";
import { suite } from "uvu";
import type { MetricsReader } from "../../../runtime/counters/metrics.ts";
import { queryMetrics } from "../../../runtime/counters/metrics.ts";
import type { MetricsAnswer } from "../../../runtime/domain/metrics/answer.ts";
import { MetricsQuery, type MetricsQueryInput } from "../../../runtime/domain/metrics/query.ts";
import { reportCsv } from "../../../runtime/domain/reports/page.ts";
import type { Tile } from "../../../runtime/domain/reports/report.ts";
import { attribute, elementsOf, type HtmlElement } from "../../support/html.ts";
import { DAYS, EVENTS, type Made, made, SUBSCRIPTIONS, shop, tenant, types, weekly, zone } from "./world.ts";

const test = suite("a report as mail, PDF and CSV");

let reader: MetricsReader;
let week: Made;
test.before(async () => {
  reader = await shop();
  week = await made(reader);
});

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
const DELIVERED = SUBSCRIPTIONS * EVENTS.length;

/** What a page of a PDF says, and where: points from its left and lower edge. */
interface Said {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
}
interface Page {
  readonly width: number;
  readonly height: number;
  readonly said: readonly Said[];
}
async function pagesOf(pdf: Buffer): Promise<Page[]> {
  const document = await getDocumentProxy(new Uint8Array(pdf));
  return Promise.all(
    Array.from({ length: document.numPages }, async (_, at) => {
      const page = await document.getPage(at + 1);
      const [, , width, height] = page.view as [number, number, number, number];
      const { items } = await page.getTextContent();
      const said = items.flatMap((item) => {
        if (!("str" in item) || item.str.trim() === "") return [];
        const [, , , , left, bottom] = item.transform as number[];
        return [{ text: item.str, left: left!, right: left! + item.width, bottom: bottom! }];
      });
      return { width, height, said };
    }),
  );
}
const objectOf = ({ objects }: Made, ending: string): Buffer => [...objects].find(([key]) => key.endsWith(ending))![1];
const wordsOf = (pages: readonly Page[]): string =>
  pages.map(({ said }) => said.map(({ text }) => text).join(" ")).join(" ");

type Node = DefaultTreeAdapterTypes.Node;
const childrenOf = (node: Node): Node[] => ("childNodes" in node ? node.childNodes : []);
const textIn = (node: Node): string => ("value" in node ? node.value : childrenOf(node).map(textIn).join(""));
/** Texts of the elements of a name, in order. */
const textsOf = (node: Node, name: string): string[] => [
  ...(node.nodeName === name ? [textIn(node)] : []),
  ...childrenOf(node).flatMap((child) => textsOf(child, name)),
];

test("the mail names the week of the schedule's zone, and its figures are those of that week", () => {
  const [mail] = week.mails;
  // Thin spaces stand around the dash, as in every range of dates.
  assert.equal(mail!.subject, `Orders of the week: 19\u2009–\u200925 October 2026, ${zone}`);
  assert.deepEqual(
    [mail!.from?.address, mail!.to?.map(({ address }) => address)],
    ["alerts@mail.example.com", ["ada@example.com"]],
  );
  assert.match(mail!.text!, new RegExp(`Events: ${sum(EVENTS)} \\(before: 101\\)`));
  assert.match(mail!.text!, new RegExp(`Delivered: ${DELIVERED} `));
  assert.match(mail!.text!, /Dead-lettered: 1 /);
  assert.match(mail!.text!, /Delivery success: 99\.21 %/);
  const days = EVENTS.map((events, day) => `${19 + day} Oct  ${events}  ${SUBSCRIPTIONS}  1`);
  for (const line of days) assert.ok(mail!.text!.includes(line), `${line} in\n${mail!.text}`);
  assert.equal(week.result.from, new Date(DAYS[0]!).toISOString());
  assert.equal(week.result.to, new Date(DAYS[7]!).toISOString());
});

test("the HTML says what the text says, escapes what customers wrote, and loads nothing", () => {
  const page = parse(week.mails[0]!.html!);
  const cells = [...textsOf(page, "td"), ...textsOf(page, "th")];
  for (const events of EVENTS.map(String))
    assert.ok(
      cells.some((cell) => cell.includes(events)),
      `a cell with ${events}`,
    );
  assert.ok(textsOf(page, "div").includes(`Delivered${DELIVERED}before: 0`));
  assert.ok(cells.includes(types[2]!), "a type with quotes stands as it is");
  assert.deepEqual(textsOf(page, "h2").length, 5);
  const html = week.mails[0]!.html!;
  assert.doesNotMatch(html, /<script|\bsrc=|url\(|@import|<link/i);
  const links = [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href!);
  assert.ok(
    links.every((href) => href.startsWith("https://api.example.com/")),
    links.join("\n"),
  );
});

test("one click unsubscribes: the headers of RFC 8058 name the link that the mail shows", () => {
  const headers = new Map(week.mails[0]!.headers.map(({ key, value }) => [key, value]));
  assert.equal(headers.get("list-unsubscribe-post"), "List-Unsubscribe=One-Click");
  const link = /^<(https:\/\/api\.example\.com\/links\/[^>]+)>$/.exec(headers.get("list-unsubscribe")!)![1]!;
  assert.ok(week.mails[0]!.html!.includes(link));
  assert.ok(week.mails[0]!.text!.includes(link));
  assert.ok(!objectOf(week, ".html").toString().includes("/links/"), "what is kept for reading unsubscribes nobody");
});

test("the files attached to the mail are the stored ones", () => {
  const { attachments } = week.mails[0]!;
  assert.deepEqual(
    attachments.map(({ filename, mimeType }) => [filename, mimeType]),
    [
      ["Orders of the week.pdf", "application/pdf"],
      ["Orders of the week.csv", "text/csv"],
    ],
  );
  for (const [at, ending] of [".pdf", ".csv"].entries())
    assert.ok(Buffer.from(attachments[at]!.content as ArrayBuffer).equals(objectOf(week, ending)));
});

test("the PDF says the same figures, on numbered pages of A4", async () => {
  const pages = await pagesOf(objectOf(week, ".pdf"));
  const words = wordsOf(pages);
  for (const text of [
    weekly.name,
    "19 – 25 October 2026",
    zone,
    String(sum(EVENTS)),
    String(DELIVERED),
    "99.21 %",
    "before: 101",
  ])
    assert.ok(words.includes(text), `${text} in\n${words}`);
  for (const [at, { width, height, said }] of pages.entries()) {
    assert.deepEqual([Math.round(width), Math.round(height)], [595, 842]);
    assert.ok(said.some(({ text }) => text === `${at + 1} / ${pages.length}`));
    assert.ok(
      said.some(({ text }) => text === "Triggers, 26 Oct 2026, 08:00"),
      "made when, by the clock of the zone",
    );
  }
});

/** Everything that can be wide or long: 13 columns, 169 rows, six lines, types of 128 characters. */
const wide: readonly Tile[] = [
  { title: "By hour", chart: "table", query: { measures: ["events", "failed"], interval: "hour" } },
  { title: "By type", query: { measures: ["events"], interval: "none", group_by: ["event_type"] } },
  {
    title: "Six lines",
    chart: "line",
    query: { measures: ["events", "delivered", "failed", "attempts", "dead_lettered", "unmatched"], interval: "day" },
  },
  {
    title: "Many columns",
    chart: "table",
    query: {
      measures: [
        ...(["requests", "events", "bytes", "matched", "unmatched", "attempts", "delivered", "failed"] as const),
        ...(["dead_lettered", "replayed", "delivery_success_rate", "error_rate", "attempt_latency_ms"] as const),
      ],
      interval: "day",
    },
  },
];

test("no part of a PDF is cut off: long names break, wide tables go on below, titles stay with their content", async () => {
  const pages = await pagesOf(objectOf(await made(reader, { ...weekly, template: wide }), ".pdf"));
  assert.ok(pages.length >= 4, `${pages.length} pages`);
  for (const { width, said } of pages) {
    for (const { text, left, right, bottom } of said) {
      assert.ok(left >= 39 && right <= width - 39, `"${text}" goes from ${left} to ${right} of ${width}`);
      assert.ok(bottom >= 10, `"${text}" ends ${bottom} above the edge`);
    }
    const lowest = said.filter(({ bottom }) => bottom > 48).sort((a, b) => a.bottom - b.bottom)[0]!;
    assert.ok(!wide.some(({ title }) => title === lowest.text), `"${lowest.text}" stands alone at the end of its page`);
  }
  const words = wordsOf(pages);
  for (const name of ["Dead-lettered", "Unmatched events", "Answer time, p95"])
    assert.ok(words.includes(name), `${name} in\n${words}`);
  assert.equal(words.replaceAll(" ", "").match(/a{128}/)?.length, 1, "a long type stands there whole");
  const hours = pages.flatMap(({ said }) => said).filter(({ text }) => /^\d+ Oct, \d\d:\d\d$/.test(text));
  assert.equal(hours.length, 7 * 24 + 1, "the day on which clocks go back has 25 hours");
  assert.equal(hours.filter(({ text }) => text === "25 Oct, 02:00").length, 2);
});

/** Lines of RFC 4180 without line breaks within cells. */
function lines(csv: string): string[][] {
  return csv
    .trimEnd()
    .split("\r\n")
    .map((line) =>
      [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
        .map(([, cell]) => cell!.replace(/^"|"$/g, "").replaceAll('""', '"'))
        .slice(0, 5),
    );
}

test("the CSV holds each number of each query, and nothing else", async () => {
  const query: MetricsQueryInput = {
    measures: ["events", "error_rate", "attempt_latency_ms"],
    interval: "day",
    group_by: ["event_type"],
    from: new Date(DAYS[0]!).toISOString(),
    to: new Date(DAYS[7]!).toISOString(),
    time_zone: zone,
  };
  const { objects } = await made(reader, { ...weekly, template: [{ title: "Days, by type", query }] });
  const [head, ...rows] = lines([...objects].find(([key]) => key.endsWith(".csv"))![1].toString());
  assert.deepEqual(head, ["tile", "group", "start", "measure", "value"]);
  const { series } = await queryMetrics(reader, { tenant, limit_per_second: 100 }, MetricsQuery.parse(query));
  const wanted = series.flatMap(({ key, points }) =>
    points.flatMap((point) => {
      const type = Object.values(key)[0] ?? "";
      const named = [type.startsWith("=") ? `'${type}` : type, point.start];
      const latency = point.attempt_latency_ms as { p50: number; p95: number; p99: number; count: number } | null;
      const parts = (["p50", "p95", "p99", "count"] as const).map((part) => [
        `attempt_latency_ms_${part}`,
        String(latency?.[part] ?? (part === "count" ? 0 : "")),
      ]);
      return [["events", String(point.events)], ["error_rate", String(point.error_rate ?? "")], ...parts].map(
        (cells) => ["Days, by type", ...named, ...cells],
      );
    }),
  );
  assert.ok(wanted.length > 60);
  assert.deepEqual(rows, wanted);
});

test("in the CSV each part of a latency is a line of its own", () => {
  const start = new Date(DAYS[0]!).toISOString();
  const latency = { p50: 1, p95: 2, p99: 3, count: 4 };
  const point = { start, attempt_latency_ms: latency };
  const answer: MetricsAnswer = {
    ...{ from: start, to: start, interval: "none", time_zone: zone, complete_until: start, totals: {}, folded: 0 },
    series: [{ key: {}, points: [point], totals: { attempt_latency_ms: latency } }],
  };
  const tile: Tile = { title: "Answers", query: { measures: ["attempt_latency_ms"] } };
  const rows = Object.entries(latency).map(([part, n]) => `Answers,,${start},attempt_latency_ms_${part},${n}`);
  assert.equal(reportCsv([{ tile, answer }]), ["tile,group,start,measure,value", ...rows, ""].join("\r\n"));
});

test("tiles of one's own count days in the zone of the schedule, unless they name another", async () => {
  const tile = (more: object): Tile => ({
    title: "Days",
    chart: "table",
    query: { measures: ["events"], interval: "day", last: "8d", ...more },
  });
  const template = [tile({ time_zone: "UTC" }), tile({ time_zone: "Asia/Kolkata" })];
  const { mails } = await made(reader, { ...weekly, template });
  const [own, other] = mails[0]!.text!.split(/^Days: .*\n/m).slice(1);
  for (const [day, events] of EVENTS.entries()) assert.ok(own!.includes(`${19 + day} Oct  ${events}\n`), own);
  // The last minute of each day of Berlin is one of the next day in Kolkata.
  assert.ok(other!.includes(`20 Oct  ${EVENTS[1]}\n`), other);
  assert.ok(!other!.includes(`26 Oct  1,000\n`), other);
});

test("a tile says its range where it is not the report's, and the report is about the ranges of all its tiles", async () => {
  const events = (more: object): Tile => ({ title: "Events", query: { measures: ["events"], ...more } });
  const own = { from: "2026-10-20T06:30:00Z", to: "2026-10-26T10:00:00Z", interval: "none" } as const;
  const { mails, result } = await made(reader, { ...weekly, template: [events(own)] });
  const words = "20 October 2026 at 08:30 – 26 October 2026 at 11:00";
  const told = [mails[0]!.subject!, ...mails[0]!.text!.split("\n")].map((line) => line.replaceAll("\u2009", " "));
  assert.equal(told[0], `${weekly.name}: ${words}, ${zone}`);
  assert.ok(told.includes("Events"), told.join("\n"));
  assert.deepEqual([result.from, result.to], ["2026-10-20T06:30:00.000Z", "2026-10-26T10:00:00.000Z"]);
  const both = await made(reader, { ...weekly, template: [events({}), events({ last: "24h" })] });
  assert.equal(both.mails[0]!.text!.match(/^Events: /gm)?.length, 2);
});

test("a tile that can't be answered says why, and the others stand", async () => {
  const template: Tile[] = [
    { title: "Too many", query: { measures: ["events"], interval: "minute", from: new Date(DAYS[0]!).toISOString() } },
    { title: "Events", query: { measures: ["events"], interval: "none" } },
  ];
  const { mails } = await made(reader, { ...weekly, template });
  assert.match(mails[0]!.text!, /Too many\n {2}.*points/);
  assert.match(mails[0]!.text!, new RegExp(`Events\n {2}Events: ${sum(EVENTS)}`));
});

test("an address that SES refuses is named in the result, and the others get theirs", async () => {
  const recipients = ["no@example.com", "ada@example.com"];
  const { mails, result } = await made(reader, { ...weekly, recipients }, ["no@example.com"]);
  assert.deepEqual(
    mails.map(({ to }) => to![0]!.address),
    ["ada@example.com"],
  );
  assert.deepEqual(result.sent_to, ["ada@example.com"]);
  assert.equal(result.error, "no@example.com: MessageRejected: Email address is not verified.");
});

test("in dark mode every part of a mail changes its colours, and on a phone wide tables scroll by themselves", () => {
  const html = week.mails[0]!.html!;
  const elements = elementsOf(html);
  const dark = /prefers-color-scheme:dark\)\{(.*?\})\}/.exec(html)![1]!;
  const stays: string[] = [];
  for (const element of elements) {
    const style = attribute(element, "style") ?? "";
    const changed = (attribute(element, "class") ?? "").split(" ").filter((name) => dark.includes(`.${name}{`));
    // A button has both of its colours; all colours of bars but the first show on both grounds.
    const own = style.includes("background:#0b5cad") || /^bar[1-5]$/.test(attribute(element, "class") ?? "");
    if (/(?:color|background|solid |solid)[: ]*#/.test(style) && !own && changed.length === 0) stays.push(style);
    if (element.tagName === "table" && attribute(element, "role") === undefined) {
      const around = element.parentNode as HtmlElement;
      assert.match(attribute(around, "style") ?? "", /overflow-x:auto/);
      assert.equal(attribute(around, "tabindex"), "0", "who has no pointer can scroll it");
    }
  }
  assert.deepEqual(stays, []);
  assert.ok(elements.some((element) => attribute(element, "class") === "bar0") && dark.includes(".bar0{"));
});

test.run();
