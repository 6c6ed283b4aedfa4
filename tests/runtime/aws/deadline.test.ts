import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "uvu";
import { withinTime } from "../../../runtime/aws/deadline.ts";
import { errorResponse } from "../../../runtime/domain/errors/errors.ts";

const context = (ms: number) => ({ getRemainingTimeInMillis: () => ms });
const late = (error: unknown) => errorResponse(error, "req_1").status;

test("an answer in time reaches the caller", async () =>
  assert.equal(await withinTime(context(10_000), Promise.resolve(202), late), 202));

test("without an answer, half a second before the end of the run the caller gets a 503 in our own format", async () => {
  const { promise: never } = Promise.withResolvers<{ status: number; headers: object; body: string }>();
  const { status, headers, body } = await withinTime(context(510), never, (error) => errorResponse(error, "req_1"));
  assert.equal(status, 503);
  assert.equal((headers as Record<string, string>)["retry-after"], "1");
  const { error } = JSON.parse(body);
  assert.equal(error.code, "unavailable");
  assert.match(error.message, /Whether something was done is not known/);
});

test("a failure in time reaches the caller, a late one is ignored", async () => {
  await assert.rejects(withinTime(context(10_000), Promise.reject(new Error("away")), late), /away/);
  const { promise, reject } = Promise.withResolvers<number>();
  assert.equal(await withinTime(context(0), promise, late), 503);
  // Without a listener this would end the process.
  reject(new Error("away"));
  await new Promise((resolve) => setImmediate(resolve));
});

/** Kinds of events whose sender is a caller that waits for an answer. */
const CALLED = /LambdaFunctionURLEvent|CloudFrontRequestEvent/;

test("every handler with a caller answers within its time", () => {
  const handlers = globSync("runtime/*/*andler.ts").filter((file) => CALLED.test(readFileSync(file, "utf8")));
  assert.deepEqual(handlers.sort(), [
    "runtime/api/handler.ts",
    "runtime/console/handler.ts",
    "runtime/edge/handler.ts",
    "runtime/ingest/handler.ts",
  ]);
  for (const file of handlers) assert.match(readFileSync(file, "utf8"), /withinTime/, file);
});

test.run();
