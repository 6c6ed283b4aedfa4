/**
 * A body for each call that takes one: part of GET /openapi.json, of the reference made from it, and run by a test against the platform.
 * The ids belong to nobody, so a copied example is harmless.
 */
const AN_EVENT = "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const ORDER = { event_type: "order.created", order_id: "A-1001", amount: 129.5, currency: "EUR" };
const SUBSCRIPTION = {
  workflow_id: "big-orders",
  webhook_url: "https://hooks.example.com/orders",
  event_selector: { event_type: "order.*", cel: "event.amount > 100.0" },
};
const WATCH_FAILURES = { name: "Too many failures", kind: "error_rate", threshold: 0.05, for_minutes: 10 };
const ONE_PERSON = { subject: { jsonpath: "$.user.email", equals: "ada@example.com" } };
const SCHEMA = { type: "object", required: ["order_id"], properties: { order_id: { type: "string" } } };

/** By the call as OpenAPI names it: `POST /events`. */
export const bodyExamples: Readonly<Record<string, unknown>> = {
  "POST /events": ORDER,
  "POST /events/dry-run": ORDER,
  "POST /events/lookup": { event_ids: [AN_EVENT] },
  "POST /inbox/ack": { event_ids: [AN_EVENT] },
  "POST /inbox/delete": { event_ids: [AN_EVENT] },
  "POST /replays": { from: "2026-11-25T10:00:00Z", to: "2026-11-25T11:00:00Z", event_type: "order.*" },
  "POST /dead-letters/replay": { event_type: "order.*", rate_per_second: 50 },
  "POST /subscriptions": SUBSCRIPTION,
  "PATCH /subscriptions/{id}": { event_selector: { event_type: "order.*", cel: "event.amount > 200.0" } },
  "POST /subscriptions/rehearse": { event_selector: SUBSCRIPTION.event_selector, limit: 1_000 },
  "POST /subscriptions/import": {
    subscriptions: [
      { workflow_id: "refunds", webhook_url: "https://hooks.example.com/refunds", event_selector: "order.refunded" },
      { workflow_id: "signups", webhook_url: "https://hooks.example.com/signups", event_selector: "user.signup" },
    ],
  },
  "POST /subscriptions/{id}/backlog/ack": { event_ids: [AN_EVENT] },
  "POST /subscriptions/{id}/rotate-secret": { overlap_seconds: 3_600 },
  "POST /subscriptions/{id}/test": { event_type: "order.created", payload: ORDER },
  "PUT /event-types/{type}": SCHEMA,
  "POST /event-types/rehearse": { event_type: "order.created", schema: SCHEMA, limit: 1_000 },
  "PUT /reference-tables/{name}": { rows: { "SKU-1": { name: "Chair", price: 49.9 } } },
  "POST /live/tickets": {},
  "POST /metrics/query": { measures: ["events", "delivered"], last: "24h", group_by: ["event_type"] },
  "POST /alert-rules": WATCH_FAILURES,
  "POST /alert-rules/preview": WATCH_FAILURES,
  "PATCH /alert-rules/{id}": { threshold: 0.1 },
  "POST /alert-channels": { kind: "email", target: "ops@example.com" },
  "PATCH /alert-channels/{id}": { time_zone: "Europe/Berlin" },
  "POST /alert-channels/{id}/verify": { code: "123456" },
  "POST /alerts/{id}/snooze": { minutes: 60 },
  "POST /reports": { name: "Week", template: "weekly" },
  "POST /reports/preview": { template: "weekly" },
  "PATCH /reports/{id}": { name: "Every week" },
  "POST /keys": { name: "shop", scopes: ["events:write"] },
  "POST /keys/{key_id}/rotate": { overlap_seconds: 3_600 },
  "POST /customers": { name: "Example Ltd", limit_per_second: 2_000 },
  "PATCH /customers/{customer_id}": { limit_per_second: 5_000 },
  "POST /people": { email: "grace@example.com", name: "Grace", role: "developer" },
  "PATCH /people/{person_id}": { role: "operations" },
  "PUT /masking": { paths: ["$.card"], detect: ["email", "card"] },
  "POST /reveal": { object: AN_EVENT, reason: "The customer asked about this order" },
  "POST /privacy/exports": ONE_PERSON,
  "POST /privacy/erasures": ONE_PERSON,
  "PUT /retention": { days: 90 },
  "POST /incidents": { kind: "maintenance", title: "Database upgrade", components: ["database"] },
  "PATCH /incidents/{incident_id}": { status: "resolved" },
};
