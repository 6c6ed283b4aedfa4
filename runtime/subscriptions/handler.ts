import { sql } from "kysely";
import { LRUCache } from "lru-cache";
import { clientsOver } from "../aws/clients.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import { connect } from "../database/connect.ts";
import { readEnvironment } from "../domain/environment.ts";
import type { ServiceRequest } from "../domain/service.ts";
import { vaults } from "../domain/webhook/vault.ts";
import { subscriptionsVariables } from "./environment.ts";
import { serve } from "./service.ts";

const RING_MS = 300_000;
const SECRET_TIMEOUT_MS = 3_000;

const env = readEnvironment(subscriptionsVariables);
const db = connect(env);
const { getSecret } = clientsOver(signedCalls(settingsHere(SECRET_TIMEOUT_MS)));
const rings = new LRUCache<string, string>({
  max: 1,
  ttl: RING_MS,
  // While it can't be read again, the one that is known serves on.
  allowStaleOnFetchRejection: true,
  fetchMethod: async (secret) => {
    const ring = await getSecret(secret);
    if (ring === undefined || ring === "") throw new Error(`the secret ${secret} has no value yet`);
    return ring;
  },
});
const vaultOf = vaults();

// The first invocation finds the connection made and the secret read; where they can't be, it says so itself.
await Promise.allSettled([sql`select 1`.execute(db), rings.fetch(env.SEALING_SECRET)]);

/** Invoked by the platform's other functions: a `ServiceRequest` in, the operation's answer out. */
export const handler = async (request: ServiceRequest) =>
  serve(db, request, Date.now(), vaultOf(await rings.forceFetch(env.SEALING_SECRET)));
