import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { dynamodbClient } from "../aws/dynamodb.ts";
import type { KeyRecord, Peppers } from "../domain/identity/apiKey.ts";
import type { Millis } from "../domain/time.ts";
import { noteUse, readKey } from "../keys/keysTable.ts";
import type { EdgeConfig } from "./config.ts";

/** The replicas of the keys table and the pepper, nearest first; when one does not answer, the next is asked. */
export interface Directory {
  /** @throws the last failure, when no replica answers */
  read(keyId: string): Promise<KeyRecord | undefined>;
  peppers(): Promise<Peppers>;
  /** Notes that a key is in use, unless noted a moment ago. Never rejects. */
  noteUse(keyId: string, now: Millis): Promise<void>;
}

const ATTEMPTS = 2;

export function openDirectory(config: EdgeConfig, regions: readonly string[]): Directory {
  const clients = regions.map((region) => {
    const requestHandler = new NodeHttpHandler({ connectionTimeout: 500, requestTimeout: 1_000 });
    const options = { region, maxAttempts: 1, requestHandler };
    return {
      keys: { dynamodb: dynamodbClient(options), name: config.keys_table },
      secrets: new SecretsManagerClient(options),
    };
  });
  const inTurn = async <T>(ask: (client: (typeof clients)[number]) => Promise<T>): Promise<T> => {
    let failure: unknown;
    for (let i = 0; i < Math.max(ATTEMPTS, clients.length); i += 1) {
      try {
        return await ask(clients[i % clients.length]!);
      } catch (cause) {
        failure = cause;
      }
    }
    throw failure;
  };
  return {
    read: (keyId) => inTurn(({ keys }) => readKey(keys, keyId, "eventual")),
    peppers: () =>
      inTurn(async ({ secrets }) => {
        const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: config.pepper_secret }));
        return JSON.parse(SecretString ?? "") as Peppers;
      }),
    noteUse: async (keyId, now) => {
      await noteUse(clients[0]!.keys, keyId, now).catch(() => {}); // lost: it is coarse anyway
    },
  };
}
