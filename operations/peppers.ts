import { randomBytes } from "node:crypto";
import { type DynamoDBClient, GetItemCommand, ScanCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { hashSecret, type KeyRecord, type Peppers, parseKey } from "../runtime/domain/identity/apiKey.ts";
import { decodeKeyRecord } from "../runtime/domain/identity/keyRecord.ts";
import { rfc3339 } from "../runtime/domain/time.ts";
import { newestOf, readSecret, replaceSecret, SETTLE_MS, settled, versionAfter } from "./heldSecret.ts";
import { Refusal } from "./refusal.ts";

/**
 * Replaces the pepper while every key goes on working, in three steps: `add` a version, `use` it for new keys, `retire` the old one.
 *
 * Invariant: a version is known wherever keys are verified before a key names it, and no key that still opens names a version
 * that is gone. The first holds since `use` waits until every cache has read the secret again after `add`; the second since `retire`
 * waits as long after `use`, so that no key is made under the old version after that, and then looks at every key.
 */

export interface Directory {
  readonly dynamodb: DynamoDBClient;
  readonly secrets: SecretsManagerClient;
  readonly keysTable: string;
  /** ARN or name of the secret with the peppers. */
  readonly pepperSecret: string;
  /** ARN or name of the secret with the operator's key, whose text is known and so can be stored under a new pepper. */
  readonly operatorSecret: string;
  now(): number;
}

const read = async ({ secrets, pepperSecret }: Directory) =>
  readSecret(secrets, pepperSecret, (value): Peppers => {
    const peppers = value as Peppers;
    if (peppers.versions?.[peppers.current] === undefined) throw new Error(`${pepperSecret} holds no peppers`);
    return peppers;
  });

export interface VersionUse {
  readonly version: string;
  readonly current: boolean;
  /** Keys that open something and are stored under this version. */
  readonly keys: number;
  /** Whose they are, sorted. */
  readonly customers: readonly string[];
}

/** Versions under which the record can still be opened at `now`. */
const openUnder = (record: KeyRecord, now: number): string[] =>
  record.status !== "active" || (record.expires_at !== undefined && Date.parse(record.expires_at) <= now)
    ? []
    : record.versions
        .filter(({ expires_at }) => expires_at === undefined || Date.parse(expires_at) > now)
        .map(({ pepper_version }) => pepper_version);

async function* everyKey({ dynamodb, keysTable }: Directory): AsyncGenerator<KeyRecord> {
  let start: Record<string, never> | undefined;
  do {
    const page = await dynamodb.send(
      new ScanCommand({ TableName: keysTable, ConsistentRead: true, ExclusiveStartKey: start }),
    );
    // Notes of use lie in the same table and have no versions.
    for (const item of page.Items ?? []) if (item.versions !== undefined) yield decodeKeyRecord(item);
    start = page.LastEvaluatedKey as typeof start;
  } while (start !== undefined);
}

/** Which version how many keys need: reads the whole table. */
export async function usesOf(directory: Directory): Promise<VersionUse[]> {
  const { value: peppers } = await read(directory);
  const customers = new Map<string, string[]>();
  for await (const record of everyKey(directory))
    for (const version of new Set(openUnder(record, directory.now())))
      customers.set(version, [...(customers.get(version) ?? []), record.customer_id]);
  const versions = new Set([...Object.keys(peppers.versions), ...customers.keys()]);
  return [...versions]
    .sort((a, b) => Number(a) - Number(b))
    .map((version) => {
      const owners = customers.get(version) ?? [];
      return {
        version,
        current: version === peppers.current,
        keys: owners.length,
        customers: [...new Set(owners)].sort(),
      };
    });
}

/** Adds a version that nothing relies on yet. @returns its name @throws Refusal when one already waits to be used */
export async function add(directory: Directory): Promise<string> {
  const held = await read(directory);
  const newest = newestOf(held.value.versions);
  const version = versionAfter(newest, held.value.current, `version ${newest}`);
  await replaceSecret(directory.secrets, directory.pepperSecret, held, {
    ...held.value,
    versions: { ...held.value.versions, [version]: randomBytes(32).toString("base64") },
  });
  return version;
}

/**
 * Has new keys stored under the newest version, and the operator's key too.
 * @returns the version
 * @throws Refusal when the newest version is in use already, or some functions may not have read it yet
 */
export async function use(directory: Directory, settleMs = SETTLE_MS): Promise<string> {
  const held = await read(directory);
  const version = newestOf(held.value.versions);
  if (version === held.value.current) {
    // An earlier run may have ended before this.
    if (await moveOperator(directory, held.value)) return version;
    throw new Refusal(`version ${version} is in use already; add another first`);
  }
  settled(held, directory.now(), settleMs);
  const peppers = { ...held.value, current: version };
  await replaceSecret(directory.secrets, directory.pepperSecret, held, peppers);
  await moveOperator(directory, peppers);
  return version;
}

/** Stores the operator's key under the current pepper. @returns whether it was under another */
async function moveOperator(directory: Directory, peppers: Peppers): Promise<boolean> {
  const { dynamodb, secrets, keysTable, operatorSecret, now } = directory;
  const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: operatorSecret }));
  const key = parseKey(SecretString ?? "");
  if (key === undefined) throw new Error(`${operatorSecret} holds no API key`);
  const at = { TableName: keysTable, Key: { key_id: { S: key.key_id } } };
  const stored = async () => (await dynamodb.send(new GetItemCommand({ ...at, ConsistentRead: true }))).Item;
  const item = await stored();
  if (item === undefined) throw new Error(`the operator's key ${key.key_id} is not in ${keysTable}`);
  const { versions } = decodeKeyRecord(item);
  if (versions.every(({ pepper_version }) => pepper_version === peppers.current)) return false;
  const hash = hashSecret(key.secret, peppers.versions[peppers.current]!);
  const wanted = JSON.stringify([{ hash, pepper_version: peppers.current, created_at: rfc3339(now()) }]);
  try {
    await dynamodb.send(
      new UpdateItemCommand({
        ...at,
        UpdateExpression: "SET versions = :new",
        ConditionExpression: "versions = :old",
        ExpressionAttributeValues: { ":new": { S: wanted }, ":old": item.versions! },
      }),
    );
  } catch (cause) {
    if ((cause as Error).name !== "ConditionalCheckFailedException") throw cause;
    // The answer to a first call may have been lost.
    if ((await stored())?.versions?.S !== wanted)
      throw new Refusal(`the operator's key ${key.key_id} was changed by somebody else meanwhile`, { cause });
  }
  return true;
}

/**
 * Takes a version away for good.
 * @throws Refusal when there is none of this name, it is the current one, a key still needs it, or keys may still be made under it
 */
export async function retire(directory: Directory, version: string, settleMs = SETTLE_MS): Promise<void> {
  const held = await read(directory);
  if (!Object.hasOwn(held.value.versions, version)) throw new Refusal(`there is no version ${version}`);
  if (version === held.value.current) throw new Refusal(`version ${version} is what new keys are stored under`);
  settled(held, directory.now(), settleMs);
  const needed = (await usesOf(directory)).find((one) => one.version === version);
  if (needed !== undefined && needed.keys > 0)
    throw new Refusal(
      `${needed.keys} key(s) need version ${version}: of ${needed.customers.join(", ")}. They move when they are rotated or made anew`,
    );
  const { [version]: _, ...versions } = held.value.versions;
  await replaceSecret(directory.secrets, directory.pepperSecret, held, { ...held.value, versions });
}
