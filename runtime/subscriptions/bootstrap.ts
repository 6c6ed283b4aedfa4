import { randomBytes } from "node:crypto";
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Context } from "aws-lambda";
import { type Kysely, sql } from "kysely";
import { dynamodbClient } from "../aws/dynamodb.ts";
import type { Table } from "../aws/tables.ts";
import { connect } from "../database/connect.ts";
import { migrate } from "../database/migrate.ts";
import type { Database } from "../database/schema.ts";
import { countSealed, sealAnew } from "../database/sealing.ts";
import { readEnvironment } from "../domain/environment.ts";
import { formatKey, hashSecret, newKeyId, newSecret, type Peppers, parseKey } from "../domain/identity/apiKey.ts";
import { OPERATOR } from "../domain/identity/identity.ts";
import { isUnavailable } from "../domain/outage.ts";
import type { ShardRule } from "../domain/shards.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";
import { newKeyRing, openVault } from "../domain/webhook/vault.ts";
import { putNewKey, readKey } from "../keys/keysTable.ts";
import { type BootstrapEnvironment, bootstrapVariables } from "./environment.ts";
import { keepShards } from "./shardHistory.ts";

/**
 * What a deployment needs before its first request: tables, pepper, cursor secret, operator key. Every step looks at the state
 * first, so it may run at every deployment, and again after a crash at any point.
 */
const OPERATOR_LIMIT = 1_000;

interface Bootstrap {
  readonly env: BootstrapEnvironment;
  readonly db: Kysely<Database>;
  /** The `keys` table. */
  readonly keys: Table;
  readonly secrets: SecretsManagerClient;
  now(): Millis;
  /** Milliseconds: sealing stops then, and the next run continues. */
  readonly until: Millis;
}

/** The secret's value, made and stored first when it has none yet. */
async function ensureSecret(
  { secrets }: Bootstrap,
  id: string,
  make: () => string,
): Promise<{ value: string; made: boolean }> {
  try {
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: id }));
    if (SecretString !== undefined && SecretString !== "") return { value: SecretString, made: false };
  } catch (error) {
    // A secret that has no version yet answers so; a missing secret fails again below.
    if ((error as Error).name !== "ResourceNotFoundException") throw error;
  }
  const value = make();
  await secrets.send(new PutSecretValueCommand({ SecretId: id, SecretString: value }));
  return { value, made: true };
}

const newPeppers = (): string =>
  JSON.stringify({ current: "1", versions: { "1": randomBytes(32).toString("base64") } } satisfies Peppers);

/** Stores the operator key's record unless it is there: the secret is written first, so that it can't be lost. */
async function ensureOperator(bootstrap: Bootstrap, peppers: Peppers): Promise<boolean> {
  const { env, keys, now } = bootstrap;
  const { value } = await ensureSecret(bootstrap, env.OPERATOR_SECRET, () =>
    formatKey("live", newKeyId(now()), newSecret()),
  );
  const key = parseKey(value);
  if (key === undefined) throw new Error("the operator's secret holds no API key");
  if ((await readKey(keys, key.key_id, "eventual")) !== undefined) return false;
  const hash = hashSecret(key.secret, peppers.versions[peppers.current]!);
  const record = {
    key_id: key.key_id,
    customer_id: OPERATOR,
    environment: "live",
    name: "operator",
    scopes: ["admin"],
    status: "active",
    versions: [{ hash, pepper_version: peppers.current, created_at: rfc3339(now()) }],
    customer_limit_per_second: OPERATOR_LIMIT,
    created_at: rfc3339(now()),
  } as const;
  return putNewKey(keys, record);
}

const ringOf = (context: Bootstrap) =>
  ensureSecret(context, context.env.SEALING_SECRET, () => JSON.stringify(newKeyRing()));

/** Runs every step. @returns the changes that it made, for the deployment's log */
export async function bootstrap(context: Bootstrap) {
  const migrations = await migrate(context.db);
  const pepper = await ensureSecret(context, context.env.PEPPER_SECRET, newPeppers);
  const cursor = await ensureSecret(context, context.env.CURSOR_SECRET, () => randomBytes(32).toString("base64"));
  const operator = await ensureOperator(context, JSON.parse(pepper.value) as Peppers);
  await keepShards(context.db, JSON.parse(context.env.EVENT_SHARDS) as ShardRule[], context.now(), operator);
  const ring = await ringOf(context);
  // Once the version before could read what is sealed: it runs on while this one is deployed.
  const sealed = ring.made ? 0 : await sealAnew(context.db, openVault(ring.value), () => context.now() > context.until);
  return { sealed, migrations, pepper_made: pepper.made, cursor_secret_made: cursor.made, operator_key_made: operator };
}

/** How long a deployment waits for its database, milliseconds: the function has 300 s, and the migrations need the rest. */
const PATIENCE_MS = 240_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/** Time, as an argument. */
export interface Time {
  now(): Millis;
  pause(ms: Millis): Promise<unknown>;
}

/**
 * Resolves once the database answers. A deployment goes on as soon as the proxy's target is registered, which becomes available
 * some minutes later. @throws what the database says when that is no outage, or after four minutes of outage
 */
export async function untilItAnswers(ask: () => Promise<unknown>, { now, pause }: Time): Promise<void> {
  const until = now() + PATIENCE_MS;
  for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
    try {
      await ask();
      return;
    } catch (error) {
      if (!isUnavailable(error) || now() + wait > until) throw error;
    }
    await pause(wait);
  }
}

const time: Time = { now: Date.now, pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };

/** Time that sealing a page may take. */
const LEFT_MS = 20_000;

/** What `npm run sealing` asks: how many texts each key of the ring has sealed. */
export interface CountSealed {
  readonly op: "count_sealed";
}

/** @param event of a deployment, or of an operator who asks for the same once more, or just counts */
export async function handler(event: CountSealed | { readonly code?: string }, invocation: Context) {
  const env = readEnvironment(bootstrapVariables);
  const until = Date.now() + invocation.getRemainingTimeInMillis() - LEFT_MS;
  const db = connect(env);
  const context = {
    env,
    db,
    keys: { dynamodb: dynamodbClient(), name: env.KEYS_TABLE },
    secrets: new SecretsManagerClient({}),
    now: Date.now,
    until,
  };
  try {
    await untilItAnswers(() => sql`select 1`.execute(db), time);
    if ("op" in event) return await countSealed(db, openVault((await ringOf(context)).value));
    return await bootstrap(context);
  } finally {
    await db.destroy();
  }
}
