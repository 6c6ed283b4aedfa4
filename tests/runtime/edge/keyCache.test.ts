import assert from "node:assert/strict";
import { test } from "uvu";
import type { KeyRecord } from "../../../runtime/domain/identity/apiKey.ts";
import { GOOD_MS, KeyCache, STALE_MS, UNKNOWN_MS } from "../../../runtime/edge/keyCache.ts";

const recordOf = (key_id: string, status: "active" | "revoked" = "active") =>
  ({ key_id, status, name: `read` }) as KeyRecord;

/** A cache over a table in memory, which counts reads and can be away. */
function setup(sizes?: { good: number; unknown: number }) {
  const table = new Map<string, KeyRecord>([["key_a", recordOf("key_a")]]);
  const world = { now: 1_000_000, away: false, reads: [] as string[], table };
  const cache = new KeyCache(
    {
      read: async (id) => {
        world.reads.push(id);
        await Promise.resolve();
        if (world.away) throw new Error("the table is away");
        return table.get(id);
      },
      now: () => world.now,
    },
    sizes,
  );
  return { cache, world };
}

test("a good key is read once in 60 s", async () => {
  const { cache, world } = setup();
  await cache.get("key_a");
  world.now += GOOD_MS - 1;
  await cache.get("key_a");
  assert.deepEqual(world.reads, ["key_a"]);
  world.now += 1;
  await cache.get("key_a");
  assert.deepEqual(world.reads, ["key_a", "key_a"]);
});

test("the edge knows within 70 s that a key is revoked, however busy the key is", async () => {
  const { cache, world } = setup();
  await cache.get("key_a");
  world.table.set("key_a", recordOf("key_a", "revoked"));
  const revokedAt = world.now;
  while ((await cache.get("key_a"))?.status === "active") world.now += 100;
  assert.ok(world.now - revokedAt <= 60_000);
});

test("a deleted record is unknown within 60 s", async () => {
  const { cache, world } = setup();
  await cache.get("key_a");
  world.table.delete("key_a");
  world.now += GOOD_MS;
  assert.equal(await cache.get("key_a"), undefined);
});

test("an unknown key is asked for once in 10 s", async () => {
  const { cache, world } = setup();
  assert.equal(await cache.get("key_x"), undefined);
  world.now += UNKNOWN_MS - 1;
  await cache.get("key_x");
  assert.equal(world.reads.length, 1);
  world.now += 1;
  await cache.get("key_x");
  assert.equal(world.reads.length, 2);
});

test("a key made a moment after it was asked for is known 10 s later", async () => {
  const { cache, world } = setup();
  await cache.get("key_new");
  world.table.set("key_new", recordOf("key_new"));
  world.now += UNKNOWN_MS;
  assert.equal((await cache.get("key_new"))?.key_id, "key_new");
});

test("many questions at once ask the table once", async () => {
  const { cache, world } = setup();
  const all = await Promise.all(Array.from({ length: 100 }, () => cache.get("key_a")));
  assert.ok(all.every((record) => record?.key_id === "key_a"));
  await Promise.all(Array.from({ length: 100 }, () => cache.get("key_x")));
  assert.deepEqual(world.reads, ["key_a", "key_x"]);
});

test("while the table is away a key serves for 15 min after it was read, and the table is asked every 5 s", async () => {
  const { cache, world } = setup();
  await cache.get("key_a");
  world.away = true;
  const readAt = world.now;
  let served = 0;
  for (world.now += GOOD_MS; world.now < readAt + STALE_MS; world.now += 100) {
    assert.equal((await cache.get("key_a"))?.key_id, "key_a");
    served += 1;
  }
  assert.equal(served, 8_400);
  assert.equal(world.reads.length, 1 + 840 / 5);
  await assert.rejects(cache.get("key_a"), /the table is away/);
});

test("when the table is back, the record is read again", async () => {
  const { cache, world } = setup();
  await cache.get("key_a");
  world.away = true;
  world.now += GOOD_MS;
  await cache.get("key_a");
  world.away = false;
  world.table.set("key_a", recordOf("key_a", "revoked"));
  world.now += 5_000;
  assert.equal((await cache.get("key_a"))?.status, "revoked");
});

test("while the table is away, a key that was never read can't be checked", async () => {
  const { cache, world } = setup();
  world.away = true;
  await assert.rejects(cache.get("key_a"), /the table is away/);
  world.away = false;
  assert.equal((await cache.get("key_a"))?.key_id, "key_a");
});

test("random ids evict one another, never a good key", async () => {
  const { cache, world } = setup({ good: 10, unknown: 10 });
  await cache.get("key_a");
  for (let i = 0; i < 1_000; i += 1) await cache.get(`key_random${i}`);
  world.reads.length = 0;
  await cache.get("key_a");
  await cache.get("key_random999");
  assert.deepEqual(world.reads, []);
  await cache.get("key_random0");
  assert.deepEqual(world.reads, ["key_random0"]);
});

test("a record that does not fit a secret is read again at once, then not for 10 s", async () => {
  const { cache, world } = setup();
  await cache.get("key_a");
  assert.equal((await cache.newer("key_a"))?.key_id, "key_a");
  cache.refused("key_a");
  assert.equal(await cache.newer("key_a"), undefined);
  world.now += UNKNOWN_MS - 1;
  assert.equal(await cache.newer("key_a"), undefined);
  world.now += 1;
  assert.equal((await cache.newer("key_a"))?.key_id, "key_a");
  assert.equal(world.reads.length, 3);
});

test.run();
