import { defined } from "../../runtime/domain/defined.ts";
import type { Dimension, Measure } from "../../runtime/domain/metrics/names.ts";
import { dimensionsOf } from "../../runtime/domain/metrics/names.ts";
import { filterOf, filterText } from "./alertForm.ts";
import type { MetricsQuery } from "./metrics.ts";
import type { Schemas } from "./types.ts";

/** Reports as people fill them in. Pure. */

export const charts = ["line", "bar", "number", "table"] as const;
export const periods = ["day", "week", "month"] as const;

interface Tile {
  readonly title: string;
  readonly query: MetricsQuery;
  readonly chart?: (typeof charts)[number];
}

/** A report with what the contract leaves open: the tiles of an own template. */
export type Report = Omit<Schemas["Report"], "template"> & {
  readonly template: "weekly" | "monthly" | readonly Tile[];
};

export interface TileForm {
  readonly title: string;
  readonly measures: readonly Measure[];
  readonly group_by: Dimension | "";
  readonly chart: (typeof charts)[number] | "";
  /** Empty for the range of the report. */
  readonly last: string;
  readonly filter: Readonly<Record<string, string>>;
  /** The tile as it was before: what no field shows of it stays. */
  readonly before?: Tile;
}

export interface ReportForm {
  readonly name: string;
  readonly template: "weekly" | "monthly" | "own";
  readonly tiles: readonly TileForm[];
  readonly every: (typeof periods)[number] | "";
  readonly at: string;
  readonly time_zone: string;
  readonly recipients: readonly string[];
}

export const emptyTile: TileForm = {
  title: "Events and deliveries",
  measures: ["events", "delivered"],
  group_by: "",
  chart: "line",
  last: "",
  filter: {},
};

/** @param zone the reader's own */
export const emptyReport = (zone: string): ReportForm => ({
  name: "",
  template: "weekly",
  tiles: [emptyTile],
  every: "week",
  at: "08:00",
  time_zone: zone,
  recipients: [],
});

const tileFormOf = (tile: Tile): TileForm => ({
  title: tile.title,
  measures: tile.query.measures,
  group_by: tile.query.group_by?.[0] ?? "",
  chart: tile.chart ?? "",
  last: tile.query.last ?? "",
  filter: filterText(tile.query.filter ?? {}),
  before: tile,
});

export function reportFormOf({ name, template, schedule, recipients }: Report, zone: string): ReportForm {
  return {
    ...emptyReport(zone),
    name,
    template: typeof template === "string" ? template : "own",
    ...(typeof template === "string" ? {} : { tiles: template.map(tileFormOf) }),
    every: schedule?.every ?? "",
    ...(schedule === null ? {} : { at: schedule.at, time_zone: schedule.time_zone }),
    recipients,
  };
}

/** By what every measure of a tile can be told apart. */
export const commonDimensions = (measures: readonly Measure[]): readonly Dimension[] => {
  const [first, ...more] = measures.map((measure) => dimensionsOf[measure]);
  return (first ?? []).filter((dimension) => more.every((each) => each.includes(dimension)));
};

function tileOf({ title, measures, group_by, chart, last, filter, before }: TileForm) {
  const allowed = commonDimensions(measures);
  const counted = filterOf(filter, allowed);
  const pointless = chart === "bar" || chart === "number" || (chart === "table" && group_by !== "");
  const {
    measures: _,
    last: __,
    group_by: grouped = [],
    filter: ___,
    interval,
    from,
    to,
    ...rest
  } = before?.query ?? {};
  const [first, ...more] = [group_by, ...grouped.slice(1)];
  const groups = first === "" ? [] : [first, ...more.filter((each) => each !== first)];
  const known = groups.filter((each) => allowed.includes(each as Dimension));
  const drawnAsBefore = before !== undefined && chart === (before.chart ?? "");
  return {
    title,
    query: {
      measures,
      // Bars, figures and tables of groups are one number each, however long the range is.
      ...(drawnAsBefore ? defined({ interval }) : pointless ? { interval: "none" } : {}),
      ...(known.length === 0 ? {} : { group_by: known }),
      ...(last === "" ? defined({ from, to }) : { last }),
      ...(Object.keys(counted).length === 0 ? {} : { filter: counted }),
      ...rest,
    },
    ...(chart === "" ? {} : { chart }),
  };
}

/** The body of `POST /reports` and of its preview. */
export function reportBodyOf(form: ReportForm) {
  const { name, template, tiles, every, at, time_zone, recipients } = form;
  return {
    ...(name.trim() === "" ? {} : { name: name.trim() }),
    template: template === "own" ? tiles.map(tileOf) : template,
    schedule: every === "" ? null : { every, at, time_zone },
    recipients,
  };
}
