/**
 * How long AWS lets the names be that Pulumi makes: a resource that names itself nothing gets its name in the program, a hyphen and seven
 * characters of its own, or what `pulumi:autonaming` says (docs/deploy.md).
 */
export interface NameLimit {
  /** The argument that holds the name, where the program gives one. */
  readonly path: string;
  readonly most: number;
  /** Page of AWS's documentation. */
  readonly source: string;
}

/** Seven characters as Pulumi adds them. */
const HEX = "0123456";

/** How resources may be named: by what Pulumi adds by itself, and what `pulumi:autonaming` may put before it (docs/deploy.md). */
export const namings: readonly (readonly [says: string, name: (stack: string, name: string) => string])[] = [
  ["Pulumi's own names", (_, name) => `${name}-${HEX}`],
  ["names that begin with the stack's", (stack, name) => `${stack}-${name}-${HEX}`],
];

const limit = (path: string, most: number, source: string): NameLimit => ({ path, most, source });

/** By type. */
export const nameLimits: Readonly<Record<string, NameLimit>> = {
  "aws:apigatewayv2/api:Api": limit("name", 128, "API Gateway V2 API, CreateApi"),
  "aws:apigatewayv2/authorizer:Authorizer": limit("name", 128, "API Gateway V2 API, CreateAuthorizer"),
  "aws:apigatewayv2/stage:Stage": limit("name", 128, "API Gateway V2 API, CreateStage"),
  "aws:athena/workgroup:Workgroup": limit("name", 128, "Athena API, CreateWorkGroup"),
  "aws:backup/plan:Plan": limit("name", 50, "AWS Backup API, BackupPlanInput"),
  "aws:backup/selection:Selection": limit("name", 50, "AWS Backup API, BackupSelection"),
  "aws:backup/vault:Vault": limit("name", 50, "AWS Backup API, CreateBackupVault"),
  "aws:budgets/budget:Budget": limit("name", 100, "AWS Budgets API, Budget"),
  "aws:cloudfront/function:Function": limit("name", 64, "CloudFront API, CreateFunction"),
  "aws:cloudfront/keyValueStore:KeyValueStore": limit("name", 64, "CloudFront API, CreateKeyValueStore"),
  "aws:cloudfront/originAccessControl:OriginAccessControl": limit(
    "name",
    64,
    "CloudFront API, OriginAccessControlConfig",
  ),
  "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": limit(
    "name",
    128,
    "CloudFront API, ResponseHeadersPolicyConfig",
  ),
  "aws:cloudwatch/compositeAlarm:CompositeAlarm": limit("alarmName", 255, "CloudWatch API, PutCompositeAlarm"),
  "aws:cloudwatch/dashboard:Dashboard": limit("dashboardName", 255, "CloudWatch API, PutDashboard"),
  "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": limit(
    "name",
    60,
    "CloudWatch Logs API, PutDeliveryDestination",
  ),
  "aws:cloudwatch/logDeliverySource:LogDeliverySource": limit("name", 60, "CloudWatch Logs API, PutDeliverySource"),
  "aws:cloudwatch/logGroup:LogGroup": limit("name", 512, "CloudWatch Logs API, CreateLogGroup"),
  "aws:cloudwatch/logMetricFilter:LogMetricFilter": limit("name", 512, "CloudWatch Logs API, PutMetricFilter"),
  "aws:cloudwatch/logStream:LogStream": limit("name", 512, "CloudWatch Logs API, CreateLogStream"),
  "aws:cloudwatch/metricAlarm:MetricAlarm": limit("name", 255, "CloudWatch API, PutMetricAlarm"),
  "aws:codedeploy/application:Application": limit("name", 100, "CodeDeploy API, CreateApplication"),
  "aws:codedeploy/deploymentGroup:DeploymentGroup": limit(
    "deploymentGroupName",
    100,
    "CodeDeploy API, CreateDeploymentGroup",
  ),
  "aws:cognito/userPool:UserPool": limit("name", 128, "Cognito API, CreateUserPool"),
  "aws:cognito/userPoolClient:UserPoolClient": limit("name", 128, "Cognito API, CreateUserPoolClient"),
  "aws:cognito/userPoolDomain:UserPoolDomain": limit("domain", 63, "Cognito API, CreateUserPoolDomain"),
  "aws:dynamodb/table:Table": limit("name", 255, "DynamoDB API, CreateTable"),
  "aws:ec2/securityGroup:SecurityGroup": limit("name", 255, "EC2 API, CreateSecurityGroup"),
  "aws:elasticache/parameterGroup:ParameterGroup": limit("name", 255, "ElastiCache API, CreateCacheParameterGroup"),
  "aws:elasticache/replicationGroup:ReplicationGroup": limit(
    "replicationGroupId",
    40,
    "ElastiCache API, CreateReplicationGroup",
  ),
  "aws:elasticache/subnetGroup:SubnetGroup": limit("name", 255, "ElastiCache API, CreateCacheSubnetGroup"),
  "aws:glue/catalogDatabase:CatalogDatabase": limit("name", 255, "Glue API, DatabaseInput"),
  "aws:glue/catalogTable:CatalogTable": limit("name", 255, "Glue API, TableInput"),
  "aws:iam/role:Role": limit("name", 64, "IAM API, CreateRole"),
  "aws:iam/rolePolicy:RolePolicy": limit("name", 128, "IAM API, PutRolePolicy"),
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": limit("name", 64, "Firehose API, CreateDeliveryStream"),
  "aws:kms/alias:Alias": limit("name", 256, "KMS API, CreateAlias"),
  "aws:lambda/alias:Alias": limit("name", 128, "Lambda API, CreateAlias"),
  "aws:lambda/function:Function": limit("name", 64, "Lambda API, CreateFunction"),
  "aws:lambda/permission:Permission": limit("statementId", 100, "Lambda API, AddPermission"),
  "aws:rds/instance:Instance": limit("identifier", 63, "RDS API, CreateDBInstance"),
  "aws:rds/parameterGroup:ParameterGroup": limit("name", 255, "RDS API, CreateDBParameterGroup"),
  "aws:rds/proxy:Proxy": limit("name", 63, "RDS API, CreateDBProxy"),
  "aws:rds/subnetGroup:SubnetGroup": limit("name", 255, "RDS API, CreateDBSubnetGroup"),
  "aws:s3/bucket:Bucket": limit("bucket", 63, "S3 user guide, bucket naming rules"),
  "aws:s3/bucketMetric:BucketMetric": limit("name", 64, "S3 API, PutBucketMetricsConfiguration"),
  "aws:scheduler/schedule:Schedule": limit("name", 64, "EventBridge Scheduler API, CreateSchedule"),
  "aws:secretsmanager/secret:Secret": limit("name", 512, "Secrets Manager API, CreateSecret"),
  "aws:sesv2/configurationSet:ConfigurationSet": limit(
    "configurationSetName",
    64,
    "SES API v2 Reference, CreateConfigurationSet",
  ),
  "aws:sns/topic:Topic": limit("name", 256, "SNS API, CreateTopic"),
  "aws:sqs/queue:Queue": limit("name", 80, "SQS API, CreateQueue"),
  "aws:wafv2/webAcl:WebAcl": limit("name", 128, "WAF API, CreateWebACL"),
};

/** What AWS knows by an id, or by another resource's name. */
export const unnamed: ReadonlySet<string> = new Set([
  "aws:apigateway/account:Account",
  "aws:apigatewayv2/integration:Integration",
  "aws:apigatewayv2/route:Route",
  "aws:apigatewayv2/routeResponse:RouteResponse",
  "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
  "aws:cloudfront/distribution:Distribution",
  "aws:cloudwatch/logDelivery:LogDelivery",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
  "aws:ec2/flowLog:FlowLog",
  "aws:ec2/internetGateway:InternetGateway",
  "aws:ec2/routeTable:RouteTable",
  "aws:ec2/routeTableAssociation:RouteTableAssociation",
  "aws:ec2/subnet:Subnet",
  "aws:ec2/vpc:Vpc",
  "aws:ec2/vpcEndpoint:VpcEndpoint",
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  "aws:kms/key:Key",
  "aws:kms/replicaKey:ReplicaKey",
  "aws:lambda/eventSourceMapping:EventSourceMapping",
  "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
  "aws:lambda/functionRecursionConfig:FunctionRecursionConfig",
  "aws:lambda/functionUrl:FunctionUrl",
  "aws:lambda/invocation:Invocation",
  "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig",
  "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup",
  "aws:rds/proxyTarget:ProxyTarget",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  "aws:s3/bucketLogging:BucketLogging",
  "aws:sesv2/emailIdentity:EmailIdentity",
  "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  "aws:s3/bucketVersioning:BucketVersioning",
  "aws:secretsmanager/secretVersion:SecretVersion",
  "aws:sns/topicPolicy:TopicPolicy",
  "aws:sqs/queuePolicy:QueuePolicy",
  "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
]);
