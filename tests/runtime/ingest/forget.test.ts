import assert from "node:assert/strict";
import { suite } from "uvu";
import type { Forgotten } from "../../../runtime/domain/idempotency.ts";
import { keyHashOf } from "../../../runtime/domain/idempotency.ts";
import { tenantOf } from "../../../runtime/domain/identity/identity.ts";
import { forget } from "../../../runtime/ingest/forget.ts";
import { LEASE_MS } from "../../../runtime/redis/idempotency.ts";
import { startRedis, type TestRedis } from "../redis/support/redis.ts";
import { identity, platformOver, type TestPlatform } from "./support/ports.ts";

const test = suite("forgetting idempotency entries");
let redis: TestRedis;
let customers = 0;

test.before(async () => {
  redis = await startRedis();
});
test.after(() => redis.close());

/** A customer of its own for each test. */
const newCustomer = () => ({ ...identity, customer_id: `cus_forgotten${++customers}` });
const named = (key: string, event: string) => ({ key_hash: keyHashOf(key), first: event.slice(4) });
const idIn = ({ body }: { body: string }): string => JSON.parse(body).event_id;
const codeOf = ({ body }: { body: string }): string | undefined => JSON.parse(body).error?.code;

const forgetOf = (platform: TestPlatform, request: Parameters<typeof forget>[1]): Promise<Forgotten> =>
  forget(redis.connection, request, () => platform.now, Number.POSITIVE_INFINITY);

/** A request that is sent and never heard of again, as by a function that died. */
async function inFlight(platform: TestPlatform, key: string, who: typeof identity) {
  let begun = () => {};
  const sending = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const stuck = platformOver(redis.connection, {
    now: () => platform.now,
    send: (message) => {
      platform.sent.push(message);
      begun();
      return new Promise(() => {});
    },
  });
  void stuck.post('{"a":1}', { "idempotency-key": key }, who);
  await sending;
  return platform.sent.at(-1)!.first;
}

test("a forgotten key is as if it had never been used", async () => {
  const platform = platformOver(redis.connection);
  const who = newCustomer();
  const key = { "idempotency-key": "order 1" };
  const first = idIn(await platform.post('{"a":1}', key, who));
  const other = await platform.post('{"a":1}', { "idempotency-key": "order 2" }, who);
  const request = { tenant: tenantOf(who), entries: [named("order 1", first)] };
  assert.deepEqual(await forgetOf(platform, request), { removed: 1, in_flight: [], next_cursor: null });
  assert.deepEqual(await forgetOf(platform, request), { removed: 0, in_flight: [], next_cursor: null });
  const again = await platform.post('{"a":2}', key, who);
  assert.deepEqual([again.status, again.headers["idempotency-replayed"]], [202, undefined]);
  assert.notEqual(idIn(again), first);
  const kept = await platform.post('{"a":1}', { "idempotency-key": "order 2" }, who);
  assert.deepEqual([kept.body, kept.headers["idempotency-replayed"]], [other.body, "true"]);
});

test("an entry that another request has made meanwhile stays", async () => {
  const platform = platformOver(redis.connection);
  const who = newCustomer();
  const key = { "idempotency-key": "again" };
  const before = idIn(await platform.post('{"a":1}', key, who));
  const request = { tenant: tenantOf(who), entries: [named("again", before)] };
  await forgetOf(platform, request);
  const after = await platform.post('{"a":1}', key, who);
  assert.equal((await forgetOf(platform, request)).removed, 0);
  assert.equal((await platform.post('{"a":1}', key, who)).body, after.body);
});

test("a request under way keeps its entry until its lease is over, so a repeat never makes a second set", async () => {
  const platform = platformOver(redis.connection);
  const who = newCustomer();
  const first = await inFlight(platform, "slow", who);
  const tenant = tenantOf(who);
  const asked = [
    { tenant, entries: [named("slow", `evt_${first}`)] },
    { tenant, until: platform.now },
  ];
  for (const request of asked)
    assert.deepEqual(await forgetOf(platform, request), {
      removed: 0,
      in_flight: [keyHashOf("slow")],
      next_cursor: null,
    });
  assert.equal(codeOf(await platform.post('{"a":1}', { "idempotency-key": "slow" }, who)), "idempotency_in_flight");
  platform.now += LEASE_MS + 1;
  assert.equal((await forgetOf(platform, asked[0]!)).removed, 1);
});

test("all entries of one customer and environment up to a time go, finished or not", async () => {
  const platform = platformOver(redis.connection);
  const [who, neighbour] = [newCustomer(), newCustomer()];
  const sandbox = { ...who, environment: "sandbox" as const };
  for (let i = 0; i < 250; i += 1) await platform.post('{"a":1}', { "idempotency-key": `${i}` }, who);
  await platform.post('{"a":1}', { "idempotency-key": "1" }, neighbour);
  await platform.post('{"a":1}', { "idempotency-key": "1" }, sandbox);
  // Claimed, and nothing came of it: no batch names it.
  await inFlight(platform, "died", who);
  platform.now += LEASE_MS + 1;
  const until = platform.now;
  platform.now += 1;
  const later = await platform.post('{"a":1}', { "idempotency-key": "later" }, who);
  const done = await forgetOf(platform, { tenant: tenantOf(who), until });
  assert.deepEqual(done, { removed: 251, in_flight: [], next_cursor: null });
  const answers = await Promise.all([
    platform.post('{"a":1}', { "idempotency-key": "later" }, who),
    platform.post('{"a":1}', { "idempotency-key": "1" }, neighbour),
    platform.post('{"a":1}', { "idempotency-key": "1" }, sandbox),
  ]);
  assert.equal(answers[0]!.body, later.body);
  assert.deepEqual(
    answers.map(({ headers }) => headers["idempotency-replayed"]),
    ["true", "true", "true"],
  );
});

test("a batch carries its idempotency key only as a hash", async () => {
  const platform = platformOver(redis.connection);
  await platform.post('{"a":1}', { "idempotency-key": "ada@example.com" }, newCustomer());
  await platform.post('{"a":1}', {}, newCustomer());
  assert.deepEqual(
    platform.sent.map(({ key_hash }) => key_hash),
    [keyHashOf("ada@example.com"), undefined],
  );
});

test.run();
