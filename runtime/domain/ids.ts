import { randomFillSync } from "node:crypto";
import { decodeTime, encodeTime } from "ulidx";
import { defined, mapDefined } from "./defined.ts";
import type { Millis } from "./time.ts";

/**
 * Ids. An event id is `evt_` + ULID; the events of one request have consecutive ULIDs that share their first random
 * character, which picks the shard (shards.ts). So any event's batch is one descending query away, and received_at is in the id.
 */

/**
 * A ULID: 26 characters of Crockford's base 32, the time first (https://github.com/ulid/spec), as `01J9Z3NDEKTSV4RRFFQ69G5FAV`. Plain text is taken, a
 * `Tenant` is not: the member is never there.
 */
export type Ulid = string & { readonly names?: "ulid" };

/** The characters of an id, by their value. */
export const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
/** Events a request may hold; leaves the low 15 bits of the random part room to count. */
export const MAX_EVENTS_PER_REQUEST = 1_000;

const prefixes = [
  "evt",
  "sub",
  "key",
  "cus",
  "dlv",
  "rpl",
  "prv",
  "req",
  "aud",
  "psn",
  "ses",
  "snd",
  "inc",
  "rul",
  "chn",
  "alt",
  "msg",
  "rpt",
  "run",
] as const;
export type IdPrefix = (typeof prefixes)[number];

/** Ten bytes as sixteen characters of five bits each. */
function encodeRandom(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xfff;
    for (held += 8; held >= 5; held -= 5) text += CROCKFORD[(bits >> (held - 5)) & 31];
  }
  return text;
}

/** The characters that a hash gives an id, one for each byte: the same for the same hash. */
export const lettersOf = (hash: Uint8Array): string => Array.from(hash, (byte) => CROCKFORD[byte & 31]).join("");

const pool = new Uint8Array(4_096);
let used = pool.length;

/**
 * Random bytes for ids, never for secrets: a view, to be copied at once. They are drawn from the system many at a time, since one drawing costs five
 * times as much as the rest of a ULID.
 */
function pooledBytes(n: number): Uint8Array {
  if (used + n > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += n;
  return pool.subarray(used - n, used);
}

/** A new ULID whose last 15 bits leave room for `count` successors without a carry. @param now milliseconds */
export function newUlid(now: Millis = Date.now(), count = 1, random: (n: number) => Uint8Array = pooledBytes): Ulid {
  const bytes = Uint8Array.from(random(10));
  const low = ((bytes[8]! & 0x7f) << 8) | bytes[9]!;
  const room = 32_768 - count;
  const start = low % (room + 1);
  bytes[8] = (bytes[8]! & 0x80) | (start >> 8);
  bytes[9] = start & 0xff;
  return encodeTime(now, 10) + encodeRandom(bytes);
}

const LOW = 3; // characters that hold the low 15 bits
const lowValue = (ulid: Ulid): number => {
  let value = 0;
  for (const c of ulid.slice(-LOW)) value = value * 32 + CROCKFORD.indexOf(c);
  return value;
};

/** The ULID `offset` places after `first`, within the 15 bits `newUlid` kept free. */
export function ulidAt(first: Ulid, offset: number): Ulid {
  const value = lowValue(first) + offset;
  if (offset < 0 || value >= 32_768) throw new RangeError(`no ULID ${offset} places after ${first}`);
  return first.slice(0, -LOW) + CROCKFORD[value >> 10]! + CROCKFORD[(value >> 5) & 31]! + CROCKFORD[value & 31]!;
}

/** How many places `ulid` is after `first`, or -1 when it is not one of its `count` consecutive ULIDs. */
export function offsetOf(first: Ulid, ulid: Ulid, count: number): number {
  if (first.slice(0, -LOW) !== ulid.slice(0, -LOW)) return -1;
  const offset = lowValue(ulid) - lowValue(first);
  return offset >= 0 && offset < count ? offset : -1;
}

/** Milliseconds since the epoch at which the ULID was made. */
export const timeOf = (ulid: Ulid): Millis => decodeTime(ulid);

/** The smallest ULID of a millisecond: a bound for range queries. */
export const firstUlidAt = (ms: Millis): Ulid => `${encodeTime(Math.max(0, ms), 10)}0000000000000000`;

/** The lowest and the highest ULID there are. */
export const FIRST_ULID = "0".repeat(26);
export const LAST_ULID = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ";

/** What the ULIDs of one request share: all but the last 15 bits, three characters. */
export const runOf = (ulid: Ulid): string => ulid.slice(0, -LOW);

/** The lowest ULID with which the request of this event can begin: at or before it, within the 15 bits. */
export const lowestOfRun = (ulid: Ulid): string => runOf(ulid) + "0".repeat(LOW);

export const isUlid = (text: string): boolean => ULID.test(text);

export const eventId = (ulid: Ulid): string => `evt_${ulid}`;

/** A new id with its type's prefix: `sub_01H…`. */
export const newId = (prefix: IdPrefix, now?: Millis): string => `${prefix}_${newUlid(now)}`;

/** The ULID inside an id of this prefix, or undefined when it isn't one. */
export function ulidIn(prefix: IdPrefix, id: string): string | undefined {
  if (!id.startsWith(`${prefix}_`)) return undefined;
  const ulid = id.slice(prefix.length + 1);
  return isUlid(ulid) ? ulid : undefined;
}

/** The public id of a delivery: `dlv_<batch ulid>_<subscription ulid>[_<replay ulid>]`. */
export const deliveryId = (first: Ulid, subscriptionId: string, replayId?: string): string =>
  `dlv_${[first, subscriptionId.slice(4), ...(replayId === undefined ? [] : [replayId.slice(4)])].join("_")}`;

/** What a delivery id names, or undefined when it is not one. */
export function parseDeliveryId(id: string): { first: Ulid; subscription_id: string; replay_id?: string } | undefined {
  const [prefix, first, subscription, replay, ...rest] = id.split("_");
  if (
    prefix !== "dlv" ||
    rest.length > 0 ||
    ![first, subscription, replay ?? first].every((p) => p !== undefined && isUlid(p))
  )
    return undefined;
  return {
    first: first!,
    subscription_id: `sub_${subscription!}`,
    ...defined({ replay_id: mapDefined(replay, (replay) => `rpl_${replay}`) }),
  };
}
