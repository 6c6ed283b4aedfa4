import { LRUCache } from "lru-cache";
import type { KeyRecord } from "../domain/identity/apiKey.ts";

/**
 * Key records at the edge.
 *
 * Invariants: a record serves for 60 s after it was read, so a revocation counts everywhere within 70 s (global tables
 * replicate in about a second); while the table can't be reached it serves for 15 min after it was read. Ids without a
 * record are remembered for 10 s, apart from the others and bounded: whoever sends random ids evicts only such ids.
 * However many requests ask for a record at once, the table is asked once.
 */
export const GOOD_MS = 60_000;
export const UNKNOWN_MS = 10_000;
export const STALE_MS = 15 * 60_000;
/** After a failed read, a record that may still serve is not asked for again so soon. */
const PAUSE_MS = 5_000;
const MAX_GOOD = 50_000;
const MAX_UNKNOWN = 50_000;

interface Entry {
  readonly record: KeyRecord;
  /** When the read began. */
  readonly readAt: number;
  notBefore: number;
  /** When a secret was last compared with a fresh record in vain. */
  refusedAt: number;
}

export interface KeyCachePorts {
  /** The record in the nearest table that answers. @throws when none does */
  read(keyId: string): Promise<KeyRecord | undefined>;
  now(): number;
}

export class KeyCache {
  private readonly ports: KeyCachePorts;
  private readonly good: LRUCache<string, Entry>;
  private readonly unknown: LRUCache<string, number>;
  private readonly reading = new Map<string, Promise<KeyRecord | undefined>>();

  constructor(
    ports: KeyCachePorts,
    sizes: { good: number; unknown: number } = { good: MAX_GOOD, unknown: MAX_UNKNOWN },
  ) {
    this.ports = ports;
    this.good = new LRUCache({ max: sizes.good });
    this.unknown = new LRUCache({ max: sizes.unknown });
  }

  /** @throws when the table can't be reached and no record may serve instead */
  async get(keyId: string): Promise<KeyRecord | undefined> {
    const now = this.ports.now();
    // Both are looked at in every case, so that the time does not tell which of them knows the id.
    const entry = this.good.get(keyId);
    const missedAt = this.unknown.get(keyId);
    if (entry !== undefined && now - entry.readAt < GOOD_MS) return entry.record;
    if (missedAt !== undefined && now - missedAt < UNKNOWN_MS) return undefined;
    const mayServe = entry !== undefined && now - entry.readAt < STALE_MS;
    if (mayServe && now < entry.notBefore) return entry.record;
    try {
      return await this.read(keyId, now);
    } catch (cause) {
      if (!mayServe) throw cause;
      entry.notBefore = now + PAUSE_MS;
      return entry.record;
    }
  }

  /**
   * A newer record, when a secret did not fit the one we have: it may have been rotated a moment ago. Asked for at most
   * every 10 s a key while secrets don't fit, as often as for an unknown id, so the two can't be told apart by time.
   */
  async newer(keyId: string): Promise<KeyRecord | undefined> {
    const now = this.ports.now();
    const entry = this.good.get(keyId);
    if (entry === undefined || now - entry.refusedAt < UNKNOWN_MS) return undefined;
    try {
      return await this.read(keyId, now);
    } catch {
      return undefined;
    }
  }

  /** The freshest record refused a secret too. */
  refused(keyId: string): void {
    const entry = this.good.get(keyId);
    if (entry !== undefined) entry.refusedAt = this.ports.now();
  }

  private read(keyId: string, now: number): Promise<KeyRecord | undefined> {
    const running = this.reading.get(keyId);
    if (running !== undefined) return running;
    const read = this.ports
      .read(keyId)
      .then((record) => {
        if (record === undefined) {
          this.good.delete(keyId);
          this.unknown.set(keyId, now);
        } else {
          this.unknown.delete(keyId);
          const refusedAt = this.good.get(keyId)?.refusedAt ?? Number.NEGATIVE_INFINITY;
          this.good.set(keyId, { record, readAt: now, notBefore: 0, refusedAt });
        }
        return record;
      })
      .finally(() => this.reading.delete(keyId));
    this.reading.set(keyId, read);
    return read;
  }
}
