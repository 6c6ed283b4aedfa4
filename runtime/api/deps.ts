import type { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import type { Dynamodb, Sqs } from "../aws/clients.ts";
import type { Log } from "../aws/log.ts";
import type { Table } from "../aws/tables.ts";
import type { CountUsage } from "../counters/write.ts";
import type { Database } from "../database/schema.ts";
import type { Identity, Tenant } from "../domain/identity/identity.ts";
import type { Millis } from "../domain/time.ts";

import type { Vault } from "../domain/webhook/vault.ts";
import type { UrlRules } from "../domain/webhook/webhookUrl.ts";
import type { EndVersion } from "../redis/endedVersions.ts";
import type { IdempotencyStore } from "../redis/idempotency.ts";
import type { Limiter } from "../redis/limiter.ts";
import type { ApiEnvironment } from "./environment.ts";

/** What every route may use; built once a cold start, replaced by fakes in tests. */
export interface Deps {
  readonly env: ApiEnvironment;
  /** Which webhooks are forbidden. */
  readonly urlRules: UrlRules;
  /** The region that this runs in. */
  readonly region: string;
  /** Reach it through `asCustomer` of runtime/database, which sets the row-level security's customer. */
  readonly db: Kysely<Database>;
  readonly dynamodb: Dynamodb;
  readonly cloudwatch: CloudWatchClient;
  readonly s3: S3Client;
  readonly sqs: Sqs;
  readonly lambda: LambdaClient;
  readonly secrets: SecretsManagerClient;
  /** Tells how much of a caller's limits remains. */
  readonly limiter: Pick<Limiter, "take" | "takeRequest">;
  /** Ends a text of a key before the edge knows. */
  readonly endVersion: EndVersion;
  /** What became of requests with an `Idempotency-Key`. */
  readonly idempotency: Pick<IdempotencyStore, "claim" | "done" | "release">;
  /** Counts calls; what it counts is audited. */
  readonly countUsage: CountUsage;
  /** Seals and opens what customers entrust. */
  vault(): Promise<Vault>;
  /** Value of a secret of Secrets Manager by its name or ARN, kept for a few minutes. */
  secret(id: string): Promise<string>;
  /** Milliseconds since the epoch. */
  now(): Millis;
  /** One structured line; never a payload or a secret. */
  readonly log: Log;
}

/** The events table, for the room that owns it. */
export const eventsOf = ({ dynamodb, env }: Deps): Table => ({ dynamodb, name: env.EVENTS_TABLE });

/** What the middleware leaves in the context: `c.get("identity")`. Absent on public routes. */
export interface ApiVariables {
  requestId: string;
  /** Headers of every answer to this caller: how much of its limits remains, and the CORS headers for its page. */
  told: Readonly<Record<string, string>>;
  identity: Identity;
  tenant: Tenant;
  /** The management change that is asked for, `key.create`: a refusal of it is audited. Absent on other routes. */
  action: string | undefined;
  /** Does the work once for the caller's `Idempotency-Key`. @param raw the decoded body */
  withIdempotencyKey(raw: Uint8Array, work: () => Promise<Response> | Response): Promise<Response>;
  /** First ULID of the claim on the caller's `Idempotency-Key`, if there is one: the change's audit entry names it. */
  claim: string | undefined;
  /** The route, `GET /inbox`, and how it ended where that was not `ok`: for the audit of reads. */
  call: string | undefined;
  outcome: string | undefined;
  /** Events handed out. */
  events: number | undefined;
}
export type ApiEnv = { Variables: ApiVariables };
export type Api = OpenAPIHono<ApiEnv>;
