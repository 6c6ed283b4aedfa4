import { ageOf } from "../domain/age.ts";
import type { Millis } from "../domain/time.ts";
import type { RedisConnection } from "./connect.ts";

/**
 * Keeps a tenth of the cache for the limits. Entries of idempotency keys are many and stay for a day, states of limits are few
 * and stay for seconds: with `noeviction` the entries would fill the cache until no limit could be counted.
 * docs/decisions/idempotency.md has the figures.
 */
export interface Room {
  /** Whether an entry may be added, as far as is known. */
  left(): boolean;
}

/** Share of the memory that entries may fill. */
const FULL = 0.9;
/** The cache fills in hours, so nobody waits for the answer. */
const ASK_EVERY_MS = 5_000;
const PATIENCE_MS = 1_000;

const memberOf = (info: string, name: string): number =>
  Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);

/** @param redis asked for its memory now and then, behind the work */
export function roomIn(redis: Pick<RedisConnection, "command">, now: () => Millis): Room {
  let left = true;
  let askedAt = Number.NEGATIVE_INFINITY;

  async function ask(): Promise<void> {
    const info = (await redis.command("INFO", ["memory"], PATIENCE_MS)) as string;
    const most = memberOf(info, "maxmemory");
    left = most === 0 || memberOf(info, "used_memory") < most * FULL;
  }

  return {
    left() {
      if (ageOf(askedAt, now()) >= ASK_EVERY_MS) {
        askedAt = now();
        // Redis that does not answer says so to the claim itself.
        ask().catch(() => undefined);
      }
      return left;
    },
  };
}
