import assert from "node:assert/strict";
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { suite } from "uvu";
import { createSecretsManager } from "../../local/secretsmanager.ts";
import { SETTLE_MS } from "../../operations/heldSecret.ts";
import { add, retire, type Sealing, seal, use, usesOf } from "../../operations/sealings.ts";
import { channelPlace } from "../../runtime/database/alerts.ts";
import { subjectKey } from "../../runtime/database/jobs.ts";
import { asService } from "../../runtime/database/roles.ts";
import type { Definition } from "../../runtime/database/schema.ts";
import { countSealed, sealAnew, sealDefinition, secretPlace } from "../../runtime/database/sealing.ts";
import { insertSubscriptions } from "../../runtime/database/subscriptions.ts";
import { nextVersion } from "../../runtime/database/versions.ts";
import { newUlid } from "../../runtime/domain/ids.ts";
import { newKeyRing, openVault } from "../../runtime/domain/webhook/vault.ts";
import { serve as serveRequest } from "../../runtime/subscriptions/service.ts";
import { testClock } from "../local/clock.ts";
import { clientOf, type Served, serve } from "../local/serve.ts";
import { startDatabase, type TestDatabase } from "../support/database.ts";

const test = suite("keys that seal");
const clock = testClock(Date.parse("2026-11-25T10:00:00Z"));
const SECRET = "sealing";
const CUSTOMER = "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const CHANNEL = "chn_01ARZ3NDEKTSV4RRFFQ69G5FAV";
let served: Served;
let database: TestDatabase;
let sealing: Sealing;

test.before(async () => {
  served = await serve(async (context) => {
    const service = await createSecretsManager(context, clock);
    await service.resources["aws:secretsmanager/secret:Secret"]!({
      type: "aws:secretsmanager/secret:Secret",
      name: SECRET,
      inputs: {},
    });
    return [service];
  });
  database = await startDatabase();
  const secrets = new SecretsManagerClient({ ...clientOf(served.endpoint), maxAttempts: 1 });
  await secrets.send(new PutSecretValueCommand({ SecretId: SECRET, SecretString: JSON.stringify(newKeyRing()) }));
  sealing = {
    secrets,
    sealingSecret: SECRET,
    counts: async () => countSealed(database.db, await vault()),
    sealSome: async () => sealAnew(database.db, await vault()),
    now: () => clock.now(),
  };
  const at = new Date(clock.now()).toISOString();
  await asService(database.db, async (tx) => {
    const row = { customer_id: CUSTOMER, name: "c", limit_per_second: 1, status: "active" as const };
    await tx
      .insertInto("customers")
      .values({ ...row, created_at: at, updated_at: at })
      .execute();
    await subjectKey(tx, CUSTOMER, await vault());
    await tx
      .insertInto("alert_channels")
      .values({
        channel_id: CHANNEL,
        tenant: CUSTOMER,
        customer_id: CUSTOMER,
        kind: "slack",
        target: "https://hooks.slack.com/…",
        secret: (await vault()).seal("a whole URL", channelPlace(CUSTOMER, CHANNEL)),
        base_url: "https://example.com",
        created_at: at,
        updated_at: at,
      })
      .execute();
  });
});
test.after(async () => {
  sealing.secrets.destroy();
  await Promise.all([served.close(), database.close()]);
});

async function vault() {
  const { SecretString } = await sealing.secrets.send(new GetSecretValueCommand({ SecretId: SECRET }));
  return openVault(SecretString!);
}

/** Subscribes so many times, with a header each, as the ring says now. */
async function subscribe(count: number): Promise<string[]> {
  const own = await vault();
  const added = Array.from({ length: count }, () => {
    const subscription_id = `sub_${newUlid(clock.now())}`;
    const definition: Definition = {
      workflow_id: "w",
      webhook_url: `https://example.com/${subscription_id}`,
      event_selector: "a",
      transform: null,
      enrich: null,
      format: "event",
      max_batch: 100,
      headers: { authorization: `Bearer ${subscription_id}` },
    };
    const owner = { customer_id: CUSTOMER, subscription_id };
    return {
      subscription_id,
      definition: sealDefinition(own, owner, definition),
      secret: own.seal(`whsec_${subscription_id}`, secretPlace(CUSTOMER, subscription_id)),
    };
  });
  await asService(database.db, async (tx) => {
    const snapshot = await nextVersion(tx, CUSTOMER, CUSTOMER, "subscriptions");
    await insertSubscriptions(tx, { customer_id: CUSTOMER, environment: "live" }, added, snapshot, clock.now());
  });
  return added.map(({ subscription_id }) => subscription_id);
}

/** @throws Error where a text can't be opened */
async function allOpen(ids: readonly string[]): Promise<void> {
  const wanted = ids.map((subscription_id) => ({ tenant: CUSTOMER, subscription_id }));
  const { targets } = await serveRequest(database.db, { op: "targets", wanted }, clock.now(), await vault());
  assert.deepEqual(
    targets
      .map(({ subscription_id, headers, secrets }) => [subscription_id, headers.authorization, secrets[0]!.secret])
      .sort(),
    ids.map((id) => [id, `Bearer ${id}`, `whsec_${id}`]).sort(),
  );
  await asService(database.db, async (tx) => {
    assert.equal(Buffer.from(await subjectKey(tx, CUSTOMER, await vault()), "base64").length, 32);
    const { secret } = await tx.selectFrom("alert_channels").select("secret").executeTakeFirstOrThrow();
    assert.equal((await vault()).open(secret!, channelPlace(CUSTOMER, CHANNEL)), "a whole URL");
  });
}

const refused = (message: string) => ({ name: "Refusal", message });

test("a new key comes, older texts are sealed again, the old key goes; all texts open at every step, and no step is taken too soon", async () => {
  const before = await subscribe(520);
  assert.equal(await add(sealing), "2");
  await assert.rejects(add(sealing), refused("key 2 waits to be used"));
  await assert.rejects(
    use(sealing),
    refused("the secret was written 0 s ago: try again in 600 s, when every cache has it"),
  );
  await assert.rejects(retire(sealing, "1"), refused("key 1 is what new texts are sealed by"));
  await allOpen(before);
  clock.advance(SETTLE_MS);
  assert.equal(await use(sealing), "2");
  const all = [...before, ...(await subscribe(3))];
  await allOpen(all);
  assert.deepEqual(await usesOf(sealing), {
    keys: [
      { version: "1", current: false, texts: 1_042 },
      { version: "2", current: true, texts: 6 },
    ],
    damaged: 0,
  });
  await assert.rejects(retire(sealing, "1"), /^Refusal: the secret was written 0 s ago/);
  clock.advance(SETTLE_MS);
  await assert.rejects(retire(sealing, "1"), refused("1042 text(s) need key 1: seal them anew first"));
  assert.equal(await seal(sealing), 1_042);
  assert.equal(await seal(sealing), 0);
  await allOpen(all);
  await retire(sealing, "1");
  await allOpen(all);
  assert.deepEqual(await usesOf(sealing), { keys: [{ version: "2", current: true, texts: 1_048 }], damaged: 0 });
  await assert.rejects(retire(sealing, "1"), refused("there is no key 1"));
  await assert.rejects(use(sealing), refused("key 2 is in use already; add another first"));
});

test("sealing again ends when its time is up, and the next run continues", async () => {
  await add(sealing);
  clock.advance(SETTLE_MS);
  await use(sealing);
  const own = await vault();
  const looks = [false, true];
  const some = await sealAnew(database.db, own, () => looks.shift() ?? true);
  assert.equal(some, 500);
  assert.equal(some + (await seal(sealing)), 1_048);
});

test("a damaged text keeps no other from being sealed anew, and no key in the ring", async () => {
  const [damaged, whole] = await subscribe(2);
  const { keys: before } = await usesOf(sealing);
  const old = before.find(({ current }) => current)!.version;
  await asService(database.db, async (tx) => {
    const secret = `sealed:${old}:${"A".repeat(60)}`;
    await tx.updateTable("signing_secrets").set({ secret }).where("subscription_id", "=", damaged!).execute();
    const { definition } = await tx
      .selectFrom("subscriptions")
      .select("definition")
      .where("subscription_id", "=", damaged!)
      .executeTakeFirstOrThrow();
    const headers = { ...definition.headers, "x-other": secret };
    await tx
      .updateTable("subscriptions")
      .set({ definition: JSON.stringify({ ...definition, headers }) })
      .where("subscription_id", "=", damaged!)
      .execute();
  });
  clock.advance(SETTLE_MS);
  const version = await add(sealing);
  clock.advance(SETTLE_MS);
  await use(sealing);
  // One header of the damaged subscription is whole.
  assert.equal(await seal(sealing), 1_051);
  assert.deepEqual((await usesOf(sealing)).keys.at(-1), { version, current: true, texts: 1_051 });
  assert.equal((await usesOf(sealing)).damaged, 2);
  clock.advance(SETTLE_MS);
  await retire(sealing, old);
  await allOpen([whole!]);
});

test.run();
