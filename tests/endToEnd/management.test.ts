// group: shared 2
import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { suite } from "uvu";
import { type Customer, call, newCustomer, type SharedPlatform, sharedPlatform } from "../support/platform.ts";

const test = suite("managing through the edge");
let platform: SharedPlatform;
let customer: Customer;
test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform);
});

const ask = (method: string, path: string, options: Parameters<typeof call>[3] = {}) =>
  call(platform.url, method, path, { key: customer.api_key, ...options });
const statusWith = async (key: string, path = "/subscriptions") => (await ask("GET", path, { key })).status;

test("a new key can do at once what its scopes allow", async () => {
  const { json } = await ask("POST", "/keys", { body: { scopes: ["subscriptions"], name: "deploy" } });
  assert.equal(await statusWith(json.api_key), 200);
  const refused = await ask("GET", "/keys", { key: json.api_key });
  assert.deepEqual([refused.status, refused.json.error.code], [403, "forbidden"]);
  const sent = await ask("POST", "/events", { key: json.api_key, body: { a: 1 } });
  assert.deepEqual([sent.status, sent.json.error.code], [403, "forbidden"]);
});

test("a key that was revoked before its first use is refused, with the same message as every other", async () => {
  const { json } = await ask("POST", "/keys", { body: {} });
  assert.equal((await ask("DELETE", `/keys/${json.key_id}`)).status, 204);
  const revoked = await ask("GET", "/subscriptions", { key: json.api_key });
  const unknown = await ask("GET", "/subscriptions", { key: "nonsense" });
  assert.deepEqual([revoked.status, unknown.status], [401, 401]);
  assert.equal(revoked.json.error.message, unknown.json.error.message);
});

test("the platform's status needs no key, tells more with one, and refuses a wrong one", async () => {
  const bare = await call(platform.url, "GET", "/status");
  assert.deepEqual([bare.status, bare.json.components.queue], [200, { status: "ok" }]);
  const { status, json } = await ask("GET", "/status");
  assert.deepEqual(
    [status, typeof json.components.queue.depth, typeof json.components.database.throttles],
    [200, "number", "number"],
  );
  assert.equal((await ask("GET", "/status", { key: customer.api_key.replace(/.$/, "!") })).status, 401);
});

test("both texts of a rotated key open during the overlap", async () => {
  const { json: made } = await ask("POST", "/keys", { body: {} });
  const { json: rotated } = await ask("POST", `/keys/${made.key_id}/rotate`, { body: { overlap_seconds: 60 } });
  assert.deepEqual([await statusWith(made.api_key), await statusWith(rotated.api_key)], [200, 200]);
});

test("a key with an expiry works until then", async () => {
  const expires_at = new Date(Date.now() + 60_000).toISOString();
  const { status, json } = await ask("POST", "/keys", { body: { expires_at } });
  assert.deepEqual([status, json.expires_at, await statusWith(json.api_key)], [201, expires_at, 200]);
});

test("a sandbox key sees the sandbox, and makes subscriptions only there", async () => {
  const body = { webhook_url: `${platform.sinkUrl}/management/sandbox`, event_selector: "a" };
  const made = await ask("POST", "/subscriptions", { key: customer.sandbox_key, body });
  assert.deepEqual([made.status, made.json.environment], [201, "sandbox"]);
  assert.equal(await statusWith(customer.api_key, `/subscriptions/${made.json.subscription_id}`), 404);
  assert.equal(await statusWith(customer.sandbox_key, `/subscriptions/${made.json.subscription_id}`), 200);
});

for (const [encoding, encode] of [
  ["gzip", gzipSync],
  ["zstd", zstdCompressSync],
] as const) {
  test(`2,000 subscriptions come in by one call encoded with ${encoding}`, async () => {
    const subscriptions = Array.from({ length: 2_000 }, (_, i) => ({
      webhook_url: `${platform.sinkUrl}/import/${encoding}/${i}`,
      event_selector: { event_type: `never.${encoding}.t${i}`, cel: "event.amount > 100.0" },
      workflow_id: `workflow-${i}`,
    }));
    const answer = await ask("POST", "/subscriptions/import", {
      body: encode(JSON.stringify({ subscriptions })),
      headers: { "content-encoding": encoding },
    });
    assert.deepEqual([answer.status, answer.json.subscriptions?.length], [201, 2_000]);
  });
}

test("a body over 1,000,000 bytes is 413, one that is no JSON by its type 415", async () => {
  const large = await ask("POST", "/subscriptions", { body: `{"workflow_id":"${"x".repeat(1_000_000)}"}` });
  assert.deepEqual([large.status, large.json.error.code], [413, "payload_too_large"]);
  const typed = await ask("POST", "/subscriptions", { body: "a=1", headers: { "content-type": "text/plain" } });
  assert.deepEqual([typed.status, typed.json.error.code], [415, "unsupported_media_type"]);
});

test("an event type may hold characters that a path must encode", async () => {
  const path = `/event-types/${encodeURIComponent("a/b c#d?é")}`;
  const put = await ask("PUT", path, { body: { type: "object" } });
  assert.deepEqual([put.status, put.json.event_type], [200, "a/b c#d?é"]);
  assert.equal((await ask("DELETE", path)).status, 204);
});

test("public pages need no key: health, reference, errors", async () => {
  for (const path of ["/health", "/openapi.json", "/docs", "/docs/errors", "/health?probe=1"]) {
    const response = await fetch(`${platform.url}${path}`);
    assert.equal(response.status, 200, path);
    await response.arrayBuffer();
  }
  const health = await fetch(`${platform.url}/health`);
  const { status, dependencies } = (await health.json()) as { status: string; dependencies: object };
  assert.deepEqual(
    [status, Object.keys(dependencies).sort()],
    ["ok", ["dynamodb", "postgresql", "redis", "s3", "secrets", "sqs", "subscriptions"]],
  );
});

test("an unknown route is 404, a wrong method 405 with the allowed ones, each with a request id", async () => {
  const unknown = await ask("GET", "/nowhere");
  const wrong = await ask("PUT", "/subscriptions", { body: {} });
  assert.deepEqual([unknown.status, wrong.status], [404, 405]);
  assert.equal(wrong.headers.get("allow"), "GET, HEAD, OPTIONS, POST");
  for (const answer of [unknown, wrong]) assert.equal(answer.json.error.request_id, answer.headers.get("x-request-id"));
});

test("a deleted customer's key is refused or finds nothing, and its subscriptions are gone", async () => {
  const gone = await newCustomer(platform);
  const body = { webhook_url: `${platform.sinkUrl}/management/gone`, event_selector: "a" };
  assert.equal((await ask("POST", "/subscriptions", { key: gone.api_key, body })).status, 201);
  const deleted = await ask("DELETE", `/customers/${gone.customer_id}`, { key: platform.operatorKey });
  assert.equal(deleted.status, 204);
  // The edge may know the key for up to a minute; what it reads then is empty.
  const read = await ask("GET", "/subscriptions", { key: gone.api_key });
  assert.ok(read.status === 401 || read.json.subscriptions.length === 0, read.text);
  assert.equal(await statusWith(gone.sandbox_key), 401);
});

test("a webhook to the platform's own ports is refused, by every name of this machine", async () => {
  // As a sandbox key with one scope might: the gateway would read secrets for it, the edge would send its events round and round.
  const own = [platform.url, platform.gatewayUrl].map((url) => new URL(url).port);
  for (const port of own) {
    for (const host of [
      "127.0.0.1",
      "127.1",
      "2130706433",
      "0x7f000001",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "localhost",
      "a.localhost.",
    ]) {
      const body = { webhook_url: `http://${host}:${port}/`, event_selector: "never" };
      const answer = await ask("POST", "/subscriptions", { key: customer.sandbox_key, body });
      assert.deepEqual([host, answer.status, answer.json?.error.code], [host, 422, "webhook_url_forbidden"]);
    }
  }
  const receiver = { webhook_url: `${platform.sinkUrl}/management/allowed`, event_selector: "never" };
  assert.equal((await ask("POST", "/subscriptions", { key: customer.sandbox_key, body: receiver })).status, 201);
});

test("the gateway accepts no made-up key, no wrong signature and no call from a web page", async () => {
  for (const authorization of [
    "AWS4-HMAC-SHA256 Credential=local-administrator/20250101/us-east-1/secretsmanager/aws4_request",
    `AWS4-HMAC-SHA256 Credential=${platform.aws().credentials.accessKeyId}/20250101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=00`,
  ]) {
    const headers = {
      authorization,
      "x-amz-target": "secretsmanager.GetSecretValue",
      "content-type": "application/x-amz-json-1.1",
    };
    const body = JSON.stringify({ SecretId: String(platform.outputs.operatorSecret) });
    const response = await fetch(platform.gatewayUrl, { method: "POST", headers, body });
    const text = await response.text();
    assert.ok(response.status >= 400 && !text.includes("SecretString"), text);
  }
  const form = "X-Amz-Credential=local-administrator%2F20250101%2Fus-east-1%2Flambda%2Faws4_request";
  const invoked = await fetch(`${platform.gatewayUrl}/2015-03-31/functions/api/invocations?${form}`, {
    method: "POST",
    headers: { "content-type": "text/plain", origin: "https://evil.example" },
    body: "{}",
  });
  assert.equal(invoked.status, 403);
});

test.run();
