/**
 * What a change of a running stack would delete and make again. The provider decides that by argument: its schema says which
 * of them can't be changed in place. An engine then also replaces each resource that can't take the new resource's name in place.
 */
import type { Declared, Graph } from "../../program/graph.ts";

/**
 * Arguments that can't be changed in place, by type. Source: schemas of terraform-provider-aws, `ForceNew` in
 * internal/service/<service>/<resource>.go; of @pulumi/random its own documentation. A type that isn't here is an error.
 */
const fixed: Readonly<Record<string, readonly string[]>> = {
  "aws:apigateway/account:Account": [],
  "aws:apigatewayv2/api:Api": ["protocolType"],
  "aws:apigatewayv2/authorizer:Authorizer": ["apiId"],
  "aws:apigatewayv2/integration:Integration": ["apiId", "connectionType", "integrationSubtype", "integrationType"],
  "aws:apigatewayv2/route:Route": ["apiId"],
  "aws:apigatewayv2/routeResponse:RouteResponse": ["apiId", "routeId"],
  "aws:apigatewayv2/stage:Stage": ["apiId", "name"],
  "aws:athena/workgroup:Workgroup": ["name"],
  "aws:backup/plan:Plan": ["name"],
  "aws:backup/selection:Selection": ["iamRoleArn", "name", "notResources", "planId", "resources", "selectionTags"],
  "aws:backup/vault:Vault": ["kmsKeyArn", "name"],
  "aws:backup/vaultLockConfiguration:VaultLockConfiguration": [
    "backupVaultName",
    "changeableForDays",
    "maxRetentionDays",
    "minRetentionDays",
  ],
  "aws:budgets/budget:Budget": ["accountId", "name"],
  "aws:cloudfront/distribution:Distribution": ["staging"],
  "aws:cloudfront/function:Function": ["name"],
  "aws:cloudfront/keyValueStore:KeyValueStore": ["name"],
  "aws:cloudfront/originAccessControl:OriginAccessControl": ["originAccessControlOriginType"],
  "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": [],
  "aws:cloudwatch/compositeAlarm:CompositeAlarm": ["alarmName"],
  "aws:cloudwatch/dashboard:Dashboard": ["dashboardName"],
  "aws:cloudwatch/logDelivery:LogDelivery": ["deliveryDestinationArn", "deliverySourceName"],
  "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": ["deliveryDestinationType", "name"],
  "aws:cloudwatch/logDeliverySource:LogDeliverySource": ["logType", "name", "resourceArn"],
  "aws:cloudwatch/logGroup:LogGroup": ["logGroupClass", "name", "namePrefix"],
  "aws:cloudwatch/logMetricFilter:LogMetricFilter": ["logGroupName", "name"],
  "aws:cloudwatch/logStream:LogStream": ["logGroupName", "name"],
  "aws:cloudwatch/metricAlarm:MetricAlarm": ["name"],
  "aws:codedeploy/application:Application": ["computePlatform"],
  "aws:codedeploy/deploymentGroup:DeploymentGroup": ["appName"],
  "aws:dynamodb/table:Table": [
    "hashKey",
    "importTable",
    "localSecondaryIndexes",
    "name",
    "rangeKey",
    "restoreDateTime",
    "restoreSourceName",
    "restoreToLatestTime",
  ],
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ["vpcId"],
  "aws:ec2/flowLog:FlowLog": [
    "logDestination",
    "logDestinationType",
    "logFormat",
    "maxAggregationInterval",
    "trafficType",
    "vpcId",
  ],
  "aws:ec2/internetGateway:InternetGateway": [],
  "aws:ec2/routeTable:RouteTable": ["vpcId"],
  "aws:ec2/routeTableAssociation:RouteTableAssociation": ["gatewayId", "subnetId"],
  "aws:ec2/securityGroup:SecurityGroup": ["description", "name", "namePrefix", "vpcId"],
  "aws:ec2/subnet:Subnet": ["availabilityZone", "availabilityZoneId", "cidrBlock", "ipv6Native", "outpostArn", "vpcId"],
  "aws:ec2/vpc:Vpc": ["cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength"],
  "aws:ec2/vpcEndpoint:VpcEndpoint": ["serviceName", "serviceRegion", "vpcEndpointType", "vpcId"],
  "aws:elasticache/parameterGroup:ParameterGroup": ["description", "family", "name"],
  "aws:elasticache/replicationGroup:ReplicationGroup": [
    "atRestEncryptionEnabled",
    "dataTieringEnabled",
    "globalReplicationGroupId",
    "kmsKeyId",
    "networkType",
    "port",
    "replicationGroupId",
    "securityGroupNames",
    "snapshotArns",
    "snapshotName",
    "subnetGroupName",
  ],
  "aws:elasticache/subnetGroup:SubnetGroup": ["name"],
  "aws:glue/catalogDatabase:CatalogDatabase": ["catalogId", "name"],
  "aws:glue/catalogTable:CatalogTable": [
    "catalogId",
    "databaseName",
    "name",
    "openTableFormatInput",
    "partitionIndices",
  ],
  "aws:iam/role:Role": ["name", "namePrefix", "path"],
  "aws:iam/rolePolicy:RolePolicy": ["name", "namePrefix", "role"],
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ["policyArn", "role"],
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": ["destination", "kinesisSourceConfiguration", "name"],
  "aws:kms/alias:Alias": ["name", "namePrefix"],
  "aws:kms/key:Key": ["customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"],
  "aws:kms/replicaKey:ReplicaKey": ["primaryKeyArn", "region"],
  "aws:lambda/alias:Alias": ["functionName", "name"],
  "aws:lambda/eventSourceMapping:EventSourceMapping": ["eventSourceArn", "startingPosition"],
  "aws:lambda/function:Function": ["name", "packageType"],
  "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": ["functionName", "qualifier"],
  "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": ["functionName"],
  "aws:lambda/functionUrl:FunctionUrl": ["functionName", "qualifier"],
  "aws:lambda/invocation:Invocation": ["functionName", "input", "qualifier", "triggers"],
  "aws:lambda/permission:Permission": [
    "action",
    "function",
    "functionUrlAuthType",
    "principal",
    "qualifier",
    "sourceArn",
    "statementId",
  ],
  "aws:cognito/userPool:UserPool": ["aliasAttributes", "usernameAttributes", "usernameConfiguration"],
  "aws:cognito/userPoolClient:UserPoolClient": ["generateSecret", "userPoolId"],
  "aws:cognito/userPoolDomain:UserPoolDomain": ["domain", "userPoolId"],
  "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": ["functionName", "qualifier"],
  "aws:rds/instance:Instance": [
    "availabilityZone",
    "characterSetName",
    "dbName",
    "engine",
    "kmsKeyId",
    "snapshotIdentifier",
    "storageEncrypted",
    "timezone",
    "username",
  ],
  "aws:rds/parameterGroup:ParameterGroup": ["description", "family", "name"],
  "aws:rds/proxy:Proxy": ["endpointNetworkType", "engineFamily", "targetConnectionNetworkType", "vpcSubnetIds"],
  "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": ["dbProxyName"],
  "aws:rds/proxyTarget:ProxyTarget": ["dbInstanceIdentifier", "dbProxyName", "targetGroupName"],
  "aws:rds/subnetGroup:SubnetGroup": ["name"],
  "aws:s3/bucket:Bucket": ["bucket", "bucketPrefix", "objectLockEnabled"],
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ["bucket"],
  "aws:s3/bucketLogging:BucketLogging": ["bucket"],
  "aws:wafv2/webAcl:WebAcl": ["name", "scope", "region"],
  "aws:s3/bucketMetric:BucketMetric": ["bucket", "name"],
  "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": ["bucket"],
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ["bucket"],
  "aws:s3/bucketPolicy:BucketPolicy": ["bucket"],
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ["bucket"],
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": ["bucket"],
  "aws:s3/bucketVersioning:BucketVersioning": ["bucket"],
  "aws:scheduler/schedule:Schedule": ["groupName", "name"],
  "aws:secretsmanager/secret:Secret": ["name", "namePrefix"],
  "aws:secretsmanager/secretVersion:SecretVersion": ["secretId"],
  "aws:sesv2/configurationSet:ConfigurationSet": ["configurationSetName"],
  "aws:sesv2/emailIdentity:EmailIdentity": ["emailIdentity"],
  "aws:sns/topic:Topic": ["fifoTopic", "name"],
  "aws:sns/topicPolicy:TopicPolicy": ["arn"],
  "aws:sns/topicSubscription:TopicSubscription": ["endpoint", "protocol", "topic"],
  "aws:sqs/queue:Queue": ["fifoQueue", "name"],
  "aws:sqs/queuePolicy:QueuePolicy": ["queueUrl"],
  "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": ["queueUrl"],
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ["securityGroupId"],
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ["securityGroupId"],
  "random:index/randomPassword:RandomPassword": ["length", "special"],
};

const labelOf = ({ type, name }: Declared) => `${type}::${name}`;
const textOf = (value: unknown): string => JSON.stringify(value) ?? "";

/** Names by which others know a resource. */
const namesOf = ({ outputs, name }: Declared): string[] =>
  [outputs.arn, outputs.id, outputs.url, outputs.functionUrl, outputs.endpoint, name].filter(
    (one): one is string => typeof one === "string",
  );

/** Resources of a program, each by its own name and by its aliases, as an engine finds those of a stack that runs. */
const byLabel = ({ resources }: Graph): Map<string, Declared> =>
  new Map(
    resources.flatMap((one) => [one.name, ...one.aliases].map((name) => [labelOf({ ...one, name }), one] as const)),
  );

/** Names `type::name` of resources that a change deletes: neither a name nor an alias of the program finds them. */
export function deletions(before: Graph, after: Graph): string[] {
  const now = byLabel(after);
  return before.resources.map(labelOf).filter((label) => !now.has(label));
}

/**
 * Names `type::name` of what stands in both and would be replaced, in the program's order.
 * @throws Error for a type whose fixed arguments aren't known
 */
export function replacements(before: Graph, after: Graph): string[] {
  const now = byLabel(after);
  const both = before.resources.filter((one) => one.custom && now.has(labelOf(one)));
  const replaced = new Set<string>();
  const fixedOf = ({ type }: Declared): readonly string[] => {
    const known = fixed[type];
    if (known === undefined) throw new Error(`${type}: which of its arguments can't be changed in place?`);
    return known;
  };
  for (const one of both) {
    const then = now.get(labelOf(one))!;
    if (fixedOf(one).some((argument) => textOf(one.inputs[argument]) !== textOf(then.inputs[argument])))
      replaced.add(labelOf(one));
  }
  // A replaced resource has another name or ARN, and arguments that force a replacement may be made of these.
  for (let size = -1; size !== replaced.size; ) {
    size = replaced.size;
    const gone = both.filter((one) => replaced.has(labelOf(one))).flatMap(namesOf);
    for (const one of both)
      if (fixedOf(one).some((argument) => gone.some((name) => textOf(one.inputs[argument]).includes(`"${name}"`))))
        replaced.add(labelOf(one));
  }
  return both.map(labelOf).filter((label) => replaced.has(label));
}
