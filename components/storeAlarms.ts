import type { AlarmTopic } from "./alarmTopic.ts";
import type { ObservabilityArgs } from "./observability.ts";
import type { Retention } from "./retention.ts";
import type { SubscriptionStore } from "./subscriptionStore.ts";

type StoreAlarmsArgs = Pick<ObservabilityArgs, "tables" | "retention" | "subscriptions" | "cache" | "ingest">;

/** Alarms for what holds data: tables, archive, database, cache. */
export function watchStores(topic: AlarmTopic, args: StoreAlarmsArgs): void {
  for (const [name, table] of Object.entries(args.tables)) {
    const metric = (metricName: string) => ({
      namespace: "AWS/DynamoDB",
      name: metricName,
      statistic: "Sum",
      dimensions: { TableName: table },
    });
    topic.alarm(`${name}-table-throttles`, {
      says: `DynamoDB refuses reads or writes of ${name}.`,
      runbook: "table-throttles",
      metrics: { reads: metric("ReadThrottleEvents"), writes: metric("WriteThrottleEvents") },
      expression: "FILL(reads, 0) + FILL(writes, 0)",
      above: 0,
    });
  }
  if (args.retention !== undefined) watchArchive(topic, args.retention);
  if (args.subscriptions !== undefined) watchDatabase(topic, args.subscriptions);
  // ElastiCache reports for each node, whose ids begin with the group's; the group itself has no such metric.
  const { memberClusters } = args.cache.replicationGroup;
  const nodes = Array.from({ length: args.cache.nodes }, (_, i) => `node${i + 1}`);
  topic.alarm("cache-memory", {
    says: "The cache uses more than 80 % of its memory and will refuse writes when it is full.",
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
  topic.alarm("limiter-away", {
    says: "Limits are not kept across instances, since the cache does not answer ingest.",
    runbook: "cache",
    metrics: {
      value: {
        namespace: "Triggers",
        name: "LimiterFailedOpen",
        statistic: "Sum",
        dimensions: { stage: "ingest", function: args.ingest.handler.function.name },
      },
    },
    above: 0,
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
    says: "Events have waited for more than half an hour to be archived.",
    runbook: "archive",
    metrics: { value: firehose("DeliveryToS3.DataFreshness", "Maximum") },
    above: 1_800,
  });
  // Source: Firehose Developer Guide, "Implement best practices with CloudWatch Alarms".
  topic.alarm("archive-quota", {
    says: "More than 80 % of the bytes that the archive's stream takes in a second come in.",
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
}
