import { seriesPaints } from "../charts/drawing.ts";
import { alongTime, drawOverTime, type OverTime } from "../charts/overTime.ts";
import { drawRanked } from "../charts/ranked.ts";
import { svgText } from "../charts/svgText.ts";
import type { MetricsAnswer, Series } from "../metrics/answer.ts";
import { isLatency, isRate, type Measure, measureNames } from "../metrics/names.ts";
import { numberOf, type Value } from "../metrics/values.ts";
import { earlierIn, floorIn, lastWhole } from "../metrics/zones.ts";
import { lengthText, type Millis, unitOfLength } from "../time.ts";
import type { ReportDefinition, Tile } from "./report.ts";

/** The tiles of a report: what they ask, and what they show of the answer. Pure. */

/** Times in milliseconds; `to` is exclusive. */
export interface ReportRange {
  readonly from: number;
  readonly to: number;
}

export const zoneOf = ({ schedule }: ReportDefinition): string => schedule?.time_zone ?? "UTC";

/** The last whole week or month before `now`, by the calendar of the zone; of own tiles the last seven days. */
export function rangeOfReport(definition: ReportDefinition, now: Millis): ReportRange {
  const zone = zoneOf(definition);
  if (definition.template === "weekly") return lastWhole(zone, "week", now);
  if (definition.template === "monthly") return lastWhole(zone, "month", now);
  const today = floorIn(zone, "day", now);
  return { from: earlierIn(zone, today, 7), to: today };
}

const overview: readonly Tile[] = [
  {
    title: "In short",
    chart: "number",
    query: {
      measures: ["events", "delivered", "dead_lettered", "delivery_success_rate", "error_rate", "delivery_latency_ms"],
      interval: "none",
      compare: "previous",
    },
  },
  {
    title: "Events and deliveries by day",
    chart: "line",
    query: { measures: ["events", "delivered", "failed"], interval: "day" },
  },
  {
    title: "Events by type",
    chart: "bar",
    query: { measures: ["events"], interval: "none", group_by: ["event_type"], top: 8 },
  },
  {
    title: "Failed attempts by error",
    chart: "bar",
    query: { measures: ["failed"], interval: "none", group_by: ["error"], top: 8 },
  },
  {
    title: "Workflows",
    chart: "table",
    query: {
      measures: ["delivered", "failed", "dead_lettered", "error_rate", "attempt_latency_ms"],
      interval: "none",
      group_by: ["workflow_id"],
      top: 15,
    },
  },
];

/**
 * The tiles with whole queries: those of a template ask about the report's range, own ones as they say. Days are those of the report's zone,
 * or of the zone that a tile names.
 */
export function tilesOf(definition: ReportDefinition, { from, to }: ReportRange): Tile[] {
  const zone = zoneOf(definition);
  const range = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), time_zone: zone };
  const ranged = ({ query, ...tile }: Tile): Tile => {
    if (query.last === undefined && query.from === undefined) return { ...tile, query: { ...query, ...range } };
    // A query that named no zone is stored with UTC.
    const named = query.time_zone !== undefined && query.time_zone !== "UTC";
    return { ...tile, query: named ? query : { ...query, time_zone: zone } };
  };
  return (typeof definition.template === "string" ? overview : definition.template).map(ranged);
}

/** A tile with what came of its query. */
export interface Answered {
  readonly tile: Tile;
  readonly answer?: MetricsAnswer;
  /** Why there is none, in words. */
  readonly error?: string;
  /** Of a tile that asks about another range than the report, in words. */
  readonly range?: string;
}

export const headingOf = ({ tile, range }: Answered): string =>
  range === undefined ? tile.title : `${tile.title}: ${range}`;

const nameOf = (measure: Measure): string => measureNames[measure];

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

const readMs = (ms: Millis): string => lengthText(ms < 1_000 ? Math.round(ms) : ms, fine);

/** A value as it is read. */
function readValue(measure: Measure, value: Value): string {
  const number = numberOf(value);
  if (number === null) return "–";
  if (isLatency(measure)) return readMs(number);
  if (isRate(measure)) return `${fine.format(number * 100)} %`;
  return plain.format(number);
}

const keyOf = ({ key }: Series): string =>
  Object.values(key)
    .map((value) => value ?? "(none)")
    .join(", ") || "All";

/** Text of a table's cells, the head first. */
export function tableOf({ tile, answer }: Answered): string[][] {
  if (answer === undefined) return [];
  const measures = tile.query.measures;
  const grouped = isGrouped(tile);
  if (answer.interval === "none" || grouped)
    return [
      [grouped ? "" : "", ...measures.map(nameOf)],
      ...answer.series.map((series) => [
        keyOf(series),
        ...measures.map((measure) => readValue(measure, series.totals[measure] ?? null)),
      ]),
    ];
  const dates = dayFormat(answer.time_zone, answer.interval);
  return [
    ["", ...measures.map(nameOf)],
    ...answer.series.flatMap(({ points }) =>
      points.map((point) => [
        dates(Date.parse(point.start)),
        ...measures.map((measure) => readValue(measure, (point[measure] ?? null) as Value)),
      ]),
    ),
  ];
}

const dayFormat = (zone: string, interval: MetricsAnswer["interval"]) => {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    day: "numeric",
    month: "short",
    ...(interval === "day" ? {} : { hour: "2-digit", minute: "2-digit" }),
  });
  return (at: Millis): string => format.format(at);
};

/** How a tile is drawn. */
export const chartOf = ({ tile, answer }: Answered): NonNullable<Tile["chart"]> =>
  tile.chart ?? (answer?.interval === "none" ? (isGrouped(tile) ? "bar" : "number") : "line");

/** What a tile shows, in a sentence, for readers and mail programs that show text only. */
export function sentenceOf({ tile, answer }: Answered): string {
  if (answer === undefined) return `${tile.title}.`;
  const measures = tile.query.measures;
  const totals = measures.map(
    (measure) => `${nameOf(measure).toLowerCase()} ${readValue(measure, answer.totals[measure] ?? null)}`,
  );
  return `${tile.title}: ${totals.join(", ")}.`;
}

/** Numbers over time, one a point. */
export interface Line {
  readonly name: string;
  /** Null where there is nothing to tell. */
  readonly values: readonly (number | null)[];
  /** Lines of one scale are compared by their height. */
  readonly scale: "count" | "bytes" | "share" | "ms";
  /** A value as it is read. */
  read(value: number | null): string;
}

const scaleOf = (measure: Measure): Line["scale"] =>
  measure === "bytes" ? "bytes" : isLatency(measure) ? "ms" : isRate(measure) ? "share" : "count";

/** The lines of a tile over time: of each measure one, or of the first measure one for each series; as many as can be told apart. */
export function linesOf({ tile, answer }: Answered): Line[] {
  if (answer === undefined) return [];
  const measures = tile.query.measures;
  const grouped = isGrouped(tile);
  return answer.series
    .flatMap((series) =>
      (grouped ? measures.slice(0, 1) : measures).map(
        (measure): Line => ({
          name: grouped ? keyOf(series) : nameOf(measure),
          values: series.points.map((point) => numberOf((point[measure] ?? null) as Value)),
          read: (value) => readValue(measure, value),
          scale: scaleOf(measure),
        }),
      ),
    )
    .slice(0, seriesPaints.length);
}

export const isGrouped = ({ query }: Tile): boolean => (query.group_by ?? []).length > 0;

/** When each point of a tile begins, in words. */
export function pointNames({ answer }: Answered): string[] {
  const [series] = answer?.series ?? [];
  if (answer === undefined || series === undefined) return [];
  const dates = dayFormat(answer.time_zone, answer.interval);
  return series.points.map(({ start }) => dates(Date.parse(start)));
}

/** Of each series, in the order of the table, its first measure; null where there is nothing to tell. */
export const totalsOf = ({ tile, answer }: Answered): (number | null)[] =>
  (answer?.series ?? []).map(({ totals }) => numberOf(totals[tile.query.measures[0]!] ?? null));

/** The pictures of a tile as SVG: lines of one scale in one of them. None for a tile that is figures or a table. */
export function picturesOf(answered: Answered, width: number): string[] {
  const { tile, answer } = answered;
  if (answer === undefined) return [];
  const kind = chartOf(answered);
  const says = sentenceOf(answered);
  if (kind === "bar") {
    const [measure] = tile.query.measures as [Measure];
    const totals = totalsOf(answered);
    const bars = answer.series
      .map((series, at) => ({ name: keyOf(series), value: totals[at] ?? 0 }))
      .filter(({ value }) => value > 0)
      .sort((a, b) => b.value - a.value);
    return [
      svgText(
        drawRanked(bars, width, (value) => readValue(measure, value)),
        says,
      ),
    ];
  }
  if (kind !== "line") return [];
  const points = answer.series[0]?.points ?? [];
  const lines = linesOf(answered).map((line, place) => ({ ...line, place }));
  return Object.values(Object.groupBy(lines, ({ scale }) => scale)).map((ofScale) => {
    const drawing = drawOverTime(
      {
        ...alongTime(points, answer.to),
        series: ofScale.map(({ name, values, place }) => ({
          name,
          values,
          as: "line",
          paint: seriesPaints[place % seriesPaints.length]!,
          dash: DASHES[place % DASHES.length]!,
        })),
        ...axes[ofScale[0]!.scale],
        label: dayFormat(answer.time_zone, answer.interval),
        legend: true,
      },
      { width, height: 220 },
    );
    return svgText(drawing, says);
  });
}

/** How the axis of a scale tells its values. */
const axes: Readonly<Record<Line["scale"], Pick<OverTime, "format" | "unit" | "whole">>> = {
  count: { whole: true },
  bytes: { whole: true },
  share: { format: (value) => `${fine.format(value * 100)} %`, unit: () => 0.01 },
  ms: { format: readMs, unit: unitOfLength },
};

/** Lines differ by these as well as by colour. */
const DASHES = ["", "6 3", "2 3", "8 3 2 3", "1 3", "10 4"] as const;

/** One figure of a tile of figures, with that of the range before. */
export interface Figure {
  readonly name: string;
  readonly text: string;
  readonly before?: string;
}

export function figuresOf({ tile, answer }: Answered): Figure[] {
  if (answer === undefined) return [];
  return tile.query.measures.map((measure) => ({
    name: nameOf(measure),
    text: readValue(measure, answer.totals[measure] ?? null),
    ...(answer.compare === undefined ? {} : { before: readValue(measure, answer.compare.totals[measure] ?? null) }),
  }));
}
