import assert from "node:assert/strict";
import { test } from "uvu";
import { defined } from "../../../runtime/domain/defined.ts";
import { TriggersError } from "../../../runtime/domain/errors/errors.ts";
import { isOrigin, originHeaders, preflightHeaders } from "../../../runtime/domain/identity/browser.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";

const app = "https://app.example.com";
const identity = (allowed_origins?: readonly string[]): Identity => ({
  customer_id: "cus_1",
  environment: "live",
  key_id: "key_1",
  scopes: ["events:write"],
  limit_per_second: 5,
  ...defined({ allowed_origins }),
});

test("a server key gets no CORS header, from any origin", () => {
  assert.deepEqual(originHeaders(identity(), undefined), {});
  assert.deepEqual(originHeaders(identity(), app), {});
});

test("a page of an allowed origin may read the answer, and what its headers say", () => {
  assert.deepEqual(originHeaders(identity(["https://other.example.com", app]), app), {
    "access-control-allow-origin": app,
    "access-control-expose-headers":
      "x-request-id, ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after, idempotency-replayed",
    vary: "origin",
  });
});

for (const origin of [
  undefined,
  "null",
  "https://app.example.com.evil.example",
  `${app}:8443`,
  "http://app.example.com",
]) {
  test(`the origin ${origin} is refused to a key of another`, () => {
    assert.throws(
      () => originHeaders(identity([app]), origin),
      (thrown) => thrown instanceof TriggersError && thrown.code === "origin_forbidden" && thrown.status === 403,
    );
  });
}

test("a page learns what it may try where a browser's key can work, and others the methods alone", () => {
  assert.deepEqual(preflightHeaders("/events", ["POST"], app), {
    allow: "OPTIONS, POST",
    "access-control-allow-origin": app,
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "authorization, content-type, content-encoding, idempotency-key, traceparent",
    "access-control-max-age": "600",
    vary: "origin",
  });
  assert.deepEqual(preflightHeaders("/events", ["POST"], undefined), { allow: "OPTIONS, POST" });
  assert.deepEqual(preflightHeaders("/keys", ["GET", "POST"], app), { allow: "GET, OPTIONS, POST" });
});

const origins: [text: string, valid: boolean][] = [
  [app, true],
  ["http://localhost:3000", true],
  ["https://bücher.example", false],
  ["https://xn--bcher-kva.example", true],
  [`${app}/`, false],
  [`${app}:443`, false],
  ["HTTPS://app.example.com", false],
  ["https://*.example.com", false],
  ["*", false],
  ["null", false],
  ["ftp://a.example", false],
  ["https://user@a.example", false],
];
for (const [text, valid] of origins) {
  test(`${text} is ${valid ? "an" : "no"} origin as browsers write it`, () => assert.equal(isOrigin(text), valid));
}

test.run();
