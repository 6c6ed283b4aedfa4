import { ageOf } from "../domain/age.ts";
import { FreshCache } from "../domain/freshCache.ts";
import type { KeyRecord } from "../domain/identity/apiKey.ts";
import type { Millis } from "../domain/time.ts";

/**
 * Key records at the edge.
 *
 * Invariants: a record serves for 60 s after it was read, so a revocation counts everywhere within 70 s (global tables
 * replicate in about a second); while the table can't be reached it serves for 15 min after it was read. Ids without a
 * record are remembered for 10 s, apart from the others and bounded: random ids evict only one another.
 */
export const GOOD_MS = 60_000;
export const UNKNOWN_MS = 10_000;
export const STALE_MS = 15 * 60_000;
/** A millisecond less: at 60 s the record is read again. */
const WAIT_MS = GOOD_MS - 1;
const MAX_GOOD = 50_000;
const MAX_UNKNOWN = 50_000;

interface Known {
  readonly record: KeyRecord;
  /** When a secret was last compared with a fresh record in vain; milliseconds since the epoch. */
  refusedAt: Millis;
}

export interface KeyCachePorts {
  /** The record in the nearest table that answers. @throws when none does */
  read(keyId: string): Promise<KeyRecord | undefined>;
  now(): Millis;
}

export class KeyCache {
  private readonly now: () => Millis;
  private readonly known: FreshCache<string, Known>;

  constructor(
    ports: KeyCachePorts,
    sizes: { good: number; unknown: number } = { good: MAX_GOOD, unknown: MAX_UNKNOWN },
  ) {
    this.now = ports.now;
    this.known = new FreshCache({
      freshness: { refreshAfter: WAIT_MS, waitAfter: WAIT_MS, serveUntil: STALE_MS, pauseAfterFailure: 5_000 },
      now: ports.now,
      max: sizes.good,
      absent: { max: sizes.unknown, ms: UNKNOWN_MS },
      ask: async (asked) => {
        const { key, held } = asked[0]!;
        const record = await ports.read(key);
        const refusedAt = held?.refusedAt ?? Number.NEGATIVE_INFINITY;
        return new Map([[key, record === undefined ? null : { record, refusedAt }]]);
      },
    });
  }

  /** @throws when the table is out of reach and every known record is too old */
  async get(keyId: string): Promise<KeyRecord | undefined> {
    return (await this.known.get(keyId))?.record;
  }

  /**
   * A newer record, when a secret did not fit the one we have: it may have been rotated a moment ago. While secrets don't fit, a key is
   * asked for every 10 s at most. An unknown id is asked for as often, so that time tells nothing about which ids exist.
   */
  async newer(keyId: string): Promise<KeyRecord | undefined> {
    const known = this.known.peek(keyId);
    if (known === undefined || ageOf(known.refusedAt, this.now()) < UNKNOWN_MS) return undefined;
    try {
      return (await this.known.renew(keyId))?.record;
    } catch {
      return undefined;
    }
  }

  /** The freshest record refused a secret too. */
  refused(keyId: string): void {
    const known = this.known.peek(keyId);
    if (known !== undefined) known.refusedAt = this.now();
  }
}
