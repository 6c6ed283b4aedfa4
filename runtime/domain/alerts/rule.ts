import type { z } from "zod";
import { lastMinutes, lastOf, MetricsQuery, type MetricsQueryInput } from "../metrics/query.ts";
import { type AlertKind, alertKinds, measureOf, type Severity, type Unit, unitOf, usualRule } from "./kinds.ts";

/**
 * Alert rules: what is watched, from when on it is too much, and for how long that has to last.
 *
 * Invariant: a rule watches one number, and what that is follows from the rule alone, so that the preview, the evaluation and
 * the message speak of the same one.
 */

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

/** @throws z.ZodError where the rule's query is invalid */
export function watchedBy({ kind, query, filter }: Pick<RuleDefinition, "kind" | "query" | "filter">): Watched {
  if (kind === "api_down") return { query: undefined, window: 1, unit: "up" };
  if (kind !== "metric")
    return {
      query: queryFor(measureOf[kind], filter),
      window: kind === "dead_letters" ? DEAD_LETTER_WINDOW : 1,
      unit: unitOf(kind, undefined),
    };
  const { last, ...asked } = query!;
  const parsed = MetricsQuery.parse({ ...asked, interval: "minute", filter: { ...asked.filter, ...filter } });
  return {
    query: parsed,
    window: last === undefined ? 1 : Math.min(lastMinutes(lastOf(last)), MAX_WINDOW),
    unit: unitOf(kind, parsed.measures[0]),
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

/** What a limit lets through never exceeds it: that it is reached shows in what is refused. It looks at the same minutes as dead letters do. */
const limitReached: RuleDefinition = {
  ...{ name: "The limit is reached", kind: "metric", threshold: 0, for_minutes: 0, severity: "critical" },
  query: { measures: ["refused"], last: `${DEAD_LETTER_WINDOW}m` },
  ...{ channels: [], filter: { reason: ["rate_limited"] }, enabled: true },
};

/** The rules that every customer begins with. */
export const defaultRules: readonly RuleDefinition[] = alertKinds.flatMap((kind) => {
  const { name, ...usual } = usualRule[kind];
  if (name === undefined) return [];
  const rule: RuleDefinition = { name, kind, ...usual, query: null, channels: [], filter: null, enabled: true };
  return kind === "quota" ? [rule, limitReached] : [rule];
});
