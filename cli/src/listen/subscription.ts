import { randomUUID } from "node:crypto";
import type { SubscriptionRequest, Triggers } from "../../../sdk/typescript/src/client.ts";
import { isTriggersError } from "../../../sdk/typescript/src/errors.ts";
import type { Kept } from "./kept.ts";

/**
 * A subscription of this machine's own, whose events wait in its backlog to be pulled.
 *
 * Invariant: nothing is ever posted for it. It is made with a selector for a type that no event has, then gets its own selector and is
 * disabled in one change, so there is no moment at which it is active and matches. Its webhook names a host that does not exist.
 */

/** A name that IANA reserves (RFC 2606), below which there is nothing. */
const NOWHERE = "https://pulled-by-the-triggers-cli.example.com";

export type Shape = Pick<SubscriptionRequest, "event_selector" | "transform" | "enrich" | "format" | "max_batch">;

/** @param workflow_id how it is named in lists @throws TriggersError */
export async function makePulled(triggers: Triggers, shape: Shape, workflow_id: string): Promise<Kept> {
  const { subscription_id, signing_secret } = await triggers.subscribe({
    ...shape,
    event_selector: `triggers.cli.${randomUUID()}`,
    workflow_id,
    webhook_url: `${NOWHERE}/${randomUUID()}`,
  });
  await triggers.call("PATCH", "/subscriptions/{id}", {
    params: { id: subscription_id },
    body: { status: "disabled", event_selector: shape.event_selector },
  });
  return { subscription_id, signing_secret };
}

/** Whether it is still there to be pulled from. @throws TriggersError */
export async function stillThere(triggers: Triggers, { subscription_id: id }: Kept): Promise<boolean> {
  try {
    return (await triggers.call("GET", "/subscriptions/{id}", { params: { id } })).status === "disabled";
  } catch (error) {
    if (isTriggersError(error, "not_found")) return false;
    throw error;
  }
}
