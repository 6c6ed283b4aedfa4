import { at, listAt, type Resource, type Rule, refersTo, type Stack, statementsOf } from "./rule.ts";

/** Each function may do what it does, and nothing else. */

const least = ["SOC 2 CC6.3", "GDPR Art. 32(1)(b)"];
const identityPolicies = ["aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy"];
const resourcePolicies = [
  "aws:kms/key:Key",
  "aws:kms/replicaKey:ReplicaKey",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:sns/topicPolicy:TopicPolicy",
  "aws:sqs/queuePolicy:QueuePolicy",
];

/**
 * Actions that AWS does not let be limited to a resource, each with where it says so. Source: Service Authorization
 * Reference, the page of each service: no resource type stands beside the action, or only types made by the call itself.
 */
export const unlimitable: Readonly<Record<string, string>> = {
  "cloudwatch:DescribeAlarms":
    "CodeDeploy does not say by which names it asks for a shift's alarms (CodeDeploy User Guide, AWSCodeDeployRoleForLambdaLimited)",
  "ec2:AssignPrivateIpAddresses":
    "Lambda makes network interfaces whose ids nobody knows before (Lambda Developer Guide, VPC execution role)",
  "ec2:CreateNetworkInterface":
    "Lambda makes network interfaces whose ids nobody knows before (Lambda Developer Guide, VPC execution role)",
  "ec2:DeleteNetworkInterface":
    "Lambda makes network interfaces whose ids nobody knows before (Lambda Developer Guide, VPC execution role)",
  "ec2:DescribeNetworkInterfaces": "describe actions of EC2 take no resource (Service Authorization Reference, EC2)",
  "ec2:DescribeSubnets": "describe actions of EC2 take no resource (Service Authorization Reference, EC2)",
  "ec2:UnassignPrivateIpAddresses":
    "Lambda makes network interfaces whose ids nobody knows before (Lambda Developer Guide, VPC execution role)",
  "cloudwatch:GetMetricData": "no resource type (Service Authorization Reference, CloudWatch)",
  "xray:PutTelemetryRecords": "no resource type (Service Authorization Reference, X-Ray)",
  "xray:PutTraceSegments": "no resource type (Service Authorization Reference, X-Ray)",
};

/** Managed policies of AWS that are allowed, each with the reason why a policy of our own can't take its place. */
export const managed: Readonly<Record<string, string>> = {
  "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup":
    "AWS Backup tags and reads snapshots whose names it makes up, and AWS extends the policy with each kind it can back up",
  "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs":
    "API Gateway takes no account's role that may do less",
};

const trusted = [
  "apigateway.amazonaws.com",
  "backup.amazonaws.com",
  "codedeploy.amazonaws.com",
  "edgelambda.amazonaws.com",
  "firehose.amazonaws.com",
  "lambda.amazonaws.com",
  "rds.amazonaws.com",
  "scheduler.amazonaws.com",
];

export const privilege: readonly Rule[] = [
  {
    name: "no-wildcard-action",
    description: "A policy names every action that it allows.",
    severity: "critical",
    remedy: "Name each action: a wildcard also grants what AWS adds later.",
    serves: ["FSBP IAM.1", "FSBP IAM.21", "CIS AWS 3.0 1.16", ...least],
    subjects: [...identityPolicies, ...resourcePolicies],
    evidence: ["policy"],
    check: ({ props }) => {
      const wild = statementsOf(props.policy).flatMap(({ effect, actions }) =>
        effect === "Allow" ? actions.filter((action) => action.includes("*")) : [],
      );
      return wild.length === 0 ? undefined : `wildcard actions: ${wild.join(", ")}`;
    },
  },
  {
    name: "no-wildcard-resource",
    description: "A role's policy names its resources, except for actions that AWS does not let be limited.",
    severity: "high",
    remedy: "Name the ARN, or list the action in `unlimitable` with AWS's page that says why.",
    serves: ["FSBP IAM.1", ...least],
    subjects: identityPolicies,
    evidence: ["policy"],
    check: ({ props }) => {
      const wide = statementsOf(props.policy).flatMap(({ effect, actions, resources }) =>
        effect === "Allow" && resources.some((resource) => resource === "*" || resource.endsWith(":*:*"))
          ? actions.filter((action) => unlimitable[action] === undefined)
          : [],
      );
      return wide.length === 0 ? undefined : `allowed on every resource: ${wide.join(", ")}`;
    },
  },
  {
    name: "no-foreign-policy",
    description: "A role gets its rights from a policy of this program, not from one that others can change.",
    severity: "medium",
    remedy: "Write a RolePolicy, or list the managed policy in `managed` with the reason.",
    serves: least,
    subjects: ["aws:iam/rolePolicyAttachment:RolePolicyAttachment"],
    evidence: ["policyArn"],
    check: ({ props }) =>
      managed[String(props.policyArn)] === undefined ? `${String(props.policyArn)} is attached` : undefined,
  },
  {
    name: "role-without-inline-rights",
    description: "Rights of roles are resources of their own, so that other policies see them.",
    severity: "high",
    remedy: "Move `inlinePolicies` to RolePolicy and `managedPolicyArns` to RolePolicyAttachment.",
    serves: least,
    subjects: ["aws:iam/role:Role"],
    evidence: ["inlinePolicies", "managedPolicyArns"],
    check: ({ props }) =>
      listAt(props, "inlinePolicies").length + listAt(props, "managedPolicyArns").length === 0
        ? undefined
        : "the role has rights of its own",
  },
  {
    name: "role-trusts-services",
    description: "Roles are taken on by the AWS services that run the platform, never by people or other accounts.",
    severity: "critical",
    remedy: "Use `trustOf` with the service that runs the work.",
    serves: ["SOC 2 CC6.1", ...least],
    subjects: ["aws:iam/role:Role"],
    evidence: ["assumeRolePolicy"],
    check: ({ props }) => {
      const strangers = statementsOf(props.assumeRolePolicy).flatMap(({ principal }) => {
        const services = at((principal ?? {}) as Record<string, unknown>, "Service");
        const named = Array.isArray(services)
          ? (services as string[])
          : services === undefined
            ? []
            : [String(services)];
        return named.length === 0
          ? ["a principal that is no service"]
          : named.filter((name) => !trusted.includes(name));
      });
      return strangers.length === 0 ? undefined : `trusted besides: ${strangers.join(", ")}`;
    },
  },
  {
    name: "role-of-one-function",
    description: "A function's role belongs to it alone.",
    severity: "high",
    remedy: "Create functions through Handler, which makes a role for each.",
    serves: least,
    subjects: ["aws:lambda/function:Function"],
    evidence: ["role"],
    wholeStack: true,
    check: (subject: Resource, stack: Stack) => {
      const roles = stack.of("aws:iam/role:Role").filter((role) => refersTo(subject, "role", role));
      if (roles.length === 0) return "`role` is none of the stack's roles";
      const others = stack
        .of("aws:lambda/function:Function")
        .filter((other) => other.urn !== subject.urn && roles.some((role) => refersTo(other, "role", role)));
      return others.length === 0 ? undefined : `the role also serves ${others.map(({ name }) => name).join(", ")}`;
    },
  },
  {
    name: "secret-not-in-environment",
    description: "No environment carries a secret: functions read secrets by name, at run time.",
    severity: "high",
    remedy: "Store the value in Secrets Manager and pass the secret's ARN.",
    serves: ["SOC 2 CC6.1", ...least],
    subjects: ["aws:lambda/function:Function"],
    evidence: ["environment.variables.*"],
    check: ({ props }) => {
      const variables = (at(props, "environment.variables") ?? {}) as Record<string, unknown>;
      const suspicious = Object.entries(variables).filter(
        ([name, value]) =>
          /SECRET|PASSWORD|TOKEN|PEPPER|PRIVATE/.test(name) &&
          typeof value === "string" &&
          !/^(arn:aws:secretsmanager:|$)/.test(value),
      );
      return suspicious.length === 0
        ? undefined
        : `values that look like secrets: ${suspicious.map(([name]) => name).join(", ")}`;
    },
  },
];
