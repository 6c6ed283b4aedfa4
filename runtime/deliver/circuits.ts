import type { Table } from "../aws/tables.ts";
import { FreshCache, type Freshness } from "../domain/freshCache.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { DAY_MS, DAY_SECONDS, type Millis, secondsOf } from "../domain/time.ts";
import type { Circuit } from "../store/circuits/circuitItem.ts";
import {
  addFailures,
  closeCircuit,
  markSlow,
  openCircuit,
  readCircuit,
  readCircuits,
  removeCircuit,
  setAlerted,
} from "../store/circuits/circuits.ts";

/**
 * Circuits of failing endpoints, shared by all invocations through one item each. Invariant: only a failing endpoint has an item, so
 * success costs nothing; what an invocation knows of the others is at most 5 s old.
 */
const FRESHNESS: Freshness = { refreshAfter: 2_000, waitAfter: 5_000, serveUntil: 5_000 };
const MAX_TENANTS = 5_000;
/** An unused circuit is forgotten. */
const KEEP_SECONDS = 30 * DAY_SECONDS;

/** Posts that fail in a row before an endpoint's circuit opens. */
export const OPEN_AFTER = 10;
/** Waits before each probe of an open circuit; the last one repeats. */
export const PROBE_WAITS_MS: readonly number[] = [5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000];
/** Milliseconds without a success after which the subscription is disabled. */
export const DISABLE_AFTER_MS = 5 * DAY_MS;
/** Percent of that time at which the owner is warned. */
const ALERTS = [50, 70, 90, 100] as const;
/** The sweeper sends the probe if its own message got lost. */
const PROBE_GRACE_MS = 120_000;

export const probeWaitMs = (probes: number): number => PROBE_WAITS_MS[Math.min(probes, PROBE_WAITS_MS.length - 1)] ?? 0;

/** Percent of the way to being disabled, in the steps that are announced; 0 before the first. */
export function alertLevel(failingSince: number, now: Millis): number {
  const percent = ((now - failingSince) / DISABLE_AFTER_MS) * 100;
  return ALERTS.findLast((level) => percent >= level) ?? 0;
}

export interface Circuits {
  /** Circuits of a tenant's failing endpoints by subscription id. */
  of(tenant: Tenant): Promise<ReadonlyMap<string, Circuit>>;
  /** The stored circuit, past the cache. */
  read(tenant: Tenant, subscriptionId: string): Promise<Circuit | undefined>;
  /** Adds failures in a row. @returns the circuit after it; undefined where another has removed it since */
  failed(tenant: Tenant, subscriptionId: string, failures: number, slow: boolean): Promise<Circuit | undefined>;
  /** Marks an endpoint that has not answered for long, though it still may, so that all serve it apart from others. */
  suspect(tenant: Tenant, subscriptionId: string): Promise<void>;
  /** The endpoint is well: forget its circuit. @returns it as it was last */
  succeeded(tenant: Tenant, subscriptionId: string): Promise<Circuit | undefined>;
  /** Opens the circuit, or sets its next probe. @returns false when another invocation did so */
  open(circuit: Circuit, nextProbeAt: Millis): Promise<boolean>;
  /** Closes the circuit so far that the next failure opens it again: there was nothing to probe it with. */
  halfOpen(circuit: Circuit): Promise<void>;
  /** Remembers that the owner was warned at this percentage. */
  alerted(circuit: Circuit, level: number): Promise<void>;
}

export function circuitStore(events: Table, now: () => Millis): Circuits {
  const known = new FreshCache<Tenant, Map<string, Circuit>>({
    freshness: FRESHNESS,
    now,
    max: MAX_TENANTS,
    ask: async (asked) => {
      const { key } = asked[0]!;
      return new Map([[key, await readCircuits(events, key)]]);
    },
  });
  const remember = (circuit: Circuit) =>
    known.peek(circuit.tenant)?.set(circuit.subscription_id, circuit) !== undefined;
  const expiry = () => secondsOf(now()) + KEEP_SECONDS;

  return {
    of: async (tenant) => (await known.get(tenant))!,

    read: (tenant, subscription_id) => readCircuit(events, { tenant, subscription_id }),

    async failed(tenant, subscription_id, failures, slow) {
      const change = { failures, slow, now: now(), expiry: expiry() };
      const circuit = await addFailures(events, { tenant, subscription_id }, change);
      if (circuit !== undefined) remember(circuit);
      return circuit;
    },

    async suspect(tenant, subscription_id) {
      if (known.peek(tenant)?.get(subscription_id)?.slow === true) return;
      remember(await markSlow(events, { tenant, subscription_id }, expiry()));
    },

    async succeeded(tenant, subscription_id) {
      known.peek(tenant)?.delete(subscription_id);
      return await removeCircuit(events, { tenant, subscription_id });
    },

    async open(circuit, nextProbeAt) {
      const times = { now: now(), next_probe_at: nextProbeAt, due_at: nextProbeAt + PROBE_GRACE_MS };
      const opened = await openCircuit(events, circuit, times);
      if (opened !== undefined) remember(opened);
      return opened !== undefined;
    },

    async halfOpen(circuit) {
      known.peek(circuit.tenant)?.delete(circuit.subscription_id);
      await closeCircuit(events, circuit, OPEN_AFTER - 1);
    },

    alerted: (circuit, level) => setAlerted(events, circuit, level),
  };
}
