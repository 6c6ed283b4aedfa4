/**
 * CloudWatch on one machine: metrics of the last hours, which the other stand-ins publish, and the alarms over them. Alarms tell nobody
 * here; a caller of the API sees their state. An expression or pattern that is not supported stops the start.
 */
import { type Clock, systemClock } from "./clock.ts";
import { type MetricAlarm, type QuotaOf, readMetricAlarm } from "./cloudwatch/alarms.ts";
import { type Composite, describeAlarms, metricData, type Watched } from "./cloudwatch/answers.ts";
import { compilePattern, LogTail, type MetricFilter, recordLine } from "./cloudwatch/logMetrics.ts";
import type { Metrics } from "./cloudwatch/metrics.ts";
import { list, onlySupports, optional, physicalName, regionOf, required } from "./declared.ts";
import { jsonAnswer, readJsonCall, unknownAction } from "./jsonProtocol.ts";
import type { ApiCall, Created, LocalContext, LocalService, ResourceRequest } from "./service.ts";

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

  const watched: Watched = { alarms, composites, metrics, quotaOf, now: () => clock.now() };
  const answers: ReadonlyMap<string, (watched: Watched, args: Readonly<Record<string, unknown>>) => unknown> = new Map([
    ["DescribeAlarms", describeAlarms],
    ["GetMetricData", metricData],
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
        if (!answers.has(action)) throw unknownAction("cloudwatch", action);
        return [{ action: `cloudwatch:${action}`, resources: ["*"] }];
      },
      async call(call) {
        const { action, args } = readJsonCall(call);
        return jsonAnswer(answers.get(action)!(watched, args), "1.0");
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
