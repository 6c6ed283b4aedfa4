import { isLatency, isRate, type Measure } from "../metrics/names.ts";

/** What alert rules can watch, and what each kind begins with. Pure and without a library: pages read it too. */

export const alertKinds = ["error_rate", "latency", "quota", "dead_letters", "api_down", "metric"] as const;
export type AlertKind = (typeof alertKinds)[number];
export const severities = ["info", "warning", "critical"] as const;
export type Severity = (typeof severities)[number];

/** How a number reads. */
export type Unit = "share" | "ms" | "count" | "up";

/** The measure that a kind watches; of `metric` its query says it, and `api_down` watches none. */
export const measureOf = {
  error_rate: "error_rate",
  latency: "delivery_latency_ms",
  quota: "limit_use",
  dead_letters: "dead_lettered",
} as const satisfies Partial<Record<AlertKind, Measure>>;

/** @param measure of a `metric` rule; counted where it is left out */
export function unitOf(kind: AlertKind, measure: Measure | undefined): Unit {
  if (kind === "api_down") return "up";
  const watched = kind === "metric" ? measure : measureOf[kind];
  if (watched === undefined) return "count";
  return isLatency(watched) ? "ms" : isRate(watched) ? "share" : "count";
}

/** What a kind is until somebody says otherwise; those with a name are the rules that every customer begins with. */
export const usualRule: Readonly<
  Record<
    AlertKind,
    {
      readonly name?: string;
      readonly threshold: number;
      readonly for_minutes: number;
      readonly severity: Severity;
    }
  >
> = {
  error_rate: { name: "Deliveries fail", threshold: 0.05, for_minutes: 10, severity: "critical" },
  latency: { name: "Deliveries are slow", threshold: 5_000, for_minutes: 5, severity: "warning" },
  quota: { name: "The limit is nearly used", threshold: 0.8, for_minutes: 1, severity: "warning" },
  dead_letters: { name: "Dead letters grow", threshold: 0, for_minutes: 1, severity: "warning" },
  api_down: { name: "The API can't be reached", threshold: 0, for_minutes: 2, severity: "critical" },
  metric: { threshold: 0, for_minutes: 5, severity: "warning" },
};
