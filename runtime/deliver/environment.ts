import type { Environment } from "../domain/environment.ts";

export const deliverVariables = [
  "EVENTS_TABLE",
  "METRICS_TABLE",
  "DELIVERY_QUEUE_URL",
  "RETRY_QUEUE_URL",
  "PAYLOAD_BUCKET",
  "SUBSCRIPTIONS_FUNCTION",
  "ALLOW_LOOPBACK_WEBHOOKS",
] as const;
export type DeliverEnvironment = Environment<typeof deliverVariables>;
