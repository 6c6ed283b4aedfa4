import { sendOrThrow } from "../aws/queues.ts";
import { encodeDrain } from "../domain/codec/index.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { tellStop } from "../store/stops.ts";
import { type Deps, eventsOf } from "./deps.ts";

/** Seconds after which no function remembers a subscription as it was before the change. */
const SETTLED_SECONDS = 6;

/**
 * Tells deliver that a subscription was enabled or removed: what it holds back is delivered at a bounded rate, or cancelled.
 * @throws Error when that can't be queued; asking again is harmless
 */
export const releaseHeld = (deps: Deps, tenant: Tenant, subscription_id: string): Promise<void> =>
  sendOrThrow(deps.sqs, deps.env.RETRY_QUEUE_URL, [
    {
      text: encodeDrain({ tenant, subscription_id, pass: 1, reset: true }),
      group: tenant,
      delaySeconds: SETTLED_SECONDS,
    },
  ]);

/**
 * Has every post to a subscription that was disabled or removed end within a second; or, without an id, to all of a tenant's.
 * Called once the change is made. If the message fails, the change counts all the same, some seconds later.
 */
export async function stopPosts(deps: Deps, tenant: Tenant, subscription_id?: string): Promise<void> {
  try {
    await tellStop(eventsOf(deps), tenant, subscription_id, deps.now());
  } catch (error) {
    deps.log("error", "api.stop_not_told", { tenant, subscription_id, error: String(error) });
  }
}
