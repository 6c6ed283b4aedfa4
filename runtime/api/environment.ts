import type { Environment } from "../domain/environment.ts";

export const apiVariables = [
  "DATABASE_HOST",
  "DATABASE_PORT",
  "DATABASE_NAME",
  "DATABASE_USER",
  "EVENTS_TABLE",
  /** Over how many partitions of it customers are spread: runtime/domain/shards.ts. */
  "EVENT_SHARDS",
  "METRICS_TABLE",
  "KEYS_TABLE",
  "PEPPER_SECRET",
  "REDIS_URL",
  "REDIS_AUTH_SECRET",
  "RETRY_QUEUE_URL",
  "JOB_QUEUE_URL",
  "QUEUE_URLS",
  "DEAD_LETTER_QUEUE_URLS",
  "PAYLOAD_BUCKET",
  "ARCHIVE_BUCKET",
  "EXPORT_BUCKET",
  "AUDIT_BUCKET",
  "SUBSCRIPTIONS_FUNCTION",
  "DELIVER_FUNCTION",
  "CUBE_FUNCTION",
  "ALERT_FUNCTION",
  "REPORT_FUNCTION",
  "ALLOW_LOOPBACK_WEBHOOKS",
  "OWN_HOSTS",
  "CURSOR_SECRET",
  "SEALING_SECRET",
] as const;
export type ApiEnvironment = Environment<typeof apiVariables>;
