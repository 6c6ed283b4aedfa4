import assert from "node:assert/strict";
import { suite } from "uvu";
import { type ErrorClass, errorClasses, errorClassOf } from "../../../../runtime/domain/metrics/names.ts";

const test = suite("classes of failures");

/** How an attempt ended, as deliver names it, and the class that it counts in. */
const failures: [error: string | null, status: number | null, counts: ErrorClass | null][] = [
  [null, 200, null],
  ["timeout", null, "timeout"],
  ["dns_error", null, "dns"],
  ["connect_timeout", null, "connect"],
  ["connection_refused", null, "connect"],
  ["connection_reset", null, "connect"],
  ["connection_closed", null, "connect"],
  ["connection_failed", null, "connect"],
  ["unreachable", null, "connect"],
  ["tls_error", null, "tls"],
  ["redirect", 302, "redirect"],
  ["http_error", 400, "http_4xx"],
  ["http_error", 499, "http_4xx"],
  ["http_error", 500, "http_5xx"],
  ["http_error", 599, "http_5xx"],
  ["http_error", 304, "other"],
  ["gone", 410, "gone"],
  ["forbidden_address", null, "forbidden_address"],
  ["protocol_error", null, "other"],
  ["headers_too_large", null, "other"],
  ["transform_failed", null, "other"],
];
for (const [error, status, counts] of failures)
  test(`${error ?? "a success"} with ${status ?? "no answer"} counts as ${counts ?? "no failure"}`, () =>
    assert.equal(errorClassOf(error, status), counts));

test("each class is one that a failure can have", () =>
  assert.deepEqual(new Set(failures.flatMap(([, , counts]) => counts ?? [])), new Set(errorClasses)));

test("the classes are those of the contract, in its order", () =>
  assert.deepEqual(errorClasses, [
    ...["timeout", "dns", "connect", "tls", "redirect", "http_4xx", "http_5xx", "gone", "forbidden_address", "other"],
  ]));

test.run();
