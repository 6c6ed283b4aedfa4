import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CloudWatchClient, GetMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { suite } from "uvu";
import { logGroupOf } from "../../local/lambda/declared.ts";
import { eventually } from "../support/eventually.ts";
import { clientOf, type Probe, startProbe } from "./probe.ts";

const test = suite("lambda");
let probe: Probe;
let lambda: LambdaClient;
let sqs: SQSClient;

test.before(async () => {
  probe = await startProbe();
  lambda = new LambdaClient(clientOf(probe.core));
  sqs = new SQSClient(clientOf(probe.core));
});
test.after(async () => {
  lambda?.destroy();
  sqs?.destroy();
  await probe?.stop();
});

async function invoke(payload: object, name = "echo") {
  const answer = await lambda.send(new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(payload) }));
  return { error: answer.FunctionError, value: JSON.parse(answer.Payload?.transformToString() ?? "null") };
}

test("functions at queues are started in advance", async () => {
  await probe.core.warm();
  const file = join(probe.folder, "warm.jsonl");
  const QueueUrl = String(probe.core.outputs.workUrl);
  const before = Date.now();
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify({ file }) }));
  await eventually(
    () => existsSync(file),
    (there) => there,
  );
  const { born } = JSON.parse(readFileSync(file, "utf8")) as { born: number };
  assert.ok(born <= before, `started ${born - before} ms after the message was sent`);
});

test("a function finds exactly its declared variables and Lambda's own, one endpoint and the ports of this machine", async () => {
  const { value } = await invoke({ do: "env" });
  const { AWS_ENDPOINT_URL, LAMBDA_TASK_ROOT, LOCAL_HOSTS, LOCAL_PORTS, ...rest } = value;
  assert.match(LOCAL_HOSTS, /^\{"https:\/\/hooks\.slack\.com\/":"http:\/\/127\.0\.0\.1:\d+\//);
  assert.equal(AWS_ENDPOINT_URL, probe.core.gatewayUrl);
  // What the platform itself listens on: the gateway and the public server, not the webhook receiver.
  const ports = [probe.core.gatewayUrl, probe.core.url].map((url) => new URL(url).port);
  assert.deepEqual(LOCAL_PORTS.split(",").sort(), ports.sort());
  assert.ok(existsSync(join(LAMBDA_TASK_ROOT, "index.mjs")));
  assert.deepEqual(rest, {
    GREETING: "hello",
    AWS_REGION: "us-east-1",
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: "echo",
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/echo",
    AWS_ACCESS_KEY_ID: probe.core.aws("echo-role").credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: probe.core.aws("echo-role").credentials.secretAccessKey,
    TZ: ":UTC",
  });
});

test("the context tells the function who it is and how long it has", async () => {
  const { value } = await invoke({ do: "context" });
  assert.equal(value.functionName, "echo");
  assert.equal(value.memoryLimitInMB, "128");
  assert.equal(value.invokedFunctionArn, "arn:aws:lambda:us-east-1:000000000000:function:echo");
  assert.match(value.awsRequestId, /^[0-9a-f-]{36}$/);
  assert.ok(value.left > 0 && value.left <= 1_000, `${value.left} ms left`);
});

test("an error of a function comes back as a function error with its type", async () => {
  const { error, value } = await invoke({ do: "throw" });
  assert.equal(error, "Unhandled");
  assert.equal(value.errorType, "RangeError");
  assert.equal(value.errorMessage, "asked to throw");
});

// Memory is filled where there is time for it: a busy machine may need more than the second of `echo`.
const endings: [what: string, name: string, errorType: string, errorMessage: string][] = [
  ["hang", "echo", "Sandbox.Timedout", "Task timed out after 1.00 seconds"],
  ["spin", "echo", "Sandbox.Timedout", "Task timed out after 1.00 seconds"],
  ["fill", "single", "Runtime.OutOfMemory", "the function needed more than its 128 MB"],
];
for (const [what, name, errorType, errorMessage] of endings) {
  test(`a function that would ${what} for ever ends as ${errorType}, and the next call finds a new environment`, async () => {
    const { error, value } = await invoke({ do: what }, name);
    assert.deepEqual({ error, ...value }, { error: "Unhandled", errorType, errorMessage, trace: [] });
    assert.equal((await invoke({ do: "calls" }, name)).error, undefined);
  });
}

test("a process that exits fails its invocation only", async () => {
  const { value } = await invoke({ do: "exit" });
  assert.equal(value.errorType, "Runtime.ExitError");
  assert.equal((await invoke({ do: "calls" })).error, undefined);
});

test("a module that throws when it is loaded fails every invocation with that error", async () => {
  for (let i = 0; i < 2; i += 1) {
    const { error, value } = await invoke({}, "broken");
    assert.deepEqual([error, value.errorType, value.errorMessage], ["Unhandled", "TypeError", "broken at import"]);
  }
});

test("an environment serves one invocation after the other and keeps its module; concurrent ones get their own", async () => {
  const [a, b] = await Promise.all([invoke({ do: "calls", ms: 100 }), invoke({ do: "calls", ms: 100 })]);
  const after = await invoke({ do: "calls" });
  assert.ok(after.value > 1, `the module was loaded anew: ${a.value}, ${b.value}, ${after.value}`);
});

test("reserved concurrency refuses what exceeds it", async () => {
  const results = await Promise.allSettled([
    invoke({ do: "calls", ms: 300 }, "single"),
    invoke({ do: "calls" }, "single"),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected"],
  );
  const reason = (results[1] as PromiseRejectedResult).reason as Error;
  assert.equal(reason.name, "TooManyRequestsException");
});

test("a payload over 6 MB is refused, a result over 6 MB is a function error", async () => {
  const text = "x".repeat(6 * 1024 * 1024);
  await assert.rejects(invoke({ text }), { name: "RequestTooLargeException" });
  const { error, value } = await invoke({ do: "big" });
  assert.deepEqual([error, value.errorType], ["Unhandled", "Function.ResponseSizeTooLarge"]);
});

test("an asynchronous invocation is accepted at once and runs afterwards", async () => {
  const file = join(probe.folder, "async.txt");
  const payload = JSON.stringify({ do: "append", file, text: "done" });
  const { StatusCode } = await lambda.send(
    new InvokeCommand({ FunctionName: "echo", InvocationType: "Event", Payload: payload }),
  );
  assert.equal(StatusCode, 202);
  await eventually(
    () => existsSync(file) && readFileSync(file, "utf8"),
    (text) => text === "done",
  );
});

test("an unknown function is not found", async () => {
  await assert.rejects(invoke({}, "nobody"), {
    name: "ResourceNotFoundException",
    message: "Function not found: nobody",
  });
});

/** Whole lines only: another may be on its way into the file. */
const linesOf = (file: string): { received: string; batch: number }[] =>
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line))
    : [];
const depth = async (QueueUrl: string) => {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
  return Number(Attributes?.ApproximateNumberOfMessages) + Number(Attributes?.ApproximateNumberOfMessagesNotVisible);
};

test("a mapping hands messages over in batches of ten at most and deletes what succeeded", async () => {
  const file = join(probe.folder, "batch.txt");
  const QueueUrl = String(probe.core.outputs.workUrl);
  const Entries = Array.from({ length: 10 }, (_, i) => ({ Id: String(i), MessageBody: JSON.stringify({ file }) }));
  for (let i = 0; i < 3; i += 1) await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  const lines = await eventually(
    () => linesOf(file),
    (all) => all.length >= 30,
  );
  assert.ok(lines.every(({ received, batch }) => received === "1" && batch <= 10));
  await eventually(
    () => depth(QueueUrl),
    (left) => left === 0,
  );
});

test("a message that its function reports as failed comes back alone and at last goes to the dead letters", async () => {
  const file = join(probe.folder, "partial.txt");
  const QueueUrl = String(probe.core.outputs.workUrl);
  const Entries = [{ fail: false }, { fail: true }].map((body, i) => ({
    Id: String(i),
    MessageBody: JSON.stringify({ file, ...body }),
  }));
  await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  const dead = await eventually(
    () => sqs.send(new ReceiveMessageCommand({ QueueUrl: String(probe.core.outputs.deadUrl), WaitTimeSeconds: 1 })),
    ({ Messages }) => Messages !== undefined,
  );
  assert.deepEqual(
    dead.Messages?.map(({ Body }) => JSON.parse(Body as string).fail),
    [true],
  );
  assert.deepEqual(
    linesOf(file).map(({ received }) => received),
    ["1", "1", "2"],
  );
});

test("a function that throws fails its whole batch", async () => {
  const QueueUrl = String(probe.core.outputs.workUrl);
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify({ crash: true }) }));
  const dead = await eventually(
    () => sqs.send(new ReceiveMessageCommand({ QueueUrl: String(probe.core.outputs.deadUrl), WaitTimeSeconds: 1 })),
    ({ Messages }) => Messages?.some(({ Body }) => Body?.includes("crash")) === true,
  );
  assert.equal(dead.Messages?.length, 1);
});

test("what is declared of log lines is refused where Lambda refuses it", () => {
  const declared = (loggingConfig: object) => logGroupOf({ loggingConfig } as never);
  assert.equal(
    declared({ logFormat: "JSON", systemLogLevel: "WARN", applicationLogLevel: "INFO", logGroup: "own" }),
    "own",
  );
  assert.equal(declared({ logFormat: "Text" }), undefined);
  assert.throws(() => declared({ systemLogLevel: "WARN" }), /only where logFormat is JSON/);
  assert.throws(() => declared({ logFormat: "JSON", systemLogLevel: "ERROR" }), /one of DEBUG, INFO, WARN, not ERROR/);
  assert.throws(() => declared({ logFormat: "XML" }), /one of JSON, Text/);
});

test("what is kept for a function counts as claimed while it is idle, and what runs in it is not unreserved", async () => {
  const cloudwatch = new CloudWatchClient(clientOf(probe.core));
  const now = Date.now();
  const { MetricDataResults = [] } = await cloudwatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(now - 60_000),
      EndTime: new Date(now + 60_000),
      MetricDataQueries: ["UnreservedConcurrentExecutions", "ClaimedAccountConcurrency"].map((MetricName, i) => ({
        Id: `m${i}`,
        MetricStat: { Metric: { Namespace: "AWS/Lambda", MetricName }, Period: 60, Stat: "Maximum" },
      })),
    }),
  );
  cloudwatch.destroy();
  const [unreserved, claimed] = MetricDataResults.map(({ Values = [] }) => Values[0]);
  assert.equal(claimed! - unreserved!, 1);
});

test.run();
