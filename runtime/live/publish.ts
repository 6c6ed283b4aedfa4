import pLimit from "p-limit";
import { errorText, type Log } from "../aws/log.ts";
import type { Service } from "../aws/service.ts";
import type { Table } from "../aws/tables.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { LiveAlert, LiveDelivery, LiveEvent, News } from "../domain/live.ts";
import type { Role } from "../domain/people/roles.ts";
import type { Millis } from "../domain/time.ts";
import {
  type Connection,
  connectionsOf,
  noteSkipped,
  removeConnection,
  takeRoom,
  takeSkipped,
} from "../sockets/connections.ts";
import type { Posting } from "./posting.ts";
import { type Filter, passesAlert, passesDelivery, passesEvent } from "./requests.ts";

/**
 * Sends what happened to those who watch.
 *
 * Invariant: a socket gets at most 50 messages of events and deliveries in a second, and hears of each one that was left out for that, in
 * a number. One that is gone, whose key has ended, or whose person has another role by now, gets no further messages.
 */

export interface PublishPorts {
  readonly log: Log;
  readonly sockets: Table;
  readonly service: Service;
  readonly posting: Posting;
  now(): Millis;
  sleep(ms: Millis): Promise<void>;
  /** Whether a key may still read. */
  keyStands(keyId: string): Promise<boolean>;
  /** Whether a person still has this role in the customer. */
  personStands(tenant: Tenant, personId: string, role: Role): Promise<boolean>;
}

/** Sockets sent to at once. */
const AT_ONCE = 32;
/** A socket's second is over by then. */
const SECOND_MS: Millis = 1_000;

const eventMessage = ({ key_id: _, ...event }: LiveEvent) => ({ channel: "events", ...event });
const deliveryMessage = ({ event_types: _, ...delivery }: LiveDelivery) => ({ channel: "deliveries", ...delivery });
const alertMessage = (alert: LiveAlert) => ({ channel: "alerts", ...alert });
export const messageOf = { events: eventMessage, deliveries: deliveryMessage, alerts: alertMessage } as const;

/**
 * The sockets of a tenant that may be sent to. The others are closed and forgotten. Where that can't be looked up now, the socket stays, and is
 * left out.
 * @throws Error when a lookup failed and no other socket listens: the tenant may still be watched
 */
export async function standing(tenant: Tenant, ports: PublishPorts): Promise<Connection[]> {
  const { sockets, now, log } = ports;
  const untold: unknown[] = [];
  const all = await connectionsOf(sockets, tenant);
  const checked = await Promise.all(
    all.map(async (connection) => {
      try {
        if (connection.ends_at > now() && (await mayStill(connection, ports))) return [connection];
        await end(connection, ports);
      } catch (error) {
        untold.push(error);
        log("warn", "live.standing_unknown", { tenant, error: errorText(error) });
      }
      return [];
    }),
  );
  const found = checked.flat();
  if (untold.length > 0 && !found.some(listens)) throw untold[0];
  return found;
}

const listens = ({ subscriptions }: Connection): boolean => Object.keys(subscriptions).length > 0;

async function mayStill({ tenant, who }: Connection, { keyStands, personStands }: PublishPorts): Promise<boolean> {
  const { key_id, person_id, role } = who;
  if (key_id !== undefined) return keyStands(key_id);
  return person_id === undefined || role === undefined || personStands(tenant, person_id, role);
}

/** Closes a socket and forgets it. */
export async function end({ tenant, connection_id }: Connection, { posting, sockets, log }: PublishPorts) {
  await posting
    .close(connection_id)
    .catch((error: unknown) => log("warn", "live.not_closed", { tenant, error: errorText(error) }));
  await removeConnection(sockets, tenant, connection_id);
}

/** Sends one after the other, until the socket turns out to be gone. @returns whether it is still there */
export async function send(
  { tenant, connection_id }: Pick<Connection, "tenant" | "connection_id">,
  messages: readonly unknown[],
  { posting, sockets }: PublishPorts,
): Promise<boolean> {
  for (const message of messages) {
    if (await posting.post(connection_id, message)) continue;
    await removeConnection(sockets, tenant, connection_id);
    return false;
  }
  return true;
}

/** @returns whether somebody watches figures */
export async function publish(news: News, ports: PublishPorts): Promise<boolean> {
  const { tenant } = news;
  const { now, service, log } = ports;
  const as_of = now();
  const connections = await standing(tenant, ports);
  const listening = connections.filter(listens);
  if (listening.length === 0) {
    await service({ op: "unwatch", tenant, as_of });
    return false;
  }
  const limit = pLimit(AT_ONCE);
  await limit.map(listening, async (connection) => {
    try {
      await tell(connection, news, ports);
    } catch (error) {
      // One socket's never keeps the others waiting.
      log("warn", "live.not_sent", { tenant, error: errorText(error) });
    }
  });
  return listening.some(({ subscriptions }) => subscriptions.metrics !== undefined);
}

/** What of the news a socket has asked for, in the order in which it happened. */
function wantedOf({ subscriptions }: Connection, news: News, now: Millis) {
  const { events, deliveries, alerts } = subscriptions;
  const live = (following: Millis | undefined) => following !== undefined && following <= now;
  const { events: happened = [], deliveries: made = [], alerts: changed = [], untold = {} } = news;
  return {
    alerts: alerts === undefined ? [] : changed.filter((each) => passesAlert(alerts.filter as Filter<"alerts">, each)),
    events: live(events?.following)
      ? happened.filter((each) => passesEvent(events!.filter as Filter<"events">, each))
      : [],
    deliveries: live(deliveries?.following)
      ? made.filter((each) => passesDelivery(deliveries!.filter as Filter<"deliveries">, each))
      : [],
    // Events and deliveries that were left out can't be checked against a filter, so only sockets without filters count them.
    untold: {
      events: live(events?.following) && isOpen(events!.filter) ? (untold.events ?? 0) : 0,
      deliveries: live(deliveries?.following) && isOpen(deliveries!.filter) ? (untold.deliveries ?? 0) : 0,
    },
  };
}

const isOpen = (filter: Readonly<Record<string, unknown>>): boolean => Object.keys(filter).length === 0;

async function tell(connection: Connection, news: News, ports: PublishPorts): Promise<void> {
  const { alerts, events, deliveries, untold } = wantedOf(connection, news, ports.now());
  if (alerts.length > 0 && !(await send(connection, alerts.map(alertMessage), ports))) return;
  const bounded = [
    ...events.map((event) => ({ channel: "events" as const, message: eventMessage(event) })),
    ...deliveries.map((delivery) => ({ channel: "deliveries" as const, message: deliveryMessage(delivery) })),
  ];
  await sendOrCount(connection, bounded, untold, ports);
}

/** A message of those that a socket gets fifty of in a second. */
export interface Bounded {
  readonly channel: "events" | "deliveries";
  readonly message: unknown;
}

/**
 * Sends what there is room for now, and the number of the others once the second is over.
 * @param untold how many more there were @returns whether the socket is still there
 */
export async function sendOrCount(
  connection: Connection,
  messages: readonly Bounded[],
  untold: Readonly<Record<Bounded["channel"], number>>,
  ports: PublishPorts,
): Promise<boolean> {
  const { tenant, connection_id: id } = connection;
  const { sockets, now } = ports;
  const all = messages.length + untold.events + untold.deliveries;
  if (all === 0) return true;
  const room = await takeRoom(sockets, tenant, id, all, now());
  const sent = messages.slice(0, room).map(({ message }) => message);
  if (!(await send(connection, sent, ports))) return false;
  const left = messages.slice(room);
  for (const channel of ["events", "deliveries"] as const) {
    const skipped = left.filter((each) => each.channel === channel).length + untold[channel];
    if (skipped === 0 || !(await noteSkipped(sockets, tenant, id, channel, skipped))) continue;
    await ports.sleep(SECOND_MS);
    const number = await takeSkipped(sockets, tenant, id, channel);
    if (number > 0 && !(await send(connection, [{ channel, skipped: number }], ports))) return false;
  }
  return true;
}
