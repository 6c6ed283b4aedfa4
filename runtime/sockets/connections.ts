import { createHash } from "node:crypto";
import { deleteItem, getItem, putItem, queryAll, type Table, updateItem, updateOnce } from "../aws/tables.ts";
import { canonicalJson } from "../domain/canonicalJson.ts";
import type { Item } from "../domain/codec/fields.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { type Channel, channels, type Follow, MESSAGES_A_SECOND, type Watcher } from "../domain/live.ts";
import { DAY_SECONDS, type Millis, secondsOf } from "../domain/time.ts";

/**
 * Sockets of those who watch, and what each of them is to be sent: an item a socket, in its tenant's partition.
 *
 * Invariant: an item is made by the handshake alone. All else is noted in an item that is there, so that a socket that is removed stays
 * removed.
 */

export interface Subscription {
  /** As the client gave it; checked. */
  readonly filter: Readonly<Record<string, unknown>>;
  /** Until then what was missed is sent by who follows, and nobody else, milliseconds; 0: as it happens. */
  readonly following: Millis;
  /** When it was asked for, milliseconds: who follows for an earlier one stops. */
  readonly asked_at: Millis;
}

/** A filter as a text that is the same for the same filter, for any order of its members. */
export const filterText = ({ filter }: { readonly filter: unknown }): string => canonicalJson(filter);

export interface Connection {
  readonly tenant: Tenant;
  readonly connection_id: string;
  readonly who: Watcher;
  /** When it is closed at the latest, milliseconds. */
  readonly ends_at: Millis;
  readonly subscriptions: Readonly<Partial<Record<Channel, Subscription>>>;
}

const partitionOf = (tenant: Tenant): string => `sockets#${tenant}`;
const keyOf = (tenant: Tenant, id: string): Item => ({ pk: { S: partitionOf(tenant) }, sk: { S: id } });
const EXISTS = { ConditionExpression: "attribute_exists(pk)" };
const N = (value: number) => ({ N: String(value) });
/** What counts as a second of a socket's. */
const WINDOW_MS = 1_000;
/** Each thing that a socket says has two functions work: so many of them in so long. */
const HEARD_MS = 10_000;
const MESSAGES_HEARD = 30;

export async function putConnection(
  sockets: Table,
  { tenant, connection_id, who, ends_at }: Omit<Connection, "subscriptions">,
): Promise<void> {
  await putItem(sockets, {
    ...keyOf(tenant, connection_id),
    who: { S: JSON.stringify(who) },
    ends_at: N(ends_at),
    expires_at: N(secondsOf(ends_at) + 60),
  });
}

function decode(tenant: Tenant, item: Item): Connection {
  const subscriptions: Partial<Record<Channel, Subscription>> = {};
  for (const channel of channels) {
    const filter = item[`on_${channel}`]?.S;
    if (filter === undefined) continue;
    const following = Number(item[`following_${channel}`]?.N ?? 0);
    const asked_at = Number(item[`asked_${channel}`]?.N ?? 0);
    subscriptions[channel] = { filter: JSON.parse(filter) as Subscription["filter"], following, asked_at };
  }
  return {
    tenant,
    connection_id: item.sk!.S!,
    who: JSON.parse(item.who!.S!) as Watcher,
    ends_at: Number(item.ends_at!.N),
    subscriptions,
  };
}

/** The sockets of a tenant, also those that have lived out their time and were not closed yet. */
export async function connectionsOf(sockets: Table, tenant: Tenant): Promise<Connection[]> {
  const items = await queryAll(sockets, {
    KeyConditionExpression: "pk = :pk",
    ExpressionAttributeValues: { ":pk": { S: partitionOf(tenant) } },
    consistency: "strong",
  });
  return items.filter((item) => item.who !== undefined).map((item) => decode(tenant, item));
}

export async function findConnection(sockets: Table, tenant: Tenant, id: string): Promise<Connection | undefined> {
  const item = await getItem(sockets, keyOf(tenant, id), "strong");
  return item?.who === undefined ? undefined : decode(tenant, item);
}

/** @returns false where the socket is closed */
export async function subscribe(
  sockets: Table,
  tenant: Tenant,
  id: string,
  channel: Channel,
  { filter, following, asked_at }: Subscription,
): Promise<boolean> {
  const changed = await updateItem(sockets, keyOf(tenant, id), {
    UpdateExpression: `SET on_${channel} = :filter, following_${channel} = :following, asked_${channel} = :asked`,
    ...EXISTS,
    ExpressionAttributeValues: {
      ":filter": { S: JSON.stringify(filter) },
      ":following": N(following),
      ":asked": N(asked_at),
    },
  });
  return changed !== undefined;
}

export async function unsubscribe(sockets: Table, tenant: Tenant, id: string, channel: Channel): Promise<void> {
  await updateItem(sockets, keyOf(tenant, id), {
    UpdateExpression: `REMOVE on_${channel}, following_${channel}, asked_${channel}`,
    ...EXISTS,
  });
}

/**
 * Says until when what happens on a channel is sent by who follows.
 * @returns false where its listener left or asked anew, and another function follows
 */
export async function follow(
  sockets: Table,
  { tenant, connection_id, channel, asked_at }: Pick<Follow, "tenant" | "connection_id" | "channel" | "asked_at">,
  until: Millis,
): Promise<boolean> {
  const changed = await updateItem(sockets, keyOf(tenant, connection_id), {
    UpdateExpression: `SET following_${channel} = :until`,
    ConditionExpression: `asked_${channel} = :asked`,
    ExpressionAttributeValues: { ":until": N(until), ":asked": N(asked_at) },
  });
  return changed !== undefined;
}

export async function removeConnection(sockets: Table, tenant: Tenant, id: string): Promise<void> {
  await deleteItem(sockets, keyOf(tenant, id));
}

/** The counters of a socket, each in windows of its own: where in its item, how long, and how many at most. */
interface Window {
  readonly began: string;
  readonly count: string;
  readonly ms: Millis;
  readonly most: number;
}
const sentWindow: Window = { began: "began", count: "sent", ms: WINDOW_MS, most: MESSAGES_A_SECOND };
const heardWindow: Window = { began: "heard_began", count: "heard", ms: HEARD_MS, most: MESSAGES_HEARD };

/**
 * Takes room in a window of the socket's. A window begins with the first that comes after the one before is over.
 * @returns how many there is room for now, at most as many as are wanted
 */
async function take(
  sockets: Table,
  key: Item,
  { began, count, ms, most }: Window,
  wanted: number,
  now: Millis,
): Promise<number> {
  const names = { "#began": began, "#count": count };
  const within = () =>
    updateItem(sockets, key, {
      UpdateExpression: "SET #count = #count + :wanted",
      ConditionExpression: "attribute_exists(pk) AND #began > :before AND #count < :most",
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: { ":wanted": N(wanted), ":before": N(now - ms), ":most": N(most) },
      ReturnValues: "UPDATED_NEW",
    });
  const anew = () =>
    updateOnce(sockets, key, {
      UpdateExpression: "SET #began = :now, #count = :wanted",
      ConditionExpression: "attribute_exists(pk) AND (attribute_not_exists(#began) OR #began <= :before)",
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: { ":now": N(now), ":wanted": N(wanted), ":before": N(now - ms) },
    });
  for (let tries = 0; tries < 2; tries += 1) {
    const taken = await within();
    if (taken !== undefined) return Math.max(0, Math.min(wanted, most - (Number(taken[count]!.N) - wanted)));
    if ((await anew()) !== undefined) return Math.min(wanted, most);
  }
  return 0;
}

/** Takes room for messages of events and deliveries in a second of the socket's. @returns how many may be sent now */
export const takeRoom = (sockets: Table, tenant: Tenant, id: string, wanted: number, now: Millis): Promise<number> =>
  take(sockets, keyOf(tenant, id), sentWindow, wanted, now);

/** Counts what a socket says. @returns whether it may say one more thing now */
export const mayBeHeard = async (sockets: Table, tenant: Tenant, id: string, now: Millis): Promise<boolean> =>
  (await take(sockets, keyOf(tenant, id), heardWindow, 1, now)) === 1;

/** Notes that so many were left out. @returns whether they are the first since it was told: the caller tells, once the second is over */
export async function noteSkipped(
  sockets: Table,
  tenant: Tenant,
  id: string,
  channel: "events" | "deliveries",
  count: number,
): Promise<boolean> {
  const before = await updateItem(sockets, keyOf(tenant, id), {
    UpdateExpression: `ADD skipped_${channel} :count`,
    ...EXISTS,
    ExpressionAttributeValues: { ":count": N(count) },
    ReturnValues: "UPDATED_OLD",
  });
  return before !== undefined && before[`skipped_${channel}`] === undefined;
}

/** How many were left out since it was told last: the caller that takes the number tells it. */
export async function takeSkipped(
  sockets: Table,
  tenant: Tenant,
  id: string,
  channel: "events" | "deliveries",
): Promise<number> {
  const before = await updateItem(sockets, keyOf(tenant, id), {
    UpdateExpression: `REMOVE skipped_${channel}`,
    ...EXISTS,
    ReturnValues: "UPDATED_OLD",
  });
  return Number(before?.[`skipped_${channel}`]?.N ?? 0);
}

// ---- figures -------------------------------------------------------------------------------------------------------

/**
 * Those whose figures are sent, in groups: of each group one invocation at a time sends them, so that ten thousand who are watched take a
 * few dozen of them.
 */
const GROUPS = 64;
/** One that has not said so for four seconds has ended. */
const LEASE_MS: Millis = 4_000;
const LEASE = "lease";

export const groupOf = (tenant: Tenant): number => createHash("sha256").update(tenant).digest()[0]! % GROUPS;
const groupKey = (group: number, sk: string): Item => ({ pk: { S: `figures#${group}` }, sk: { S: sk } });
const untilTomorrow = (now: Millis) => N(secondsOf(now) + DAY_SECONDS);

/** Notes that something happened to a tenant. @returns whether nobody sends its group's figures, so that the caller does from now on */
export async function beginMeasuring(sockets: Table, tenant: Tenant, now: Millis): Promise<boolean> {
  const group = groupOf(tenant);
  const noted = {
    UpdateExpression: "SET happened = :now, expires_at = :expires",
    ExpressionAttributeValues: { ":now": N(now), ":expires": untilTomorrow(now) },
  };
  await updateItem(sockets, groupKey(group, tenant), noted);
  const taken = await updateOnce(sockets, groupKey(group, LEASE), {
    UpdateExpression: "SET leased = :until, happened = :now, expires_at = :expires",
    ConditionExpression: "attribute_not_exists(leased) OR leased < :now",
    ExpressionAttributeValues: { ...noted.ExpressionAttributeValues, ":until": N(now + LEASE_MS) },
  });
  if (taken !== undefined) return true;
  await updateItem(sockets, groupKey(group, LEASE), noted);
  return false;
}

/** Goes on for another while. @returns when something happened last to each tenant of the group, milliseconds */
export async function goOnMeasuring(sockets: Table, group: number, now: Millis): Promise<ReadonlyMap<Tenant, Millis>> {
  await updateItem(sockets, groupKey(group, LEASE), {
    UpdateExpression: "SET leased = :until",
    ExpressionAttributeValues: { ":until": N(now + LEASE_MS) },
  });
  const items = await queryAll(sockets, {
    KeyConditionExpression: "pk = :pk",
    ExpressionAttributeValues: { ":pk": groupKey(group, LEASE).pk! },
    consistency: "strong",
  });
  return new Map(
    items.filter(({ sk }) => sk!.S !== LEASE).map(({ sk, happened }) => [sk!.S! as Tenant, Number(happened!.N)]),
  );
}

/** Leaves a tenant out of the group until something happens to it again. @param seen when something happened last, as it was read */
export async function restMeasuring(sockets: Table, tenant: Tenant, seen: Millis): Promise<void> {
  await deleteItem(sockets, groupKey(groupOf(tenant), tenant), {
    ConditionExpression: "happened <= :seen",
    ExpressionAttributeValues: { ":seen": N(seen) },
  });
}

/** Ends it, unless something happened to the group after this time. @returns false then: the caller goes on */
export async function endMeasuring(sockets: Table, group: number, since: Millis): Promise<boolean> {
  const ended = await updateItem(sockets, groupKey(group, LEASE), {
    UpdateExpression: "REMOVE leased",
    ConditionExpression: "happened <= :since",
    ExpressionAttributeValues: { ":since": N(since) },
  });
  return ended !== undefined;
}
