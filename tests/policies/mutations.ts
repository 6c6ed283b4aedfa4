/**
 * What can be broken about our program by one argument, by rule: the argument, the value that breaks it, and what the rule
 * then says. `undefined` takes the argument away, and is another row than `false`, since a provider's default decides about
 * the first. Rules of encryption, transport and exposure have a row for every argument that can defeat them; mutations.test.ts
 * holds the table to what the rules read and to what the provider knows.
 */
import { refusePlainText } from "../../components/blocks/permissions.ts";

export const queue = "aws:sqs/queue:Queue";
export const table = "aws:dynamodb/table:Table";
export const lambda = "aws:lambda/function:Function";
const bucket = "aws:s3/bucket:Bucket";
const key = "aws:kms/key:Key";
const rds = "aws:rds/instance:Instance";
const valkey = "aws:elasticache/replicationGroup:ReplicationGroup";
const stream = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream";
const userPool = "aws:cognito/userPool:UserPool";
const workgroup = "aws:athena/workgroup:Workgroup";
const distribution = "aws:cloudfront/distribution:Distribution";
const policy = "aws:iam/rolePolicy:RolePolicy";
export const alarm = "aws:cloudwatch/metricAlarm:MetricAlarm";
export const block = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const ingress = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const egress = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";
const mapping = "aws:lambda/eventSourceMapping:EventSourceMapping";

const allowing = (action: string, resource = "arn:aws:sqs:us-east-1:123456789012:ingest-queue"): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: [action], Resource: [resource] }] });
/** A policy's statement that refuses plain text, with something of it changed. */
const weakened = (actions: readonly string[], change: Record<string, unknown>): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ ...refusePlainText(actions, ["*"]), ...change }] });
const plainTextPasses = "no policy refuses requests without TLS";
const [inBucket, inQueue] = [
  ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
  ["sqs:ReceiveMessage", "sqs:SendMessage"],
];
const allowingTo = (principal: Record<string, unknown>, refused: readonly string[] = inQueue): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: refused[0], Resource: "*", ...principal }, refusePlainText(refused, ["*"])],
  });
const encrypted = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";
const ownership = "aws:s3/bucketOwnershipControls:BucketOwnershipControls";
const secret = "aws:secretsmanager/secret:Secret";
const proxy = "aws:rds/proxy:Proxy";
const headers = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy";
const permission = "aws:lambda/permission:Permission";
const bucketPolicy = "aws:s3/bucketPolicy:BucketPolicy";
const queuePolicy = "aws:sqs/queuePolicy:QueuePolicy";
const topicPolicy = "aws:sns/topicPolicy:TopicPolicy";

/** Every row that takes a customer's key away: it is missing, AWS's own, or no key at all. */
const keyless = (rule: string, type: string, name: string, path: string): Row[] =>
  [undefined, "arn:aws:kms:us-east-1:123456789012:alias/aws/service", "AWS_OWNED_KMS_KEY", ""].map((by) => [
    rule,
    type,
    name,
    path,
    by,
    `\`${path.replaceAll("/", ".")}\` names no customer-managed key`,
  ]);

/** Both ways in which a switch is off. */
const off = (rule: string, type: string, name: string, path: string): Row[] =>
  [undefined, false].map((by) => [
    rule,
    type,
    name,
    path,
    by,
    `\`${path.replaceAll("/", ".")}\` is not set, so that the key isn't used`,
  ]);

export type Row = [
  rule: string,
  type: string,
  name: string,
  path: string,
  by: unknown,
  problem: string,
  /** The resource that the rule speaks of, where it isn't the one that was changed. */
  subject?: string,
];

export const rows: readonly Row[] = [
  ...keyless("queue-own-key", queue, "ingest-queue", "kmsMasterKeyId"),
  [
    "queue-own-key",
    queue,
    "ingest-queue",
    "sqsManagedSseEnabled",
    true,
    "`sqsManagedSseEnabled` takes a key of SQS's own",
  ],
  ...keyless("topic-own-key", "aws:sns/topic:Topic", "alarms-topic", "kmsMasterKeyId"),
  ...keyless("log-group-own-key", "aws:cloudwatch/logGroup:LogGroup", "route-logs", "kmsKeyId"),
  ...keyless("secret-own-key", secret, "pepper-secret", "kmsKeyId"),
  ...[undefined, "alias/aws/secretsmanager", "arn:aws:kms:us-east-1:123456789012:key/of-another-region"].map(
    (by): Row => [
      "secret-replica-own-key",
      secret,
      "pepper-secret",
      "replicas/0/kmsKeyId",
      by,
      "replicas without a key of their region: us-west-2",
    ],
  ),
  [
    "secret-replica-own-key",
    secret,
    "pepper-secret",
    "replicas/0/region",
    "eu-central-1",
    "replicas without a key of their region: eu-central-1",
  ],
  ...keyless("vault-own-key", "aws:backup/vault:Vault", "backups-vault", "kmsKeyArn"),
  ...keyless("schedule-own-key", "aws:scheduler/schedule:Schedule", "sweep-schedule", "kmsKeyArn"),
  ...keyless("table-own-key", table, "events-table", "serverSideEncryption/kmsKeyArn"),
  ...off("table-own-key", table, "events-table", "serverSideEncryption/enabled"),
  [
    "table-own-key",
    table,
    "events-table",
    "serverSideEncryption",
    undefined,
    "`serverSideEncryption.kmsKeyArn` names no customer-managed key",
  ],
  ...[undefined, "alias/aws/dynamodb"].map(
    (by): Row => [
      "table-replica-own-key",
      table,
      "keys-table",
      "replicas/0/kmsKeyArn",
      by,
      "replicas without a key of their region: us-west-2",
    ],
  ),
  [
    "table-replica-own-key",
    table,
    "keys-table",
    "replicas/1/kmsKeyArn",
    "arn:aws:kms:us-west-2:123456789012:key/other",
    "replicas without a key of their region: eu-west-1",
  ],
  [
    "table-replica-own-key",
    table,
    "keys-table",
    "replicas/0/regionName",
    "eu-central-1",
    "replicas without a key of their region: eu-central-1",
  ],
  ...keyless("database-own-key", rds, "database-instance", "kmsKeyId"),
  ...off("database-own-key", rds, "database-instance", "storageEncrypted"),
  ...keyless("database-password-own-key", rds, "database-instance", "masterUserSecretKmsKeyId"),
  ...off("database-password-own-key", rds, "database-instance", "manageMasterUserPassword"),
  ...["password", "passwordWo"].map(
    (argument): Row => [
      "database-password-own-key",
      rds,
      "database-instance",
      argument,
      "hunter2hunter2",
      "the program itself sets the password",
    ],
  ),
  ...keyless("database-insights-own-key", rds, "database-instance", "performanceInsightsKmsKeyId"),
  ...keyless("cache-own-key", valkey, "cache-group", "kmsKeyId"),
  ...off("cache-own-key", valkey, "cache-group", "atRestEncryptionEnabled"),
  ...keyless("stream-own-key", stream, "retention-stream", "serverSideEncryption/keyArn"),
  ...off("stream-own-key", stream, "retention-stream", "serverSideEncryption/enabled"),
  ...[undefined, "AWS_OWNED_CMK"].map(
    (by): Row => [
      "stream-own-key",
      stream,
      "retention-stream",
      "serverSideEncryption/keyType",
      by,
      "`serverSideEncryption.keyType` takes a key of AWS's own",
    ],
  ),
  ...keyless(
    "query-results-own-key",
    workgroup,
    "numbers-workgroup",
    "configuration/resultConfiguration/encryptionConfiguration/kmsKeyArn",
  ),
  ...off("query-results-own-key", workgroup, "numbers-workgroup", "configuration/enforceWorkgroupConfiguration"),
  ...[undefined, "SSE_S3"].map(
    (by): Row => [
      "query-results-own-key",
      workgroup,
      "numbers-workgroup",
      "configuration/resultConfiguration/encryptionConfiguration/encryptionOption",
      by,
      "`configuration.resultConfiguration.encryptionConfiguration.encryptionOption` takes a key of AWS's own",
    ],
  ),
  ...keyless("stream-target-own-key", stream, "retention-stream", "extendedS3Configuration/kmsKeyArn"),
  [
    "stream-target-own-key",
    stream,
    "retention-stream",
    "destination",
    "http_endpoint",
    "`destination` is not S3 as configured here",
  ],
  [
    "stream-target-own-key",
    stream,
    "retention-stream",
    "extendedS3Configuration/s3BackupConfiguration",
    { bucketArn: "arn:aws:s3:::copies" },
    "`extendedS3Configuration.s3BackupConfiguration.kmsKeyArn` names no customer-managed key",
  ],
  ...[undefined, "alias/aws/lambda"].map(
    (by): Row => [
      "function-settings-own-key",
      lambda,
      "route",
      "kmsKeyArn",
      by,
      "`kmsKeyArn` names no customer-managed key though the function has an environment",
    ],
  ),
  [
    "function-settings-own-key",
    lambda,
    "authenticate",
    "environment",
    { variables: { TABLE: "keys" } },
    "`kmsKeyArn` names no customer-managed key though the function has an environment",
  ],
  ...[undefined, "AES256", "aws:kms:dsse"].map(
    (by): Row => [
      "bucket-own-key",
      encrypted,
      "archive-encryption",
      "rules/0/applyServerSideEncryptionByDefault/sseAlgorithm",
      by,
      "objects are not encrypted with a customer-managed key",
      "archive-bucket",
    ],
  ),
  ...[undefined, "alias/aws/s3"].map(
    (by): Row => [
      "bucket-own-key",
      encrypted,
      "archive-encryption",
      "rules/0/applyServerSideEncryptionByDefault/kmsMasterKeyId",
      by,
      "objects are not encrypted with a customer-managed key",
      "archive-bucket",
    ],
  ),
  ...[[], undefined].map(
    (by): Row => [
      "bucket-own-key",
      encrypted,
      "archive-encryption",
      "rules",
      by,
      "objects are not encrypted with a customer-managed key",
      "archive-bucket",
    ],
  ),
  [
    "bucket-own-key",
    bucket,
    "archive-bucket",
    "serverSideEncryptionConfiguration",
    { rule: { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } } },
    "the bucket has an encryption of its own beside the configuration",
  ],
  ...[false, undefined].map(
    (by): Row => ["key-rotates", key, "store-key", "enableKeyRotation", by, "the key does not rotate"],
  ),
  ["key-rotates", key, "store-key", "rotationPeriodInDays", 2560, "the key rotates less often than each year"],
  ...[7, undefined].map(
    (by): Row => [
      "key-waits-before-deletion",
      key,
      "store-key",
      "deletionWindowInDays",
      by,
      "a deletion takes effect in less than 30 days",
    ],
  ),
  ...[7, undefined].map(
    (by): Row => [
      "key-waits-before-deletion",
      "aws:kms/replicaKey:ReplicaKey",
      "keys-key-us-west-2",
      "deletionWindowInDays",
      by,
      "a deletion takes effect in less than 30 days",
    ],
  ),

  ...[
    undefined,
    weakened(inBucket, { Effect: "Allow", Principal: { Service: "logging.s3.amazonaws.com" } }),
    weakened(inBucket, { Principal: { AWS: "123456789012" } }),
    weakened(["s3:GetObject"], {}),
    weakened(inBucket, { Resource: ["arn:aws:s3:::archive-bucket"] }),
    weakened(inBucket, { Condition: { Bool: { "aws:SecureTransport": "true" } } }),
    weakened(inBucket, {
      Condition: { Bool: { "aws:SecureTransport": "false" }, StringEquals: { "aws:PrincipalAccount": "1" } },
    }),
    weakened(inBucket, { Condition: { Bool: { "aws:SecureTransport": "false", "aws:ViaAWSService": "false" } } }),
    weakened(inBucket, { Condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } } }),
  ].map((by): Row => ["bucket-tls", bucketPolicy, "archive-bucket", "policy", by, plainTextPasses]),
  ...[
    undefined,
    weakened(["sqs:SendMessage"], {}),
    weakened(inQueue, { Resource: ["arn:aws:sqs:us-east-1:123456789012:another"] }),
    weakened(inQueue, { Condition: undefined }),
  ].map((by): Row => ["queue-tls", queuePolicy, "ingest-queue", "policy", by, plainTextPasses]),
  ...[undefined, weakened(["sns:Publish"], { Principal: { AWS: "123456789012" } })].map(
    (by): Row => ["topic-tls", topicPolicy, "alarms-topic", "policy", by, plainTextPasses],
  ),
  [
    "subscription-tls",
    "aws:sns/topicSubscription:TopicSubscription",
    "alarms-mail",
    "protocol",
    "http",
    "messages leave in the clear",
  ],
  ...["TLSv1", "TLSv1.1_2016", "SSLv3", undefined].map(
    (by): Row => [
      "viewer-tls-1-2",
      distribution,
      "edge-distribution",
      "viewerCertificate/minimumProtocolVersion",
      by,
      "older protocol versions than TLS 1.2 are accepted",
    ],
  ),
  ...(
    [
      ["viewerCertificate/cloudfrontDefaultCertificate", true],
      ["viewerCertificate/acmCertificateArn", undefined],
      ["aliases", undefined],
      ["aliases", []],
    ] as const
  ).map(
    ([path, by]): Row => [
      "viewer-tls-1-2",
      distribution,
      "edge-distribution",
      path,
      by,
      "older protocol versions than TLS 1.2 are accepted",
    ],
  ),
  ...["redirect-to-https", "allow-all", undefined].flatMap((by): Row[] =>
    ["defaultCacheBehavior", "orderedCacheBehaviors/0"].map((behavior) => [
      "viewer-https-only",
      distribution,
      "edge-distribution",
      `${behavior}/viewerProtocolPolicy`,
      by,
      "a cache behaviour answers plain HTTP",
    ]),
  ),
  ...[["TLSv1", "TLSv1.2"], ["TLSv1.1"], [], undefined].map(
    (by): Row => [
      "origin-tls-1-2",
      distribution,
      "edge-distribution",
      "origins/1/customOriginConfig/originSslProtocols",
      by,
      "origins reached otherwise: ingest-us-east-1",
    ],
  ),
  [
    "origin-tls-1-2",
    distribution,
    "edge-distribution",
    "origins/3/originAccessControlId",
    undefined,
    "origins reached otherwise: pages",
  ],
  ...(
    [
      ["adminCreateUserConfig/allowAdminCreateUserOnly", undefined, "everybody may sign up"],
      ["adminCreateUserConfig/allowAdminCreateUserOnly", false, "everybody may sign up"],
      ["passwordPolicy/minimumLength", 8, "passwords may be weak"],
      ["passwordPolicy/minimumLength", undefined, "passwords may be weak"],
      ["passwordPolicy/requireLowercase", false, "passwords may be weak"],
      ["passwordPolicy/requireNumbers", false, "passwords may be weak"],
      ["passwordPolicy/requireUppercase", false, "passwords may be weak"],
      ["mfaConfiguration", "OFF", "a second factor is not asked for"],
      ["mfaConfiguration", "OPTIONAL", "a second factor is not asked for"],
      ["mfaConfiguration", undefined, "a second factor is not asked for"],
    ] as const
  ).map(([path, by, says]): Row => ["people-by-invitation", userPool, "people", path, by, says]),
  ...(
    [
      ["generateSecret", undefined],
      ["generateSecret", false],
      ["allowedOauthFlows", ["code", "implicit"]],
      ["allowedOauthFlows", undefined],
      ["explicitAuthFlows", ["ALLOW_USER_PASSWORD_AUTH"]],
      ["explicitAuthFlows", undefined],
      ["callbackUrls", ["http://events.example.com/console/session/callback"]],
    ] as const
  ).map(
    ([path, by]): Row => [
      "people-sign-in-by-code",
      "aws:cognito/userPoolClient:UserPoolClient",
      "console",
      path,
      by,
      "people can sign in otherwise",
    ],
  ),
  ...["INACTIVE", undefined].map(
    (by): Row => [
      "people-deletion-protection",
      userPool,
      "people",
      "deletionProtection",
      by,
      "the user pool can be deleted",
    ],
  ),
  ...["http-only", "match-viewer", undefined].map(
    (by): Row => [
      "origin-tls-1-2",
      distribution,
      "edge-distribution",
      "origins/1/customOriginConfig/originProtocolPolicy",
      by,
      "origins reached otherwise: ingest-us-east-1",
    ],
  ),
  ...[undefined, false].map(
    (by): Row => [
      "cache-tls",
      valkey,
      "cache-group",
      "transitEncryptionEnabled",
      by,
      "the cache accepts connections without TLS",
    ],
  ),
  ...[undefined, "preferred"].map(
    (by): Row => [
      "cache-tls",
      valkey,
      "cache-group",
      "transitEncryptionMode",
      by,
      "the cache accepts connections without TLS",
    ],
  ),
  ...[
    [undefined, "parameters"],
    ["0", "parameters/0/value"],
    ["rds.log_retention_period", "parameters/0/name"],
    [
      [
        { name: "rds.force_ssl", value: "1" },
        { name: "rds.force_ssl", value: "0" },
      ],
      "parameters",
    ],
  ].map(
    ([by, path]): Row => [
      "database-tls",
      "aws:rds/parameterGroup:ParameterGroup",
      "database-parameters",
      String(path),
      by,
      "the parameter `rds.force_ssl` is not 1",
    ],
  ),
  ...["default.postgres17", undefined].map(
    (by): Row => [
      "database-uses-parameters",
      rds,
      "database-instance",
      "parameterGroupName",
      by,
      "`parameterGroupName` is none of the stack's parameter groups",
    ],
  ),
  ...[undefined, false].map(
    (by): Row => ["proxy-tls", proxy, "database-proxy", "requireTls", by, "the proxy accepts connections without TLS"],
  ),
  ...[undefined, "OPTIONAL"].map(
    (by): Row => [
      "mail-tls",
      "aws:sesv2/configurationSet:ConfigurationSet",
      "mail-set",
      "deliveryOptions/tlsPolicy",
      by,
      "mail may leave without TLS",
    ],
  ),
  ...[
    [3600, "accessControlMaxAgeSec"],
    [undefined, "accessControlMaxAgeSec"],
    [false, "override"],
    [undefined, "override"],
  ].map(
    ([by, argument]): Row => [
      "strict-transport",
      headers,
      "security-headers",
      `securityHeadersConfig/strictTransportSecurity/${argument}`,
      by,
      "Strict-Transport-Security is missing or shorter than two years",
    ],
  ),

  ...["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"].flatMap((argument): Row[] =>
    [false, undefined].map((by) => [
      "bucket-not-public",
      block,
      "archive-access",
      argument,
      by,
      `not set: ${argument}`,
      "archive-bucket",
    ]),
  ),
  ...["ObjectWriter", "BucketOwnerPreferred", undefined].map(
    (by): Row => [
      "bucket-without-acls",
      ownership,
      "archive-ownership",
      "rule/objectOwnership",
      by,
      "access lists are still in force",
      "archive-bucket",
    ],
  ),
  ["bucket-without-acls", bucket, "archive-bucket", "acl", "public-read", "the bucket has an access list"],
  [
    "bucket-without-acls",
    bucket,
    "archive-bucket",
    "grants",
    [{ type: "Group", uri: "http://acs.amazonaws.com/groups/global/AllUsers", permissions: ["READ"] }],
    "the bucket has an access list",
  ],
  ...["NONE", undefined].map(
    (by): Row => [
      "function-url-authenticated",
      "aws:lambda/functionUrl:FunctionUrl",
      "ingest",
      "authorizationType",
      by,
      "anybody may call the URL",
    ],
  ),
  ...["*", "123456789012", undefined].map(
    (by): Row => [
      "function-not-public",
      permission,
      "ingest-url",
      "principal",
      by,
      "`principal` is not an AWS service",
    ],
  ),
  ...[undefined, "", "*", "arn:aws:cloudfront::123456789012:distribution/*"].map(
    (by): Row => [
      "function-not-public",
      permission,
      "ingest-url",
      "sourceArn",
      by,
      "`sourceArn` names no single resource",
    ],
  ),
  ["function-not-public", permission, "ingest-url", "functionUrlAuthType", "NONE", "anybody may call the URL"],
  ...[undefined, "NONE", "AWS_IAM"].map(
    (by): Row => [
      "socket-authorized",
      "aws:apigatewayv2/route:Route",
      "live-connect",
      "authorizationType",
      by,
      "anybody may open a socket",
    ],
  ),
  [
    "socket-authorized",
    "aws:apigatewayv2/route:Route",
    "live-connect",
    "authorizerId",
    undefined,
    "anybody may open a socket",
  ],
  [
    "socket-authorized",
    "aws:apigatewayv2/route:Route",
    "live-default",
    "routeKey",
    "$connect",
    "anybody may open a socket",
  ],
  [
    "socket-logged",
    "aws:apigatewayv2/stage:Stage",
    "live",
    "accessLogSettings",
    undefined,
    "its access log is none of the stack's",
  ],
  [
    "socket-logged",
    "aws:apigatewayv2/stage:Stage",
    "live",
    "defaultRouteSettings/dataTraceEnabled",
    true,
    "messages are written to a log",
  ],
  ...[undefined, true].map(
    (by): Row => [
      "database-not-public",
      rds,
      "database-instance",
      "publiclyAccessible",
      by,
      "the database may have a public address",
    ],
  ),
  ...[
    ["cidrIpv4", "0.0.0.0/0"],
    ["cidrIpv6", "::/0"],
    ["prefixListId", "pl-1"],
  ].map(
    ([argument, by]): Row => [
      "security-group-narrow",
      ingress,
      "functions-to-proxy",
      argument!,
      by,
      "the rule lets in addresses",
    ],
  ),
  ...[
    ["toPort", 6000],
    ["toPort", undefined],
    ["fromPort", undefined],
    ["fromPort", -1],
    ["ipProtocol", "-1"],
    ["ipProtocol", undefined],
  ].map(
    ([argument, by]): Row => [
      "security-group-narrow",
      ingress,
      "functions-to-proxy",
      String(argument),
      by,
      "the rule opens more than one port",
    ],
  ),
  ...[
    ["cidrIpv4", "0.0.0.0/0"],
    ["cidrIpv4", "128.0.0.0/1"],
    ["cidrIpv6", "::/0"],
  ].map(
    ([argument, by]): Row => [
      "security-group-contained",
      egress,
      "functions-to-s3",
      argument!,
      by,
      "the rule lets traffic out to addresses",
    ],
  ),
  ...["ingress", "egress"].flatMap((argument): Row[] => [
    [
      "security-group-without-inline-rules",
      "aws:ec2/securityGroup:SecurityGroup",
      "cache-group",
      argument,
      [{ protocol: "-1" }],
      "the group has rules of its own",
    ],
    [
      "default-group-closed",
      "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
      "network-default",
      argument,
      [{ protocol: "-1" }],
      "the default group has rules",
    ],
  ]),
  ...["mapPublicIpOnLaunch", "assignIpv6AddressOnCreation"].map(
    (argument): Row => [
      "subnet-without-public-addresses",
      "aws:ec2/subnet:Subnet",
      "network-vpc-isolated-1",
      argument,
      true,
      "what starts in the subnet gets a public address",
    ],
  ),
  ...[
    ["routes", [{ cidrBlock: "0.0.0.0/0", gatewayId: "igw-network-vpc" }]],
    ["propagatingVgws", ["vgw-1"]],
  ].map(
    ([argument, by]): Row => [
      "network-tables-without-way-out",
      "aws:ec2/routeTable:RouteTable",
      "network-vpc-isolated-1",
      String(argument),
      by,
      "the table has routes of its own",
    ],
  ),
  ...[
    { Principal: "*" },
    { Principal: { AWS: "*" } },
    { Principal: { AWS: ["1", "*"] } },
    { NotPrincipal: { AWS: "1" } },
  ].map(
    (to): Row => [
      "resource-policy-not-public",
      queuePolicy,
      "ingest-dead",
      "policy",
      allowingTo(to),
      "a statement allows everybody",
    ],
  ),
  ...(
    [
      [key, "store-key"],
      ["aws:kms/replicaKey:ReplicaKey", "keys-key-us-west-2"],
      [bucket, "archive-bucket"],
      [secret, "pepper-secret"],
      ["aws:sns/topic:Topic", "alarms-topic"],
      [queue, "ingest-queue"],
      [bucketPolicy, "archive-bucket", inBucket],
      [topicPolicy, "alarms-topic", ["sns:Publish"]],
    ] as const
  ).map(
    ([type, name, refused = inQueue]): Row => [
      "resource-policy-not-public",
      type,
      name,
      "policy",
      allowingTo({ Principal: "*" }, refused),
      "a statement allows everybody",
    ],
  ),
  ...["ALLOWED", "DISABLED", undefined].map(
    (by): Row => [
      "proxy-asks-for-identity",
      proxy,
      "database-proxy",
      "auths/0/iamAuth",
      by,
      "a password is enough to connect",
    ],
  ),
  ...[[], undefined].map(
    (by): Row => ["proxy-asks-for-identity", proxy, "database-proxy", "auths", by, "a password is enough to connect"],
  ),
  ...[undefined, "short"].map(
    (by): Row => [
      "cache-asks-for-token",
      valkey,
      "cache-group",
      "authToken",
      by,
      "anybody in the network may use the cache",
    ],
  ),
  [
    "cache-asks-for-token",
    valkey,
    "cache-group",
    "authTokenUpdateStrategy",
    "DELETE",
    "anybody in the network may use the cache",
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
  ...[
    ["inlinePolicies", [{ name: "all", policy: allowing("sqs:*") }]],
    ["managedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]],
  ].map(
    ([argument, by]): Row => [
      "role-without-inline-rights",
      "aws:iam/role:Role",
      "route-role",
      String(argument),
      by,
      "the role has rights of its own",
    ],
  ),
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
    "keys-table",
  ],
  [
    "vault-locked",
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
    "backups-lock",
    "minRetentionDays",
    1,
    "backups can be deleted after 1 days",
    "backups-vault",
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
    "replicas/0",
    { region: "ap-southeast-2", kmsKeyId: "arn:aws:kms:ap-southeast-2:123456789012:key/pepper-key" },
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
  [
    "events-stay-in-region",
    bucket,
    "archive-bucket",
    "replicationConfiguration",
    { role: "r", rules: [{ destination: { bucket: "arn:aws:s3:::copies" }, status: "Enabled" }] },
    "the bucket is copied to another",
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
