import assert from "node:assert/strict";
import { test } from "uvu";
import { exampleConfig, exampleGraph, graphOf } from "../../program/graph.ts";
import { calledFor, grantsOf, useOf } from "../../program/permissions.ts";
import seen from "../../program/permissionsSeen.json" with { type: "json" };

// With everything that a setting may add.
const graph = await graphOf("prod", {
  ...exampleConfig("prod"),
  "triggers:otlpEndpoint": "https://otlp.example.com",
  "triggers:smsFrom": "arn:aws:sms-voice:us-east-1:123456789012:phone-number/phone-1",
});
const standby = await exampleGraph("prod-us-west-2");
const called = calledFor(graph);

for (const stack of [graph, standby])
  test(`every permission of a function of ${stack.stack} is used, or says why it is there`, () => {
    const called = calledFor(stack);
    assert.deepEqual(
      grantsOf(stack)
        .filter((grant) => useOf(grant, seen, called) === undefined)
        .map(({ role, action }) => `${role}: ${action}`),
      [],
    );
  });

for (const stack of [graph, standby])
  test(`every call in the code of a function of ${stack.stack} is allowed`, () => {
    const grants = grantsOf(stack);
    const called = calledFor(stack);
    const missing = Object.entries(called).flatMap(([role, actions]) =>
      actions
        .filter((action) => !grants.some((grant) => grant.role === role && grant.action === action))
        .map((action) => `${role}: ${action}`),
    );
    assert.deepEqual(missing, []);
  });

test("a permission that nothing uses is found", () =>
  assert.equal(useOf({ role: "route-role", action: "dynamodb:DeleteItem" }, seen, called), undefined));

test.run();
