import type { Environment } from "../domain/environment.ts";

export const subscriptionsVariables = [
  "DATABASE_HOST",
  "DATABASE_PORT",
  "DATABASE_NAME",
  "DATABASE_USER",
  "KEYS_TABLE",
  "PEPPER_SECRET",
  "OPERATOR_SECRET",
] as const;
export type SubscriptionsEnvironment = Environment<typeof subscriptionsVariables>;
