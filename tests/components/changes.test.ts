import assert from "node:assert/strict";
import { test } from "uvu";
import { formerName } from "../../components/stack/formerNames.ts";
import { settingsSchema } from "../../components/stack/settings.ts";
import { exampleConfig, exampleGraph, type examples, type Graph, graphOf } from "../../program/graph.ts";
import { deletions, replacements } from "./replacements.ts";

/** A change of one setting of a running stack, and what it deletes and makes again. */
type Row = [stack: (typeof examples)[number], change: Record<string, string | undefined>, replaced: string[]];

const changedBy = (stack: Row[0], change: Row[1]): Promise<Graph> => {
  const all = { ...exampleConfig(stack) };
  for (const [setting, value] of Object.entries(change)) {
    if (value === undefined) delete all[`triggers:${setting}`];
    else all[`triggers:${setting}`] = value;
  }
  return graphOf(stack, all);
};

const rows: Row[] = [
  ["dev", { multiAz: "true", finalSnapshot: "true", deliverConcurrency: "50", routeConcurrency: "50" }, []],
  ["prod", { multiAz: "false", protect: "false" }, []],
  ["dev", { keyRegions: '["us-east-1","us-west-2"]' }, []],
  ["prod", { keyRegions: undefined, pollers: undefined }, []],
  [
    "prod",
    {
      addressLimit: "1000",
      alarmEmail: "oncall@example.com",
      archiveBufferSeconds: "60",
      auditLockDays: "500",
      backupDays: "7",
      cacheNodeType: "cache.r7g.xlarge",
      certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/ab12",
      databaseInstanceClass: "db.r7g.xlarge",
      databaseStorageGb: "200",
      domainName: "events.example.com",
      edgeLogRegions: '["us-east-1","us-west-2","eu-west-1","ap-south-1"]',
      eventShards: '[{"from":"2030-01-01T00:00:00Z","shards":32}]',
      hostLimit: "500",
      ingestConcurrency: "0",
      logRetentionDays: "30",
      smsFrom: "arn:aws:sms-voice:us-east-1:123456789012:phone-number/phone-1",
      monthlyBudgetUsd: "100",
      otlpEndpoint: "https://otlp.example.com",
      pollers: '{"minimum":2,"maximum":10}',
      reservedConcurrency: '{"ingest":100,"route":100,"deliver":100,"subscriptions":20}',
      signIn: '{"issuer":"https://id.example.com","clientId":"triggers","clientSecret":"of nobody"}',
      standbyStacks: '["acme/triggers/prod-us-west-2"]',
      tableClass: "STANDARD_INFREQUENT_ACCESS",
      traceSampleRatio: "0.1",
      warmWriteUnits: "20000",
    },
    // What a deployment does first is done again, to see that rules of partitions that have begun are kept.
    ["aws:lambda/invocation:Invocation::bootstrap"],
  ],
  // Another domain is another identity, which has to be proved anew; another address of the same is none.
  ["prod", { mailFrom: "reports@mail.example.com" }, []],
  ["prod-edge", { homeStack: "acme/triggers/other-home" }, []],
  ["prod-us-east-1", { edgeStack: "acme/triggers/other-edge" }, []],
  // URLs of an alias instead of URLs of the newest code: new ones, which the distribution takes before the old ones go.
  [
    "dev",
    { gradualDeploys: "true" },
    [
      "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig::publish",
      "aws:lambda/functionUrl:FunctionUrl::api",
      "aws:lambda/functionUrl:FunctionUrl::console",
      "aws:lambda/functionUrl:FunctionUrl::ingest",
      "aws:lambda/permission:Permission::api-invoke",
      "aws:lambda/permission:Permission::api-url",
      "aws:lambda/permission:Permission::console-invoke",
      "aws:lambda/permission:Permission::console-url",
      "aws:lambda/permission:Permission::ingest-invoke",
      "aws:lambda/permission:Permission::ingest-url",
      "aws:lambda/permission:Permission::live-may-admit",
      "aws:lambda/permission:Permission::live-may-connect",
      "aws:lambda/permission:Permission::live-may-default",
      "aws:lambda/permission:Permission::live-may-disconnect",
    ],
  ],
  // A bucket is made with or without a lock, and a network in its zones: docs/configuration.md says so.
  [
    "dev",
    { auditLockDays: "400" },
    [
      "aws:s3/bucket:Bucket::audit-bucket",
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration::audit-lifecycle",
      "aws:s3/bucketLogging:BucketLogging::audit-logging",
      "aws:s3/bucketOwnershipControls:BucketOwnershipControls::audit-ownership",
      "aws:s3/bucketPolicy:BucketPolicy::audit-bucket",
      "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock::audit-access",
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration::audit-encryption",
      "aws:s3/bucketVersioning:BucketVersioning::audit-versioning",
    ],
  ],
  [
    "dev",
    { availabilityZones: '["us-east-1a","us-east-1b","us-east-1d"]' },
    [
      "aws:ec2/routeTableAssociation:RouteTableAssociation::network-vpc-isolated-3",
      "aws:ec2/subnet:Subnet::network-vpc-isolated-3",
    ],
  ],
];
for (const [stack, change, replaced] of rows)
  test(`${stack} with other ${Object.keys(change).join(", ")} replaces ${replaced.length === 0 ? "nothing" : "what its row tells"}`, async () =>
    assert.deepEqual(replacements(await exampleGraph(stack), await changedBy(stack, change)), replaced));

test("every setting that a running stack may change has been changed", () => {
  const changed = new Set(rows.flatMap(([, change]) => Object.keys(change)));
  // Only the local platform may set the one; the other says what a stack is.
  const never = ["allowLoopbackWebhooks", "role"];
  assert.deepEqual(
    Object.keys(settingsSchema.shape).filter((setting) => !changed.has(setting) && !never.includes(setting)),
    [],
  );
});

test("a change shows which resources it replaces, with those that depend on them", async () => {
  const prod = await exampleGraph("prod");
  const moved = prod.resources.map((one) =>
    one.name === "network-vpc-isolated-1" && one.type === "aws:ec2/subnet:Subnet"
      ? { ...one, inputs: { ...one.inputs, cidrBlock: "10.64.16.0/20" } }
      : one,
  );
  assert.deepEqual(replacements(prod, { ...prod, resources: moved }), [
    "aws:ec2/routeTableAssociation:RouteTableAssociation::network-vpc-isolated-1",
    "aws:ec2/subnet:Subnet::network-vpc-isolated-1",
    "aws:rds/proxy:Proxy::database-proxy",
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup::database-targets",
    "aws:rds/proxyTarget:ProxyTarget::database-target",
  ]);
});

/**
 * The stack as an earlier version of the program deployed it, under the former names. An explicit argument that repeats a
 * resource's name had the former name too; outputs, and so references, are as they are, for names in AWS last as long as a resource.
 */
function formerly(graph: Graph): Graph {
  const resources = graph.resources.map((one) => {
    const former = formerName(one.name);
    if (former === undefined) return one;
    const inputs = Object.entries(one.inputs).map(([argument, value]) => [
      argument,
      value === one.name ? former : value,
    ]);
    return { ...one, name: former, aliases: [], inputs: Object.fromEntries(inputs) };
  });
  return { ...graph, resources };
}

for (const stack of ["prod", "dev", "prod-us-east-1", "prod-edge"] as const)
  test(`a stack of ${stack} with the former names keeps all its resources`, async () => {
    const now = await exampleGraph(stack);
    assert.deepEqual(deletions(formerly(now), now), []);
    assert.deepEqual(replacements(formerly(now), now), []);
  });

test("a renamed resource without an alias, or with a fixed name in AWS, would be lost", async () => {
  const now = await exampleGraph("prod");
  const logs = "aws:cloudwatch/logGroup:LogGroup::job-logs";
  const changed = (change: (one: Graph["resources"][number]) => object): Graph => ({
    ...now,
    resources: now.resources.map((one) => (one.name === "retain-logs" ? { ...one, ...change(one) } : one)),
  });
  assert.deepEqual(
    deletions(
      formerly(now),
      changed(() => ({ aliases: [] })),
    ),
    [logs],
  );
  const named = changed(({ inputs }) => ({ inputs: { ...inputs, name: "retain-logs" } }));
  assert.deepEqual(replacements(formerly(named), named), [logs]);
});

test.run();
