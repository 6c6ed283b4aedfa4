import assert from "node:assert/strict";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DeleteMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { suite } from "uvu";
import { signedCalls } from "../../runtime/aws/signed.ts";
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
