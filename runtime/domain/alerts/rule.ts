import type { z } from "zod";
import { isLatency } from "../metrics/names.ts";
import { lastMinutes, lastOf, MetricsQuery, type MetricsQueryInput } from "../metrics/query.ts";

/**
 * Alert rules: what is watched, from when on it is too much, and for how long that has to last.
 *
 * Invariant: a rule watches one number, and what that is follows from the rule alone, so that the preview, the evaluation and
 * the message speak of the same one.
 */

export const alertKinds = ["error_rate", "latency", "quota", "dead_letters", "api_down", "metric"] as const;
export type AlertKind = (typeof alertKinds)[number];
export const severities = ["info", "warning", "critical"] as const;
export type Severity = (typeof severities)[number];

export interface RuleDefinition {
  readonly name: string;
  readonly kind: AlertKind;
  /** Of `metric`; null for others. */
  readonly query: MetricsQueryInput | null;
  readonly threshold: number;
  readonly for_minutes: number;
  readonly severity: Severity;
  /** Ids of channels. */
  readonly channels: readonly string[];
  readonly filter: MetricsQueryInput["filter"] | null;
  readonly enabled: boolean;
}

export interface AlertRule extends RuleDefinition {
  readonly rule_id: string;
}

/** How a number reads. */
export type Unit = "share" | "ms" | "count" | "up";

/** What a rule watches. */
export interface Watched {
  /** Undefined for whether the API can be reached, which no metric says. */
  readonly query: MetricsQuery | undefined;
  /** Minutes back from each that its number is made of. */
  readonly window: number;
  readonly unit: Unit;
}

/** Longest window that is looked at anew each minute; longer ones every five minutes. */
export const ROLLING_MINUTES = 60;
const MAX_WINDOW = 1_440;
/** Dead letters come one by one: they grow where there was one within this time. */
const DEAD_LETTER_WINDOW = 15;

const queryFor = (measure: MetricsQueryInput["measures"][number], filter: RuleDefinition["filter"]): MetricsQuery =>
  MetricsQuery.parse({ measures: [measure], interval: "minute", ...(filter === null ? {} : { filter }) });

const MEASURE = {
  error_rate: "error_rate",
  latency: "delivery_latency_ms",
  quota: "limit_use",
  dead_letters: "dead_lettered",
} as const;
const UNIT = { error_rate: "share", latency: "ms", quota: "share", dead_letters: "count" } as const;

/** @throws z.ZodError where the rule's query is none */
export function watchedBy({ kind, query, filter }: Pick<RuleDefinition, "kind" | "query" | "filter">): Watched {
  if (kind === "api_down") return { query: undefined, window: 1, unit: "up" };
  if (kind !== "metric")
    return {
      query: queryFor(MEASURE[kind], filter),
      window: kind === "dead_letters" ? DEAD_LETTER_WINDOW : 1,
      unit: UNIT[kind],
    };
  const { last, ...asked } = query!;
  const parsed = MetricsQuery.parse({ ...asked, interval: "minute", filter: { ...asked.filter, ...filter } });
  const measure = parsed.measures[0]!;
  const share = measure === "error_rate" || measure === "delivery_success_rate" || measure === "limit_use";
  return {
    query: parsed,
    window: last === undefined ? 1 : Math.min(lastMinutes(lastOf(last)), MAX_WINDOW),
    unit: isLatency(measure) ? "ms" : share ? "share" : "count",
  };
}

/** What a rule's query may not say: an alert looks at one number, over a time of its own. @returns one message for each fault, by member */
function queryFaults(query: MetricsQueryInput): [member: string, message: string][] {
  const faults: [string, string][] = [];
  if (query.measures.length > 1) faults.push(["measures", "must be one: an alert watches one number"]);
  if ((query.group_by ?? []).length > 0) faults.push(["group_by", "must be left out: narrow it with `filter` instead"]);
  if (query.compare !== undefined) faults.push(["compare", "must be left out: an alert compares with `threshold`"]);
  for (const member of ["from", "to"] as const)
    if (query[member] !== undefined)
      faults.push([member, "must be left out: `last` says how far back each number looks"]);
  if (query.last !== undefined && lastMinutes(lastOf(query.last)) > MAX_WINDOW)
    faults.push(["last", "must be 24 hours at most"]);
  return faults;
}

/** A query as rules keep it. */
export const RuleQuery = MetricsQuery.superRefine((query, refine) => {
  for (const [member, message] of queryFaults(query as MetricsQueryInput))
    refine.addIssue({ code: "custom", path: [member], message });
});
export type RuleQuery = z.output<typeof RuleQuery>;

/** The rules that every customer begins with. */
export const defaultRules: readonly RuleDefinition[] = [
  { name: "Deliveries fail", kind: "error_rate", threshold: 0.05, for_minutes: 10, severity: "critical" },
  { name: "Deliveries are slow", kind: "latency", threshold: 5_000, for_minutes: 5, severity: "warning" },
  { name: "The limit is nearly used", kind: "quota", threshold: 0.8, for_minutes: 1, severity: "warning" },
  { name: "Dead letters grow", kind: "dead_letters", threshold: 0, for_minutes: 1, severity: "warning" },
  { name: "The API can't be reached", kind: "api_down", threshold: 0, for_minutes: 2, severity: "critical" },
].map((rule) => ({ ...(rule as RuleDefinition), query: null, channels: [], filter: null, enabled: true }));
