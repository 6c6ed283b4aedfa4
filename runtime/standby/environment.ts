import type { Environment } from "../domain/environment.ts";

export const relayVariables = [
  "HOME_REGION",
  "HOME_QUEUE_URL",
  "HOME_PAYLOAD_BUCKET",
  "INGEST_QUEUE_URL",
  "INGEST_DEAD_URL",
  "PAYLOAD_BUCKET",
] as const;
export type RelayEnvironment = Environment<typeof relayVariables>;

export const homeServiceVariables = ["HOME_REGION", "HOME_SUBSCRIPTIONS_FUNCTION"] as const;
export type HomeServiceEnvironment = Environment<typeof homeServiceVariables>;

export const watchVariables = ["HOME_REGION", "HOME_INGEST_FUNCTION", "FAILOVER_STORE"] as const;
export type WatchEnvironment = Environment<typeof watchVariables>;
