// group: shared 1
import assert from "node:assert/strict";
import Ajv2020 from "ajv/dist/2020.js";
import { suite } from "uvu";
import { errorExamples } from "../../runtime/domain/errors/errorExamples.ts";
import { type ErrorCode, errorCatalog } from "../../runtime/domain/errors/errors.ts";
import { eventually } from "../support/eventually.ts";
import {
  type Answer,
  type CallOptions,
  type Customer,
  call,
  newCustomer,
  type SharedPlatform,
  sharedPlatform,
} from "../support/platform.ts";

/** Every code of the catalog, met as its example in the reference says; every answer fits the schema of errors. */
const test = suite("errors");
let platform: SharedPlatform;
let customer: Customer;
let fits: (answer: unknown) => boolean;
test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform);
  const { json } = await call(platform.url, "GET", "/openapi.json");
  fits = new Ajv2020.default({ strict: false, validateFormats: false }).compile({
    $ref: "#/components/schemas/Error",
    components: json.components,
  });
});

const ask = (method: string, path: string, options: CallOptions = {}) =>
  call(platform.url, method, path, { key: customer.api_key, ...options });
const subscribe = (body: object) =>
  ask("POST", "/subscriptions", { body: { webhook_url: `${platform.sinkUrl}/errors`, event_selector: "a", ...body } });

/** What needs a part of the platform, or of a request, to fail. */
type Elsewhere = "internal" | "unavailable" | "bad_gateway" | "gateway_timeout" | "request_timeout" | Console;
/** What only people in the console come to. */
type Console = "cross_site" | "sign_in_again";

/** How a caller comes to each code. */
const ways: Readonly<Record<Exclude<ErrorCode, Elsewhere>, () => Promise<Answer>>> = {
  invalid_json: () => ask("POST", "/events", { body: '{"a":01}' }),
  invalid_event: () => ask("POST", "/events", { body: [{ event_type: "a" }, { event_type: 7 }] }),
  too_many_events: () => ask("POST", "/events", { body: Array(1_001).fill({}) }),
  schema_violation: async () => {
    await ask("PUT", "/event-types/order.created", { body: { required: ["id"] } });
    for (let tries = 0; ; tries += 1) {
      const answer = await ask("POST", "/events", { body: { event_type: "order.created" } });
      if (answer.status !== 202 || tries === 1_000) return answer;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
  invalid_request: () => ask("GET", "/inbox?limit=5000"),
  unauthorized: () => call(platform.url, "GET", "/inbox"),
  forbidden: async () => {
    const reader = await ask("POST", "/keys", { body: { scopes: ["events:read"] } });
    return ask("POST", "/events", { key: reader.json.api_key, body: {} });
  },
  origin_forbidden: async () => {
    const page = await ask("POST", "/keys", { body: { allowed_origins: ["https://app.example.com"] } });
    const headers = { origin: "https://elsewhere.example" };
    return ask("POST", "/events", { key: page.json.api_key, body: {}, headers });
  },
  too_many_hops: () => ask("POST", "/events", { body: {}, headers: { "triggers-hops": "5" } }),
  not_found: () => ask("GET", "/events/evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
  method_not_allowed: () => ask("DELETE", "/events"),
  idempotency_conflict: async () => {
    const headers = { "idempotency-key": "errors" };
    await ask("POST", "/events", { body: { a: 1 }, headers });
    return ask("POST", "/events", { body: { a: 2 }, headers });
  },
  idempotency_in_flight: async () => {
    // While many repeats come at once some find the first in flight.
    for (let round = 0; ; round += 1) {
      const headers = { "idempotency-key": `errors ${round}` };
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => ask("POST", "/events", { body: {}, headers })),
      );
      const found = answers.find(({ status }) => status === 409);
      if (found !== undefined || round === 100) return found ?? answers[0]!;
    }
  },
  webhook_url_taken: async () => {
    await subscribe({});
    return subscribe({});
  },
  conflict: async () => {
    const body = { from: new Date(0).toISOString(), to: new Date(1).toISOString() };
    const { replay_id } = (await ask("POST", "/replays", { body })).json;
    await eventually(
      () => ask("GET", `/replays/${replay_id}`),
      ({ json }) => json.status === "succeeded",
      60_000,
    );
    return ask("POST", `/replays/${replay_id}/cancel`);
  },
  precondition_failed: async () => {
    const { subscription_id } = (await subscribe({ webhook_url: `${platform.sinkUrl}/errors/etag` })).json;
    return ask("PATCH", `/subscriptions/${subscription_id}`, {
      body: { max_batch: 2 },
      headers: { "if-match": '"9"' },
    });
  },
  payload_too_large: () => ask("POST", "/events", { body: "x".repeat(1_000_001) }),
  unsupported_media_type: () => ask("POST", "/events", { body: "{}", headers: { "content-type": "text/plain" } }),
  unprocessable: () =>
    ask("POST", "/replays", {
      body: {
        from: new Date(0).toISOString(),
        to: new Date(1).toISOString(),
        subscription_ids: ["sub_01ARZ3NDEKTSV4RRFFQ69G5FAV"],
      },
    }),
  limit_reached: async () => {
    const { api_key: key } = await newCustomer(platform);
    for (let tries = 0; ; tries += 1) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask("POST", "/keys", { key })));
      const refused = answers.find(({ status }) => status !== 201);
      if (refused !== undefined || tries === 20) return refused ?? answers[0]!;
    }
  },
  invalid_selector: () => subscribe({ event_selector: "$.a ==" }),
  unknown_reference_table: () =>
    subscribe({
      webhook_url: `${platform.sinkUrl}/errors/prices`,
      enrich: { from: "prices", key: "$.sku", as: "price" },
    }),
  invalid_schema: () => ask("PUT", "/event-types/order", { body: { $ref: "https://example.com/order.json" } }),
  invalid_header: () => subscribe({ headers: { "webhook-id": "x" } }),
  webhook_url_forbidden: () => subscribe({ webhook_url: "https://10.0.0.1/hook" }),
  uri_too_long: () => ask("GET", `/inbox?q=${"x".repeat(9_000)}`),
  headers_too_large: () => ask("GET", "/inbox", { headers: { "x-large": "x".repeat(40_000) } }),
  rate_limited: async () => {
    const { api_key: key } = await newCustomer(platform, { limit_per_second: 1_000 });
    for (let tries = 0; ; tries += 1) {
      const answer = await ask("POST", "/events", { key, body: Array(600).fill({}) });
      if (answer.status !== 202 || tries === 100) return answer;
    }
  },
};

/** An example's text as good as another's: ids and seconds are of the day. */
const masked = (text: string): string => text.replaceAll(/_[0-9A-Z]{26}/g, "_").replaceAll(/\d+ s\b/g, "1 s");

for (const [code, way] of Object.entries(ways) as [ErrorCode, () => Promise<Answer>][]) {
  test(`a caller can meet ${code}, and is answered as the catalog says`, async () => {
    const answer = await way();
    const { status } = errorCatalog[code];
    assert.deepEqual([answer.status, answer.json?.error?.code], [status, code], answer.text.slice(0, 300));
    assert.ok(fits(answer.json), answer.text);
    assert.equal(answer.headers.get("x-request-id"), answer.json.error.request_id);
    assert.equal(answer.headers.get("content-type"), "application/json");
    const { message, details, headers = {} } = errorExamples[code];
    assert.equal(masked(answer.json.error.message), masked(message));
    assert.deepEqual(
      JSON.parse(masked(JSON.stringify(answer.json.error.details ?? null))),
      JSON.parse(masked(JSON.stringify(details ?? null))),
    );
    for (const name of Object.keys(headers)) assert.ok(answer.headers.has(name), name);
    if (status === 429 || code === "idempotency_in_flight")
      assert.match(answer.headers.get("retry-after") ?? "", /^\d+$/);
    assert.doesNotMatch(
      answer.text,
      /\bat .*\.(ts|m?js):|node_modules|\/var\/task|arn:aws|127\.0\.0\.1:\d+\/(?!errors)/,
    );
  });
}

test("the page that `docs` names has the code", async () => {
  const page = (await call(platform.url, "GET", "/docs/errors")).text;
  for (const code of Object.keys(errorCatalog)) assert.ok(page.includes(`id="${code}"`), code);
});

test.run();
