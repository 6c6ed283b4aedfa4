import type { Environment } from "../domain/environment.ts";

export const consoleVariables = [
  "SESSIONS_TABLE",
  "KEYS_TABLE",
  "PEPPER_SECRET",
  "SIGN_IN_SECRET",
  "PUBLISH_FUNCTION",
  "API_FUNCTION",
  "INGEST_FUNCTION",
  "SUBSCRIPTIONS_FUNCTION",
] as const;
export type ConsoleEnvironment = Environment<typeof consoleVariables>;
