import { LRUCache } from "lru-cache";
import { errorText, type Log } from "../aws/log.ts";
import type { Service } from "../aws/service.ts";
import type { Tenant } from "../domain/identity.ts";
import type { DeliveryTarget, SubscriptionOf } from "../domain/subscription.ts";

/**
 * The subscriptions as delivering needs them, secrets included. Invariants: a target older than 4 s is used only while the
 * service can't be asked; one older than 2 s is asked for again behind the work that uses it; and one question asks for all
 * that is due, whoever's it is, so that the service's load follows the environments and not the customers.
 */
const STALE_MS = 2_000;
const TOO_OLD_MS = 4_000;
const ASK_TIMEOUT_MS = 2_000;
const MAX_TARGETS = 5_000;
/** That many of the largest definitions fit the 6 MB of an answer. */
const MAX_ASKED = 200;

interface Entry extends SubscriptionOf {
  /** Null when the customer has no such subscription (any more). */
  readonly target: DeliveryTarget | null;
  readonly askedAt: number;
  /** Whether it was needed since it was asked for. */
  used: boolean;
}

/** Null for a subscription that is removed, undefined for one that could not be asked for. */
type Found = (tenant: Tenant, id: string) => DeliveryTarget | null | undefined;

export interface Targets {
  get(wanted: readonly SubscriptionOf[]): Promise<Found>;
  /** Knows from now on that this one is removed: nothing more is sent to it from here. */
  removed(tenant: Tenant, id: string): void;
}

/** @throws Error when the subscription is not known here and the service can't be asked */
export async function targetOf(targets: Targets, tenant: Tenant, id: string): Promise<DeliveryTarget | null> {
  const found = (await targets.get([{ tenant, subscription_id: id }]))(tenant, id);
  if (found === undefined) throw unknown(id);
  return found;
}

export const unknown = (id: string): Error =>
  new Error(`${id} is not known here, and the subscriptions service can't be asked`);

export function targetCache(service: Service, log: Log, now: () => number): Targets {
  const entries = new LRUCache<string, Entry>({ max: MAX_TARGETS });
  const keyOf = ({ tenant, subscription_id }: SubscriptionOf) => `${tenant} ${subscription_id}`;
  const asking = new Map<string, Promise<void>>();
  const age = (entry: Entry): number => (entry.target === null ? 0 : now() - entry.askedAt);

  /** Never rejects: what it could not learn stays as it was, or unknown. */
  async function ask(wanted: readonly SubscriptionOf[], timeoutMs?: number): Promise<void> {
    const askedAt = now();
    try {
      const { answer } = await service({ op: "targets", wanted }, timeoutMs === undefined ? {} : { timeoutMs });
      const found = new Map(answer.targets.map((target) => [keyOf(target), target]));
      for (const { tenant, subscription_id } of wanted) {
        const key = keyOf({ tenant, subscription_id });
        // A removed subscription never comes back: an answer that says otherwise was under way when it was removed.
        if (entries.peek(key)?.target === null) continue;
        const target = found.get(key);
        const live = target === undefined || target.status === "removed" ? null : target;
        entries.set(key, { tenant, subscription_id, target: live, askedAt, used: false });
      }
    } catch (error) {
      log("warn", "deliver.targets_unknown", { subscriptions: wanted.length, error: errorText(error) });
    } finally {
      for (const each of wanted) asking.delete(keyOf(each));
    }
  }

  function askAll(wanted: readonly SubscriptionOf[], timeoutMs?: number): void {
    for (let at = 0; at < wanted.length; at += MAX_ASKED) {
      const part = wanted.slice(at, at + MAX_ASKED);
      const asked = ask(part, timeoutMs);
      for (const each of part) asking.set(keyOf(each), asked);
    }
  }

  return {
    async get(wanted) {
      const missing: SubscriptionOf[] = [];
      const waitedFor: SubscriptionOf[] = [];
      let stale = false;
      for (const each of wanted) {
        const entry = entries.get(keyOf(each));
        if (entry === undefined && !asking.has(keyOf(each))) missing.push(each);
        if (entry !== undefined) entry.used = true;
        if (entry === undefined || age(entry) > TOO_OLD_MS) waitedFor.push(each);
        else stale ||= age(entry) > STALE_MS;
      }
      if (waitedFor.length > 0 || stale) {
        // Whatever else is in use and stale is asked for in the same breath.
        const known = [...entries.values()].filter(
          (entry) => entry.used && age(entry) > STALE_MS && !asking.has(keyOf(entry)),
        );
        askAll([...missing, ...known], missing.length > 0 ? undefined : ASK_TIMEOUT_MS);
        await Promise.all(waitedFor.map((each) => asking.get(keyOf(each))));
      }
      return (tenant, subscription_id) => entries.get(keyOf({ tenant, subscription_id }))?.target;
    },

    removed: (tenant, subscription_id) =>
      void entries.set(keyOf({ tenant, subscription_id }), {
        tenant,
        subscription_id,
        target: null,
        askedAt: now(),
        used: false,
      }),
  };
}
