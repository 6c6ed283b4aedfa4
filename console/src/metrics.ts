import { keepPreviousData, queryOptions, type UseQueryResult, useQuery } from "@tanstack/react-query";
import type { MetricsAnswer, Point, Series } from "../../runtime/domain/metrics/answer.ts";
import { countsPairs, type Dimension, dimensionsOf, isRate, type Measure } from "../../runtime/domain/metrics/names.ts";
import type { MetricsQueryInput } from "../../runtime/domain/metrics/query.ts";
import type { Latency, Value } from "../../runtime/domain/metrics/values.ts";
import { HOUR_MS, MINUTE_MS } from "../../runtime/domain/time.ts";
import { call, type Environment } from "./api.ts";
import { type Dashboard, type Filter, isFiltered } from "./dashboard.ts";
import { joined } from "./joined.ts";

/** The language of charts: one query object, and what comes back for it. */
export type { Latency, Point, Series, Value };
export type Metrics = MetricsAnswer;
export type MetricsQuery = Omit<MetricsQueryInput, "measures"> & { readonly measures: readonly Measure[] };
export type Values = Readonly<Record<string, Value>>;

const FRESH_MS = 5_000;
/** How long an answer is kept that can no longer change. */
const KEPT_MS = 30 * MINUTE_MS;

/** Nothing that it tells can change: it names its times, and all of it is counted. */
const isFinal = (query: MetricsQuery, answer: Metrics | undefined): boolean =>
  answer !== undefined && query.to !== undefined && answer.to <= answer.complete_until;

/**
 * What a query comes to. Tiles that ask the same share one answer. What was there before stays while another is on its way.
 * @param every milliseconds between two looks; once when false
 */
export const useMetrics = (
  query: MetricsQuery,
  env: Environment,
  every: number | false = false,
  enabled = true,
): UseQueryResult<Metrics> => useQuery({ ...asking(query, env, every), enabled, placeholderData: keepPreviousData });

export const asking = (query: MetricsQuery, env: Environment, every: number | false) =>
  queryOptions({
    queryKey: ["metrics", query, env],
    queryFn: ({ signal }) => call<Metrics>("POST", "/metrics/query", { env, body: query, signal }),
    refetchInterval: (asked) => (isFinal(query, asked.state.data) ? false : every),
    staleTime: (asked) => (isFinal(query, asked.state.data) ? Number.POSITIVE_INFINITY : FRESH_MS),
    gcTime: KEPT_MS,
  });

/** Of a filter what a measure can be told apart by, and what of it has to be left out. */
export interface Applied {
  readonly filter: Filter;
  readonly ignored: readonly Dimension[];
}

/** All that a board is filtered by. */
export const filtersOf = ({ filter }: Pick<Dashboard, "filter">): Dimension[] => Object.keys(filter) as Dimension[];

/** @param measures of one tile: a filter that one of them does not know is left out for all of them */
function applied(measures: readonly Measure[], filter: Filter): Applied {
  const named = filtersOf({ filter });
  // Narrowed to one error, a rate says nothing: each attempt that is left has failed.
  const knows = (dimension: Dimension) =>
    measures.every(
      (measure) => dimensionsOf[measure].includes(dimension) && !(dimension === "error" && isRate(measure)),
    );
  return {
    filter: Object.fromEntries(named.filter(knows).map((dimension) => [dimension, filter[dimension]])),
    ignored: named.filter((dimension) => !knows(dimension)),
  };
}

/** What has to be said beside a number of events that is more than came: nothing where each counts once. @param by what it is grouped by */
export const pairsInWords = (board: Pick<Dashboard, "filter">, by: readonly Dimension[] = []): string =>
  countsPairs([...filtersOf(board), ...by]) && board.filter.subscription_id?.length !== 1
    ? " An event counts once for each subscription that it matched."
    : "";

export interface TileAnswer {
  readonly query: UseQueryResult<Metrics>;
  readonly ignored: readonly Dimension[];
}

/** A tile's question about what the dashboard looks at. @param rest what differs from that */
export function useTile(board: Dashboard, rest: MetricsQuery, enabled = true): TileAnswer {
  const { filter, ignored } = applied(rest.measures, board.filter);
  const ranged = rest.last === undefined && rest.from === undefined ? board.range : { time_zone: board.zone };
  const asked = { ...ranged, ...rest, ...(Object.keys(filter).length === 0 ? {} : { filter: filter as never }) };
  const query = useMetrics(asked, board.env, board.every, enabled);
  // What the socket tells is under the whole filter of the page.
  return { query: ignored.length === 0 ? followed(board, asked, query) : query, ignored };
}

/** What was answered, with what a socket has told since. */
export function followed(
  { figures }: Dashboard,
  asked: MetricsQuery,
  query: UseQueryResult<Metrics>,
): UseQueryResult<Metrics> {
  if (figures === undefined || query.data === undefined || query.isPlaceholderData) return query;
  const data = joined(asked, query.data, figures);
  return data === undefined ? query : ({ ...query, data } as UseQueryResult<Metrics>);
}

export const words: Readonly<Record<Dimension, string>> = {
  event_type: "type",
  workflow_id: "workflow",
  subscription_id: "subscription",
  key_id: "key",
  status: "status",
  error: "error",
  reason: "reason",
};

/** Why a tile is greyed; undefined where all filters apply. */
export const reasonOf = (ignored: readonly Dimension[]): string | undefined =>
  ignored.length === 0
    ? undefined
    : `Not filtered: this can't be told apart by ${ignored.map((each) => words[each]).join(" or ")}.`;

export const numberIn = (values: Values | undefined, name: string): number => {
  const value = values?.[name];
  return typeof value === "number" ? value : 0;
};

export const maybeIn = (values: Readonly<Record<string, unknown>> | undefined, name: string): number | null => {
  const value = values?.[name];
  return typeof value === "number" ? value : null;
};

export const latencyIn = (values: Readonly<Record<string, unknown>> | undefined, name: string): Latency | undefined => {
  const value = values?.[name];
  return typeof value === "object" && value !== null ? (value as Latency) : undefined;
};

/** The one value that a series is for, in words. */
export const keyName = ({ key }: Pick<Series, "key">): string => {
  const [dimension, value] = Object.entries(key)[0] ?? [];
  if (dimension === undefined) return "all";
  return value === null || value === undefined
    ? `no ${words[dimension as Dimension]}`
    : value.replaceAll("_", dimension === "status" || dimension === "error" ? " " : "_");
};

/** What a click on a series filters; undefined where it filters nothing. */
export function filterOf({ key }: Pick<Series, "key">): readonly [keyof Filter, string | null] | undefined {
  const [dimension, value] = Object.entries(key)[0] ?? [];
  return dimension === undefined || !isFiltered(dimension as Dimension) || value === "(other)"
    ? undefined
    : [dimension as keyof Filter, value ?? null];
}

/** Whether times of this answer need their day: it is longer than a day, and a little. */
export const needsDays = ({ from, to }: Pick<Metrics, "from" | "to">): boolean =>
  Date.parse(to) - Date.parse(from) > 26 * HOUR_MS;

export const pointsOf = (answer: Metrics | undefined): readonly Point[] => answer?.series[0]?.points ?? [];
