import assert from "node:assert/strict";
import { test } from "uvu";
import { formerName } from "../../components/stack/formerNames.ts";

test("names of the stage retain had another beginning before, and no other names", () => {
  for (const [now, before] of [
    ["retain", "job"],
    ["retain-logs", "job-logs"],
    ["retain-jobs", "job-jobs"],
    ["retained", undefined],
    ["route", undefined],
    ["constructor-role", undefined],
  ] as const)
    assert.equal(formerName(now), before, now);
});

test.run();
