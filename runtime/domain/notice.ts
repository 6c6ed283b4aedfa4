import { createHash } from "node:crypto";
import { encodeIngest } from "./codec/index.ts";
import { pack } from "./codec/pack.ts";
import type { Tenant } from "./identity/identity.ts";
import { SYSTEM_KEY } from "./identity/systemKey.ts";
import { firstUlidAt, lettersOf } from "./ids.ts";
import type { Millis } from "./time.ts";

/**
 * A system event: what the platform tells a customer takes the way of the customer's own events, so it is signed, delivered,
 * kept in the inbox and archived like them.
 * @param subject what its id follows from, so that telling the same twice is one event
 * @param at milliseconds since the epoch: when it came about
 * @returns the message for route
 */
export function systemEvent(
  tenant: Tenant,
  payload: { readonly event_type: string } & Readonly<Record<string, unknown>>,
  subject: string,
  at: Millis,
): string {
  const digest = createHash("sha256").update(subject).digest();
  return encodeIngest({
    tenant,
    first: firstUlidAt(at).slice(0, 10) + lettersOf(digest.subarray(0, 16)),
    count: 1,
    types: [payload.event_type],
    key_id: SYSTEM_KEY,
    body: { inline: pack([Buffer.from(JSON.stringify(payload))]) },
  });
}
