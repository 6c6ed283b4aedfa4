import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { AlarmTopic } from "./alarmTopic.ts";
import { dashboardOf } from "./dashboard.ts";
import { watchObjectives } from "./objectives.ts";
import type { AnyHandler, ObservabilityArgs } from "./observabilityArgs.ts";
import { watchStores } from "./storeAlarms.ts";

// Invariant: every function and queue is watched, and every alarm names the page that says what to do.

/** A message that waits longer, beyond the delay it was sent with, is late. */
const LATE_SECONDS = 300;
/** Messages of a standard queue that may be received and not yet deleted. Source: SQS Developer Guide, "Queue quotas". */
const MOST_IN_FLIGHT = 120_000;

/**
 * Functions that a schedule starts, and how long one may be silent: looked at in so many periods of so many seconds, in none of which it
 * ran. They are a few runs long, so that one late run does not ring.
 */
const beats: Readonly<Record<string, { readonly period: number; readonly points: number }>> = {
  // Every minute: deliveries that wait for longer than a quarter of an hour.
  sweep: { period: 60, points: 5 },
  // Every hour: comparing, access records.
  retain: { period: 3_600, points: 2 },
  // Every minute: alert rules, reports that are due, whether the API answers.
  alert: { period: 60, points: 5 },
  report: { period: 60, points: 5 },
  probe: { period: 60, points: 5 },
  // Every minute: whether the home region takes events in.
  watch: { period: 60, points: 3 },
};

interface LogAlarm {
  /** Of the filter and of the alarm. */
  readonly name: string;
  readonly metricName: string;
  readonly pattern: string;
  readonly says: string;
  readonly runbook: string;
}

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
    this.topic = regional.topic.arn;
    watchObjectives(regional, args, this);
    this.functionAlarms = this.watchFunctions(regional, args);
    this.watchQueues(regional, args);
    watchStores(regional, args);
    if (args.live !== undefined) this.watchSockets(regional, args.live);
    if (args.homeWatch !== undefined) this.watchTakeover(regional, args.homeWatch);
    if (args.handlers.retain !== undefined) this.watchArchive(regional, args.handlers.retain);
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
        says: `More than 1 % of the invocations of ${name} fail.`,
        runbook: "function-errors",
        metrics: { errors: metric("Errors"), runs: metric("Invocations") },
        expression: "errors / runs",
        above: 0.01,
      });
      const throttles = topic.alarm(`${name}-throttles`, {
        says: `Invocations of ${name} are throttled: its concurrency is used up.`,
        runbook: "function-throttles",
        metrics: { value: metric("Throttles") },
        above: 0,
      });
      topic.alarm(`${name}-duration`, {
        says: `Invocations of ${name} take almost as long as its timeout of ${handler.timeoutSeconds} s.`,
        runbook: "function-duration",
        metrics: { value: metric("Duration", "p99") },
        above: handler.timeoutSeconds * 800,
      });
      failures[name] = [errors, throttles];
      const beat = beats[name];
      if (beat !== undefined) {
        topic.alarm(`${name}-silent`, {
          says: `${name}, which a schedule starts, has not run for ${(beat.period * beat.points) / 60} minutes.`,
          runbook: "schedules",
          metrics: { value: metric("Invocations") },
          below: 1,
          ...beat,
        });
      }
    }
    // Of all schedules of the region that have no group of their own; CloudWatch tells no finer.
    const schedules = (metricName: string) => ({
      namespace: "AWS/Scheduler",
      name: metricName,
      statistic: "Sum",
      dimensions: { ScheduleGroup: "default" },
    });
    topic.alarm("schedules", {
      says: "A schedule could not start its function.",
      runbook: "schedules",
      metrics: { failed: schedules("TargetErrorCount"), dropped: schedules("InvocationDroppedCount") },
      expression: "FILL(failed, 0) + FILL(dropped, 0)",
      above: 0,
      points: 3,
      bad: 2,
    });
    const concurrency = (name: string) => ({ namespace: "AWS/Lambda", name, statistic: "Maximum" });
    // What is kept for a function is lost to all others, also while it is idle: claimed is what runs unreserved and all that is kept.
    // Source: Lambda Developer Guide, "Monitoring concurrency". Service Quotas ties the quota to ConcurrentExecutions.
    topic.alarm("concurrency", {
      says: "Functions without a share of their own use more than 80 % of the Lambda concurrency that the account leaves to them in this region.",
      runbook: "quota",
      metrics: {
        used: concurrency("ConcurrentExecutions"),
        unreserved: concurrency("UnreservedConcurrentExecutions"),
        claimed: concurrency("ClaimedAccountConcurrency"),
      },
      expression: "unreserved / (SERVICE_QUOTA(used) - FILL(claimed - unreserved, 0)) * 100",
      above: 80,
    });
    return failures;
  }

  private watchQueues(topic: AlarmTopic, { queues }: ObservabilityArgs): void {
    for (const [name, { queue, dead, longestDelaySeconds }] of Object.entries(queues)) {
      const lateSeconds = LATE_SECONDS + longestDelaySeconds;
      const metric = (of: aws.sqs.Queue, metricName: string) => ({
        namespace: "AWS/SQS",
        name: metricName,
        statistic: "Maximum",
        dimensions: { QueueName: of.name },
      });
      topic.alarm(`${name}-oldest`, {
        says: `The oldest message in the queue ${name} is older than ${lateSeconds / 60} minutes.`,
        runbook: "queue-age",
        metrics: { value: metric(queue, "ApproximateAgeOfOldestMessage") },
        above: lateSeconds,
      });
      topic.alarm(`${name}-dead`, {
        says: `The dead-letter queue of ${name} holds messages.`,
        runbook: "dead-letters",
        metrics: { value: metric(dead, "ApproximateNumberOfMessagesVisible") },
        above: 0,
        points: 1,
      });
      topic.alarm(`${name}-in-flight`, {
        says: `The queue ${name} has more than 80 % of the messages in flight that SQS allows.`,
        runbook: "quota",
        metrics: { value: metric(queue, "ApproximateNumberOfMessagesNotVisible") },
        above: 0.8 * MOST_IN_FLIGHT,
      });
    }
  }

  /** Sockets that fail to open, and messages that could not be sent over them. */
  private watchSockets(topic: AlarmTopic, { apiId, name }: aws.apigatewayv2.Stage): void {
    const metric = (metricName: string) => ({
      namespace: "AWS/ApiGateway",
      name: metricName,
      statistic: "Sum",
      dimensions: { ApiId: apiId, Stage: name },
    });
    topic.alarm("websocket-errors", {
      says: "More than 1 % of the handshakes and messages of those who watch live fail.",
      runbook: "live",
      metrics: {
        integration: metric("IntegrationError"),
        execution: metric("ExecutionError"),
        opened: metric("ConnectCount"),
        said: metric("MessageCount"),
      },
      expression: "(FILL(integration, 0) + FILL(execution, 0)) / (FILL(opened, 0) + FILL(said, 0))",
      above: 0.01,
    });
  }

  private watchTakeover(topic: AlarmTopic, homeWatch: AnyHandler): void {
    this.watchLog(topic, homeWatch, {
      name: "takeover",
      metricName: "Takeover",
      pattern: '{ $.message = "standby.took_over" || $.message = "standby.edge_not_told" }',
      says: "The home region takes no events in, so this standby region has taken over.",
      runbook: "failover",
    });
  }

  /** All readers of the archive pass over unreadable lines and objects, so somebody has to hear of them. */
  private watchArchive(topic: AlarmTopic, retain: AnyHandler): void {
    this.watchLog(topic, retain, {
      name: "archive-unreadable",
      metricName: "ArchiveUnreadable",
      pattern: '{ $.message = "retain.archive_unreadable" }',
      says: "A line or an object of the archive can't be read.",
      runbook: "archive-unreadable",
    });
  }

  /** Rings at the first line of a function's log that a pattern matches. */
  private watchLog(
    topic: AlarmTopic,
    { logGroup }: AnyHandler,
    { name, metricName, pattern, ...ring }: LogAlarm,
  ): void {
    const namespace = `${pulumi.getProject()}/${pulumi.getStack()}`;
    new aws.cloudwatch.LogMetricFilter(
      name,
      {
        logGroupName: logGroup.name,
        pattern,
        metricTransformation: { namespace, name: metricName, value: "1", unit: "Count" },
      },
      this.own,
    );
    topic.alarm(name, {
      ...ring,
      metrics: { value: { namespace, name: metricName, statistic: "Sum" } },
      above: 0,
      points: 1,
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
