import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { evaluateExpression } from "../../local/cloudwatch/expression.ts";
import { exampleGraph, type Graph } from "../../program/graph.ts";
import { makeWorld } from "../runtime/deliver/world.ts";
import { printed } from "../support/printed.ts";

/**
 * An alarm on a metric that nobody publishes is silent for ever. So every metric that an alarm or the dashboard names is either in
 * this table, from AWS's pages, or one that our own code is seen to publish here.
 */
interface Published {
  readonly names: readonly string[];
  /** The sets of dimensions that a metric can be asked for by. */
  readonly dimensions: readonly (readonly string[])[];
  readonly source: string;
}
const published: Readonly<Record<string, Published>> = {
  "AWS/Lambda": {
    names: [
      "Invocations",
      "Errors",
      "Throttles",
      "Duration",
      "ConcurrentExecutions",
      "UnreservedConcurrentExecutions",
      "ClaimedAccountConcurrency",
      "UrlRequestCount",
      "Url4xxCount",
      "Url5xxCount",
      "UrlRequestLatency",
    ],
    dimensions: [[], ["FunctionName"], ["FunctionName", "Resource"]],
    source: 'Lambda Developer Guide, "Types of metrics for Lambda functions" and "Monitoring Lambda function URLs"',
  },
  "AWS/ApiGateway": {
    names: ["ConnectCount", "MessageCount", "IntegrationError", "ExecutionError"],
    dimensions: [["ApiId"], ["ApiId", "Stage"], ["ApiId", "Route", "Stage"]],
    source: 'API Gateway Developer Guide, "Monitor WebSocket API execution with CloudWatch metrics"',
  },
  "AWS/SQS": {
    names: [
      "ApproximateAgeOfOldestMessage",
      "ApproximateNumberOfMessagesVisible",
      "ApproximateNumberOfMessagesNotVisible",
    ],
    dimensions: [["QueueName"]],
    source: 'SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"',
  },
  "AWS/DynamoDB": {
    names: ["ReadThrottleEvents", "WriteThrottleEvents"],
    dimensions: [["TableName"], ["GlobalSecondaryIndexName", "TableName"]],
    source: 'DynamoDB Developer Guide, "DynamoDB metrics and dimensions"',
  },
  "AWS/Firehose": {
    names: ["DeliveryToS3.DataFreshness", "IncomingBytes", "BytesPerSecondLimit", "PartitionCountExceeded"],
    dimensions: [["DeliveryStreamName"]],
    source: 'Firehose Developer Guide, "Monitor Amazon Data Firehose with CloudWatch metrics"',
  },
  "AWS/RDS": {
    names: [
      "CPUUtilization",
      "DatabaseConnections",
      "DatabaseConnectionsBorrowLatency",
      "DatabaseConnectionsSetupFailed",
      "FreeableMemory",
      "FreeStorageSpace",
      "MaxDatabaseConnectionsAllowed",
    ],
    dimensions: [["DBInstanceIdentifier"], ["ProxyName"]],
    source: 'RDS User Guide, "Amazon CloudWatch metrics for Amazon RDS" and "Monitoring RDS Proxy metrics"',
  },
  "AWS/ElastiCache": {
    names: ["DatabaseMemoryUsagePercentage"],
    dimensions: [["CacheClusterId"], ["CacheClusterId", "CacheNodeId"]],
    source: 'ElastiCache User Guide, "Metrics for Valkey and Redis OSS": measured and published for each node',
  },
  "AWS/Scheduler": {
    names: ["InvocationDroppedCount", "TargetErrorCount"],
    dimensions: [["ScheduleGroup"]],
    source: 'EventBridge Scheduler User Guide, "Monitoring EventBridge Scheduler with Amazon CloudWatch"',
  },
  "AWS/S3": {
    names: ["PutRequests"],
    dimensions: [["BucketName", "FilterId"]],
    source: 'S3 User Guide, "Amazon S3 CloudWatch request metrics"',
  },
  "AWS/CloudFront": {
    names: [
      "Requests",
      "4xxErrorRate",
      "5xxErrorRate",
      "LambdaExecutionError",
      "LambdaValidationError",
      "LambdaLimitExceededError",
      "LambdaLimitExceededErrors",
    ],
    dimensions: [["DistributionId", "Region"]],
    source: 'CloudFront Developer Guide, "Types of metrics for CloudFront" and "Viewing Lambda@Edge metrics"',
  },
};

interface Asked {
  readonly by: string;
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

interface Query {
  readonly metric?: {
    readonly namespace: string;
    readonly metricName: string;
    readonly stat: string;
    readonly dimensions?: Record<string, string>;
  };
}

function askedFor({ resources }: Graph): Asked[] {
  const alarms = resources
    .filter(({ type }) => type === "aws:cloudwatch/metricAlarm:MetricAlarm")
    .flatMap(({ name, inputs }) =>
      (inputs.metricQueries as Query[]).flatMap(({ metric }) =>
        metric === undefined
          ? []
          : [{ by: name, namespace: metric.namespace, name: metric.metricName, dimensions: metric.dimensions ?? {} }],
      ),
    );
  const graphs = resources
    .filter(({ type }) => type === "aws:cloudwatch/dashboard:Dashboard")
    .flatMap(({ inputs }) => {
      const { widgets } = JSON.parse(String(inputs.dashboardBody)) as {
        widgets: { properties: { title: string; metrics: string[][] } }[];
      };
      return widgets.flatMap(({ properties: { title, metrics } }) =>
        metrics.map(([namespace, name, ...rest]) => ({
          by: title,
          namespace: namespace!,
          name: name!,
          dimensions: Object.fromEntries(rest.flatMap((key, i) => (i % 2 === 0 ? [[key, rest[i + 1]!]] : []))),
        })),
      );
    });
  return [...alarms, ...graphs];
}

const prod = await exampleGraph("prod");
const asked = [...askedFor(prod), ...askedFor(await exampleGraph("dev"))];
interface LogFilter {
  readonly logGroupName: string;
  readonly pattern: string;
  readonly metricTransformation: { readonly namespace: string; readonly name: string; readonly value: string };
}

/** The filter whose metric this is. */
const filterOf = (metric: string): LogFilter =>
  prod.resources
    .filter(({ type }) => type === "aws:cloudwatch/logMetricFilter:LogMetricFilter")
    .map(({ inputs }) => inputs as unknown as LogFilter)
    .find(({ metricTransformation }) => metricTransformation.name === metric)!;

const logGroupOf = (name: string) => prod.resources.find((one) => one.name === name)!.outputs.name;

test("every metric of AWS's that is asked for exists, by dimensions that it has", () =>
  assert.deepEqual(
    asked
      .filter(({ namespace }) => namespace.startsWith("AWS/"))
      .filter(({ namespace, name, dimensions }) => {
        const known = published[namespace];
        const by = Object.keys(dimensions).sort().join();
        return !known?.names.includes(name) || !known.dimensions.some((set) => set.join() === by);
      }),
    [],
  ));

test("the dimensions of the metrics name resources of the stack", () => {
  const known = new Set(
    prod.resources.flatMap(({ inputs, outputs }) => [
      outputs.name,
      outputs.identifier,
      ...((outputs.memberClusters ?? []) as string[]),
      ...((inputs.globalSecondaryIndexes ?? []) as { name: string }[]).map(({ name }) => name),
    ]),
  );
  assert.deepEqual(
    askedFor(prod).filter(({ dimensions }) =>
      Object.entries(dimensions).some(
        ([key, value]) => !["Region", "ScheduleGroup", "stage"].includes(key) && (!known.has(value) || value === ""),
      ),
    ),
    [],
  );
});

test("numbers of a database proxy are summed over its machines, each of which publishes its own", () =>
  assert.deepEqual(
    Object.fromEntries(
      prod.resources
        .filter(({ type }) => type === "aws:cloudwatch/metricAlarm:MetricAlarm")
        .flatMap(({ inputs }) => inputs.metricQueries as Query[])
        .flatMap(({ metric }) =>
          metric?.dimensions?.ProxyName === undefined ? [] : [[metric.metricName, metric.stat]],
        ),
    ),
    {
      DatabaseConnections: "Sum",
      MaxDatabaseConnectionsAllowed: "Sum",
      DatabaseConnectionsSetupFailed: "Sum",
      DatabaseConnectionsBorrowLatency: "Average",
    },
  ));

/** What the alarm of concurrency makes of a quota of 1,000. @param claimed undefined where nothing is kept for any function */
const concurrencyUsed = (running: number, unreserved: number, claimed: number | undefined) => {
  const { inputs } = prod.resources.find(({ name }) => name === "concurrency-alarm")!;
  const queries = inputs.metricQueries as (Query & { id: string; expression?: string })[];
  const values: Record<string, number | undefined> = {
    ConcurrentExecutions: running,
    UnreservedConcurrentExecutions: unreserved,
    ClaimedAccountConcurrency: claimed,
  };
  const series = (id: string) => [values[queries.find((query) => query.id === id)!.metric!.metricName]];
  const { expression } = queries.find((query) => query.expression !== undefined)!;
  return evaluateExpression(expression!, { series, period: () => 60, quota: () => 1_000 });
};

const concurrencies: [says: string, running: number, unreserved: number, claimed: number | undefined, used: number][] =
  [
    ["nothing is kept for any function", 900, 900, undefined, 90],
    ["AWS counts what is claimed although nothing is kept", 900, 900, 900, 90],
    ["600 are kept and idle, and all others have nearly used up the rest", 360, 360, 960, 90],
    ["800 are kept and idle, and the others do little", 20, 20, 820, 10],
    ["functions use all that is kept for them, and the others little", 820, 20, 820, 10],
  ];
for (const [says, running, unreserved, claimed, used] of concurrencies)
  test(`the alarm of concurrency sees ${used} % where ${says}`, () =>
    assert.deepEqual(concurrencyUsed(running, unreserved, claimed), [used]));

test("every other metric is published by our own code", () =>
  assert.deepEqual(
    [
      ...new Set(
        asked
          .filter(({ namespace }) => !namespace.startsWith("AWS/"))
          .map(({ namespace, name }) => `${namespace} ${name}`),
      ),
    ].sort(),
    [
      "Triggers LimiterFailedOpen",
      "triggers/dev ArchiveUnreadable",
      "triggers/dev SinceAccepted",
      "triggers/prod ArchiveUnreadable",
      "triggers/prod SinceAccepted",
    ],
  ));

test("ingest publishes LimiterFailedOpen as the alarm asks for it", async () => {
  const alarm = askedFor(prod).find(({ name }) => name === "LimiterFailedOpen")!;
  const { reportLimiterAway } = await import("../../runtime/ingest/report.ts");
  process.env.AWS_LAMBDA_FUNCTION_NAME = alarm.dimensions.function;
  const lines = printed(() => reportLimiterAway(new Error("away"))).split("\n");
  delete process.env.AWS_LAMBDA_FUNCTION_NAME;
  const line = JSON.parse(lines[0]!) as Record<string, unknown> & {
    _aws: {
      CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit: string }[] }[];
    };
  };
  const [metrics] = line._aws.CloudWatchMetrics;
  // Dimensions are a set.
  assert.deepEqual(
    { ...metrics, Dimensions: metrics!.Dimensions.map((set) => set.toSorted()) },
    {
      Namespace: alarm.namespace,
      Dimensions: [Object.keys(alarm.dimensions).sort()],
      Metrics: [{ Name: alarm.name, Unit: "Count" }],
    },
  );
  for (const [dimension, value] of Object.entries(alarm.dimensions)) assert.equal(line[dimension], value);
  assert.equal(line[alarm.name], 1);
});

test("deliver logs the time from acceptance to the first attempt, for first attempts only", async () => {
  const filter = filterOf("SinceAccepted");
  const alarm = askedFor(prod).find(({ by, name }) => by === "end-to-end-latency-alarm" && name === "SinceAccepted")!;
  assert.deepEqual(
    [filter.metricTransformation.namespace, filter.metricTransformation.name, filter.logGroupName],
    [alarm.namespace, alarm.name, logGroupOf("deliver-logs")],
  );
  assert.equal(
    filter.pattern,
    '{ $.message = "deliver.attempted" && $.attempt = 1 && $.since_accepted_ms = * }',
    "the matching below is that of this pattern",
  );
  const world = makeWorld();
  world.subscribe();
  world.accept([{ n: 1 }]);
  world.answers(() => 503);
  world.advance(40);
  await world.settle();
  world.answers(() => 200);
  world.advance(3_600_000);
  await world.settle();
  const attempts = world.logs.filter(({ message }) => message === "deliver.attempted").map(({ fields }) => fields);
  assert.ok(attempts.length > 1, "there is a second attempt to be left out");
  const counted = attempts.filter(({ attempt, since_accepted_ms }) => attempt === 1 && since_accepted_ms !== undefined);
  assert.deepEqual(
    counted.map((fields) => fields[filter.metricTransformation.value.replace("$.", "")]),
    [40],
  );
});

test("an unreadable line that retain logs raises its alarm, by the name that it logs", () => {
  const { logGroupName, pattern, metricTransformation } = filterOf("ArchiveUnreadable");
  const alarm = askedFor(prod).find(({ name }) => name === "ArchiveUnreadable")!;
  assert.deepEqual([metricTransformation.namespace, logGroupName], [alarm.namespace, logGroupOf("retain-logs")]);
  const logged = /\$\.message = "([^"]+)"/.exec(pattern)![1]!;
  assert.match(readFileSync("runtime/retain/archive.ts", "utf8"), new RegExp(`tools\\.log\\("error", "${logged}"`));
});

test.run();
