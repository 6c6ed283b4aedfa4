import { type Environment, tracingVariables } from "../domain/environment.ts";

export const routeVariables = [
  "EVENTS_TABLE",
  /** Over how many partitions of it customers are spread: runtime/domain/shards.ts. */
  "EVENT_SHARDS",
  "METRICS_TABLE",
  "INGEST_QUEUE_URL",
  "INGEST_DEAD_URL",
  "NOTICE_QUEUE_URL",
  "NOTICE_DEAD_URL",
  "DELIVERY_QUEUE_URL",
  "ARCHIVE_STREAM",
  "PAYLOAD_BUCKET",
  "SUBSCRIPTIONS_FUNCTION",
  "PUBLISH_FUNCTION",
  ...tracingVariables,
] as const;
export type RouteEnvironment = Environment<typeof routeVariables>;
