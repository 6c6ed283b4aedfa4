import type { Environment } from "../domain/environment.ts";

export const ingestVariables = [
  "INGEST_QUEUE_URL",
  "PAYLOAD_BUCKET",
  "PEPPER_SECRET",
  "REDIS_URL",
  "REDIS_AUTH_SECRET",
  "SUBSCRIPTIONS_FUNCTION",
] as const;
export type IngestEnvironment = Environment<typeof ingestVariables>;

export const forgetVariables = ["REDIS_URL", "REDIS_AUTH_SECRET"] as const;
export type ForgetEnvironment = Environment<typeof forgetVariables>;
