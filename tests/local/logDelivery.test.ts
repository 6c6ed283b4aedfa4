import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { suite } from "uvu";
import { createLogDelivery } from "../../local/logDelivery.ts";
import { createS3 } from "../../local/s3.ts";
import type { Inputs, LocalContext } from "../../local/service.ts";

const test = suite("log delivery");
const folders: string[] = [];
test.after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const ACCOUNT = "000000000000";
const allow = (service: string, action: string | string[], resource: string, condition: object) => ({
  Effect: "Allow",
  Principal: { Service: service },
  Action: action,
  Resource: resource,
  Condition: condition,
});
const ours = { StringEquals: { "aws:SourceAccount": ACCOUNT } };
const DELIVERY = "delivery.logs.amazonaws.com";
const writes = allow(DELIVERY, "s3:PutObject", "arn:aws:s3:::logs/*", ours);
const looks = allow(DELIVERY, "s3:GetBucketAcl", "arn:aws:s3:::logs", ours);
const accesses = allow("logging.s3.amazonaws.com", "s3:PutObject", "arn:aws:s3:::logs/*", ours);
const tls = {
  Effect: "Deny",
  Principal: "*",
  Action: "s3:PutObject",
  Resource: "arn:aws:s3:::logs/*",
  Condition: { Bool: { "aws:SecureTransport": "false" } },
};

/** A bucket for logs; each step declares something, and `start` says what the platform says as it starts. */
async function stand() {
  const state = mkdtempSync(join(tmpdir(), "logs-"));
  folders.push(state);
  const context = {
    state,
    accountId: ACCOUNT,
    region: "us-east-1",
    endpoint: "",
    log: () => {},
  } as unknown as LocalContext;
  const s3 = await createS3(context);
  const delivery = createLogDelivery(context, s3.writers);
  const declare = async (type: string, name: string, inputs: Inputs) => {
    const create = s3.resources[type] ?? delivery.resources[type];
    return (await create!({ type, name, inputs })).state;
  };
  for (const bucket of ["logs", "archive"]) await declare("aws:s3/bucket:Bucket", bucket, {});
  return {
    policy: (...list: object[]) =>
      declare("aws:s3/bucketPolicy:BucketPolicy", "logs-policy", {
        bucket: "logs",
        policy: JSON.stringify({ Statement: list }),
      }),
    flows: () =>
      declare("aws:ec2/flowLog:FlowLog", "flows", {
        vpcId: "vpc-1",
        trafficType: "ALL",
        logDestinationType: "s3",
        logDestination: "arn:aws:s3:::logs/vpc/",
      }),
    accesses: () =>
      declare("aws:s3/bucketLogging:BucketLogging", "archive-logging", {
        bucket: "archive",
        targetBucket: "logs",
        targetPrefix: "s3/archive/",
      }),
    async edge() {
      const { arn } = await declare("aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination", "edge", {
        deliveryDestinationConfiguration: { destinationResourceArn: "arn:aws:s3:::logs/cloudfront" },
      });
      await declare("aws:cloudwatch/logDelivery:LogDelivery", "edge", {
        deliverySourceName: "edge",
        deliveryDestinationArn: arn,
      });
    },
    async start(): Promise<string> {
      const said = await delivery.start!().then(
        () => "starts",
        (error: Error) => error.message,
      );
      await s3.close();
      return said;
    },
  };
}

const REPLACED =
  "the policy of the bucket logs is no longer what logs-policy declares: a service has written to it since. Let it say what the service needs, and come after a flow log";
const mayNot = (what: string, service: string, action: string) =>
  `${what} can't write: the policy of the bucket logs does not let ${service} ${action}`;

test("a flow log puts its policy in place of ours", async () => {
  const { policy, flows, start } = await stand();
  await policy(tls, writes, looks, accesses);
  await flows();
  assert.equal(await start(), REPLACED);
});

test("a policy after the flow log removes the statements that it does not have itself", async () => {
  const { policy, flows, start } = await stand();
  await flows();
  await policy(tls, writes);
  assert.equal(await start(), mayNot("the flow log flows", DELIVERY, "s3:GetBucketAcl"));
});

test("a policy for another account lets no logs in", async () => {
  const { policy, flows, start } = await stand();
  await flows();
  const theirs = { StringEquals: { "aws:SourceAccount": "111111111111" } };
  await policy({ ...writes, Condition: theirs }, looks);
  assert.equal(await start(), mayNot("the flow log flows", DELIVERY, "s3:PutObject"));
});

test("a flow log alone adds the statements that it needs", async () => {
  const { flows, start } = await stand();
  await flows();
  assert.equal(await start(), "starts");
});

test("a delivery adds its statements to a policy that lacks them", async () => {
  const { policy, edge, start } = await stand();
  await policy(tls);
  await edge();
  assert.equal(await start(), REPLACED);
});

test("the access log of a bucket needs a policy that lets S3 write", async () => {
  const { policy, accesses: log, start } = await stand();
  await policy(tls, writes, looks);
  await log();
  assert.equal(await start(), mayNot("the access log of archive", "logging.s3.amazonaws.com", "s3:PutObject"));
});

test("resources in any order are fine if the whole policy comes after the flow log", () =>
  fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(["policy", "flows", "accesses"] as const, { minLength: 3 }), async (order) => {
      const stood = await stand();
      const steps = {
        policy: () => stood.policy(tls, writes, looks, accesses),
        flows: stood.flows,
        accesses: stood.accesses,
      };
      for (const step of order) await steps[step]();
      await stood.edge();
      const expected = order.indexOf("policy") > order.indexOf("flows") ? "starts" : REPLACED;
      assert.equal(await stood.start(), expected);
    }),
    { numRuns: 12 },
  ));

test.run();
