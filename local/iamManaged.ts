/** AWS's own managed policies that a program may attach, as published in the "AWS managed policy reference". */
const allow = (...actions: string[]) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }],
});

const logs = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"];

/**
 * For services that are absent on this machine (AWS Backup, RDS monitoring, API Gateway's logs). Functions can't assume their
 * roles.
 */
const ofAbsentService = { Version: "2012-10-17", Statement: [] };

export const managedPolicies: Readonly<Record<string, unknown>> = {
  "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole": allow(...logs),
  "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole": allow(
    ...logs,
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
  ),
  "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess": allow(
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
  ),
  "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup": ofAbsentService,
  "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores": ofAbsentService,
  "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs": ofAbsentService,
  "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole": ofAbsentService,
};
