import { useQuery } from "@tanstack/react-query";
import { call, type Environment } from "./api.ts";

/** The language of charts: one query object, and what comes back for it. */
export interface MetricsQuery {
  readonly measures: readonly string[];
  readonly last?: string;
  readonly from?: string;
  readonly to?: string;
  readonly interval?: string;
  readonly time_zone?: string;
  readonly group_by?: readonly string[];
  readonly filter?: Readonly<Record<string, readonly (string | null)[]>>;
  readonly top?: number;
  readonly compare?: "previous" | "week";
  readonly histogram?: boolean;
}

export interface Latency {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly count: number;
  readonly buckets?: readonly (readonly [number, number])[];
}
export type Value = number | null | Latency;
export type Values = Readonly<Record<string, Value>>;

export interface Series {
  readonly key: Readonly<Record<string, string | null>>;
  readonly points: readonly ({ readonly start: string; readonly partial?: true } & Readonly<
    Record<string, Value | string | true | undefined>
  >)[];
  readonly totals: Values;
}

export interface Metrics {
  readonly from: string;
  readonly to: string;
  readonly interval: string;
  readonly complete_until: string;
  readonly series: readonly Series[];
  readonly totals: Values;
  readonly folded: number;
  readonly compare?: { readonly series: readonly Series[]; readonly totals: Values };
}

/** @param every milliseconds between two looks; once when false */
export function useMetrics(query: MetricsQuery, env: Environment, every: number | false = false) {
  return useQuery({
    queryKey: ["metrics", query, env],
    queryFn: ({ signal }) => call<Metrics>("POST", "/metrics/query", { env, body: query, signal }),
    refetchInterval: every,
  });
}

export const numberIn = (values: Values | undefined, name: string): number => {
  const value = values?.[name];
  return typeof value === "number" ? value : 0;
};

export const latencyIn = (values: Values | undefined, name: string): Latency | undefined => {
  const value = values?.[name];
  return typeof value === "object" && value !== null ? value : undefined;
};
