import { LRUCache } from "lru-cache";
import { errorText, type Log } from "../aws/log.ts";
import type { Service } from "../aws/service.ts";
import type { Tenant } from "../domain/identity.ts";
import type { DeliveryTarget } from "../domain/subscription.ts";

/**
 * The subscriptions as delivering needs them, secrets included. Invariant: a target older than 4 s is used only while the
 * service can't be asked; one older than 2 s is asked for again behind the work that uses it.
 */
const STALE_MS = 2_000;
const TOO_OLD_MS = 4_000;
const ASK_TIMEOUT_MS = 2_000;
const MAX_TARGETS = 5_000;

interface Entry {
  /** Null when the customer has no such subscription (any more). */
  readonly target: DeliveryTarget | null;
  readonly askedAt: number;
}

export interface Targets {
  /**
   * Targets by subscription id; null for one that is removed.
   * @throws Error when one is not known here and the service can't be asked
   */
  get(tenant: Tenant, ids: readonly string[]): Promise<Map<string, DeliveryTarget | null>>;
  /** Knows from now on that this one is removed: nothing more is sent to it from here. */
  removed(tenant: Tenant, id: string): void;
}

export function targetCache(service: Service, log: Log, now: () => number): Targets {
  const entries = new LRUCache<string, Entry>({ max: MAX_TARGETS });
  const keyOf = (tenant: Tenant, id: string) => `${tenant} ${id}`;
  const asking = new Set<string>();

  async function ask(tenant: Tenant, ids: readonly string[], timeoutMs?: number): Promise<void> {
    const askedAt = now();
    for (const id of ids) asking.add(keyOf(tenant, id));
    try {
      const { answer } = await service(
        { op: "targets", tenant, subscription_ids: ids },
        timeoutMs === undefined ? {} : { timeoutMs },
      );
      const found = new Map(answer.targets.map((target) => [target.subscription_id, target]));
      for (const id of ids) {
        // A removed subscription never comes back: an answer that says otherwise was under way when it was removed.
        if (entries.peek(keyOf(tenant, id))?.target === null) continue;
        const target = found.get(id);
        const live = target === undefined || target.status === "removed" ? null : target;
        entries.set(keyOf(tenant, id), { target: live, askedAt });
      }
    } finally {
      for (const id of ids) asking.delete(keyOf(tenant, id));
    }
  }

  return {
    async get(tenant, ids) {
      const age = (id: string) => {
        const entry = entries.get(keyOf(tenant, id));
        return entry?.target === null ? 0 : now() - (entry?.askedAt ?? Number.NEGATIVE_INFINITY);
      };
      const unknown = ids.filter((id) => !entries.has(keyOf(tenant, id)));
      const old = ids.filter((id) => entries.has(keyOf(tenant, id)) && age(id) > TOO_OLD_MS);
      if (unknown.length > 0) await ask(tenant, [...unknown, ...old]);
      else if (old.length > 0) {
        try {
          await ask(tenant, old, ASK_TIMEOUT_MS);
        } catch (error) {
          log("warn", "deliver.targets_unknown", { tenant, error: errorText(error) });
        }
      }
      const stale = ids.filter((id) => age(id) > STALE_MS && !asking.has(keyOf(tenant, id)));
      if (stale.length > 0 && old.length === 0)
        ask(tenant, stale, ASK_TIMEOUT_MS).catch((error) =>
          log("warn", "deliver.targets_unknown", { tenant, error: errorText(error) }),
        );
      return new Map(ids.map((id) => [id, entries.get(keyOf(tenant, id))?.target ?? null]));
    },

    removed: (tenant, id) => void entries.set(keyOf(tenant, id), { target: null, askedAt: now() }),
  };
}
