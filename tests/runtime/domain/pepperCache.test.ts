import assert from "node:assert/strict";
import { test } from "uvu";
import type { Peppers } from "../../../runtime/domain/identity/apiKey.ts";
import { PEPPERS_MS, PepperCache } from "../../../runtime/domain/identity/pepperCache.ts";

function setup() {
  const world = { now: 0, away: false, reads: 0, peppers: { current: "1", versions: { "1": "AA==" } } as Peppers };
  const cache = new PepperCache({
    read: async () => {
      world.reads += 1;
      if (world.away) throw new Error("away");
      return world.peppers;
    },
    now: () => world.now,
  });
  return { cache, world };
}

test("the peppers are read once, for any number of readers at a time", async () => {
  const { cache, world } = setup();
  await Promise.all([cache.get("1"), cache.get("1"), cache.get()]);
  world.now += PEPPERS_MS;
  await cache.get("1");
  assert.equal(world.reads, 1);
});

test("after five minutes they are read again, beside the request that finds them old", async () => {
  const { cache, world } = setup();
  const old = await cache.get("1");
  world.peppers = { current: "2", versions: { "1": "AA==", "2": "AQ==" } };
  world.now += PEPPERS_MS + 1;
  assert.equal(await cache.get("1"), old);
  await Promise.resolve();
  assert.equal((await cache.get("1")).current, "2");
});

test("a version that is missing is read at once, and not again for 10 s", async () => {
  const { cache, world } = setup();
  await cache.get("1");
  world.peppers = { current: "2", versions: { "1": "AA==", "2": "AQ==" } };
  world.now += 10_001;
  assert.equal((await cache.get("2")).versions["2"], "AQ==");
  await cache.get("3");
  await cache.get("3");
  assert.equal(world.reads, 2);
  world.now += 10_001;
  await cache.get("3");
  assert.equal(world.reads, 3);
});

test("while the peppers can't be read, the known ones stay in use", async () => {
  const { cache, world } = setup();
  await cache.get("1");
  world.away = true;
  world.now += 10 * PEPPERS_MS;
  assert.equal((await cache.get("1")).current, "1");
  assert.equal((await cache.get("2")).current, "1");
});

test("without peppers no key can be verified, until they can be read", async () => {
  const { cache, world } = setup();
  world.away = true;
  await assert.rejects(cache.get("1"), /away/);
  world.away = false;
  assert.equal((await cache.get("1")).current, "1");
});

test.run();
