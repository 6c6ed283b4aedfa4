// group: shared 1
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { suite } from "uvu";
import { defined } from "../../runtime/domain/defined.ts";
import {
  type Answer,
  type Customer,
  call,
  newCustomer,
  type SharedPlatform,
  sharedPlatform,
} from "../support/platform.ts";

/** What meets a caller before any route: paths, methods, origins, limits, and refusals of the edge's own. */
const test = suite("front");
let platform: SharedPlatform;
let customer: Customer;
test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform);
});

const ask = (method: string, path: string, options: Parameters<typeof call>[3] = {}): Promise<Answer> =>
  call(platform.url, method, path, { key: customer.sandbox_key, ...options });

/** As Node's own client sends it: `fetch` neither shows redirects nor sends every method. */
function raw(method: string, path: string, headers: Record<string, string> = {}, body = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === "" ? {} : { "content-length": String(body.length) };
    const request = httpRequest(
      `${platform.url}${path}`,
      { method, headers: { ...headers, ...length } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          let json: unknown;
          try {
            json = JSON.parse(text);
          } catch {}
          resolve({
            status: response.statusCode!,
            headers: new Headers(response.headers as Record<string, string>),
            text,
            json,
          });
        });
      },
    );
    request.on("error", reject);
    request.end(body === "" ? undefined : body);
  });
}

test("the root leads people to the documentation and tells programs where it is", async () => {
  const person = await raw("GET", "/", { accept: "text/html,application/xhtml+xml,*/*;q=0.8" });
  assert.deepEqual([person.status, person.headers.get("location")], [302, "/docs/"]);
  for (const headers of [{}, { accept: "*/*" }, { accept: "application/json" }]) {
    const program = await raw("GET", "/", headers as Record<string, string>);
    const expected = { name: "Triggers API", docs: "/docs/", openapi: "/openapi.json" };
    assert.deepEqual([program.status, program.json], [200, expected]);
  }
  const [page, same] = [await raw("GET", "/docs"), await raw("GET", "/docs/")];
  assert.deepEqual([page.status, page.text], [200, same.text]);
});

test("a path with a slash at its end means the same as without", async () => {
  assert.equal((await ask("POST", "/events/", { body: { event_type: "slash" } })).status, 202);
  for (const path of ["/inbox/", "/keys/", "/health/", "/openapi.json/", "/subscriptions/?limit=1"])
    assert.equal((await ask("GET", path)).status, 200, path);
  const put = await ask("PUT", "/event-types/with%2F/", { body: true });
  assert.deepEqual([put.status, put.json.event_type], [200, "with/"]);
});

test("OPTIONS needs no key, and its answer fits the route", async () => {
  const page = { origin: "https://app.example.com", "access-control-request-method": "POST" };
  for (const path of ["/events", "/events/", "/events/dry-run"]) {
    const { status, headers } = await raw("OPTIONS", path, page);
    assert.deepEqual([status, headers.get("access-control-allow-origin")], [204, page.origin], path);
    assert.match(headers.get("access-control-allow-headers") ?? "", /authorization.*idempotency-key/);
  }
  const keys = await raw("OPTIONS", "/keys", page);
  assert.deepEqual(
    [keys.status, keys.headers.get("allow"), keys.headers.get("access-control-allow-origin")],
    [204, "GET, HEAD, OPTIONS, POST", null],
  );
  assert.equal((await raw("OPTIONS", "/nowhere", page)).json.error.code, "not_found");
});

test("a page's key works in pages of its origins, and from nowhere else", async () => {
  const origin = "https://app.example.com";
  const { json } = await ask("POST", "/keys", { body: { allowed_origins: [origin] } });
  const send = (headers: Record<string, string>) => ask("POST", "/events", { key: json.api_key, body: {}, headers });
  const good = await send({ origin });
  assert.deepEqual([good.status, good.headers.get("access-control-allow-origin")], [202, origin]);
  const faulty = await ask("POST", "/events", { key: json.api_key, body: "{", headers: { origin } });
  assert.deepEqual([faulty.status, faulty.headers.get("access-control-allow-origin")], [400, origin]);
  for (const headers of [{ origin: "https://elsewhere.example" }, {}] as Record<string, string>[]) {
    const bad = await send(headers);
    assert.deepEqual([bad.status, bad.json.error.code], [403, "origin_forbidden"]);
    assert.equal(bad.headers.get("access-control-allow-origin"), null);
  }
  const server = await ask("POST", "/events", { body: {}, headers: { origin } });
  assert.deepEqual([server.status, server.headers.get("access-control-allow-origin")], [202, null]);
});

const answered: [method: string, path: string, body?: unknown][] = [
  ["GET", "/inbox"],
  ["GET", "/inbox?limit=x"],
  ["GET", "/keys"],
  ["GET", "/customers/cus_01ARZ3NDEKTSV4RRFFQ69G5FAV"],
  ["GET", "/nowhere"],
  ["DELETE", "/keys"],
  ["POST", "/events", { event_type: "told" }],
  ["POST", "/events", 7],
  ["GET", "/events"],
  ["POST", "/events/lookup", { event_ids: [] }],
  ["POST", "/subscriptions", "{"],
  ["PATCH", "/subscriptions/sub_x", {}],
  ["POST", "/subscriptions", "x".repeat(1_000_001)],
];
for (const [method, path, body] of answered) {
  test(`${method} ${path} ${String(JSON.stringify(body)).slice(0, 20)} tells a key what is left of its limit, and is not stored on the way`, async () => {
    const { headers, text } = await ask(method, path, defined({ body }));
    const said = ["ratelimit-limit", "ratelimit-reset", "cache-control"].map((name) => headers.get(name));
    assert.deepEqual(said, ["1000", "1", "no-store"], text.slice(0, 200));
    assert.match(headers.get("ratelimit-remaining") ?? "", /^\d+$/);
    assert.match(headers.get("x-request-id") ?? "", /^req_/);
  });
}

const own: [says: string, send: () => Promise<Answer>, status: number, code: string][] = [
  ["a URL that is too long", () => raw("GET", `/inbox?q=${"x".repeat(9_000)}`), 414, "uri_too_long"],
  ["headers that are too long", () => raw("GET", "/inbox", { "x-long": "y".repeat(40_000) }), 494, "headers_too_large"],
  ["a method that nothing takes", () => raw("PROPFIND", "/inbox"), 405, "method_not_allowed"],
  ["a GET with a body", () => raw("GET", "/health", {}, "{}"), 403, "forbidden"],
  ["a malformed key", () => raw("GET", "/inbox", { authorization: "Bearer nonsense" }), 401, "unauthorized"],
  ["a malformed query", () => ask("GET", "/inbox?q=%FF"), 400, "invalid_request"],
  ["a malformed path", () => ask("GET", "/event-types/%E0%A4%A"), 400, "invalid_request"],
];
for (const [says, send, status, code] of own) {
  test(`${says} is refused in the format of errors`, async () => {
    const answer = await send();
    assert.deepEqual([answer.status, answer.json?.error?.code], [status, code], answer.text.slice(0, 300));
    assert.equal(answer.json.error.docs, `/docs/errors#${code}`);
    assert.equal(answer.headers.get("x-request-id"), answer.json.error.request_id);
    assert.match(answer.json.error.request_id, /^req_[0-9A-Z]{26}$/);
    assert.equal(answer.headers.get("content-type"), "application/json");
    assert.equal(answer.headers.get("cache-control"), "no-store");
    if (status === 405) assert.match(answer.headers.get("allow") ?? "", /GET.*POST/);
  });
}

test("a key rotated without overlap is refused at once by every function, though the edge holds it for a minute", async () => {
  const { json: made } = await ask("POST", "/keys", { body: { scopes: ["events:write", "events:read"] } });
  const use = () =>
    Promise.all([
      ask("POST", "/events", { key: made.api_key, body: {} }),
      ask("GET", "/inbox", { key: made.api_key }),
      ask("POST", "/events", { key: made.api_key, body: "{" }),
    ]);
  assert.deepEqual(
    (await use()).map(({ status }) => status),
    [202, 200, 400],
  );
  const { json: rotated } = await ask("POST", `/keys/${made.key_id}/rotate`, { body: { overlap_seconds: 0 } });
  for (const answer of await use()) assert.deepEqual([answer.status, answer.json.error.code], [401, "unauthorized"]);
  assert.equal((await ask("GET", "/inbox", { key: rotated.api_key })).status, 200);
});

test("a creation repeated under its key answers as the first time, its secret included", async () => {
  const headers = { "idempotency-key": "front" };
  const [first, again] = [
    await ask("POST", "/keys", { body: { name: "front" }, headers }),
    await ask("POST", "/keys", { body: '{ "name": "front" }', headers }),
  ];
  assert.deepEqual([first.status, again.status, again.json], [201, 201, first.json]);
  assert.equal(again.headers.get("idempotency-replayed"), "true");
});

test("an event with the type null counts as one without a type, and is read back as it was sent", async () => {
  const sent = await ask("POST", "/events", { body: '{"event_type": null, "a": 1}' });
  assert.equal(sent.status, 202);
  const { json } = await ask("GET", `/events/${sent.json.event_id}`);
  assert.deepEqual([json.event_type, json.payload], [null, { event_type: null, a: 1 }]);
});

test.run();
