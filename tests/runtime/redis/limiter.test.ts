import assert from "node:assert/strict";
import { suite } from "uvu";
import { defined } from "../../../runtime/domain/defined.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import type { RedisScripts } from "../../../runtime/redis/connect.ts";
import { endVersionsIn } from "../../../runtime/redis/endedVersions.ts";
import { Limiter, REDIS_PATIENCE_MS, REDIS_PAUSE_MS, type Verdict } from "../../../runtime/redis/limiter.ts";
import { startRedis, type TestRedis } from "./support/redis.ts";

const test = suite("limiter");
let redis: TestRedis;
let now = 1_000_000_000_000;
let customers = 0;
const failures: unknown[] = [];

test.before(async () => {
  redis = await startRedis();
});
test.after(() => redis.close());
test.before.each(() => {
  now += 10_000 - (now % 1_000); // the beginning of a slot
  failures.length = 0;
});

const limiterOver = (scripts: RedisScripts): Limiter =>
  new Limiter({ redis: scripts, now: () => now, failedOpen: (cause) => failures.push(cause) });

/** A customer of its own for each test. */
const customer = (limit: number, keyLimit?: number): Identity => {
  customers += 1;
  return {
    customer_id: `cus_${customers}`,
    environment: "live",
    key_id: `key_${customers}`,
    scopes: ["events:write"],
    limit_per_second: limit,
    ...defined({ key_limit_per_second: keyLimit }),
  };
};

const verdict = (allowed: boolean, limit: number, remaining: number, retryAfterMs = 0): Verdict => ({
  allowed,
  limit,
  remaining,
  resetSeconds: 1,
  retryAfterMs,
  by: "redis",
});

test("a request costs its number of events", async () => {
  const limiter = limiterOver(redis.connection);
  const who = customer(10);
  assert.deepEqual(await limiter.take(who, 6), verdict(true, 10, 4));
  assert.deepEqual(await limiter.take(who, 4), verdict(true, 10, 0));
});

test("a refused request is not counted, and told exactly when it would pass", async () => {
  const limiter = limiterOver(redis.connection);
  const who = customer(10);
  await limiter.take(who, 6);
  const refused = await limiter.take(who, 6);
  assert.deepEqual(refused, verdict(false, 10, 4, 800));
  now += refused.retryAfterMs - 1;
  assert.equal((await limiter.take(who, 6)).allowed, false);
  now += 1;
  assert.equal((await limiter.take(who, 6)).allowed, true);
});

test("a request that costs nothing learns the rest of the limit and uses none of it", async () => {
  const limiter = limiterOver(redis.connection);
  const who = customer(10);
  await limiter.take(who, 3);
  assert.deepEqual(await limiter.take(who, 0), verdict(true, 10, 7));
  assert.deepEqual(await limiter.take(who, 0), verdict(true, 10, 7));
});

test("a request that alone exceeds the limit can never pass", async () => {
  const limiter = limiterOver(redis.connection);
  assert.deepEqual(await limiter.take(customer(10), 11), verdict(false, 10, 10, Number.POSITIVE_INFINITY));
});

test("a key's own limit is a second window below the customer's", async () => {
  const limiter = limiterOver(redis.connection);
  const who = customer(10, 4);
  const other = { ...who, key_id: "key_other" };
  assert.deepEqual(await limiter.take(who, 4), verdict(true, 4, 0));
  assert.equal((await limiter.take(who, 1)).allowed, false);
  assert.deepEqual(await limiter.take(other, 4), verdict(true, 4, 0));
  assert.deepEqual(await limiter.take({ ...who, key_id: "key_third" }, 3), verdict(false, 10, 2, 800));
});

test("keys that a limited key has made count against its limit, all together", async () => {
  const limiter = limiterOver(redis.connection);
  const maker = customer(100, 5);
  const family = [{ key_id: maker.key_id, limit_per_second: 5 }];
  const child = (n: number): Identity => ({
    ...maker,
    key_id: `${maker.key_id}_${n}`,
    key_limit_per_second: 3,
    key_family: family,
  });
  assert.deepEqual(await limiter.take(child(1), 3), verdict(true, 3, 0));
  assert.equal((await limiter.take(child(2), 3)).allowed, false);
  assert.deepEqual(await limiter.take(child(2), 2), verdict(true, 5, 0));
  assert.equal((await limiter.take(maker, 1)).allowed, false);
  assert.equal((await limiter.take(customer(100, 5), 5)).allowed, true);
});

test("a request that one window refuses counts in neither window", async () => {
  const limiter = limiterOver(redis.connection);
  const who = customer(10, 4);
  assert.equal((await limiter.take(who, 5)).allowed, false);
  assert.deepEqual(await limiter.take({ ...who, key_id: "key_other" }, 4), verdict(true, 4, 0));
  const { key_limit_per_second: _, ...unlimited } = who;
  assert.deepEqual(await limiter.take(unlimited, 0), verdict(true, 10, 6));
});

test("live and sandbox have separate limits", async () => {
  const limiter = limiterOver(redis.connection);
  const who = customer(10);
  await limiter.take(who, 10);
  assert.deepEqual(await limiter.take({ ...who, environment: "sandbox" }, 10), verdict(true, 10, 0));
});

test("when requests come at once, exactly as many pass as fit", async () => {
  const limiter = limiterOver(redis.connection);
  const who = customer(50);
  const verdicts = await Promise.all(Array.from({ length: 40 }, () => limiter.take(who, 3)));
  assert.equal(verdicts.filter(({ allowed }) => allowed).length, 16);
});

test("a slow way from the edge does not count against a caller who sent in time", async () => {
  const limiter = limiterOver(redis.connection);
  const who = customer(1);
  const sent = now;
  now += 800; // an environment that has to begin
  assert.equal((await limiter.take(who, 1, sent)).allowed, true);
  now = sent + 1_000;
  assert.equal((await limiter.take(who, 1, now)).allowed, true);
});

test("the same step tells that a rotation has ended a key's text, and counts nothing", async () => {
  const limiter = limiterOver(redis.connection);
  const end = endVersionsIn(redis.connection, () => now);
  const who = { ...customer(10), key_version: 1_700_000_000_000 };
  await end(who.customer_id, who.key_id, who.key_version, now + 500);
  assert.deepEqual(await limiter.take(who, 1), verdict(true, 10, 9));
  now += 499;
  assert.equal((await limiter.take(who, 1)).ended, undefined);
  now += 1;
  assert.deepEqual(await limiter.take(who, 1), { ...verdict(false, 10, 8), ended: true });
  assert.deepEqual(await limiter.take({ ...who, key_version: who.key_version + 1 }, 0), verdict(true, 10, 8));
  // What came to the edge before the end is in time.
  assert.equal((await limiter.take(who, 1, now - 1)).allowed, true);
});

/** A limiter whose Redis can be cut off. */
function cuttable() {
  const connection = { away: false, asked: 0 };
  const limiter = limiterOver({
    run: (...args) => {
      connection.asked += 1;
      if (connection.away) throw new Error("away");
      return redis.connection.run(...args);
    },
  });
  return { connection, limiter };
}

test("when Redis is away its share of the limit passes, it is reported once, and Redis left alone for a second", async () => {
  const { connection, limiter } = cuttable();
  const who = customer(8);
  const local = (allowed: boolean, remaining: number, retryAfterMs = 0): Verdict => ({
    ...verdict(allowed, 8, remaining, retryAfterMs),
    by: "local",
  });
  connection.away = true;
  // Traffic that it has not seen: a quarter.
  assert.deepEqual(await limiter.take(who, 1), local(true, 1));
  assert.deepEqual(await limiter.take(who, 1), local(true, 0));
  assert.deepEqual(await limiter.take(who, 1), local(false, 0, 500));
  assert.equal(connection.asked, 1);
  assert.equal(failures.length, 1);
  now += 500;
  assert.deepEqual(await limiter.take(who, 1), local(true, 0));
  now += REDIS_PAUSE_MS;
  await limiter.take(who, 1);
  assert.equal(connection.asked, 2);
});

test("environments without Redis let about the limit pass together, as they shared it before", async () => {
  const who = customer(40);
  const environments = [6, 3, 1].map((share) => ({ share, ...cuttable() }));
  const tick = async () => {
    let passed = 0;
    for (const { share, limiter } of environments) {
      for (let i = 0; i < share; i += 1) if ((await limiter.take(who, 1)).allowed) passed += 1;
    }
    now += 100;
    return passed;
  };
  for (let i = 0; i < 100; i += 1) await tick();
  for (const { connection } of environments) connection.away = true;
  let passed = 0;
  for (let i = 0; i < 50; i += 1) passed += await tick();
  assert.ok(passed >= 40 * 4 && passed <= 40 * 5 + 40, `${passed} in five seconds`);
});

test("a batch of the whole limit passes without Redis, and is paid back before the next", async () => {
  const { connection, limiter } = cuttable();
  const other = limiterOver(redis.connection);
  const who = customer(10);
  for (let i = 0; i < 20; i += 1) {
    await (i % 2 === 0 ? limiter : other).take(who, 5);
    now += 500;
  }
  connection.away = true;
  assert.equal((await limiter.take(who, 10)).allowed, true);
  const refused = await limiter.take(who, 10);
  assert.deepEqual([refused.allowed, refused.by], [false, "local"]);
  assert.ok(refused.retryAfterMs > 1_500 && refused.retryAfterMs < 2_500, `${refused.retryAfterMs} ms`);
  assert.equal((await limiter.take(who, 11)).retryAfterMs, Number.POSITIVE_INFINITY);
});

test("without Redis a key's own limit still holds below the customer's", async () => {
  const { connection, limiter } = cuttable();
  connection.away = true;
  const who = customer(1_000, 8);
  const verdicts = [];
  for (let i = 0; i < 4; i += 1) verdicts.push((await limiter.take(who, 1)).allowed);
  assert.deepEqual(verdicts, [true, true, false, false]);
  const { key_limit_per_second: _, ...unlimited } = who;
  assert.equal((await limiter.take({ ...unlimited, key_id: "key_other" }, 100)).allowed, true);
});

test("with a clock set back by hours the limit still holds, and callers within it still pass", async () => {
  const connection = { away: false };
  const limiter = limiterOver({
    ...redis.connection,
    run(...args) {
      return connection.away ? Promise.reject(new Error("away")) : redis.connection.run(...args);
    },
  });
  const who = customer(10);
  const passing = async () => {
    let passed = 0;
    for (let i = 0; i < 30; i += 1) passed += (await limiter.take(who, 1)).allowed ? 1 : 0;
    return passed;
  };
  assert.equal(await passing(), 10);
  now -= 7_200_000;
  assert.equal(await passing(), 10);
  // While Redis is away, and in the moment after.
  connection.away = true;
  now += 5_000;
  await passing();
  now -= 7_200_000;
  await passing();
  now += 5_000;
  assert.equal(await passing(), 10);
  connection.away = false;
  now -= 7_200_000;
  assert.equal((await limiter.take(who, 1)).by, "redis");
});

test("a Redis that is silent counts as away after a quarter of a second", async () => {
  const patience: number[] = [];
  const limiter = limiterOver({
    run: async (_script, _keys, _args, patienceMs) => {
      patience.push(patienceMs);
      throw new Error("slow");
    },
  });
  assert.equal((await limiter.take(customer(10), 1)).by, "local");
  assert.deepEqual(patience, [REDIS_PATIENCE_MS]);
});

test("a connection that breaks fails open, and is used again once it is back", async () => {
  const limiter = limiterOver(redis.connection);
  const who = customer(10);
  assert.equal((await limiter.take(who, 1)).by, "redis");
  await redis.down();
  assert.equal((await limiter.take(who, 1)).by, "local");
  await redis.up();
  await redis.connection.ready(1_000);
  now += REDIS_PAUSE_MS;
  assert.equal((await limiter.take(who, 1)).by, "redis");
});

test.run();
