import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { suite } from "uvu";
import { Keyspace } from "../../local/redis/keyspace.ts";
import { findServer, type RedisChoice, startRedis } from "../../local/redis.ts";
import { redisConformance } from "./redis.conformance.ts";

const token = "a-token-of-letters-and-digits-0123456789";

async function started(choice: Omit<RedisChoice, "folder" | "token">) {
  const folder = mkdtempSync(join(tmpdir(), "redis-"));
  const redis = await startRedis({ folder, token, ...choice });
  return {
    ...redis,
    token,
    async close() {
      await redis.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

redisConformance("embedded", () => started({ server: false }));

redisConformance("embedded, behind the front for REDIS_URL", async () => {
  const folder = mkdtempSync(join(tmpdir(), "redis-"));
  const behind = await startRedis({ folder, token: "pass:word", server: false });
  const front = await startRedis({
    folder,
    token,
    url: `redis://:${encodeURIComponent("pass:word")}@127.0.0.1:${behind.port}`,
  });
  return {
    port: front.port,
    token,
    async close() {
      await behind.close();
      await front.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

// A machine without a Redis of its own has nothing to compare with here; the suite above runs everywhere.
const server = findServer();
if (server !== false) redisConformance(server, () => started({ server }));

const test = suite("embedded Redis on disk");

function onDisk(): { folder: string; open(): Keyspace } {
  const folder = mkdtempSync(join(tmpdir(), "keyspace-"));
  folders.push(folder);
  return { folder, open: () => new Keyspace(folder) };
}
const folders: string[] = [];
test.after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test("values and expiries outlive a kill", async () => {
  const disk = onDisk();
  const db = disk.open();
  const later = Date.now() + 86_400_000;
  db.set("text", "é", later);
  db.set("hash", new Map([["a", "1"]]));
  db.set("gone", "x");
  db.delete("gone");
  db.commit();
  await db.flushed();
  // Not closed: nothing but what is written counts.
  const again = disk.open();
  assert.deepEqual(
    [again.get("text"), again.expiry("text"), again.get("hash"), again.get("gone")],
    ["é", later, new Map([["a", "1"]]), undefined],
  );
  again.close();
  db.close();
});

test("the file does not grow with what is written over, and loses nothing by it", async () => {
  const disk = onDisk();
  const db = disk.open();
  db.set("kept", "value");
  for (let i = 0; i < 40; i += 1) {
    db.set("big", String(i).repeat(500_000));
    db.commit();
    await db.flushed();
  }
  const { readdirSync, statSync } = await import("node:fs");
  const bytes = readdirSync(disk.folder).reduce((sum, name) => sum + statSync(join(disk.folder, name)).size, 0);
  assert.ok(bytes < 30_000_000, `${bytes} bytes`);
  const again = disk.open();
  assert.deepEqual([again.get("kept"), again.get("big")], ["value", "39".repeat(500_000)]);
  again.close();
  db.close();
});

test("scrubbed, the file holds nothing of what was deleted", async () => {
  const folder = mkdtempSync(join(tmpdir(), "redis-"));
  folders.push(folder);
  const redis = await startRedis({ folder, token: undefined, server: false });
  const client = new Redis({ port: redis.port, host: "127.0.0.1" });
  await client.mset("kept", "value", "gone", "a person");
  await client.del("gone");
  await redis.scrub();
  const bytes = readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), "latin1"))
    .join();
  assert.deepEqual([bytes.includes("value"), bytes.includes("a person")], [true, false]);
  assert.equal(await client.get("kept"), "value");
  client.disconnect();
  await redis.close();
});

test("an answered command is on disk before its answer", async () => {
  const folder = mkdtempSync(join(tmpdir(), "redis-"));
  folders.push(folder);
  const redis = await startRedis({ folder, token: undefined, server: false });
  const client = new Redis({ port: redis.port, host: "127.0.0.1" });
  await client.hset("idempotency", "answer", "202");
  const copy = new Keyspace(folder);
  assert.deepEqual(copy.get("idempotency"), new Map([["answer", "202"]]));
  copy.close();
  client.disconnect();
  await redis.close();
});

test.run();
