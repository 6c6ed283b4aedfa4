import assert from "node:assert/strict";
import { test } from "uvu";
import { defined } from "../../../runtime/domain/defined.ts";
import { TriggersError } from "../../../runtime/domain/errors/errors.ts";
import {
  formatKey,
  hashSecret,
  type KeyRecord,
  type KeyVersion,
  newKeyId,
  newSecret,
  type Peppers,
} from "../../../runtime/domain/identity/apiKey.ts";
import { authenticate } from "../../../runtime/edge/authenticate.ts";
import { GOOD_MS, KeyCache } from "../../../runtime/edge/keyCache.ts";

const NOW = Date.UTC(2026, 10, 25);
const pepper = (byte: number) => Buffer.alloc(32, byte).toString("base64");
const peppers: Peppers = { current: "2", versions: { "1": pepper(1), "2": pepper(2) } };
const at = (ms: number) => new Date(NOW + ms).toISOString();

const version = (secret: string, pepperVersion = "2", expires_at?: string): KeyVersion => ({
  hash: hashSecret(secret, peppers.versions[pepperVersion]!),
  pepper_version: pepperVersion,
  created_at: at(-1_000),
  ...defined({ expires_at }),
});

const secret = newSecret();
const key_id = newKeyId();
const record: KeyRecord = {
  key_id,
  customer_id: "cus_1",
  environment: "live",
  name: "main",
  scopes: ["events:write"],
  status: "active",
  versions: [version(secret)],
  customer_limit_per_second: 1_000,
  limit_per_second: 50,
  created_at: at(-1_000),
};
const key = formatKey("live", key_id, secret);

/** Authenticates against a table that holds these records. */
function setup(...records: KeyRecord[]) {
  const table = new Map(records.map((each) => [each.key_id, each]));
  const world = { now: NOW, away: false, reads: 0, table };
  const keys = new KeyCache({
    read: async (id) => {
      world.reads += 1;
      if (world.away) throw new Error("away");
      return table.get(id);
    },
    now: () => world.now,
  });
  const authenticator = { keys, peppers: async () => peppers, now: () => world.now };
  const ask = (authorization: string | undefined) => authenticate(authorization, "203.0.113.7", authenticator);
  return { ask, world };
}

const outcome = (work: Promise<unknown>) =>
  work.then(
    () => "accepted",
    (thrown: unknown) => (thrown instanceof TriggersError ? `${thrown.status} ${thrown.message}` : "crashed"),
  );
const REFUSED = "401 The API key is missing or not valid.";

test("a key that is active says who calls", async () => {
  assert.deepEqual(await setup(record).ask(`Bearer ${key}`), {
    customer_id: "cus_1",
    environment: "live",
    key_id,
    key_name: "main",
    key_version: Date.parse(at(-1_000)),
    scopes: ["events:write"],
    limit_per_second: 1_000,
    key_limit_per_second: 50,
    source_ip: "203.0.113.7",
  });
});

const rows: [says: string, record: KeyRecord | undefined, authorization: string | undefined, outcome: string][] = [
  ["the scheme may be written in any case", record, `bearer  ${key}`, "accepted"],
  ["no header is refused", record, undefined, REFUSED],
  ["an empty header is refused", record, "", REFUSED],
  ["another scheme is refused", record, `Basic ${key}`, REFUSED],
  ["a key without its scheme is refused", record, key, REFUSED],
  ["two keys are refused", record, `Bearer ${key} ${key}`, REFUSED],
  ["a typo is refused by its checksum", record, `Bearer ${key.replace(/.$/, (c) => (c === "0" ? "1" : "0"))}`, REFUSED],
  ["an unknown key is refused", undefined, `Bearer ${key}`, REFUSED],
  ["a wrong secret is refused", record, `Bearer ${formatKey("live", key_id, newSecret())}`, REFUSED],
  ["a live key renamed to sandbox is refused", record, `Bearer ${formatKey("sandbox", key_id, secret)}`, REFUSED],
  ["a revoked key is refused", { ...record, status: "revoked" }, `Bearer ${key}`, REFUSED],
  ["an expired key is refused", { ...record, expires_at: at(0) }, `Bearer ${key}`, REFUSED],
  ["a key is valid up to its expiry", { ...record, expires_at: at(1) }, `Bearer ${key}`, "accepted"],
  [
    "during a rotation the older secret counts",
    { ...record, versions: [version(newSecret()), version(secret, "2", at(1))] },
    `Bearer ${key}`,
    "accepted",
  ],
  [
    "and so does the newer",
    { ...record, versions: [version(secret), version(newSecret(), "2", at(1))] },
    `Bearer ${key}`,
    "accepted",
  ],
  [
    "after its overlap the older one is refused",
    { ...record, versions: [version(newSecret()), version(secret, "2", at(0))] },
    `Bearer ${key}`,
    REFUSED,
  ],
  [
    "a secret under the older pepper still verifies",
    { ...record, versions: [version(secret, "1")] },
    `Bearer ${key}`,
    "accepted",
  ],
  [
    "a pepper that is gone verifies nothing",
    { ...record, versions: [{ ...version(secret), pepper_version: "0" }] },
    `Bearer ${key}`,
    REFUSED,
  ],
  [
    "a record without a hash verifies nothing",
    { ...record, versions: [{ ...version(secret), hash: "" }] },
    `Bearer ${key}`,
    REFUSED,
  ],
  ["a very long header is refused unread", record, `Bearer ${"x".repeat(100_000)}`, REFUSED],
];
for (const [says, held, authorization, expected] of rows) {
  test(says, async () =>
    assert.equal(await outcome(setup(...(held === undefined ? [] : [held])).ask(authorization)), expected),
  );
}

test("a text that is not a key is refused without asking the table", async () => {
  const { ask, world } = setup(record);
  await outcome(ask("Bearer trg_live_nonsense"));
  await outcome(ask(`Bearer ${key}x`));
  assert.equal(world.reads, 0);
});

test("a new secret counts at once, though the edge holds the record from before", async () => {
  const { ask, world } = setup(record);
  await ask(`Bearer ${key}`);
  const newer = newSecret();
  world.table.set(key_id, { ...record, versions: [version(newer), version(secret, "2", at(60_000))] });
  assert.equal(await outcome(ask(`Bearer ${formatKey("live", key_id, newer)}`)), "accepted");
  assert.equal(await outcome(ask(`Bearer ${key}`)), "accepted");
  assert.equal(world.reads, 2);
});

test("a revoked key is refused within 70 s while it is used all the time", async () => {
  const { ask, world } = setup(record);
  await ask(`Bearer ${key}`);
  world.table.set(key_id, { ...record, status: "revoked" });
  world.now += GOOD_MS - 1;
  assert.equal(await outcome(ask(`Bearer ${key}`)), "accepted");
  world.now += 1;
  assert.equal(await outcome(ask(`Bearer ${key}`)), REFUSED);
});

test("a wrong secret and an unknown id ask the table equally often", async () => {
  const wrong = setup(record);
  const unknown = setup();
  const guess = `Bearer ${formatKey("live", key_id, newSecret())}`;
  for (let i = 0; i < 300; i += 1) {
    for (const { ask, world } of [wrong, unknown]) {
      await outcome(ask(guess));
      world.now += 100;
    }
  }
  // One more read of the record at the beginning: what no record tells costs nothing to know twice.
  assert.deepEqual([wrong.world.reads, unknown.world.reads], [4, 3]);
});

test("while the table is down an unknown key gets 503, and a known one passes", async () => {
  const { ask, world } = setup(record);
  await ask(`Bearer ${key}`);
  world.away = true;
  world.now += GOOD_MS + 1;
  assert.equal(await outcome(ask(`Bearer ${key}`)), "accepted");
  const stranger = `Bearer ${formatKey("live", newKeyId(), newSecret())}`;
  assert.equal(await outcome(ask(stranger)), "503 API keys can't be verified at the moment.");
});

test.run();
