import assert from "node:assert/strict";
import { Ratelimit } from "@upstash/ratelimit";
import fc from "fast-check";
import { Redis } from "ioredis";
import { suite } from "uvu";
import type { Identity } from "../../../runtime/domain/identity.ts";
import type { RedisScripts } from "../../../runtime/redis/connect.ts";
import { Limiter, REDIS_PAUSE_MS, type Verdict } from "../../../runtime/redis/limiter.ts";
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
  now += 10_000 - (now % 1_000); // the beginning of a clock second, far from the last test's
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
    ...(keyLimit === undefined ? {} : { key_limit_per_second: keyLimit }),
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
  assert.deepEqual(refused, verdict(false, 10, 4, 1_334));
  now += refused.retryAfterMs - 1;
  assert.equal((await limiter.take(who, 6)).allowed, false);
  now += 1;
  assert.equal((await limiter.take(who, 6)).allowed, true);
});

test("a cost of nothing tells what is left and takes none of it", async () => {
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
  assert.deepEqual(await limiter.take({ ...who, key_id: "key_third" }, 3), verdict(false, 10, 2, 1_125));
});

test("what one window refuses counts in neither", async () => {
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

test("of requests that come at once exactly as many pass as fit", async () => {
  const limiter = limiterOver(redis.connection);
  const who = customer(50);
  const verdicts = await Promise.all(Array.from({ length: 40 }, () => limiter.take(who, 3)));
  assert.equal(verdicts.filter(({ allowed }) => allowed).length, 16);
});

test("when Redis is away requests pass, within a bucket of the instance, and it is reported once", async () => {
  let asked = 0;
  const limiter = limiterOver({
    run: async () => {
      asked += 1;
      throw new Error("away");
    },
  });
  const who = customer(10);
  const local = (allowed: boolean, remaining: number, retryAfterMs = 0): Verdict => ({
    ...verdict(allowed, 10, remaining, retryAfterMs),
    by: "local",
  });
  assert.deepEqual(await limiter.take(who, 8), local(true, 2));
  assert.deepEqual(await limiter.take(who, 3), local(false, 2, 100));
  assert.equal(asked, 1);
  assert.equal(failures.length, 1);
  now += 100;
  assert.deepEqual(await limiter.take(who, 3), local(true, 0));
  now += REDIS_PAUSE_MS;
  await limiter.take(who, 1);
  assert.equal(asked, 2);
});

test("a Redis that is silent counts as away after 25 ms", async () => {
  const patience: number[] = [];
  const limiter = limiterOver({
    run: async (_script, _keys, _args, patienceMs) => {
      patience.push(patienceMs);
      throw new Error("slow");
    },
  });
  assert.equal((await limiter.take(customer(10), 1)).by, "local");
  assert.deepEqual(patience, [25]);
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

test("whatever was counted before, it decides as @upstash/ratelimit does where a request costs one", async () => {
  // Theirs rounds the previous second's share down, in floating point: the shares here are whole and exact.
  const client = new Redis(redis.url, { protocol: 2 });
  const adapter = {
    evalsha: (hash: string, keys: string[], args: string[]) => client.evalsha(hash, keys.length, ...keys, ...args),
    eval: (lua: string, keys: string[], args: string[]) => client.eval(lua, keys.length, ...keys, ...args),
  };
  const clock = Date.now;
  try {
    Date.now = () => now;
    await fc.assert(
      fc.asyncProperty(fc.nat(20), fc.nat(5), fc.nat(3), async (current, quarter, elapsed) => {
        now += 10_000 - (now % 1_000) + 250 * elapsed;
        const bucket = Math.floor(now / 1_000);
        const who = customer(20);
        for (const name of [`limit:{${who.customer_id}}`, `oracle:${who.customer_id}`]) {
          await client.mset(`${name}:${bucket}`, current, `${name}:${bucket - 1}`, 4 * quarter);
        }
        const theirs = new Ratelimit({
          redis: adapter as unknown as ConstructorParameters<typeof Ratelimit>[0]["redis"],
          limiter: Ratelimit.slidingWindow(20, "1 s"),
          ephemeralCache: false,
          prefix: "oracle",
        });
        const { allowed, remaining } = await limiterOver(redis.connection).take(who, 1);
        const { success, remaining: left } = await theirs.limit(who.customer_id);
        assert.deepEqual([allowed, allowed ? remaining : 0], [success, success ? left : 0]);
      }),
      { numRuns: 200 },
    );
  } finally {
    Date.now = clock;
    client.disconnect();
  }
});

test.run();
