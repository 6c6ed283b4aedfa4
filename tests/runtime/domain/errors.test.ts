import assert from "node:assert/strict";
import { test } from "uvu";
import { errorExamples } from "../../../runtime/domain/errors/errorExamples.ts";
import {
  asTriggersError,
  type ErrorCode,
  errorBody,
  errorCatalog,
  errorResponse,
  TriggersError,
} from "../../../runtime/domain/errors/errors.ts";

const codes = Object.keys(errorCatalog) as ErrorCode[];

test("every code has a status, a meaning, a remedy and an example", () => {
  for (const code of codes) {
    const { status, when, remedy } = errorCatalog[code];
    assert.ok(status >= 400 && status <= 504, code);
    for (const text of [when, remedy, errorExamples[code].message]) assert.match(text, /\.$/, code);
  }
  assert.deepEqual(Object.keys(errorExamples).sort(), [...codes].sort());
});

test("every code is one word of small letters, and stands once", () => {
  for (const code of codes) assert.match(code, /^[a-z]+(_[a-z]+)*$/);
});

test("errors that may be retried have a status that says so", () => {
  for (const code of codes) {
    const { status, retryable } = errorCatalog[code];
    if (status >= 500 || status === 429) assert.equal(retryable, true, code);
  }
});

test("an answer has the error's code, its headers and the request's id", () =>
  assert.deepEqual(
    errorResponse(new TriggersError("rate_limited", "Slow down.", { headers: { "retry-after": "3" } }), "req_1"),
    {
      status: 429,
      headers: {
        "content-type": "application/json",
        "cache-control": "no-store",
        "x-request-id": "req_1",
        "retry-after": "3",
      },
      body: '{"error":{"code":"rate_limited","message":"Slow down.","request_id":"req_1","docs":"/docs/errors#rate_limited"}}',
    },
  ));

test("details are answered where there are any", () =>
  assert.deepEqual(
    errorBody(
      new TriggersError("invalid_request", "No.", { details: [{ path: "limit", message: "too high" }] }),
      "req_1",
    ).error.details,
    [{ path: "limit", message: "too high" }],
  ));

test("the answer to an unexpected error shows nothing of its cause", () => {
  for (const thrown of [new Error("at /var/task/index.mjs"), "text", undefined, null, { code: "not_found" }]) {
    const { status, body } = errorResponse(thrown, "req_1");
    assert.equal(status, 500);
    assert.equal(
      body,
      '{"error":{"code":"internal","message":"The platform failed to process this request.","request_id":"req_1","docs":"/docs/errors#internal"}}',
    );
    assert.equal(asTriggersError(thrown).cause, thrown);
  }
});

test.run();
