import type { Outgoing } from "../aws/queues.ts";
import { systemEvent } from "../domain/notice.ts";
import { rfc3339 } from "../domain/time.ts";
import type { Circuit } from "../store/circuits/circuitItem.ts";
import { DISABLE_AFTER_MS } from "./circuits.ts";

/** `subscription.failing` at 50, 70 and 90 percent of the way to being disabled, `subscription.disabled` at 100. */
export function noticeOf(circuit: Circuit, level: number): Outgoing {
  const { tenant, subscription_id, failing_since } = circuit;
  const payload = {
    event_type: level >= 100 ? "subscription.disabled" : "subscription.failing",
    subscription_id,
    reason: "endpoint_failing",
    percent: level,
    failing_since: rfc3339(failing_since),
    disables_at: rfc3339(failing_since + DISABLE_AFTER_MS),
  };
  const at = failing_since + Math.floor((DISABLE_AFTER_MS * level) / 100);
  return {
    text: systemEvent(tenant, payload, `${tenant} ${subscription_id} ${failing_since} ${level}`, at),
    group: tenant,
  };
}
