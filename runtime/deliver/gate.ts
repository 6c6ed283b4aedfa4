import type { DeliveryTarget } from "../domain/subscription.ts";
import type { Millis } from "../domain/time.ts";
import type { Circuit } from "../store/circuits/circuitItem.ts";
import type { Delivery } from "./plan.ts";

/** Whether a delivery is posted now, and what becomes of it otherwise. Pure. */
export type Gate =
  | { readonly kind: "post" }
  /** The subscription is gone. */
  | { readonly kind: "cancel" }
  /** Waits without being attempted, in the backlog, until the subscription is enabled or its circuit closes. */
  | { readonly kind: "hold"; readonly reason: "subscription_disabled" | "circuit_open" }
  /** An attempt failed before; the next waits until the endpoint has been probed. */
  | { readonly kind: "postpone"; readonly retry_after_ms: Millis }
  /** The endpoint is slow: it is served from the queue of retries, where it keeps nobody else waiting. */
  | { readonly kind: "divert" };

/** Postponed deliveries come back spread over this time after the probe, so that they do not come all at once. */
const SPREAD_MS = 60_000;

/** The known state of the endpoint that a delivery goes to. */
export interface Endpoint {
  /** The subscription; null where it is gone. */
  readonly target: DeliveryTarget | null;
  readonly circuit: Circuit | undefined;
  readonly slow: boolean;
}

/**
 * @param firstLane whether it came by the queue of first attempts
 * @param dice in [0, 1)
 */
export function gate(
  delivery: Pick<Delivery, "attempts" | "manual" | "probe">,
  { target, circuit, slow }: Endpoint,
  firstLane: boolean,
  now: Millis,
  dice: number,
): Gate {
  if (target === null) return { kind: "cancel" };
  if (delivery.manual) return { kind: "post" };
  if (target.status === "disabled") return { kind: "hold", reason: "subscription_disabled" };
  if (delivery.probe) return { kind: "post" };
  if (circuit?.opened_at !== undefined) {
    if (delivery.attempts.length === 0) return { kind: "hold", reason: "circuit_open" };
    const wait = Math.max((circuit.next_probe_at ?? now) - now, 0);
    return { kind: "postpone", retry_after_ms: wait + Math.floor(dice * SPREAD_MS) };
  }
  return firstLane && slow ? { kind: "divert" } : { kind: "post" };
}
