/**
 * Alarms of metrics, as CloudWatch judges them, and composite alarms over those. Nothing runs by itself: a state follows from the
 * metrics at the moment when it is asked for.
 */
import { list, onlySupports, optional, required } from "../declared.ts";
import type { Inputs, ResourceRequest } from "../service.ts";
import { evaluateExpression, type Series } from "./expression.ts";
import type { MetricId, Metrics } from "./metrics.ts";

export type AlarmState = "OK" | "ALARM" | "INSUFFICIENT_DATA";

export interface Verdict {
  readonly state: AlarmState;
  /** In CloudWatch's words, more or less. */
  readonly reason: string;
}

interface Query {
  readonly id: string;
  readonly expression: string | undefined;
  readonly metric: (MetricId & { readonly statistic: string }) | undefined;
}

export interface MetricAlarm {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  readonly threshold: number;
  readonly comparison: string;
  readonly period: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly treatMissingData: string;
  readonly queries: readonly Query[];
  readonly returned: Query;
  /** When it was declared, milliseconds since the epoch. */
  readonly createdAt: number;
}

const comparisons: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

/** What a service quota is, by the name of the metric that counts against it. */
export type QuotaOf = (metric: MetricId) => number | undefined;

const ARGUMENTS =
  "name alarmDescription comparisonOperator threshold evaluationPeriods datapointsToAlarm treatMissingData metricQueries metricName namespace statistic extendedStatistic period dimensions alarmActions okActions insufficientDataActions actionsEnabled unit";

/** @throws Error naming what CloudWatch would refuse, or what is not supported here */
export function readMetricAlarm(request: ResourceRequest, name: string, arn: string, now: number): MetricAlarm {
  onlySupports(request, ARGUMENTS);
  const { inputs } = request;
  const queries = list(inputs.metricQueries);
  const read =
    queries.length > 0
      ? queries.map(readQuery)
      : [{ id: "value", expression: undefined, metric: readMetric(inputs, inputs) }];
  const returning = queries.filter(({ returnData }) => returnData === true);
  const returned = queries.length === 0 ? read[0]! : read.find(({ id }) => id === returning[0]?.id);
  if (returned === undefined || returning.length > 1) throw new Error("exactly one metric of an alarm returns data");
  const periods = queries.map(({ metric }) => Number((metric as Inputs | undefined)?.period ?? Number.NaN));
  const period = Number(inputs.period ?? periods.find((each) => !Number.isNaN(each)) ?? 60);
  if (period % 60 !== 0) throw new Error(`the local CloudWatch supports periods of whole minutes, not of ${period} s`);
  const comparison = required(request, "comparisonOperator");
  if (comparisons[comparison] === undefined)
    throw new Error(`the local CloudWatch has no comparison operator ${comparison}`);
  const evaluationPeriods = optional(inputs, "evaluationPeriods", "number") ?? 1;
  const datapointsToAlarm = optional(inputs, "datapointsToAlarm", "number") ?? evaluationPeriods;
  if (datapointsToAlarm > evaluationPeriods) throw new Error("datapointsToAlarm is more than evaluationPeriods");
  // Source: PutMetricAlarm, "An alarm's total current evaluation period can be no longer than seven days".
  if (period * evaluationPeriods > 604_800) throw new Error("an alarm looks at seven days at most");
  const alarm: MetricAlarm = {
    name,
    arn,
    description: optional(inputs, "alarmDescription", "string") ?? "",
    threshold: optional(inputs, "threshold", "number") ?? 0,
    comparison,
    period,
    evaluationPeriods,
    datapointsToAlarm,
    treatMissingData: optional(inputs, "treatMissingData", "string") ?? "missing",
    queries: read,
    returned,
    createdAt: now,
  };
  // An expression that can't be evaluated is refused now, as PutMetricAlarm refuses it.
  for (const { expression } of read) {
    if (expression === undefined) continue;
    evaluateExpression(expression, {
      series(id) {
        known(read, id);
        return [];
      },
      period: () => period,
      quota: () => 1,
    });
  }
  return alarm;
}

function known(queries: readonly Query[], id: string): Query {
  const found = queries.find((query) => query.id === id);
  if (found === undefined) throw new Error(`an expression names "${id}", which is no metric of the alarm`);
  return found;
}

const readMetric = (metric: Inputs, { statistic, extendedStatistic }: Inputs): Query["metric"] => ({
  namespace: String(metric.namespace),
  name: String(metric.metricName),
  dimensions: { ...(metric.dimensions as Record<string, string> | undefined) },
  statistic: String(metric.stat ?? statistic ?? extendedStatistic),
});

function readQuery(query: Inputs): Query {
  const metric = query.metric as Inputs | undefined;
  return {
    id: String(query.id),
    expression: query.expression === undefined || query.expression === "" ? undefined : String(query.expression),
    metric: metric === undefined ? undefined : readMetric(metric, {}),
  };
}

/** The state of an alarm at this moment: of the periods that have ended, the last ones count. */
export function judge(alarm: MetricAlarm, metrics: Metrics, quotaOf: QuotaOf, now: number): Verdict {
  const { period, evaluationPeriods, comparison, threshold, treatMissingData, datapointsToAlarm } = alarm;
  const end = Math.floor(now / (period * 1_000)) * period * 1_000;
  const from = end - evaluationPeriods * period * 1_000;
  const seriesOf = ({ metric, expression }: Query): Series => {
    if (metric !== undefined) return metrics.series(metric, metric.statistic, period, from, evaluationPeriods);
    const value = evaluateExpression(expression!, {
      series: (id) => seriesOf(known(alarm.queries, id)),
      period: () => period,
      quota: (id) => {
        const { metric: counted } = known(alarm.queries, id);
        const quota = counted === undefined ? undefined : quotaOf(counted);
        // AWS leaves a gap where it has no quota.
        return quota ?? Number.NaN;
      },
    });
    return typeof value === "number" ? Array.from({ length: evaluationPeriods }, () => value) : value;
  };
  const values = seriesOf(alarm.returned).map((value) => (Number.isNaN(value) ? undefined : value));
  const breaches = comparisons[comparison]!;
  const bad = values.filter((value) =>
    value === undefined ? treatMissingData === "breaching" : breaches(value, threshold),
  );
  const met = values.filter((value) => value !== undefined);
  const said = `${bad.length} of the last ${evaluationPeriods} datapoints [${met.join(", ")}] were ${comparison} (${threshold})`;
  if (bad.length >= datapointsToAlarm) return { state: "ALARM", reason: said };
  const nothing = met.length === 0 && (treatMissingData === "missing" || treatMissingData === "ignore");
  if (nothing) return { state: "INSUFFICIENT_DATA", reason: "There are no datapoints yet." };
  return { state: "OK", reason: said };
}
