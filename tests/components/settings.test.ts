import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { test } from "uvu";
import { normaliseSettings, type Surroundings } from "../../components/stack/settings.ts";
import { exampleConfig } from "../../program/graph.ts";

const deployed: Surroundings = { stack: "prod-eu", region: "eu-west-1", deployed: true };

/** What a protected stack with an edge has to name. */
const own = {
  domainName: "events.acme.com",
  certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
};

const problems = (raw: Record<string, string>, around: Surroundings = deployed): string[] => {
  const named = "domainName" in raw || "certificateArn" in raw || "protect" in raw;
  try {
    normaliseSettings(named ? raw : { ...own, ...raw }, around);
    return [];
  } catch (error) {
    const [first, ...rest] = (error as Error).message.split("\n  - ");
    assert.equal(first, `the stack's configuration has ${rest.length} problem(s):`);
    return rest;
  }
};

test("a configuration of nothing but a name gives the secure defaults", () => {
  const settings = normaliseSettings(own, deployed);
  assert.equal(settings.protect, true);
  assert.equal(settings.multiAz, true);
  assert.equal(settings.allowLoopbackWebhooks, false);
  assert.deepEqual(settings.keyRegions, ["eu-west-1"]);
  assert.deepEqual(settings.domain, { name: own.domainName, certificateArn: own.certificateArn });
});

const NEEDED =
  "domainName, certificateArn: are needed where protect is true, since CloudFront's own name speaks TLS 1.0";
const refused: [says: string, raw: Record<string, string>, problems: string[], around?: Surroundings][] = [
  ["an unknown setting", { protekt: "true" }, ["protekt: no such setting"]],
  ["a word for a number", { backupDays: "many" }, ["backupDays: Invalid input: expected number, received string"]],
  ["a number past its range", { backupDays: "36" }, ["backupDays: Too big: expected number to be <=35"]],
  ["a number before its range", { routeConcurrency: "1" }, ["routeConcurrency: Too small: expected number to be >=2"]],
  [
    "a retention that CloudWatch refuses",
    { logRetentionDays: "2" },
    [
      "logRetentionDays: must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653",
    ],
  ],
  ["a protected stack under CloudFront's own name", { protect: "true" }, [NEEDED]],
  ["a protected edge under CloudFront's own name", { protect: "true", role: "edge" }, [NEEDED]],
  [
    "the name of an example in a deployment",
    { ...own, domainName: "events.example.com" },
    ["domainName: events.example.com is an example's, set your own"],
  ],
  [
    "a host without its certificate",
    { domainName: "events.acme.com" },
    ["domainName, certificateArn: one needs the other"],
  ],
  [
    "a certificate of another region",
    { domainName: "events.acme.com", certificateArn: "arn:aws:acm:eu-west-1:123456789012:certificate/ab12" },
    ["certificateArn: must be the ARN of a certificate in us-east-1"],
  ],
  [
    "warm environments without an alias to keep warm",
    { ingestConcurrency: "5", gradualDeploys: "false" },
    ["ingestConcurrency: needs gradualDeploys, since only an alias can be kept warm"],
  ],
  [
    "pollers beside a ceiling",
    { pollers: '{"minimum":2,"maximum":9}', routeConcurrency: "5" },
    ["pollers: can't stand beside routeConcurrency or deliverConcurrency"],
  ],
  [
    "more pollers at least than at most",
    { pollers: '{"minimum":9,"maximum":2}' },
    ["pollers: minimum must not be above maximum"],
  ],
  [
    "loopback webhooks in a deployment",
    { allowLoopbackWebhooks: "true" },
    ["allowLoopbackWebhooks: only the local platform may set it, never a deployment"],
  ],
  [
    "spans in the clear, even to this machine",
    { otlpEndpoint: "http://127.0.0.1:4318" },
    ["otlpEndpoint: must begin with https://"],
  ],
  [
    "spans in the clear to another machine, locally too",
    { otlpEndpoint: "http://127.example.com:4318" },
    ["otlpEndpoint: must begin with https://"],
    { ...deployed, deployed: false },
  ],
  [
    "a key in the address of spans",
    { otlpEndpoint: "https://key@otlp.example.com/" },
    ["otlpEndpoint: must have no user, query or fragment"],
  ],
  ["a ratio above all", { traceSampleRatio: "1.1" }, ["traceSampleRatio: Too big: expected number to be <=1"]],
  [
    "an archive that never waits, which its stream can't do",
    { archiveBufferSeconds: "0" },
    ["archiveBufferSeconds: Too small: expected number to be >=1"],
  ],
  [
    "more storage than RDS can let grow",
    { databaseStorageGb: "59579" },
    ["databaseStorageGb: Too big: expected number to be <=59578"],
  ],
  ...["my_stack", "Prod", "prod.eu", "prod--eu", "prod-", "x".repeat(46)].map((stack): (typeof refused)[number] => [
    `the stack's name ${stack}, of which AWS would refuse names`,
    {},
    [`the stack's name ${stack}: must be lower-case letters, digits and single hyphens between them, 45 at most`],
    { ...deployed, stack },
  ]),
  ...["cn-north-1", "us-gov-west-1", "us-iso-east-1"].map((region): (typeof refused)[number] => [
    `the region ${region}, where ARNs begin otherwise`,
    {},
    [`aws:region: must be set to a region of the partition aws`],
    { ...deployed, region },
  ]),
  [
    "a stack without a region",
    {},
    ["aws:region: must be set to a region of the partition aws"],
    { ...deployed, region: undefined },
  ],
  [
    "replicas elsewhere but not here",
    { keyRegions: '["us-east-1"]' },
    ["keyRegions: must contain the stack's own region, eu-west-1"],
  ],
  ["an unknown role", { role: "moon" }, ['role: Invalid option: expected one of "all"|"edge"|"region"|"standby"']],
  ["a region without its edge", { role: "region" }, ["edgeStack: is needed in the role region"]],
  [
    "a standby without a home region",
    { role: "standby", edgeStack: "acme/triggers/edge" },
    ["homeStack: is needed in the role standby"],
  ],
  [
    "another stack's edge beside one's own",
    { edgeStack: "acme/triggers/edge" },
    ["edgeStack: has no meaning in the role all"],
  ],
  [
    "standby regions without a home region",
    { role: "edge", standbyStacks: '["acme/triggers/west"]' },
    ["standbyStacks: a standby region needs a home region, so name homeStack too"],
  ],
  [
    "standby regions of a region without an edge",
    { role: "region", edgeStack: "acme/triggers/edge", standbyStacks: '["acme/triggers/west"]' },
    ["standbyStacks: has no meaning in the role region"],
  ],
  [
    "a stack by its short name",
    { role: "region", edgeStack: "edge" },
    ["edgeStack: must be a stack's full name, such as acme/triggers/prod-edge"],
  ],
  [
    "a network of two zones",
    { availabilityZones: '["eu-west-1a","eu-west-1b"]' },
    ["availabilityZones: Too small: expected array to have exactly 3 items"],
  ],
  [
    "a zone twice",
    { availabilityZones: '["eu-west-1a","eu-west-1b","eu-west-1a"]' },
    ["availabilityZones: must not name a zone twice"],
  ],
  [
    "a zone of another region",
    { availabilityZones: '["eu-west-1a","eu-west-1b","us-east-1a"]' },
    ["availabilityZones: not of the region eu-west-1: us-east-1a"],
  ],
  [
    "less concurrency than is kept warm",
    { reservedConcurrency: '{"ingest":5}', ingestConcurrency: "20" },
    ["reservedConcurrency: ingest must not be below ingestConcurrency, which is kept warm out of it"],
  ],
  [
    "more messages at once than the function may run for",
    { reservedConcurrency: '{"route":10}', routeConcurrency: "50" },
    [
      "reservedConcurrency: route must not be below routeConcurrency: messages taken off the queue beyond it are refused",
    ],
  ],
  [
    "rules of partitions out of order",
    { eventShards: '[{"from":"2027-02-01T00:00:00Z","shards":16},{"from":"2027-01-01T00:00:00Z","shards":32}]' },
    ["eventShards: must be in the order of time"],
  ],
  [
    "a rule of partitions with a wrong time, number and customer",
    { eventShards: '[{"from":"tomorrow","shards":12,"customers":["cus_1"]}]' },
    [
      "eventShards.0.from: must be a time in UTC, such as 2027-01-31T00:00:00Z",
      "eventShards.0.shards: must be 8, 16, 32, 64 or 128",
      "eventShards.0.customers.0: must be a customer's id",
    ],
  ],
  [
    "concurrency for an unknown function",
    { reservedConcurrency: '{"moon":10}' },
    ["reservedConcurrency.moon: no such setting"],
  ],
  ["a limit that WAF does not take", { addressLimit: "9" }, ["addressLimit: Too small: expected number to be >=10"]],
  ["a region twice", { keyRegions: '["eu-west-1","eu-west-1"]' }, ["keyRegions: must not name a region twice"]],
];
for (const [says, raw, expected, around] of refused) {
  test(`${says} is refused`, () => assert.deepEqual(problems(raw, around), expected));
}

test("only a protected stack with an edge needs a name", () => {
  const region = { role: "region", edgeStack: "acme/triggers/edge" };
  for (const raw of [{ protect: "false" }, region, { protect: "false", role: "edge" }])
    assert.equal(normaliseSettings(raw, deployed).domain, undefined);
});

test("the local platform accepts the domain name of an example", () => {
  const example = { ...own, domainName: "events.example.com" };
  assert.equal(normaliseSettings(example, { ...deployed, deployed: false }).domain?.name, "events.example.com");
});

test("all problems are reported together", () =>
  assert.deepEqual(problems({ colour: "red", backupDays: "0", multiAz: "perhaps" }).sort(), [
    "backupDays: Too small: expected number to be >=1",
    "colour: no such setting",
    "multiAz: Invalid input: expected boolean, received string",
  ]));

test("the engine shows the problem, not its place in the code", () =>
  assert.throws(() => normaliseSettings({ protekt: "true" }, deployed), pulumi.RunError));

test("the local platform may let webhooks point at this machine", () =>
  assert.equal(
    normaliseSettings({ ...own, allowLoopbackWebhooks: "true" }, { ...deployed, deployed: false })
      .allowLoopbackWebhooks,
    true,
  ));

test("spans go to any host by https, and to a receiver beside the local platform by http too", () => {
  const local: Surroundings = { ...deployed, deployed: false };
  const endpoints: [url: string, around: Surroundings][] = [
    ["https://otlp.example.com/v1/otlp", deployed],
    ["http://127.0.0.1:4318", local],
    ["http://localhost:4318", local],
  ];
  for (const [otlpEndpoint, around] of endpoints)
    assert.equal(normaliseSettings({ ...own, otlpEndpoint }, around).otlpEndpoint, otlpEndpoint);
});

test("a deployment of the local stack is refused", () => {
  const raw = Object.entries(exampleConfig("local")).filter(([key]) => key.startsWith("triggers:"));
  const values = Object.fromEntries(raw.map(([key, value]) => [key.slice("triggers:".length), value]));
  assert.deepEqual(problems(values), ["allowLoopbackWebhooks: only the local platform may set it, never a deployment"]);
});

test.run();
