import { LRUCache } from "lru-cache";
import { errorText, type Log } from "../aws/log.ts";
import { askTargets, type Service } from "../aws/service.ts";
import { FreshCache, type Freshness } from "../domain/freshCache.ts";
import { growing } from "../domain/growing.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { DeliveryTarget, SubscriptionOf } from "../domain/subscription.ts";
import type { Millis } from "../domain/time.ts";
import type { Stop } from "../store/stops.ts";

/**
 * The subscriptions as delivering needs them, secrets included. Invariants: a target older than 4 s is used only while the
 * service can't be asked; one older than 2 s is asked for again behind the work that uses it; and one question asks for all
 * that is due, for all customers, so that the service's load follows the environments and not the customers. And a second after
 * somebody was told that a subscription is disabled or removed, its earlier definition is no longer used.
 */
const FRESHNESS: Freshness = { refreshAfter: 2_000, waitAfter: 4_000, serveUntil: Number.POSITIVE_INFINITY };
const ASK_TIMEOUT_MS = 2_000;
const MAX_TARGETS = 5_000;
/**
 * What is known of stops is at most this old when a post begins; the rest of the second is for the way there. A post waits a second for
 * news of them, and then goes out.
 */
const STOPS_FRESHNESS: Freshness = {
  refreshAfter: 800,
  waitAfter: 800,
  serveUntil: Number.POSITIVE_INFINITY,
  pauseAfterFailure: 800,
  patience: () => 1_000,
};
/** Asked for at once. */
const MAX_ASKED = 200;

/** A subscription that the customer never had or has no longer. It never comes back. */
const REMOVED = "removed";
type Known = DeliveryTarget | typeof REMOVED;

/** Null for a subscription that is removed, undefined for one that could not be asked for. */
type Found = (tenant: Tenant, id: string) => DeliveryTarget | null | undefined;

export interface Targets {
  get(wanted: readonly SubscriptionOf[]): Promise<Found>;
  /**
   * The subscription as it is now, for a caller who has just changed it and sees what comes of that; null when it is removed.
   * @throws Error when it is unknown here and the service can't be asked
   */
  latest(wanted: SubscriptionOf): Promise<DeliveryTarget | null>;
  /**
   * What has become of a target that was got a while ago, as of a second ago at most.
   * @throws Error when it has changed and the service can't be asked
   */
  standing(target: DeliveryTarget): Promise<DeliveryTarget["status"]>;
  /** Knows from now on that this one is removed: nothing more is sent to it from here. */
  removed(tenant: Tenant, id: string): void;
}

/** @throws Error when the subscription is unknown here and the service is out of reach */
export async function targetOf(targets: Targets, tenant: Tenant, id: string): Promise<DeliveryTarget | null> {
  const found = (await targets.get([{ tenant, subscription_id: id }]))(tenant, id);
  if (found === undefined) throw unknown(id);
  return found;
}

export const unknown = (id: string): Error =>
  new Error(`${id} is not known here, and the subscriptions service can't be asked`);

/** @param stops subscriptions whose posts were stopped in the last seconds, read with strong consistency */
export function targetCache(
  service: Service,
  log: Log,
  now: () => Millis,
  stops: () => Promise<readonly Stop[]>,
): Targets {
  const keyOf = ({ tenant, subscription_id }: SubscriptionOf) => `${tenant} ${subscription_id}`;
  const subscriptionOf = (key: string): SubscriptionOf => {
    const [tenant, subscription_id] = key.split(" ") as [Tenant, string];
    return { tenant, subscription_id };
  };
  const known = new FreshCache<string, Known>({
    freshness: FRESHNESS,
    now,
    max: MAX_TARGETS,
    together: MAX_ASKED,
    along: "used",
    final: (value) => value === REMOVED,
    ask: async (asked) => {
      const wanted = asked.map(({ key }) => subscriptionOf(key));
      const patient = asked.some(({ held }) => held === undefined);
      const { targets, unreadable } = await askTargets(service, wanted, patient ? {} : { timeoutMs: ASK_TIMEOUT_MS });
      const live = targets.filter(({ status }) => status !== "removed");
      const found = new Map<string, Known>(live.map((target) => [keyOf(target), target]));
      // An unreadable one is not removed: it stays unknown, and what waits for it waits until it is mended.
      const told = new Set(unreadable.map(keyOf));
      return new Map(
        asked.filter(({ key }) => !told.has(key)).map(({ key }) => [key, found.get(key) ?? REMOVED] as const),
      );
    },
    failed: (cause, keys) =>
      log("warn", "deliver.targets_unknown", { subscriptions: keys.length, error: errorText(cause) }),
  });

  const seenStops = new LRUCache<string, true>(growing(MAX_TARGETS));
  /** Forgets the subscriptions whose posts were stopped, and ignores an answer that is under way. */
  function stop({ tenant, subscription_id }: Stop): void {
    const keys =
      subscription_id === undefined
        ? known.involved().filter((key) => subscriptionOf(key).tenant === tenant)
        : [keyOf({ tenant, subscription_id })];
    for (const key of keys) if (known.peek(key) !== REMOVED) known.forget(key);
  }
  /** Its one value says that stops were looked for. */
  const looked = new FreshCache<"stops", true>({
    freshness: STOPS_FRESHNESS,
    now,
    max: 1,
    ask: async () => {
      for (const each of await stops()) {
        if (seenStops.has(each.key)) continue;
        seenStops.set(each.key, true);
        stop(each);
      }
      return new Map([["stops" as const, true as const]]);
    },
    failed: (cause) => log("warn", "deliver.stops_unknown", { error: errorText(cause) }),
  });
  const freshStops = (): Promise<unknown> => looked.get("stops").catch(() => undefined);
  const targetOrNull = (value: Known | undefined) => (value === REMOVED ? null : value);

  const targets: Targets = {
    async get(wanted) {
      await freshStops();
      await known.refresh(wanted.map(keyOf));
      return (tenant, subscription_id) => targetOrNull(known.peek(keyOf({ tenant, subscription_id })));
    },

    async latest(wanted) {
      const target = targetOrNull(await known.get(keyOf(wanted), now()));
      if (target === undefined) throw unknown(wanted.subscription_id);
      return target;
    },

    async standing(target) {
      await freshStops();
      if (targetOrNull(known.peek(keyOf(target)))?.status === "active") return "active";
      const found = await targetOf(targets, target.tenant, target.subscription_id);
      return found?.status ?? "removed";
    },

    removed: (tenant, subscription_id) => known.set(keyOf({ tenant, subscription_id }), REMOVED),
  };
  return targets;
}
