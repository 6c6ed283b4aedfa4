/**
 * CloudWatch on one machine: metrics of the last hours, which the other stand-ins publish, and the alarms over them. Alarms tell nobody
 * here; a caller of the API sees their state. An expression or pattern that is not supported stops the start.
 */
import { type Clock, systemClock } from "./clock.ts";
import {
  type AlarmState,
  judge,
  type MetricAlarm,
  type QuotaOf,
  readMetricAlarm,
  type Verdict,
} from "./cloudwatch/alarms.ts";
import { compilePattern, LogTail, type MetricFilter, recordLine } from "./cloudwatch/logMetrics.ts";
import type { Metrics } from "./cloudwatch/metrics.ts";
import { list, onlySupports, optional, physicalName, regionOf, required } from "./declared.ts";
import { jsonAnswer, readJsonCall } from "./jsonProtocol.ts";
import {
  type ApiCall,
  type Created,
  type LocalContext,
  type LocalService,
  type ResourceRequest,
  ServiceError,
} from "./service.ts";

interface Described {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: string }[];
}

interface Composite {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  /** Names of alarms that all have to ring. */
  readonly all: readonly string[];
}

const SAMPLE_MS = 60_000;

export interface CloudWatchOptions {
  readonly metrics: Metrics;
  /** Where the lines of a log group lie, by its name. @default nowhere */
  logs?(): ReadonlyMap<string, { readonly path: string }>;
  readonly quotaOf?: QuotaOf;
  readonly clock?: Clock;
}

export function createCloudWatch(context: LocalContext, options: CloudWatchOptions): LocalService {
  const {
    metrics,
    logs = () => new Map<string, { path: string }>(),
    quotaOf = () => undefined,
    clock = systemClock,
  } = options;
  const alarms = new Map<string, MetricAlarm>();
  const composites = new Map<string, Composite>();
  /** Metric filters by log group. */
  const filters = new Map<string, MetricFilter[]>();
  const tails = new Map<string, LogTail>();
  let next: (() => void) | undefined;

  const arnOf = (request: ResourceRequest, name: string) =>
    `arn:aws:cloudwatch:${regionOf(request, context)}:${context.accountId}:alarm:${name}`;

  async function createAlarm(request: ResourceRequest): Promise<Created> {
    const name = physicalName(request);
    if (alarms.has(name)) throw new Error(`an alarm named ${name} exists already`);
    alarms.set(name, readMetricAlarm(request, name, arnOf(request, name), clock.now()));
    return { id: name, state: { ...request.inputs, name, arn: arnOf(request, name) } };
  }

  async function createComposite(request: ResourceRequest): Promise<Created> {
    onlySupports(request, "alarmName alarmDescription alarmRule alarmActions okActions actionsEnabled");
    const name = required(request, "alarmName");
    const rule = required(request, "alarmRule");
    const terms = rule.split(/\s+AND\s+/).map((term) => /^ALARM\("([^"]+)"\)$/.exec(term.trim())?.[1]);
    const all = terms.filter((term) => term !== undefined);
    if (all.length !== terms.length)
      throw new Error(`the local CloudWatch supports ALARM("…") AND … only, not ${rule}`);
    for (const one of all)
      if (!alarms.has(one)) throw new Error(`the rule names the alarm "${one}", which is not there`);
    const description = optional(request.inputs, "alarmDescription", "string") ?? "";
    composites.set(name, { name, arn: arnOf(request, name), description, all });
    return { id: name, state: { ...request.inputs, arn: arnOf(request, name) } };
  }

  async function createFilter(request: ResourceRequest): Promise<Created> {
    onlySupports(request, "name logGroupName pattern metricTransformation applyOnTransformedLogs");
    const group = required(request, "logGroupName");
    const transformation = list(request.inputs.metricTransformation)[0] ?? {};
    const filter: MetricFilter = {
      matches: compilePattern(required(request, "pattern")),
      namespace: String(transformation.namespace),
      name: String(transformation.name),
      value: String(transformation.value),
    };
    filters.set(group, [...(filters.get(group) ?? []), filter]);
    return { id: physicalName(request), state: { ...request.inputs, name: physicalName(request) } };
  }

  /** What functions have logged since: embedded metrics, and what the filters look for. */
  function readLogs(): void {
    for (const [group, { path }] of logs()) {
      const tail = tails.get(path) ?? new LogTail(path);
      tails.set(path, tail);
      for (const line of tail.lines()) recordLine(line, filters.get(group) ?? [], metrics);
    }
  }

  function sampleEveryMinute(): void {
    metrics.sample();
    next = clock.at(clock.now() + SAMPLE_MS, sampleEveryMinute);
  }

  const verdictOf = (alarm: MetricAlarm): Verdict => judge(alarm, metrics, quotaOf, clock.now());

  function describe(args: Readonly<Record<string, unknown>>): unknown {
    metrics.sample();
    const names = args.AlarmNames as readonly string[] | undefined;
    const state = args.StateValue as AlarmState | undefined;
    const types = (args.AlarmTypes as readonly string[] | undefined) ?? ["MetricAlarm"];
    const wanted = (name: string) => names === undefined || names.includes(name);
    const standing = <T extends { StateValue: AlarmState }>(found: readonly T[]) =>
      found.filter(({ StateValue }) => state === undefined || StateValue === state);
    const seconds = clock.now() / 1_000;
    return {
      MetricAlarms: !types.includes("MetricAlarm")
        ? []
        : standing(
            [...alarms.values()]
              .filter(({ name }) => wanted(name))
              .map((alarm) => {
                const { state: StateValue, reason } = verdictOf(alarm);
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
              }),
          ),
      CompositeAlarms: !types.includes("CompositeAlarm")
        ? []
        : standing(
            [...composites.values()]
              .filter(({ name }) => wanted(name))
              .map(({ name, arn, description, all }) => ({
                AlarmName: name,
                AlarmArn: arn,
                AlarmDescription: description,
                StateValue: (all.every((one) => verdictOf(alarms.get(one)!).state === "ALARM")
                  ? "ALARM"
                  : "OK") as AlarmState,
                StateUpdatedTimestamp: seconds,
              })),
          ),
    };
  }

  function read(args: Readonly<Record<string, unknown>>): unknown {
    metrics.sample();
    const [from, to] = [args.StartTime, args.EndTime].map((time) => Number(time) * 1_000) as [number, number];
    const queries = (args.MetricDataQueries ?? []) as readonly Readonly<Record<string, unknown>>[];
    const MetricDataResults = queries.map(({ Id, MetricStat }) => {
      if (MetricStat === undefined)
        throw new ServiceError(
          "InvalidParameterValue",
          "The local CloudWatch answers GetMetricData for metrics alone.",
        );
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

  const answers: ReadonlyMap<string, (args: Readonly<Record<string, unknown>>) => unknown> = new Map([
    ["DescribeAlarms", describe],
    ["GetMetricData", read],
  ]);

  metrics.source(readLogs);
  return {
    resources: {
      "aws:cloudwatch/metricAlarm:MetricAlarm": createAlarm,
      "aws:cloudwatch/compositeAlarm:CompositeAlarm": createComposite,
      "aws:cloudwatch/logMetricFilter:LogMetricFilter": createFilter,
    },
    api: {
      name: "monitoring",
      authorizations(call: ApiCall) {
        const { action } = readJsonCall(call);
        if (!answers.has(action))
          throw new ServiceError(
            "UnknownOperationException",
            `The local platform does not answer cloudwatch:${action}.`,
          );
        return [{ action: `cloudwatch:${action}`, resources: ["*"] }];
      },
      async call(call) {
        const { action, args } = readJsonCall(call);
        return jsonAnswer(answers.get(action)!(args), "1.0");
      },
    },
    async start() {
      // What earlier runs have logged is not counted again.
      for (const { path } of logs().values()) tails.set(path, LogTail.atEnd(path));
      sampleEveryMinute();
    },
    async close() {
      next?.();
    },
  };
}
