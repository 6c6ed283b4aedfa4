import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { test } from "uvu";
import {
  formatKey,
  hashSecret,
  type KeyRecord,
  newKeyId,
  newSecret,
  type Peppers,
  parseKey,
  versionOf,
} from "../../../runtime/domain/identity/apiKey.ts";
import { environments, scopes } from "../../../runtime/domain/identity/identity.ts";
import {
  decodeKeyRecord,
  encodeKeyRecord,
  lastUsedIn,
  noteOfUse,
  usedItemId,
} from "../../../runtime/domain/identity/keyRecord.ts";

const environment = fc.constantFrom(...environments);
const page = readFileSync(new URL("../../../docs/api-keys.md", import.meta.url), "utf8");

test("a key is read as it was made", () =>
  fc.assert(
    fc.property(environment, (env) => {
      const [id, secret] = [newKeyId(), newSecret()];
      assert.deepEqual(parseKey(formatKey(env, id, secret)), { environment: env, key_id: id, secret });
    }),
  ));

test("a key of an earlier release is read as before", () => {
  const key = formatKey("live", "key_01ARZ3NDEKTSV4RRFFQ69G5FAV", "0123456789ABCDEFGHIJKLMNOPQRSTUV");
  assert.equal(key, "trg_live_01ARZ3NDEKTSV4RRFFQ69G5FAV_0123456789ABCDEFGHIJKLMNOPQRSTUV3gbbg0");
});

test("any single wrong character is recognised", () =>
  fc.assert(
    fc.property(environment, fc.nat(), fc.constantFrom(..."0Az_-"), (env, where, by) => {
      const key = formatKey(env, newKeyId(), newSecret());
      const at = where % key.length;
      const typo = key.slice(0, at) + by + key.slice(at + 1);
      assert.equal(parseKey(typo) === undefined, typo !== key);
    }),
    { numRuns: 2_000 },
  ));

test("a text that is not a key is not read as one", () => {
  for (const text of [
    "",
    "trg",
    "trg___",
    "trg_live_x_y",
    "TRG_LIVE",
    `${formatKey("live", newKeyId(), newSecret())}_`,
  ]) {
    assert.equal(parseKey(text), undefined, text);
  }
});

test("every key fits the pattern that the documentation gives to secret scanners", () => {
  const pattern = new RegExp(/```\n(.*)\n```/.exec(page)![1]!);
  for (let i = 0; i < 200; i += 1) assert.match(`key=${formatKey("sandbox", newKeyId(), newSecret())}\n`, pattern);
});

const peppers: Peppers = {
  current: "2",
  versions: { "1": Buffer.alloc(32, 1).toString("base64"), "2": Buffer.alloc(32, 2).toString("base64") },
};

test("a secret fits its own hash under its own pepper alone", () => {
  const secret = newSecret();
  const under = (pepper_version: string) => ({
    versions: [{ hash: hashSecret(secret, peppers.versions["1"]!), pepper_version, created_at: "" }],
  });
  assert.equal(versionOf(under("1"), secret, peppers, 0) !== undefined, true);
  assert.equal(versionOf(under("2"), secret, peppers, 0) !== undefined, false);
  assert.equal(versionOf(under("3"), secret, peppers, 0) !== undefined, false);
  assert.equal(versionOf(under("1"), newSecret(), peppers, 0) !== undefined, false);
  assert.equal(versionOf(undefined, secret, peppers, 0) !== undefined, false);
});

test("an expired version fits nothing", () => {
  const secret = newSecret();
  const versions = [
    {
      hash: hashSecret(secret, peppers.versions["1"]!),
      pepper_version: "1",
      created_at: "",
      expires_at: "2026-11-25T00:00:00.000Z",
    },
  ];
  const end = Date.UTC(2026, 10, 25);
  assert.deepEqual(
    [end - 1, end].map((now) => versionOf({ versions }, secret, peppers, now) !== undefined),
    [true, false],
  );
});

const text = fc.string({ minLength: 1, maxLength: 20 });
const record = fc.record(
  {
    key_id: text,
    customer_id: text,
    environment,
    name: text,
    scopes: fc.uniqueArray(fc.constantFrom(...scopes), { minLength: 1 }),
    status: fc.constantFrom("active" as const, "revoked" as const),
    versions: fc.array(fc.record({ hash: text, pepper_version: text, created_at: text }, { noNullPrototype: true }), {
      minLength: 1,
      maxLength: 3,
    }),
    expires_at: text,
    customer_limit_per_second: fc.integer({ min: 1, max: 1e9 }),
    limit_per_second: fc.integer({ min: 1, max: 1e9 }),
    created_at: text,
  },
  {
    noNullPrototype: true,
    requiredKeys: [
      "key_id",
      "customer_id",
      "environment",
      "scopes",
      "status",
      "versions",
      "customer_limit_per_second",
      "created_at",
    ],
  },
);

test("a key's item is read as it was written", () =>
  fc.assert(fc.property(record, (one) => assert.deepEqual(decodeKeyRecord(encodeKeyRecord(one)), one))));

const small: KeyRecord = {
  key_id: "k",
  customer_id: "c",
  environment: "live",
  scopes: ["admin"],
  status: "active",
  versions: [{ hash: "h", pepper_version: "1", created_at: "" }],
  customer_limit_per_second: 1,
  created_at: "t",
};

test("a damaged item is refused, and the attribute named", () => {
  const whole = encodeKeyRecord(small);
  for (const member of [
    "key_id",
    "customer_id",
    "environment",
    "status",
    "versions",
    "customer_limit_per_second",
    "created_at",
  ]) {
    const { [member]: _, ...rest } = whole;
    assert.throws(() => decodeKeyRecord(rest), { message: `the key item has no valid "${member}"` });
  }
  for (const versions of ["", "x", "[]", "[{}]", "5", "null"]) {
    assert.throws(() => decodeKeyRecord({ ...whole, versions: { S: versions } }), {
      message: 'the key item has no valid "versions"',
    });
  }
});

test("a scope that a newer release wrote grants nothing", () => {
  const item = encodeKeyRecord(small);
  assert.deepEqual(decodeKeyRecord({ ...item, scopes: { SS: ["admin", "everything"] } }).scopes, ["admin"]);
});

test("a note of use touches its own item, never the key's", () => {
  const note = noteOfUse("keys", "key_1", Date.UTC(2026, 10, 25));
  assert.deepEqual(note.Key, { key_id: { S: "key_1#used" } });
  assert.equal(usedItemId("key_1"), "key_1#used");
  assert.deepEqual(note.ExpressionAttributeValues, {
    ":now": { S: "2026-11-25T00:00:00.000Z" },
    ":before": { S: "2026-11-24T23:50:00.000Z" },
  });
  assert.equal(lastUsedIn({ last_used_at: { S: "x" } }), "x");
  assert.equal(lastUsedIn(undefined), undefined);
});

test.run();
