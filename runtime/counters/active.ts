import { queryPages, type Table } from "../aws/tables.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { MINUTE_MS, type Millis } from "../domain/time.ts";
import { activePartition } from "../domain/usage/active.ts";
import { minuteShards } from "../domain/usage/usage.ts";

/** Who was active when, and in which shards of its minutes that is counted. */

/** Marks of older minutes are all there: they are not read again. */
const SETTLED_MS = 5 * MINUTE_MS;
const KEPT_MINUTES = 120;

type Active = ReadonlyMap<Tenant, ReadonlySet<number>>;

export interface ActiveMinutes {
  /** Reads the marks of these minutes, once they are settled only once. */
  read(minutes: readonly number[]): Promise<void>;
  /** Tenants active in any of these minutes, of those that were read. */
  tenants(minutes: readonly number[]): Set<Tenant>;
  /** Partitions in which a tenant's counters of all minutes that were read lie. */
  shards(tenant: Tenant): string[];
}

/** Make one per execution environment. */
export function activeMinutes(counters: Table, now: () => Millis): ActiveMinutes {
  const known = new Map<number, { readonly active: Active; readonly readAt: Millis }>();

  async function readMinute(minute: number): Promise<void> {
    const before = known.get(minute);
    if (before !== undefined && before.readAt > minute + SETTLED_MS) return;
    const readAt = now();
    const active = new Map<Tenant, Set<number>>();
    const pages = queryPages(counters, {
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": { S: activePartition(minute) } },
      consistency: "eventual",
    });
    for await (const items of pages)
      for (const { tenants, shard } of items)
        for (const tenant of tenants?.SS ?? []) {
          const shards = active.get(tenant);
          if (shards === undefined) active.set(tenant, new Set([Number(shard!.N)]));
          else shards.add(Number(shard!.N));
        }
    known.set(minute, { active, readAt });
  }

  return {
    async read(minutes) {
      const oldest = now() - KEPT_MINUTES * MINUTE_MS;
      for (const minute of known.keys()) if (minute < oldest) known.delete(minute);
      await Promise.all(minutes.map(readMinute));
    },
    tenants: (minutes) => new Set(minutes.flatMap((minute) => [...(known.get(minute)?.active.keys() ?? [])])),
    shards(tenant) {
      const all = minuteShards(tenant);
      const found = new Set<number>();
      for (const { active } of known.values()) for (const shard of active.get(tenant) ?? []) found.add(shard);
      return [...found].sort((a, b) => a - b).map((shard) => all[shard]!);
    },
  };
}
