import { z } from "@hono/zod-openapi";
import type { SubscriptionRow } from "../database/subscriptions.ts";
import { TriggersError } from "../domain/errors/errors.ts";
import { subscriptionStatuses } from "../domain/statuses.ts";
import { formats } from "../domain/subscription.ts";
import { EnvironmentSchema, Timestamp } from "./schemas.ts";
import { EnrichSchema, MASK, SelectorSchema, TransformSchema } from "./subscriptionInput.ts";

/** A subscription as it is answered. */
export const SubscriptionSchema = z
  .object({
    subscription_id: z.string(),
    workflow_id: z.string().nullable(),
    webhook_url: z.string(),
    event_selector: SelectorSchema,
    transform: TransformSchema.nullable(),
    enrich: EnrichSchema.nullable(),
    format: z.enum(formats),
    max_batch: z.number().int(),
    headers: z.record(z.string(), z.literal(MASK)).openapi({ description: "Names only; values are never read back." }),
    environment: EnvironmentSchema,
    status: z.enum(subscriptionStatuses),
    disabled_reason: z.string().nullable().openapi({
      description: "`requested` by a caller, or why the platform disabled it.",
    }),
    costly_since: Timestamp.optional().openapi({
      description: "Since when its selector takes so much work that events are decided without it; only while it does.",
    }),
    signature_verified_at: Timestamp.optional().openapi({
      description:
        "When a test last showed that the endpoint checks signatures: it took a sample and refused one that was signed with another secret. Only once one has.",
    }),
    version: z.number().int().openapi({ description: "Counts the changes of this subscription, from 1." }),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("Subscription");

export const NewSubscriptionSchema = SubscriptionSchema.extend({
  signing_secret: z.string().openapi({ description: "`whsec_…`, shown only here." }),
  backfill_replay_id: z.string().optional().openapi({ description: "The replay that `backfill_from` began." }),
}).openapi("NewSubscription");

export const viewOf = (row: SubscriptionRow) => ({
  subscription_id: row.subscription_id,
  workflow_id: row.definition.workflow_id,
  webhook_url: row.definition.webhook_url,
  event_selector: row.definition.event_selector,
  transform: row.definition.transform,
  enrich: row.definition.enrich,
  format: row.definition.format,
  max_batch: row.definition.max_batch,
  headers: Object.fromEntries(Object.keys(row.definition.headers).map((name) => [name, MASK])),
  environment: row.environment,
  status: row.status,
  disabled_reason: row.status === "disabled" ? row.reason : null,
  ...(row.costly_since === null ? {} : { costly_since: row.costly_since.toISOString() }),
  ...(row.signature_verified_at === null ? {} : { signature_verified_at: row.signature_verified_at.toISOString() }),
  version: row.version,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
});

export const etagOf = (row: Pick<SubscriptionRow, "version">): string => `"${row.version}"`;

/**
 * Obeys `If-Match` (RFC 9110, 13.1.1; strong comparison).
 * @throws TriggersError `precondition_failed`
 */
export function checkIfMatch(header: string | undefined, row: Pick<SubscriptionRow, "version">): void {
  if (header === undefined || header.trim() === "*") return;
  if (header.split(",").some((tag) => tag.trim() === etagOf(row))) return;
  throw new TriggersError("precondition_failed", `The subscription is at ${etagOf(row)}, not ${header}.`, {
    headers: { etag: etagOf(row) },
  });
}
