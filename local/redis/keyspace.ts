import { join } from "node:path";
import { DurableFile } from "../durable.ts";
import { readOldJournal, sayDamage } from "../oldJournal.ts";
import { RedisError } from "./resp.ts";

/**
 * The keys and values, in memory and in a file. Invariant: what `flushed` has confirmed survives SIGKILL; a script's
 * changes are written in one transaction, so after a crash either all of them are there or none. A key past its time is never seen.
 */
export type Value = string | Map<string, string> | Set<string>;

interface Entry {
  value: Value;
  /** Milliseconds since the epoch; Infinity without expiry. */
  expiresAt: number;
}

const KEYS =
  "CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, expires_at INTEGER, kind TEXT, value TEXT) WITHOUT ROWID";
const PUT = "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?)";
const DELETE = "DELETE FROM keys WHERE key = ?";

interface Row {
  readonly key: string;
  /** Null without expiry. */
  readonly expires_at: number | null;
  readonly kind: "s" | "h" | "u";
  /** JSON of the text, of the pairs, or of the members. */
  readonly value: string;
}

const EXPIRY_CHECK_MS = 1_000;
const EXPIRY_SAMPLE = 1_000;

const kindOf = (value: Value): "s" | "h" | "u" => (typeof value === "string" ? "s" : value instanceof Map ? "h" : "u");
export const typeName = (value: Value): string => ({ s: "string", h: "hash", u: "set" })[kindOf(value)];

export class Keyspace {
  readonly #entries = new Map<string, Entry>();
  readonly #file: DurableFile;
  readonly #dirty = new Set<string>();
  readonly #sweep: NodeJS.Timeout;
  /** The moment that the command or script being run sees, milliseconds. */
  now = Date.now();

  /** @param log told when nothing can be written, and when it can again */
  constructor(folder: string, log: (line: string) => void = () => {}) {
    this.#file = new DurableFile(join(folder, "keys.sqlite"), KEYS, {
      what: "the keys of Redis",
      withoutIt: "a request that is repeated with its Idempotency-Key is taken as a new one",
      log,
    });
    for (const row of this.#file.all("SELECT * FROM keys") as IterableIterator<Row>) this.#restore(row);
    this.#takeOver(folder, log);
    this.#sweep = setInterval(() => this.#expireSome(), EXPIRY_CHECK_MS);
    this.#sweep.unref();
  }

  /** What an earlier version kept in a journal: of each key its whole value, the last one counts. */
  #takeOver(folder: string, log: (line: string) => void): void {
    const old = readOldJournal(folder);
    if (old === undefined) return;
    type Change = readonly [key: string, expiresAt: number | null, kind: Row["kind"] | "-", value?: unknown];
    for (const [key, expires_at, kind, value] of old.records.flatMap(
      (payload) => JSON.parse(payload.toString("utf8")) as Change[],
    )) {
      if (kind === "-") this.#entries.delete(key);
      else this.#restore({ key, expires_at, kind, value: JSON.stringify(value) });
    }
    for (const key of this.#entries.keys()) this.#dirty.add(key);
    this.commit();
    sayDamage("Redis", old, log);
    void this.flushed().then((failure) => failure ?? old.remove());
  }

  get(key: string): Value | undefined {
    return this.#live(key)?.value;
  }

  text(key: string): string | undefined {
    const value = this.get(key);
    if (value !== undefined && typeof value !== "string") throw wrongType();
    return value;
  }

  hash(key: string): Map<string, string> | undefined {
    const value = this.get(key);
    if (value !== undefined && !(value instanceof Map)) throw wrongType();
    return value;
  }

  members(key: string): Set<string> | undefined {
    const value = this.get(key);
    if (value !== undefined && !(value instanceof Set)) throw wrongType();
    return value;
  }

  /** @param expiresAt kept as it is when left out */
  set(key: string, value: Value, expiresAt?: number): void {
    const entry = this.#live(key);
    if (entry === undefined) this.#entries.set(key, { value, expiresAt: expiresAt ?? Number.POSITIVE_INFINITY });
    else {
      entry.value = value;
      if (expiresAt !== undefined) entry.expiresAt = expiresAt;
    }
    this.#dirty.add(key);
  }

  delete(key: string): boolean {
    const had = this.#live(key) !== undefined;
    this.#entries.delete(key);
    if (had) this.#dirty.add(key);
    return had;
  }

  /** Milliseconds since the epoch; Infinity for a key that lives on, undefined for a missing key. */
  expiry(key: string): number | undefined {
    return this.#live(key)?.expiresAt;
  }

  setExpiry(key: string, at: number): void {
    const entry = this.#live(key);
    if (entry === undefined) return;
    if (at <= this.now) this.#entries.delete(key);
    else entry.expiresAt = at;
    this.#dirty.add(key);
  }

  *keys(): Generator<string> {
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt > this.now) yield key;
  }

  clear(): void {
    this.#entries.clear();
    this.#dirty.clear();
    this.#file.change(() => this.#file.run("DELETE FROM keys"));
  }

  /** Writes down what changed since the last time: the end of a command or script. @returns whether anything did */
  commit(): boolean {
    if (this.#dirty.size === 0) return false;
    const entries = [...this.#dirty].map((key) => [key, this.#rowOf(key)] as const);
    this.#dirty.clear();
    this.#file.change(() => {
      for (const [key, row] of entries) {
        if (row === undefined) this.#file.run(DELETE, key);
        else this.#file.run(PUT, key, row.expires_at, row.kind, row.value);
      }
    });
    return true;
  }

  /** Leaves nothing of deleted, changed and expired values on the disk. */
  scrub(): void {
    this.#expireAll();
    this.commit();
    this.#file.scrub();
  }

  /** Resolves when what was committed has been written, or with why it could not be. */
  async flushed(): Promise<Error | undefined> {
    await this.#file.flushed();
    return this.#file.failure;
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#file.close();
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAt > this.now) return entry;
    this.#entries.delete(key);
    this.#dirty.add(key);
    return undefined;
  }

  #rowOf(key: string): Row | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const { value, expiresAt } = entry;
    return {
      key,
      expires_at: Number.isFinite(expiresAt) ? expiresAt : null,
      kind: kindOf(value),
      value: JSON.stringify(typeof value === "string" ? value : [...value]),
    };
  }

  #restore({ key, expires_at, kind, value }: Row): void {
    const parsed = JSON.parse(value) as unknown;
    const restored: Value =
      kind === "s"
        ? (parsed as string)
        : kind === "h"
          ? new Map(parsed as readonly (readonly [string, string])[])
          : new Set(parsed as readonly string[]);
    this.#entries.set(key, { value: restored, expiresAt: expires_at ?? Number.POSITIVE_INFINITY });
  }

  #expireAll(): void {
    const now = Date.now();
    for (const [key, { expiresAt }] of this.#entries) {
      if (expiresAt > now) continue;
      this.#entries.delete(key);
      this.#dirty.add(key);
    }
  }

  /** Walks some of the keys, oldest first; those that are alive go to the end. */
  #expireSome(): void {
    const now = Date.now();
    let left = Math.min(EXPIRY_SAMPLE, this.#entries.size);
    for (const [key, entry] of this.#entries) {
      if (left-- <= 0) break;
      this.#entries.delete(key);
      if (entry.expiresAt > now) this.#entries.set(key, entry);
      else this.#dirty.add(key);
    }
    this.commit();
  }
}

const wrongType = (): RedisError => new RedisError("WRONGTYPE Operation against a key holding the wrong kind of value");
