import assert from "node:assert/strict";
import { DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { suite } from "uvu";
import { createDynamodb } from "../../local/dynamodb.ts";
import { createSecretsManager } from "../../local/secretsmanager.ts";
import type { LocalService } from "../../local/service.ts";
import { SETTLE_MS } from "../../operations/heldSecret.ts";
import { add, type Directory, retire, use, usesOf } from "../../operations/peppers.ts";
import { defined } from "../../runtime/domain/defined.ts";
import {
  formatKey,
  hashSecret,
  type KeyRecord,
  newKeyId,
  newSecret,
  type Peppers,
} from "../../runtime/domain/identity/apiKey.ts";
import { decodeKeyRecord, encodeKeyRecord, noteOfUse } from "../../runtime/domain/identity/keyRecord.ts";
import { rfc3339 } from "../../runtime/domain/time.ts";
import { testClock } from "../local/clock.ts";
import { clientOf, type Served, serve } from "../local/serve.ts";

const test = suite("peppers");
const clock = testClock(Date.parse("2026-11-25T10:00:00Z"));
const FIRST: Peppers = { current: "1", versions: { "1": Buffer.alloc(32, 1).toString("base64") } };

let served: Served;
let services: readonly LocalService[];
let directory: Directory;
let tables = 0;

test.before(async () => {
  served = await serve(async (context) => {
    services = [await createDynamodb(context, clock), await createSecretsManager(context, clock)];
    return services;
  });
});
test.after(() => served.close());

/** A directory as a first deployment leaves it: one pepper, the operator's key under it. */
test.before.each(async () => {
  tables += 1;
  const [keysTable, pepperSecret, operatorSecret] = [`keys-${tables}`, `pepper-${tables}`, `operator-${tables}`];
  const declare = (type: string, name: string, inputs: object) =>
    services.find(({ resources }) => resources[type] !== undefined)!.resources[type]!({
      type,
      name,
      inputs: inputs as Record<string, never>,
    });
  await declare("aws:dynamodb/table:Table", keysTable, {
    hashKey: "key_id",
    billingMode: "PAY_PER_REQUEST",
    attributes: [{ name: "key_id", type: "S" }],
  });
  await declare("aws:secretsmanager/secret:Secret", pepperSecret, {});
  await declare("aws:secretsmanager/secret:Secret", operatorSecret, {});
  const client = clientOf(served.endpoint);
  directory = {
    dynamodb: new DynamoDBClient({ ...client, maxAttempts: 1 }),
    secrets: new SecretsManagerClient({ ...client, maxAttempts: 1 }),
    keysTable,
    pepperSecret,
    operatorSecret,
    now: () => clock.now(),
  };
  await put(pepperSecret, JSON.stringify(FIRST));
  const [id, secret] = [newKeyId(clock.now()), newSecret()];
  await put(operatorSecret, formatKey("live", id, secret));
  await store({ key_id: id, customer_id: "cus_operator", hash: hashSecret(secret, FIRST.versions["1"]!) });
});
test.after.each(() => {
  directory.dynamodb.destroy();
  directory.secrets.destroy();
});

const put = (SecretId: string, SecretString: string) =>
  directory.secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
const peppers = async (): Promise<Peppers> =>
  JSON.parse(
    (await directory.secrets.send(new GetSecretValueCommand({ SecretId: directory.pepperSecret }))).SecretString!,
  ) as Peppers;

interface Stored extends Partial<Omit<KeyRecord, "versions">> {
  readonly hash?: string;
  readonly pepper_version?: string;
  readonly secret_expires_at?: string;
}
function store({ hash = "AA==", pepper_version = "1", secret_expires_at, ...rest }: Stored) {
  const created_at = rfc3339(clock.now());
  const ends = defined({ expires_at: secret_expires_at });
  const record: KeyRecord = {
    key_id: newKeyId(clock.now()),
    customer_id: "cus_a",
    environment: "live",
    scopes: ["events:write"],
    status: "active",
    versions: [{ hash, pepper_version, created_at, ...ends }],
    customer_limit_per_second: 1_000,
    created_at,
    ...rest,
  };
  return directory.dynamodb.send(new PutItemCommand({ TableName: directory.keysTable, Item: encodeKeyRecord(record) }));
}

const refused = (message: string) => ({ name: "Refusal", message });

test("an added version exists, and no key uses it yet", async () => {
  assert.equal(await add(directory), "2");
  const now = await peppers();
  assert.deepEqual([now.current, now.versions["1"], Object.keys(now.versions)], ["1", FIRST.versions["1"], ["1", "2"]]);
  assert.equal(Buffer.from(now.versions["2"]!, "base64").length, 32);
  await assert.rejects(add(directory), refused("version 2 waits to be used"));
});

test("a new pepper is used only once every cache has it", async () => {
  await add(directory);
  clock.advance(SETTLE_MS - 1_000);
  await assert.rejects(
    use(directory),
    refused("the secret was written 599 s ago: try again in 1 s, when every cache has it"),
  );
  assert.equal((await peppers()).current, "1");
  clock.advance(1_000);
  assert.equal(await use(directory), "2");
  assert.equal((await peppers()).current, "2");
  await assert.rejects(use(directory), refused("version 2 is in use already; add another first"));
});

/** Sends again what was answered, as a client does whose answer is lost. */
const twice = <Client extends { send(command: never): Promise<unknown> }>(client: Client, kinds: readonly object[]) =>
  Object.assign(Object.create(client) as Client, {
    async send(command: { readonly constructor: object }) {
      if (kinds.includes(command.constructor)) await client.send(command as never);
      return client.send(command as never);
    },
  });

test("a step whose answers are lost is done", async () => {
  directory = {
    ...directory,
    dynamodb: twice(directory.dynamodb, [UpdateItemCommand]),
    secrets: twice(directory.secrets, [UpdateSecretVersionStageCommand]),
  };
  await add(directory);
  clock.advance(SETTLE_MS);
  assert.equal(await use(directory), "2");
  assert.deepEqual(
    (await usesOf(directory)).map(({ keys }) => keys),
    [0, 1],
  );
});

test("the operator's key moves along, and its text goes on opening", async () => {
  await add(directory);
  await use(directory, 0);
  const text = (await directory.secrets.send(new GetSecretValueCommand({ SecretId: directory.operatorSecret })))
    .SecretString!;
  const [, , ulid, tail] = text.split("_");
  const { Item } = await directory.dynamodb.send(
    new GetItemCommand({ TableName: directory.keysTable, Key: { key_id: { S: `key_${ulid}` } } }),
  );
  const hash = hashSecret(tail!.slice(0, 32), (await peppers()).versions["2"]!);
  assert.deepEqual(
    decodeKeyRecord(Item!).versions.map(({ hash, pepper_version }) => ({ hash, pepper_version })),
    [{ hash, pepper_version: "2" }],
  );
});

test("if a run dies before it moves the operator's key, the next run moves it", async () => {
  await add(directory);
  await put(directory.pepperSecret, JSON.stringify({ ...(await peppers()), current: "2" }));
  assert.equal(await use(directory), "2");
  assert.deepEqual(
    (await usesOf(directory)).map(({ version, keys }) => [version, keys]),
    [
      ["1", 0],
      ["2", 1],
    ],
  );
});

test("only keys that still work count: not revoked or expired ones, nor a text whose overlap is over", async () => {
  const past = rfc3339(clock.now() - 1);
  await store({ customer_id: "cus_b" });
  await store({ customer_id: "cus_a" });
  await store({ customer_id: "cus_a", expires_at: rfc3339(clock.now() + 1) });
  await store({ customer_id: "cus_revoked", status: "revoked" });
  await store({ customer_id: "cus_expired", expires_at: past });
  await store({ customer_id: "cus_rotated", secret_expires_at: past });
  await directory.dynamodb.send(new UpdateItemCommand(noteOfUse(directory.keysTable, "key_x", clock.now())));
  assert.deepEqual(await usesOf(directory), [
    { version: "1", current: true, keys: 4, customers: ["cus_a", "cus_b", "cus_operator"] },
  ]);
});

test("a version is removed only when no key needs it and no new key can use it", async () => {
  await store({ customer_id: "cus_a", expires_at: rfc3339(clock.now() + 2 * SETTLE_MS) });
  await add(directory);
  await assert.rejects(retire(directory, "1"), refused("version 1 is what new keys are stored under"));
  await assert.rejects(retire(directory, "3"), refused("there is no version 3"));
  clock.advance(SETTLE_MS);
  await use(directory);
  await assert.rejects(
    retire(directory, "1"),
    refused("the secret was written 0 s ago: try again in 600 s, when every cache has it"),
  );
  clock.advance(SETTLE_MS - 1);
  await assert.rejects(
    retire(directory, "1", 0),
    refused("1 key(s) need version 1: of cus_a. They move when they are rotated or made anew"),
  );
  clock.advance(1);
  await retire(directory, "1");
  const { current, versions } = await peppers();
  assert.deepEqual([current, Object.keys(versions)], ["2", ["2"]]);
});

test("the second of two changes of the same state is refused", async () => {
  const { secrets } = directory;
  // Another process writes between this one's reading and its writing.
  let raced = false;
  const racing = new Proxy(secrets, {
    get: (target, member) =>
      member !== "send"
        ? Reflect.get(target, member)
        : async (command: never) => {
            const answer = await target.send(command);
            if (!raced) {
              raced = true;
              await add({ ...directory, secrets });
            }
            return answer;
          },
  });
  await assert.rejects(
    add({ ...directory, secrets: racing }),
    refused("the secret was changed by somebody else meanwhile"),
  );
  assert.deepEqual(Object.keys((await peppers()).versions), ["1", "2"]);
});

test.run();
