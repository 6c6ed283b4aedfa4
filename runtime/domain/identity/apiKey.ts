import { randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import { hmacBy } from "../hmac.ts";
import { isUlid, newUlid } from "../ids.ts";
import type { Millis } from "../time.ts";
import { type Environment, environments, type KeyLimit, type Scope } from "./identity.ts";

/**
 * API keys: `trg_<live|sandbox>_<key id>_<secret>`. The key id is a ULID; the secret is 32 random base62 characters and
 * a checksum of 6 more (CRC-32 of everything before it), so that a typo or a leak is recognisable offline:
 *   trg_(live|sandbox)_[0-7][0-9A-HJKMNP-TV-Z]{25}_[0-9A-Za-z]{38}
 */
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET = 32;
const CHECKSUM = 6;

export interface ParsedKey {
  readonly environment: Environment;
  /** With its prefix: `key_01H…`. */
  readonly key_id: string;
  readonly secret: string;
}

const checksum = (text: string): string => {
  let value = crc32(text);
  let digits = "";
  for (let i = 0; i < CHECKSUM; i += 1) {
    digits = BASE62[value % 62]! + digits;
    value = Math.floor(value / 62);
  }
  return digits;
};

/** A new secret for a key: base62, about 190 bits. */
export function newSecret(): string {
  let secret = "";
  while (secret.length < SECRET) {
    for (const byte of randomBytes(SECRET)) if (byte < 248 && secret.length < SECRET) secret += BASE62[byte % 62];
  }
  return secret;
}

export const newKeyId = (now?: Millis): string => `key_${newUlid(now)}`;

export function formatKey(environment: Environment, keyId: string, secret: string): string {
  const body = `trg_${environment}_${keyId.slice(4)}_${secret}`;
  return body + checksum(body);
}

/** The last characters of a key's text. They are of its checksum: the secret keeps more than 160 bits that they don't tell. */
export const lastFour = (apiKey: string): string => apiKey.slice(-4);

/** The parts of a well-formed key whose checksum holds, else undefined. */
export function parseKey(text: string): ParsedKey | undefined {
  const [trg, environment, ulid, rest, ...more] = text.split("_");
  if (trg !== "trg" || more.length > 0 || rest === undefined || rest.length !== SECRET + CHECKSUM) return undefined;
  if (!environments.includes(environment as Environment) || !isUlid(ulid!)) return undefined;
  const body = text.slice(0, -CHECKSUM);
  if (checksum(body) !== text.slice(-CHECKSUM)) return undefined;
  return { environment: environment as Environment, key_id: `key_${ulid!}`, secret: rest.slice(0, SECRET) };
}

/** One secret of a key. Two overlap during a rotation. */
export interface KeyVersion {
  /** HMAC-SHA-256 of the secret under the pepper, base64. */
  readonly hash: string;
  readonly pepper_version: string;
  /** How its text ends, by which people tell it from others; not known of texts that are older than this member. */
  readonly last_four?: string;
  readonly created_at: string;
  readonly expires_at?: string;
}

/** A record of the `keys` table. */
export interface KeyRecord {
  readonly key_id: string;
  readonly customer_id: string;
  readonly environment: Environment;
  readonly name?: string;
  readonly scopes: readonly Scope[];
  readonly status: "active" | "revoked";
  readonly versions: readonly KeyVersion[];
  readonly expires_at?: string;
  /** The customer's limit, events per second. */
  readonly customer_limit_per_second: number;
  /** The key's own, below it. */
  readonly limit_per_second?: number;
  /** Limited keys that it descends from, the eldest first. */
  readonly family?: readonly KeyLimit[];
  /** Keys that it has made: they are revoked with it. */
  readonly children?: readonly string[];
  /** Of a key that web pages hold: the only origins that it works from. */
  readonly allowed_origins?: readonly string[];
  readonly created_at: string;
  readonly last_used_at?: string;
}

/** Peppers by version, newest named in `current`: the JSON value of the pepper secret. */
export interface Peppers {
  readonly current: string;
  readonly versions: Readonly<Record<string, string>>;
}

export const hashSecret = (secret: string, pepper: string): string => hmacBy(pepper).update(secret).digest("base64");

/** Secrets compared at least, so that the time taken does not tell whether there is a record, or a rotation going on. */
const LEAST_COMPARED = 2;
const NOBODY = Buffer.alloc(32);
const NOBODYS_HASH = NOBODY.toString("base64");

/** The version whose secret this is, if it is alive at `now` (milliseconds). Takes the same time for any record, and for none. */
export function versionOf(
  record: Pick<KeyRecord, "versions"> | undefined,
  secret: string,
  peppers: Peppers,
  now: Millis,
): KeyVersion | undefined {
  const count = Math.max(LEAST_COMPARED, record?.versions.length ?? 0);
  let found: KeyVersion | undefined;
  for (let i = 0; i < count; i += 1) {
    const version = record?.versions[i];
    const pepper = peppers.versions[version?.pepper_version ?? peppers.current];
    const alive = version?.expires_at === undefined || Date.parse(version.expires_at) > now;
    const actual = hmacBy(pepper ?? "")
      .update(secret)
      .digest();
    const stored = Buffer.from(version?.hash ?? NOBODYS_HASH, "base64");
    const same = timingSafeEqual(actual, stored.length === actual.length ? stored : NOBODY);
    if (same && alive && version !== undefined && pepper !== undefined) found = version;
  }
  return found;
}
