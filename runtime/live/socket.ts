import type { AskPublisher } from "../aws/publisher.ts";
import type { Service } from "../aws/service.ts";
import type { Table } from "../aws/tables.ts";
import { defined } from "../domain/defined.ts";
import { asTriggersError, errorBody, TriggersError } from "../domain/errors/errors.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { timeOf } from "../domain/ids.ts";
import { MAX_FIGURE_FILTERS, MAX_OWN_SOCKETS, MAX_SOCKETS, type Watcher } from "../domain/live.ts";
import type { Millis } from "../domain/time.ts";
import {
  connectionsOf,
  filterText,
  findConnection,
  mayBeHeard,
  putConnection,
  removeConnection,
  subscribe,
  unsubscribe,
} from "../sockets/connections.ts";
import { requireChannel } from "./mayListen.ts";
import { type ClientMessage, readMessage } from "./requests.ts";

/** What happens to a socket: it opens, says something, closes. */

export interface SocketPorts {
  readonly sockets: Table;
  readonly service: Service;
  readonly ask: AskPublisher;
  now(): Millis;
  failed(what: string, requestId: string, cause: unknown): void;
}

/** Of whom a socket is, as the authoriser has found. */
export interface Opened {
  readonly tenant: Tenant;
  readonly connection_id: string;
  readonly who: Watcher;
  readonly ends_at: Millis;
}

/** What happens in the first 15 s is sent by the reader that follows, and then for as long as that says. */
const FOLLOWED_MS: Millis = 15_000;
/** An event may have been accepted so long before one that was sent earlier. */
const OVERLAP_MS: Millis = 60_000;
/** Between an event's being stored and its being sent, on any machine's clock. */
const SENT_AFTER_MS: Millis = 5_000;

const isSame = (a: Watcher, b: Watcher): boolean => a.key_id === b.key_id && a.person_id === b.person_id;

/** @returns the status of the handshake: 429 where the customer, or this person or key, has as many sockets as it may */
export async function opened(socket: Opened, { sockets, now }: SocketPorts): Promise<number> {
  const all = await connectionsOf(sockets, socket.tenant);
  const others = all.filter(({ ends_at }) => ends_at > now());
  if (others.length >= MAX_SOCKETS) return 429;
  if (others.filter(({ who }) => isSame(who, socket.who)).length >= MAX_OWN_SOCKETS) return 429;
  await putConnection(sockets, socket);
  return 200;
}

/** What is answered over the socket. Never throws. */
export async function said(socket: Opened, text: string, requestId: string, ports: SocketPorts): Promise<string> {
  try {
    const message = readMessage(text);
    const heard = await mayBeHeard(ports.sockets, socket.tenant, socket.connection_id, ports.now());
    if (!heard) throw new TriggersError("rate_limited", "One socket says at most 30 things in 10 seconds.");
    if (message.kind === "subscribe") await begin(socket, message, ports);
    else await unsubscribe(ports.sockets, socket.tenant, socket.connection_id, message.channel);
    return JSON.stringify(
      message.kind === "subscribe" ? { subscribed: message.channel } : { unsubscribed: message.channel },
    );
  } catch (thrown) {
    const error = asTriggersError(thrown);
    if (error.status >= 500) ports.failed("live.failed", requestId, error.cause ?? error);
    return JSON.stringify(errorBody(error, requestId));
  }
}

/** @throws TriggersError `limit_reached` where the other sockets of the customer have as many different filters of figures as they may */
async function refuseManyFilters(
  { tenant, connection_id }: Opened,
  filter: unknown,
  { sockets, now }: SocketPorts,
): Promise<void> {
  const others = (await connectionsOf(sockets, tenant)).filter(
    (other) => other.connection_id !== connection_id && other.ends_at > now(),
  );
  const filters = new Set(others.flatMap(({ subscriptions: { metrics } }) => (metrics ? [filterText(metrics)] : [])));
  if (filters.size < MAX_FIGURE_FILTERS || filters.has(filterText({ filter }))) return;
  throw new TriggersError(
    "limit_reached",
    `Sockets of one environment have at most ${MAX_FIGURE_FILTERS} different filters of "metrics" at a time.`,
  );
}

/** First the socket listens, then everybody hears that it does, then it is sent what it misses meanwhile. */
async function begin(
  socket: Opened,
  { channel, filter, after }: Extract<ClientMessage, { kind: "subscribe" }>,
  ports: SocketPorts,
): Promise<void> {
  const { tenant, connection_id, who, ends_at } = socket;
  const { sockets, service, ask, now } = ports;
  requireChannel(who.role, channel);
  if (channel === "metrics") await refuseManyFilters(socket, filter, ports);
  const asked_at = now();
  const followed = channel === "events" || channel === "deliveries";
  const following = followed ? asked_at + FOLLOWED_MS : 0;
  if (!(await subscribe(sockets, tenant, connection_id, channel, { filter, following, asked_at })))
    throw new Error("the socket has no record");
  await service({ op: "watch", tenant, until: ends_at });
  if (channel === "metrics") await ask({ op: "measure", tenant });
  if (!followed) return;
  const since = after === undefined ? asked_at : timeOf(after);
  await ask({
    ...{ op: "follow", tenant, connection_id, channel, asked_at },
    from: after === undefined ? asked_at : since - OVERLAP_MS,
    routed_from: since - (after === undefined ? 0 : SENT_AFTER_MS),
    ...defined({ after }),
  });
}

/** Forgets the socket, and says so where it was the last that listened. */
export async function closed(
  { tenant, connection_id }: Pick<Opened, "tenant" | "connection_id">,
  { sockets, service, now }: SocketPorts,
): Promise<void> {
  const known = await findConnection(sockets, tenant, connection_id);
  if (known === undefined) return;
  await removeConnection(sockets, tenant, connection_id);
  const as_of = now();
  const others = await connectionsOf(sockets, tenant);
  if (!others.some(({ ends_at, subscriptions }) => ends_at > as_of && Object.keys(subscriptions).length > 0))
    await service({ op: "unwatch", tenant, as_of });
}
