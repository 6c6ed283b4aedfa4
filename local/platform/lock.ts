import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StartError } from "../startError.ts";

/**
 * One process uses a state folder. Invariant: the lock is the operating system's, by way of SQLite. It ends with its process, also
 * with one that is killed. The holder's name is written beside it, for a person who finds the folder locked.
 */
export const LOCK_FILES: ReadonlySet<string> = new Set(["lock.sqlite", "lock.sqlite-journal", "holder.json"]);

interface Holder {
  readonly pid: number;
  readonly started_at: string;
}

const BUSY = 5;
/** Of the folders that this process holds: one that nobody refers to would be closed by the garbage collector, and its lock with it. */
const held = new Set<DatabaseSync>();

/** @returns what gives it back @throws StartError when another process, or this one, holds the folder */
export function lockFolder(directory: string): () => void {
  const holderFile = join(directory, "holder.json");
  // Never opened by anything else in this process: closing it would release the lock.
  const db = new DatabaseSync(join(directory, "lock.sqlite"), { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    db.close();
    if (((cause as { errcode?: number }).errcode ?? 0) !== BUSY) throw cause;
    throw new StartError(
      `The state in ${directory} is in use by ${described(holderFile)}.\nStop that one first, or set TRIGGERS_STATE to another folder.`,
    );
  }
  held.add(db);
  writeFileSync(
    holderFile,
    JSON.stringify({ pid: process.pid, started_at: new Date().toISOString() } satisfies Holder),
  );
  // The text that earlier versions locked with.
  rmSync(join(directory, "platform.lock"), { force: true });
  return () => {
    rmSync(holderFile, { force: true });
    held.delete(db);
    db.close();
  };
}

function described(holderFile: string): string {
  try {
    const { pid, started_at } = JSON.parse(readFileSync(holderFile, "utf8")) as Holder;
    return `process ${pid}, which began at ${started_at}`;
  } catch {
    return "another process";
  }
}
