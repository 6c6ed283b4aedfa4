import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { suite } from "uvu";
import { embeddedToServer } from "../../local/redis/carryOver.ts";
import { Keyspace } from "../../local/redis/keyspace.ts";
import { encode } from "../../local/redis/resp.ts";
import { findServer, type RedisChoice, startRedis } from "../../local/redis.ts";
import { eventually } from "../support/eventually.ts";
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

test("the start names a damaged file as its reason to fail", async () => {
  const folder = mkdtempSync(join(tmpdir(), "redis-"));
  folders.push(folder);
  writeFileSync(join(folder, "keys.sqlite"), "no database at all".repeat(1_000));
  await assert.rejects(
    startRedis({ folder, token: undefined, server: false }),
    (cause: Error) =>
      cause.name === "StartError" && cause.message.includes("which holds the keys of Redis, is damaged: "),
  );
});

test("overwriting does not make the file grow, and loses nothing", async () => {
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

test("after a scrub the file holds nothing of deleted entries", async () => {
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

/** As much of a server as its platform's life and death need: it takes its settings, listens, and ends when asked to. */
const STUB = `#!${process.execPath}
let settings = "";
process.stdin.on("data", (data) => { settings += data; });
process.stdin.on("end", () => require("node:net").createServer().listen(Number(/^port (\\d+)$/m.exec(settings)[1]), "127.0.0.1"));
process.on("SIGTERM", () => process.exit(0));
`;

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

test("a server ends with its platform, even when the platform is killed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "redis-child-"));
  folders.push(folder);
  const program = server === false ? join(folder, "redis-server") : server;
  if (server === false) writeFileSync(program, STUB, { mode: 0o755 });
  const child = join(import.meta.dirname, "../../local/redis/child.ts");
  const script = `import { startChild } from ${JSON.stringify(child)};
    const { port } = await startChild(${JSON.stringify(program)}, ${JSON.stringify(folder)}, undefined);
    console.log(port); setInterval(() => {}, 1000);`;
  const platform = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(platform.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  assert.equal(await listens(port), true);
  platform.kill("SIGKILL");
  await eventually(
    () => listens(port),
    (open) => !open,
  );
});

test("entries of the embedded Redis move into a server that starts later, and back when it stops", async () => {
  const folder = mkdtempSync(join(tmpdir(), "redis-change-"));
  folders.push(folder);
  const later = Date.now() + 86_400_000;
  const db = new Keyspace(folder);
  db.now = Date.now();
  db.set("text", "\u00c3\u00a9", later);
  db.set("hash", new Map([["answer", "202"]]));
  db.set("set", new Set(["a", "b"]));
  db.commit();
  db.close();
  const elsewhere = mkdtempSync(join(tmpdir(), "redis-change-"));
  folders.push(elsewhere);
  const other = await startRedis({ folder: elsewhere, token: undefined, server: false });
  const client = new Redis({ port: other.port, host: "127.0.0.1" });
  await embeddedToServer(folder, client, () => {});
  assert.deepEqual(
    [
      await client.get("text"),
      (await client.pttl("text")) > 86_000_000,
      await client.hgetall("hash"),
      await client.smembers("set"),
    ],
    ["é", true, { answer: "202" }, ["a", "b"]],
  );
  // Taken over once: what changes there is not written over by old values at the next start.
  await client.set("text", "new");
  await embeddedToServer(folder, client, () => {});
  assert.equal(await client.get("text"), "new");
  client.disconnect();
  await other.close();

  const written = join(folder, "appendonlydir");
  mkdirSync(written);
  const file = (name: string, ...commands: string[][]) =>
    writeFileSync(join(written, name), commands.map((words) => encode(words)).join(""), "latin1");
  writeFileSync(
    join(written, "appendonly.aof.manifest"),
    "file appendonly.aof.1.base.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
  );
  file("appendonly.aof.1.base.aof", ["SELECT", "0"], ["SET", "text", "old"], ["SADD", "set", "a", "b"]);
  file(
    "appendonly.aof.1.incr.aof",
    ["MULTI"],
    ["HSET", "hash", "answer", "202"],
    ["PEXPIREAT", "hash", String(later)],
    ["EXEC"],
    ["SET", "text", "new"],
    ["DEL", "set"],
    ["XADD", "stream", "*", "a", "1"],
  );
  const lines: string[] = [];
  const again = await startRedis({ folder, token: undefined, server: false, log: (text) => lines.push(text) });
  const back = new Redis({ port: again.port, host: "127.0.0.1" });
  assert.deepEqual(
    [
      await back.get("text"),
      await back.hgetall("hash"),
      (await back.pttl("hash")) > 86_000_000,
      await back.exists("set"),
    ],
    ["new", { answer: "202" }, true, 0],
  );
  back.disconnect();
  await again.close();
  assert.deepEqual(lines, [
    "Redis: 1 parts of what redis-server kept could not be read; a request that is repeated with its Idempotency-Key may be taken as a new one",
  ]);
  assert.equal(existsSync(written), false);
});

test.run();
