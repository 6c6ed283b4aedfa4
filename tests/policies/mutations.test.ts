import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import type { Configuration } from "../../policies/evaluate.ts";
import { type Resource, type Rule, stackOf } from "../../policies/rule.ts";
import { rules, themes } from "../../policies/rules.ts";
import { declaredByVpc, type VpcArguments } from "../../program/crosswalk.ts";
import { argumentsOf } from "./arguments.ts";
import { harmless } from "./harmless.ts";
import { alarm, block, lambda, queue, rows, table } from "./mutations.ts";
import { broken, findings, program, resourceOf, without } from "./program.ts";

/**
 * Every rule is shown to bite: our own program complies, and with one thing broken exactly that rule speaks, in these
 * words. `undefined` and `false` are different rows, since a provider's default decides about the first.
 */
const configuration = JSON.parse(
  readFileSync(new URL("../../policies/configuration.json", import.meta.url), "utf8"),
) as Configuration;

const by = (name: string) => rules.find((rule) => rule.name === name)!;

test("our prod stack complies, except for the listed exceptions", () =>
  assert.deepEqual(findings(program, configuration), []));

for (const [rule, type, name, path, value, problem, subject = name] of rows)
  test(`${rule} speaks when ${path} of ${name} is ${JSON.stringify(value)?.slice(0, 200) ?? "missing"}`, () =>
    assert.deepEqual(findings(broken(type, name, path, value), configuration), [
      `${rule}: ${subject}: ${problem}. ${by(rule).remedy}`,
    ]));

const subnets = (type: "Private" | "Public" | "Isolated") => ({ type, cidrMask: 20 });

/** The stack with what awsx would declare for other arguments of its network, of two zones. */
const networkOf = (changed: Pick<VpcArguments, "natGateways" | "subnetSpecs">) => {
  const declared = declaredByVpc(
    "network-vpc",
    { cidrBlock: "10.64.0.0/16", availabilityZoneCidrMask: 18, subnetStrategy: "Auto", ...changed },
    ["us-east-1a", "us-east-1b"],
  );
  return [
    ...program.filter(({ name }) => !name.startsWith("network-vpc")),
    ...declared.children.map(({ type, name, id, inputs }) => ({
      type,
      name,
      urn: `urn:pulumi:prod::triggers::${type}::${name}`,
      props: { id, ...inputs },
      protect: false,
    })),
  ];
};

/** What breaks by leaving a whole resource out, or touches several rules at once by its nature. */
const larger: [rule: string, says: string, resources: () => ReturnType<typeof without>, found: string[]][] = [
  [
    "network-without-way-out",
    "the network gets public subnets, and private ones behind a NAT gateway",
    () => networkOf({ natGateways: { strategy: "Single" }, subnetSpecs: [subnets("Private"), subnets("Public")] }),
    [
      `network-without-way-out: network-vpc: ways out: Route network-vpc-public-1, Route network-vpc-private-1, Route network-vpc-public-2, Route network-vpc-private-2, NatGateway network-vpc-1. ${by("network-without-way-out").remedy}`,
      `subnet-without-public-addresses: network-vpc-public-1: what starts in the subnet gets a public address. ${by("subnet-without-public-addresses").remedy}`,
      `subnet-without-public-addresses: network-vpc-public-2: what starts in the subnet gets a public address. ${by("subnet-without-public-addresses").remedy}`,
    ],
  ],
  ...["aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway", "aws:ec2/vpnGateway:VpnGateway"].map(
    (type): (typeof larger)[number] => [
      "network-without-way-out",
      `there is a ${type}`,
      () => [
        ...program,
        { type, name: "door", urn: `urn:pulumi:prod::triggers::${type}::door`, props: {}, protect: false },
      ],
      [
        `network-without-way-out: network-vpc: ways out: ${type.split(":").at(-1)} door. ${by("network-without-way-out").remedy}`,
      ],
    ],
  ),
  [
    "events-expire",
    "a table of events keeps them for ever, and so has to be backed up whole",
    () => broken(table, "events-table", "ttl", undefined),
    [
      `data-in-backup-plan: events-table: no backup plan selects it. ${by("data-in-backup-plan").remedy}`,
      `events-expire: events-table: items stay for ever. ${by("events-expire").remedy}`,
    ],
  ],
  [
    "vault-locked",
    "the lock is gone",
    () => without("aws:backup/vaultLockConfiguration:VaultLockConfiguration", "backups-lock"),
    [`vault-locked: backups-vault: backups can be deleted. ${by("vault-locked").remedy}`],
  ],
  [
    "bucket-tls",
    "a bucket's policy is gone",
    () => without("aws:s3/bucketPolicy:BucketPolicy", "exports-bucket"),
    [`bucket-tls: exports-bucket: no policy refuses requests without TLS. ${by("bucket-tls").remedy}`],
  ],
  [
    "queue-tls",
    "a queue's policy is gone",
    () => without("aws:sqs/queuePolicy:QueuePolicy", "retry-queue"),
    [`queue-tls: retry-queue: no policy refuses requests without TLS. ${by("queue-tls").remedy}`],
  ],
  [
    "topic-tls",
    "a topic's policy is gone",
    () => without("aws:sns/topicPolicy:TopicPolicy", "alarms-topic"),
    [`topic-tls: alarms-topic: no policy refuses requests without TLS. ${by("topic-tls").remedy}`],
  ],
  [
    "bucket-not-public",
    "a bucket's block is gone",
    () => without(block, "exports-access"),
    [`bucket-not-public: exports-bucket: public access is not blocked. ${by("bucket-not-public").remedy}`],
  ],
  [
    "bucket-ages",
    "a bucket's rules are gone",
    () => without("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "archive-lifecycle"),
    [`bucket-ages: archive-bucket: objects stay for ever as they are. ${by("bucket-ages").remedy}`],
  ],
  [
    "bucket-logs",
    "a bucket's log is gone",
    () => without("aws:s3/bucketLogging:BucketLogging", "archive-logging"),
    [`bucket-logs: archive-bucket: accesses are not logged. ${by("bucket-logs").remedy}`],
  ],
  [
    "distribution-logs",
    "the distribution's log is gone",
    () => without("aws:cloudwatch/logDeliverySource:LogDeliverySource", "access-log"),
    [`distribution-logs: edge-distribution: requests are not logged. ${by("distribution-logs").remedy}`],
  ],
  [
    "function-watched",
    "an alarm of a function is gone",
    () => without(alarm, "route-throttles-alarm"),
    [`function-watched: route: no alarm watches Throttles. ${by("function-watched").remedy}`],
  ],
  [
    "queue-watched",
    "the alarm of a dead-letter queue is gone",
    () => without(alarm, "jobs-dead-alarm"),
    [`queue-watched: jobs-dead: no alarm watches ApproximateNumberOfMessagesVisible. ${by("queue-watched").remedy}`],
  ],
  [
    "edge-watched",
    "the alarm of the edge function is gone",
    () => without(alarm, "edge-function-alarm"),
    [
      `edge-watched: edge-distribution: no alarm watches LambdaExecutionError, LambdaValidationError, LambdaLimitExceededErrors. ${by("edge-watched").remedy}`,
    ],
  ],
  [
    "function-logs",
    "a log group is gone",
    () => without("aws:cloudwatch/logGroup:LogGroup", "sweep-logs"),
    [`function-logs: sweep: its log group is none of the stack's. ${by("function-logs").remedy}`],
  ],
  [
    "role-of-one-function",
    "two functions share a role",
    () => broken(lambda, "sweep", "role", resourceOf(lambda, "route").props.role),
    [
      `role-of-one-function: route: the role also serves sweep. ${by("role-of-one-function").remedy}`,
      `role-of-one-function: sweep: the role also serves route. ${by("role-of-one-function").remedy}`,
    ],
  ],
  [
    "key-of-one-purpose",
    "a secret takes the key of a queue",
    () =>
      broken(
        "aws:secretsmanager/secret:Secret",
        "operator-secret",
        "kmsKeyId",
        resourceOf(queue, "jobs-queue").props.kmsMasterKeyId,
      ),
    [
      `key-of-one-purpose: jobs-key: the key serves aws:secretsmanager/secret:Secret and aws:sqs/queue:Queue. ${by("key-of-one-purpose").remedy}`,
    ],
  ],
  [
    "visibility-covers-consumer",
    "a queue hides messages too briefly",
    () => broken(queue, "ingest-queue", "visibilityTimeoutSeconds", 60),
    [
      `visibility-covers-consumer: route-ingest: ingest-queue hides a message 60 s, route may run 30 s. ${by("visibility-covers-consumer").remedy}`,
    ],
  ],
  [
    "source-has-failure-path",
    "a queue loses its dead-letter queue",
    () => broken(queue, "ingest-queue", "redrivePolicy", undefined),
    [
      `queue-watched: ingest-queue: no alarm watches ApproximateNumberOfMessagesVisible. ${by("queue-watched").remedy}`,
      `queue-has-dead-letters: ingest-dead: the queue has no dead-letter queue. ${by("queue-has-dead-letters").remedy}`,
      `queue-has-dead-letters: ingest-queue: the queue has no dead-letter queue. ${by("queue-has-dead-letters").remedy}`,
      `source-has-failure-path: route-ingest: ingest-queue has no dead-letter queue. ${by("source-has-failure-path").remedy}`,
    ],
  ],
  [
    "region-allowed",
    "a queue is in a region that is not allowed",
    () => broken(queue, "ingest-queue", "region", "ap-southeast-2"),
    [
      `region-allowed: ingest-queue: ap-southeast-2 is not an allowed region. ${by("region-allowed").remedy}`,
      `only-edge-outside-region: ingest-queue: declared for ap-southeast-2 by itself. ${by("only-edge-outside-region").remedy}`,
    ],
  ],
];
for (const [rule, says, resources, found] of larger)
  test(`${rule} speaks when ${says}`, () => assert.deepEqual(findings(resources(), configuration), found));

test("every rule has a row above that breaks it", () => {
  const shown = new Set([...rows, ...larger].map(([rule]) => rule));
  assert.deepEqual(
    rules.filter(({ name }) => !shown.has(name)).map(({ name }) => name),
    [],
  );
});

/** What shuts out others: these rules have to hold against every argument. One compares keys, and so reads all of them. */
const strict = ["Encryption at rest", "Encryption in transit", "Exposure"]
  .flatMap((theme) => themes[theme]!)
  .filter(({ name }) => name !== "key-of-one-purpose");
/** A row that sets a whole part sets what is in it too; one that takes it away says nothing about its members. */
const sets = (value: unknown): boolean => value !== undefined && JSON.stringify(value) !== "[]";
const identity = new Set(["arn", "url", "bucket", "id", "name", "qualifiedArn", "queueUrl"]);

/** Every argument that a rule reads before it lets our program pass, `type argument` with `*` for members of a list. */
function readBy(rule: Rule): ReadonlySet<string> {
  const read = new Set<string>();
  const watched = (value: unknown, path: string, type: string): unknown => {
    if (typeof value !== "object" || value === null) {
      if (path !== "") read.add(`${type} ${path}`);
      return value;
    }
    return new Proxy(value, {
      get(target, member, receiver) {
        const found = Reflect.get(target, member, receiver) as unknown;
        if (typeof member === "symbol" || typeof found === "function" || (Array.isArray(target) && member === "length"))
          return found;
        const step = Array.isArray(target) ? "*" : member;
        return watched(found, path === "" ? step : `${path}.${step}`, type);
      },
    });
  };
  const stack = stackOf(
    program.map((one) => ({ ...one, props: watched(one.props, "", one.type) as Resource["props"] })),
  );
  for (const subject of rule.subjects.flatMap((type) => stack.of(type))) rule.check(subject, stack);
  return read;
}

test("a rule that shuts out others has a row for every argument that it reads", () => {
  const covering = rows.map(([rule, type, , path, value]) => {
    const argument = `${rule}: ${type} ${path.replaceAll("/", ".").replace(/\.\d+/g, ".*")}`;
    return (one: string) => one === argument || (sets(value) && one.startsWith(`${argument}.`));
  });
  assert.deepEqual(
    strict.flatMap((rule) => {
      const read = [...readBy(rule)].filter((argument) => !identity.has(argument.split(" ")[1]!));
      return (
        read
          // A part that only some resources have is read as a whole where it is missing.
          .filter((one) => !read.some((other) => other.startsWith(`${one}.`)))
          .map((argument) => `${rule.name}: ${argument}`)
          .filter((argument) => !covering.some((covers) => covers(argument)))
      );
    }),
    [],
  );
});

test("every argument of the provider about encryption, TLS or exposure breaks a rule, or is listed as harmless", () => {
  const rowed = rows.map(([, type, , path, value]) => {
    const argument = `${type} ${path.replaceAll("/", ".").replace(/\.\d+/g, "")}`;
    return (one: string) => one === argument || (sets(value) && one.startsWith(`${argument}.`));
  });
  const told = harmless.map(
    ([type, argument]) =>
      (one: string) =>
        one === `${type} ${argument}` || one.startsWith(`${type} ${argument}.`),
  );
  const types = [...new Set(program.map(({ type }) => type))].filter((type) => type.startsWith("aws:"));
  const known = argumentsOf(types);
  assert.deepEqual(
    known.filter((one) => ![...rowed, ...told].some((covers) => covers(one))),
    [],
    "neither a row nor a reason",
  );
  assert.deepEqual(
    harmless.filter((_, at) => !known.some((one) => told[at]!(one))).map(([type, argument]) => `${type} ${argument}`),
    [],
    "a reason for what the provider doesn't have",
  );
});

test.run();
