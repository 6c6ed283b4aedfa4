import { sendOrThrow } from "../aws/queues.ts";
import { encodeDrain } from "../domain/codec.ts";
import type { Tenant } from "../domain/identity.ts";
import type { Deps } from "./deps.ts";

/** After this long no function remembers a subscription as it was before the change. */
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
