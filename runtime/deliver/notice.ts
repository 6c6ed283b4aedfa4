import { createHash } from "node:crypto";
import type { Outgoing } from "../aws/queues.ts";
import { type Circuit, encodeIngest, SYSTEM_KEY } from "../domain/codec.ts";
import { firstUlidAt, rfc3339 } from "../domain/ids.ts";
import { pack } from "../domain/pack.ts";
import { DISABLE_AFTER_MS } from "./circuits.ts";

/**
 * A system event: what the platform tells a customer takes the way of the customer's own events, so it is signed, delivered,
 * kept in the inbox and archived like them. Its id follows from what it tells, so that telling it twice is one event.
 */
const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** `subscription.failing` at 50, 70 and 90 percent of the way to being disabled, `subscription.disabled` at 100. */
export function noticeOf(circuit: Circuit, level: number): Outgoing {
  const { tenant, subscription_id, failing_since } = circuit;
  const type = level >= 100 ? "subscription.disabled" : "subscription.failing";
  const at = failing_since + Math.floor((DISABLE_AFTER_MS * level) / 100);
  const payload = {
    event_type: type,
    subscription_id,
    reason: "endpoint_failing",
    percent: level,
    failing_since: rfc3339(failing_since),
    disables_at: rfc3339(failing_since + DISABLE_AFTER_MS),
  };
  const digest = createHash("sha256").update(`${tenant} ${subscription_id} ${failing_since} ${level}`).digest();
  const random = [...digest.subarray(0, 16)].map((byte) => CROCKFORD[byte & 31]!).join("");
  const text = encodeIngest({
    tenant,
    first: firstUlidAt(at).slice(0, 10) + random,
    count: 1,
    types: [type],
    key_id: SYSTEM_KEY,
    body: { inline: pack([Buffer.from(JSON.stringify(payload))]) },
  });
  return { text, group: tenant };
}
