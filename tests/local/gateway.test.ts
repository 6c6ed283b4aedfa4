import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DeleteMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { suite } from "uvu";
import { ADMINISTRATOR } from "../../local/iam.ts";
import type { CarriedCall, Carrier } from "../../runtime/aws/carrier.ts";
import { type Call, signedCalls } from "../../runtime/aws/signed.ts";
import { overHttp } from "../support/overHttp.ts";
import { clientOf, type Probe, startProbe } from "./probe.ts";

const test = suite("gateway");
let probe: Probe;
test.before(async () => {
  probe = await startProbe();
});
test.after(async () => {
  await probe?.stop();
});

test("a role may do what its policy allows", async () => {
  const sqs = new SQSClient(clientOf(probe.core, "worker-role"));
  const { MessageId } = await sqs.send(
    new SendMessageCommand({ QueueUrl: String(probe.core.outputs.workUrl), MessageBody: "{}" }),
  );
  assert.match(String(MessageId), /^[0-9a-f-]{36}$/);
});

const message = (action: string, resource: string) =>
  `User: worker-role is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;

/** Each protocol has a form of its own for the refusal, and the SDK must understand it. */
const refusals: [
  service: string,
  call: (client: ReturnType<typeof clientOf>) => Promise<unknown>,
  name: string,
  action: string,
  resource: string,
][] = [
  [
    "SQS",
    (to) =>
      new SQSClient(to).send(
        new SendMessageCommand({ QueueUrl: String(probe.core.outputs.closedUrl), MessageBody: "x" }),
      ),
    "AccessDenied",
    "sqs:SendMessage",
    "arn:aws:sqs:us-east-1:000000000000:closed",
  ],
  [
    "Lambda",
    (to) => new LambdaClient(to).send(new InvokeCommand({ FunctionName: "echo" })),
    "AccessDeniedException",
    "lambda:InvokeFunction",
    "arn:aws:lambda:us-east-1:000000000000:function:echo",
  ],
  [
    "DynamoDB",
    (to) => new DynamoDBClient(to).send(new GetItemCommand({ TableName: "t", Key: { a: { S: "b" } } })),
    "AccessDeniedException",
    "dynamodb:GetItem",
    "arn:aws:dynamodb:us-east-1:000000000000:table/t",
  ],
  [
    "S3",
    (to) => new S3Client(to).send(new GetObjectCommand({ Bucket: "b", Key: "k" })),
    "AccessDenied",
    "s3:GetObject",
    "arn:aws:s3:::b/k",
  ],
  [
    "Secrets Manager",
    (to) => new SecretsManagerClient(to).send(new GetSecretValueCommand({ SecretId: "token" })),
    "AccessDeniedException",
    "secretsmanager:GetSecretValue",
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:token-",
  ],
];
for (const [service, call, name, action, resource] of refusals) {
  test(`${service} refuses what no policy allows, naming action, resource and role, and the console shows it`, async () => {
    const error = await call(clientOf(probe.core, "worker-role")).then(
      () => assert.fail("it was allowed"),
      (thrown: Error) => thrown,
    );
    assert.ok(error.name.startsWith(name), error.name);
    const refusal = `User: worker-role is not authorized to perform: ${action} on resource: ${resource}`;
    assert.ok(error.message.startsWith(refusal), error.message);
    assert.ok(
      probe.lines.some((line) => line.startsWith(`AccessDenied ${refusal}`)),
      probe.lines.join("\n"),
    );
  });
}

test("a caller whose credentials belong to no declared role may do nothing", async () => {
  const sqs = new SQSClient(clientOf(probe.core, "stranger"));
  await assert.rejects(
    sqs.send(new SendMessageCommand({ QueueUrl: String(probe.core.outputs.workUrl), MessageBody: "x" })),
    /User: stranger is not authorized/,
  );
});

test("a service without stand-in is an error that names it", async () => {
  const { region, endpoint, credentials } = probe.core.aws();
  const calls = signedCalls({ region, endpoint, ...credentials, timeoutMs: 5_000 });
  await assert.rejects(calls.json("kinesis", "1.1", "Kinesis.ListStreams", "{}"), {
    status: 501,
    message: /the local platform does not answer the AWS service \\"kinesis\\"/,
  });
});

/** Signs a call as a role does, and hands it back unsent. */
async function signedAs(role: string, call: Partial<Call> & Pick<Call, "service">): Promise<CarriedCall> {
  const { region, endpoint, credentials } = probe.core.aws(role);
  let signed: CarriedCall | undefined;
  const carrier: Carrier = async (carried) => {
    signed = carried;
    return { status: 200, headers: {}, body: "" };
  };
  await signedCalls({ region, endpoint, ...credentials, timeoutMs: 5_000, carrier }).perform({
    method: "POST",
    path: "/",
    headers: { "content-type": "application/x-amz-json-1.0" },
    body: "{}",
    ...call,
  });
  return signed!;
}

const sqsCall = (action: string, input: object): Call => ({
  service: "sqs",
  method: "POST",
  path: "/",
  headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": `AmazonSQS.${action}` },
  body: JSON.stringify(input),
});

/** As a function's thread hands it over. */
async function byMessage({ body, ...call }: CarriedCall): Promise<{ status: number; body: string }> {
  const payload = { do: "carry", call: { ...call, body: String(body) } };
  const bytes = typeof body === "string" ? {} : { hex: body.toString("hex") };
  const { Payload, FunctionError } = await new LambdaClient(clientOf(probe.core)).send(
    new InvokeCommand({ FunctionName: "single", Payload: JSON.stringify({ ...payload, ...bytes }) }),
  );
  assert.equal(FunctionError, undefined, Payload?.transformToString());
  return JSON.parse(Payload!.transformToString()) as { status: number; body: string };
}

const BODY = "x".repeat(20_000);
const carried: [says: string, status: number, call: () => Promise<CarriedCall>][] = [
  [
    "what a policy allows is done",
    200,
    () => signedAs("worker-role", sqsCall("GetQueueAttributes", { QueueUrl: probe.core.outputs.workUrl })),
  ],
  [
    "what no policy allows is refused",
    403,
    () =>
      signedAs("worker-role", sqsCall("SendMessage", { QueueUrl: probe.core.outputs.closedUrl, MessageBody: BODY })),
  ],
  [
    "an undeclared role may do nothing",
    403,
    () => signedAs("stranger", sqsCall("GetQueueAttributes", { QueueUrl: probe.core.outputs.workUrl })),
  ],
  [
    "a body that was changed after it was signed is refused",
    403,
    async () => {
      const call = await signedAs("worker-role", sqsCall("SendMessage", { QueueUrl: "a", MessageBody: "b" }));
      return { ...call, body: String(call.body).replace('"b"', '"c"') };
    },
  ],
  [
    "a header that was changed after it was signed is refused",
    403,
    async () => {
      const call = await signedAs("worker-role", sqsCall("GetQueueAttributes", { QueueUrl: "a" }));
      return { ...call, headers: { ...call.headers, "x-amz-target": "AmazonSQS.PurgeQueue" } };
    },
  ],
  [
    "an unsigned call is refused",
    400,
    async () => {
      const call = await signedAs("worker-role", sqsCall("GetQueueAttributes", { QueueUrl: "a" }));
      const { authorization: _, ...headers } = call.headers;
      return { ...call, headers };
    },
  ],
  ["a service that is not there is named", 501, () => signedAs("worker-role", { service: "kinesis" })],
];
for (const [says, status, call] of carried) {
  test(`${says}, over HTTP and by message of a thread alike`, async () => {
    const signed = await call();
    const [http, message] = [await overHttp(probe.core.gatewayUrl)(signed), await byMessage(signed)];
    assert.equal(message.status, status, message.body);
    // Each answer has an id of its own.
    const plain = ({ status, body }: { status: number; body: string }) => [
      status,
      body.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "ID"),
    ];
    assert.deepEqual(plain(message), plain(http));
  });
}

test("bytes of a thread's call arrive as they are", async () => {
  const key = "/objects/bytes";
  const bytes = Buffer.from([0, 255, 10, 200]);
  const put = {
    service: "s3",
    method: "PUT",
    path: key,
    headers: { "x-amz-content-sha256": createHash("sha256").update(bytes).digest("hex") },
    body: bytes,
  };
  // There is no such bucket: the call has come to S3, which found body and hash to agree.
  const { status, body } = await byMessage(await signedAs(ADMINISTRATOR, put));
  assert.equal(status, 404, body);
  assert.match(body, /NoSuchBucket/);
  const changed = { ...(await signedAs(ADMINISTRATOR, put)), body: Buffer.from([0, 255, 10, 201]) };
  assert.match((await byMessage(changed)).body, /XAmzContentSHA256Mismatch/);
});

test("a permission taken from a role makes its calls fail, naming action, resource and role", async () => {
  const other = await startProbe({ without: { role: "worker-role", action: "sqs:SendMessage" } });
  try {
    const sqs = new SQSClient(clientOf(other.core, "worker-role"));
    const QueueUrl = String(other.core.outputs.workUrl);
    await assert.rejects(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" })), {
      message: message("sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:work"),
    });
    await sqs
      .send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: "none" }))
      .catch((error: Error) => assert.notEqual(error.name, "AccessDenied"));
    // It comes back while the platform runs.
    other.core.iam.takeAway(undefined);
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
  } finally {
    await other.stop();
  }
});

test("a mapping whose role may not receive stops the start, naming all three", async () => {
  await assert.rejects(startProbe({ without: { role: "worker-role", action: "sqs:ReceiveMessage" } }), {
    message:
      "the mapping of arn:aws:sqs:us-east-1:000000000000:work to worker: the role worker-role lacks sqs:ReceiveMessage on arn:aws:sqs:us-east-1:000000000000:work",
  });

  test("a function that may feed itself through a queue stops the start, unless it says that it means to", async () => {
    await assert.rejects(startProbe({ config: { "probe:loop": "Terminate" } }), {
      message: /the function worker may send to arn:aws:sqs:.*:work, which feeds it: AWS would stop it after 16/,
    });
  });
});

test.run();
