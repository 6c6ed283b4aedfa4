import type { Outgoing } from "../aws/queues.ts";
import type { Service } from "../aws/service.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { systemEvent } from "../domain/notice.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";
import type { RoutePorts } from "./route.ts";

/**
 * Tells of costly selectors: the subscriptions service marks them, and pauses those that stay so; their owner hears of
 * both in events of its own.
 */

/** Most subscriptions of one telling, those that took most first. */
const MOST = 50;
/** A tenant is told of this seldom from one environment. */
const EVERY_MS = 5_000;
const MAX_REMEMBERED = 1_000;

export interface CostlyPorts {
  readonly service: Service;
  now(): Millis;
  /** Sends events of the platform's own. @throws Error when not all could be sent */
  send(messages: readonly Outgoing[]): Promise<void>;
}

export function costlyTeller({ service, now, send }: CostlyPorts): RoutePorts["tellCostly"] {
  const toldAt = new Map<Tenant, number>();
  return async (tenant, events, units) => {
    const at = now();
    if (at - (toldAt.get(tenant) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return;
    if (toldAt.size >= MAX_REMEMBERED) toldAt.clear();
    toldAt.set(tenant, at);
    const subscription_ids = [...units]
      .sort(([, a], [, b]) => b - a)
      .slice(0, MOST)
      .map(([id]) => id);
    if (subscription_ids.length === 0) return;
    const { marked, paused } = (await service({ op: "costly", tenant, subscription_ids })).answer;
    const notice = (event_type: string, subscription_id: string, since: string): Outgoing => {
      const payload = { event_type, subscription_id, reason: "selector_too_costly", costly_since: since, events };
      return { text: systemEvent(tenant, payload, `${event_type} ${subscription_id} ${since}`, at), group: tenant };
    };
    const messages = [
      ...marked.map((id) => notice("subscription.costly", id, rfc3339(at))),
      ...paused.map(({ subscription_id, since }) => notice("subscription.disabled", subscription_id, since)),
    ];
    if (messages.length > 0) await send(messages);
  };
}
