/**
 * What AWS refuses although the types let it through: one row a rule, with the page that says so and a value that AWS
 * would refuse. Paths are of arguments as declared; `*` stands for every member of a list. A missing value passes unless
 * the row demands it.
 */
import type { Declared } from "../../program/graph.ts";

export interface AwsRule {
  readonly type: string;
  /** `visibilityTimeoutSeconds`, `origins.*.originId` */
  readonly path: string;
  readonly says: string;
  /** Page of AWS's documentation. */
  readonly source: string;
  holds(value: never, resource: Pick<Declared, "inputs">): boolean;
  /** A value that breaks the rule. */
  readonly bad: unknown;
}

type Check<T> = (value: T, resource: Pick<Declared, "inputs">) => boolean;
const rule = <T>(type: string, path: string, says: string, source: string, holds: Check<T>, bad: unknown): AwsRule => ({
  type,
  path,
  says,
  source,
  holds: holds as AwsRule["holds"],
  bad,
});

const range = (type: string, path: string, least: number, most: number, source: string): AwsRule =>
  rule<number>(
    type,
    path,
    `is a whole number from ${least} to ${most}`,
    source,
    (n) => Number.isInteger(n) && n >= least && n <= most,
    most + 1,
  );
const among = (type: string, path: string, values: readonly unknown[], source: string): AwsRule =>
  rule(type, path, `is one of ${values.join(", ")}`, source, (value) => values.includes(value), "Nonsense");
const text = (type: string, path: string, pattern: RegExp, source: string, bad: string): AwsRule =>
  rule<string>(type, path, `matches ${pattern.source}`, source, (value) => pattern.test(value), bad);
const longest = (type: string, path: string, most: number, source: string): AwsRule =>
  rule<string>(
    type,
    path,
    `has at most ${most} characters`,
    source,
    (value) => value.length <= most,
    "x".repeat(most + 1),
  );
const arn = (type: string, path: string, service: string, source: string): AwsRule =>
  text(type, path, new RegExp(`^arn:aws:${service}:`), source, "arn:aws:nobody:us-east-1:123456789012:thing");

interface Statement {
  readonly Effect?: unknown;
  readonly Action?: unknown;
  readonly Resource?: unknown;
  readonly Principal?: unknown;
  readonly Sid?: string;
}
const statements = (json: string): readonly Statement[] => (JSON.parse(json) as { Statement: Statement[] }).Statement;
const many = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : [String(value)]);

/** A policy document that IAM's grammar accepts. */
const document = (type: string, path: string, principal: boolean, most: number): AwsRule =>
  rule<string>(
    type,
    path,
    `is a policy document of at most ${most} characters whose statements have effect, actions ${principal ? "and principal" : "and resources"}`,
    "IAM User Guide, Grammar of the IAM JSON policy language; IAM and STS quotas",
    (json) => {
      if (json.replace(/\s/g, "").length > most) return false;
      const found = statements(json);
      const sids = found.flatMap(({ Sid }) => (Sid === undefined ? [] : [Sid]));
      return (
        found.length > 0 &&
        new Set(sids).size === sids.length &&
        sids.every((sid) => /^[A-Za-z0-9]+$/.test(sid)) &&
        found.every(
          ({ Effect, Action, Resource, Principal }) =>
            ["Allow", "Deny"].includes(String(Effect)) &&
            many(Action).every((action) => /^[a-z0-9-]+:[A-Za-z0-9]+$/.test(action)) &&
            (principal ? Principal !== undefined : Principal === undefined && Resource !== undefined),
        )
      );
    },
    '{"Version":"2012-10-17","Statement":[{"Effect":"allow","Action":"SendMessage","Resource":"*"}]}',
  );

const queue = "aws:sqs/queue:Queue";
const glueDatabase = "aws:glue/catalogDatabase:CatalogDatabase";
const glueTable = "aws:glue/catalogTable:CatalogTable";
const workgroup = "aws:athena/workgroup:Workgroup";
const lambda = "aws:lambda/function:Function";
const mapping = "aws:lambda/eventSourceMapping:EventSourceMapping";
const table = "aws:dynamodb/table:Table";
const stream = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream";
const rds = "aws:rds/instance:Instance";
const proxy = "aws:rds/proxy:Proxy";
const valkey = "aws:elasticache/replicationGroup:ReplicationGroup";
const distribution = "aws:cloudfront/distribution:Distribution";
const webAcl = "aws:wafv2/webAcl:WebAcl";
const alarm = "aws:cloudwatch/metricAlarm:MetricAlarm";
const lifecycle = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration";
const schedule = "aws:scheduler/schedule:Schedule";
const sgIn = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const sgOut = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";
const endpoint = "aws:ec2/vpcEndpoint:VpcEndpoint";

const sqsPage = "SQS API Reference, CreateQueue";
const lambdaPage = "Lambda API Reference, CreateFunction";
const edgePage = "CloudFront Developer Guide, Restrictions on Lambda@Edge";
const mappingPage = "Lambda API Reference, CreateEventSourceMapping";
const dynamoPage = "DynamoDB API Reference, CreateTable";
const firehosePage = "Firehose API Reference, ExtendedS3DestinationConfiguration";
const rdsPage = "RDS API Reference, CreateDBInstance";
const proxyPage = "RDS API Reference, CreateDBProxy";
const cachePage = "ElastiCache API Reference, CreateReplicationGroup";
/** Ids of origins, or of groups of them. */
const originsOf = (list: unknown): readonly string[] =>
  ((list ?? []) as { originId: string }[]).map(({ originId }) => originId);
const cloudfrontPage = "CloudFront API Reference, DistributionConfig";
const wafPage = "AWS WAF API Reference, CreateWebACL";
const alarmPage = "CloudWatch API Reference, PutMetricAlarm";
const s3Page = "S3 User Guide, Transitioning objects using lifecycle";
const groupPage = "EC2 API Reference, AuthorizeSecurityGroupIngress";

const isEdge = ({ inputs }: Pick<Declared, "inputs">): boolean => inputs.skipDestroy === true;

export const awsRules: readonly AwsRule[] = [
  among(
    "aws:codedeploy/application:Application",
    "computePlatform",
    ["Server", "Lambda", "ECS"],
    "CodeDeploy API Reference, CreateApplication",
  ),
  text(
    "aws:codedeploy/deploymentGroup:DeploymentGroup",
    "deploymentConfigName",
    /^CodeDeployDefault\.Lambda(AllAtOnce|(Canary|Linear)10Percent(Every)?\d+Minutes?)$/,
    "CodeDeploy User Guide, Deployment configurations on AWS Lambda",
    "CodeDeployDefault.OneAtATime",
  ),
  rule<unknown[]>(
    "aws:codedeploy/deploymentGroup:DeploymentGroup",
    "alarmConfiguration.alarms",
    "are at most ten",
    "CodeDeploy User Guide, CodeDeploy quotas",
    (list) => list.length <= 10,
    Array.from({ length: 11 }),
  ),

  range(queue, "visibilityTimeoutSeconds", 0, 43_200, sqsPage),
  range(queue, "messageRetentionSeconds", 60, 1_209_600, sqsPage),
  range(queue, "maxMessageSize", 1_024, 1_048_576, sqsPage),
  range(queue, "delaySeconds", 0, 900, sqsPage),
  range(queue, "kmsDataKeyReusePeriodSeconds", 60, 86_400, sqsPage),
  text(queue, "name", /^[A-Za-z0-9_-]{1,80}(\.fifo)?$/, sqsPage, "a queue"),
  rule<string>(
    queue,
    "redrivePolicy",
    "names a queue and 1 to 1,000 receives",
    sqsPage,
    (json) => {
      const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(json) as Record<string, unknown>;
      return (
        /^arn:aws:sqs:/.test(String(deadLetterTargetArn)) &&
        Number(maxReceiveCount) >= 1 &&
        Number(maxReceiveCount) <= 1_000
      );
    },
    '{"deadLetterTargetArn":"arn:aws:sns:us-east-1:1:t","maxReceiveCount":5}',
  ),
  document("aws:sqs/queuePolicy:QueuePolicy", "policy", true, 8_192),
  rule<string>(
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
    "redriveAllowPolicy",
    "allows all, none, or by name at most ten queues",
    sqsPage,
    (json) => {
      const { redrivePermission, sourceQueueArns } = JSON.parse(json) as {
        redrivePermission: string;
        sourceQueueArns?: string[];
      };
      return redrivePermission === "byQueue"
        ? sourceQueueArns !== undefined && sourceQueueArns.length <= 10
        : ["allowAll", "denyAll"].includes(redrivePermission);
    },
    '{"redrivePermission":"byQueue"}',
  ),

  range(lambda, "memorySize", 128, 10_240, lambdaPage),
  range(lambda, "timeout", 1, 900, lambdaPage),
  among(lambda, "runtime", ["nodejs22.x", "nodejs24.x"], lambdaPage),
  rule<string[]>(
    lambda,
    "architectures",
    "names one of x86_64 and arm64",
    lambdaPage,
    (list) => list.length === 1 && ["x86_64", "arm64"].includes(list[0]!),
    ["arm"],
  ),
  text(lambda, "handler", /^[^\s]{1,128}$/, lambdaPage, "index handler"),
  arn(lambda, "role", "iam", lambdaPage),
  arn(lambda, "kmsKeyArn", "kms", lambdaPage),
  rule<Record<string, string>>(
    lambda,
    "environment.variables",
    "takes at most 4 KB, under names that Lambda does not keep for itself",
    "Lambda Developer Guide, Environment variables",
    (variables) =>
      JSON.stringify(variables).length <= 4_096 &&
      Object.keys(variables).every(
        (name) =>
          /^[A-Za-z]([A-Za-z0-9_])+$/.test(name) &&
          !/^AWS_(REGION|LAMBDA|ACCESS|SECRET|SESSION|DEFAULT|EXECUTION)/.test(name),
      ),
    { AWS_REGION: "x" },
  ),
  among(lambda, "tracingConfig.mode", ["Active", "PassThrough"], lambdaPage),
  among(lambda, "loggingConfig.logFormat", ["JSON", "Text"], lambdaPage),
  longest(lambda, "description", 256, lambdaPage),
  rule<boolean>(
    lambda,
    "skipDestroy",
    "comes with a function that the edge accepts: published, x86_64, us-east-1, without environment, network, layers or tracing, within 30 s",
    edgePage,
    (skip, { inputs }) =>
      !skip ||
      (inputs.publish === true &&
        inputs.region === "us-east-1" &&
        JSON.stringify(inputs.architectures) === '["x86_64"]' &&
        inputs.environment === undefined &&
        inputs.vpcConfig === undefined &&
        inputs.kmsKeyArn === undefined &&
        inputs.tracingConfig === undefined &&
        inputs.layers === undefined &&
        Number(inputs.timeout) <= 30),
    true,
  ),
  rule<object>(
    lambda,
    "vpcConfig",
    "is not for a function at the edge",
    edgePage,
    (_, resource) => !isEdge(resource),
    {},
  ),
  among(
    "aws:lambda/functionUrl:FunctionUrl",
    "authorizationType",
    ["AWS_IAM", "NONE"],
    "Lambda API Reference, CreateFunctionUrlConfig",
  ),
  among(
    "aws:lambda/functionUrl:FunctionUrl",
    "invokeMode",
    ["BUFFERED", "RESPONSE_STREAM"],
    "Lambda API Reference, CreateFunctionUrlConfig",
  ),
  among("aws:apigatewayv2/api:Api", "protocolType", ["HTTP", "WEBSOCKET"], "API Gateway V2 API Reference, CreateApi"),
  text(
    "aws:apigatewayv2/api:Api",
    "routeSelectionExpression",
    /^\$request\.body\.[A-Za-z0-9_.]+$/,
    "API Gateway Developer Guide, WebSocket selection expressions",
    "$request.method",
  ),
  among(
    "aws:apigatewayv2/authorizer:Authorizer",
    "authorizerType",
    ["REQUEST"],
    "API Gateway Developer Guide, Control access to WebSocket APIs with Lambda REQUEST authorizers",
  ),
  text(
    "aws:apigatewayv2/authorizer:Authorizer",
    "authorizerUri",
    /^arn:aws:apigateway:[a-z0-9-]+:lambda:path\/2015-03-31\/functions\/arn:aws:lambda:.+\/invocations$/,
    "API Gateway V2 API Reference, CreateAuthorizer",
    "arn:aws:lambda:us-east-1:123456789012:function:admit",
  ),
  among(
    "aws:apigatewayv2/integration:Integration",
    "integrationType",
    ["AWS", "AWS_PROXY", "HTTP", "HTTP_PROXY", "MOCK"],
    "API Gateway V2 API Reference, CreateIntegration",
  ),
  rule<string>(
    "aws:apigatewayv2/route:Route",
    "authorizationType",
    "is CUSTOM, AWS_IAM or NONE, and only on $connect anything but NONE",
    "API Gateway Developer Guide, Controlling and managing access to WebSocket APIs",
    (kind, { inputs }) =>
      ["CUSTOM", "AWS_IAM", "NONE"].includes(kind) && (kind === "NONE" || inputs.routeKey === "$connect"),
    "JWT",
  ),
  text(
    "aws:apigatewayv2/route:Route",
    "target",
    /^integrations\/.+$/,
    "API Gateway V2 API Reference, CreateRoute",
    "function/live",
  ),
  among(
    "aws:apigatewayv2/routeResponse:RouteResponse",
    "routeResponseKey",
    ["$default"],
    "API Gateway Developer Guide, Set up WebSocket API responses: only $default is supported",
  ),
  text(
    "aws:apigatewayv2/stage:Stage",
    "name",
    /^[A-Za-z0-9_-]{1,128}$/,
    "API Gateway V2 API Reference, CreateStage",
    "li ve",
  ),
  rule<string>(
    "aws:apigatewayv2/stage:Stage",
    "accessLogSettings.format",
    "holds $context.requestId and is at most 3 KB long",
    "API Gateway Developer Guide, Set up CloudWatch logging; quotas of WebSocket APIs, access log template size",
    (format) => /\$context\.(requestId|extendedRequestId)/.test(format) && format.length <= 3_072,
    '{"at":"$context.requestTime"}',
  ),
  arn("aws:apigateway/account:Account", "cloudwatchRoleArn", "iam", "API Gateway API Reference, UpdateAccount"),
  range(
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "maximumRetryAttempts",
    0,
    2,
    "Lambda API Reference, PutFunctionEventInvokeConfig",
  ),
  range(
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "maximumEventAgeInSeconds",
    60,
    21_600,
    "Lambda API Reference, PutFunctionEventInvokeConfig",
  ),
  text(
    "aws:lambda/permission:Permission",
    "action",
    /^lambda:(\*|[A-Za-z]+)$/,
    "Lambda API Reference, AddPermission",
    "InvokeFunction",
  ),
  rule<boolean>(
    "aws:lambda/permission:Permission",
    "invokedViaFunctionUrl",
    "stands beside lambda:InvokeFunction only",
    "Lambda API Reference, AddPermission",
    (_, { inputs }) => inputs.action === "lambda:InvokeFunction",
    true,
  ),
  rule<string>(
    "aws:lambda/permission:Permission",
    "functionUrlAuthType",
    "stands beside lambda:InvokeFunctionUrl only",
    "Lambda API Reference, AddPermission",
    (_, { inputs }) => inputs.action === "lambda:InvokeFunctionUrl",
    "AWS_IAM",
  ),
  rule<string>(
    "aws:lambda/invocation:Invocation",
    "input",
    "is JSON of at most 6 MB",
    "Lambda API Reference, Invoke",
    (json) => json.length <= 6_291_456 && JSON.parse(json) !== undefined,
    `"${"x".repeat(6_291_456)}"`,
  ),
  range(
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig",
    "provisionedConcurrentExecutions",
    1,
    100_000,
    "Lambda API Reference, PutProvisionedConcurrencyConfig",
  ),
  among(
    "aws:lambda/functionRecursionConfig:FunctionRecursionConfig",
    "recursiveLoop",
    ["Allow", "Terminate"],
    "Lambda API Reference, PutFunctionRecursionConfig",
  ),
  text("aws:lambda/alias:Alias", "name", /^(?!\d+$)[A-Za-z0-9_-]{1,128}$/, "Lambda API Reference, CreateAlias", "7"),

  rule<number>(
    mapping,
    "batchSize",
    "is 1 to 10,000, and at most 10 unless a window of a second or more is set",
    mappingPage,
    (size, { inputs }) =>
      Number.isInteger(size) &&
      size >= 1 &&
      size <= 10_000 &&
      (size <= 10 || Number(inputs.maximumBatchingWindowInSeconds ?? 0) >= 1),
    11,
  ),
  range(mapping, "maximumBatchingWindowInSeconds", 0, 300, mappingPage),
  range(mapping, "scalingConfig.maximumConcurrency", 2, 1_000, mappingPage),
  rule<object>(
    mapping,
    "scalingConfig",
    "is not set together with provisioned pollers",
    mappingPage,
    (_, { inputs }) => inputs.provisionedPollerConfig === undefined,
    undefined,
  ),
  range(mapping, "provisionedPollerConfig.minimumPollers", 2, 200, mappingPage),
  range(mapping, "provisionedPollerConfig.maximumPollers", 2, 2_000, mappingPage),
  arn(mapping, "eventSourceArn", "sqs", mappingPage),
  rule<string[]>(
    mapping,
    "functionResponseTypes",
    "is ReportBatchItemFailures",
    mappingPage,
    (list) => list.every((one) => one === "ReportBatchItemFailures"),
    ["ReportFailures"],
  ),

  among(table, "billingMode", ["PAY_PER_REQUEST", "PROVISIONED"], dynamoPage),
  text(table, "name", /^[A-Za-z0-9_.-]{3,255}$/, dynamoPage, "t"),
  rule<{ name: string; type: string }[]>(
    table,
    "attributes",
    "are exactly the key attributes of table and indexes, each S, N or B",
    dynamoPage,
    (attributes, { inputs }) => {
      const indexes = (inputs.globalSecondaryIndexes ?? []) as { keySchemas: { attributeName: string }[] }[];
      const used = [
        inputs.hashKey,
        inputs.rangeKey,
        ...indexes.flatMap(({ keySchemas }) => keySchemas.map((k) => k.attributeName)),
      ];
      const wanted = [...new Set(used.filter((name) => name !== undefined))].sort();
      return (
        JSON.stringify(attributes.map(({ name }) => name).sort()) === JSON.stringify(wanted) &&
        attributes.every(({ type }) => ["S", "N", "B"].includes(type))
      );
    },
    [{ name: "nobody", type: "S" }],
  ),
  rule<unknown[]>(
    table,
    "globalSecondaryIndexes",
    "are at most 20",
    "DynamoDB Developer Guide, Quotas",
    (list) => list.length <= 20,
    Array.from({ length: 21 }),
  ),
  text(table, "globalSecondaryIndexes.*.name", /^[A-Za-z0-9_.-]{3,255}$/, dynamoPage, "i"),
  among(table, "globalSecondaryIndexes.*.projectionType", ["ALL", "KEYS_ONLY", "INCLUDE"], dynamoPage),
  ...["", "globalSecondaryIndexes.*."].flatMap((of) => [
    range(
      table,
      `${of}warmThroughput.writeUnitsPerSecond`,
      4_000,
      10_000_000,
      "DynamoDB API Reference, WarmThroughput",
    ),
  ]),
  longest(table, "ttl.attributeName", 255, "DynamoDB API Reference, UpdateTimeToLive"),
  rule<unknown[]>(
    table,
    "replicas",
    "need a stream of new and old images, and never name the table's own region twice",
    "DynamoDB Developer Guide, Global tables",
    (list, { inputs }) =>
      list.length === 0 ||
      (inputs.streamEnabled === true &&
        inputs.streamViewType === "NEW_AND_OLD_IMAGES" &&
        new Set((list as { regionName: string }[]).map(({ regionName }) => regionName)).size === list.length),
    [{ regionName: "eu-west-1" }, { regionName: "eu-west-1" }],
  ),

  among(
    stream,
    "destination",
    ["extended_s3", "http_endpoint", "redshift", "opensearch", "splunk", "snowflake", "iceberg"],
    "Firehose API Reference, CreateDeliveryStream",
  ),
  range(stream, "extendedS3Configuration.bufferingInterval", 0, 900, firehosePage),
  rule<number>(
    stream,
    "extendedS3Configuration.bufferingInterval",
    "is not 0 with dynamic partitioning",
    "Firehose Developer Guide, Buffer data for dynamic partitioning",
    (seconds, { inputs }) => {
      const s3 = inputs.extendedS3Configuration as { dynamicPartitioningConfiguration?: { enabled: boolean } };
      return seconds > 0 || s3.dynamicPartitioningConfiguration?.enabled !== true;
    },
    0,
  ),
  rule<number>(
    stream,
    "extendedS3Configuration.bufferingSize",
    "is 1 to 128 MiB, and 64 at least with dynamic partitioning",
    "Firehose Developer Guide, Dynamic partitioning",
    (size, { inputs }) => {
      const s3 = inputs.extendedS3Configuration as { dynamicPartitioningConfiguration?: { enabled: boolean } };
      return size >= (s3.dynamicPartitioningConfiguration?.enabled ? 64 : 1) && size <= 128;
    },
    5,
  ),
  among(
    stream,
    "extendedS3Configuration.compressionFormat",
    ["UNCOMPRESSED", "GZIP", "ZIP", "Snappy", "HADOOP_SNAPPY"],
    firehosePage,
  ),
  rule<string>(
    stream,
    "extendedS3Configuration.prefix",
    "uses every partition key that is extracted, and no other",
    "Firehose Developer Guide, Custom prefixes",
    (prefix, { inputs }) => {
      const used = [...prefix.matchAll(/!\{partitionKeyFromQuery:([a-z_]+)\}/g)].map(([, key]) => key);
      return JSON.stringify(inputs.extendedS3Configuration).includes(`{${used[0]}:.`) && used.length === 1;
    },
    "events/!{timestamp:yyyy}/",
  ),
  rule<string>(
    stream,
    "extendedS3Configuration.errorOutputPrefix",
    "names the error's type and no partition key",
    "Firehose Developer Guide, Custom prefixes",
    (prefix) => prefix.includes("!{firehose:error-output-type}") && !prefix.includes("partitionKey"),
    "failed/",
  ),
  among(
    stream,
    "serverSideEncryption.keyType",
    ["AWS_OWNED_CMK", "CUSTOMER_MANAGED_CMK"],
    "Firehose API Reference, DeliveryStreamEncryptionConfigurationInput",
  ),
  arn(stream, "extendedS3Configuration.bucketArn", "s3", firehosePage),

  among(rds, "engine", ["postgres"], rdsPage),
  text(rds, "engineVersion", /^1[3-8](\.\d+)?$/, "RDS for PostgreSQL Release Notes", "9.6"),
  rule<number>(
    rds,
    "allocatedStorage",
    "is 20 to 65,536 GiB of gp3, below the maximum it may grow to",
    rdsPage,
    (size, { inputs }) => size >= 20 && size <= 65_536 && Number(inputs.maxAllocatedStorage) >= size * 1.1,
    10,
  ),
  range(rds, "backupRetentionPeriod", 0, 35, rdsPage),
  text(rds, "backupWindow", /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, rdsPage, "25:00-26:00"),
  text(
    rds,
    "maintenanceWindow",
    /^(mon|tue|wed|thu|fri|sat|sun):\d\d:\d\d-(mon|tue|wed|thu|fri|sat|sun):\d\d:\d\d$/,
    rdsPage,
    "01:00-02:00",
  ),
  text(rds, "dbName", /^[A-Za-z][A-Za-z0-9_]{0,62}$/, rdsPage, "1db"),
  rule<string>(
    rds,
    "username",
    "begins with a letter, has at most 63 characters and is no reserved word",
    rdsPage,
    (name) =>
      /^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(name) && !["admin", "postgres", "rdsadmin", "user", "master"].includes(name),
    "rdsadmin",
  ),
  rule<boolean>(
    rds,
    "manageMasterUserPassword",
    "stands alone, without a password",
    rdsPage,
    (managed, { inputs }) => managed !== true || inputs.password === undefined,
    undefined,
  ),
  rule<string>(
    rds,
    "finalSnapshotIdentifier",
    "is a letter, then letters, digits and single hyphens, 255 at most",
    rdsPage,
    (name) => /^[A-Za-z](-?[A-Za-z0-9])*$/.test(name) && name.length <= 255,
    "final--snapshot",
  ),
  rule<string[]>(
    rds,
    "enabledCloudwatchLogsExports",
    "are logs of PostgreSQL",
    rdsPage,
    (list) => list.every((one) => ["postgresql", "upgrade", "iam-db-auth-error"].includes(one)),
    ["slowquery"],
  ),
  among(rds, "storageType", ["gp2", "gp3", "io1", "io2", "standard"], rdsPage),
  text(
    "aws:rds/parameterGroup:ParameterGroup",
    "family",
    /^postgres1[3-8]$/,
    "RDS API Reference, CreateDBParameterGroup",
    "postgresql17",
  ),
  among(proxy, "engineFamily", ["MYSQL", "POSTGRESQL", "SQLSERVER"], proxyPage),
  range(proxy, "idleClientTimeout", 1, 28_800, proxyPage),
  rule<unknown[]>(
    proxy,
    "vpcSubnetIds",
    "are two at least, in different zones",
    proxyPage,
    (list) => list.length >= 2,
    ["subnet-1"],
  ),
  among(proxy, "auths.*.iamAuth", ["DISABLED", "REQUIRED", "ENABLED"], "RDS API Reference, UserAuthConfig"),
  among(
    proxy,
    "auths.*.clientPasswordAuthType",
    ["POSTGRES_SCRAM_SHA_256", "POSTGRES_MD5"],
    "RDS API Reference, UserAuthConfig",
  ),
  arn(proxy, "auths.*.secretArn", "secretsmanager", "RDS API Reference, UserAuthConfig"),
  range(
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup",
    "connectionPoolConfig.maxConnectionsPercent",
    1,
    100,
    "RDS API Reference, ConnectionPoolConfiguration",
  ),
  range(
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup",
    "connectionPoolConfig.connectionBorrowTimeout",
    0,
    3_600,
    "RDS API Reference, ConnectionPoolConfiguration",
  ),
  rule<string>(
    "aws:rds/proxyTarget:ProxyTarget",
    "targetGroupName",
    "names a target group",
    "RDS API Reference, RegisterDBProxyTargets",
    (name) => name.length > 0,
    "",
  ),
  rule<unknown[]>(
    "aws:rds/subnetGroup:SubnetGroup",
    "subnetIds",
    "are two at least",
    "RDS API Reference, CreateDBSubnetGroup",
    (list) => list.length >= 2,
    ["subnet-1"],
  ),

  among(valkey, "engine", ["redis", "valkey"], cachePage),
  text(valkey, "engineVersion", /^(7\.2|8\.[0-2])$/, cachePage, "9"),
  rule<number>(
    valkey,
    "numCacheClusters",
    "is 1 to 6, and 2 at least with failover",
    cachePage,
    (n, { inputs }) => n >= (inputs.automaticFailoverEnabled === true ? 2 : 1) && n <= 6,
    0,
  ),
  rule<boolean>(
    valkey,
    "multiAzEnabled",
    "needs automatic failover",
    cachePage,
    (multi, { inputs }) => multi !== true || inputs.automaticFailoverEnabled === true,
    undefined,
  ),
  rule<string>(
    valkey,
    "authToken",
    'is 16 to 128 printable characters without /, " and @, and needs TLS',
    "ElastiCache User Guide, Authenticating with AUTH",
    (token, { inputs }) => /^[!#-.0-?A-~]{16,128}$/.test(token) && inputs.transitEncryptionEnabled === true,
    "short",
  ),
  range(valkey, "snapshotRetentionLimit", 0, 35, cachePage),
  longest(valkey, "description", 1_000, cachePage),
  text(
    "aws:elasticache/parameterGroup:ParameterGroup",
    "family",
    /^(redis7|valkey7|valkey8)$/,
    "ElastiCache API Reference, CreateCacheParameterGroup",
    "valkey-8",
  ),
  rule<unknown[]>(
    "aws:elasticache/subnetGroup:SubnetGroup",
    "subnetIds",
    "are one at least",
    "ElastiCache API Reference, CreateCacheSubnetGroup",
    (list) => list.length >= 1,
    [],
  ),
  range(
    "random:index/randomPassword:RandomPassword",
    "length",
    16,
    128,
    "ElastiCache User Guide, Authenticating with AUTH",
  ),

  among(webAcl, "scope", ["CLOUDFRONT", "REGIONAL"], wafPage),
  rule<string>(
    webAcl,
    "region",
    "is us-east-1 for CloudFront",
    "AWS WAF Developer Guide, Resources that you can protect",
    (region, { inputs }) => inputs.scope !== "CLOUDFRONT" || region === "us-east-1",
    undefined,
  ),
  range(webAcl, "rules.*.statement.rateBasedStatement.limit", 10, 2_000_000_000, wafPage),
  among(webAcl, "rules.*.statement.rateBasedStatement.evaluationWindowSec", [60, 120, 300, 600], wafPage),
  range(webAcl, "rules.*.action.block.customResponse.responseCode", 200, 599, wafPage),
  longest(webAcl, "customResponseBodies.*.content", 10_240, wafPage),
  text(webAcl, "visibilityConfig.metricName", /^[\w#:.\-/]{1,255}$/, wafPage, "too many"),
  arn(distribution, "webAclId", "wafv2", cloudfrontPage),
  among(distribution, "httpVersion", ["http1.1", "http2", "http3", "http2and3"], cloudfrontPage),
  among(distribution, "priceClass", ["PriceClass_100", "PriceClass_200", "PriceClass_All", "None"], cloudfrontPage),
  longest(distribution, "comment", 128, cloudfrontPage),
  among(
    distribution,
    "viewerCertificate.minimumProtocolVersion",
    ["TLSv1", "TLSv1.2_2018", "TLSv1.2_2019", "TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"],
    cloudfrontPage,
  ),
  rule<boolean>(
    distribution,
    "viewerCertificate.cloudfrontDefaultCertificate",
    "comes with TLSv1, which CloudFront always sets with its own certificate, and without a name of one's own",
    "CloudFront API Reference, ViewerCertificate",
    (byDefault, { inputs }) =>
      !byDefault ||
      ((inputs.viewerCertificate as Record<string, unknown>).minimumProtocolVersion === "TLSv1" &&
        inputs.aliases === undefined),
    undefined,
  ),
  text(
    distribution,
    "viewerCertificate.acmCertificateArn",
    /^arn:aws:acm:us-east-1:/,
    "CloudFront Developer Guide, Requirements for certificates",
    "arn:aws:acm:eu-west-1:1:certificate/x",
  ),
  among(
    distribution,
    "defaultCacheBehavior.viewerProtocolPolicy",
    ["allow-all", "https-only", "redirect-to-https"],
    cloudfrontPage,
  ),
  rule<string>(
    distribution,
    "orderedCacheBehaviors.*.targetOriginId",
    "is one of the origins, or a group of them",
    cloudfrontPage,
    (id, { inputs }) => [...originsOf(inputs.origins), ...originsOf(inputs.originGroups)].includes(id),
    "nobody",
  ),
  rule<{ originId: string }[]>(
    distribution,
    "originGroups.*.members",
    "are two of the origins",
    "CloudFront API Reference, OriginGroupMembers",
    (members, { inputs }) =>
      members.length === 2 &&
      members[0]!.originId !== members[1]!.originId &&
      members.every(({ originId }) => originsOf(inputs.origins).includes(originId)),
    [{ originId: "pages" }],
  ),
  among(
    distribution,
    "originGroups.*.failoverCriteria.statusCodes.*",
    [400, 403, 404, 416, 429, 500, 502, 503, 504],
    "CloudFront Developer Guide, Optimizing high availability with CloudFront origin failover",
  ),
  rule<{ targetOriginId: string; allowedMethods: string[] }[]>(
    distribution,
    "orderedCacheBehaviors",
    "only read where the origin is a group",
    "CloudFront Developer Guide, Optimizing high availability with CloudFront origin failover",
    (behaviours, { inputs }) =>
      behaviours.every(
        ({ targetOriginId, allowedMethods }) =>
          !originsOf(inputs.originGroups).includes(targetOriginId) ||
          allowedMethods.every((method) => ["GET", "HEAD", "OPTIONS"].includes(method)),
      ),
    undefined,
  ),
  rule<string[]>(
    distribution,
    "defaultCacheBehavior.allowedMethods",
    "is one of the three lists that CloudFront knows",
    cloudfrontPage,
    (list) =>
      ["GET,HEAD", "GET,HEAD,OPTIONS", "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"].includes([...list].sort().join(",")),
    ["GET", "POST"],
  ),
  rule<{ eventType: string; includeBody?: boolean; lambdaArn: string }[]>(
    distribution,
    "defaultCacheBehavior.lambdaFunctionAssociations",
    "name a version in us-east-1, one an event, with the body on requests only",
    edgePage,
    (list) =>
      new Set(list.map(({ eventType }) => eventType)).size === list.length &&
      list.every(
        ({ eventType, includeBody, lambdaArn }) =>
          /^arn:aws:lambda:us-east-1:\d{12}:function:[^:]+:\d+$/.test(lambdaArn) &&
          (includeBody !== true || eventType.endsWith("-request")),
      ),
    [
      {
        eventType: "origin-response",
        includeBody: true,
        lambdaArn: "arn:aws:lambda:us-east-1:123456789012:function:f:1",
      },
    ],
  ),
  text(
    distribution,
    "origins.*.domainName",
    /^(?=.{1,253}$)[a-z0-9-]+(\.[a-z0-9-]+)+$/,
    cloudfrontPage,
    "https://example.com/",
  ),
  range(distribution, "origins.*.customOriginConfig.originReadTimeout", 1, 120, cloudfrontPage),
  range(distribution, "origins.*.customOriginConfig.originKeepaliveTimeout", 1, 120, cloudfrontPage),
  among(
    "aws:cloudfront/function:Function",
    "runtime",
    ["cloudfront-js-1.0", "cloudfront-js-2.0"],
    "CloudFront API Reference, FunctionConfig",
  ),
  rule<string>(
    "aws:cloudfront/function:Function",
    "code",
    "is at most 10 KB",
    "CloudFront Developer Guide, Restrictions on CloudFront Functions",
    (code) => Buffer.byteLength(code) <= 10_240,
    "x".repeat(10_241),
  ),
  rule<unknown[]>(
    "aws:cloudfront/function:Function",
    "keyValueStoreAssociations",
    "is one store at most",
    "CloudFront API Reference, KeyValueStoreAssociations",
    (stores) => stores.length <= 1,
    ["arn:a", "arn:b"],
  ),
  text(
    "aws:cloudfront/keyValueStore:KeyValueStore",
    "name",
    /^[A-Za-z0-9-_]{1,64}$/,
    "CloudFront API Reference, CreateKeyValueStore",
    "a store",
  ),
  longest(
    "aws:cloudfront/keyValueStore:KeyValueStore",
    "comment",
    128,
    "CloudFront API Reference, CreateKeyValueStore",
  ),
  longest("aws:cloudfront/function:Function", "comment", 128, "CloudFront API Reference, FunctionConfig"),
  among(
    "aws:cloudfront/originAccessControl:OriginAccessControl",
    "originAccessControlOriginType",
    ["s3", "mediastore", "lambda", "mediapackagev2"],
    "CloudFront API Reference, OriginAccessControlConfig",
  ),
  among(
    "aws:cloudfront/originAccessControl:OriginAccessControl",
    "signingBehavior",
    ["never", "always", "no-override"],
    "CloudFront API Reference, OriginAccessControlConfig",
  ),
  among(
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
    "securityHeadersConfig.frameOptions.frameOption",
    ["DENY", "SAMEORIGIN"],
    "CloudFront API Reference, ResponseHeadersPolicyFrameOptions",
  ),

  rule<number>(
    "aws:cloudwatch/logGroup:LogGroup",
    "retentionInDays",
    "is one that CloudWatch knows",
    "CloudWatch Logs API Reference, PutRetentionPolicy",
    (days) =>
      [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
      ].includes(days),
    2,
  ),
  rule<string>(
    "aws:cloudwatch/logStream:LogStream",
    "logGroupName",
    "names a group",
    "CloudWatch Logs API Reference, CreateLogStream",
    (name) => /^[.\-_/#A-Za-z0-9]{1,512}$/.test(name),
    "a group",
  ),
  rule<string>(
    "aws:cloudwatch/logMetricFilter:LogMetricFilter",
    "pattern",
    "has at most 1,024 characters and, in braces, compares JSON members",
    "CloudWatch Logs User Guide, Filter pattern syntax",
    (pattern) => pattern.length <= 1_024 && (!pattern.startsWith("{") || /^\{ \$\.[a-z_]+ .+ \}$/.test(pattern)),
    "{ message }",
  ),
  text(
    "aws:cloudwatch/logDeliverySource:LogDeliverySource",
    "name",
    /^[\w-]{1,60}$/,
    "CloudWatch Logs API Reference, PutDeliverySource",
    "a name",
  ),
  among(
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
    "outputFormat",
    ["json", "plain", "w3c", "raw", "parquet"],
    "CloudWatch Logs API Reference, PutDeliveryDestination",
  ),
  text(
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
    "name",
    /^[\w-]{1,60}$/,
    "CloudWatch Logs API Reference, PutDeliveryDestination",
    "a name",
  ),
  text(
    "aws:cloudwatch/logDelivery:LogDelivery",
    "deliverySourceName",
    /^[\w-]{1,60}$/,
    "CloudWatch Logs API Reference, CreateDelivery",
    "a name",
  ),
  longest(alarm, "alarmDescription", 1_024, alarmPage),
  rule<number>(
    alarm,
    "datapointsToAlarm",
    "is at most the evaluation periods",
    alarmPage,
    (n, { inputs }) => n >= 1 && n <= Number(inputs.evaluationPeriods),
    99,
  ),
  rule<{ id: string; returnData?: boolean; expression?: string; metric?: { period: number } }[]>(
    alarm,
    "metricQueries",
    "are ten at most with ids in lower case, one of which answers, and look back a day at most, or a week from an hour on",
    alarmPage,
    (list, { inputs }) => {
      const periods = list.flatMap(({ metric }) => (metric === undefined ? [] : [metric.period]));
      const span = Math.max(...periods) * Number(inputs.evaluationPeriods);
      return (
        list.length <= 10 &&
        list.every(({ id }) => /^[a-z][A-Za-z0-9_]*$/.test(id)) &&
        list.filter(({ returnData }) => returnData === true).length === 1 &&
        periods.every((period) => [10, 20, 30].includes(period) || period % 60 === 0) &&
        span <= (Math.max(...periods) >= 3_600 ? 604_800 : 86_400)
      );
    },
    [{ id: "Value", returnData: true, metric: { period: 60 } }],
  ),
  rule<string>(
    "aws:cloudwatch/compositeAlarm:CompositeAlarm",
    "alarmRule",
    "is an expression of at most 10,240 characters over alarms",
    "CloudWatch API Reference, PutCompositeAlarm",
    (expression) =>
      expression.length <= 10_240 &&
      /^(NOT )?(ALARM|OK|INSUFFICIENT_DATA)\("[^"]+"\)( (AND|OR) (NOT )?(ALARM|OK)\("[^"]+"\))*$/.test(expression),
    "ALARM(a) & ALARM(b)",
  ),
  rule<string>(
    "aws:cloudwatch/dashboard:Dashboard",
    "dashboardBody",
    "is JSON with at most 500 widgets within a grid of 24",
    "CloudWatch API Reference, Dashboard body structure",
    (json) => {
      const { widgets } = JSON.parse(json) as { widgets: { x: number; width: number }[] };
      return widgets.length <= 500 && widgets.every(({ x, width }) => x + width <= 24);
    },
    '{"widgets":[{"x":20,"width":8}]}',
  ),

  document("aws:iam/rolePolicy:RolePolicy", "policy", false, 10_240),
  document("aws:iam/role:Role", "assumeRolePolicy", true, 2_048),
  text("aws:iam/role:Role", "description", /^[ -~¡-ÿ]{0,1000}$/, "IAM API Reference, CreateRole", "starts → ends"),
  arn("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "policyArn", "iam", "IAM API Reference, AttachRolePolicy"),
  document("aws:kms/key:Key", "policy", true, 32_768),
  range("aws:kms/key:Key", "deletionWindowInDays", 7, 30, "KMS API Reference, ScheduleKeyDeletion"),
  longest("aws:kms/key:Key", "description", 8_192, "KMS API Reference, CreateKey"),
  rule<string>(
    "aws:kms/alias:Alias",
    "name",
    "begins with alias/ and not with alias/aws/",
    "KMS API Reference, CreateAlias",
    (name) => /^alias\/(?!aws\/)[A-Za-z0-9/_-]{1,250}$/.test(name),
    "alias/aws/own",
  ),
  arn("aws:kms/replicaKey:ReplicaKey", "primaryKeyArn", "kms", "KMS API Reference, ReplicateKey"),
  document("aws:kms/replicaKey:ReplicaKey", "policy", true, 32_768),

  text(
    "aws:s3/bucket:Bucket",
    "bucket",
    /^(?!xn--)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    "S3 User Guide, Bucket naming rules",
    "My_Bucket",
  ),
  document("aws:s3/bucketPolicy:BucketPolicy", "policy", true, 20_480),
  rule<{ id: string }[]>(
    lifecycle,
    "rules",
    "are at most 1,000 with ids of their own",
    "S3 User Guide, Managing the lifecycle of objects",
    (list) => list.length <= 1_000 && new Set(list.map(({ id }) => id)).size === list.length,
    [{ id: "a" }, { id: "a" }],
  ),
  rule<{ days: number; storageClass: string }[]>(
    lifecycle,
    "rules.*.transitions",
    "go to a class that exists; infrequent access not before 30 days",
    s3Page,
    (list) =>
      list.every(
        ({ days, storageClass }) =>
          (storageClass.endsWith("_IA") ? days >= 30 : days >= 0) &&
          ["STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"].includes(
            storageClass,
          ),
      ),
    [{ days: 1, storageClass: "STANDARD_IA" }],
  ),
  rule<number>(
    lifecycle,
    "rules.*.expiration.days",
    "is a whole number from 1",
    s3Page,
    (days) => Number.isInteger(days) && days >= 1,
    0,
  ),
  among(
    "aws:s3/bucketVersioning:BucketVersioning",
    "versioningConfiguration.status",
    ["Enabled", "Suspended", "Disabled"],
    "S3 API Reference, PutBucketVersioning",
  ),
  among(
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "rule.defaultRetention.mode",
    ["GOVERNANCE", "COMPLIANCE"],
    "S3 API Reference, DefaultRetention",
  ),
  rule<number>(
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "rule.defaultRetention.days",
    "is a whole number from 1 to 36,500",
    "S3 API Reference, DefaultRetention",
    (days) => Number.isInteger(days) && days >= 1 && days <= 36_500,
    0,
  ),
  among(
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "rule.objectOwnership",
    ["BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced"],
    "S3 API Reference, PutBucketOwnershipControls",
  ),
  among(
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "rules.*.applyServerSideEncryptionByDefault.sseAlgorithm",
    ["AES256", "aws:kms", "aws:kms:dsse"],
    "S3 API Reference, ServerSideEncryptionByDefault",
  ),
  rule<string>(
    "aws:s3/bucketLogging:BucketLogging",
    "targetPrefix",
    "ends with a slash, so that logs stand in a folder",
    "S3 User Guide, Enabling server access logging",
    (prefix) => prefix.endsWith("/"),
    "logs",
  ),
  text(
    "aws:s3/bucketMetric:BucketMetric",
    "name",
    /^[A-Za-z0-9._-]{1,64}$/,
    "S3 API Reference, MetricsConfiguration",
    "puts under failed/",
  ),
  rule<boolean>(
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "blockPublicPolicy",
    "is yes or no",
    "S3 API Reference, PutPublicAccessBlock",
    (value) => typeof value === "boolean",
    "yes",
  ),

  text(
    schedule,
    "scheduleExpression",
    /^(rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)|cron\((\S+ ){5}\S+\)|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\))$/,
    "EventBridge Scheduler User Guide, Schedule types",
    "rate(1 minutes)",
  ),
  among(
    schedule,
    "flexibleTimeWindow.mode",
    ["OFF", "FLEXIBLE"],
    "EventBridge Scheduler API Reference, FlexibleTimeWindow",
  ),
  range(
    schedule,
    "target.retryPolicy.maximumEventAgeInSeconds",
    60,
    86_400,
    "EventBridge Scheduler API Reference, RetryPolicy",
  ),
  range(
    schedule,
    "target.retryPolicy.maximumRetryAttempts",
    0,
    185,
    "EventBridge Scheduler API Reference, RetryPolicy",
  ),
  arn(schedule, "target.deadLetterConfig.arn", "sqs", "EventBridge Scheduler API Reference, DeadLetterConfig"),
  range(
    "aws:secretsmanager/secret:Secret",
    "recoveryWindowInDays",
    0,
    30,
    "Secrets Manager API Reference, DeleteSecret",
  ),
  longest("aws:secretsmanager/secret:Secret", "description", 2_048, "Secrets Manager API Reference, CreateSecret"),
  longest(
    "aws:secretsmanager/secretVersion:SecretVersion",
    "secretString",
    65_536,
    "Secrets Manager API Reference, PutSecretValue",
  ),
  text(
    "aws:cognito/userPool:UserPool",
    "name",
    /^[\w\s+=,.@-]{1,128}$/,
    "Cognito User Pools API Reference, CreateUserPool",
    "people & others",
  ),
  among(
    "aws:cognito/userPool:UserPool",
    "mfaConfiguration",
    ["OFF", "ON", "OPTIONAL"],
    "Cognito User Pools API Reference, CreateUserPool",
  ),
  range(
    "aws:cognito/userPool:UserPool",
    "passwordPolicy.minimumLength",
    6,
    99,
    "Cognito User Pools API Reference, PasswordPolicyType",
  ),
  text(
    "aws:cognito/userPoolClient:UserPoolClient",
    "callbackUrls.*",
    /^https:\/\/[^#]{1,1000}$/,
    "Cognito User Pools API Reference, CreateUserPoolClient",
    "http://example.com/callback",
  ),
  text(
    "aws:cognito/userPoolDomain:UserPoolDomain",
    "domain",
    /^(?!.*(aws|amazon|cognito))[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "Cognito User Pools API Reference, CreateUserPoolDomain; Developer Guide, Using the Amazon Cognito domain",
    "my-aws-people",
  ),
  document("aws:sns/topicPolicy:TopicPolicy", "policy", true, 30_720),
  text(
    "aws:sesv2/configurationSet:ConfigurationSet",
    "configurationSetName",
    /^[A-Za-z0-9_-]{1,64}$/,
    "SES API v2 Reference, CreateConfigurationSet",
    "a set",
  ),
  text(
    "aws:sesv2/emailIdentity:EmailIdentity",
    "emailIdentity",
    /^(?:[^@\s]+@)?(?:[a-z0-9-]+\.)+[a-z]{2,}$/i,
    "SES API v2 Reference, CreateEmailIdentity",
    "nobody",
  ),
  text("aws:sns/topic:Topic", "name", /^[A-Za-z0-9_-]{1,256}$/, "SNS API Reference, CreateTopic", "a topic"),
  text(
    "aws:backup/plan:Plan",
    "rules.*.schedule",
    /^cron\((\S+ ){5}\S+\)$/,
    "AWS Backup Developer Guide, Backup schedule",
    "cron(0 4 * *)",
  ),
  rule<number>(
    "aws:backup/plan:Plan",
    "rules.*.completionWindow",
    "ends an hour at least after the start window",
    "AWS Backup API Reference, BackupRuleInput",
    (minutes, { inputs }) => minutes >= Number((inputs.rules as { startWindow: number }[])[0]!.startWindow) + 60,
    60,
  ),
  arn("aws:backup/vault:Vault", "kmsKeyArn", "kms", "AWS Backup API Reference, CreateBackupVault"),
  rule<number>(
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
    "minRetentionDays",
    "is a whole number of days, at least one",
    "AWS Backup API Reference, PutBackupVaultLockConfiguration",
    (days) => Number.isInteger(days) && days >= 1 && days <= 36_500,
    0,
  ),
  arn("aws:backup/selection:Selection", "iamRoleArn", "iam", "AWS Backup API Reference, BackupSelection"),
  among(
    "aws:budgets/budget:Budget",
    "timeUnit",
    ["DAILY", "MONTHLY", "QUARTERLY", "ANNUALLY", "CUSTOM"],
    "AWS Budgets API Reference, Budget",
  ),

  rule<string>(
    "aws:ec2/vpc:Vpc",
    "cidrBlock",
    "is a private range from /16 to /28",
    "VPC User Guide, VPC CIDR blocks",
    (cidr) => /^(10|172|192)\.\d+\.\d+\.\d+\/(1[6-9]|2[0-8])$/.test(cidr),
    "10.0.0.0/8",
  ),
  text(
    "aws:ec2/subnet:Subnet",
    "cidrBlock",
    /^\d+\.\d+\.\d+\.\d+\/(1[6-9]|2[0-8])$/,
    "VPC User Guide, Subnet CIDR blocks",
    "10.0.0.0/29",
  ),
  text(
    "aws:ec2/subnet:Subnet",
    "availabilityZone",
    /^[a-z]{2}(-[a-z]+)+-\d[a-z]$/,
    "EC2 API Reference, CreateSubnet",
    "us-east-1",
  ),
  text("aws:ec2/routeTable:RouteTable", "vpcId", /^vpc-/, "EC2 API Reference, CreateRouteTable", "network"),
  text(
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "routeTableId",
    /^rtb-/,
    "EC2 API Reference, AssociateRouteTable",
    "subnet-1",
  ),
  text(
    "aws:ec2/internetGateway:InternetGateway",
    "vpcId",
    /^vpc-/,
    "EC2 API Reference, AttachInternetGateway",
    "network",
  ),
  longest("aws:ec2/securityGroup:SecurityGroup", "description", 255, "EC2 API Reference, CreateSecurityGroup"),
  text(
    "aws:ec2/securityGroup:SecurityGroup",
    "description",
    /^[a-zA-Z0-9. _\-:/()#,@[\]+=&;{}!$*]*$/,
    "EC2 API Reference, CreateSecurityGroup",
    "functions’ group",
  ),
  rule<unknown[]>(
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "ingress",
    "is a list",
    "EC2 API Reference, SecurityGroup",
    Array.isArray,
    "none",
  ),
  ...[sgIn, sgOut].flatMap((type) => [
    rule<number>(
      type,
      "fromPort",
      "is a port not above `toPort`",
      groupPage,
      (from, { inputs }) => from >= 0 && from <= Number(inputs.toPort) && Number(inputs.toPort) <= 65_535,
      70_000,
    ),
    text(type, "description", /^[a-zA-Z0-9. _\-:/()#,@[\]+=;{}!$*]{0,255}$/, groupPage, "it’s"),
    rule<string>(
      type,
      "ipProtocol",
      "comes with exactly one other side",
      groupPage,
      (_, { inputs }) =>
        [inputs.cidrIpv4, inputs.cidrIpv6, inputs.prefixListId, inputs.referencedSecurityGroupId].filter(
          (one) => one !== undefined,
        ).length === 1,
      undefined,
    ),
  ]),
  rule<string>(
    endpoint,
    "serviceName",
    "is a service of the region",
    "VPC User Guide, AWS services that integrate with PrivateLink",
    (name) => /^com\.amazonaws\.[a-z]{2}-[a-z]+-\d\.[a-z0-9.-]+$/.test(name),
    "s3",
  ),
  rule<string>(
    endpoint,
    "vpcEndpointType",
    "is Gateway for S3 and DynamoDB with route tables, Interface for others with subnets",
    "EC2 API Reference, CreateVpcEndpoint",
    (kind, { inputs }) =>
      kind === "Gateway"
        ? /\.(s3|dynamodb)$/.test(String(inputs.serviceName)) && inputs.subnetIds === undefined
        : kind === "Interface" && inputs.routeTableIds === undefined,
    "Door",
  ),
  text(
    glueDatabase,
    "name",
    /^[a-z0-9_]{1,255}$/,
    "Athena User Guide, Naming databases, tables and columns",
    "My-Data",
  ),
  text(glueTable, "name", /^[a-z0-9_]{1,255}$/, "Athena User Guide, Naming databases, tables and columns", "my facts"),
  among(glueTable, "tableType", ["EXTERNAL_TABLE", "VIRTUAL_VIEW"], "Glue API Reference, TableInput"),
  text(
    glueTable,
    "storageDescriptor.location",
    /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/([^*]*\/)?$/,
    "Athena User Guide, Specify a table location in Amazon S3",
    "s3://bucket/*.parquet",
  ),
  among(
    glueTable,
    "storageDescriptor.columns.*.type",
    ["string", "bigint", "int", "timestamp", "array<struct<bucket:int,n:bigint>>"],
    "Athena User Guide, Data types in Amazon Athena",
  ),
  text(workgroup, "name", /^[a-zA-Z0-9._-]{1,128}$/, "Athena API Reference, CreateWorkGroup", "my group"),
  rule<number>(
    workgroup,
    "configuration.bytesScannedCutoffPerQuery",
    "is 10 MB at least",
    "Athena API Reference, WorkGroupConfiguration",
    (n) => Number.isInteger(n) && n >= 10_000_000,
    9_999_999,
  ),
  text(
    workgroup,
    "configuration.resultConfiguration.outputLocation",
    /^s3:\/\/[^/]+\/.*$/,
    "Athena API Reference, ResultConfiguration",
    "results/",
  ),
  among(
    workgroup,
    "configuration.resultConfiguration.encryptionConfiguration.encryptionOption",
    ["SSE_S3", "SSE_KMS", "CSE_KMS"],
    "Athena API Reference, EncryptionConfiguration",
  ),
  arn(
    workgroup,
    "configuration.resultConfiguration.encryptionConfiguration.kmsKeyArn",
    "kms",
    "Athena API Reference, EncryptionConfiguration",
  ),
  among("aws:ec2/flowLog:FlowLog", "trafficType", ["ACCEPT", "REJECT", "ALL"], "EC2 API Reference, CreateFlowLogs"),
  among(
    "aws:ec2/flowLog:FlowLog",
    "logDestinationType",
    ["cloud-watch-logs", "s3", "kinesis-data-firehose"],
    "EC2 API Reference, CreateFlowLogs",
  ),
];

/** Every value at a path with `*` for lists. */
export function valuesAt(inputs: unknown, path: string): unknown[] {
  let values: unknown[] = [inputs];
  for (const member of path.split(".")) {
    values = values.flatMap((value) => {
      if (member === "*") return Array.isArray(value) ? value : [];
      const found = (value as Record<string, unknown> | undefined)?.[member];
      return found === undefined ? [] : [found];
    });
  }
  return values;
}

/** Whether a value holds; one that can't be read at all does not. */
export function accepted({ holds }: AwsRule, value: unknown, resource: Pick<Declared, "inputs">): boolean {
  try {
    return holds(value as never, resource);
  } catch {
    return false;
  }
}
