import { z } from "@hono/zod-openapi";
import jsonPointer from "json-pointer";
import type { Definition } from "../database/schema.ts";
import { TriggersError } from "../domain/errors/errors.ts";
import { subscriptionStatuses } from "../domain/statuses.ts";
import { type Enrich, type EventSelector, formats, type Transform } from "../domain/subscription.ts";
import { canonicalUrl, checkWebhookUrl, headerFault, type UrlRules } from "../domain/webhook/webhookUrl.ts";
import { checkOrdinaryCost, checkTransform, compileSelector } from "../matching/index.ts";
import { dictionary, EnvironmentSchema, EventTypeName, Timestamp } from "./schemas.ts";

/**
 * What callers write of a subscription. Its shape is checked by the schemas (400), its meaning by `checkDefinition`:
 * selector, URL and headers (422).
 */
const MAX_URL = 2_048;
const MAX_SELECTOR = 16_384;
const MAX_HEADERS = 20;

const SelectorText = z.string().min(1).max(MAX_SELECTOR);
export const SelectorSchema = z
  .union([
    SelectorText,
    z.strictObject({
      event_type: z.union([EventTypeName, z.array(EventTypeName).min(1).max(1_000)]).optional(),
      jsonpath: SelectorText.optional(),
      cel: SelectorText.optional(),
    }),
  ])
  .openapi("EventSelector", {
    description:
      "An event type (pattern), a JSONPath query, or a logical expression over JSONPaths; or an object of which all members must hold.",
    example: "$.event_type == 'order.created'",
  });

const Name = z.string().max(256);
export const TransformSchema = z
  .strictObject({
    extract: dictionary(Name, z.string().min(1)).optional(),
    rename: dictionary(Name, Name).optional(),
    omit: z.array(z.string().min(1)).optional(),
  })
  .openapi("Transform", { description: "Applied in the order extract, rename, omit." });
export const EnrichSchema = z
  .strictObject({
    from: z.string().min(1).max(128).openapi({
      description:
        'A reference table; or "$event": the time of receipt, the region, and the name of the key that sent it.',
    }),
    key: z.string().min(1).optional().openapi({ description: 'Path to the row\'s key. "$event" needs none.' }),
    as: Name.min(1),
  })
  .openapi("Enrich");

const common = {
  workflow_id: z.string().min(1).max(256).nullable().optional(),
  event_selector: SelectorSchema,
  transform: TransformSchema.nullable().optional(),
  enrich: EnrichSchema.nullable().optional(),
  format: z.enum(formats).optional(),
  max_batch: z.number().int().min(1).max(100).optional(),
  headers: dictionary(z.string().min(1).max(128), z.string().max(4_096)).optional(),
  environment: EnvironmentSchema.optional().openapi({ description: "That of the key; given, it must be the same." }),
  backfill_from: Timestamp.optional().openapi({ description: "Also deliver, as a replay, what matched since then." }),
};
const Url = z.string().min(1).max(MAX_URL);

export const SubscriptionRequest = z
  .strictObject({
    ...common,
    webhook_url: Url.optional(),
    target_url: Url.optional().openapi({ description: "The same as `webhook_url`, as REST-hook clients call it." }),
  })
  .superRefine((body, refine) => {
    if (body.webhook_url === undefined && body.target_url === undefined) {
      refine.addIssue({ code: "custom", path: ["webhook_url"], message: "is required" });
    }
    if (body.webhook_url !== undefined && body.target_url !== undefined && body.webhook_url !== body.target_url) {
      refine.addIssue({ code: "custom", path: ["target_url"], message: "differs from webhook_url; give one of them" });
    }
  })
  .openapi("SubscriptionRequest");
export type SubscriptionInput = z.output<typeof SubscriptionRequest>;

export const SubscriptionPatch = z
  .strictObject({
    ...common,
    event_selector: SelectorSchema.optional(),
    webhook_url: Url.optional(),
    status: z.enum(subscriptionStatuses).optional(),
  })
  .openapi("SubscriptionPatch");
export type PatchInput = z.output<typeof SubscriptionPatch>;

/** Read in place of a custom header's value. Sent back, it stands for the value that is stored. */
export const MASK = "***";

export const definitionOf = (input: SubscriptionInput): Definition => ({
  workflow_id: input.workflow_id ?? null,
  webhook_url: canonicalUrl((input.webhook_url ?? input.target_url)!),
  event_selector: input.event_selector,
  transform: input.transform ?? null,
  enrich: input.enrich ?? null,
  format: input.format ?? "event",
  max_batch: input.max_batch ?? 100,
  headers: input.headers ?? {},
});

const originOf = (url: string): string => URL.parse(url)?.origin ?? url;

/**
 * Values of headers are hidden, and stay with the origin that they were given for: who may change the URL could read them
 * there.
 */
function refuseTakenAlong(current: Definition, patch: PatchInput): void {
  if (patch.webhook_url === undefined || originOf(patch.webhook_url) === originOf(current.webhook_url)) return;
  const names = Object.keys(current.headers).filter(
    (name) => patch.headers === undefined || (Object.hasOwn(patch.headers, name) && patch.headers[name] === MASK),
  );
  if (names.length === 0) return;
  const message = `Another origin gets no values that were given for ${originOf(current.webhook_url)}: send "headers" with the values of ${names.join(", ")}, or without them.`;
  throw new TriggersError("invalid_header", message, { details: [{ path: "/headers", message }] });
}

/**
 * The definition after a patch: a member given replaces the one before, `null` clears it.
 * @throws TriggersError `invalid_header` when hidden values would go to another origin
 */
export function patched(current: Definition, patch: PatchInput): Definition {
  refuseTakenAlong(current, patch);
  const headers =
    patch.headers === undefined
      ? current.headers
      : Object.fromEntries(
          Object.entries(patch.headers).map(([name, value]) => [
            name,
            value === MASK && Object.hasOwn(current.headers, name) ? current.headers[name]! : value,
          ]),
        );
  return {
    workflow_id: patch.workflow_id === undefined ? current.workflow_id : patch.workflow_id,
    webhook_url: patch.webhook_url === undefined ? current.webhook_url : canonicalUrl(patch.webhook_url),
    event_selector: patch.event_selector ?? current.event_selector,
    transform: patch.transform === undefined ? current.transform : patch.transform,
    enrich: patch.enrich === undefined ? current.enrich : patch.enrich,
    format: patch.format ?? current.format,
    max_batch: patch.max_batch ?? current.max_batch,
    headers,
  };
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  const names = Object.keys(headers);
  const details = Object.entries(headers).flatMap(([name, value]) => {
    const message = headerFault(name, value);
    return message === undefined ? [] : [{ path: jsonPointer.compile(["headers", name]), message }];
  });
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) {
    details.push({ path: "/headers", message: "A header is named twice." });
  }
  if (names.length > MAX_HEADERS)
    details.push({ path: "/headers", message: `There are more than ${MAX_HEADERS} headers.` });
  if (details.length > 0) throw new TriggersError("invalid_header", details[0]!.message, { details });
}

/**
 * Checks what a definition means.
 * @throws TriggersError `invalid_selector`, `invalid_request` (transform), `webhook_url_forbidden`, `invalid_header`
 */
export function checkDefinition(definition: Definition, rules: UrlRules): void {
  compileSelector(definition.event_selector as EventSelector);
  checkOrdinaryCost(definition.event_selector as EventSelector);
  checkTransform(
    (definition.transform as Transform | null) ?? undefined,
    (definition.enrich as Enrich | null) ?? undefined,
  );
  const url = checkWebhookUrl(definition.webhook_url, rules);
  if (!url.ok) {
    throw new TriggersError("webhook_url_forbidden", url.message, {
      details: [{ path: "/webhook_url", code: url.reason, message: url.message }],
    });
  }
  checkHeaders(definition.headers);
}
