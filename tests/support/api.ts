import { CreateTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { buildApp } from "../../runtime/api/app.ts";
import type { Api, Deps } from "../../runtime/api/deps.ts";
import { apiVariables } from "../../runtime/api/environment.ts";
import { defined, mapDefined } from "../../runtime/domain/defined.ts";
import type { Peppers } from "../../runtime/domain/identity/apiKey.ts";
import {
  encodeIdentity,
  IDENTITY_HEADER,
  type Identity,
  OPERATOR,
  scopes,
} from "../../runtime/domain/identity/identity.ts";
import { REQUESTS_PER_SECOND, type Verdict } from "../../runtime/redis/limiter.ts";
import { startDatabase, type TestDatabase } from "./database.ts";
import { openDynamodb } from "./dynamodb.ts";
import { memoryIdempotency } from "./idempotency.ts";
import { createDataTables, memoryS3 } from "./storage.ts";
import { countUsage } from "./usage.ts";
import { testVault } from "./vault.ts";

export const peppers: Peppers = { current: "1", versions: { "1": Buffer.alloc(32, 7).toString("base64") } };

/** One call as this identity; the body goes as JSON unless it is a string or bytes. */
export type Call = (
  identity: Identity,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
  // biome-ignore lint/suspicious/noExplicitAny: tests compare answers whole, whatever their shape
) => Promise<{ status: number; headers: Headers; body: any }>;

export interface TestApi {
  readonly app: Api;
  readonly deps: Deps;
  readonly database: TestDatabase;
  readonly call: Call;
  /** Moves the platform's clock. */
  advance(ms: number): void;
  /** A new customer: the identities of its first live and its first sandbox key. */
  customer(name?: string): Promise<{ live: Identity; sandbox: Identity; customer_id: string }>;
  close(): Promise<void>;
}

export const operator: Identity = {
  customer_id: OPERATOR,
  environment: "live",
  key_id: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV",
  key_name: "operator",
  scopes: ["admin"],
  limit_per_second: 1_000,
  source_ip: "203.0.113.9",
};

/** What a limiter says of a limit that nothing used. */
const unusedLimit = (limit: number): Verdict => ({
  allowed: true,
  limit,
  remaining: limit,
  resetSeconds: 1,
  retryAfterMs: 0,
  by: "redis",
});

/** A limiter that nothing has used, and that counts nothing. */
export const idleLimiter: Deps["limiter"] = {
  take: async ({ limit_per_second: limit }) => unusedLimit(limit),
  takeRequest: async () => unusedLimit(REQUESTS_PER_SECOND),
};

const S = (name: string) => ({ AttributeName: name, AttributeType: "S" }) as const;

async function createTables(dynamodb: DynamoDBClient): Promise<void> {
  await dynamodb.send(
    new CreateTableCommand({
      TableName: "keys",
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [S("key_id"), S("customer_id")],
      KeySchema: [{ AttributeName: "key_id", KeyType: "HASH" }],
      GlobalSecondaryIndexes: [
        {
          IndexName: "by_customer",
          KeySchema: [
            { AttributeName: "customer_id", KeyType: "HASH" },
            { AttributeName: "key_id", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "ALL" },
        },
      ],
    }),
  );
  // Tickets and sockets of those who watch: the table of components/platform/live.ts.
  await dynamodb.send(
    new CreateTableCommand({
      TableName: "live",
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [S("pk"), S("sk")],
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
    }),
  );
  await createDataTables(dynamodb);
}

/** Calls of one environment of the API. */
export const callOf =
  (app: Api): Call =>
  async (identity, method, path, body, headers = {}) => {
    const raw = body === undefined || typeof body === "string" || body instanceof Uint8Array;
    const response = await app.request(path, {
      method,
      headers: { "content-type": "application/json", [IDENTITY_HEADER]: encodeIdentity(identity), ...headers },
      ...defined({ body: mapDefined(body, (body) => (raw ? (body as string) : JSON.stringify(body))) }),
    });
    const text = await response.text();
    const json = response.headers.get("content-type")?.startsWith("application/json") === true;
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
  };

/**
 * The management API over a PostgreSQL and a DynamoDB of its own.
 * @param fakes replaces what the test doesn't want real: `sqs`, `lambda`, …
 */
export async function startApi(fakes: Partial<Deps> = {}): Promise<TestApi> {
  const database = await startDatabase();
  const dynamodb = openDynamodb();
  await createTables(dynamodb);
  let ahead = 0;
  const secrets: Record<string, string> = { "cursor-secret": "a cursor secret", pepper: JSON.stringify(peppers) };
  const env = Object.fromEntries(apiVariables.map((name) => [name, name])) as unknown as Deps["env"];
  const deps: Deps = {
    db: database.db,
    dynamodb,
    countUsage: (facts) => countUsage(dynamodb, facts),
    secret: async (id) => secrets[id]!,
    vault: async () => testVault,
    now: () => Date.now() + ahead,
    log: () => undefined,
    endVersion: async () => undefined,
    idempotency: memoryIdempotency(),
    limiter: idleLimiter,
    s3: memoryS3(new Map()),
    ...({} as Pick<Deps, "cloudwatch" | "lambda" | "secrets">),
    // Nobody works off what is sent here.
    sqs: { send: async () => ({}) } as unknown as Deps["sqs"],
    ...fakes,
    region: "us-east-1",
    urlRules: { allowLoopback: false },
    env: {
      ...env,
      KEYS_TABLE: "keys",
      EVENTS_TABLE: "events",
      METRICS_TABLE: "metrics",
      LIVE_TABLE: "live",
      CURSOR_SECRET: "cursor-secret",
      PEPPER_SECRET: "pepper",
      ...fakes.env,
    },
  };
  const app = buildApp(deps);
  const call = callOf(app);
  const identityOf = (customer_id: string, environment: Identity["environment"], apiKey: string): Identity => ({
    customer_id,
    environment,
    key_id: `key_${apiKey.split("_")[2]}`,
    key_name: `first ${environment} key`,
    scopes,
    limit_per_second: 1_000,
    source_ip: "198.51.100.7",
  });
  return {
    app,
    deps,
    database,
    call,
    advance: (ms) => {
      ahead += ms;
    },
    customer: async (name = "Acme") => {
      const { body } = await call(operator, "POST", "/customers", { name });
      return {
        customer_id: body.customer_id,
        live: identityOf(body.customer_id, "live", body.api_key),
        sandbox: identityOf(body.customer_id, "sandbox", body.sandbox_key),
      };
    },
    close: async () => {
      dynamodb.destroy();
      await database.close();
    },
  };
}
