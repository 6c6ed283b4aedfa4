import { defined } from "../domain/defined.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { Ulid } from "../domain/ids.ts";
import type { Follow, LiveDelivery, LiveEvent } from "../domain/live.ts";
import { MESSAGES_A_SECOND } from "../domain/live.ts";
import type { Millis } from "../domain/time.ts";
import { type Connection, findConnection, follow as follows, takeRoom } from "../sockets/connections.ts";
import { type Bounded, messageOf, type PublishPorts, send, sendOrCount } from "./publish.ts";
import { type Filter, passesDelivery, passesEvent } from "./requests.ts";

/**
 * Sends a socket the events and deliveries that it missed, and those that come until every stage knows that its customer is
 * watched. They are read from the table, in rounds.
 *
 * Invariant: every stored one is sent or counted. A client that names the last event it knows gets all later ones, at the pace that a socket
 * allows; those that the time is too short for are counted. Any other client gets fifty a second and the number of the rest. From
 * the first round until the last but one, nobody else sends these messages; from then on they come as they happen, and the last
 * round makes up for what fell in between. So a message may come twice about then, and none is missing.
 */

/** An event as it is stored. */
export interface Listed {
  readonly ulid: Ulid;
  readonly event: LiveEvent;
  readonly routed_at: Millis;
  readonly deliveries: readonly LiveDelivery[];
}

export interface FollowPorts extends PublishPorts {
  /** Events received from then on, ascending, that were routed from then on; a page. @param after ULID */
  list(
    tenant: Tenant,
    range: { readonly from: Millis; readonly routed_from: Millis; readonly deliveries: boolean; readonly after?: Ulid },
  ): Promise<{ readonly listed: readonly Listed[]; readonly next: Ulid | undefined }>;
}

/** By then every stage has learnt that somebody watches: route and deliver ask within four seconds. */
const KNOWN_MS: Millis = 6_000;
/** An event may be stored so long after one that was accepted later. */
const OVERLAP_MS: Millis = 10_000;
/** Reading sees items that were written a second ago. */
const SETTLED_MS: Millis = 1_000;
const PAUSE_MS: Millis = 400;
const NO_ROOM_MS: Millis = 250;
const NONE = { events: 0, deliveries: 0 };
/** Others keep off for 15 s, unless it says more. */
const AWAY_MS: Millis = 15_000;

/** @param deadline end of sending: the rest is counted, and listed by the API */
export async function follow(request: Follow, ports: FollowPorts, deadline: Millis): Promise<void> {
  const { tenant, connection_id, channel, asked_at, after } = request;
  const { sockets, now, sleep } = ports;
  const seen = new Set<string>();
  let from = request.from;
  let routed_from = request.routed_from;
  let flipped: Millis | undefined;
  let skipped = 0;
  for (;;) {
    const began = now();
    const connection = await findConnection(sockets, tenant, connection_id);
    if (connection?.subscriptions[channel]?.asked_at !== asked_at || connection.ends_at <= began) return;
    if (flipped === undefined && !(await follows(sockets, request, began + AWAY_MS))) return;
    let found = 0;
    for (let at: Ulid | undefined, more = true; more; ) {
      const range = { from, routed_from, deliveries: channel === "deliveries" };
      const page = await ports.list(tenant, { ...range, ...defined({ after: at }) });
      let fresh = messagesOf(connection, channel, page.listed, { seen, known: after, flipped });
      found += fresh.length;
      if (now() >= deadline) {
        skipped += fresh.length;
        fresh = [];
      }
      for (const some of after === undefined ? [fresh] : chunksOf(fresh)) {
        const there =
          after === undefined ? sendOrCount(connection, some, NONE, ports) : sendPaced(connection, some, ports);
        if (!(await there)) return;
        if (flipped === undefined && !(await follows(sockets, request, now() + AWAY_MS))) return;
      }
      at = page.next;
      more = at !== undefined;
      // After a page without anything to send, too, it keeps its turn, or learns that it is another's.
      if (more && fresh.length === 0 && flipped === undefined && !(await follows(sockets, request, now() + AWAY_MS)))
        return;
    }
    if (flipped !== undefined) {
      if (skipped > 0) await send(connection, [{ channel, skipped }], ports);
      return;
    }
    // The next round reads only newer items: those listed until now have been sent.
    from = Math.max(request.from, began - OVERLAP_MS);
    routed_from = Math.max(request.routed_from, began - OVERLAP_MS);
    if (now() < deadline && (found > 0 || now() < asked_at + KNOWN_MS)) {
      await sleep(PAUSE_MS);
      continue;
    }
    if (!(await follows(sockets, request, 0))) return;
    flipped = now();
    await sleep(SETTLED_MS);
  }
}

/** What a socket has been sent, and by whom. */
interface Sent {
  readonly seen: Set<string>;
  /** The event that it knew before. */
  readonly known: Ulid | undefined;
  /** What was routed later is sent by others. */
  readonly flipped: Millis | undefined;
}

/** What is to be sent of what is listed, each once. */
function messagesOf(
  { subscriptions }: Connection,
  channel: "events" | "deliveries",
  listed: readonly Listed[],
  { seen, known, flipped }: Sent,
): Bounded[] {
  const first = (key: string): boolean => {
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  };
  const now = listed.filter(({ routed_at }) => flipped === undefined || routed_at <= flipped);
  // Of those before the known one most have been sent: they may not keep the missed ones waiting.
  const told =
    known === undefined ? now : [...now.filter(({ ulid }) => ulid > known), ...now.filter(({ ulid }) => ulid <= known)];
  if (channel === "events") {
    const filter = subscriptions.events!.filter as Filter<"events">;
    return told
      .filter(({ ulid, event }) => ulid !== known && first(ulid) && passesEvent(filter, event))
      .map(({ event }) => ({ channel, message: messageOf.events(event) }));
  }
  const filter = subscriptions.deliveries!.filter as Filter<"deliveries">;
  return told
    .flatMap(({ deliveries }) => deliveries)
    .filter((delivery) => first(`${delivery.delivery_id} ${delivery.attempt} ${delivery.status}`))
    .filter((delivery) => passesDelivery(filter, delivery))
    .map((delivery) => ({ channel, message: messageOf.deliveries(delivery) }));
}

function chunksOf<T>(all: readonly T[]): T[][] {
  const count = Math.ceil(all.length / MESSAGES_A_SECOND);
  return Array.from({ length: count }, (_, at) => all.slice(at * MESSAGES_A_SECOND, (at + 1) * MESSAGES_A_SECOND));
}

/** Waits for room instead of leaving anything out. @returns whether the socket is still there */
async function sendPaced(connection: Connection, all: readonly Bounded[], ports: PublishPorts): Promise<boolean> {
  const { tenant, connection_id } = connection;
  for (let left = all.map(({ message }) => message); left.length > 0; ) {
    const room = await takeRoom(ports.sockets, tenant, connection_id, left.length, ports.now());
    if (!(await send(connection, left.slice(0, room), ports))) return false;
    left = left.slice(room);
    if (left.length > 0) await ports.sleep(NO_ROOM_MS);
  }
  return true;
}
