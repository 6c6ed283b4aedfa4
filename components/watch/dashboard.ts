import * as pulumi from "@pulumi/pulumi";
import type { ObservabilityArgs } from "./observabilityArgs.ts";

type Series = readonly pulumi.Input<string>[];

interface Graph {
  readonly title: string;
  readonly stat: string;
  readonly metrics: readonly Series[];
  readonly region: string;
}

/** Metrics over time, one data point a minute. @param stat of all of them: `Sum`, `Maximum`, `p95` */
export const graph = (title: string, stat: string, metrics: readonly Series[], region: string): Graph => ({
  title,
  stat,
  metrics,
  region,
});

/** Body of a CloudWatch dashboard: rows of three graphs. */
export function dashboardBody(graphs: readonly Graph[]): pulumi.Output<string> {
  const widgets = graphs.map((properties, at) => ({
    type: "metric",
    x: (at % 3) * 8,
    y: Math.floor(at / 3) * 6,
    width: 8,
    height: 6,
    properties: { ...properties, view: "timeSeries", period: 60 },
  }));
  return pulumi.jsonStringify({ widgets });
}

/** The dashboard of a region: graphs in the order in which an event meets the stages. */
export function dashboardOf(args: ObservabilityArgs): pulumi.Output<string> {
  const { region, ingest, handlers, queues, tables, retention } = args;
  const lambda = (metric: string): Series[] =>
    Object.values(handlers).map((handler) => ["AWS/Lambda", metric, "FunctionName", handler.function.name]);
  const sqs = (metric: string, dead: boolean): Series[] =>
    Object.values(queues).map((queue) => ["AWS/SQS", metric, "QueueName", (dead ? queue.dead : queue.queue).name]);
  const archive: Series[] =
    retention === undefined
      ? []
      : [["AWS/Firehose", "DeliveryToS3.DataFreshness", "DeliveryStreamName", retention.stream.name]];
  const accepting = ingest.handler.function.name;
  const accepted: Series[] = [["AWS/Lambda", "UrlRequestLatency", "FunctionName", accepting]];
  const delivered: Series[] =
    handlers.deliver === undefined ? [] : [[`${pulumi.getProject()}/${pulumi.getStack()}`, "SinceAccepted"]];
  const graphs: readonly [title: string, stat: string, metrics: readonly Series[]][] = [
    ["POST /events, p95 in ms", "p95", accepted],
    ["Accepted to first attempt, p95 in ms", "p95", delivered],
    ["Waiting messages", "Maximum", sqs("ApproximateNumberOfMessagesVisible", false)],
    ["Oldest message, s", "Maximum", sqs("ApproximateAgeOfOldestMessage", false)],
    ["Dead messages", "Maximum", sqs("ApproximateNumberOfMessagesVisible", true)],
    ["Runs", "Sum", lambda("Invocations")],
    ["Failed runs", "Sum", lambda("Errors")],
    ["Duration, p95 in ms", "p95", lambda("Duration")],
    ["Concurrent runs", "Maximum", lambda("ConcurrentExecutions")],
    ["Archive, age in s", "Maximum", archive],
    [
      "POST /events: answers, and 5xx among them",
      "Sum",
      ["UrlRequestCount", "Url5xxCount"].map((metric) => ["AWS/Lambda", metric, "FunctionName", accepting]),
    ],
    ["Refused runs", "Sum", lambda("Throttles")],
    [
      "Refused reads and writes of tables",
      "Sum",
      Object.values(tables).flatMap((table): Series[] =>
        ["ReadThrottleEvents", "WriteThrottleEvents"].map((metric) => ["AWS/DynamoDB", metric, "TableName", table]),
      ),
    ],
  ];
  return dashboardBody(
    graphs
      .filter(([, , metrics]) => metrics.length > 0)
      .map(([title, stat, metrics]) => graph(title, stat, metrics, region)),
  );
}
