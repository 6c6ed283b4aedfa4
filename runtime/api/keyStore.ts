import type { Table } from "../aws/tables.ts";
import { CAPS, refuseManyOlder } from "../database/caps.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import { noSuch, TriggersError, unauthorized } from "../domain/errors/errors.ts";
import {
  formatKey,
  hashSecret,
  type KeyRecord,
  type KeyVersion,
  lastFour,
  newKeyId,
  newSecret,
  type Peppers,
} from "../domain/identity/apiKey.ts";
import { tenantOf } from "../domain/identity/identity.ts";
import { type Millis, rfc3339, type Seconds } from "../domain/time.ts";
import {
  addChild,
  keyIdsOf,
  putNewKey,
  readKey,
  readKeysOf,
  readLastUses,
  removeChildren,
  replaceVersions,
  revoke,
  writeCustomerLimit,
} from "../keys/keysTable.ts";
import { EDGES_KNOW_MS } from "../redis/endedVersions.ts";
import type { Deps } from "./deps.ts";

/** The API keys from their only writer. A secret is known here for the length of one request and stored as its HMAC. */
/** Keys in a page. */
const BATCH = 100;
const KEYS_AT_ONCE = 16;

const peppersOf = async (deps: Deps): Promise<Peppers> =>
  JSON.parse(await deps.secret(deps.env.PEPPER_SECRET)) as Peppers;

/** A new text of a key, and what is kept of it. */
async function newVersion(
  deps: Deps,
  { environment, key_id }: Pick<KeyRecord, "environment" | "key_id">,
): Promise<{ version: KeyVersion; apiKey: string }> {
  const secret = newSecret();
  const peppers = await peppersOf(deps);
  const hash = hashSecret(secret, peppers.versions[peppers.current]!);
  const apiKey = formatKey(environment, key_id, secret);
  const version = {
    hash,
    pepper_version: peppers.current,
    last_four: lastFour(apiKey),
    created_at: rfc3339(deps.now()),
  };
  return { version, apiKey };
}

/** What the maker of a key says of it; the rest of its record is made here. */
export type NewKey = Omit<KeyRecord, "key_id" | "status" | "versions" | "children" | "created_at" | "last_used_at">;

/** A key that is not stored yet, and its full text, which is shown once. */
export async function makeKey(deps: Deps, key: NewKey): Promise<{ record: KeyRecord; apiKey: string }> {
  const key_id = newKeyId(deps.now());
  const { version, apiKey } = await newVersion(deps, { environment: key.environment, key_id });
  const record: KeyRecord = {
    ...key,
    key_id,
    status: "active",
    versions: [version],
    created_at: rfc3339(deps.now()),
  };
  return { record, apiKey };
}

const keysOf = ({ dynamodb, env }: Deps): Table => ({ dynamodb, name: env.KEYS_TABLE });

export async function putKey(deps: Deps, record: KeyRecord): Promise<void> {
  if (!(await putNewKey(keysOf(deps), record))) throw new Error(`there is a key ${record.key_id} already`);
}

/** The customer's key. @throws TriggersError `not_found` */
export async function getKey(deps: Deps, customerId: string, keyId: string): Promise<KeyRecord> {
  const record = await readKey(keysOf(deps), keyId, "strong");
  if (record?.customer_id !== customerId) throw noSuch("key", keyId);
  return record;
}

/** Keys of a customer by id, after `after`, at most `limit`, revoked ones included. */
export const listKeys = (
  deps: Deps,
  customerId: string,
  after: string | undefined,
  limit: number,
): Promise<KeyRecord[]> => readKeysOf(keysOf(deps), customerId, after, limit);

/** When these keys were last used, by key id. Coarse: a use is noted once in a while. */
export const lastUses = (deps: Deps, keyIds: readonly string[]): Promise<Map<string, string>> =>
  readLastUses(keysOf(deps), keyIds);

/** Ends a key's texts where the edge would hear of it too late. Redis that is away leaves it to the edge. */
async function endVersions(deps: Deps, record: KeyRecord, ends: number): Promise<void> {
  if (ends - deps.now() >= EDGES_KNOW_MS) return;
  try {
    for (const { created_at, expires_at } of record.versions) {
      const end = Math.min(ends, expires_at === undefined ? ends : Date.parse(expires_at));
      await deps.endVersion(tenantOf(record), record.key_id, Date.parse(created_at), end);
    }
  } catch (cause) {
    deps.log("warn", "api.version_not_ended", { key_id: record.key_id, error: String(cause) });
  }
}

/**
 * Gives the key a new secret; those before it end after `overlapSeconds`, or when they would have anyway.
 * @throws TriggersError `conflict` when the key is revoked or changes meanwhile; `limit_reached`
 */
export async function rotateKey(
  deps: Deps,
  record: KeyRecord,
  overlapSeconds: Seconds,
): Promise<{ record: KeyRecord; apiKey: string }> {
  const { version: newest, apiKey } = await newVersion(deps, record);
  const now = deps.now();
  const ends = now + overlapSeconds * 1_000;
  const older = record.versions
    .map((version) => ({
      ...version,
      expires_at: rfc3339(Math.min(ends, Date.parse(version.expires_at ?? rfc3339(ends)))),
    }))
    .filter(({ expires_at }) => Date.parse(expires_at) > now);
  refuseManyOlder(older.length);
  const rotated = { ...record, versions: [newest, ...older] };
  if (!(await replaceVersions(keysOf(deps), record, rotated)))
    throw new TriggersError("conflict", "The key was changed by another request.");
  await endVersions(deps, record, ends);
  return { record: rotated, apiKey };
}

/** A maker's record is read with each of its requests, and an item has 400 KB: from so many children on, those that have ended are forgotten. */
const MANY_CHILDREN = 2 * CAPS.keys;

/** Forgets the children of a key that have ended with all that descend from them. */
async function forgetEnded(deps: Deps, { customer_id, key_id }: KeyRecord, children: readonly string[]): Promise<void> {
  const all: KeyRecord[] = [];
  for await (const key of everyKey(deps, customer_id)) all.push(key);
  const ended = new Set<string>();
  // What a key made is younger than the key.
  for (const key of all.reverse())
    if (hasEnded(key, deps.now()) && (key.children ?? []).every((child) => ended.has(child))) ended.add(key.key_id);
  const gone = children.filter((child) => ended.has(child));
  if (gone.length > 0) await removeChildren(keysOf(deps), key_id, gone);
}

/** Whether a key works no longer. */
export const hasEnded = ({ status, expires_at }: KeyRecord, now: Millis): boolean =>
  status === "revoked" || (expires_at !== undefined && Date.parse(expires_at) <= now);

/**
 * Notes with its maker that a key exists, so that the one is revoked with the other. Where that is too late the key is revoked.
 * @throws TriggersError `unauthorized` when the maker has been revoked meanwhile
 */
export async function adopt(deps: Deps, makerId: string, childId: string): Promise<void> {
  const maker = await readKey(keysOf(deps), makerId, "strong");
  const { children = [] } = maker ?? {};
  if (maker !== undefined && children.length >= MANY_CHILDREN) await forgetEnded(deps, maker, children);
  if (await addChild(keysOf(deps), makerId, childId)) return;
  await revokeKey(deps, childId);
  throw unauthorized();
}

/** Revokes a key and all that descend from it. @returns ids of those that were not revoked before, the key's first */
export async function revokeFamily(deps: Deps, keyId: string): Promise<string[]> {
  const revoked: string[] = [];
  const seen = new Set([keyId]);
  for (const id of seen) {
    const { before, children } = await revoke(keysOf(deps), id);
    if (!before) revoked.push(id);
    for (const child of children) seen.add(child);
  }
  return revoked;
}

export async function revokeKey(deps: Deps, keyId: string): Promise<void> {
  await revoke(keysOf(deps), keyId);
}

/** The customer's limit, as the edge reads it from each of the customer's keys. */
export const setCustomerLimit = (deps: Deps, keyId: string, limitPerSecond: number): Promise<void> =>
  writeCustomerLimit(keysOf(deps), keyId, limitPerSecond);

/** Does something to each key of a customer, damaged ones too: they may be readable again one day. */
export async function forEachKey(deps: Deps, customerId: string, work: (keyId: string) => Promise<void>) {
  await mapConcurrently(await keyIdsOf(keysOf(deps), customerId), KEYS_AT_ONCE, work);
}

/** Every key of a customer that can be read, page by page. */
export async function* everyKey(deps: Deps, customerId: string): AsyncGenerator<KeyRecord> {
  let after: string | undefined;
  do {
    const page: KeyRecord[] = await listKeys(deps, customerId, after, BATCH);
    yield* page;
    after = page.length === BATCH ? page.at(-1)!.key_id : undefined;
  } while (after !== undefined);
}
