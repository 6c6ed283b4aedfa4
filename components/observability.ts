import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { AlarmTopic } from "./alarmTopic.ts";
import type { Cache } from "./cache.ts";
import { dashboardOf } from "./dashboard.ts";
import type { DataTable } from "./dataTable.ts";
import type { Handler } from "./handler.ts";
import type { IngestEdge } from "./ingestEdge.ts";
import type { Retention } from "./retention.ts";
import type { SubscriptionStore } from "./subscriptionStore.ts";
import type { WorkQueue } from "./workQueue.ts";

// Invariant: every function and queue is watched, and every alarm names the page that says what to do.

type AnyHandler = Handler<Readonly<Record<string, string>>>;

export interface ObservabilityArgs {
  readonly region: string;
  readonly handlers: Readonly<Record<string, AnyHandler>>;
  readonly queues: Readonly<Record<string, WorkQueue>>;
  readonly tables: Readonly<Record<string, DataTable>>;
  readonly edge: IngestEdge;
  readonly retention: Retention;
  readonly subscriptions: SubscriptionStore;
  readonly cache: Cache;
  /** Who is mailed. @default nobody until someone subscribes to the topic */
  readonly email?: string | undefined;
  /** Monthly bill in USD that rings when it is reached or forecast. @default no budget */
  readonly monthlyBudgetUsd?: number | undefined;
  readonly protect: boolean;
}

/** What the product promises. */
const objectives = {
  /** 95 % of `POST /events` answered within, milliseconds. */
  acceptMs: 100,
  /** 95 % of events delivered within, milliseconds, first attempt. */
  endToEndMs: 5_000,
  /** Share of requests not answered by a 5xx. */
  availability: 0.999,
} as const;

/**
 * Burn rates: how many times faster than allowed errors use up a 30-day budget. 14.4 spends 2 % of it in an hour, 6
 * spends 5 % in six. Source: Site Reliability Workbook, "Alerting on SLOs", table 5-8.
 */
const burns = [
  { name: "fast", rate: 14.4, long: 3_600, short: 300 },
  { name: "slow", rate: 6, long: 21_600, short: 1_800 },
] as const;

/** Alarms for every promise and every way to break one, a dashboard, a budget. */
export class Observability extends pulumi.ComponentResource {
  readonly topic: pulumi.Output<string>;
  /** Alarms that speak of a function's failures, by its name. */
  readonly functionAlarms: Readonly<Record<string, readonly aws.cloudwatch.MetricAlarm[]>>;
  private readonly own = { parent: this };

  constructor(name: string, args: ObservabilityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Observability", name, {}, opts);
    const { region, email, protect } = args;
    const regional = new AlarmTopic("alarms", { region, email, protect }, this.own);
    // CloudFront reports to us-east-1 only, and alarms live where their metrics are.
    const global = new AlarmTopic("edge-alarms", { region: "us-east-1", email, protect }, this.own);
    this.topic = regional.topic.arn;
    this.watchPromises(regional, args);
    this.functionAlarms = this.watchFunctions(regional, args);
    this.watchQueues(regional, args);
    this.watchStores(regional, args);
    this.watchEdge(global, args);
    new aws.cloudwatch.Dashboard(
      `${name}-dashboard`,
      {
        dashboardName: `${pulumi.getProject()}-${pulumi.getStack()}`,
        dashboardBody: dashboardOf(args),
      },
      this.own,
    );
    if (args.monthlyBudgetUsd !== undefined) this.budget(args.monthlyBudgetUsd);
    this.registerOutputs({ topic: this.topic });
  }

  private watchPromises(topic: AlarmTopic, { edge, handlers }: ObservabilityArgs): void {
    const ingest = edge.ingest.function.name;
    const requests = (name: string, statistic: string) => ({
      namespace: "AWS/Lambda",
      name,
      statistic,
      dimensions: { FunctionName: ingest },
    });
    topic.alarm("accept-latency", {
      says: `95 % of POST /events are answered within ${objectives.acceptMs} ms no more.`,
      runbook: "accept-latency",
      metrics: { value: requests("UrlRequestLatency", "p95") },
      above: objectives.acceptMs,
      points: 15,
      bad: 5,
    });
    for (const { name, rate, long, short } of burns) {
      const window = (seconds: number) =>
        topic.alarm(`availability-${name}-${seconds}`, {
          says: `POST /events fails ${rate} times more often than its error budget allows, over ${seconds / 60} minutes.`,
          runbook: "availability",
          metrics: { errors: requests("Url5xxCount", "Sum"), requests: requests("UrlRequestCount", "Sum") },
          expression: "errors / requests",
          above: rate * (1 - objectives.availability),
          period: seconds,
          points: 1,
          silent: true,
        });
      topic.both(
        `availability-${name}`,
        { says: `POST /events burns its error budget ${rate} times too fast.`, runbook: "availability" },
        window(long),
        window(short),
      );
    }
    const namespace = `${pulumi.getProject()}/${pulumi.getStack()}`;
    new aws.cloudwatch.LogMetricFilter(
      "end-to-end",
      {
        logGroupName: handlers.deliver!.logGroup.name,
        pattern: '{ $.message = "deliver.attempted" && $.attempt = 1 && $.since_accepted_ms = * }',
        metricTransformation: {
          namespace,
          name: "SinceAccepted",
          value: "$.since_accepted_ms",
          unit: "Milliseconds",
        },
      },
      this.own,
    );
    topic.alarm("end-to-end-latency", {
      says: `95 % of first deliveries are attempted within ${objectives.endToEndMs / 1_000} s of acceptance no more.`,
      runbook: "end-to-end-latency",
      metrics: { value: { namespace, name: "SinceAccepted", statistic: "p95" } },
      above: objectives.endToEndMs,
      points: 15,
      bad: 5,
    });
  }

  private watchFunctions(
    topic: AlarmTopic,
    { handlers }: ObservabilityArgs,
  ): Record<string, aws.cloudwatch.MetricAlarm[]> {
    const failures: Record<string, aws.cloudwatch.MetricAlarm[]> = {};
    for (const [name, handler] of Object.entries(handlers)) {
      const metric = (metricName: string, statistic = "Sum") => ({
        namespace: "AWS/Lambda",
        name: metricName,
        statistic,
        dimensions: { FunctionName: handler.function.name },
      });
      const errors = topic.alarm(`${name}-errors`, {
        says: `More than 1 % of the runs of ${name} fail.`,
        runbook: "function-errors",
        metrics: { errors: metric("Errors"), runs: metric("Invocations") },
        expression: "errors / runs",
        above: 0.01,
      });
      const throttles = topic.alarm(`${name}-throttles`, {
        says: `Runs of ${name} are refused for want of concurrency.`,
        runbook: "function-throttles",
        metrics: { value: metric("Throttles") },
        above: 0,
      });
      topic.alarm(`${name}-duration`, {
        says: `${name} comes close to its timeout of ${handler.timeoutSeconds} s.`,
        runbook: "function-duration",
        metrics: { value: metric("Duration", "p99") },
        above: handler.timeoutSeconds * 800,
      });
      failures[name] = [errors, throttles];
    }
    topic.alarm("concurrency", {
      says: "The account uses more than 80 % of its Lambda concurrency in this region.",
      runbook: "quota",
      metrics: { used: { namespace: "AWS/Lambda", name: "ConcurrentExecutions", statistic: "Maximum" } },
      expression: "used / SERVICE_QUOTA(used) * 100",
      above: 80,
    });
    return failures;
  }

  private watchQueues(topic: AlarmTopic, { queues }: ObservabilityArgs): void {
    for (const [name, { queue, dead }] of Object.entries(queues)) {
      const metric = (of: aws.sqs.Queue, metricName: string) => ({
        namespace: "AWS/SQS",
        name: metricName,
        statistic: "Maximum",
        dimensions: { QueueName: of.name },
      });
      topic.alarm(`${name}-oldest`, {
        says: `The oldest message of ${name} has waited for more than five minutes.`,
        runbook: "queue-age",
        metrics: { value: metric(queue, "ApproximateAgeOfOldestMessage") },
        above: 300,
      });
      topic.alarm(`${name}-dead`, {
        says: `${name} has dead messages.`,
        runbook: "dead-letters",
        metrics: { value: metric(dead, "ApproximateNumberOfMessagesVisible") },
        above: 0,
        points: 1,
      });
    }
  }

  private watchStores(topic: AlarmTopic, args: ObservabilityArgs): void {
    for (const [name, { table }] of Object.entries(args.tables)) {
      const metric = (metricName: string) => ({
        namespace: "AWS/DynamoDB",
        name: metricName,
        statistic: "Sum",
        dimensions: { TableName: table.name },
      });
      topic.alarm(`${name}-table-throttles`, {
        says: `DynamoDB refuses reads or writes of ${name}.`,
        runbook: "table-throttles",
        metrics: { reads: metric("ReadThrottleEvents"), writes: metric("WriteThrottleEvents") },
        expression: "FILL(reads, 0) + FILL(writes, 0)",
        above: 0,
      });
    }
    topic.alarm("archive-freshness", {
      says: "Events have waited for more than half an hour to be archived.",
      runbook: "archive",
      metrics: {
        value: {
          namespace: "AWS/Firehose",
          name: "DeliveryToS3.DataFreshness",
          statistic: "Maximum",
          dimensions: { DeliveryStreamName: args.retention.stream.name },
        },
      },
      above: 1_800,
    });
    const database = { DBInstanceIdentifier: args.subscriptions.database.instance.identifier };
    const rds = (metricName: string, statistic: string) => ({
      namespace: "AWS/RDS",
      name: metricName,
      statistic,
      dimensions: database,
    });
    topic.alarm("database-cpu", {
      says: "PostgreSQL is busier than 80 %.",
      runbook: "database",
      metrics: { value: rds("CPUUtilization", "Average") },
      above: 80,
      points: 10,
    });
    topic.alarm("database-space", {
      says: "PostgreSQL has less than 5 GiB of storage left.",
      runbook: "database",
      metrics: { free: rds("FreeStorageSpace", "Minimum") },
      expression: "5 * 1024 * 1024 * 1024 - free",
      above: 0,
    });
    const cache = { ReplicationGroupId: args.cache.replicationGroup.id };
    topic.alarm("cache-memory", {
      says: "The cache uses more than 80 % of its memory and will refuse writes when it is full.",
      runbook: "cache",
      metrics: {
        value: {
          namespace: "AWS/ElastiCache",
          name: "DatabaseMemoryUsagePercentage",
          statistic: "Maximum",
          dimensions: cache,
        },
      },
      above: 80,
    });
    topic.alarm("limiter-away", {
      says: "Limits are not kept across instances, since the cache does not answer ingest.",
      runbook: "cache",
      metrics: {
        value: {
          namespace: "Triggers",
          name: "LimiterFailedOpen",
          statistic: "Sum",
          dimensions: { stage: "ingest" },
        },
      },
      above: 0,
    });
  }

  private watchEdge(topic: AlarmTopic, { edge }: ObservabilityArgs): void {
    const metric = (name: string, statistic: string) => ({
      namespace: "AWS/CloudFront",
      name,
      statistic,
      dimensions: { DistributionId: edge.distribution.distribution.id, Region: "Global" },
    });
    topic.alarm("edge-5xx", {
      says: "More than 1 % of requests end in a 5xx at the distribution.",
      runbook: "edge",
      metrics: { value: metric("5xxErrorRate", "Average") },
      above: 1,
    });
    topic.alarm("edge-function", {
      says: "The authenticating function fails at the edge.",
      runbook: "edge",
      metrics: {
        execution: metric("LambdaExecutionError", "Average"),
        validation: metric("LambdaValidationError", "Average"),
      },
      expression: "FILL(execution, 0) + FILL(validation, 0)",
      above: 0,
    });
  }

  private budget(usd: number): void {
    const ring = (notificationType: "ACTUAL" | "FORECASTED") => ({
      notificationType,
      comparisonOperator: "GREATER_THAN",
      threshold: 100,
      thresholdType: "PERCENTAGE",
      subscriberSnsTopicArns: [this.topic],
    });
    new aws.budgets.Budget(
      "monthly-budget",
      {
        budgetType: "COST",
        limitAmount: usd.toFixed(2),
        limitUnit: "USD",
        timeUnit: "MONTHLY",
        notifications: [ring("ACTUAL"), ring("FORECASTED")],
      },
      this.own,
    );
  }
}
