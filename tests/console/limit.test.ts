import assert from "node:assert/strict";
import { test } from "uvu";
import { limitIn, limitNow } from "../../console/src/limit.ts";

const headers = (remaining: number) =>
  new Headers({ "ratelimit-limit": "100", "ratelimit-remaining": String(remaining), "ratelimit-reset": "1" });

test("the limit is read of an answer's headers, and is unknown without them", () => {
  assert.deepEqual(limitIn(headers(40), 5), { limit: 100, remaining: 40, reset: 1, at: 5 });
  assert.equal(limitIn(new Headers({ "ratelimit-limit": "100" }), 5), undefined);
});

for (const [remaining, tone] of [
  [100, "good"],
  [21, "good"],
  [20, "warn"],
  [1, "warn"],
  [0, "bad"],
] as const)
  test(`${remaining} of 100 left is ${tone}`, () =>
    assert.equal(limitNow(limitIn(headers(remaining), 0)!, 10).tone, tone));

test("after its window the whole limit is free again", () =>
  assert.deepEqual(limitNow(limitIn(headers(0), 0)!, 1_000), { remaining: 100, seconds: 0, tone: "good" }));

test.run();
