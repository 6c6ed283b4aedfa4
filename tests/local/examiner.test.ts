import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import { examiner } from "../../local/examiner.ts";
import { createIam } from "../../local/iam.ts";
import { createKms } from "../../local/kms.ts";
import { createLogs } from "../../local/logs.ts";
import { createWithoutEffect } from "../../local/noEffect.ts";
import type { Created, Inputs, LocalContext } from "../../local/service.ts";
import { defined } from "../../runtime/domain/defined.ts";

const test = suite("what services do for a resource's sake");
const folders: string[] = [];
test.after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const ACCOUNT = "000000000000";
const allow = (statement: object) => ({ Effect: "Allow", Resource: "*", ...statement });
const account = (...actions: string[]) =>
  allow({ Sid: "Account", Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: actions });
const STORE = ["CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo"];
const store = STORE.map((action) => `kms:${action}`);
const logs = (condition: object) =>
  allow({
    Sid: "Logs",
    Principal: { Service: "logs.us-east-1.amazonaws.com" },
    Action: ["kms:GenerateDataKeyWithoutPlaintext", ...store],
    Condition: condition,
  });
const forGroups = (pattern: string) => ({ ArnLike: { "kms:EncryptionContext:aws:logs:arn": pattern } });
const ofGroups = logs(forGroups(`arn:aws:logs:us-east-1:${ACCOUNT}:*`));

/** A key, a role and other resources, each declared and looked at in turn. */
async function stand() {
  const state = mkdtempSync(join(tmpdir(), "examiner-"));
  folders.push(state);
  const context: LocalContext = {
    state,
    accountId: ACCOUNT,
    region: "us-east-1",
    endpoint: "http://127.0.0.1:1",
    log: () => {},
  } as LocalContext;
  const kms = await createKms(context);
  const iam = createIam(context, { keys: kms.policies });
  const examine = examiner(context, iam, kms.policies);
  const made: Readonly<Record<string, (request: { type: string; name: string; inputs: Inputs }) => Promise<Created>>> =
    {
      ...kms.resources,
      ...createLogs(context, () => new Map()).resources,
      ...iam.resources,
    };
  async function declare(type: string, name: string, inputs: Inputs, outputs: Inputs = {}): Promise<Created["state"]> {
    const request = { type, name, inputs };
    const created =
      (await made[type]?.(request)) ??
      (Object.keys(outputs).length > 0
        ? { id: name, state: { ...inputs, ...outputs } }
        : createWithoutEffect(request, context));
    examine.one(request, created);
    return created.state;
  }
  const key = async (name: string, ...list: object[]): Promise<string> =>
    String((await declare("aws:kms/key:Key", name, { policy: { Version: "2012-10-17", Statement: list } })).arn);
  const role = async (name: string, ...list: object[]): Promise<string> => {
    const trust = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "lambda.amazonaws.com" } };
    const { arn } = await declare("aws:iam/role:Role", name, { assumeRolePolicy: { Statement: [trust] } });
    if (list.length > 0)
      await declare("aws:iam/rolePolicy:RolePolicy", `${name}-rights`, { role: name, policy: { Statement: list } });
    return String(arn);
  };
  return { declare, key, role, all: examine.all };
}

const conditions: readonly (readonly [says: string, statement: object, refused: boolean])[] = [
  ["the context of any log group of the account", ofGroups, false],
  [
    "the context of just this log group",
    logs(forGroups(`arn:aws:logs:us-east-1:${ACCOUNT}:log-group:api-logs`)),
    false,
  ],
  ["the account it comes for, which it does not tell", logs({ StringEquals: { "aws:SourceAccount": ACCOUNT } }), true],
  ["another region's log groups", logs(forGroups(`arn:aws:logs:eu-west-1:${ACCOUNT}:*`)), true],
  ["another log group", logs(forGroups(`arn:aws:logs:us-east-1:${ACCOUNT}:log-group:other`)), true],
  ["nothing: only the account is let in", account(...store), true],
];
for (const [says, statement, refused] of conditions)
  test(`a log group under a key that lets CloudWatch Logs in by ${says} is ${refused ? "refused" : "made"}`, async () => {
    const { declare, key } = await stand();
    const arn = await key("logs", statement);
    const made = declare("aws:cloudwatch/logGroup:LogGroup", "api-logs", { kmsKeyId: arn });
    if (!refused) await made;
    else
      await assert.rejects(made, {
        message: `the policy of the key ${arn} does not let logs.us-east-1.amazonaws.com kms:Encrypt for it`,
      });
  });

const via = { StringEquals: { "kms:ViaService": "logs.us-east-1.amazonaws.com" } };
const writing = { Effect: "Allow", Action: ["logs:CreateLogStream", "logs:PutLogEvents"], Resource: "*" };
const using = (actions: string[], condition?: object) => ({
  Effect: "Allow",
  Action: actions,
  Resource: "*",
  ...defined({ Condition: condition }),
});
const whole = ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"];
const writers: readonly (readonly [says: string, rights: object[], refused?: string])[] = [
  ["write and use the key through CloudWatch Logs", [writing, using(whole, via)]],
  ["write and use the key", [writing, using(whole)]],
  ["write and only decrypt", [writing, using(["kms:Decrypt"])], "kms:GenerateDataKey"],
  ["use the key but not write", [using(whole)], "logs:CreateLogStream"],
  [
    "use the key through another service",
    [writing, using(whole, { StringEquals: { "kms:ViaService": "sqs.us-east-1.amazonaws.com" } })],
    "kms:Decrypt",
  ],
];
for (const [says, rights, refused] of writers)
  for (const [type, inputs] of [
    ["aws:lambda/function:Function", (role: string) => ({ role, loggingConfig: { logGroup: "api-logs" } })],
    [
      "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
      (role: string) => ({
        extendedS3Configuration: {
          roleArn: role,
          bucketArn: "arn:aws:s3:::bucket",
          cloudwatchLoggingOptions: { enabled: true, logGroupName: "api-logs" },
        },
      }),
    ],
  ] as const)
    test(`${type} with a role that may ${says} is ${refused === undefined ? "made" : "refused"}`, async () => {
      const { declare, key, role } = await stand();
      const arn = await key("logs", ofGroups, account(...store));
      await declare("aws:cloudwatch/logGroup:LogGroup", "api-logs", { kmsKeyId: arn });
      const objects = { Effect: "Allow", Action: ["s3:PutObject", "s3:AbortMultipartUpload"], Resource: "*" };
      const made = declare(type, "one", inputs(await role("writer", ...rights, objects)), { arn: "arn:one" });
      if (refused === undefined) await made;
      else {
        const on = refused.startsWith("kms:")
          ? arn
          : `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:api-logs:log-stream:2026/01/01/[$LATEST]1`;
        await assert.rejects(made, { message: `its role writer may not ${refused} on ${on}` });
      }
    });

test("a role's rights don't count where the key's policy does not leave them to the account", async () => {
  const { declare, key, role } = await stand();
  const arn = await key("logs", ofGroups, account("kms:DescribeKey"));
  await declare("aws:cloudwatch/logGroup:LogGroup", "api-logs", { kmsKeyId: arn });
  const writer = await role("writer", writing, using(whole));
  await assert.rejects(
    declare(
      "aws:lambda/function:Function",
      "api",
      { role: writer, loggingConfig: { logGroup: "api-logs" } },
      { arn: "a" },
    ),
    { message: `its role writer may not kms:Decrypt on ${arn}` },
  );
});

const publishers: readonly (readonly [type: string, service: string, inputs: (topic: string) => Inputs])[] = [
  ["aws:cloudwatch/metricAlarm:MetricAlarm", "cloudwatch.amazonaws.com", (topic) => ({ alarmActions: [topic] })],
  ["aws:cloudwatch/compositeAlarm:CompositeAlarm", "cloudwatch.amazonaws.com", (topic) => ({ okActions: [topic] })],
  [
    "aws:budgets/budget:Budget",
    "budgets.amazonaws.com",
    (topic) => ({ notifications: [{ subscriberSnsTopicArns: [topic] }] }),
  ],
];
for (const [type, service, inputs] of publishers)
  test(`${type} needs its service let in by the key of its topic`, async () => {
    const { declare, key } = await stand();
    const condition = { StringEquals: { "aws:SourceAccount": ACCOUNT } };
    const letIn = allow({ Principal: { Service: service }, Action: store, Condition: condition });
    const open = await key("open", letIn);
    const shut = await key("shut", account(...store));
    const topic = async (name: string, kmsMasterKeyId: string) =>
      String((await declare("aws:sns/topic:Topic", name, { kmsMasterKeyId })).arn);
    await declare(type, "heard", inputs(await topic("open", open)), { arn: "arn:one" });
    await assert.rejects(declare(type, "unheard", inputs(await topic("shut", shut)), { arn: "arn:two" }), {
      message: `the policy of the key ${shut} does not let ${service} kms:Decrypt for it`,
    });
  });

const stores: readonly (readonly [type: string, inputs: (key: string) => Inputs])[] = [
  ["aws:backup/vault:Vault", (key) => ({ kmsKeyArn: key })],
  ["aws:dynamodb/table:Table", (key) => ({ serverSideEncryption: { enabled: true, kmsKeyArn: key } })],
  ["aws:dynamodb/table:Table", (key) => ({ replicas: [{ regionName: "eu-west-1", kmsKeyArn: key }] })],
  ["aws:rds/instance:Instance", (key) => ({ masterUserSecretKmsKeyId: key })],
  ["aws:elasticache/replicationGroup:ReplicationGroup", (key) => ({ kmsKeyId: key })],
  ["aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", (key) => ({ serverSideEncryption: { keyArn: key } })],
  ["aws:secretsmanager/secret:Secret", (key) => ({ kmsKeyId: key })],
];
for (const [type, inputs] of stores)
  test(`${type} with ${Object.keys(inputs("")).join()} needs a key that leaves grants to the account`, async () => {
    const { declare, key } = await stand();
    const allowed = { arn: "arn:one" };
    const open = await key("open", account(...store));
    const shut = await key("shut", account(...store.filter((action) => action !== "kms:CreateGrant")));
    await declare(type, "one", inputs(open), allowed);
    await assert.rejects(declare(type, "other", inputs(shut), allowed), {
      message: `the policy of the key ${shut} does not leave kms:CreateGrant to the account`,
    });
  });

test("a replica of a key needs both to be kept in step", async () => {
  const { declare, key } = await stand();
  const policyOf = (...actions: string[]) => ({ policy: { Statement: [account(...actions)] } });
  const primary = await key("primary", account("kms:ReplicateKey", "kms:SynchronizeMultiRegionKey"));
  const replica = (name: string, of: string, ...actions: string[]) =>
    declare("aws:kms/replicaKey:ReplicaKey", name, { region: "eu-west-1", primaryKeyArn: of, ...policyOf(...actions) });
  await replica("good", primary, "kms:SynchronizeMultiRegionKey");
  await assert.rejects(
    replica("bad", primary, "kms:Decrypt"),
    /does not leave kms:SynchronizeMultiRegionKey to the account$/,
  );
  const lonely = await key("lonely", account("kms:Decrypt"));
  await assert.rejects(replica("orphan", lonely, "kms:SynchronizeMultiRegionKey"), {
    message: `the policy of the key ${lonely} does not leave kms:ReplicateKey to the account`,
  });
});

const within = { vpcConfig: { subnetIds: ["subnet-1"] } };
const reached: readonly (readonly [says: string, action: string, place: Inputs, service: string, refused: boolean])[] =
  [
    ["with an endpoint of the service", "sqs:SendMessage", within, "us-east-1.sqs", false],
    [
      "with an endpoint that has another name than the actions",
      "cloudwatch:GetMetricData",
      within,
      "us-east-1.monitoring",
      false,
    ],
    ["without an endpoint of the service", "cloudwatch:GetMetricData", within, "us-east-1.sqs", true],
    ["with an endpoint of another region", "sqs:SendMessage", within, "eu-west-1.sqs", true],
    ["of what Lambda does in its place", "xray:PutTraceSegments", within, "us-east-1.sqs", false],
    ["outside of every network", "cloudwatch:GetMetricData", {}, "us-east-1.sqs", false],
  ];
for (const [says, action, place, service, refused] of reached)
  test(`a function ${says} ${refused ? "stops the start" : "may call"}`, async () => {
    const { declare, role, all } = await stand();
    const arn = await role("api-role", allow({ Action: action }));
    await declare("aws:lambda/function:Function", "api", { role: arn, ...place }, { name: "api" });
    await declare("aws:ec2/vpcEndpoint:VpcEndpoint", "door", { serviceName: `com.amazonaws.${service}` });
    const endpoint = `com.amazonaws.us-east-1.${action.startsWith("cloudwatch") ? "monitoring" : "sqs"}`;
    const message = `api may ${action}, and its network has no endpoint ${endpoint}`;
    if (refused) assert.throws(all, { message });
    else all();
  });

test.run();
