import {
  getItem,
  getItems,
  newWriteId,
  putOnce,
  queryAll,
  queryPage,
  type Table,
  updateItem,
  updateOnce,
} from "../aws/tables.ts";
import type { Item } from "../domain/codec/fields.ts";
import { defined } from "../domain/defined.ts";
import type { KeyRecord } from "../domain/identity/apiKey.ts";
import { decodeKeyRecord, encodeKeyRecord, lastUsedIn, noteOfUse, usedItemId } from "../domain/identity/keyRecord.ts";
import type { Millis } from "../domain/time.ts";
import { readable } from "../store/readable.ts";

/**
 * The `keys` table: an item for each API key, and beside it a note of its last use. The edge reads it in every region; only the
 * management API and the first deployment write records.
 */

const keyOf = (keyId: string): Item => ({ key_id: { S: keyId } });

/** The record of a key. @throws CodecError when it can't be read */
export async function readKey(
  keys: Table,
  keyId: string,
  consistency: "strong" | "eventual",
): Promise<KeyRecord | undefined> {
  const item = await getItem(keys, keyOf(keyId), consistency);
  // A note of use is no record.
  return item?.customer_id === undefined ? undefined : decodeKeyRecord(item);
}

/** Stores a new key. @returns false where there is one of this id */
export const putNewKey = (keys: Table, record: KeyRecord): Promise<boolean> =>
  putOnce(keys, encodeKeyRecord(record), { ConditionExpression: "attribute_not_exists(key_id)" });

/** Ids of all keys of a customer, damaged ones too. */
export async function keyIdsOf(keys: Table, customerId: string): Promise<string[]> {
  const items = await queryAll(keys, {
    IndexName: "by_customer",
    KeyConditionExpression: "customer_id = :customer",
    ExpressionAttributeValues: { ":customer": { S: customerId } },
    ProjectionExpression: "key_id",
    consistency: "eventual",
  });
  return items.map(({ key_id }) => key_id!.S!);
}

/** Keys of a customer by id, after `after`, at most `limit`, revoked ones included. Damaged ones are left out. */
export async function readKeysOf(
  keys: Table,
  customerId: string,
  after: string | undefined,
  limit: number,
): Promise<KeyRecord[]> {
  const records: KeyRecord[] = [];
  const owner = { customer_id: { S: customerId } };
  let start: Item | undefined = after === undefined ? undefined : { ...owner, ...keyOf(after) };
  do {
    const { items, next } = await queryPage(keys, {
      IndexName: "by_customer",
      KeyConditionExpression: "customer_id = :customer",
      ExpressionAttributeValues: { ":customer": owner.customer_id },
      Limit: limit - records.length,
      consistency: "eventual",
      ...defined({ ExclusiveStartKey: start }),
    });
    records.push(...readable(items, decodeKeyRecord));
    start = next;
  } while (start !== undefined && records.length < limit);
  return records;
}

/** When these keys were last used, RFC 3339 by key id. Coarse: a use is noted once in a while. */
export async function readLastUses(keys: Table, keyIds: readonly string[]): Promise<Map<string, string>> {
  const uses = new Map<string, string>();
  const notes = keyIds.map((id) => keyOf(usedItemId(id)));
  for (const item of await getItems(keys, notes, "eventual")) {
    const used = lastUsedIn(item);
    if (used !== undefined) uses.set(item.key_id!.S!.slice(0, -usedItemId("").length), used);
  }
  return uses;
}

/** Notes that a key is in use at a time in milliseconds, unless noted a moment ago. */
export async function noteUse(keys: Table, keyId: string, now: Millis): Promise<void> {
  const { TableName: _, Key, ...change } = noteOfUse(keys.name, keyId, now);
  await updateItem(keys, Key, change);
}

/** Replaces a key's versions. @returns false where the key is revoked, or was changed since it was read */
export async function replaceVersions(keys: Table, before: KeyRecord, after: KeyRecord): Promise<boolean> {
  const replaced = await updateOnce(keys, keyOf(before.key_id), {
    UpdateExpression: "SET versions = :new",
    ConditionExpression: "versions = :old AND #status = :active",
    ExpressionAttributeNames: { "#status": "status" },
    ExpressionAttributeValues: {
      ":new": { S: JSON.stringify(after.versions) },
      ":old": { S: JSON.stringify(before.versions) },
      ":active": { S: "active" },
    },
  });
  return replaced !== undefined;
}

/** Notes with its maker that a key exists. @returns false where the maker is revoked */
export async function addChild(keys: Table, makerId: string, childId: string): Promise<boolean> {
  const added = await updateItem(keys, keyOf(makerId), {
    UpdateExpression: "ADD children :child",
    ConditionExpression: "#status = :active",
    ExpressionAttributeNames: { "#status": "status" },
    ExpressionAttributeValues: { ":child": { SS: [childId] }, ":active": { S: "active" } },
  });
  return added !== undefined;
}

/** Takes keys that have ended from those that their maker is known to have made. */
export async function removeChildren(keys: Table, makerId: string, children: readonly string[]): Promise<void> {
  await updateItem(keys, keyOf(makerId), {
    UpdateExpression: "DELETE children :children",
    ConditionExpression: "attribute_exists(key_id)",
    ExpressionAttributeValues: { ":children": { SS: [...children] } },
  });
}

/**
 * Revokes a key.
 * @returns whether it was revoked before, and the keys that it had made by then; a revoked key can no longer make keys
 * @throws Error where the key is unknown
 */
export async function revoke(
  keys: Table,
  keyId: string,
): Promise<{ readonly before: boolean; readonly children: readonly string[] }> {
  const write = newWriteId();
  const old = await updateItem(keys, keyOf(keyId), {
    UpdateExpression: "SET write_id = :write, #status = :revoked",
    ConditionExpression: "attribute_exists(key_id)",
    ExpressionAttributeNames: { "#status": "status" },
    ExpressionAttributeValues: { ":revoked": { S: "revoked" }, ":write": write },
    ReturnValues: "ALL_OLD",
  });
  if (old === undefined) throw missing(keyId);
  return { before: old.status?.S === "revoked" && old.write_id?.S !== write.S, children: old.children?.SS ?? [] };
}

/** Writes the customer's limit into a key. @throws Error where there is no such key */
export async function writeCustomerLimit(keys: Table, keyId: string, limitPerSecond: number): Promise<void> {
  const written = await updateItem(keys, keyOf(keyId), {
    UpdateExpression: "SET customer_limit_per_second = :limit",
    ConditionExpression: "attribute_exists(key_id)",
    ExpressionAttributeValues: { ":limit": { N: String(limitPerSecond) } },
  });
  if (written === undefined) throw missing(keyId);
}

const missing = (keyId: string): Error => new Error(`there is no key ${keyId}`);
