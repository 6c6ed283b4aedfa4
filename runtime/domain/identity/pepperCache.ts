import { FreshCache } from "../freshCache.ts";
import { MINUTE_MS, type Millis } from "../time.ts";
import type { Peppers } from "./apiKey.ts";

/** Milliseconds after which it is read again, in the background of the request that finds it old. */
export const PEPPERS_MS = 5 * MINUTE_MS;
/** A version that is missing is asked for at most so often. */
const MISSING_MS = 10_000;

/** The peppers, read once and kept: while they can't be read again, those we have serve on. */
export class PepperCache {
  private readonly cache: FreshCache<"peppers", Peppers>;

  constructor({ read, now }: { read(): Promise<Peppers>; now(): Millis }) {
    this.cache = new FreshCache({
      freshness: {
        refreshAfter: PEPPERS_MS,
        waitAfter: Number.POSITIVE_INFINITY,
        serveUntil: Number.POSITIVE_INFINITY,
      },
      now,
      max: 1,
      ask: async () => new Map([["peppers" as const, await read()]]),
    });
  }

  /** @param version one that must be among them, if it exists at all. @throws when they were never read */
  async get(version?: string): Promise<Peppers> {
    const held = (await this.cache.get("peppers"))!;
    const missing = version !== undefined && held.versions[version] === undefined;
    if (!missing || this.cache.age("peppers") <= MISSING_MS) return held;
    return (await this.cache.renew("peppers").catch(() => held)) ?? held;
  }
}
