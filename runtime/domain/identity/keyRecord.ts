import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { CodecError } from "../codec/codecError.ts";
import { defined, mapDefined } from "../defined.ts";
import { MINUTE_MS, type Millis } from "../time.ts";
import type { KeyRecord, KeyVersion } from "./apiKey.ts";
import { type Environment, environments, type KeyLimit, type Scope, scopes } from "./identity.ts";

/**
 * The `keys` table as its writer (api) and its readers (edge, api) see it.
 *
 * Invariant: an item that says who may do what is written by the api alone. When a key was last used is known at the
 * edge, in any region, so it has an item of its own, `<key id>#used`: in a global table the last writer of an *item*
 * wins, and a note of use written on another continent must never undo a revocation.
 */
export type KeyItem = Record<string, AttributeValue>;

const optional = (record: KeyRecord, member: "name" | "expires_at"): KeyItem =>
  record[member] === undefined ? {} : { [member]: { S: record[member] } };

/** The item of a key when it is made: it has no children yet. `last_used_at` is not part of it: it is the other item's. */
export function encodeKeyRecord(record: KeyRecord): KeyItem {
  return {
    key_id: { S: record.key_id },
    customer_id: { S: record.customer_id },
    environment: { S: record.environment },
    scopes: { SS: [...record.scopes] },
    status: { S: record.status },
    versions: { S: JSON.stringify(record.versions) },
    customer_limit_per_second: { N: String(record.customer_limit_per_second) },
    ...defined({
      limit_per_second: mapDefined(record.limit_per_second, (limit_per_second) => ({ N: String(limit_per_second) })),
      family: mapDefined(record.family, (family) => ({ S: JSON.stringify(family) })),
      allowed_origins: mapDefined(record.allowed_origins, (allowed_origins) => ({ SS: [...allowed_origins] })),
    }),
    created_at: { S: record.created_at },
    ...optional(record, "name"),
    ...optional(record, "expires_at"),
  };
}

const corrupt = (member: string, options?: ErrorOptions) =>
  new CodecError("corrupt", `the key item has no valid "${member}"`, options);

function text(item: KeyItem, member: string): string {
  const value = item[member]?.S;
  if (value === undefined || value === "") throw corrupt(member);
  return value;
}

function positive(item: KeyItem, member: string): number {
  const value = Number(item[member]?.N);
  if (!(value > 0)) throw corrupt(member);
  return value;
}

/** The list that a member holds as JSON. */
function listIn<T>(item: KeyItem, member: string, isWhole: (one: Partial<T> | null) => boolean): T[] {
  let list: unknown;
  try {
    list = JSON.parse(text(item, member));
  } catch (cause) {
    throw corrupt(member, { cause });
  }
  if (!Array.isArray(list) || !list.every(isWhole)) throw corrupt(member);
  return list;
}

function versionsIn(item: KeyItem): KeyVersion[] {
  const versions = listIn<KeyVersion>(
    item,
    "versions",
    (one) => typeof one?.hash === "string" && typeof one.pepper_version === "string",
  );
  if (versions.length === 0) throw corrupt("versions");
  return versions;
}

const familyIn = (item: KeyItem): KeyLimit[] =>
  listIn<KeyLimit>(item, "family", (one) => typeof one?.key_id === "string" && Number(one.limit_per_second) > 0);

/**
 * The record in a key's item; unknown scopes, written by a newer version, grant nothing.
 * @throws CodecError `corrupt` naming the attribute
 */
export function decodeKeyRecord(item: KeyItem): KeyRecord {
  const environment = text(item, "environment") as Environment;
  if (!environments.includes(environment)) throw corrupt("environment");
  const status = text(item, "status");
  if (status !== "active" && status !== "revoked") throw corrupt("status");
  return {
    key_id: text(item, "key_id"),
    customer_id: text(item, "customer_id"),
    environment,
    ...defined({ name: item.name?.S }),
    scopes: (item.scopes?.SS ?? []).filter((scope): scope is Scope => scopes.includes(scope as Scope)),
    status,
    versions: versionsIn(item),
    ...defined({ expires_at: item.expires_at?.S }),
    customer_limit_per_second: positive(item, "customer_limit_per_second"),
    ...defined({
      limit_per_second: mapDefined(item.limit_per_second, () => positive(item, "limit_per_second")),
      family: mapDefined(item.family, () => familyIn(item)),
      children: item.children?.SS,
      allowed_origins: item.allowed_origins?.SS,
    }),
    created_at: text(item, "created_at"),
  };
}

/** How much time passes, at least, between two notes of a key's use. */
export const USE_NOTED_EVERY_MS = 10 * MINUTE_MS;

/** The key_id under which the note of a key's last use is stored. */
export const usedItemId = (keyId: string): string => `${keyId}#used`;

/** RFC 3339 time in a note of use, undefined when the key was never used. */
export const lastUsedIn = (item: KeyItem | undefined): string | undefined => item?.last_used_at?.S;

/**
 * Input of the `UpdateItem` that notes a use at `now` (milliseconds). It fails its condition, harmlessly, when the
 * last note is younger than `USE_NOTED_EVERY_MS`. The item has no customer_id, so lists of a customer's keys omit it.
 */
export function noteOfUse(table: string, keyId: string, now: Millis) {
  return {
    TableName: table,
    Key: { key_id: { S: usedItemId(keyId) } },
    UpdateExpression: "SET last_used_at = :now",
    ConditionExpression: "attribute_not_exists(last_used_at) OR last_used_at < :before",
    ExpressionAttributeValues: {
      ":now": { S: new Date(now).toISOString() },
      ":before": { S: new Date(now - USE_NOTED_EVERY_MS).toISOString() },
    },
  };
}
