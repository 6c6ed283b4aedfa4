import * as pulumi from "@pulumi/pulumi";
import type { ObservabilityArgs } from "./observability.ts";

type Series = readonly [string, string, ...pulumi.Input<string>[]];

/** Body of a CloudWatch dashboard: one row of graphs a stage, in the order an event meets them. */
export function dashboardOf(args: ObservabilityArgs): pulumi.Output<string> {
  const { region, edge, handlers, queues, tables, retention } = args;
  const graph = (at: number, title: string, stat: string, metrics: readonly Series[], where = region) => ({
    type: "metric",
    x: (at % 3) * 8,
    y: Math.floor(at / 3) * 6,
    width: 8,
    height: 6,
    properties: { title, view: "timeSeries", region: where, stat, period: 60, metrics },
  });
  const distribution = ["DistributionId", edge.distribution.distribution.id, "Region", "Global"] as const;
  const lambda = (metric: string): Series[] =>
    Object.values(handlers).map((handler) => ["AWS/Lambda", metric, "FunctionName", handler.function.name]);
  const sqs = (metric: string, dead: boolean): Series[] =>
    Object.values(queues).map((queue) => ["AWS/SQS", metric, "QueueName", (dead ? queue.dead : queue.queue).name]);
  const widgets = [
    graph(0, "Requests at the edge", "Sum", [["AWS/CloudFront", "Requests", ...distribution]], "us-east-1"),
    graph(
      1,
      "Errors at the edge, %",
      "Average",
      [
        ["AWS/CloudFront", "5xxErrorRate", ...distribution],
        ["AWS/CloudFront", "4xxErrorRate", ...distribution],
      ],
      "us-east-1",
    ),
    graph(2, "POST /events, p95 in ms", "p95", [
      ["AWS/Lambda", "UrlRequestLatency", "FunctionName", edge.ingest.function.name],
    ]),
    graph(3, "Waiting messages", "Maximum", sqs("ApproximateNumberOfMessagesVisible", false)),
    graph(4, "Oldest message, s", "Maximum", sqs("ApproximateAgeOfOldestMessage", false)),
    graph(5, "Dead messages", "Maximum", sqs("ApproximateNumberOfMessagesVisible", true)),
    graph(6, "Runs", "Sum", lambda("Invocations")),
    graph(7, "Failed runs", "Sum", lambda("Errors")),
    graph(8, "Duration, p95 in ms", "p95", lambda("Duration")),
    graph(9, "Concurrent runs", "Maximum", lambda("ConcurrentExecutions")),
    graph(10, "Archive, age in s", "Maximum", [
      ["AWS/Firehose", "DeliveryToS3.DataFreshness", "DeliveryStreamName", retention.stream.name],
    ]),
    graph(11, "Accepted to first attempt, p95 in ms", "p95", [
      [`${pulumi.getProject()}/${pulumi.getStack()}`, "SinceAccepted"],
    ]),
    graph(12, "POST /events: answers, and 5xx among them", "Sum", [
      ["AWS/Lambda", "UrlRequestCount", "FunctionName", edge.ingest.function.name],
      ["AWS/Lambda", "Url5xxCount", "FunctionName", edge.ingest.function.name],
    ]),
    graph(13, "Refused runs", "Sum", lambda("Throttles")),
    graph(
      14,
      "Refused reads and writes of tables",
      "Sum",
      Object.values(tables).flatMap(({ table }): Series[] => [
        ["AWS/DynamoDB", "ReadThrottleEvents", "TableName", table.name],
        ["AWS/DynamoDB", "WriteThrottleEvents", "TableName", table.name],
      ]),
    ),
  ];
  return pulumi.jsonStringify({ widgets });
}
