import assert from "node:assert/strict";
import { suite } from "uvu";
import { asService } from "../../../runtime/database/roles.ts";
import type { Definition } from "../../../runtime/database/schema.ts";
import { insertSubscriptions } from "../../../runtime/database/subscriptions.ts";
import { nextVersion } from "../../../runtime/database/versions.ts";
import { type Peppers, parseKey, versionOf } from "../../../runtime/domain/identity/apiKey.ts";
import { decodeKeyRecord, type KeyItem } from "../../../runtime/domain/identity/keyRecord.ts";
import { openVault } from "../../../runtime/domain/webhook/vault.ts";
import { bootstrap, untilItAnswers } from "../../../runtime/subscriptions/bootstrap.ts";
import { serve } from "../../../runtime/subscriptions/service.ts";
import { startDatabase, type TestDatabase } from "../../support/database.ts";

const test = suite("bootstrap");
const NOW = Date.parse("2026-11-25T10:00:00Z");
let database: TestDatabase;
test.before(async () => {
  database = await startDatabase();
});
test.after(() => database.close());

/** Secrets Manager and the keys table, as far as a bootstrap asks them. @param failAt the call that fails, from 1 */
function fakes(secrets: Map<string, string>, items: Map<string, KeyItem>, failAt = Number.POSITIVE_INFINITY) {
  let calls = 0;
  const count = () => {
    calls += 1;
    if (calls === failAt) throw new Error("the process died here");
  };
  const answer = async (command: { constructor: { name: string }; input: Record<string, never> }) => {
    count();
    const { SecretId, SecretString, Key, Item } = command.input as Record<string, never> & {
      SecretId: string;
      SecretString: string;
      Key: { key_id: { S: string } };
      Item: KeyItem;
    };
    switch (command.constructor.name) {
      case "GetSecretValueCommand":
        if (!secrets.has(SecretId)) throw Object.assign(new Error("no value"), { name: "ResourceNotFoundException" });
        return { SecretString: secrets.get(SecretId) };
      case "PutSecretValueCommand":
        secrets.set(SecretId, SecretString);
        return {};
      case "GetItemCommand":
        return { Item: items.get(Key.key_id.S) };
      default:
        items.set(Item.key_id!.S!, Item);
        return {};
    }
  };
  const env = {
    KEYS_TABLE: "keys",
    PEPPER_SECRET: "pepper",
    CURSOR_SECRET: "cursor",
    OPERATOR_SECRET: "operator",
    SEALING_SECRET: "sealing",
    EVENT_SHARDS: "[]",
  } as Parameters<typeof bootstrap>[0]["env"];
  const client = { send: answer } as never;
  const context = {
    env,
    db: database.db,
    keys: { dynamodb: client, name: "keys" },
    secrets: client,
    now: () => NOW,
    until: NOW + 60_000,
  };
  return { context, calls: () => calls };
}

test("an empty deployment gets its secrets, and an operator key that opens", async () => {
  const [secrets, items] = [new Map<string, string>(), new Map<string, KeyItem>()];
  assert.deepEqual(await bootstrap(fakes(secrets, items).context), {
    migrations: [],
    sealed: 0,
    pepper_made: true,
    cursor_secret_made: true,
    operator_key_made: true,
  });
  const key = parseKey(secrets.get("operator")!)!;
  const record = decodeKeyRecord(items.get(key.key_id)!);
  assert.deepEqual([record.customer_id, record.scopes, record.status], ["cus_operator", ["admin"], "active"]);
  const peppers = JSON.parse(secrets.get("pepper")!) as Peppers;
  assert.equal(Buffer.from(peppers.versions[peppers.current]!, "base64").length, 32);
  assert.equal(versionOf(record, key.secret, peppers, NOW) !== undefined, true);
  assert.equal(Buffer.from(secrets.get("cursor")!, "base64").length, 32);
});

test("values in clear text are sealed by the deployment after the one that can read sealed ones", async () => {
  const [secrets, items] = [new Map<string, string>(), new Map<string, KeyItem>()];
  const { context } = fakes(secrets, items);
  const customer_id = "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV";
  const id = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV";
  await asService(database.db, async (tx) => {
    const at = new Date(NOW).toISOString();
    await tx
      .insertInto("customers")
      .values({ customer_id, name: "c", limit_per_second: 1, status: "active", created_at: at, updated_at: at })
      .execute();
    const snapshot = await nextVersion(tx, customer_id, customer_id, "subscriptions");
    const definition: Definition = {
      workflow_id: 'nul \u0000 and "headers":{"a":"b"}',
      webhook_url: "https://example.com/",
      event_selector: "a",
      transform: null,
      enrich: null,
      format: "event",
      max_batch: 100,
      headers: { authorization: "Bearer in-clear-text" },
    };
    const added = [{ subscription_id: id, definition, secret: "whsec_in-clear-text" }];
    await insertSubscriptions(tx, { customer_id, environment: "live" }, added, snapshot, NOW);
  });
  const stored = async () => {
    const tables = ["signing_secrets", "subscriptions", "subscription_versions"];
    const rows = await Promise.all(tables.map((table) => database.raw.query(`select * from ${table}`)));
    return JSON.stringify(rows.map((result) => result.rows));
  };
  const targets = async () => {
    const wanted = [{ tenant: customer_id, subscription_id: id }];
    return (await serve(database.db, { op: "targets", wanted }, NOW, openVault(secrets.get("sealing")!))).targets;
  };
  assert.equal((await bootstrap(context)).sealed, 0);
  const before = await targets();
  assert.match(await stored(), /whsec_in-clear-text.*Bearer in-clear-text/);
  assert.equal((await bootstrap(context)).sealed, 2);
  assert.equal((await stored()).includes("in-clear-text"), false);
  assert.deepEqual(await targets(), before);
  assert.deepEqual(before[0]!.headers, { authorization: "Bearer in-clear-text" });
  assert.equal((await bootstrap(context)).sealed, 0);
});

const withCode = (code: string, message: string) => Object.assign(new Error(message), { code });
const away = withCode("08000", "Timed-out waiting to acquire database connection");

/** A database that answers from some time on, and a clock that only pauses move. */
async function waitFor(answersAfterMs: number, failure: Error) {
  let now = NOW;
  const pauses: number[] = [];
  const time = {
    now: () => now,
    async pause(ms: number) {
      pauses.push(ms);
      now += ms;
    },
  };
  const ask = async () => {
    if (now - NOW < answersAfterMs) throw failure;
  };
  const outcome = await untilItAnswers(ask, time).then(
    () => "answers",
    (error: Error) => error.message,
  );
  return { outcome, pauses, waited: now - NOW };
}

test("a database that answers at once is not waited for", async () =>
  assert.deepEqual(await waitFor(0, away), { outcome: "answers", pauses: [], waited: 0 }));

test("a proxy whose target becomes available after three minutes is waited for, with growing pauses", async () => {
  const { outcome, pauses } = await waitFor(180_000, away);
  assert.equal(outcome, "answers");
  assert.deepEqual(pauses.slice(0, 9), [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
});

test("after four minutes the deployment fails with what the database said", async () => {
  const { outcome, waited } = await waitFor(Number.POSITIVE_INFINITY, away);
  assert.equal(outcome, away.message);
  assert.ok(waited > 225_000 && waited <= 240_000, `waited ${waited} ms`);
});

const failures: [failure: Error, waits: boolean][] = [
  [away, true],
  [withCode("ECONNREFUSED", "connect ECONNREFUSED"), true],
  [new Error("timeout exceeded when trying to connect"), true],
  [new Error("Connection terminated unexpectedly"), true],
  [new Error("Connection terminated due to connection timeout", { cause: new Error("timeout expired") }), true],
  [withCode("57P03", "the database system is starting up"), true],
  [withCode("28000", 'PAM authentication failed for user "triggers"'), false],
  [withCode("28P01", "The IAM authentication failed for the role triggers"), false],
  [withCode("3D000", 'database "triggers" does not exist'), false],
  [withCode("42501", "permission denied"), false],
  [new TypeError("undefined is not a function"), false],
];
for (const [failure, waits] of failures)
  test(`${failure.message} is ${waits ? "waited out" : "told at once"}`, async () => {
    const { outcome, pauses } = await waitFor(1, failure);
    assert.deepEqual([outcome, pauses], waits ? ["answers", [100]] : [failure.message, []]);
  });

test("the next deployment changes nothing", async () => {
  const [secrets, items] = [new Map<string, string>(), new Map<string, KeyItem>()];
  await bootstrap(fakes(secrets, items).context);
  const before = [new Map(secrets), new Map(items)];
  assert.deepEqual(await bootstrap(fakes(secrets, items).context), {
    migrations: [],
    pepper_made: false,
    cursor_secret_made: false,
    operator_key_made: false,
    sealed: 0,
  });
  assert.deepEqual([secrets, items], before);
});

test("after a crash at any step, the next run completes the bootstrap and replaces no stored secret", async () => {
  const reference = fakes(new Map(), new Map());
  await bootstrap(reference.context);
  for (let failAt = 1; failAt <= reference.calls(); failAt += 1) {
    const [secrets, items] = [new Map<string, string>(), new Map<string, KeyItem>()];
    await assert.rejects(bootstrap(fakes(secrets, items, failAt).context), /the process died here/);
    const stored = new Map(secrets);
    await bootstrap(fakes(secrets, items).context);
    for (const [id, value] of stored) assert.equal(secrets.get(id), value);
    assert.deepEqual([secrets.size, items.size], [4, 1], `died at call ${failAt}`);
    assert.ok(items.has(parseKey(secrets.get("operator")!)!.key_id));
  }
});

test("a secret that can't be read for another reason stops the deployment", async () => {
  const { context } = fakes(new Map(), new Map());
  const secrets = { send: () => Promise.reject(new Error("AccessDeniedException")) } as never;
  await assert.rejects(bootstrap({ ...context, secrets }), /AccessDeniedException/);
});

test.run();
