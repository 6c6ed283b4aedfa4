import type { Tenant } from "../identity/identity.ts";
import { HOUR_MS, type Millis, rfc3339, secondsOf } from "../time.ts";
import { type SendPut, shardOfWriter } from "./counters.ts";

/**
 * Who was active in a minute, and where it is counted: what evaluating alerts begins with, so that only active customers cost anything,
 * and only partitions with counts are read.
 *
 * Each writer tells the tenants of a minute once, after their counters are written: an item holds those that are new since its last.
 */

const KEEP_SECONDS = 2 * 3_600;
/** Older minutes no longer matter to any evaluation. */
const RECENT_MS = HOUR_MS;
/** About 60 KB. */
const TENANTS_EACH = 1_000;

/** Where the tenants of a minute are listed. @param minute its start, milliseconds */
export const activePartition = (minute: number): string => `active#${rfc3339(minute).slice(0, 16)}`;

export interface ActiveMarks {
  /** Takes in that a tenant was active in a minute; nothing leaves yet. */
  add(tenant: Tenant, minute: number): void;
  /** Writes what was not told yet. What fails is written the next time. */
  flush(): Promise<void>;
}

/** @param writer as of the counters @param now milliseconds */
export function activeMarks(table: string, send: SendPut, writer: string, now: () => Millis): ActiveMarks {
  const shard = String(shardOfWriter(writer));
  const told = new Map<number, Set<Tenant>>();
  const untold = new Map<number, Set<Tenant>>();
  let number = 0;
  return {
    add(tenant, minute) {
      if (minute < now() - RECENT_MS || told.get(minute)?.has(tenant) === true) return;
      const known = untold.get(minute);
      if (known === undefined) untold.set(minute, new Set([tenant]));
      else known.add(tenant);
    },
    async flush() {
      for (const minute of told.keys()) if (minute < now() - RECENT_MS) told.delete(minute);
      for (const [minute, tenants] of [...untold]) {
        const all = [...tenants];
        for (let from = 0; from < all.length; from += TENANTS_EACH) {
          const some = all.slice(from, from + TENANTS_EACH);
          number += 1;
          await send({
            TableName: table,
            Item: {
              pk: { S: activePartition(minute) },
              sk: { S: `${writer}.${number}` },
              shard: { N: shard },
              tenants: { SS: some },
              expires_at: { N: String(secondsOf(minute) + KEEP_SECONDS) },
            },
          });
          const known = told.get(minute);
          if (known === undefined) told.set(minute, new Set(some));
          else for (const tenant of some) known.add(tenant);
          for (const tenant of some) tenants.delete(tenant);
        }
        untold.delete(minute);
      }
    },
  };
}
