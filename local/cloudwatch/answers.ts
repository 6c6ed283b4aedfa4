import { ServiceError } from "../service.ts";
import { type AlarmState, judge, type MetricAlarm, type QuotaOf, type Verdict } from "./alarms.ts";
import type { Metrics } from "./metrics.ts";

/** What CloudWatch answers about alarms and metrics, in the shapes of its API. */

interface Described {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: string }[];
}

export interface Composite {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  /** Names of alarms that all have to ring. */
  readonly all: readonly string[];
}

/** All that is declared, and what it is judged by. */
export interface Watched {
  /** By name. */
  readonly alarms: ReadonlyMap<string, MetricAlarm>;
  readonly composites: ReadonlyMap<string, Composite>;
  readonly metrics: Metrics;
  readonly quotaOf: QuotaOf;
  /** Milliseconds since the epoch. */
  now(): number;
}

type Args = Readonly<Record<string, unknown>>;

function describeAlarm(alarm: MetricAlarm, { state: StateValue, reason }: Verdict, seconds: number) {
  return {
    AlarmName: alarm.name,
    AlarmArn: alarm.arn,
    AlarmDescription: alarm.description,
    AlarmConfigurationUpdatedTimestamp: alarm.createdAt / 1_000,
    StateValue,
    StateReason: reason,
    StateUpdatedTimestamp: seconds,
    EvaluationPeriods: alarm.evaluationPeriods,
    DatapointsToAlarm: alarm.datapointsToAlarm,
    Threshold: alarm.threshold,
    ComparisonOperator: alarm.comparison,
    TreatMissingData: alarm.treatMissingData,
    Metrics: alarm.queries.map(({ id, expression, metric }) => ({
      Id: id,
      ReturnData: id === alarm.returned.id,
      ...(metric === undefined
        ? { Expression: expression }
        : {
            MetricStat: {
              Metric: {
                Namespace: metric.namespace,
                MetricName: metric.name,
                Dimensions: Object.entries(metric.dimensions).map(([Name, Value]) => ({ Name, Value })),
              },
              Period: alarm.period,
              Stat: metric.statistic,
            },
          }),
    })),
  };
}

/** `DescribeAlarms`. */
export function describeAlarms(watched: Watched, args: Args): unknown {
  const { alarms, composites, metrics, quotaOf, now } = watched;
  metrics.sample();
  const names = args.AlarmNames as readonly string[] | undefined;
  const state = args.StateValue as AlarmState | undefined;
  const types = (args.AlarmTypes as readonly string[] | undefined) ?? ["MetricAlarm"];
  const at = now();
  const verdictOf = (alarm: MetricAlarm): Verdict => judge(alarm, metrics, quotaOf, at);
  /** The alarms of a kind that are asked for, in the state that is asked for. */
  const standing = <A extends { readonly name: string }, T extends { StateValue: AlarmState }>(
    kind: string,
    declared: ReadonlyMap<string, A>,
    describe: (alarm: A) => T,
  ): T[] =>
    !types.includes(kind)
      ? []
      : [...declared.values()]
          .filter(({ name }) => names === undefined || names.includes(name))
          .map(describe)
          .filter(({ StateValue }) => state === undefined || StateValue === state);
  return {
    MetricAlarms: standing("MetricAlarm", alarms, (alarm) => describeAlarm(alarm, verdictOf(alarm), at / 1_000)),
    CompositeAlarms: standing("CompositeAlarm", composites, ({ name, arn, description, all }) => ({
      AlarmName: name,
      AlarmArn: arn,
      AlarmDescription: description,
      StateValue: (all.every((one) => verdictOf(alarms.get(one)!).state === "ALARM") ? "ALARM" : "OK") as AlarmState,
      StateUpdatedTimestamp: at / 1_000,
    })),
  };
}

/** `GetMetricData`. */
export function metricData({ metrics }: Watched, args: Args): unknown {
  metrics.sample();
  const [from, to] = [args.StartTime, args.EndTime].map((time) => Number(time) * 1_000) as [number, number];
  const queries = (args.MetricDataQueries ?? []) as readonly Readonly<Record<string, unknown>>[];
  const MetricDataResults = queries.map(({ Id, MetricStat }) => {
    if (MetricStat === undefined)
      throw new ServiceError("InvalidParameterValue", "The local CloudWatch answers GetMetricData for metrics alone.");
    const { Metric, Period, Stat } = MetricStat as { Metric: Described; Period: number; Stat: string };
    const id = {
      namespace: Metric.Namespace,
      name: Metric.MetricName,
      dimensions: Object.fromEntries((Metric.Dimensions ?? []).map(({ Name, Value }) => [Name, Value])),
    };
    const start = Math.floor(from / (Period * 1_000)) * Period * 1_000;
    const values = metrics.series(id, Stat, Period, start, Math.max(0, Math.ceil((to - start) / (Period * 1_000))));
    const points = values
      .map((value, i) => ({ at: start / 1_000 + i * Period, value }))
      .filter(({ value }) => value !== undefined)
      .reverse();
    return {
      Id,
      Label: id.name,
      Timestamps: points.map(({ at }) => at),
      Values: points.map(({ value }) => value),
      StatusCode: "Complete",
    };
  });
  return { MetricDataResults, Messages: [] };
}
