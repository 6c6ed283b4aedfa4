import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { commands } from "./commands.ts";
import { Keyspace } from "./keyspace.ts";
import { CommandReader, RedisError } from "./resp.ts";

/**
 * Keys go along when the machine gets a Redis of its own, or loses it: a request that is repeated with its `Idempotency-Key` is known to
 * either. Values that were taken over are removed where they came from, so that old ones never come back.
 */
const FOLDER = "appendonlydir";
const MANIFEST = "appendonly.aof.manifest";
/** Written by a server that was not told to write commands alone. */
const RDB_MAGIC = "REDIS";

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

/** What the embedded one holds goes into a server that has just started. */
export async function embeddedToServer(folder: string, client: Redis, log: (line: string) => void): Promise<void> {
  if (!existsSync(join(folder, "keys.sqlite"))) return;
  const db = new Keyspace(folder, log);
  db.now = Date.now();
  const pipeline = client.pipeline();
  for (const key of db.keys()) {
    const value = db.get(key)!;
    const expiry = db.expiry(key)!;
    const name = latin1(key);
    pipeline.del(name);
    if (typeof value === "string") pipeline.set(name, latin1(value));
    else if (value instanceof Map) pipeline.hset(name, ...[...value].flat().map(latin1));
    else pipeline.sadd(name, ...[...value].map(latin1));
    if (Number.isFinite(expiry)) pipeline.call("PEXPIREAT", name, String(expiry));
  }
  for (const [cause] of (await pipeline.exec()) ?? []) if (cause !== null) throw cause;
  db.close();
  for (const end of ["", "-wal", "-shm"]) rmSync(join(folder, `keys.sqlite${end}`), { force: true });
}

/** What a server has written down goes into the embedded one. */
export function serverToEmbedded(folder: string, db: Keyspace, log: (line: string) => void): void {
  const manifest = join(folder, FOLDER, MANIFEST);
  if (!existsSync(manifest)) return;
  let unread = 0;
  db.now = 0;
  for (const file of filesOf(readFileSync(manifest, "utf8"))) {
    const path = join(folder, FOLDER, file);
    const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    if (bytes.toString("latin1", 0, RDB_MAGIC.length) === RDB_MAGIC) unread += 1;
    else unread += replay(bytes, db);
  }
  if (unread > 0)
    log(
      `Redis: ${unread} parts of what redis-server kept could not be read; a request that is repeated with its Idempotency-Key may be taken as a new one`,
    );
  db.commit();
  rmSync(join(folder, FOLDER), { recursive: true, force: true });
}

/** Base first, then what was added, as the manifest lists them: `file <name> seq <n> type b|h|i`. History no longer counts. */
const filesOf = (manifest: string): string[] =>
  manifest.split("\n").flatMap((line) => {
    const [, file, type] = /^file (\S+) seq \d+ type ([bhi])/.exec(line) ?? [];
    return file === undefined || type === "h" ? [] : [file];
  });

/** @returns how many commands could not be carried out */
function replay(bytes: Buffer, db: Keyspace): number {
  let failed = 0;
  for (const [name = "", ...args] of new CommandReader().push(bytes)) {
    const command = name.toUpperCase();
    if (["SELECT", "MULTI", "EXEC"].includes(command)) continue;
    try {
      const run = commands.get(command);
      if (run === undefined) failed += 1;
      else run(db, args);
    } catch (thrown) {
      if (!(thrown instanceof RedisError)) throw thrown;
      failed += 1;
    }
  }
  return failed;
}
