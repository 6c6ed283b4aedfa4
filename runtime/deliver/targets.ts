import { LRUCache } from "lru-cache";
import { errorText, type Log } from "../aws/log.ts";
import type { Service } from "../aws/service.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { DeliveryTarget, SubscriptionOf } from "../domain/subscription.ts";
import type { Stop } from "../store/stops.ts";

/**
 * The subscriptions as delivering needs them, secrets included. Invariants: a target older than 4 s is used only while the
 * service can't be asked; one older than 2 s is asked for again behind the work that uses it; and one question asks for all
 * that is due, whoever's it is, so that the service's load follows the environments and not the customers. And a second after
 * somebody was told that a subscription is disabled or removed, nothing that was known of it before is used any more.
 */
const STALE_MS = 2_000;
const TOO_OLD_MS = 4_000;
const ASK_TIMEOUT_MS = 2_000;
const MAX_TARGETS = 5_000;
/** What is known of stops is at most this old when a post begins; the rest of the second is for the way there. */
const STOPS_FRESH_MS = 800;
/** How long a post waits for news of stops; then it goes out, for nothing says that it must not. */
const STOPS_PATIENCE_MS = 1_000;
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
  /**
   * What has become of a target that was got a while ago, as of a second ago at most.
   * @throws Error when it has changed and the service can't be asked
   */
  standing(target: DeliveryTarget): Promise<DeliveryTarget["status"]>;
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

/** @param stops what was told to stop in the last seconds, strongly consistent */
export function targetCache(
  service: Service,
  log: Log,
  now: () => number,
  stops: () => Promise<readonly Stop[]>,
): Targets {
  const entries = new LRUCache<string, Entry>({ max: MAX_TARGETS });
  const keyOf = ({ tenant, subscription_id }: SubscriptionOf) => `${tenant} ${subscription_id}`;
  const asking = new Map<string, Promise<void>>();
  /** Counts what was forgotten; by key, or by tenant, the count from which on a question is young enough. */
  let turn = 0;
  const forgotten = new LRUCache<string, number>({ max: MAX_TARGETS });
  const seenStops = new LRUCache<string, true>({ max: MAX_TARGETS });
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  const age = (entry: Entry): number => (entry.target === null ? 0 : now() - entry.askedAt);

  /** Never rejects: what it could not learn stays as it was, or unknown. */
  async function ask(wanted: readonly SubscriptionOf[], timeoutMs?: number): Promise<void> {
    const askedAt = now();
    const askedIn = turn;
    try {
      const { answer } = await service({ op: "targets", wanted }, timeoutMs === undefined ? {} : { timeoutMs });
      const found = new Map(answer.targets.map((target) => [keyOf(target), target]));
      for (const { tenant, subscription_id } of wanted) {
        const key = keyOf({ tenant, subscription_id });
        // A removed subscription never comes back: an answer that says otherwise was under way when it was removed.
        if (entries.peek(key)?.target === null) continue;
        if (askedIn < Math.max(forgotten.get(key) ?? 0, forgotten.get(tenant) ?? 0)) continue;
        const target = found.get(key);
        const live = target === undefined || target.status === "removed" ? null : target;
        entries.set(key, { tenant, subscription_id, target: live, askedAt, used: false });
      }
    } catch (error) {
      log("warn", "deliver.targets_unknown", { subscriptions: wanted.length, error: errorText(error) });
    }
  }

  function askAll(wanted: readonly SubscriptionOf[], timeoutMs?: number): void {
    for (let at = 0; at < wanted.length; at += MAX_ASKED) {
      const part = wanted.slice(at, at + MAX_ASKED);
      const asked = ask(part, timeoutMs).then(() => {
        for (const each of part) if (asking.get(keyOf(each)) === asked) asking.delete(keyOf(each));
      });
      for (const each of part) asking.set(keyOf(each), asked);
    }
  }

  /** Forgets what was told to stop. A look that fails is tried again in a while: nobody's deliveries wait for it. */
  async function look(): Promise<void> {
    lookedAt = now();
    try {
      for (const { tenant, subscription_id, key } of await stops()) {
        if (seenStops.has(key)) continue;
        seenStops.set(key, true);
        turn += 1;
        forgotten.set(subscription_id === undefined ? tenant : keyOf({ tenant, subscription_id }), turn);
        if (subscription_id !== undefined) forget(keyOf({ tenant, subscription_id }));
        else for (const [known, entry] of [...entries.entries()]) if (entry.tenant === tenant) forget(known);
      }
    } catch (error) {
      log("warn", "deliver.stops_unknown", { error: errorText(error) });
    }
  }

  function forget(key: string): void {
    if (entries.peek(key)?.target !== null) entries.delete(key);
    asking.delete(key);
  }

  async function freshStops(): Promise<void> {
    if (now() - lookedAt > STOPS_FRESH_MS)
      looking ??= look().finally(() => {
        looking = undefined;
      });
    if (looking === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOPS_PATIENCE_MS);
    });
    await Promise.race([looking, patience]);
    clearTimeout(timer);
  }

  /** Asks for what is not known, or not for sure, and waits for it. */
  async function learn(wanted: readonly SubscriptionOf[]): Promise<void> {
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
    if (waitedFor.length === 0 && !stale) return;
    // Whatever else is in use and stale is asked for in the same breath.
    const known = [...entries.values()].filter(
      (entry) => entry.used && age(entry) > STALE_MS && !asking.has(keyOf(entry)),
    );
    askAll([...missing, ...known], missing.length > 0 ? undefined : ASK_TIMEOUT_MS);
    await Promise.all(waitedFor.map((each) => asking.get(keyOf(each))));
  }

  const targets: Targets = {
    async get(wanted) {
      await freshStops();
      const before = turn;
      await learn(wanted);
      // An answer that was under way when its subject was told to stop does not count.
      if (turn !== before) await learn(wanted);
      return (tenant, subscription_id) => entries.get(keyOf({ tenant, subscription_id }))?.target;
    },

    async standing(target) {
      await freshStops();
      const known = entries.peek(keyOf(target))?.target;
      if (known?.status === "active") return "active";
      const found = await targetOf(targets, target.tenant, target.subscription_id);
      return found?.status ?? "removed";
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
  return targets;
}
