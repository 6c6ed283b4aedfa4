// group: shared 1
import assert from "node:assert/strict";
import { connect } from "node:net";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { suite } from "uvu";
import { defined } from "../../runtime/domain/defined.ts";
import { formatKey, newKeyId, newSecret } from "../../runtime/domain/identity/apiKey.ts";
import { encodeIdentity } from "../../runtime/domain/identity/identity.ts";
import { newId } from "../../runtime/domain/ids.ts";
import { eventually } from "../support/eventually.ts";
import {
  type Answer,
  type Customer,
  call,
  newCustomer,
  type SharedPlatform,
  sharedPlatform,
} from "../support/platform.ts";

/** What the API promises about authentication, sentence by sentence, through the whole platform. */
const test = suite("authentication");
let platform: SharedPlatform;
let customer: Customer;
let other: Customer;
test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform);
  other = await newCustomer(platform);
});

const as = (key: string | undefined, method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  call(platform.url, method, path, {
    ...defined({ key, body, headers }),
  });
const told = ({ status, json }: Answer) => [status, json.error.code, json.error.message];
const UNAUTHORIZED = [401, "unauthorized", "The API key is missing or not valid."];

const routes: [method: string, path: string, body?: unknown][] = [
  ["POST", "/events", { a: 1 }],
  ["POST", "/events/dry-run", { a: 1 }],
  ["GET", "/inbox"],
  ["GET", "/subscriptions"],
  ["POST", "/keys", {}],
  ["GET", "/usage"],
  ["GET", "/audit"],
  ["GET", "/no-such-route"],
  ["POST", "/customers", { name: "x" }],
  ["GET", "/healthz"],
  ["GET", "/docsx"],
  ["GET", "//docs"],
  ["GET", "/docs/../inbox"],
];
for (const [method, path, body] of routes) {
  test(`${method} ${path} is refused without a key`, async () => {
    const answer = await as(undefined, method, path, body);
    assert.deepEqual(told(answer), UNAUTHORIZED);
    assert.equal(answer.headers.get("www-authenticate"), "Bearer");
    assert.equal(answer.headers.get("x-request-id"), answer.json.error.request_id);
  });
}

for (const path of ["/health", "/openapi.json"]) {
  test(`GET ${path} needs no key, and says its request's id`, async () => {
    const answer = await as(undefined, "GET", path);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("x-request-id") ?? "", /^req_/);
  });
}

test("a missing, malformed, unknown, wrong or expired key gets one and the same answer", async () => {
  const expired = await as(customer.api_key, "POST", "/keys", {
    expires_at: new Date(Date.now() + 1_500).toISOString(),
  });
  assert.equal(expired.status, 201, expired.text);
  const [, environment, id] = customer.api_key.split("_") as [string, string, string];
  assert.equal(environment, "live");
  const keys = [
    "nonsense",
    customer.api_key.slice(0, -1),
    formatKey("live", newKeyId(), newSecret()),
    formatKey("live", `key_${id}`, newSecret()),
    customer.api_key.replace("trg_live", "trg_sandbox"),
    `${customer.api_key} ${customer.api_key}`,
  ];
  for (const key of keys) assert.deepEqual(told(await as(key, "GET", "/inbox")), UNAUTHORIZED, key);
  while (Date.parse(expired.json.expires_at) > Date.now()) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(told(await as(expired.json.api_key, "GET", "/inbox")), UNAUTHORIZED);
});

test("another scheme than Bearer is refused", async () => {
  const basic = Buffer.from(`${customer.api_key}:`).toString("base64");
  const answer = await as(undefined, "GET", "/inbox", undefined, { authorization: `Basic ${basic}` });
  assert.deepEqual(told(answer), UNAUTHORIZED);
});

test("a key that was rotated counts at once, and the old one to the end of its overlap", async () => {
  const made = await as(customer.api_key, "POST", "/keys", { name: "rotated" });
  assert.equal((await as(made.json.api_key, "GET", "/inbox")).status, 200);
  const rotated = await as(customer.api_key, "POST", `/keys/${made.json.key_id}/rotate`, { overlap_seconds: 600 });
  assert.equal(rotated.status, 200, rotated.text);
  assert.notEqual(rotated.json.api_key, made.json.api_key);
  assert.equal((await as(rotated.json.api_key, "GET", "/inbox")).status, 200);
  assert.equal((await as(made.json.api_key, "GET", "/inbox")).status, 200);
});

test("a revoked key that the edge has not met is refused at once", async () => {
  const made = await as(customer.api_key, "POST", "/keys", {});
  assert.equal((await as(customer.api_key, "DELETE", `/keys/${made.json.key_id}`)).status, 204);
  assert.deepEqual(told(await as(made.json.api_key, "GET", "/inbox")), UNAUTHORIZED);
});

test("a missing scope is 403, and the answer names it", async () => {
  const reader = await as(customer.api_key, "POST", "/keys", { scopes: ["events:read"] });
  assert.deepEqual(told(await as(reader.json.api_key, "POST", "/events", {})), [
    403,
    "forbidden",
    'This key lacks the scope "events:write".',
  ]);
  assert.equal((await as(reader.json.api_key, "GET", "/inbox")).status, 200);
  const writer = await as(customer.api_key, "POST", "/keys", { scopes: ["events:write"] });
  assert.equal((await as(writer.json.api_key, "POST", "/events", {})).status, 202);
  assert.deepEqual(told(await as(writer.json.api_key, "GET", "/inbox")).slice(0, 2), [403, "forbidden"]);
});

test("another customer's object is 404", async () => {
  const sent = await as(customer.api_key, "POST", "/events", { a: 1 });
  const path = `/events/${sent.json.event_id}`;
  assert.deepEqual(told(await as(other.api_key, "GET", path)).slice(0, 2), [404, "not_found"]);
  assert.deepEqual(told(await as(customer.sandbox_key, "GET", path)).slice(0, 2), [404, "not_found"]);
});

test("a caller gains nothing by sending the platform's own headers", async () => {
  const forged = encodeIdentity({
    customer_id: customer.customer_id,
    environment: "live",
    key_id: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    scopes: ["events:write", "events:read", "admin", "keys"],
    limit_per_second: 1_000_000,
  });
  const lies = { "x-triggers-identity": forged, "x-triggers-authorization": `Bearer ${customer.api_key}` };
  for (const path of ["/inbox", "/audit"])
    assert.deepEqual(told(await as(undefined, "GET", path, undefined, lies)), UNAUTHORIZED);
  assert.deepEqual(told(await as(undefined, "POST", "/events", { a: 1 }, lies)), UNAUTHORIZED);
  const answer = await as(other.api_key, "GET", "/inbox", undefined, {
    ...lies,
    "x-triggers-request-id": "req_forged",
  });
  assert.deepEqual([answer.status, answer.json.events], [200, []]);
  assert.notEqual(answer.headers.get("x-request-id"), "req_forged");
  const health = await as(undefined, "GET", "/health", undefined, lies);
  assert.equal(health.status, 200);
});

test("a direct call of an origin's function has no identity without the edge's seal", async () => {
  const lambda = new LambdaClient(platform.aws());
  const identity = encodeIdentity({
    ...{ customer_id: customer.customer_id, environment: "live", key_id: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV" },
    ...{ scopes: ["events:write", "events:read", "admin"], limit_per_second: 1_000 },
  });
  const invoke = async (FunctionName: string, method: string, path: string) => {
    const event = {
      rawPath: path,
      rawQueryString: "",
      headers: {
        "x-triggers-identity": identity,
        "x-triggers-request-id": newId("req"),
        "x-triggers-path": path,
        "x-triggers-seal": `1.${"A".repeat(43)}`,
        "content-type": "application/json",
      },
      requestContext: { domainName: "x", http: { method, path } },
      ...(method === "POST" ? { body: '{"a":1}' } : {}),
      isBase64Encoded: false,
    };
    const { Payload } = await lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }));
    const { statusCode, body } = JSON.parse(Buffer.from(Payload ?? []).toString());
    return [statusCode, body === undefined ? undefined : JSON.parse(body).error?.code];
  };
  assert.deepEqual(await invoke("ingest", "POST", "/events"), [401, "unauthorized"]);
  assert.deepEqual(await invoke("api", "GET", "/inbox"), [401, "unauthorized"]);
  // All that a standby region's watch asks.
  assert.equal((await invoke("ingest", "GET", "/health"))[0], 200);
  lambda.destroy();
});

test("two Authorization headers are ambiguous, and refused", async () => {
  const { port } = new URL(platform.url);
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), "127.0.0.1");
    let heard = "";
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.toString("latin1");
      if (heard.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(heard));
    const keys = [other.api_key, customer.api_key].map((key) => `authorization: Bearer ${key}\r\n`).join("");
    socket.write(`GET /inbox HTTP/1.1\r\nhost: x\r\n${keys}\r\n`);
  });
  assert.match(text, /^HTTP\/1\.1 4\d\d /);
});

test("the platform notes when a key was last used", async () => {
  const made = await as(customer.api_key, "POST", "/keys", { name: "noted" });
  assert.equal(made.json.last_used_at, null);
  await as(made.json.api_key, "GET", "/inbox");
  const used = await eventually(
    async () => {
      const { json } = await as(customer.api_key, "GET", "/keys?limit=1000");
      return json.keys.find(({ key_id }: { key_id: string }) => key_id === made.json.key_id).last_used_at;
    },
    (at) => at !== null,
  );
  assert.ok(Date.parse(used) > Date.parse(made.json.created_at) - 1);
});

test.run();
