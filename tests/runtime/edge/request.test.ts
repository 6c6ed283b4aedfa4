import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { CloudFrontRequest } from "aws-lambda";
import { test } from "uvu";
import { defined, mapDefined } from "../../../runtime/domain/defined.ts";
import { TriggersError } from "../../../runtime/domain/errors/errors.ts";
import { decodeIdentity, type Identity, isPublic, PATH_HEADER } from "../../../runtime/domain/identity/identity.ts";
import { holds } from "../../../runtime/domain/identity/seal.ts";
import { newId } from "../../../runtime/domain/ids.ts";
import { arrivalOf, name, prepareBody, refusal, sign, strip } from "../../../runtime/edge/request.ts";

const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
const requestWith = (headers: Record<string, string>, body?: string | Buffer, truncated = false, method = "POST") =>
  ({
    clientIp: "203.0.113.7",
    method,
    uri: "/events",
    querystring: "",
    headers: Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, [{ key, value }]])),
    ...defined({
      body: mapDefined(body, (body) => ({
        inputTruncated: truncated,
        action: "read-only",
        encoding: "base64",
        data: Buffer.from(body).toString("base64"),
      })),
    }),
  }) as CloudFrontRequest;
const headersOf = ({ headers }: CloudFrontRequest) =>
  Object.fromEntries(Object.entries(headers).map(([name, [first]]) => [name, first!.value]));

test("only these paths need no key", () => {
  for (const uri of ["/", "/health", "/status", "/openapi.json", "/docs", "/docs/", "/docs/errors"])
    assert.equal(isPublic("GET", uri), true, uri);
  for (const uri of ["/events", "/healthz", "/health/", "/docsx", "/Health", "/openapi.json/x", "//docs"]) {
    assert.equal(isPublic("GET", uri), false, uri);
    assert.equal(isPublic("OPTIONS", uri), true, uri);
  }
});

test("a request arrived when the viewer function saw it, as far as that can be", () => {
  const now = 1_800_000_000_000;
  const arrival = (said?: string) => arrivalOf(requestWith(defined({ "x-triggers-received": said })), now);
  assert.deepEqual([undefined, String(now - 300), String(now + 1), String(now - 3_600_000), "x"].map(arrival), [
    now,
    now - 300,
    now,
    now,
    now,
  ]);
});

test("the path travels on as it was sent, in characters that a header may hold", () => {
  const pathOf = (uri: string) => {
    const request = { ...requestWith({}), uri } as CloudFrontRequest;
    name(request, "req_1");
    return headersOf(request)[PATH_HEADER];
  };
  assert.equal(pathOf("/event-types/a%2Fb%25%2E"), "/event-types/a%2Fb%25%2E");
  assert.equal(pathOf("/event-types/\u00e4 \u2602"), "/event-types/%e4%20%E2%98%82");
});

test("headers that only the platform may set are removed, and so is the key", () => {
  const request = requestWith({
    "x-triggers-identity": "forged",
    "x-triggers-request-id": "forged",
    authorization: "Bearer k",
    accept: "*/*",
  });
  strip(request);
  assert.deepEqual(headersOf(request), { accept: "*/*" });
});

test("the identity arrives as it was written", () => {
  const identity: Identity = {
    customer_id: "cus_1",
    environment: "live",
    key_id: "key_1",
    key_name: "Schlüssel ☂",
    scopes: ["admin"],
    limit_per_second: 5,
  };
  const request = requestWith({});
  const requestId = newId("req");
  const peppers = { current: "v1", versions: { v1: Buffer.alloc(32, 1).toString("base64") } };
  name(request, requestId);
  sign(request, requestId, identity, peppers);
  const { "x-triggers-identity": header, "x-triggers-seal": seal, ...rest } = headersOf(request);
  assert.deepEqual(decodeIdentity(header), identity);
  const sealed = { requestId, method: "POST", path: "/events", identity: header! };
  assert.equal(holds(seal!, sealed, peppers, Date.now()), true);
  assert.deepEqual(rest, { "x-triggers-request-id": requestId, "x-triggers-path": "/events" });
});

test("the body's hash is added, and its data need not be sent back", () => {
  const request = requestWith({ "content-type": "application/json" }, '{"a":1}');
  prepareBody(request);
  assert.deepEqual(headersOf(request), {
    "content-type": "application/json",
    "x-amz-content-sha256": sha256('{"a":1}'),
  });
  assert.deepEqual(request.body, { inputTruncated: false, action: "read-only", encoding: "base64", data: "" });
});

test("an empty body has a hash too", () => {
  const request = requestWith({}, "", false, "DELETE");
  prepareBody(request);
  assert.equal(headersOf(request)["x-amz-content-sha256"], sha256(""));
});

test("a request without a body gets no hash", () => {
  const request = requestWith({}, "", false, "GET");
  prepareBody(request);
  assert.deepEqual(headersOf(request), {});
});

const faults: [says: string, request: CloudFrontRequest, fault: string][] = [
  ["a body that CloudFront cut off", requestWith({}, "{}", true), "payload_too_large"],
  ["a body of 1,000,001 bytes", requestWith({}, Buffer.alloc(1_000_001, 0x20)), "payload_too_large"],
  ["JSON that is not UTF-8", requestWith({}, Buffer.from([0x22, 0xff, 0x22])), "invalid_json"],
];
for (const [says, request, fault] of faults) {
  test(`${says} is taken away and its fault named`, () => {
    prepareBody(request);
    assert.deepEqual(headersOf(request), { "x-triggers-body-fault": fault, "x-amz-content-sha256": sha256("") });
    assert.deepEqual([request.body!.action, request.body!.data], ["replace", ""]);
  });
}

test("bytes of another type pass unchanged: the origin answers their error", () => {
  const request = requestWith({ "content-type": "image/png" }, Buffer.from([0x89, 0xff]));
  prepareBody(request);
  assert.equal(headersOf(request)["x-triggers-body-fault"], undefined);
});

test("a compressed body gets a type that a Function URL passes on as bytes", () => {
  const bytes = Buffer.from([0x1f, 0x8b, 0xff]);
  const request = requestWith({ "content-type": "application/json", "content-encoding": "gzip" }, bytes);
  prepareBody(request);
  assert.deepEqual(headersOf(request), {
    "content-type": "application/octet-stream",
    "x-triggers-content-type": "application/json",
    "content-encoding": "gzip",
    "x-amz-content-sha256": sha256(bytes),
  });
});

test("a refusal has the shape that CloudFront wants", () =>
  assert.deepEqual(
    refusal(new TriggersError("unauthorized", "No.", { headers: { "www-authenticate": "Bearer" } }), "req_1"),
    {
      status: "401",
      statusDescription: "Unauthorized",
      headers: {
        "content-type": [{ key: "content-type", value: "application/json" }],
        "cache-control": [{ key: "cache-control", value: "no-store" }],
        "x-request-id": [{ key: "x-request-id", value: "req_1" }],
        "www-authenticate": [{ key: "www-authenticate", value: "Bearer" }],
      },
      body: '{"error":{"code":"unauthorized","message":"No.","request_id":"req_1","docs":"/docs/errors#unauthorized"}}',
      bodyEncoding: "text",
    },
  ));

test.run();
