/**
 * What AWS refuses, or lets fail later without a word, although every argument by itself is right: rules over two resources or
 * more. Each row has the page that says so and changes of our own program that break it, with what is then found.
 */

import { evaluate, isPrincipal, parsePolicy } from "../../local/iamPolicy.ts";
import { KeyPolicies } from "../../local/keyPolicy.ts";
import { scheduleKeyUse } from "../../local/keyUse.ts";
import { unreachable } from "../../local/reach.ts";
import type { Authorization } from "../../local/service.ts";
import { Landscape, type Seen, type Use } from "../../local/serviceUse.ts";
import type { Declared, Graph } from "../../program/graph.ts";
import { namings } from "./awsNames.ts";

type Inputs = Readonly<Record<string, unknown>>;

/** A change of the program, and what the relation says to it. */
export interface Break {
  readonly what: string;
  change(resources: readonly Declared[]): readonly Declared[];
  readonly finds: readonly string[];
  /** Stack that is changed. @default prod */
  readonly stack?: string;
}

export interface AwsRelation {
  readonly says: string;
  /** Page of AWS's documentation. */
  readonly source: string;
  problems(graph: Graph): readonly string[];
  readonly breaks: readonly Break[];
}

const of = ({ resources }: Pick<Graph, "resources">, type: string): readonly Declared[] =>
  resources.filter((one) => one.type === type);

const labelOf = ({ type, name }: Declared): string => `${type}::${name}`;

/** Every member of that name in a value, however deep. */
function membersIn(value: unknown, member: RegExp): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => [
    ...(member.test(name) ? [item] : []),
    ...membersIn(item, member),
  ]);
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

const role = "aws:iam/role:Role";
const rolePolicy = "aws:iam/rolePolicy:RolePolicy";
const attachment = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";
const schedule = "aws:scheduler/schedule:Schedule";
const rds = "aws:rds/instance:Instance";
const invocation = "aws:lambda/invocation:Invocation";
const lambda = "aws:lambda/function:Function";

/** What of these a role's own policies don't allow. */
function refusalsOf(graph: Graph, roleArn: string, asked: readonly Authorization[]): readonly string[] {
  const name = roleArn.slice(roleArn.lastIndexOf("/") + 1);
  const statements = of(graph, rolePolicy)
    .filter(({ inputs }) => inputs.role === name)
    .flatMap(({ inputs }) => parsePolicy(inputs.policy));
  return asked.flatMap(({ action, resources, context = {} }) =>
    resources
      .filter((resource) => evaluate(statements, { action, resource, context }) !== "allow")
      .map((resource) => `${name} may not ${action} on ${resource}`),
  );
}

const ACCOUNT = "123456789012";

/** The stack's resources as the stand-ins see them. */
const seenOf = (graph: Graph): Seen[] =>
  graph.resources.map(({ type, inputs, outputs }) => ({
    type,
    inputs,
    outputs,
    region: textOf(inputs.region) || graph.region,
  }));

/** Policies of the keys that a stack declares. */
function keysOf(graph: Graph): KeyPolicies {
  const keys = new KeyPolicies(ACCOUNT);
  for (const type of ["aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey"])
    for (const { inputs, outputs } of of(graph, type)) keys.set(textOf(outputs.arn), inputs.policy);
  return keys;
}

/** What a service, a role or the account may not do, undefined when it may. */
function refusedUse(graph: Graph, keys: KeyPolicies, { by, ...use }: Use): string | undefined {
  const [resource] = use.resources as [string];
  const open = keys.leavesToAccount(use, resource);
  if ("service" in by)
    return keys.allowsService(by.service, use, resource)
      ? undefined
      : `${by.service} may not ${use.action} on ${resource}`;
  if ("account" in by || !open) return open ? undefined : `the account may not ${use.action} on ${resource}`;
  return refusalsOf(graph, by.role, [use])[0];
}

type Change = Break["change"];

/** The argument of one resource made anew. @throws Error when there is no such resource */
const argument =
  (type: string, name: string, member: string, to: (value: unknown) => unknown): Change =>
  (resources) => {
    const subject = resources.find((one) => one.type === type && one.name === name);
    if (subject === undefined) throw new Error(`the program declares no ${type} "${name}"`);
    return resources.map((one) =>
      one === subject ? { ...one, inputs: { ...one.inputs, [member]: to(one.inputs[member]) } } : one,
    );
  };

/** The statements of a policy made anew. */
const statements = (type: string, name: string, to: (list: readonly Inputs[]) => readonly Inputs[]): Change =>
  argument(type, name, "policy", (text) => {
    const document = JSON.parse(String(text)) as { Statement: Inputs[] };
    return JSON.stringify({ ...document, Statement: to(document.Statement) });
  });

/** One resource without what it waits for. */
const waitsForNothing =
  (type: string, name: string): Change =>
  (resources) =>
    resources.map((one) => (one.type === type && one.name === name ? { ...one, dependsOn: [] } : one));

const mentions = (statement: Inputs, text: string): boolean => JSON.stringify(statement).includes(text);

/** Minutes of the day of a window such as `01:30-02:30` or `sun:02:30-sun:03:30`, which ends on the day on which it begins. */
function minutesOf(window: string): { from: number; to: number } {
  const [from = 0, to = 0] = [...window.matchAll(/(\d\d):(\d\d)/g)].map(([, h, m]) => Number(h) * 60 + Number(m));
  return { from, to };
}

/** What takes on a role to begin with, so that the role has to be complete before. */
const TAKES_ON = /^(roleArn|role|iamRoleArn|serviceRoleArn)$/;

const key = "aws:kms/key:Key";
const flowLog = "aws:ec2/flowLog:FlowLog";
const logDelivery = "aws:cloudwatch/logDelivery:LogDelivery";
const bucketLogging = "aws:s3/bucketLogging:BucketLogging";
const bucketPolicy = "aws:s3/bucketPolicy:BucketPolicy";
const DELIVERY = "delivery.logs.amazonaws.com";
const ofKey = (name: string, region = "us-east-1"): string => `arn:aws:kms:${region}:${ACCOUNT}:key/${name}`;
const onlyForAccount = { StringEquals: { "aws:SourceAccount": ACCOUNT } };
const withoutAction = (action: string) => (list: readonly Inputs[]) =>
  list.map((one) => ({ ...one, Action: [one.Action].flat().filter((other) => other !== action) }));

export const awsRelations: readonly AwsRelation[] = [
  {
    says: "services may do what they do for a resource's sake",
    source: "KMS Developer Guide, Key policies in AWS KMS; the pages named in local/serviceUse.ts",
    problems: (graph) => {
      const landscape = new Landscape(ACCOUNT);
      const keys = keysOf(graph);
      const seen = seenOf(graph);
      for (const one of seen) landscape.note(one);
      const refusals = seen
        .flatMap((one) => landscape.usesOf(one))
        .map((use) => refusedUse(graph, keys, use))
        .filter((refusal) => refusal !== undefined);
      return [...new Set(refusals)];
    },
    breaks: [
      {
        what: "CloudWatch Logs is let in by the account it comes for",
        change: statements(key, "functions-key", (list) =>
          list.map((one) => (mentions(one, "logs.us-east-1") ? { ...one, Condition: onlyForAccount } : one)),
        ),
        finds: [
          "kms:Encrypt",
          "kms:Decrypt",
          "kms:ReEncryptFrom",
          "kms:ReEncryptTo",
          "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext",
        ].map((action) => `logs.us-east-1.amazonaws.com may not ${action} on ${ofKey("functions-key")}`),
      },
      {
        what: "CloudWatch Logs can't make data keys without their plaintext",
        change: statements(key, "functions-key", (list) =>
          list.map((one) =>
            mentions(one, "logs.us-east-1") ? withoutAction("kms:GenerateDataKeyWithoutPlaintext")([one])[0]! : one,
          ),
        ),
        finds: [
          `logs.us-east-1.amazonaws.com may not kms:GenerateDataKeyWithoutPlaintext on ${ofKey("functions-key")}`,
        ],
      },
      {
        what: "a function may only decrypt with the key of its logs",
        change: statements(rolePolicy, "route-policy", (list) =>
          list.filter((one) => !mentions(one, "logs.us-east-1")),
        ),
        finds: ["kms:GenerateDataKey", "kms:DescribeKey"].map(
          (action) => `route-role may not ${action} on ${ofKey("functions-key")}`,
        ),
      },
      {
        what: "the function at the edge may not use the key of its logs",
        change: statements(rolePolicy, "authenticate-policy", (list) =>
          list.filter((one) => !mentions(one, '"kms:ViaService":"logs.us-west-2')),
        ),
        finds: ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"].map(
          (action) => `authenticate-role may not ${action} on ${ofKey("authenticate-logs-key-us-west-2", "us-west-2")}`,
        ),
      },
      {
        what: "the archive's stream may not use the key of its logs",
        change: statements(rolePolicy, "archive-stream-policy", (list) =>
          list.filter((one) => !mentions(one, "logs.us-east-1.amazonaws.com")),
        ),
        finds: ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"].map(
          (action) => `archive-stream-role may not ${action} on ${ofKey("functions-key")}`,
        ),
      },
      {
        what: "the archive's stream may not use the key of its bucket",
        change: statements(rolePolicy, "archive-stream-policy", (list) =>
          list.filter((one) => !mentions(one, "archive-key")),
        ),
        finds: ["kms:GenerateDataKey", "kms:Decrypt"].map(
          (action) => `archive-stream-role may not ${action} on ${ofKey("archive-key")}`,
        ),
      },
      {
        what: "alarms may not encrypt with their topic's key",
        change: statements(key, "alarms-key", (list) =>
          list.filter((one) => !mentions(one, "cloudwatch.amazonaws.com")),
        ),
        finds: ["kms:Decrypt", "kms:GenerateDataKey"].map(
          (action) => `cloudwatch.amazonaws.com may not ${action} on ${ofKey("alarms-key")}`,
        ),
      },
      {
        what: "the proxy may not open its password",
        change: statements(rolePolicy, "database-proxy-policy", (list) => list.filter((one) => !mentions(one, "kms:"))),
        finds: [`database-proxy-role may not kms:Decrypt on ${ofKey("database-password-key")}`],
      },
      {
        what: "a key of backups gives no grants",
        change: statements(key, "backups-key", withoutAction("kms:CreateGrant")),
        finds: [`the account may not kms:CreateGrant on ${ofKey("backups-key")}`],
      },
      {
        what: "a key with replicas can't be kept in step",
        change: statements(key, "keys-key", withoutAction("kms:SynchronizeMultiRegionKey")),
        finds: [`the account may not kms:SynchronizeMultiRegionKey on ${ofKey("keys-key")}`],
      },
      {
        what: "a replica can't be kept in step",
        change: statements(
          "aws:kms/replicaKey:ReplicaKey",
          "keys-key-us-west-2",
          withoutAction("kms:SynchronizeMultiRegionKey"),
        ),
        finds: [`the account may not kms:SynchronizeMultiRegionKey on ${ofKey("keys-key-us-west-2", "us-west-2")}`],
      },
    ],
  },
  {
    says: "the role of a schedule may decrypt the schedule's input",
    source: "EventBridge Scheduler User Guide, Encryption at rest",
    problems: (graph) =>
      of(graph, schedule).flatMap(({ name, inputs }) => {
        const arns = namings.map(
          ([, nameOf]) => `arn:aws:scheduler:${graph.region}:${ACCOUNT}:schedule/default/${nameOf(graph.stack, name)}`,
        );
        const asked = arns.flatMap((arn) => scheduleKeyUse(textOf(inputs.kmsKeyArn), arn));
        return [...new Set(refusalsOf(graph, textOf((inputs.target as Inputs).roleArn), asked))];
      }),
    breaks: [
      {
        what: "the role may decrypt through SQS only",
        change: statements(rolePolicy, "sweep-schedule-policy", (list) =>
          list.filter((one) => !mentions(one, "aws:scheduler:schedule:arn")),
        ),
        finds: ["sweep-schedule-role may not kms:Decrypt on arn:aws:kms:us-east-1:123456789012:key/delivery-key"],
      },
      {
        what: "the schedule has another key",
        change: argument(schedule, "access-schedule", "kmsKeyArn", (key) => `${key}2`),
        finds: ["access-schedule-role may not kms:Decrypt on arn:aws:kms:us-east-1:123456789012:key/jobs-key2"],
      },
    ],
  },
  {
    says: "log buckets let their writers in, and a policy comes after the flow log that would replace it",
    source:
      "VPC User Guide, Amazon S3 bucket permissions for flow logs; CloudWatch Logs User Guide, Logs sent to Amazon S3; S3 User Guide, Enabling Amazon S3 server access logging",
    problems: (graph) => {
      const flows = of(graph, flowLog)
        .filter(({ inputs }) => inputs.logDestinationType === "s3")
        .map((one) => ({ one, target: textOf(one.inputs.logDestination), service: DELIVERY, after: true }));
      const deliveries = of(graph, logDelivery).map((one) => {
        const destination = of(graph, "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination").find(
          ({ outputs }) => outputs.arn === one.inputs.deliveryDestinationArn,
        );
        const target = membersIn(destination?.inputs, /^destinationResourceArn$/).map(textOf)[0] ?? "";
        return { one, target, service: DELIVERY, after: false };
      });
      const accesses = of(graph, bucketLogging).map((one) => ({
        one,
        target: `arn:aws:s3:::${textOf(one.inputs.targetBucket)}`,
        service: "logging.s3.amazonaws.com",
        after: false,
      }));
      return [...flows, ...deliveries, ...accesses].flatMap(({ one, target, service, after }) => {
        const bucket = target.replace("arn:aws:s3:::", "").split("/")[0]!;
        const policy = of(graph, bucketPolicy).find(({ inputs }) => inputs.bucket === bucket);
        if (policy === undefined) return [`${one.name}: ${bucket} has no policy`];
        const statements = parsePolicy(policy.inputs.policy, "resource").filter((statement) =>
          isPrincipal(statement, "Service", service),
        );
        const context = { "aws:sourceaccount": ACCOUNT, "aws:sourcearn": `arn:aws:logs:us-east-1:${ACCOUNT}:x` };
        const needs = [
          ["s3:PutObject", `arn:aws:s3:::${bucket}/log`],
          ...(service === DELIVERY ? [["s3:GetBucketAcl", `arn:aws:s3:::${bucket}`]] : []),
        ] as [string, string][];
        const refused = needs
          .filter(([action, resource]) => evaluate(statements, { action, resource, context }) !== "allow")
          .map(([action]) => `${one.name}: ${service} may not ${action}`);
        const inOrder = after
          ? policy.dependsOn.includes(labelOf(one)) || mentions(policy.inputs, `after-${one.name}`)
          : one.dependsOn.includes(labelOf(policy));
        const order = after
          ? `${policy.name} does not come after ${one.name}`
          : `${one.name} does not wait for ${policy.name}`;
        return [...refused, ...(inOrder ? [] : [order])];
      });
    },
    breaks: [
      {
        what: "the flow log writes its policy after ours",
        change: argument(bucketPolicy, "logs-bucket", "policy", (text) => {
          const { Id: _, ...rest } = JSON.parse(String(text)) as Inputs;
          return JSON.stringify(rest);
        }),
        finds: ["logs-bucket does not come after network-flows"],
      },
      {
        what: "log delivery may write but not look at the bucket",
        change: statements(bucketPolicy, "logs-bucket", (list) =>
          list.filter((one) => one.Sid !== "AWSLogDeliveryAclCheck"),
        ),
        finds: [
          `network-flows: ${DELIVERY} may not s3:GetBucketAcl`,
          `access-log: ${DELIVERY} may not s3:GetBucketAcl`,
        ],
      },
      {
        what: "the access log of the archive is switched on before it may be written",
        change: waitsForNothing(bucketLogging, "archive-logging"),
        finds: ["archive-logging does not wait for logs-bucket"],
      },
      {
        what: "the edge's access log is delivered before it may be written",
        change: waitsForNothing(logDelivery, "access-log"),
        finds: ["access-log does not wait for logs-bucket"],
        stack: "prod-edge",
      },
    ],
  },
  {
    says: "a resource that takes on a role waits for the role's policies",
    source: "IAM User Guide, Troubleshoot IAM, Changes that I make are not always immediately visible",
    problems: (graph) => {
      const roles = new Map(
        of(graph, role).flatMap(
          (one) =>
            [
              [textOf(one.outputs.arn), one],
              [one.name, one],
            ] as const,
        ),
      );
      const policies = [...of(graph, rolePolicy), ...of(graph, attachment)];
      return graph.resources
        .filter(({ custom, type }) => custom && type !== rolePolicy && type !== attachment)
        .flatMap((resource) =>
          membersIn(resource.inputs, TAKES_ON)
            .map((value) => roles.get(textOf(value)))
            .filter((one) => one !== undefined)
            .flatMap((taken) => policies.filter(({ inputs }) => inputs.role === taken.name))
            .filter((policy) => !resource.dependsOn.includes(labelOf(policy)))
            .map((policy) => `${resource.name} does not wait for ${policy.name}`),
        );
    },
    breaks: [
      {
        what: "the proxy does not wait",
        change: waitsForNothing("aws:rds/proxy:Proxy", "database-proxy"),
        finds: ["database-proxy does not wait for database-proxy-policy"],
      },
      {
        what: "the stream does not wait",
        change: waitsForNothing("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "retention-stream"),
        finds: ["retention-stream does not wait for archive-stream-policy"],
      },
    ],
  },
  {
    says: "backups of the database, by RDS and by AWS Backup, and its maintenance are at different times",
    source: "AWS Backup Developer Guide, Amazon Relational Database Service backups",
    problems: (graph) =>
      of(graph, rds).flatMap(({ name, inputs }) => {
        const own = ["backupWindow", "maintenanceWindow"].map((what) => ({ what, ...minutesOf(textOf(inputs[what])) }));
        const others = of(graph, "aws:backup/plan:Plan").flatMap((plan) =>
          (plan.inputs.rules as { schedule: string; startWindow: number }[]).map(({ schedule: at, startWindow }) => {
            const [, minute, hour] = /^cron\((\d+) (\d+) /.exec(at) ?? [];
            const from = Number(hour) * 60 + Number(minute);
            return { what: plan.name, from, to: from + startWindow };
          }),
        );
        const all = [...own, ...others];
        return all.flatMap((one, i) =>
          all
            .slice(i + 1)
            .filter((two) => one.from < two.to && two.from < one.to)
            .map((two) => `${name}: ${one.what} and ${two.what} overlap`),
        );
      }),
    breaks: [
      {
        what: "RDS backs up while AWS Backup does",
        change: argument(rds, "database-instance", "backupWindow", () => "04:30-05:00"),
        finds: ["database-instance: backupWindow and backups-plan overlap"],
      },
      {
        what: "RDS chooses its own windows",
        change: argument(rds, "database-instance", "maintenanceWindow", () => "sun:02:00-sun:04:10"),
        finds: [
          "database-instance: backupWindow and maintenanceWindow overlap",
          "database-instance: maintenanceWindow and backups-plan overlap",
        ],
      },
    ],
  },
  {
    says: "an alarm rings when a function that a schedule starts does not run",
    source: "EventBridge Scheduler User Guide, Monitoring EventBridge Scheduler with Amazon CloudWatch",
    problems: (graph) => {
      const watched = (namespace: string, metricName: string, dimensions: Inputs) =>
        of(graph, "aws:cloudwatch/metricAlarm:MetricAlarm").filter(({ inputs }) =>
          (inputs.metricQueries as { metric?: Inputs }[]).some(
            ({ metric }) =>
              metric?.namespace === namespace &&
              metric.metricName === metricName &&
              Object.entries(dimensions).every(([at, value]) => (metric.dimensions as Inputs)?.[at] === value),
          ),
        );
      const silent = of(graph, schedule)
        .map(({ inputs }) => textOf((inputs.target as Inputs).arn).replace(/^.*:function:([^:]+).*$/, "$1"))
        .filter(
          (name) =>
            !watched("AWS/Lambda", "Invocations", { FunctionName: name }).some(
              ({ inputs }) =>
                inputs.comparisonOperator === "LessThanThreshold" && inputs.treatMissingData === "breaching",
            ),
        )
        .map((name) => `nothing rings when ${name} does not run`);
      const failing =
        of(graph, schedule).length === 0
          ? []
          : ["TargetErrorCount", "InvocationDroppedCount"]
              .filter((metric) => watched("AWS/Scheduler", metric, { ScheduleGroup: "default" }).length === 0)
              .map((metric) => `nothing rings for ${metric}`);
      return [...new Set(silent), ...failing];
    },
    breaks: [
      {
        what: "silence is taken for a good sign",
        change: argument(
          "aws:cloudwatch/metricAlarm:MetricAlarm",
          "sweep-silent-alarm",
          "treatMissingData",
          () => "notBreaching",
        ),
        finds: ["nothing rings when sweep does not run"],
      },
      {
        what: "the failover watch has no such alarm",
        change: (resources) => resources.filter(({ name }) => name !== "watch-silent-alarm"),
        finds: ["nothing rings when watch does not run"],
        stack: "prod-us-west-2",
      },
      {
        what: "nobody looks at what the scheduler could not start",
        change: (resources) => resources.filter(({ name }) => name !== "schedules-alarm"),
        finds: ["nothing rings for TargetErrorCount", "nothing rings for InvocationDroppedCount"],
      },
    ],
  },
  {
    says: "what a stack sets for a whole account stays when the stack is gone, with the role that is in it",
    source:
      "CloudFormation Template Reference, AWS::ApiGateway::Account: one for each region of an account; API Gateway assumes the role that was set last",
    problems: (graph) =>
      of(graph, "aws:apigateway/account:Account").flatMap((account) => {
        const roles = of(graph, role).filter(({ outputs }) => outputs.arn === account.inputs.cloudwatchRoleArn);
        const rights = [...of(graph, rolePolicy), ...of(graph, attachment)].filter(({ inputs }) =>
          roles.some(({ name }) => name === inputs.role),
        );
        return [account, ...roles, ...rights]
          .filter(({ retained }) => !retained)
          .map(({ name, type }) => `${name} (${type}) goes with its stack, and other stacks' logs with it`);
      }),
    breaks: [
      {
        what: "the role goes with its stack",
        change: (resources) =>
          resources.map((one) => (one.name === "live-logs-role" ? { ...one, retained: false } : one)),
        finds: ["live-logs-role (aws:iam/role:Role) goes with its stack, and other stacks' logs with it"],
      },
    ],
  },
  {
    says: "a stack without protection deletes what AWS deletes only by force: vaults and workgroups are in use within a day",
    source: "AWS Backup API Reference, DeleteBackupVault; Athena API Reference, DeleteWorkGroup, RecursiveDeleteOption",
    problems: (graph) =>
      graph.resources.some(({ protect }) => protect)
        ? []
        : ["aws:backup/vault:Vault", "aws:athena/workgroup:Workgroup"]
            .flatMap((type) => of(graph, type))
            .filter(({ inputs }) => inputs.forceDestroy !== true)
            .map(({ name }) => `${name} can't be deleted once it is in use`),
    breaks: [
      {
        what: "the workgroup remembers queries",
        change: argument("aws:athena/workgroup:Workgroup", "numbers-workgroup", "forceDestroy", () => undefined),
        finds: ["numbers-workgroup can't be deleted once it is in use"],
        stack: "dev",
      },
    ],
  },
  {
    says: "a function in the private network reaches every service that it may call",
    source: "AWS PrivateLink Guide, AWS services that integrate with AWS PrivateLink",
    problems: (graph) => unreachable(seenOf(graph)),
    breaks: [
      {
        what: "CloudWatch has no endpoint",
        change: (resources) => resources.filter(({ name }) => name !== "network-monitoring"),
        finds: ["api may cloudwatch:GetMetricData, and its network has no endpoint com.amazonaws.us-east-1.monitoring"],
      },
      {
        what: "the endpoint of SQS is another region's",
        change: argument(
          "aws:ec2/vpcEndpoint:VpcEndpoint",
          "network-sqs",
          "serviceName",
          () => "com.amazonaws.us-east-1.sqs",
        ),
        finds: ["sqs:SendMessage", "sqs:GetQueueAttributes"].map(
          (action) => `ingest may ${action}, and its network has no endpoint com.amazonaws.us-west-2.sqs`,
        ),
        stack: "prod-us-west-2",
      },
    ],
  },
  {
    says: "a function that is invoked during a deployment and speaks to a proxy waits for the proxy's target",
    source: "RDS User Guide, Verifying connectivity for a proxy",
    problems: (graph) =>
      of(graph, invocation).flatMap((call) => {
        const invoked = of(graph, lambda).find(({ outputs }) => outputs.name === call.inputs.functionName);
        const proxies = of(graph, "aws:rds/proxy:Proxy").filter(({ outputs }) =>
          JSON.stringify(invoked?.inputs.environment ?? {}).includes(`"${textOf(outputs.endpoint)}"`),
        );
        return proxies
          .flatMap((proxy) =>
            of(graph, "aws:rds/proxyTarget:ProxyTarget").filter(
              ({ inputs }) => inputs.dbProxyName === proxy.outputs.name,
            ),
          )
          .filter((target) => !call.dependsOn.includes(labelOf(target)))
          .map((target) => `${call.name} does not wait for ${target.name}`);
      }),
    breaks: [
      {
        what: "the migrations run at once",
        change: waitsForNothing(invocation, "bootstrap"),
        finds: ["bootstrap does not wait for database-target"],
      },
    ],
  },
];
