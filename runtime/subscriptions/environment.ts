import type { Environment } from "../domain/environment.ts";

/** The service: the database, and what opens the secrets in it. */
export const subscriptionsVariables = [
  "DATABASE_HOST",
  "DATABASE_PORT",
  "DATABASE_NAME",
  "DATABASE_USER",
  "SEALING_SECRET",
] as const;
export type SubscriptionsEnvironment = Environment<typeof subscriptionsVariables>;

/** Run once a deployment. `DATABASE_USER` owns the tables here: it runs the migrations. */
export const bootstrapVariables = [
  "DATABASE_HOST",
  "DATABASE_PORT",
  "DATABASE_NAME",
  "DATABASE_USER",
  "KEYS_TABLE",
  "PEPPER_SECRET",
  "CURSOR_SECRET",
  "OPERATOR_SECRET",
  "SEALING_SECRET",
  "EVENT_SHARDS",
] as const;
export type BootstrapEnvironment = Environment<typeof bootstrapVariables>;
