import type { ErrorCode, ErrorDetail } from "./errors.ts";

/** One answer for each code of the catalog, as a caller may meet it: for the documentation. */
export interface ErrorExample {
  /** The requested path or query. */
  readonly request: string;
  readonly message: string;
  readonly details?: readonly ErrorDetail[];
  /** Headers of the answer that matter. */
  readonly headers?: Readonly<Record<string, string>>;
}

export const errorExamples: Readonly<Record<ErrorCode, ErrorExample>> = {
  invalid_json: {
    request: 'POST /events with {"a":01}',
    message: 'The body is not valid JSON at line 1, column 7 (byte 6): expected "," or "}", found "1".',
    details: [
      { path: "", code: "invalid_json", message: 'expected "," or "}", found "1"', line: 1, column: 7, byte: 6 },
    ],
  },
  invalid_event: {
    request: 'POST /events with [{"event_type":"a"},{"event_type":7}]',
    message: "1 of 2 events is not valid; none was accepted.",
    details: [{ index: 1, path: "/event_type", code: "invalid_event", message: "`event_type` must be a string." }],
  },
  too_many_events: {
    request: "POST /events with an array of 1,001 objects",
    message: "The array holds 1,001 events; 1,000 are allowed in one request.",
  },
  schema_violation: {
    request: 'POST /events with {"event_type":"order.created"}, whose schema requires `id`',
    message: "The event breaks the schema of its type: must have required property 'id' (required).",
    details: [{ index: 0, path: "", code: "schema_violation", message: "must have required property 'id' (required)" }],
  },
  invalid_request: {
    request: "GET /inbox?limit=5000",
    message: "The query is not valid.",
    details: [{ path: "/limit", message: "must be at most 1,000" }],
  },
  unauthorized: {
    request: "GET /inbox without a key",
    message: "The API key is missing or not valid.",
    headers: { "WWW-Authenticate": "Bearer" },
  },
  forbidden: {
    request: "POST /events with a key that may only read",
    message: 'This key lacks the scope "events:write".',
  },
  origin_forbidden: {
    request: "POST /events with a key whose `allowed_origins` are others, from a page of https://elsewhere.example",
    message: 'This key does not work from the origin "https://elsewhere.example".',
  },
  too_many_hops: {
    request: "POST /events by the webhook of a subscription that leads back there, with `triggers-hops: 5`",
    message:
      "These events have come out of webhooks and back in 5 times; 4 are allowed. Look for a subscription whose webhook leads back to POST /events.",
  },
  cross_site: {
    request: "DELETE /console/api/keys/{key_id} by a page of https://elsewhere.example",
    message: "A change through the console comes from its own pages and bears the header x-triggers-console: 1.",
  },
  sign_in_again: {
    request: "POST /console/api/reveal half an hour after signing in",
    message: "Sign in again first: the last sign-in is more than 5 minutes ago.",
  },
  not_found: {
    request: "GET /events/evt_01ARZ3NDEKTSV4RRFFQ69G5FAV, an id of nobody or of another customer",
    message: "There is no event evt_01ARZ3NDEKTSV4RRFFQ69G5FAV.",
  },
  method_not_allowed: {
    request: "DELETE /events",
    message: "Only POST is possible here.",
    headers: { Allow: "OPTIONS, POST" },
  },
  idempotency_conflict: {
    request: "POST /events with an `Idempotency-Key` that came with another body before",
    message: "This `Idempotency-Key` was used before with another body.",
  },
  idempotency_in_flight: {
    request: "POST /events with the same `Idempotency-Key`, while the first one is under way",
    message: "The first request with this `Idempotency-Key` is still being processed.",
    headers: { "Retry-After": "1" },
  },
  webhook_url_taken: {
    request: "POST /subscriptions with the `webhook_url` of another active subscription",
    message: "The active subscription sub_01ARZ3NDEKTSV4RRFFQ69G5FAV has the same webhook_url.",
    details: [{ path: "/webhook_url", message: "is taken", subscription_id: "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV" }],
  },
  conflict: {
    request: "POST /replays/{id}/cancel for a replay that is over",
    message: "The replay is over already: it succeeded.",
  },
  precondition_failed: {
    request: 'PATCH /subscriptions/{id} with `If-Match: "9"`',
    message: 'The subscription is at "1", not "9".',
    headers: { ETag: '"1"' },
  },
  payload_too_large: {
    request: "POST /events with 1,000,001 bytes",
    message: "The body exceeds 1,000,000 bytes. Split it over several requests.",
  },
  unsupported_media_type: {
    request: "POST /events with `Content-Type: text/plain`",
    message: 'Content-Type must be application/json, not "text/plain".',
  },
  unprocessable: {
    request: "POST /replays with a subscription that doesn't exist",
    message: "There is no subscription sub_01ARZ3NDEKTSV4RRFFQ69G5FAV.",
    details: [{ path: "/subscription_ids/0", message: "names no subscription" }],
  },
  limit_reached: {
    request: "POST /keys while a hundred keys work",
    message: "There can be at most 100 keys; remove some, or wait until one has ended.",
  },
  invalid_selector: {
    request: "POST /subscriptions with the selector `$.a ==`",
    message: "The event selector is not valid at position 6: unexpected end of expression.",
    details: [
      {
        path: "/event_selector",
        message: "unexpected end of expression",
        position: 6,
        expected: "the rest of the expression",
      },
    ],
  },
  unknown_reference_table: {
    request: 'POST /subscriptions with `enrich.from` "prices", before there is such a table',
    message: 'There is no reference table "prices".',
    details: [{ path: "/enrich/from", message: 'There is no reference table "prices".' }],
  },
  invalid_schema: {
    request: 'PUT /event-types/order with {"$ref":"https://example.com/order.json"}',
    message:
      'The schema refers to "https://example.com/order.json", which it does not hold; other documents are not fetched.',
    details: [
      {
        path: "",
        message:
          'The schema refers to "https://example.com/order.json", which it does not hold; other documents are not fetched.',
      },
    ],
  },
  invalid_header: {
    request: "POST /subscriptions with the custom header `webhook-id`",
    message: 'The header "webhook-id" is reserved.',
    details: [{ path: "/headers/webhook-id", message: 'The header "webhook-id" is reserved.' }],
  },
  webhook_url_forbidden: {
    request: "POST /subscriptions with `https://10.0.0.1/hook`",
    message: "The webhook URL's address 10.0.0.1 is not public (private).",
    details: [
      {
        path: "/webhook_url",
        code: "address",
        message: "The webhook URL's address 10.0.0.1 is not public (private).",
      },
    ],
  },
  uri_too_long: {
    request: "GET /inbox with a query of 9,000 characters",
    message: "The URL exceeds 8,192 bytes.",
  },
  headers_too_large: {
    request: "GET /inbox with a header of 40,000 characters",
    message: "The headers exceed 32,768 bytes.",
  },
  request_timeout: {
    request: "POST /events whose body stops half-way",
    message: "The request did not arrive in time.",
  },
  rate_limited: {
    request: "POST /events with 600 events, twice within a second",
    message: "The limit of 1000 events per second is used up. Repeat in 1 s.",
    headers: { "Retry-After": "1", "RateLimit-Limit": "1000", "RateLimit-Remaining": "400", "RateLimit-Reset": "1" },
  },
  bad_gateway: {
    request: "any, while a part of the platform fails without a word",
    message: "A part of the platform did not answer as it should.",
    headers: { "Retry-After": "1" },
  },
  gateway_timeout: {
    request: "any, while a part of the platform is silent",
    message: "A part of the platform did not answer in time.",
    headers: { "Retry-After": "1" },
  },
  internal: { request: "any", message: "The platform failed to process this request." },
  unavailable: {
    request: "POST /events while the queue can't be reached",
    message: "The events could not be stored; none was accepted.",
    headers: { "Retry-After": "1" },
  },
};
