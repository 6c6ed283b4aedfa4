import type { Environment } from "../domain/environment.ts";

export const retainVariables = [
  "EVENTS_TABLE",
  /** Over how many partitions of it customers are spread: runtime/domain/shards.ts. */
  "EVENT_SHARDS",
  "METRICS_TABLE",
  "RETRY_QUEUE_URL",
  "JOB_QUEUE_URL",
  "PAYLOAD_BUCKET",
  "ARCHIVE_BUCKET",
  "EXPORT_BUCKET",
  "AUDIT_BUCKET",
  "ARCHIVE_BUFFER_SECONDS",
  "SUBSCRIPTIONS_FUNCTION",
  "FORGET_FUNCTION",
  "CUBE_FUNCTION",
  "CUBE_BUCKET",
] as const;
export type RetainEnvironment = Environment<typeof retainVariables>;
