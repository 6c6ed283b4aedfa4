import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { exampleGraph, type Graph } from "../../program/graph.ts";
import { nameLimits, namings, unnamed } from "./awsNames.ts";
import { accepted, awsRules, valuesAt } from "./awsRules.ts";

const stacks: Graph[] = [];
for (const stack of ["prod", "dev", "prod-edge", "prod-us-east-1", "prod-us-west-2"] as const)
  stacks.push(await exampleGraph(stack));

for (const { stack, resources } of stacks) {
  test(`AWS would take every argument of ${stack}`, () =>
    assert.deepEqual(
      awsRules.flatMap((rule) =>
        resources
          .filter(({ type }) => type === rule.type)
          .flatMap((resource) =>
            valuesAt(resource.inputs, rule.path)
              .filter((value) => !accepted(rule, value, resource))
              .map(() => `${resource.name}: ${rule.path} ${rule.says} (${rule.source})`),
          ),
      ),
      [],
    ));
}

/** Names that are longer than AWS takes. */
const tooLong = ({ stack, resources }: Pick<Graph, "stack" | "resources">, nameOf: (typeof namings)[number][1]) =>
  resources.flatMap(({ type, name, inputs }) => {
    const named = nameLimits[type];
    if (named === undefined) return [];
    const given = inputs[named.path];
    const text = typeof given === "string" ? given : nameOf(stack, name);
    return text.length > named.most ? [`${text}: ${type} takes ${named.most} characters (${named.source})`] : [];
  });

for (const graph of stacks)
  for (const [says, nameOf] of namings)
    test(`AWS would take ${says} in ${graph.stack}`, () => assert.deepEqual(tooLong(graph, nameOf), []));

test("with names that begin with the stack's, docs/deploy.md says how long the stack's may be", () => {
  const [, nameOf] = namings.find(([says]) => says === "names that begin with the stack's")!;
  const fits = (length: number) =>
    stacks.every(({ resources }) => tooLong({ stack: "s".repeat(length), resources }, nameOf).length === 0);
  const longest = Array.from({ length: 45 }, (_, at) => at + 1).findLast(fits);
  const page = readFileSync(new URL("../../docs/deploy.md", import.meta.url), "utf8");
  const told = /a stack's name may then have (\d+) characters at most/.exec(page)?.[1];
  assert.equal(told, String(longest));
});

test("a name that is too long is reported, with the length that AWS accepts", () => {
  const cache = stacks
    .find(({ stack }) => stack === "prod-us-east-1")!
    .resources.filter(({ type }) => type === "aws:elasticache/replicationGroup:ReplicationGroup");
  assert.deepEqual(
    tooLong({ stack: "prod-us-east-1", resources: cache }, (stack, name) => `triggers-${stack}-${name}-0123456`),
    [
      "triggers-prod-us-east-1-cache-group-0123456: aws:elasticache/replicationGroup:ReplicationGroup takes 40 characters (ElastiCache API, CreateReplicationGroup)",
    ],
  );
});

test("each type of resource has a longest name, or has no name", () => {
  const types = stacks.flatMap(({ resources }) =>
    resources.filter(({ custom, type }) => custom && type.startsWith("aws:")),
  );
  assert.deepEqual(
    [...new Set(types.map(({ type }) => type))].filter((type) => type in nameLimits === unnamed.has(type)),
    [],
  );
});

test("every type of resource has rules", () => {
  const covered = new Set(awsRules.map(({ type }) => type));
  const types = new Set(
    stacks.flatMap(({ resources }) => resources.filter(({ custom }) => custom).map(({ type }) => type)),
  );
  assert.deepEqual(
    [...types].filter((type) => !covered.has(type)),
    [],
  );
});

test("every rule refuses what AWS refuses", () => {
  const anything = { inputs: { extendedS3Configuration: { dynamicPartitioningConfiguration: { enabled: true } } } };
  assert.deepEqual(
    awsRules
      .filter(({ bad }) => bad !== undefined)
      .filter((rule) => {
        const whole = rule.path.includes("skipDestroy") || rule.path === "vpcConfig";
        return accepted(rule, rule.bad, whole ? { inputs: { skipDestroy: true, environment: {} } } : anything);
      })
      .map(({ type, path }) => `${type} ${path}`),
    [],
  );
});

const combinations: [says: string, type: string, path: string, value: unknown, inputs: Record<string, unknown>][] = [
  [
    "provisioned pollers beside a maximum concurrency",
    "aws:lambda/eventSourceMapping:EventSourceMapping",
    "scalingConfig",
    {},
    { provisionedPollerConfig: {} },
  ],
  [
    "a distribution that promises TLS 1.2 under CloudFront's own name",
    "aws:cloudfront/distribution:Distribution",
    "viewerCertificate.cloudfrontDefaultCertificate",
    true,
    { viewerCertificate: { cloudfrontDefaultCertificate: true, minimumProtocolVersion: "TLSv1.2_2021" } },
  ],
  [
    "a change through a group of origins",
    "aws:cloudfront/distribution:Distribution",
    "orderedCacheBehaviors",
    [{ targetOriginId: "docs", allowedMethods: ["GET", "HEAD", "POST"] }],
    { originGroups: [{ originId: "docs" }] },
  ],
  [
    "a web ACL of CloudFront in another region",
    "aws:wafv2/webAcl:WebAcl",
    "region",
    "eu-west-1",
    { scope: "CLOUDFRONT" },
  ],
  ["a standby without failover", "aws:elasticache/replicationGroup:ReplicationGroup", "multiAzEnabled", true, {}],
  ["a password beside a managed one", "aws:rds/instance:Instance", "manageMasterUserPassword", true, { password: "x" }],
  [
    "a security group rule with two other sides",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "ipProtocol",
    "tcp",
    { cidrIpv4: "10.0.0.0/8", prefixListId: "pl-1" },
  ],
  [
    "an egress rule with no other side",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "ipProtocol",
    "tcp",
    {},
  ],
];
for (const [says, type, path, value, inputs] of combinations)
  test(`${says} is refused`, () => {
    const rule = awsRules.find((one) => one.type === type && one.path === path)!;
    assert.equal(accepted(rule, value, { inputs }), false);
  });

test("a rule without a bad value of its own has a combination that breaks it", () => {
  const shown = new Set(combinations.map(([, type, path]) => `${type} ${path}`));
  assert.deepEqual(
    awsRules.filter(({ bad, type, path }) => bad === undefined && !shown.has(`${type} ${path}`)),
    [],
  );
});

test.run();
