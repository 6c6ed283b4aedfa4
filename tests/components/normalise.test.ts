import assert from "node:assert/strict";
import { test } from "uvu";
import { attributesOf } from "../../components/blocks/dataTable.ts";
import { normaliseHandler } from "../../components/blocks/handler.ts";
import { policyOf } from "../../components/blocks/permissions.ts";
import { normaliseQueue } from "../../components/blocks/workQueue.ts";

test("a queue hides a message for six runs of its consumer", () =>
  assert.deepEqual(normaliseQueue({ consumerSeconds: 30 }), { visibilityTimeoutSeconds: 180, maxReceiveCount: 5 }));

const queues: [says: string, args: { consumerSeconds: number; maxReceives?: number }, message: string][] = [
  ["no time at all", { consumerSeconds: 0 }, "consumerSeconds is 0, not a whole number from 1 to 900"],
  ["more than Lambda may run", { consumerSeconds: 901 }, "consumerSeconds is 901, not a whole number from 1 to 900"],
  ["part of a second", { consumerSeconds: 1.5 }, "consumerSeconds is 1.5, not a whole number from 1 to 900"],
  ["no receive", { consumerSeconds: 30, maxReceives: 0 }, "maxReceives is 0, not a whole number from 1 to 1000"],
];
for (const [says, args, message] of queues)
  test(`a queue whose consumer has ${says} is refused`, () =>
    assert.throws(() => normaliseQueue(args), { name: "RangeError", message }));

test("a function has 512 MB and 30 seconds unless it says otherwise", () =>
  assert.deepEqual(normaliseHandler({ environment: {} }), {
    memoryMb: 512,
    timeoutSeconds: 30,
    provisionedConcurrency: 0,
  }));

const handlers: [says: string, args: Parameters<typeof normaliseHandler>[0], message: string][] = [
  ["too little memory", { memoryMb: 127, environment: {} }, "memoryMb is 127, not a whole number from 128 to 10240"],
  [
    "too long a timeout",
    { timeoutSeconds: 901, environment: {} },
    "timeoutSeconds is 901, not a whole number from 1 to 900",
  ],
  [
    "a variable of Lambda's own",
    { environment: { AWS_REGION: "" } },
    "AWS_REGION: names that the platform itself sets",
  ],
];
for (const [says, args, message] of handlers)
  test(`a function with ${says} is refused`, () =>
    assert.throws(() => normaliseHandler(args), { name: "RangeError", message }));

test("a wildcard action never becomes a policy", () =>
  assert.throws(() => policyOf([{ actions: ["sqs:SendMessage", "s3:Get*"], resources: ["arn:aws:s3:::b/*"] }]), {
    message: "s3:Get*: name each action, a wildcard grants what AWS adds later",
  }));

test("a table names each key attribute once, however many indexes use it", () =>
  assert.deepEqual(
    attributesOf({
      partition: ["pk", "S"],
      sort: ["sk", "S"],
      indexes: { by_state: { partition: ["state_pk", "S"], sort: ["sk", "S"] } },
    }),
    [
      { name: "pk", type: "S" },
      { name: "sk", type: "S" },
      { name: "state_pk", type: "S" },
    ],
  ));

test("a key attribute of two types is refused", () =>
  assert.throws(() => attributesOf({ partition: ["pk", "S"], sort: ["pk", "N"] }), {
    message: "pk: a key attribute has one type, S or N",
  }));

test.run();
