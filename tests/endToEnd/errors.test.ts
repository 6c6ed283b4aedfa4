import assert from "node:assert/strict";
import Ajv2020 from "ajv/dist/2020.js";
import { suite } from "uvu";
import { type ErrorCode, errorCatalog } from "../../runtime/domain/errors.ts";
import {
  type Answer,
  type CallOptions,
  type Customer,
  call,
  newCustomer,
  type SharedPlatform,
  sharedPlatform,
} from "../support/platform.ts";

/** Every code of the catalog, met by a caller of the running platform; every answer fits the schema of errors. */
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

/** How a caller comes to each code. The two others need a part of the platform to fail. */
const ways: Readonly<Record<Exclude<ErrorCode, "internal" | "unavailable">, () => Promise<Answer>>> = {
  invalid_json: () => ask("POST", "/events", { body: "{" }),
  invalid_event: () => ask("POST", "/events", { body: "5" }),
  too_many_events: () => ask("POST", "/events", { body: Array(1_001).fill({}) }),
  schema_violation: async () => {
    await ask("PUT", "/event-types/strict", { body: false });
    for (let tries = 0; ; tries += 1) {
      const answer = await ask("POST", "/events", { body: { event_type: "strict" } });
      if (answer.status !== 202 || tries === 1_000) return answer;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
  invalid_request: () => ask("GET", "/inbox?limit=0"),
  unauthorized: () => call(platform.url, "GET", "/inbox"),
  forbidden: () => ask("POST", "/customers", { body: { name: "x" } }),
  not_found: () => ask("GET", "/events/evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
  method_not_allowed: () => ask("PATCH", "/inbox"),
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
    for (;;) {
      const { json } = await ask("GET", `/replays/${replay_id}`);
      if (json.status === "succeeded") return ask("POST", `/replays/${replay_id}/cancel`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
  precondition_failed: async () => {
    const { subscription_id } = (await subscribe({ webhook_url: `${platform.sinkUrl}/errors/etag` })).json;
    return ask("PATCH", `/subscriptions/${subscription_id}`, {
      body: { max_batch: 2 },
      headers: { "if-match": '"999"' },
    });
  },
  payload_too_large: () => ask("POST", "/keys", { body: `{"name":"${"x".repeat(1_000_000)}"}` }),
  unsupported_media_type: () => ask("POST", "/keys", { body: "{}", headers: { "content-type": "text/plain" } }),
  unprocessable: () =>
    ask("POST", "/replays", {
      body: {
        from: new Date(0).toISOString(),
        to: new Date(1).toISOString(),
        subscription_ids: ["sub_01ARZ3NDEKTSV4RRFFQ69G5FAV"],
      },
    }),
  invalid_selector: () => subscribe({ event_selector: "$.a ==" }),
  invalid_schema: () => ask("PUT", "/event-types/bad", { body: { $ref: "https://example.com/x.json" } }),
  invalid_header: () => subscribe({ headers: { "webhook-id": "x" } }),
  webhook_url_forbidden: () => subscribe({ webhook_url: "https://10.0.0.1/hook" }),
  rate_limited: async () => {
    const limited = await newCustomer(platform, { limit_per_second: 1 });
    return ask("POST", "/events", { key: limited.api_key, body: [{}, {}] });
  },
};

for (const [code, way] of Object.entries(ways) as [ErrorCode, () => Promise<Answer>][]) {
  test(`a caller can meet ${code}, and is answered as the catalog says`, async () => {
    const answer = await way();
    const { status } = errorCatalog[code];
    assert.deepEqual([answer.status, answer.json?.error?.code], [status, code], answer.text.slice(0, 300));
    assert.ok(fits(answer.json), answer.text);
    assert.equal(answer.headers.get("x-request-id"), answer.json.error.request_id);
    assert.equal(answer.headers.get("content-type"), "application/json");
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
