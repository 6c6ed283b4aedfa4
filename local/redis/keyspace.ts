import { Journal } from "../journal.ts";
import { RedisError } from "./resp.ts";

/**
 * The keys and values, in memory and in a journal. Invariant: what `flushed` has confirmed survives SIGKILL; a script's
 * changes are written in one record, so after a crash either all of them are there or none. A key past its time is never seen.
 */
export type Value = string | Map<string, string> | Set<string>;

interface Entry {
  value: Value;
  /** Milliseconds since the epoch; Infinity without expiry. */
  expiresAt: number;
}

/** A key with its whole new value, or without one when it is gone: what a record of the journal lists. */
type Change = readonly [
  key: string,
  expiresAt: number | null,
  kind: "s" | "h" | "u" | "-",
  value?: string | readonly (readonly [string, string])[] | readonly string[],
];

const REWRITE_BYTES = 16 * 1024 * 1024;
const EXPIRY_CHECK_MS = 1_000;
const EXPIRY_SAMPLE = 1_000;

const kindOf = (value: Value): "s" | "h" | "u" => (typeof value === "string" ? "s" : value instanceof Map ? "h" : "u");
export const typeName = (value: Value): string => ({ s: "string", h: "hash", u: "set" })[kindOf(value)];

export class Keyspace {
  readonly #entries = new Map<string, Entry>();
  readonly #journal: Journal;
  readonly #dirty = new Set<string>();
  readonly #sweep: NodeJS.Timeout;
  #rewriteAt = REWRITE_BYTES;
  /** The moment that the command or script being run sees, milliseconds. */
  now = Date.now();

  constructor(folder: string) {
    this.#journal = new Journal(folder);
    this.#journal.open((payload) => {
      for (const change of JSON.parse(payload.toString("utf8")) as Change[]) this.#restore(change);
    });
    this.#sweep = setInterval(() => this.#expireSome(), EXPIRY_CHECK_MS);
    this.#sweep.unref();
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

  /** Milliseconds since the epoch, Infinity for none, undefined when there is no such key. */
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
    this.#journal.clear();
  }

  /** Writes down what changed since the last time: the end of a command or script. */
  commit(): void {
    if (this.#dirty.size === 0) return;
    const changes: Change[] = [];
    for (const key of this.#dirty) changes.push(this.#change(key));
    this.#dirty.clear();
    this.#journal.append(Buffer.from(JSON.stringify(changes)));
    if (this.#journal.bytes > this.#rewriteAt) this.#rewrite();
  }

  /** Leaves nothing of deleted, changed and expired values on the disk. */
  scrub(): void {
    this.#rewrite();
  }

  flushed(): Promise<void> {
    return this.#journal.flushed();
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#journal.close();
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAt > this.now) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  #change(key: string): Change {
    const entry = this.#entries.get(key);
    if (entry === undefined) return [key, null, "-"];
    const expiresAt = Number.isFinite(entry.expiresAt) ? entry.expiresAt : null;
    const { value } = entry;
    return [
      key,
      expiresAt,
      kindOf(value),
      typeof value === "string" ? value : value instanceof Map ? [...value] : [...value],
    ];
  }

  #restore([key, expiresAt, kind, value]: Change): void {
    if (kind === "-") {
      this.#entries.delete(key);
      return;
    }
    const restored: Value =
      kind === "s"
        ? (value as string)
        : kind === "h"
          ? new Map(value as readonly (readonly [string, string])[])
          : new Set(value as readonly string[]);
    this.#entries.set(key, { value: restored, expiresAt: expiresAt ?? Number.POSITIVE_INFINITY });
  }

  /** The journal again with what is alive alone. */
  #rewrite(): void {
    this.#expireAll();
    this.#journal.roll();
    for (const key of this.#entries.keys()) this.#journal.append(Buffer.from(JSON.stringify([this.#change(key)])));
    this.#journal.dropBefore();
    this.#rewriteAt = REWRITE_BYTES + 2 * this.#journal.bytes;
  }

  #expireAll(): void {
    const now = Date.now();
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt <= now) this.#entries.delete(key);
  }

  /** Walks some of the keys, oldest first; those that are alive go to the end. */
  #expireSome(): void {
    const now = Date.now();
    let left = Math.min(EXPIRY_SAMPLE, this.#entries.size);
    for (const [key, entry] of this.#entries) {
      if (left-- <= 0) break;
      this.#entries.delete(key);
      if (entry.expiresAt > now) this.#entries.set(key, entry);
    }
  }
}

const wrongType = (): RedisError => new RedisError("WRONGTYPE Operation against a key holding the wrong kind of value");
