import { z } from "@hono/zod-openapi";
import { MAX_EVENTS_PER_REQUEST } from "../domain/ids.ts";
import type { Api } from "./deps.ts";
import { document, IdempotencyHeaders } from "./route.ts";

/** The document behind GET /openapi.json, made once from the schemas that validate. */
export type OpenApiDocument = ReturnType<Api["getOpenAPI31Document"]>;

const DESCRIPTION = `Events in at one endpoint, workflows out at once.

Every answer carries \`x-request-id\`. Errors have one shape and a code of the [catalog](/docs/errors). Unknown members of a
body and unknown query parameters are refused. Lists are paged by \`limit\` and \`cursor\`; \`next_cursor\` is null on the last page.`;

const Event = z.record(z.string(), z.unknown()).openapi("EventPayload", {
  description: "The event itself. `event_type`, where present, is a string of 1 to 256 characters; the rest is yours.",
  example: { event_type: "order.created", id: 42 },
});
const Accepted = z.object({ event_id: z.string(), status: z.literal("accepted") });

/** `POST /events` is served by the ingest function; callers find it here like any other route. */
function documentIngest(app: Api): void {
  document(app, {
    method: "post",
    path: "/events",
    tag: "Events",
    summary: "Send one event or up to 1,000",
    description:
      "All or nothing. Up to 1,000,000 bytes, encoded (`gzip`, `zstd`) and decoded. With `Idempotency-Key`, a repeat within 24 h answers what the first answered.",
    scope: "events:write",
    body: z.union([Event, z.array(Event).min(1).max(MAX_EVENTS_PER_REQUEST)]),
    headers: IdempotencyHeaders,
    responses: {
      202: {
        description: "Durable: one event's id, or those of all, in order.",
        schema: z.union([Accepted, z.object({ events: z.array(Accepted) })]),
      },
    },
    errors: ["invalid_event", "too_many_events", "schema_violation", "idempotency_conflict", "idempotency_in_flight"],
  });
}

/** @param app with every route registered */
export function openApiOf(app: Api): OpenApiDocument {
  documentIngest(app);
  app.openAPIRegistry.registerComponent("securitySchemes", "api_key", {
    type: "http",
    scheme: "bearer",
    description: "`Authorization: Bearer trg_<live|sandbox>_<key id>_<secret>`",
  });
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "Triggers API", version: "1", description: DESCRIPTION },
    servers: [{ url: "/" }],
  });
}
