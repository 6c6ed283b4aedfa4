import type * as pulumi from "@pulumi/pulumi";
import type { Retention } from "../retention.ts";
import type { SubscriptionStore } from "../subscriptionStore.ts";
import type { AlarmTopic, Metric } from "./alarmTopic.ts";
import type { ObservabilityArgs } from "./observabilityArgs.ts";

type StoreAlarmsArgs = Pick<
  ObservabilityArgs,
  "tables" | "indexes" | "retention" | "subscriptions" | "cache" | "ingest"
>;

/** Alarms for what holds data: tables, archive, database, cache. */
export function watchStores(topic: AlarmTopic, args: StoreAlarmsArgs): void {
  for (const [name, table] of Object.entries(args.tables)) {
    const throttles = (alarm: string, what: string, dimensions: Readonly<Record<string, pulumi.Input<string>>>) => {
      const metric = (metricName: string) => ({
        namespace: "AWS/DynamoDB",
        name: metricName,
        statistic: "Sum",
        dimensions,
      });
      topic.alarm(`${alarm}-throttles`, {
        says: `DynamoDB throttles reads or writes of ${what}.`,
        runbook: "table-throttles",
        metrics: { reads: metric("ReadThrottleEvents"), writes: metric("WriteThrottleEvents") },
        expression: "FILL(reads, 0) + FILL(writes, 0)",
        above: 0,
      });
    };
    throttles(`${name}-table`, name, { TableName: table });
    // A full index refuses the table's writes, and its refusals are counted as its own.
    for (const index of args.indexes[name] ?? [])
      throttles(`${name}-${index.replaceAll("_", "-")}-index`, `the index ${index} of ${name}`, {
        TableName: table,
        GlobalSecondaryIndexName: index,
      });
  }
  if (args.retention !== undefined) watchArchive(topic, args.retention);
  if (args.subscriptions !== undefined) watchDatabase(topic, args.subscriptions);
  // ElastiCache reports for each node, whose ids begin with the group's; the group itself has no such metric.
  const { memberClusters } = args.cache.replicationGroup;
  const nodes = Array.from({ length: args.cache.nodes }, (_, i) => `node${i + 1}`);
  topic.alarm("cache-memory", {
    says: "The cache uses more than 80 % of its memory; it refuses writes when it is full.",
    runbook: "cache",
    metrics: Object.fromEntries(
      nodes.map((node, i) => [
        node,
        {
          namespace: "AWS/ElastiCache",
          name: "DatabaseMemoryUsagePercentage",
          statistic: "Maximum",
          dimensions: { CacheClusterId: memberClusters.apply((ids) => ids[i]!) },
        },
      ]),
    ),
    ...(nodes.length === 1 ? {} : { expression: `MAX([${nodes.join(", ")}])` }),
    above: 80,
  });
  // A share: among thousands of requests a minute some meet a cold start or a pause of the cache.
  topic.alarm("limiter-away", {
    says: "The cache answers ingest too late for more than 1 % of requests, which are limited by each instance alone.",
    runbook: "cache",
    metrics: {
      open: {
        namespace: "Triggers",
        name: "LimiterFailedOpen",
        statistic: "Sum",
        dimensions: { stage: "ingest", function: args.ingest.handler.function.name },
      },
      runs: {
        namespace: "AWS/Lambda",
        name: "Invocations",
        statistic: "Sum",
        dimensions: { FunctionName: args.ingest.handler.function.name },
      },
    },
    expression: "open / runs",
    above: 0.01,
  });
}

function watchArchive(topic: AlarmTopic, retention: Retention): void {
  const firehose = (metricName: string, statistic: string) => ({
    namespace: "AWS/Firehose",
    name: metricName,
    statistic,
    dimensions: { DeliveryStreamName: retention.stream.name },
  });
  topic.alarm("archive-freshness", {
    says: "Events wait for more than 30 minutes to be archived.",
    runbook: "archive",
    metrics: { value: firehose("DeliveryToS3.DataFreshness", "Maximum") },
    above: 1_800,
  });
  // Source: Firehose Developer Guide, "Implement best practices with CloudWatch Alarms".
  topic.alarm("archive-quota", {
    says: "The archive's stream receives more than 80 % of its quota of bytes per second.",
    runbook: "quota",
    metrics: {
      incoming: firehose("IncomingBytes", "Sum"),
      most: firehose("BytesPerSecondLimit", "Minimum"),
    },
    expression: "incoming / PERIOD(incoming) / most * 100",
    above: 80,
    period: 300,
    points: 1,
  });
  watchFailed(topic, retention, firehose);
}

/** What the stream could not sort into the archive. */
function watchFailed(
  topic: AlarmTopic,
  retention: Retention,
  firehose: (name: string, statistic: string) => Metric,
): void {
  topic.alarm("archive-partitions", {
    says: "The archive's stream has more open partitions than its quota allows, and writes events to failed/ instead.",
    runbook: "archive",
    metrics: { value: firehose("PartitionCountExceeded", "Maximum") },
    above: 0,
    points: 1,
  });
  topic.alarm("archive-failed", {
    says: "The archive's stream has written events to failed/.",
    runbook: "archive",
    metrics: {
      value: {
        namespace: "AWS/S3",
        name: "PutRequests",
        statistic: "Sum",
        dimensions: { BucketName: retention.archive.bucket.bucket, FilterId: retention.failed.name },
      },
    },
    above: 0,
    points: 1,
  });
}

function watchDatabase(topic: AlarmTopic, subscriptions: SubscriptionStore): void {
  const database = { DBInstanceIdentifier: subscriptions.database.instance.identifier };
  const rds = (metricName: string, statistic: string) => ({
    namespace: "AWS/RDS",
    name: metricName,
    statistic,
    dimensions: database,
  });
  topic.alarm("database-cpu", {
    says: "PostgreSQL uses more than 80 % of its CPU.",
    runbook: "database",
    metrics: { value: rds("CPUUtilization", "Average") },
    above: 80,
    points: 10,
  });
  topic.alarm("database-space", {
    says: "PostgreSQL has less than 5 GiB of free storage.",
    runbook: "database",
    metrics: { free: rds("FreeStorageSpace", "Minimum") },
    expression: "5 * 1024 * 1024 * 1024 - free",
    above: 0,
  });
  topic.alarm("database-memory", {
    says: "PostgreSQL has less than 64 MiB of free memory, or reports no metrics.",
    runbook: "database",
    metrics: { value: rds("FreeableMemory", "Minimum") },
    below: 64 * 1024 * 1024,
    points: 10,
  });
  const proxy = (metricName: string, statistic: string) => ({
    namespace: "AWS/RDS",
    name: metricName,
    statistic,
    dimensions: { ProxyName: subscriptions.database.proxy.name },
  });
  topic.alarm("database-connections", {
    says: "The proxy in front of PostgreSQL uses more than 80 % of its connections.",
    runbook: "database",
    // Each machine of a proxy publishes its own part. Source: RDS User Guide, "Monitoring RDS Proxy metrics".
    metrics: { open: proxy("DatabaseConnections", "Sum"), most: proxy("MaxDatabaseConnectionsAllowed", "Sum") },
    expression: "open / most * 100",
    above: 80,
  });
  topic.alarm("database-sign-in", {
    says: "The proxy can't connect to PostgreSQL: the password is wrong, or the database is down.",
    runbook: "database",
    metrics: { value: proxy("DatabaseConnectionsSetupFailed", "Sum") },
    above: 0,
    bad: 3,
  });
  topic.alarm("database-borrow", {
    says: "Functions wait for more than 1 second for a connection to PostgreSQL.",
    runbook: "database",
    // Microseconds.
    metrics: { value: proxy("DatabaseConnectionsBorrowLatency", "Average") },
    above: 1_000_000,
  });
}
