import { type Environment, tracingVariables } from "../domain/environment.ts";

export const deliverVariables = [
  "EVENTS_TABLE",
  /** Over how many partitions of it customers are spread: runtime/domain/shards.ts. */
  "EVENT_SHARDS",
  "METRICS_TABLE",
  "DELIVERY_QUEUE_URL",
  "DELIVERY_DEAD_URL",
  "RETRY_QUEUE_URL",
  "RETRY_DEAD_URL",
  /** What the platform tells its customers in events of their own; route works it off like the ingest queue. */
  "NOTICE_QUEUE_URL",
  "PAYLOAD_BUCKET",
  "SUBSCRIPTIONS_FUNCTION",
  "PUBLISH_FUNCTION",
  "ALLOW_LOOPBACK_WEBHOOKS",
  "OWN_HOSTS",
  /** Posts a second to one host, by all customers. */
  "HOST_LIMIT",
  ...tracingVariables,
] as const;
export type DeliverEnvironment = Environment<typeof deliverVariables>;

export const sweepVariables = ["EVENTS_TABLE", "RETRY_QUEUE_URL"] as const;
export type SweepEnvironment = Environment<typeof sweepVariables>;
