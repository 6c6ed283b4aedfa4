import { checkItemVersion, countOf, type Item, keysOf, N, nOf, S, VERSION } from "../../domain/codec/fields.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Millis, Seconds } from "../../domain/time.ts";
import { circuitKey, duePartition } from "../keys.ts";

/**
 * The circuit of an endpoint that fails: one item a subscription in the partition `<tenant>#circuit` of the events table.
 * There is none while the endpoint is well (and answers soon), so one query a tenant tells the state of all its endpoints.
 */
export interface Circuit {
  readonly tenant: Tenant;
  readonly subscription_id: string;
  /** Posts that failed one after the other. */
  readonly failures: number;
  /** Milliseconds since the epoch of the first of them; infinite while there is none. */
  readonly failing_since: Millis;
  /** True when the last failure took long (a timeout), or a post is taking long: such an endpoint is served apart from others. */
  readonly slow: boolean;
  /** Percent of the way to being disabled that the owner was last warned of. */
  readonly alerted: number;
  /** Milliseconds since the epoch; only while the circuit is open. */
  readonly opened_at?: Millis;
  /** Milliseconds since the epoch; only while the circuit is open. */
  readonly next_probe_at?: Millis;
  /** Probes that failed since it opened. */
  readonly probes?: number;
  /** Seconds since the epoch. */
  readonly expiry: Seconds;
}

/** Written by update expressions under these same attribute names; this whole form is for tests and tools. */
export function encodeCircuit(circuit: Circuit): Item {
  return {
    ...circuitKey(circuit.tenant, circuit.subscription_id),
    v: N(VERSION),
    failures: N(circuit.failures),
    ...(Number.isFinite(circuit.failing_since) ? { failing_since: N(circuit.failing_since) } : {}),
    slow: { BOOL: circuit.slow },
    alerted: N(circuit.alerted),
    expires_at: N(circuit.expiry),
    ...defined({ opened_at: mapDefined(circuit.opened_at, N) }),
    ...(circuit.next_probe_at === undefined
      ? {}
      : {
          next_probe_at: N(circuit.next_probe_at),
          next_attempt_at: N(circuit.next_probe_at),
          due_pk: S(duePartition(circuit.subscription_id)),
        }),
    ...defined({ probes: mapDefined(circuit.probes, N) }),
  };
}

/** @throws CodecError */
export function decodeCircuit(item: Item): Circuit {
  const what = "circuit item";
  checkItemVersion(item, what);
  const { tenant, parts } = keysOf(item, /^c#(sub_[0-9A-Z]{26})$/, what);
  return {
    tenant,
    subscription_id: parts[1]!,
    failures: countOf(item, "failures", what),
    failing_since: item.failing_since === undefined ? Number.POSITIVE_INFINITY : nOf(item, "failing_since", what),
    slow: item.slow?.BOOL === true,
    alerted: item.alerted === undefined ? 0 : countOf(item, "alerted", what),
    expiry: nOf(item, "expires_at", what),
    ...defined({
      opened_at: mapDefined(item.opened_at, () => nOf(item, "opened_at", what)),
      next_probe_at: mapDefined(item.next_probe_at, () => nOf(item, "next_probe_at", what)),
      probes: mapDefined(item.probes, () => countOf(item, "probes", what)),
    }),
  };
}
