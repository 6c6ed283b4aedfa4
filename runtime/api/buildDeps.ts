import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { LRUCache } from "lru-cache";
import { clientsOver } from "../aws/clients.ts";
import { log } from "../aws/log.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import { usageOver } from "../counters/write.ts";
import { connect } from "../database/connect.ts";
import { readEnvironment } from "../domain/environment.ts";

import { vaults } from "../domain/webhook/vault.ts";
import { urlRulesOf } from "../domain/webhook/webhookUrl.ts";
import { redisOf } from "../redis/connect.ts";
import { endVersionsIn } from "../redis/endedVersions.ts";
import { CLAIM_SCRIPT, IdempotencyStore, SETTLE_SCRIPT } from "../redis/idempotency.ts";
import { Limiter } from "../redis/limiter.ts";
import { roomIn } from "../redis/room.ts";
import { WINDOW_SCRIPT } from "../redis/window.ts";
import type { Deps } from "./deps.ts";
import { apiVariables } from "./environment.ts";

const SECRET_MS = 300_000;
/** One attempt of a call: a query brings 1 MB at most. */
const CALL_TIMEOUT_MS = 10_000;

/** The real things, once a cold start. */
export function buildDeps(): Deps {
  const env = readEnvironment(apiVariables);
  const secrets = new SecretsManagerClient({});
  const values = new LRUCache<string, string>({
    max: 16,
    ttl: SECRET_MS,
    fetchMethod: async (id) => {
      const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: id }));
      if (SecretString === undefined || SecretString === "") throw new Error(`the secret ${id} has no value yet`);
      return SecretString;
    },
  });
  const vaultOf = vaults();
  const { dynamodb, sqs } = clientsOver(signedCalls(settingsHere(CALL_TIMEOUT_MS)));
  const secret = (id: string) => values.forceFetch(id);
  const redis = redisOf(env, secret, { window: WINDOW_SCRIPT, claim: CLAIM_SCRIPT, settle: SETTLE_SCRIPT });
  return {
    env,
    urlRules: urlRulesOf({ ...env, LOCAL_PORTS: process.env.LOCAL_PORTS }),
    region: process.env.AWS_REGION ?? "",
    db: connect(env),
    dynamodb,
    cloudwatch: new CloudWatchClient({}),
    countUsage: usageOver({ dynamodb, name: env.METRICS_TABLE }, log),
    s3: new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined }),
    sqs,
    lambda: new LambdaClient({}),
    secrets,
    secret,
    vault: async () => vaultOf(await secret(env.SEALING_SECRET)),
    limiter: new Limiter({
      redis,
      now: Date.now,
      failedOpen: (cause) => log("warn", "api.limiter_failed_open", { error: String(cause) }),
    }),
    endVersion: endVersionsIn(redis, Date.now),
    idempotency: new IdempotencyStore(redis, roomIn(redis, Date.now)),
    now: Date.now,
    log,
  };
}
