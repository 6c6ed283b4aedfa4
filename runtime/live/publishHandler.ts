import { LRUCache } from "lru-cache";
import { clientsOver } from "../aws/clients.ts";
import { log } from "../aws/log.ts";
import { serviceOver } from "../aws/service.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import type { Table } from "../aws/tables.ts";
import { readEnvironment } from "../domain/environment.ts";
import { growing } from "../domain/growing.ts";
import { splitTenant, type Tenant } from "../domain/identity/identity.ts";
import type { PublishRequest } from "../domain/live.ts";
import type { Role } from "../domain/people/roles.ts";
import { MINUTE_MS, type Millis } from "../domain/time.ts";
import { readKey } from "../keys/keysTable.ts";
import { connectionsOf } from "../sockets/connections.ts";
import { listLive } from "../store/live.ts";
import { publishVariables } from "./environment.ts";
import { type FollowPorts, follow } from "./follow.ts";
import { type MeasurePorts, measure } from "./measure.ts";
import { postingOver } from "./posting.ts";
import { end, publish } from "./publish.ts";

const env = readEnvironment(publishVariables);
const calls = signedCalls(settingsHere(5_000));
const { dynamodb, invoke } = clientsOver(calls);
const service = serviceOver(invoke, env.SUBSCRIPTIONS_FUNCTION);
const keys: Table = { dynamodb, name: env.KEYS_TABLE };
const events: Table = { dynamodb, name: env.EVENTS_TABLE };

/** The sockets of a revoked key get no further messages after 30 s. */
const KEY_MS = 30_000;
const standingKeys = new LRUCache<string, boolean>({
  ...growing(10_000),
  ttl: KEY_MS,
  fetchMethod: async (id) => {
    const key = await readKey(keys, id, "eventual");
    const over = key?.expires_at !== undefined && Date.parse(key.expires_at) <= Date.now();
    return key?.status === "active" && !over;
  },
});

/** As for other calls of a session: another role, or a removal, counts after 30 s. */
const standingPeople = new LRUCache<string, { readonly role: Role | null }, { readonly tenant: Tenant }>({
  ...growing(10_000),
  ttl: KEY_MS,
  fetchMethod: async (person_id, _, { context: { tenant } }) =>
    (await service({ op: "role", customer_id: splitTenant(tenant).customer_id, person_id })).answer,
});

const ports: FollowPorts & MeasurePorts = {
  log,
  sockets: { dynamodb, name: env.LIVE_TABLE },
  service,
  posting: postingOver(calls, env.LIVE_API, env.LIVE_STAGE),
  now: Date.now,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  keyStands: async (id) => (await standingKeys.fetch(id)) === true,
  personStands: async (tenant, id, role) => (await standingPeople.fetch(id, { context: { tenant } }))?.role === role,
  list: (tenant, range) => listLive(events, tenant, range, Date.now()),
  reader: {
    counters: { dynamodb, name: env.METRICS_TABLE },
    now: Date.now,
    // Two minutes never need it.
    cube: { ask: () => Promise.reject(new Error("figures that are told live never ask the cube")) },
    workflows: async (tenant) => new Map((await service({ op: "workflows", tenant })).answer.workflows),
  },
};

/** So long one socket is sent what it missed, and figures are sent, at most. */
const LONGEST_MS: Millis = 10 * MINUTE_MS;

/** Started asynchronously by the stages that have something to tell. */
export async function handler(request: PublishRequest): Promise<void> {
  const deadline = Date.now() + LONGEST_MS;
  if (request.op === "follow") return follow(request, ports, deadline);
  if (request.op === "measure") return measure(request.tenant, ports, deadline);
  if (request.op === "end") {
    const sockets = await connectionsOf(ports.sockets, request.tenant);
    await Promise.all(sockets.filter(({ who }) => who.session === request.session).map((each) => end(each, ports)));
    return;
  }
  if (await publish(request, ports)) await measure(request.tenant, ports, deadline);
}
