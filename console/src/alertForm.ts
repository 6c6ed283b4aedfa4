import { NO_DATA_MS, ripeAt } from "../../runtime/domain/alerts/evaluate.ts";
import {
  type AlertKind,
  measureOf,
  type Severity,
  type Unit,
  unitOf,
  usualRule,
} from "../../runtime/domain/alerts/kinds.ts";
import { type Dimension, dimensions, dimensionsOf, type Measure } from "../../runtime/domain/metrics/names.ts";
import { MINUTE_MS, type Millis } from "../../runtime/domain/time.ts";
import { count, ms } from "./format.ts";
import { lineOf, textsOf } from "./listText.ts";
import { typedNumber } from "./typedNumber.ts";
import type { Schemas } from "./types.ts";

/** Alert rules as people fill them in: percent instead of shares, texts instead of lists. Pure. */

type Filter = Readonly<Partial<Record<Dimension, readonly (string | null)[] | undefined>>>;

/** A rule with what the contract leaves open: its filters and its query. */
export type AlertRule = Omit<Schemas["AlertRule"], "query" | "filter"> & {
  readonly query: { readonly measures: readonly Measure[]; readonly last?: string; readonly filter?: Filter } | null;
  readonly filter: Filter | null;
};

export interface RuleForm {
  readonly name: string;
  readonly kind: AlertKind;
  /** Of `metric`. */
  readonly measure: Measure;
  readonly last: string;
  /** In the unit that is shown. */
  readonly threshold: string;
  readonly for_minutes: string;
  readonly severity: Severity;
  readonly channels: readonly string[];
  readonly enabled: boolean;
  readonly filter: Readonly<Record<string, string>>;
}

export const kindNames: Readonly<Record<AlertKind, string>> = {
  error_rate: "Share of attempts that fail",
  latency: "Delivery latency, p95",
  quota: "Use of the limit",
  dead_letters: "Dead letters",
  api_down: "The API can't be reached",
  metric: "Another metric",
};

/** What the number of an alert is about. */
export const watchedNames: Readonly<Record<AlertKind, string>> = { ...kindNames, api_down: "The API" };

export const dimensionNames: Readonly<Record<Dimension, string>> = {
  event_type: "Event type",
  workflow_id: "Workflow",
  subscription_id: "Subscription",
  key_id: "API key",
  status: "Delivery status",
  error: "Error",
  reason: "Reason of the refusal",
};

/** By what a rule's number can be narrowed. */
export function narrowedBy({ kind, measure }: Pick<RuleForm, "kind" | "measure">): readonly Dimension[] {
  if (kind === "api_down") return [];
  return dimensionsOf[kind === "metric" ? measure : measureOf[kind]];
}

export const formUnit = ({ kind, measure }: Pick<RuleForm, "kind" | "measure">): Unit => unitOf(kind, measure);

/** What stands behind the field of a threshold. */
export const unitNames: Readonly<Record<Unit, string>> = { share: "%", ms: "ms", count: "", up: "" };

/** A share as percent, without the noise of binary fractions. */
const percent = (share: number): string => String(Number((share * 100).toPrecision(12)));

/** A number with its unit, as people read it. */
export function readValue(value: number | null, unit: Unit): string {
  if (value === null) return "no data";
  if (unit === "up") return value > 0 ? "unreachable" : "reachable";
  if (unit === "share") return `${Number((value * 100).toFixed(1))}\u00a0%`;
  return unit === "ms" ? ms(value) : count(value);
}

/** A rule in one sentence. */
export function inWords(
  rule: Pick<AlertRule, "kind" | "query" | "threshold" | "for_minutes" | "filter">,
  name: string,
): string {
  const unit = unitOf(rule.kind, rule.query?.measures[0]);
  const lasting = rule.for_minutes === 0 ? "at once" : `for ${rule.for_minutes} min`;
  const narrowed = Object.entries(filterText({ ...rule.query?.filter, ...rule.filter })).map(
    ([dimension, values]) => `, where ${dimensionNames[dimension as Dimension].toLowerCase()} is ${values}`,
  );
  const above = unit === "up" ? "" : ` above ${readValue(rule.threshold, unit)}`;
  return `${name}${above}, ${lasting}${narrowed.join("")}`;
}

/** What a pending alert waits for. @param clock a time as the reader's clock shows it */
export function waitsFor(
  rule: Pick<AlertRule, "kind" | "query" | "threshold" | "for_minutes">,
  since: Millis,
  now: Millis,
  clock: (at: Millis) => string,
): string {
  const unit = unitOf(rule.kind, rule.query?.measures[0]);
  const ripe = ripeAt(rule, since);
  const bad = unit === "up" ? "unreachable" : `above ${readValue(rule.threshold, unit)}`;
  return now < ripe
    ? `at ${clock(ripe)} if it stays ${bad}`
    : `with the next minute that is ${bad}; a better one ends it, and so do ${NO_DATA_MS / MINUTE_MS} minutes without a number`;
}

/** What a kind begins with. */
export function usualForm(kind: AlertKind): Pick<RuleForm, "kind" | "threshold" | "for_minutes" | "severity"> {
  const { threshold, for_minutes, severity } = usualRule[kind];
  const shown = unitOf(kind, "error_rate") === "share" ? percent(threshold) : String(threshold);
  return { kind, threshold: shown, for_minutes: String(for_minutes), severity };
}

export const emptyForm: RuleForm = {
  name: "",
  measure: "failed",
  last: "5m",
  channels: [],
  enabled: true,
  filter: {},
  ...usualForm("error_rate"),
};

/** What has no such value. */
const NONE = "(none)";
export const filterText = (filter: Filter): Record<string, string> =>
  Object.fromEntries(Object.entries(filter).map(([name, values = []]) => [name, lineOf(values, NONE)]));

export function formOf(rule: AlertRule): RuleForm {
  const measure = rule.query?.measures[0] ?? emptyForm.measure;
  const share = unitOf(rule.kind, measure) === "share";
  return {
    name: rule.name,
    kind: rule.kind,
    measure,
    last: rule.query?.last ?? "1m",
    threshold: share ? percent(rule.threshold) : String(rule.threshold),
    for_minutes: String(rule.for_minutes),
    severity: rule.severity,
    channels: rule.channels,
    enabled: rule.enabled,
    filter: filterText({ ...rule.query?.filter, ...rule.filter }),
  };
}

/** The filter that texts by dimension say; what can't apply is left out. @param allowed dimensions that can apply */
export function filterOf(texts: Readonly<Record<string, string>>, allowed: readonly Dimension[] = dimensions): Filter {
  return Object.fromEntries(
    allowed.flatMap((name) => {
      const values = textsOf(texts[name] ?? "", NONE);
      return values.length === 0 ? [] : [[name, values]];
    }),
  );
}

/** The body of `POST /alert-rules` and its preview. */
export function bodyOf(form: RuleForm) {
  const threshold = typedNumber(form.threshold);
  const filter = filterOf(form.filter, narrowedBy(form));
  const share = formUnit(form) === "share";
  return {
    ...(form.name.trim() === "" ? {} : { name: form.name.trim() }),
    kind: form.kind,
    query: form.kind === "metric" ? { measures: [form.measure], last: form.last } : null,
    threshold: share && typeof threshold === "number" ? Number((threshold / 100).toPrecision(12)) : threshold,
    for_minutes: typedNumber(form.for_minutes),
    severity: form.severity,
    channels: form.channels,
    filter: Object.keys(filter).length === 0 ? null : filter,
    enabled: form.enabled,
  };
}
