import type { Body, DeliverMessage } from "../domain/codec/index.ts";
import { unpack } from "../domain/codec/pack.ts";
import { defined } from "../domain/defined.ts";
import type { Failure } from "../domain/failure.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { timeOf, type Ulid } from "../domain/ids.ts";
import { DEFAULT_RETENTION_DAYS } from "../domain/retention.ts";
import { DAY_SECONDS, type Millis, secondsOf } from "../domain/time.ts";
import { SETTLED_MS } from "../domain/usage/access.ts";
import type { DeliveryItem } from "../store/deliveries/deliveryItem.ts";
import { attemptsMade } from "../store/deliveries/keptAttempts.ts";
import { StoredDeliveries, type Wanted } from "../store/deliveries/stored.ts";
import { batchKey, deliveryKey, keyText } from "../store/keys.ts";
import type { Phase } from "./phase.ts";
import { type Delivery, toSend } from "./plan.ts";
import { EARLY_MS } from "./schedule.ts";
import { baseItem } from "./settle.ts";
import { type Unmade, unmade } from "./unmade.ts";

/** From queue messages to deliveries: what to send, and where each stands. */

type FirstMessage = Extract<DeliverMessage, { kind: "delivery" }>;
type RetryKind = Extract<DeliverMessage, { kind: "retry" }>;

/** A delivery that a message names, before its batch and its item are read. */
interface Named {
  readonly messageId: string;
  readonly tenant: Tenant;
  readonly subscription_id: string;
  readonly first: Ulid;
  readonly replay_id?: string;
  readonly retried_by?: string;
  /** Attempts made when the message was sent. */
  readonly attempts: number;
  readonly manual: boolean;
  readonly probe: boolean;
  readonly message?: FirstMessage;
}

export interface Received {
  readonly messageId: string;
  readonly message: FirstMessage | RetryKind;
  /** Whether it may have been worked on before: its items decide then. */
  readonly again: boolean;
  readonly probe?: boolean;
}

export interface GatherPorts {
  now(): Millis;
  read(wanted: Wanted): Promise<StoredDeliveries>;
  fetchBody(key: string): Promise<Uint8Array | undefined>;
}

/** A delivery with nothing left to send. */
export interface Ended {
  readonly delivery: Delivery;
  readonly item: DeliveryItem;
}

export interface Gathered {
  readonly deliveries: readonly Delivery[];
  /** Deliveries that need no attempt, with their new state. */
  readonly ended: readonly Ended[];
  /** Messages that could not be read for. */
  readonly failed: readonly Failure<Phase>[];
}

/** A first attempt that waited longer than this asks first which events were deleted meanwhile. */
const FRESH_MS = 30_000;
/** Milliseconds after the end of an hour at which strays of that hour are looked for. */
const STRAY_MS = SETTLED_MS;

const named = ({ messageId, message, probe = false }: Received): Named[] => {
  const { tenant, subscription_id, attempts, replay_id } = message;
  const common = {
    messageId,
    tenant,
    subscription_id,
    attempts,
    probe,
    ...defined({ replay_id }),
  };
  return message.kind === "delivery"
    ? [{ ...common, first: message.first, manual: false, message }]
    : message.batches.map((first) => ({
        ...common,
        first,
        manual: message.manual === true,
        ...defined({ retried_by: message.retried_by }),
      }));
};

/** Two messages of one delivery are one attempt; that of somebody who asked for it counts first. */
function distinct<T extends { name: Named }>(all: readonly T[]): T[] {
  const found = new Map<string, T>();
  for (const entry of all) {
    const key = keyText(deliveryKey(entry.name));
    if (!found.has(key) || entry.name.manual) found.set(key, entry);
  }
  return [...found.values()];
}

/** Reads what the messages need: nothing for a first attempt that carries its events, items and batches for all else. */
export async function gather(received: readonly Received[], ports: GatherPorts): Promise<Gathered> {
  const all = distinct(received.flatMap((entry) => named(entry).map((name) => ({ name, again: entry.again }))));
  const wanted = { deliveries: [] as Named[], batches: [] as Named[], deletions: [] as Named[] };
  const readers = new Set<Named>();
  const firsts = new Set<Named>();
  for (const { name, again } of all) {
    const age = ports.now() - timeOf(name.first);
    // A delivery that has waited for this time may count as a stray, and have been tried by another message.
    const overtaken = age > STRAY_MS && name.replay_id === undefined;
    const first = name.message !== undefined && name.attempts === 0 && !again && !overtaken;
    if (first) firsts.add(name);
    else wanted.deliveries.push(name);
    if (!first || name.message?.body === undefined) wanted.batches.push(name);
    else if (age > FRESH_MS) wanted.deletions.push(name);
    else continue;
    readers.add(name);
  }
  const errors = new Map<string, unknown>();
  const nothing = new StoredDeliveries([], []);
  const stored = await (readers.size === 0 ? Promise.resolve(nothing) : ports.read(wanted)).catch((error) => {
    for (const { messageId } of readers) errors.set(messageId, error);
    return nothing;
  });
  const packs = new Map<string, Promise<readonly Buffer[] | undefined>>();
  const deliveries: Delivery[] = [];
  const ended: Ended[] = [];
  await Promise.all(
    all.map(async ({ name }) => {
      if (errors.has(name.messageId)) return;
      try {
        const found = await complete(name, { read: readers.has(name), only: firsts.has(name) }, stored, packs, ports);
        if (found === undefined) return;
        if ("events" in found) deliveries.push(found);
        else ended.push(found);
      } catch (error) {
        errors.set(name.messageId, error);
      }
    }),
  );
  const failed = [...errors].map(([message_id, error]): Failure<Phase> => ({ message_id, phase: "read", error }));
  return { deliveries, ended, failed };
}

/**
 * @param read whether its batch was asked for
 * @param only whether no other invocation can be working on it
 * @returns undefined when the message is out of date
 */
async function complete(
  name: Named,
  { read, only }: { readonly read: boolean; readonly only: boolean },
  stored: StoredDeliveries,
  packs: Map<string, Promise<readonly Buffer[] | undefined>>,
  ports: GatherPorts,
): Promise<Delivery | Ended | undefined> {
  const { message } = name;
  const item = stored.delivery(name);
  if (item !== undefined && !mayAttempt(name, item, ports.now())) return undefined;
  let unreadable: Unmade | undefined;
  let batch: ReturnType<StoredDeliveries["batch"]>;
  try {
    batch = stored.batch(name);
  } catch (error) {
    // Any other fault in the description of a delivery makes its attempt fail, with the reason.
    if (item === undefined && message === undefined) throw error;
    unreadable = unmade("payload_unreadable", error);
  }
  // Erased or expired: a message that still carries the events must not outlive them.
  const gone = read && !stored.hasBatch(name);
  if (gone && item === undefined) return undefined;
  const indexes = item?.indexes ?? message?.indexes ?? stored.matched(name);
  if (indexes === undefined) return undefined;
  const finished = item?.status === "delivered" || item?.status === "dead_lettered" || item?.status === "cancelled";
  const attempts = item?.attempts ?? [];
  // Another attempt by hand belongs to no replay.
  const retriedBy = name.retried_by ?? (name.manual ? undefined : item?.retried_by);
  const trace = message?.traceparent ?? batch?.traceparent;
  const hops = message?.hops ?? batch?.hops;
  const keyId = message?.key_id ?? batch?.key_id;
  const keyName = message?.key_name ?? batch?.key_name;
  const deleted = batch?.deleted ?? stored.deleted(name);
  const delivery: Delivery = {
    messageId: name.messageId,
    tenant: name.tenant,
    subscription_id: name.subscription_id,
    first: name.first,
    count: item?.count ?? message?.count ?? batch!.count,
    types: message?.types ?? batch?.types ?? [],
    indexes,
    remaining: item?.remaining ?? indexes,
    deleted: new Set(deleted),
    attempts,
    schedule_from: name.manual && finished ? attemptsMade(item) : (item?.schedule_from ?? 0),
    expiry:
      item?.expiry ??
      message?.expiry ??
      batch?.expiry ??
      secondsOf(timeOf(name.first)) + DEFAULT_RETENTION_DAYS * DAY_SECONDS,
    only,
    manual: name.manual,
    probe: name.probe,
    events: [],
    ...defined({ replay_id: name.replay_id, retried_by: retriedBy, key_id: keyId, key_name: keyName }),
    ...defined({ traceparent: trace, hops, item, left_out: item?.left_out }),
  };
  const offsets = toSend(delivery);
  const end = (reason: string): Ended => ({ delivery, item: { ...baseItem(delivery), status: "cancelled", reason } });
  if (offsets.length === 0) return end("events_deleted");
  if (unreadable !== undefined) return { ...delivery, unreadable };
  // Where both are known the batch's position is the newer: an erasure in a large request moves the remaining events.
  const body = gone ? undefined : (batch?.body ?? message?.body);
  try {
    const events =
      body === undefined ? undefined : await unpackOnce(keyText(batchKey(name.tenant, name.first)), body, packs, ports);
    if (events === undefined) return end("events_expired");
    return { ...delivery, events: ownOf(events, offsets) };
  } catch (error) {
    return { ...delivery, unreadable: unmade("payload_unreadable", error) };
  }
}

/** Of a few events out of many a copy: what waits to be posted must not keep whole batches in memory. */
function ownOf(events: readonly Buffer[], offsets: readonly number[]): readonly Buffer[] {
  if (offsets.length * 2 > events.length) return events;
  const own: Buffer[] = [];
  for (const offset of offsets) own[offset] = Buffer.from(events[offset]!);
  return own;
}

/**
 * Whether a message may attempt its delivery: the delivery waits, and was either not attempted since the message was sent, or
 * is due again. It is due again after two invocations attempted it at the same time: both attempts count, and the message of
 * either may be the one that continues.
 */
function mayAttempt(name: Named, item: DeliveryItem, now: Millis): boolean {
  // A replay that began again after a crash hands some of its dead letters on a second time.
  if (name.manual && name.retried_by !== undefined && name.retried_by === item.retried_by)
    return attemptsMade(item) <= name.attempts;
  if (name.manual || name.probe) return true;
  if (item.status !== "failed" && item.status !== "pending") return false;
  return attemptsMade(item) <= name.attempts || (item.next_attempt_at ?? 0) <= now + EARLY_MS.attempt;
}

function unpackOnce(
  id: string,
  body: Body,
  packs: Map<string, Promise<readonly Buffer[] | undefined>>,
  ports: GatherPorts,
): Promise<readonly Buffer[] | undefined> {
  let events = packs.get(id);
  if (events === undefined) {
    events = (async () => {
      const packed = "inline" in body ? body.inline : await ports.fetchBody(body.s3_key);
      return packed === undefined ? undefined : unpack(packed);
    })();
    packs.set(id, events);
  }
  return events;
}
