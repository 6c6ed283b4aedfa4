import assert from "node:assert/strict";
import { GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { suite } from "uvu";
import { defined } from "../../../runtime/domain/defined.ts";
import { parseKey, versionOf } from "../../../runtime/domain/identity/apiKey.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { decodeKeyRecord, noteOfUse } from "../../../runtime/domain/identity/keyRecord.ts";
import type { EndVersion } from "../../../runtime/redis/endedVersions.ts";
import { operator, peppers, startApi, type TestApi } from "../../support/api.ts";

const test = suite("keys");
let api: TestApi;
let owner: { live: Identity; sandbox: Identity; customer_id: string };
test.before(async () => {
  api = await startApi();
  owner = await api.customer();
});
test.after(() => api.close());

/** Revokes a key, and not those that it has made. */
const revoke = (dynamodb: TestApi["deps"]["dynamodb"], key_id: string) =>
  dynamodb.send(
    new UpdateItemCommand({
      TableName: "keys",
      Key: { key_id: { S: key_id } },
      UpdateExpression: "SET #status = :revoked",
      ExpressionAttributeNames: { "#status": "status" },
      ExpressionAttributeValues: { ":revoked": { S: "revoked" } },
    }),
  );

/** What the edge would read. */
async function recordOf(keyId: string) {
  const { Item } = await api.deps.dynamodb.send(
    new GetItemCommand({ TableName: "keys", Key: { key_id: { S: keyId } } }),
  );
  return decodeKeyRecord(Item!);
}
const opens = async (apiKey: string): Promise<boolean> => {
  const { key_id, secret } = parseKey(apiKey)!;
  return versionOf(await recordOf(key_id), secret, peppers, api.deps.now()) !== undefined;
};

test("a new key has the first three scopes, its maker's environment, and is shown once", async () => {
  const { status, body } = await api.call(owner.live, "POST", "/keys", {});
  const { key_id, api_key, created_at, last_four, ...rest } = body;
  assert.equal(status, 201);
  assert.deepEqual(rest, {
    name: null,
    environment: "live",
    scopes: ["events:write", "events:read", "subscriptions"],
    limit_per_second: null,
    expires_at: null,
    last_used_at: null,
    status: "active",
  });
  assert.equal(parseKey(api_key)?.key_id, key_id);
  assert.equal(last_four, api_key.slice(-4));
  assert.equal(await opens(api_key), true);
  const read = await api.call(owner.live, "GET", `/keys/${key_id}`);
  assert.deepEqual(read.body, { key_id, created_at, last_four, ...rest });
});

test("an absent body asks for the defaults", async () => {
  assert.equal((await api.call(owner.sandbox, "POST", "/keys")).body.environment, "sandbox");
});

test("a key for web pages has one scope and names its origins, here and at the edge", async () => {
  const allowed_origins = ["https://app.example.com", "http://localhost:3000"];
  const { status, body } = await api.call(owner.live, "POST", "/keys", { allowed_origins });
  assert.deepEqual([status, body.scopes, body.allowed_origins], [201, ["events:write"], allowed_origins]);
  assert.deepEqual(new Set((await recordOf(body.key_id)).allowed_origins), new Set(allowed_origins));
  const asked: [body: object, path: string][] = [
    [{ allowed_origins, scopes: ["events:write", "events:read"] }, "/scopes"],
    [{ allowed_origins, scopes: ["keys"] }, "/scopes"],
    [{ allowed_origins: [] }, "/allowed_origins"],
    [{ allowed_origins: ["https://app.example.com/"] }, "/allowed_origins/0"],
    [{ allowed_origins: ["*"] }, "/allowed_origins/0"],
  ];
  for (const [given, path] of asked) {
    const refused = await api.call(owner.live, "POST", "/keys", given);
    assert.deepEqual([refused.status, refused.body.error.details[0].path], [400, path]);
  }
});

test("a page of another origin is refused with origin_forbidden, and server keys get no CORS headers", async () => {
  const page: Identity = { ...owner.live, scopes: ["events:write"], allowed_origins: ["https://app.example.com"] };
  const dryRun = (who: Identity, origin: string) => api.call(who, "POST", "/events/dry-run", {}, { origin });
  const good = await dryRun(page, "https://app.example.com");
  assert.deepEqual([good.status, good.headers.get("access-control-allow-origin")], [200, "https://app.example.com"]);
  const missing = await api.call(page, "GET", "/inbox", undefined, { origin: "https://app.example.com" });
  assert.deepEqual(
    [missing.status, missing.headers.get("access-control-allow-origin")],
    [403, "https://app.example.com"],
  );
  const bad = await dryRun(page, "https://elsewhere.example");
  assert.deepEqual(
    [bad.status, bad.body.error.code, bad.headers.get("access-control-allow-origin")],
    [403, "origin_forbidden", null],
  );
  assert.equal(bad.headers.get("ratelimit-limit"), "1000");
  const server = await dryRun(owner.live, "https://app.example.com");
  assert.deepEqual([server.status, server.headers.get("access-control-allow-origin")], [200, null]);
});

test("a rotation ends the old text where the edge would hear of it too late", async () => {
  const ended: Parameters<EndVersion>[] = [];
  const deps = api.deps as { endVersion: unknown };
  const { endVersion } = deps;
  deps.endVersion = async (...args: Parameters<EndVersion>) => ended.push(args);
  const { body } = await api.call(owner.live, "POST", "/keys", {});
  const [first] = (await recordOf(body.key_id)).versions;
  const rotate = (overlap_seconds: number) =>
    api.call(owner.live, "POST", `/keys/${body.key_id}/rotate`, { overlap_seconds });
  assert.equal((await rotate(3_600)).status, 200);
  assert.equal(ended.length, 0);
  const before = api.deps.now();
  assert.equal((await rotate(0)).status, 200);
  deps.endVersion = endVersion;
  assert.equal(ended.length, 2);
  const oldest = ended.find(([, , version]) => version === Date.parse(first!.created_at))!;
  assert.deepEqual(oldest.slice(0, 2), [owner.customer_id, body.key_id]);
  assert.ok(oldest[3] >= before && oldest[3] <= api.deps.now());
});

test("a raised limit counts for POST /keys at once, even while the edge has the old one", async () => {
  const { live, customer_id } = await api.customer("Raised");
  await api.call(operator, "PATCH", `/customers/${customer_id}`, { limit_per_second: 5_000 });
  assert.equal((await api.call(live, "POST", "/keys", { limit_per_second: 5_000 })).status, 201);
  assert.equal((await api.call(live, "POST", "/keys", { limit_per_second: 5_001 })).status, 403);
  await api.call(operator, "PATCH", `/customers/${customer_id}`, { limit_per_second: 10 });
  assert.equal((await api.call(live, "POST", "/keys", { limit_per_second: 11 })).status, 403);
});

test("only the secret's HMAC is stored", async () => {
  const { body } = await api.call(owner.live, "POST", "/keys", { name: "hashed" });
  const record = await recordOf(body.key_id);
  assert.equal(JSON.stringify(record).includes(parseKey(body.api_key)!.secret), false);
  assert.equal(record.versions[0]!.pepper_version, peppers.current);
});

const refused: [says: string, maker: () => Identity, body: unknown, status: number, message: string][] = [
  [
    "a key can't make one with a scope it lacks",
    () => ({ ...owner.live, scopes: ["keys", "events:read"] }),
    { scopes: ["events:read", "admin"] },
    403,
    "This key lacks what the other would have: admin.",
  ],
  [
    "a sandbox key can't make a live one",
    () => owner.sandbox,
    { environment: "live" },
    403,
    "A sandbox key can't give access to live data.",
  ],
  [
    "a key's limit can't exceed the customer's",
    () => owner.live,
    { limit_per_second: 1_001 },
    403,
    "This key's limit is 1000 events per second; the other's can't exceed it.",
  ],
  [
    "a key's limit can't exceed its maker's own",
    () => ({ ...owner.live, key_limit_per_second: 10 }),
    { limit_per_second: 11 },
    403,
    "This key's limit is 10 events per second; the other's can't exceed it.",
  ],
  [
    "a key without the scope `keys` makes none",
    () => ({ ...owner.live, scopes: ["admin"] }),
    {},
    403,
    'This key lacks the scope "keys".',
  ],
  [
    "an expiry in the past is refused",
    () => owner.live,
    { expires_at: "2020-01-01T00:00:00Z" },
    400,
    "The body is not valid.",
  ],
  ["no scopes at all are refused", () => owner.live, { scopes: [] }, 400, "The body is not valid."],
  ["an unknown scope is refused", () => owner.live, { scopes: ["root"] }, 400, "The body is not valid."],
  ["an unknown member is refused", () => owner.live, { scope: ["admin"] }, 400, "The body is not valid."],
];
for (const [says, maker, body, status, message] of refused) {
  test(says, async () => {
    const answer = await api.call(maker(), "POST", "/keys", body);
    assert.deepEqual([answer.status, answer.body.error.message], [status, message]);
  });
}

test("a key made by a limited key has its maker's limit unless it asks for less", async () => {
  const maker = { ...owner.live, key_limit_per_second: 10 };
  assert.equal((await api.call(maker, "POST", "/keys", {})).body.limit_per_second, 10);
  assert.equal((await api.call(maker, "POST", "/keys", { limit_per_second: 3 })).body.limit_per_second, 3);
});

test("after a rotation both texts open until the overlap ends, then only the new one", async () => {
  const { body: made } = await api.call(owner.live, "POST", "/keys", {});
  const { status, body } = await api.call(owner.live, "POST", `/keys/${made.key_id}/rotate`, { overlap_seconds: 60 });
  assert.deepEqual([status, body.key_id], [200, made.key_id]);
  assert.equal(body.last_four, body.api_key.slice(-4));
  assert.notEqual(body.api_key, made.api_key);
  assert.deepEqual([await opens(made.api_key), await opens(body.api_key)], [true, true]);
  api.advance(61_000);
  assert.deepEqual([await opens(made.api_key), await opens(body.api_key)], [false, true]);
});

test("each old text opens until its overlap ends: a rotation that would leave too many is refused, one that ends them is not", async () => {
  const { body: made } = await api.call(owner.live, "POST", "/keys", {});
  const rotate = (overlap_seconds: number) =>
    api.call(owner.live, "POST", `/keys/${made.key_id}/rotate`, { overlap_seconds });
  const texts: string[] = [made.api_key];
  for (let i = 0; i < 20; i += 1) texts.push((await rotate(60)).body.api_key);
  assert.deepEqual(await Promise.all(texts.map(opens)), Array(21).fill(true));
  const beyond = await rotate(60);
  assert.deepEqual([beyond.status, beyond.body.error.code], [422, "limit_reached"]);
  assert.equal(
    beyond.body.error.message,
    "At most 20 older secrets can be valid beside the new one: wait until one ends, or end all of them by `overlap_seconds` 0.",
  );
  assert.deepEqual(await Promise.all(texts.map(opens)), Array(21).fill(true));
  const last = await rotate(0);
  assert.equal(last.status, 200);
  assert.deepEqual(await Promise.all([...texts, last.body.api_key].map(opens)), [...Array(21).fill(false), true]);
});

test("a rotation without overlap ends the old text at once", async () => {
  const { body: made } = await api.call(owner.live, "POST", "/keys", {});
  const { body } = await api.call(owner.live, "POST", `/keys/${made.key_id}/rotate`, { overlap_seconds: 0 });
  assert.deepEqual([await opens(made.api_key), await opens(body.api_key)], [false, true]);
});

test("a weaker key can't rotate a stronger one", async () => {
  const weak: Identity = { ...owner.live, key_id: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV", scopes: ["keys"] };
  const answer = await api.call(weak, "POST", `/keys/${owner.live.key_id}/rotate`, {});
  assert.deepEqual([answer.status, answer.body.error.code], [403, "forbidden"]);
  const crossed = await api.call(owner.sandbox, "POST", `/keys/${owner.live.key_id}/rotate`, {});
  assert.deepEqual([crossed.status, crossed.body.error.code], [403, "forbidden"]);
});

const identityOf = async (apiKey: string): Promise<Identity> => {
  const record = await recordOf(parseKey(apiKey)!.key_id);
  return {
    ...owner.live,
    key_id: record.key_id,
    scopes: record.scopes,
    ...defined({ key_limit_per_second: record.limit_per_second, key_family: record.family }),
  };
};
const make = async (maker: Identity, body: object = {}) => {
  const answer = await api.call(maker, "POST", "/keys", body);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return { ...answer.body, identity: await identityOf(answer.body.api_key) };
};
const ALL = ["events:write", "events:read", "subscriptions", "keys", "privacy", "admin"];

test("a weaker key can't revoke a stronger one, but each key can revoke itself", async () => {
  const other = await api.customer("Rights");
  const weak = await api.call(other.live, "POST", "/keys", { scopes: ["keys"] });
  const weakIdentity = { ...other.live, key_id: weak.body.key_id, scopes: ["keys"] as const };
  const refusal = await api.call(weakIdentity, "DELETE", `/keys/${other.live.key_id}`);
  assert.deepEqual([refusal.status, refusal.body.error.code], [403, "forbidden"]);
  const crossed = await api.call(other.sandbox, "DELETE", `/keys/${other.live.key_id}`);
  assert.deepEqual([crossed.status, crossed.body.error.code], [403, "forbidden"]);
  assert.equal((await recordOf(other.live.key_id)).status, "active");
  assert.equal((await api.call(weakIdentity, "DELETE", `/keys/${weak.body.key_id}`)).status, 204);
  assert.equal((await api.call(other.live, "DELETE", `/keys/${other.sandbox.key_id}`)).status, 204);
});

test("a key never outlives its maker: it ends with it, and can't ask for more", async () => {
  const ends = new Date(api.deps.now() + 60_000).toISOString();
  const maker = await make(owner.live, { scopes: ALL, expires_at: ends });
  assert.equal((await make(maker.identity)).expires_at, ends);
  const sooner = new Date(api.deps.now() + 30_000).toISOString();
  assert.equal((await make(maker.identity, { expires_at: sooner })).expires_at, sooner);
  for (const expires_at of [null, new Date(Date.parse(ends) + 1).toISOString()]) {
    const refusal = await api.call(maker.identity, "POST", "/keys", { expires_at });
    assert.deepEqual(
      [refusal.status, refusal.body.error.message],
      [403, `This key ends at ${ends}; the other can't outlive it.`],
    );
  }
  const lasting = await make(owner.live);
  const rotated = await api.call(maker.identity, "POST", `/keys/${lasting.key_id}/rotate`, {});
  assert.equal(rotated.status, 403);
});

test("in any tree of keys every key can do at most what its maker can, and revoking one revokes all below it", async () => {
  interface Made {
    readonly identity: Identity;
    readonly parent: number | undefined;
    readonly expires_at: string | null;
  }
  const request = fc.record(
    {
      scopes: fc.subarray(ALL, { minLength: 1 }).map((some) => [...new Set([...some, "keys"])]),
      limit_per_second: fc.integer({ min: 1, max: 20 }),
      expires_at: fc.constantFrom(
        null,
        ...[1, 2, 3].map((hours) => new Date(api.deps.now() + hours * 3_600_000).toISOString()),
      ),
    },
    { requiredKeys: ["scopes"] },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(9), request), { minLength: 1, maxLength: 8 }),
      fc.nat(9),
      async (steps, which) => {
        const keys: Made[] = [{ identity: owner.live, parent: undefined, expires_at: null }];
        for (const [at, body] of steps) {
          const parent = at % keys.length;
          const maker = keys[parent]!;
          const answer = await api.call(maker.identity, "POST", "/keys", body);
          if (answer.status === 403) continue;
          assert.equal(answer.status, 201, JSON.stringify(answer.body));
          const { scopes, limit_per_second, expires_at } = answer.body;
          assert.ok(scopes.every((scope: never) => maker.identity.scopes.includes(scope)));
          const ceiling = maker.identity.key_limit_per_second ?? Number.POSITIVE_INFINITY;
          assert.ok((limit_per_second ?? Number.POSITIVE_INFINITY) <= ceiling);
          assert.ok(maker.expires_at === null || (expires_at !== null && expires_at <= maker.expires_at));
          const identity = await identityOf(answer.body.api_key);
          const limited = maker.identity.key_limit_per_second === undefined ? [] : [maker.identity.key_id];
          assert.deepEqual(
            (identity.key_family ?? []).map(({ key_id }) => key_id),
            [...(maker.identity.key_family ?? []).map(({ key_id }) => key_id), ...limited],
          );
          keys.push({ identity, parent, expires_at });
        }
        if (keys.length === 1) return;
        const revoked = 1 + (which % (keys.length - 1));
        const { key_id } = keys[revoked]!.identity;
        assert.equal((await api.call(owner.live, "DELETE", `/keys/${key_id}`)).status, 204);
        const descends = (at: number | undefined): boolean =>
          at !== undefined && (at === revoked || descends(keys[at]!.parent));
        for (const [at, { identity }] of keys.entries()) {
          const expected = descends(at) ? "revoked" : "active";
          assert.equal((await recordOf(identity.key_id)).status, expected);
          if (expected === "revoked") {
            // Within the minute in which the edge still lets it pass, it makes no key that would outlive it.
            const late = await api.call(identity, "POST", "/keys", { scopes: ["keys"], limit_per_second: 1 });
            assert.equal(late.status, 401);
          }
        }
      },
    ),
    { numRuns: 25 },
  );
});

test("a sandbox key reads objects of the customer and changes nothing live", async () => {
  assert.equal((await api.call(owner.sandbox, "GET", "/retention")).status, 200);
  const { body } = await api.call(owner.live, "GET", "/retention");
  const refusal = await api.call(owner.sandbox, "PUT", "/retention", { days: 1 });
  assert.deepEqual(
    [refusal.status, refusal.body.error.message],
    [403, "A sandbox key can't change what is live: use a live key."],
  );
  assert.deepEqual((await api.call(owner.live, "GET", "/retention")).body, body);
});

test("a revoked key is listed as revoked, can't be rotated, and revoking it again is 204", async () => {
  const { body } = await api.call(owner.live, "POST", "/keys", {});
  const path = `/keys/${body.key_id}`;
  assert.equal((await api.call(owner.live, "DELETE", path)).status, 204);
  assert.equal((await api.call(owner.live, "DELETE", path)).status, 204);
  assert.equal((await recordOf(body.key_id)).status, "revoked");
  assert.equal((await api.call(owner.live, "GET", path)).body.status, "revoked");
  const rotated = await api.call(owner.live, "POST", `${path}/rotate`, {});
  assert.deepEqual([rotated.status, rotated.body.error.code], [409, "conflict"]);
});

test("a key past its expiry reads as expired", async () => {
  const expires_at = new Date(api.deps.now() + 1_000).toISOString();
  const { body } = await api.call(owner.live, "POST", "/keys", { expires_at });
  assert.deepEqual([body.status, body.expires_at], ["active", expires_at]);
  api.advance(2_000);
  assert.equal((await api.call(owner.live, "GET", `/keys/${body.key_id}`)).body.status, "expired");
});

test("the edge's note of a use shows as last_used_at", async () => {
  const { body } = await api.call(owner.live, "POST", "/keys", {});
  const now = api.deps.now();
  await api.deps.dynamodb.send(new UpdateItemCommand(noteOfUse("keys", body.key_id, now)));
  const read = await api.call(owner.live, "GET", `/keys/${body.key_id}`);
  assert.equal(read.body.last_used_at, new Date(now).toISOString());
});

test("the list holds every key of the customer once, page by page, and no other customer's", async () => {
  const other = await api.customer("Other");
  const made = new Set<string>([other.live.key_id, other.sandbox.key_id]);
  for (let i = 0; i < 5; i += 1) made.add((await api.call(other.live, "POST", "/keys", {})).body.key_id);
  const seen: string[] = [];
  let cursor = "";
  do {
    const { body } = await api.call(other.live, "GET", `/keys?limit=3${cursor}`);
    assert.ok(body.keys.length <= 3);
    seen.push(...body.keys.map((key: { key_id: string }) => key.key_id));
    cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
  } while (cursor !== "");
  assert.deepEqual([...seen].sort(), [...made].sort());
});

test("another customer's key is 404 for every request about it", async () => {
  const other = await api.customer("Other");
  const path = `/keys/${owner.live.key_id}`;
  const answers = await Promise.all([
    api.call(other.live, "GET", path),
    api.call(other.live, "DELETE", path),
    api.call(other.live, "POST", `${path}/rotate`, {}),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [404, 404, 404],
  );
  assert.equal((await recordOf(owner.live.key_id)).status, "active");
});

test("a new limit of the customer reaches each of its keys", async () => {
  const other = await api.customer("Other");
  const answer = await api.call(operator, "PATCH", `/customers/${other.customer_id}`, { limit_per_second: 77 });
  assert.equal(answer.body.limit_per_second, 77);
  assert.equal((await recordOf(other.live.key_id)).customer_limit_per_second, 77);
  assert.equal((await recordOf(other.sandbox.key_id)).customer_limit_per_second, 77);
  const { body } = await api.call(other.live, "POST", "/keys", {});
  assert.equal((await recordOf(body.key_id)).customer_limit_per_second, 77);
});

test("a key that makes keys for years stays small, and is still revoked with those that work", async () => {
  const { live } = await api.customer();
  const kept = (await api.call(live, "POST", "/keys", {})).body.key_id as string;
  const made: string[] = [];
  for (let n = 0; n < 205; n += 1) {
    const { status, body } = await api.call(live, "POST", "/keys", { scopes: ["keys", "events:read"] });
    assert.equal(status, 201);
    made.push(body.key_id);
    if (n === 0) {
      // One that was made by a key that has ended, and works on after the platform stopped in between.
      const own = { ...live, key_id: made[0]!, scopes: ["keys", "events:read"] } as Identity;
      made.push((await api.call(own, "POST", "/keys", { scopes: ["events:read"] })).body.key_id);
      await revoke(api.deps.dynamodb, made[0]!);
    } else await api.call(live, "DELETE", `/keys/${body.key_id}`);
  }
  const { children } = await recordOf(live.key_id);
  assert.ok(children!.length < 20, `${children!.length} children`);
  assert.equal((await api.call(live, "DELETE", `/keys/${live.key_id}`)).status, 204);
  for (const id of [kept, ...made]) assert.equal((await recordOf(id)).status, "revoked");
});

test("a damaged key keeps no other from being listed, made, changed or ended, and ends with its customer", async () => {
  const { live, customer_id } = await api.customer();
  const made = await Promise.all([1, 2].map(() => api.call(live, "POST", "/keys", {})));
  const [damaged, whole] = made.map(({ body }) => body.key_id as string);
  const versions = async (text: string) =>
    api.deps.dynamodb.send(
      new UpdateItemCommand({
        TableName: "keys",
        Key: { key_id: { S: damaged! } },
        UpdateExpression: "SET versions = :text",
        ExpressionAttributeValues: { ":text": { S: text } },
      }),
    );
  const before = JSON.stringify((await recordOf(damaged!)).versions);
  await versions("[");
  const listed = (await api.call(live, "GET", "/keys")).body.keys.map(({ key_id }: { key_id: string }) => key_id);
  assert.deepEqual([listed.includes(damaged), listed.includes(whole)], [false, true]);
  assert.equal((await api.call(live, "POST", "/keys", {})).status, 201);
  assert.equal((await api.call(operator, "GET", "/customers/figures")).status, 200);
  const changed = await api.call(operator, "PATCH", `/customers/${customer_id}`, { limit_per_second: 7 });
  assert.equal(changed.status, 200);
  assert.equal((await recordOf(whole!)).customer_limit_per_second, 7);
  assert.equal((await api.call(operator, "DELETE", `/customers/${customer_id}`)).status, 204);
  await versions(before);
  for (const id of [damaged!, whole!, live.key_id]) assert.equal((await recordOf(id)).status, "revoked");
});

test.run();
