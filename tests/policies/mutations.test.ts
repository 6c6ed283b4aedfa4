import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { refusePlainText } from "../../components/permissions.ts";
import { declaredByVpc, type VpcArguments } from "../../policies/crosswalk.ts";
import type { Configuration } from "../../policies/evaluate.ts";
import { rules } from "../../policies/rules.ts";
import { broken, findings, program, resourceOf, without } from "./program.ts";

/**
 * Every rule is shown to bite: our own program complies, and with one thing broken exactly that rule speaks, in these
 * words. `undefined` and `false` are different rows, since a provider's default decides about the first.
 */
const configuration = JSON.parse(
  readFileSync(new URL("../../policies/configuration.json", import.meta.url), "utf8"),
) as Configuration;

const queue = "aws:sqs/queue:Queue";
const table = "aws:dynamodb/table:Table";
const lambda = "aws:lambda/function:Function";
const bucket = "aws:s3/bucket:Bucket";
const key = "aws:kms/key:Key";
const rds = "aws:rds/instance:Instance";
const valkey = "aws:elasticache/replicationGroup:ReplicationGroup";
const stream = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream";
const distribution = "aws:cloudfront/distribution:Distribution";
const policy = "aws:iam/rolePolicy:RolePolicy";
const alarm = "aws:cloudwatch/metricAlarm:MetricAlarm";
const block = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const ingress = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const egress = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";
const mapping = "aws:lambda/eventSourceMapping:EventSourceMapping";

const allowing = (action: string, resource = "arn:aws:sqs:us-east-1:123456789012:ingest-queue"): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: [action], Resource: [resource] }] });
const open = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Principal: "*", Action: "sqs:SendMessage", Resource: "*" },
    refusePlainText(["sqs:SendMessage"], ["*"]),
  ],
});

type Row = [rule: string, type: string, name: string, path: string, by: unknown, problem: string];

const rows: Row[] = [
  [
    "queue-own-key",
    queue,
    "ingest-queue",
    "kmsMasterKeyId",
    undefined,
    "`kmsMasterKeyId` names no customer-managed key",
  ],
  [
    "queue-own-key",
    queue,
    "ingest-queue",
    "kmsMasterKeyId",
    "alias/aws/sqs",
    "`kmsMasterKeyId` names no customer-managed key",
  ],
  [
    "topic-own-key",
    "aws:sns/topic:Topic",
    "alarms-topic",
    "kmsMasterKeyId",
    undefined,
    "`kmsMasterKeyId` names no customer-managed key",
  ],
  [
    "log-group-own-key",
    "aws:cloudwatch/logGroup:LogGroup",
    "route-logs",
    "kmsKeyId",
    undefined,
    "`kmsKeyId` names no customer-managed key",
  ],
  [
    "secret-own-key",
    "aws:secretsmanager/secret:Secret",
    "pepper-secret",
    "kmsKeyId",
    undefined,
    "`kmsKeyId` names no customer-managed key",
  ],
  [
    "vault-own-key",
    "aws:backup/vault:Vault",
    "backups-vault",
    "kmsKeyArn",
    undefined,
    "`kmsKeyArn` names no customer-managed key",
  ],
  [
    "schedule-own-key",
    "aws:scheduler/schedule:Schedule",
    "sweep-schedule",
    "kmsKeyArn",
    undefined,
    "`kmsKeyArn` names no customer-managed key",
  ],
  [
    "table-own-key",
    table,
    "events-table",
    "serverSideEncryption",
    undefined,
    "`serverSideEncryption.kmsKeyArn` names no customer-managed key",
  ],
  ["database-own-key", rds, "database-instance", "kmsKeyId", undefined, "`kmsKeyId` names no customer-managed key"],
  [
    "database-password-own-key",
    rds,
    "database-instance",
    "masterUserSecretKmsKeyId",
    undefined,
    "`masterUserSecretKmsKeyId` names no customer-managed key",
  ],
  [
    "database-insights-own-key",
    rds,
    "database-instance",
    "performanceInsightsKmsKeyId",
    undefined,
    "`performanceInsightsKmsKeyId` names no customer-managed key",
  ],
  ["cache-own-key", valkey, "cache-group", "kmsKeyId", undefined, "`kmsKeyId` names no customer-managed key"],
  [
    "stream-own-key",
    stream,
    "retention-stream",
    "serverSideEncryption/keyArn",
    undefined,
    "`serverSideEncryption.keyArn` names no customer-managed key",
  ],
  [
    "stream-target-own-key",
    stream,
    "retention-stream",
    "extendedS3Configuration/kmsKeyArn",
    undefined,
    "`extendedS3Configuration.kmsKeyArn` names no customer-managed key",
  ],
  [
    "function-settings-own-key",
    lambda,
    "route",
    "kmsKeyArn",
    undefined,
    "`kmsKeyArn` names no customer-managed key though the function has an environment",
  ],
  [
    "table-replica-own-key",
    table,
    "keys-table",
    "replicas/0/kmsKeyArn",
    undefined,
    "replicas without a key of their region: us-west-2",
  ],
  [
    "table-replica-own-key",
    table,
    "keys-table",
    "replicas/1/kmsKeyArn",
    "arn:aws:kms:us-west-2:123456789012:key/other",
    "replicas without a key of their region: eu-west-1",
  ],
  [
    "bucket-own-key",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "archive-encryption",
    "rules/0/applyServerSideEncryptionByDefault/sseAlgorithm",
    "AES256",
    "objects are not encrypted with a customer-managed key",
  ],
  ["key-rotates", key, "store-key", "enableKeyRotation", false, "the key does not rotate"],
  ["key-rotates", key, "store-key", "enableKeyRotation", undefined, "the key does not rotate"],
  [
    "key-waits-before-deletion",
    key,
    "store-key",
    "deletionWindowInDays",
    7,
    "a deletion takes effect in less than 30 days",
  ],
  [
    "viewer-tls-1-2",
    distribution,
    "edge-distribution",
    "viewerCertificate/minimumProtocolVersion",
    "TLSv1.1_2016",
    "older protocol versions than TLS 1.2 are accepted",
  ],
  [
    "viewer-tls-1-2",
    distribution,
    "edge-distribution",
    "viewerCertificate/minimumProtocolVersion",
    undefined,
    "older protocol versions than TLS 1.2 are accepted",
  ],
  [
    "viewer-https-only",
    distribution,
    "edge-distribution",
    "orderedCacheBehaviors/0/viewerProtocolPolicy",
    "redirect-to-https",
    "a cache behaviour answers plain HTTP",
  ],
  [
    "origin-tls-1-2",
    distribution,
    "edge-distribution",
    "origins/1/customOriginConfig/originSslProtocols",
    ["TLSv1", "TLSv1.2"],
    "origins reached otherwise: ingest-us-east-1",
  ],
  [
    "cache-tls",
    valkey,
    "cache-group",
    "transitEncryptionEnabled",
    undefined,
    "the cache accepts connections without TLS",
  ],
  [
    "cache-tls",
    valkey,
    "cache-group",
    "transitEncryptionMode",
    "preferred",
    "the cache accepts connections without TLS",
  ],
  [
    "database-tls",
    "aws:rds/parameterGroup:ParameterGroup",
    "database-parameters",
    "parameters/0/value",
    "0",
    "the parameter `rds.force_ssl` is not 1",
  ],
  [
    "database-uses-parameters",
    rds,
    "database-instance",
    "parameterGroupName",
    "default.postgres17",
    "`parameterGroupName` is none of the stack's parameter groups",
  ],
  [
    "proxy-tls",
    "aws:rds/proxy:Proxy",
    "database-proxy",
    "requireTls",
    undefined,
    "the proxy accepts connections without TLS",
  ],
  [
    "strict-transport",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
    "security-headers",
    "securityHeadersConfig/strictTransportSecurity/accessControlMaxAgeSec",
    3600,
    "Strict-Transport-Security is missing or shorter than two years",
  ],
  ["bucket-not-public", block, "archive-access", "blockPublicPolicy", false, "not set: blockPublicPolicy"],
  [
    "bucket-without-acls",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "archive-ownership",
    "rule/objectOwnership",
    "ObjectWriter",
    "access lists are still in force",
  ],
  [
    "function-url-authenticated",
    "aws:lambda/functionUrl:FunctionUrl",
    "ingest",
    "authorizationType",
    "NONE",
    "anybody may call the URL",
  ],
  [
    "function-not-public",
    "aws:lambda/permission:Permission",
    "ingest-url",
    "principal",
    "*",
    "`principal` is not an AWS service",
  ],
  [
    "function-not-public",
    "aws:lambda/permission:Permission",
    "ingest-url",
    "sourceArn",
    undefined,
    "`sourceArn` is missing",
  ],
  [
    "database-not-public",
    rds,
    "database-instance",
    "publiclyAccessible",
    undefined,
    "the database may have a public address",
  ],
  ["security-group-narrow", ingress, "functions-to-proxy", "cidrIpv4", "0.0.0.0/0", "the rule lets in addresses"],
  ["security-group-narrow", ingress, "functions-to-proxy", "toPort", 6000, "the rule opens more than one port"],
  [
    "security-group-contained",
    egress,
    "functions-to-s3",
    "cidrIpv4",
    "0.0.0.0/0",
    "the rule lets traffic out to everybody",
  ],
  [
    "security-group-without-inline-rules",
    "aws:ec2/securityGroup:SecurityGroup",
    "cache-group",
    "egress",
    [{ protocol: "-1" }],
    "the group has rules of its own",
  ],
  [
    "default-group-closed",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "network-default",
    "ingress",
    [{ protocol: "-1" }],
    "the default group has rules",
  ],
  [
    "subnet-without-public-addresses",
    "aws:ec2/subnet:Subnet",
    "network-vpc-isolated-1",
    "mapPublicIpOnLaunch",
    true,
    "what starts in the subnet gets a public address",
  ],
  [
    "subnet-without-public-addresses",
    "aws:ec2/subnet:Subnet",
    "network-vpc-isolated-1",
    "assignIpv6AddressOnCreation",
    true,
    "what starts in the subnet gets a public address",
  ],
  [
    "network-tables-without-way-out",
    "aws:ec2/routeTable:RouteTable",
    "network-vpc-isolated-1",
    "routes",
    [{ cidrBlock: "0.0.0.0/0", gatewayId: "igw-network-vpc" }],
    "the table has routes of its own",
  ],
  [
    "network-tables-without-way-out",
    "aws:ec2/routeTable:RouteTable",
    "network-vpc-isolated-1",
    "propagatingVgws",
    ["vgw-1"],
    "the table has routes of its own",
  ],
  [
    "resource-policy-not-public",
    "aws:sqs/queuePolicy:QueuePolicy",
    "ingest-dead",
    "policy",
    open,
    "a statement allows everybody",
  ],
  [
    "webhooks-never-loopback",
    lambda,
    "deliver",
    "environment/variables/ALLOW_LOOPBACK_WEBHOOKS",
    "true",
    "webhooks may point at the function itself",
  ],
  ["no-wildcard-action", policy, "route-policy", "policy", allowing("sqs:*"), "wildcard actions: sqs:*"],
  [
    "no-wildcard-resource",
    policy,
    "route-policy",
    "policy",
    allowing("sqs:SendMessage", "*"),
    "allowed on every resource: sqs:SendMessage",
  ],
  [
    "no-foreign-policy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "backups-rights",
    "policyArn",
    "arn:aws:iam::aws:policy/AdministratorAccess",
    "arn:aws:iam::aws:policy/AdministratorAccess is attached",
  ],
  [
    "role-trusts-services",
    "aws:iam/role:Role",
    "route-role",
    "assumeRolePolicy",
    JSON.stringify({ Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: "123456789012" } }] }),
    "trusted besides: a principal that is no service",
  ],
  [
    "role-of-one-function",
    lambda,
    "sweep",
    "role",
    "arn:aws:iam::999999999999:role/somebody-else",
    "`role` is none of the stack's roles",
  ],
  [
    "secret-not-in-environment",
    lambda,
    "api",
    "environment/variables/CURSOR_SECRET",
    "hunter2",
    "values that look like secrets: CURSOR_SECRET",
  ],
  ["audit-locked", bucket, "audit-bucket", "objectLockEnabled", undefined, "its objects are not locked for a year"],
  ["data-protected", bucket, "archive-bucket", "protect", false, "the resource is not protected"],
  [
    "table-deletion-protection",
    table,
    "events-table",
    "deletionProtectionEnabled",
    undefined,
    "the table can be deleted",
  ],
  ["table-deletion-protection", table, "events-table", "deletionProtectionEnabled", false, "the table can be deleted"],
  ["table-restorable", table, "events-table", "pointInTimeRecovery/enabled", false, "point-in-time recovery is off"],
  [
    "table-restorable",
    table,
    "keys-table",
    "replicas/0/pointInTimeRecovery",
    undefined,
    "point-in-time recovery is off in us-west-2",
  ],
  [
    "database-deletion-protection",
    rds,
    "database-instance",
    "deletionProtection",
    undefined,
    "the database can be deleted",
  ],
  ["database-deletion-protection", rds, "database-instance", "skipFinalSnapshot", true, "no snapshot would be left"],
  ["database-backups", rds, "database-instance", "backupRetentionPeriod", 1, "backups are kept 1 days"],
  ["database-multi-az", rds, "database-instance", "multiAz", undefined, "the database has no standby"],
  ["cache-multi-az", valkey, "cache-group", "numCacheClusters", 1, "the cache has no replica to fail over to"],
  [
    "data-in-backup-plan",
    "aws:backup/selection:Selection",
    "backups-selection",
    "resources/0",
    "arn:aws:dynamodb:us-east-1:123456789012:table/other",
    "no backup plan selects it",
  ],
  [
    "vault-locked",
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
    "backups-lock",
    "minRetentionDays",
    1,
    "backups can be deleted after 1 days",
  ],
  [
    "erasure-is-real",
    "aws:s3/bucketVersioning:BucketVersioning",
    "archive-versioning",
    "versioningConfiguration/status",
    "Enabled",
    "older versions of objects are kept",
  ],
  [
    "log-retention",
    "aws:cloudwatch/logGroup:LogGroup",
    "route-logs",
    "retentionInDays",
    undefined,
    "lines stay for ever",
  ],
  [
    "secret-recoverable",
    "aws:secretsmanager/secret:Secret",
    "pepper-secret",
    "recoveryWindowInDays",
    0,
    "a deletion takes effect in less than 30 days",
  ],
  ["nothing-forced", bucket, "archive-bucket", "forceDestroy", true, "`forceDestroy` is set"],
  ["function-logs", lambda, "route", "loggingConfig/logFormat", "Text", "its log lines are not JSON"],
  ["function-traced", lambda, "route", "tracingConfig", undefined, "runs are not traced"],
  [
    "alarm-has-runbook",
    alarm,
    "ingest-dead-alarm",
    "alarmDescription",
    "Something is wrong.",
    "`alarmDescription` names no runbook",
  ],
  ["alarm-tells-somebody", alarm, "ingest-dead-alarm", "alarmActions", [], "nobody hears it"],
  ["database-logs", rds, "database-instance", "enabledCloudwatchLogsExports", ["postgresql"], "not exported: upgrade"],
  [
    "network-logs",
    "aws:ec2/flowLog:FlowLog",
    "network-flows",
    "trafficType",
    "REJECT",
    "part of the traffic is not logged",
  ],
  [
    "queue-has-dead-letters",
    queue,
    "ingest-queue",
    "redrivePolicy",
    JSON.stringify({ deadLetterTargetArn: "arn:aws:sqs:us-east-1:123456789012:ingest-dead", maxReceiveCount: 1 }),
    "a message is given up after 1 tries",
  ],
  [
    "queue-keeps-fourteen-days",
    queue,
    "ingest-dead",
    "messageRetentionSeconds",
    undefined,
    "a message is kept 345600 seconds",
  ],
  [
    "dead-letters-of-own-queue",
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
    "ingest-dead",
    "redriveAllowPolicy",
    '{"redrivePermission":"allowAll"}',
    "any queue may send its dead messages here",
  ],
  [
    "mapping-reports-failures",
    mapping,
    "route-ingest",
    "functionResponseTypes",
    undefined,
    "one failed message has its whole batch done again",
  ],
  [
    "schedule-has-failure-path",
    "aws:scheduler/schedule:Schedule",
    "sweep-schedule",
    "target/deadLetterConfig",
    undefined,
    "a run that could not start is forgotten",
  ],
  ["function-on-arm", lambda, "route", "architectures", undefined, 'runs on "the default", not on arm64'],
  [
    "runtime-supported",
    lambda,
    "route",
    "runtime",
    "nodejs18.x",
    "runtime nodejs18.x is not one of nodejs22.x, nodejs24.x",
  ],
  [
    "replica-region-allowed",
    "aws:secretsmanager/secret:Secret",
    "pepper-secret",
    "replicas/0/region",
    "ap-southeast-2",
    "copied to ap-southeast-2",
  ],
  [
    "events-stay-in-region",
    table,
    "events-table",
    "replicas",
    [{ regionName: "eu-west-1", kmsKeyArn: "arn:aws:kms:eu-west-1:123456789012:key/a", pointInTimeRecovery: true }],
    "the table is copied to other regions",
  ],
  ["only-edge-outside-region", queue, "ingest-queue", "region", "eu-west-1", "declared for eu-west-1 by itself"],
  [
    "tagged",
    "pulumi:providers:aws",
    "default",
    "defaultTags",
    '{"tags":{"project":"triggers","stack":"prod"}}',
    "tags missing: owner",
  ],
];

const by = (name: string) => rules.find((rule) => rule.name === name)!;

test("our prod stack complies, what is excepted aside", () => assert.deepEqual(findings(program, configuration), []));

for (const [rule, type, name, path, value, problem] of rows) {
  const subject =
    rule === "bucket-own-key" || rule === "bucket-not-public"
      ? "archive-bucket"
      : rule === "data-in-backup-plan"
        ? "keys-table"
        : rule === "vault-locked"
          ? "backups-vault"
          : name;
  test(`${rule} speaks when ${path} of ${name} is ${JSON.stringify(value)?.slice(0, 40) ?? "missing"}`, () =>
    assert.deepEqual(findings(broken(type, name, path, value), configuration), [
      `${rule}: ${subject}: ${problem}. ${by(rule).remedy}`,
    ]));
}

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
    "a queue is in a region nobody allowed",
    () => broken(queue, "ingest-queue", "region", "ap-southeast-2"),
    [
      `region-allowed: ingest-queue: ap-southeast-2 is not an allowed region. ${by("region-allowed").remedy}`,
      `only-edge-outside-region: ingest-queue: declared for ap-southeast-2 by itself. ${by("only-edge-outside-region").remedy}`,
    ],
  ],
];
for (const [rule, says, resources, found] of larger)
  test(`${rule} speaks when ${says}`, () => assert.deepEqual(findings(resources(), configuration), found));

test("every rule has been seen to bite", () => {
  const shown = new Set([...rows, ...larger].map(([rule]) => rule));
  assert.deepEqual(
    rules.filter(({ name }) => !shown.has(name)).map(({ name }) => name),
    [],
  );
});

test.run();
