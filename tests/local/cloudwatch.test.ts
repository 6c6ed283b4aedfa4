import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import { evaluateExpression, type Series } from "../../local/cloudwatch/expression.ts";
import { compilePattern } from "../../local/cloudwatch/logMetrics.ts";
import { Metrics } from "../../local/cloudwatch/metrics.ts";
import { createCloudWatch } from "../../local/cloudwatch.ts";
import type { Inputs } from "../../local/service.ts";
import { testClock } from "./clock.ts";
import { contextIn, jsonCall } from "./serve.ts";

const test = suite("alarms and metrics of the local CloudWatch");
const NOW = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

function world() {
  const state = mkdtempSync(join(tmpdir(), "cloudwatch-"));
  const clock = testClock(NOW);
  const metrics = new Metrics(clock);
  const context = { ...contextIn(state), metrics };
  const logs = () => new Map([["f-logs", { path: join(state, "f.log") }]]);
  const service = createCloudWatch(context, { metrics, clock, logs, quotaOf: () => 1_000 });
  const create = (type: string, name: string, inputs: Inputs) =>
    service.resources[`aws:cloudwatch/${type}`]!({ type, name, inputs });
  const ask = async (action: string, args: object) => {
    const answer = await service.api!.call(jsonCall("monitoring", `GraniteServiceVersion20100801.${action}`, args));
    return JSON.parse(String(answer.body));
  };
  const stateOf = async (name: string): Promise<string> => {
    const { MetricAlarms, CompositeAlarms } = await ask("DescribeAlarms", {
      AlarmNames: [name],
      AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
    });
    return [...MetricAlarms, ...CompositeAlarms][0].StateValue;
  };
  return { clock, metrics, service, create, ask, stateOf, state, end: () => rmSync(state, { recursive: true }) };
}

const alarm = (name: string, change: Inputs = {}): Inputs => ({
  name,
  comparisonOperator: "GreaterThanThreshold",
  threshold: 0.01,
  evaluationPeriods: 5,
  datapointsToAlarm: 5,
  treatMissingData: "notBreaching",
  metricQueries: [
    {
      id: "errors",
      metric: {
        namespace: "AWS/Lambda",
        metricName: "Errors",
        stat: "Sum",
        period: 60,
        dimensions: { FunctionName: "f" },
      },
    },
    {
      id: "runs",
      metric: {
        namespace: "AWS/Lambda",
        metricName: "Invocations",
        stat: "Sum",
        period: 60,
        dimensions: { FunctionName: "f" },
      },
    },
    { id: "value", expression: "errors / runs", returnData: true },
  ],
  ...change,
});

test("an alarm rings once every one of its periods is bad, and is well again after one good period", async () => {
  const { clock, metrics, create, stateOf, end } = world();
  await create("metricAlarm:MetricAlarm", "errors-alarm", alarm("errors"));
  const publish = (errors: number) => {
    metrics.record("AWS/Lambda", "Errors", { FunctionName: "f" }, errors);
    metrics.record("AWS/Lambda", "Invocations", { FunctionName: "f" }, 100);
  };
  const seen: string[] = [];
  for (const errors of [5, 5, 5, 5, 5, 0]) {
    publish(errors);
    clock.advance(MINUTE);
    seen.push(await stateOf("errors"));
  }
  assert.deepEqual(seen, ["OK", "OK", "OK", "OK", "ALARM", "OK"]);
  end();
});

const missing: readonly (readonly [treatment: string, state: string])[] = [
  ["notBreaching", "OK"],
  ["breaching", "ALARM"],
  ["missing", "INSUFFICIENT_DATA"],
  ["ignore", "INSUFFICIENT_DATA"],
];
for (const [treatMissingData, state] of missing) {
  test(`a metric that nobody publishes, where missing data is ${treatMissingData}, is ${state}`, async () => {
    const { create, stateOf, end } = world();
    await create("metricAlarm:MetricAlarm", "a", alarm("a", { treatMissingData }));
    assert.deepEqual(await stateOf("a"), state);
    end();
  });
}

test("an alarm on too little rings when a function is not invoked", async () => {
  const { clock, metrics, create, stateOf, end } = world();
  const invocations = {
    namespace: "AWS/Lambda",
    metricName: "Invocations",
    stat: "Sum",
    period: 60,
    dimensions: { FunctionName: "sweep" },
  };
  await create(
    "metricAlarm:MetricAlarm",
    "a",
    alarm("silent", {
      comparisonOperator: "LessThanThreshold",
      threshold: 1,
      treatMissingData: "breaching",
      metricQueries: [{ id: "value", metric: invocations, returnData: true }],
    }),
  );
  for (let minute = 0; minute < 6; minute += 1) {
    metrics.record("AWS/Lambda", "Invocations", { FunctionName: "sweep" }, 1);
    clock.advance(MINUTE);
  }
  assert.deepEqual(await stateOf("silent"), "OK");
  clock.advance(5 * MINUTE);
  assert.deepEqual(await stateOf("silent"), "ALARM");
  end();
});

test("a composite alarm rings while all that it names do", async () => {
  const { clock, metrics, create, stateOf, end } = world();
  const one = (name: string, threshold: number) =>
    create("metricAlarm:MetricAlarm", name, {
      name,
      comparisonOperator: "GreaterThanThreshold",
      threshold,
      evaluationPeriods: 1,
      metricName: "Depth",
      namespace: "Mine",
      statistic: "Maximum",
      period: 60,
    });
  await one("low", 1);
  await one("high", 10);
  await create("compositeAlarm:CompositeAlarm", "both", {
    alarmName: "both",
    alarmRule: 'ALARM("low") AND ALARM("high")',
  });
  metrics.record("Mine", "Depth", {}, 5);
  clock.advance(MINUTE);
  assert.deepEqual([await stateOf("low"), await stateOf("high"), await stateOf("both")], ["ALARM", "OK", "OK"]);
  metrics.record("Mine", "Depth", {}, 50);
  clock.advance(MINUTE);
  assert.deepEqual(await stateOf("both"), "ALARM");
  end();
});

const refused: readonly (readonly [says: string, change: Inputs, message: RegExp])[] = [
  [
    "an unknown function",
    {
      metricQueries: [
        { id: "v", expression: "RATE(x)", returnData: true },
        { id: "x", metric: {} },
      ],
    },
    /no function "RATE"/,
  ],
  [
    "a metric that is not there",
    { metricQueries: [{ id: "v", expression: "a + 1", returnData: true }] },
    /names "a", which is no metric/,
  ],
  [
    "two metrics that return data",
    {
      metricQueries: [
        { id: "a", metric: {}, returnData: true },
        { id: "b", metric: {}, returnData: true },
      ],
    },
    /exactly one/,
  ],
  ["more bad points than points", { datapointsToAlarm: 6 }, /more than evaluationPeriods/],
  ["an unknown comparison", { comparisonOperator: "Unlike" }, /no comparison operator Unlike/],
];
for (const [says, change, message] of refused) {
  test(`an alarm with ${says} is refused`, async () => {
    const { create, end } = world();
    await assert.rejects(create("metricAlarm:MetricAlarm", "a", alarm("a", change)), message);
    end();
  });
}

const expressions: readonly (readonly [expression: string, value: Series | number])[] = [
  ["a / b", [2, undefined, undefined]],
  ["FILL(a, 0) + FILL(b, 0)", [3, 4, 5]],
  ["MAX([a, b])", [2, 4, 5]],
  ["a / PERIOD(a) * 60", [2, 4, undefined]],
  ["a / SERVICE_QUOTA(a) * 100", [20, 40, undefined]],
  ["5 * 1024 - a", [5118, 5116, undefined]],
];
for (const [expression, value] of expressions) {
  const scope = { a: [2, 4, undefined], b: [1, 0, 5] } as Record<string, Series>;
  test(`${expression} is ${JSON.stringify(value)}`, () => {
    assert.deepEqual(
      evaluateExpression(expression, { series: (id) => scope[id]!, period: () => 60, quota: () => 10 }),
      value,
    );
  });
}

test("metrics come out of log lines written since the start, by the embedded format and by filters", async () => {
  const { clock, create, ask, state, end, service } = world();
  const file = join(state, "f.log");
  await create("logMetricFilter:LogMetricFilter", "slow", {
    logGroupName: "f-logs",
    pattern: '{ $.message = "deliver.attempted" && $.attempt = 1 && $.since_accepted_ms = * }',
    metricTransformation: { namespace: "p/s", name: "SinceAccepted", value: "$.since_accepted_ms" },
  });
  const lines = [
    { message: "deliver.attempted", attempt: 1, since_accepted_ms: 40 },
    { message: "deliver.attempted", attempt: 2, since_accepted_ms: 900 },
    { message: "deliver.attempted", attempt: 1 },
    {
      _aws: {
        Timestamp: clock.now(),
        CloudWatchMetrics: [{ Namespace: "T", Dimensions: [["stage"]], Metrics: [{ Name: "Open" }] }],
      },
      stage: "ingest",
      Open: 3,
    },
  ];
  appendFileSync(file, `${lines.map((line) => JSON.stringify(line)).join("\n")}\nnot json\n{"half":`);
  const metric = (Namespace: string, MetricName: string, Dimensions: object[] = []) => ({
    Id: "m",
    MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period: 60, Stat: "Sum" },
  });
  const range = { StartTime: NOW / 1_000, EndTime: NOW / 1_000 + 60 };
  const valuesOf = async (query: object) =>
    (await ask("GetMetricData", { ...range, MetricDataQueries: [query] })).MetricDataResults[0].Values;
  assert.deepEqual(await valuesOf(metric("p/s", "SinceAccepted")), [40]);
  assert.deepEqual(await valuesOf(metric("T", "Open", [{ Name: "stage", Value: "ingest" }])), [3]);
  await service.close();
  end();
});

test("a filter pattern compares members, by and and or", () => {
  const matches = compilePattern('{ $.message = "a" || $.message = "b" && $.n != 1 }');
  assert.deepEqual([{ message: "a" }, { message: "b" }, { message: "b", n: 1 }, { message: "c" }].map(matches), [
    true,
    true,
    false,
    false,
  ]);
  assert.throws(() => compilePattern("ERROR"), /filter patterns over JSON only/);
  assert.throws(() => compilePattern("{ $.n > 1 }"), /does not support ">"/);
});

test("a gauge is looked at once a minute", () => {
  const clock = testClock(NOW);
  const metrics = new Metrics(clock);
  let depth = 1;
  metrics.gauge("AWS/SQS", "Visible", { QueueName: "q" }, () => depth);
  metrics.sample();
  depth = 9;
  metrics.sample();
  clock.advance(MINUTE);
  metrics.sample();
  const id = { namespace: "AWS/SQS", name: "Visible", dimensions: { QueueName: "q" } };
  assert.deepEqual(metrics.series(id, "Maximum", 60, NOW, 3), [1, 9, undefined]);
});

test("percentiles, averages and counts are those of the values of the period", () => {
  const clock = testClock(NOW);
  const metrics = new Metrics(clock);
  for (let value = 1; value <= 100; value += 1) metrics.record("N", "ms", {}, value);
  const id = { namespace: "N", name: "ms", dimensions: {} };
  const one = (statistic: string) => metrics.series(id, statistic, 60, NOW, 1)[0];
  assert.deepEqual(["p50", "p95", "p99", "Average", "SampleCount", "Minimum"].map(one), [50, 95, 99, 50.5, 100, 1]);
  assert.throws(() => one("Median"), /no statistic "Median"/);
});

test.run();
