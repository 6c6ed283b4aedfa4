/** What each function may do, in plain words, beside what the local platform saw it ask for. */
import { readFileSync } from "node:fs";
import { statementsOf } from "../policies/rule.ts";
import type { Graph } from "./graph.ts";

/** One action that a function's role allows. */
export interface Grant {
  readonly role: string;
  readonly action: string;
  /** Names of the resources, without account and region. */
  readonly resources: readonly string[];
}

/** Actions asked for, by role: `{ "route-role": ["sqs:SendMessage", …] }`. */
export type Seen = Readonly<Record<string, readonly string[]>>;

const words: Readonly<Record<string, string>> = {
  "cloudfront-keyvaluestore:DeleteKey": "clear what it said in",
  "cloudfront-keyvaluestore:DescribeKeyValueStore": "ask for the version of",
  "cloudfront-keyvaluestore:GetKey": "read the values of",
  "cloudfront-keyvaluestore:PutKey": "say which region takes events in, in",
  "cloudwatch:GetMetricData": "read the metrics of",
  "dynamodb:BatchGetItem": "read items of",
  "dynamodb:BatchWriteItem": "write and delete items of",
  "dynamodb:DeleteItem": "delete items of",
  "dynamodb:DescribeTable": "ask whether there is",
  "dynamodb:GetItem": "read an item of",
  "dynamodb:PutItem": "write an item to",
  "dynamodb:Query": "look up items of",
  "dynamodb:UpdateItem": "change an item of",
  "ec2:AssignPrivateIpAddresses": "be given an address in the network, as",
  "ec2:CreateNetworkInterface": "be attached to the network, as",
  "ec2:DeleteNetworkInterface": "be detached from the network, as",
  "ec2:DescribeNetworkInterfaces": "see network interfaces, as",
  "ec2:DescribeSubnets": "see subnets, as",
  "ec2:UnassignPrivateIpAddresses": "give an address back, as",
  "firehose:PutRecord": "archive an event through",
  "firehose:PutRecordBatch": "archive events through",
  "kms:Decrypt": "decrypt with",
  "kms:DescribeKey": "see the state of",
  "kms:Encrypt": "encrypt small texts with",
  "kms:GenerateDataKey": "encrypt with",
  "kms:GenerateDataKeyWithoutPlaintext": "make a data key for later with",
  "kms:ReEncryptFrom": "move to another key what is encrypted with",
  "kms:ReEncryptTo": "move from another key to",
  "execute-api:ManageConnections": "send to and close sockets of",
  "lambda:InvokeFunction": "call",
  "logs:CreateLogGroup": "make a log group",
  "logs:CreateLogStream": "begin a log in",
  "logs:PutLogEvents": "write to the log",
  "rds-db:connect": "log in to PostgreSQL through",
  "s3:AbortMultipartUpload": "give up an upload to",
  "s3:DeleteObject": "delete objects of",
  "s3:GetObject": "read objects of",
  "s3:ListBucket": "list objects of",
  "s3:PutObject": "write objects to",
  "secretsmanager:GetSecretValue": "read the secret",
  "secretsmanager:PutSecretValue": "write the secret",
  "ses:SendEmail": "send mails by",
  "ses:SendRawEmail": "send mails with attachments by",
  "sms-voice:SendTextMessage": "send SMS from",
  "sqs:ChangeMessageVisibility": "hide messages longer in",
  "sqs:DeleteMessage": "take messages off",
  "sqs:GetQueueAttributes": "see how full it is, of",
  "sqs:ReceiveMessage": "receive messages of",
  "sqs:SendMessage": "send messages to",
  "xray:PutTelemetryRecords": "report to X-Ray, as",
  "xray:PutTraceSegments": "trace itself, as",
};

/** A name that a reader knows: `arn:aws:sqs:us-east-1:123456789012:retry-queue` is `retry-queue`. */
const nameOf = (arn: string): string =>
  arn === "*" ? "everything, since AWS lets it be no narrower" : arn.replace(/^arn:aws:[a-z0-9-]+:[^:]*:[^:]*:/, "");

/** Every grant of every function's role. @throws Error for an action without words */
export function grantsOf(graph: Graph): readonly Grant[] {
  const functions = graph.resources.filter(({ type }) => type === "aws:lambda/function:Function");
  const roles = new Set(functions.map(({ inputs }) => String(inputs.role).split("/").at(-1)!));
  const merged = new Map<string, Grant>();
  const all = graph.resources
    .filter(({ type, inputs }) => type === "aws:iam/rolePolicy:RolePolicy" && roles.has(String(inputs.role)))
    .flatMap(({ inputs }) =>
      statementsOf(inputs.policy).flatMap(({ actions, resources }) =>
        actions.map((action) => ({ role: String(inputs.role), action, resources: resources.map(nameOf) })),
      ),
    );
  for (const grant of all) {
    if (words[grant.action] === undefined) throw new Error(`${grant.action}: say in words what it lets a function do`);
    const key = `${grant.role} ${grant.action}`;
    const resources = new Set([...(merged.get(key)?.resources ?? []), ...grant.resources]);
    merged.set(key, { ...grant, resources: [...resources] });
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, grant]) => grant);
}

/** Commands of the AWS SDK whose name is not the action's own. */
const actionOf: Readonly<Record<string, string>> = {
  ChangeMessageVisibility: "sqs:ChangeMessageVisibility",
  ChangeMessageVisibilityBatch: "sqs:ChangeMessageVisibility",
  CompleteMultipartUpload: "s3:PutObject",
  DeleteKey: "cloudfront-keyvaluestore:DeleteKey",
  DescribeKeyValueStore: "cloudfront-keyvaluestore:DescribeKeyValueStore",
  GetKey: "cloudfront-keyvaluestore:GetKey",
  PutKey: "cloudfront-keyvaluestore:PutKey",
  CreateMultipartUpload: "s3:PutObject",
  GetSecretValue: "secretsmanager:GetSecretValue",
  HeadObject: "s3:GetObject",
  Invoke: "lambda:InvokeFunction",
  ListObjectsV2: "s3:ListBucket",
  PutRecord: "firehose:PutRecord",
  PutRecordBatch: "firehose:PutRecordBatch",
  PutSecretValue: "secretsmanager:PutSecretValue",
  SendEmail: "ses:SendEmail",
  SendTextMessage: "sms-voice:SendTextMessage",
  GetMetricData: "cloudwatch:GetMetricData",
  GetQueueAttributes: "sqs:GetQueueAttributes",
  SendMessage: "sqs:SendMessage",
  SendMessageBatch: "sqs:SendMessage",
  UploadPart: "s3:PutObject",
};
const action = (command: string): string =>
  actionOf[command] ?? `${command.endsWith("Object") ? "s3" : "dynamodb"}:${command}`;

/** The SDK has these for S3 Express and for the discovery of endpoints, neither of which is used here. */
const NEVER_SENT = new Set(["CreateSession", "DescribeEndpoints"]);

/** Actions that each function's bundle may call for, by role. */
export function calledFor(graph: Graph): Seen {
  const functions = graph.resources.filter(({ type }) => type === "aws:lambda/function:Function");
  return Object.fromEntries(
    functions.map(({ inputs }) => {
      const folder = /[^"]*\.build\/[^/"]+\//.exec(JSON.stringify(inputs.code))![0];
      const { commands } = JSON.parse(readFileSync(`${folder}manifest.json`, "utf8")) as {
        readonly commands: readonly string[];
      };
      const asked = commands.filter((command) => !NEVER_SENT.has(command));
      return [String(inputs.role).split("/").at(-1)!, [...new Set(asked.map(action))].sort()];
    }),
  );
}

/**
 * Why an action is granted that is absent from the tests' calls and from the sources: the first row that fits. Calls that AWS's
 * own services make in a function's name bypass the local gateway.
 */
const unseen: readonly { readonly action: RegExp; readonly role?: RegExp; readonly why: string }[] = [
  { action: /^(logs|xray):/, why: "Lambda's own runtime does it in the function's name" },
  {
    action: /^ec2:/,
    why: "Lambda does it in the function's name when it attaches the function to the network",
  },
  {
    action: /^kms:/,
    why: "SQS, DynamoDB, S3, Secrets Manager, CloudWatch Logs and Lambda do it in the function's name when they encrypt and decrypt",
  },
  {
    action: /^rds-db:connect$/,
    why: "asked by the proxy at login; PostgreSQL's protocol does not pass the gateway",
  },
  {
    action: /^sqs:GetQueueAttributes$/,
    role: /^ingest-role$/,
    why: "a standby region asks whether events can be taken in, by a signed call of runtime/ingest/aws.ts without the SDK",
  },
  {
    action: /^sqs:(ReceiveMessage|DeleteMessage|GetQueueAttributes|ChangeMessageVisibility)$/,
    why: "the event source mapping does it in the function's name",
  },
  {
    action: /^s3:GetObject$/,
    role: /^(route|deliver)-role$/,
    why: "bodies too large for a message, by a signed GET of runtime/aws/clients.ts without the SDK",
  },
  {
    action: /^secretsmanager:GetSecretValue$/,
    role: /^(route|deliver)-role$/,
    why: "headers for the receiver of spans, by a signed call of runtime/aws/clients.ts without the SDK",
  },
  {
    action: /^s3:(PutObject|DeleteObject)$/,
    role: /^route-role$/,
    why: "the rest of a large body that arrived during an erasure, by signed calls of runtime/aws/clients.ts without the SDK",
  },
  {
    action: /^s3:PutObject$/,
    role: /^ingest-role$/,
    why: "bodies too large for a message, by a signed PUT of runtime/ingest/aws.ts without the SDK",
  },
  {
    action: /^ses:SendRawEmail$/,
    why: "SES asks for it beside SendEmail where a mail is sent as MIME",
  },
  {
    action: /^(lambda:InvokeFunction|s3:PutObject|secretsmanager:GetSecretValue)$/,
    role: /^(alert|live|publish|report)-role$/,
    why: "by a signed call of runtime/aws/clients.ts without the SDK",
  },
  {
    action: /^execute-api:ManageConnections$/,
    why: "by a signed call of runtime/live/posting.ts without the SDK",
  },
  {
    action: /^s3:ListBucket$/,
    role: /^(api|cube|route)-role$/,
    why: "with it S3 answers 404 for a missing object, and 403 only for a forbidden one",
  },
];

/** How a grant is used, as the page says it; undefined when nothing shows that it is. */
export function useOf(grant: Pick<Grant, "role" | "action">, seen: Seen, called: Seen): string | undefined {
  if (seen[grant.role]?.includes(grant.action)) return "seen";
  if (called[grant.role]?.includes(grant.action)) return "in the function's code, on a way that these tests don't take";
  return unseen.find((row) => row.action.test(grant.action) && (row.role === undefined || row.role.test(grant.role)))
    ?.why;
}

/** docs/permissions.md */
export function permissionsPage(graph: Graph, seen: Seen): string {
  const called = calledFor(graph);
  const byRole = Map.groupBy(grantsOf(graph), ({ role }) => role);
  const section = ([role, grants]: [string, readonly Grant[]]): string => {
    const rows = grants.map(({ action, resources }) => {
      const use = useOf({ role, action }, seen, called) ?? "**nothing shows that it is**";
      return `| \`${action}\` | may ${words[action]} ${resources.map((name) => `\`${name}\``).join(", ")} | ${use} |`;
    });
    return `## ${role.replace(/-role$/, "")}\n\n| action | in words | used |\n|---|---|---|\n${rows.join("\n")}\n`;
  };
  return `# What each function may do

<!-- Generated from program/permissions.ts by \`npm run docs\`. -->

Each function has a role of its own, and the role allows what is listed here and nothing else. *Used* compares it with what the functions asked for while the
end-to-end tests ran on the local platform (\`npm run permissions\` runs them and writes program/permissionsSeen.json anew). What is granted and never used has a reason
here, or a test fails.

${[...byRole].map(section).join("\n")}`;
}
