import assert from "node:assert/strict";
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { FirehoseClient, PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { ReceiveMessageCommand, SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { suite } from "uvu";
import { createDynamodb } from "../../../local/dynamodb.ts";
import { createFirehose } from "../../../local/firehose.ts";
import { createS3 } from "../../../local/s3.ts";
import { createSecretsManager } from "../../../local/secretsmanager.ts";
import type { LocalService } from "../../../local/service.ts";
import { createSqs } from "../../../local/sqs.ts";
import { type Clients, clientsOver } from "../../../runtime/aws/clients.ts";
import { signedCalls } from "../../../runtime/aws/signed.ts";
import { clientOf, type Served, serve } from "../../local/serve.ts";

/** The same commands through the SDK's clients and through ours: the same answers, and errors of the same name. */
const test = suite("clients of AWS");

let served: Served;
let queueUrl: string;
let ours: Clients;
let theirs: Pick<Clients, "dynamodb" | "sqs" | "firehose">;

const declare = async (service: LocalService, type: string, name: string, inputs: Record<string, unknown>) =>
  (await service.resources[type]!({ type, name, inputs })).id;

test.before(async () => {
  let made: LocalService[] = [];
  served = await serve(async (context) => {
    const s3 = await createS3(context);
    made = [
      await createDynamodb(context),
      await createSqs(context),
      createFirehose(context, async () => {}),
      s3,
      await createSecretsManager(context),
    ];
    return made;
  });
  const [dynamodb, sqs, firehose, s3, secrets] = made as [
    LocalService,
    LocalService,
    LocalService,
    LocalService,
    LocalService,
  ];
  await declare(dynamodb, "aws:dynamodb/table:Table", "things", {
    hashKey: "pk",
    rangeKey: "sk",
    billingMode: "PAY_PER_REQUEST",
    attributes: [
      { name: "pk", type: "S" },
      { name: "sk", type: "S" },
    ],
  });
  queueUrl = await declare(sqs, "aws:sqs/queue:Queue", "work", {});
  await declare(firehose, "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "stream", {
    destination: "extended_s3",
    extendedS3Configuration: { bucketArn: "arn:aws:s3:::objects", bufferingSize: 64, bufferingInterval: 60 },
  });
  await declare(s3, "aws:s3/bucket:Bucket", "objects", {});
  await declare(secrets, "aws:secretsmanager/secret:Secret", "token", {});
  ours = clientsOver(
    signedCalls({
      region: "us-east-1",
      endpoint: served.endpoint,
      ...clientOf(served.endpoint).credentials,
      timeoutMs: 10_000,
    }),
  );
  const settings = { ...clientOf(served.endpoint), maxAttempts: 1 };
  theirs = {
    dynamodb: new DynamoDBClient(settings),
    sqs: new SQSClient(settings),
    firehose: new FirehoseClient(settings),
  };
});
test.after(() => served.close());

/** What both say to the same; the SDK's answers without what it adds of its own. */
async function both(say: (clients: typeof theirs, who: string) => Promise<unknown>): Promise<[unknown, unknown]> {
  const told = async (clients: typeof theirs, who: string) => {
    try {
      const { $metadata: _, ...answer } = (await say(clients, who)) as { $metadata?: unknown };
      return answer;
    } catch (error) {
      return { error: (error as Error).name };
    }
  };
  return [await told(ours, "ours"), await told(theirs, "theirs")];
}

const bytes = Buffer.from([0, 1, 2, 253, 254, 255]);
const item = (pk: string, sk: string) => ({
  pk: { S: pk },
  sk: { S: sk },
  // An attribute that is named like a type is no blob.
  B: { S: "text" },
  blob: { B: bytes },
  part: { B: Buffer.concat([Buffer.from("..."), bytes]).subarray(3) },
  blobs: { BS: [bytes, Buffer.from("two")] },
  deep: { M: { B: { B: bytes }, list: { L: [{ B: bytes }, { N: "1.50" }, { BOOL: true }, { NULL: true as const }] } } },
  names: { SS: ["a", "b"] },
  text: { S: 'quotes " and \\ and \u2028 and \u{1f600}' },
});

test("items come back as they were put, blobs at any depth", async () => {
  for (const { dynamodb } of [ours, theirs]) {
    const who = dynamodb === ours.dynamodb ? "ours" : "theirs";
    const requests = ["1", "2", "3"].map((sk) => ({ PutRequest: { Item: item(who, sk) } }));
    const { UnprocessedItems } = await dynamodb.send(new BatchWriteItemCommand({ RequestItems: { things: requests } }));
    assert.deepEqual(UnprocessedItems, {});
  }
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  for (const pk of ["ours", "theirs"]) {
    const keys = ["1", "2"].map((sk) => ({ pk: { S: pk }, sk: { S: sk } }));
    const answers = await both(({ dynamodb }) =>
      dynamodb.send(new BatchGetItemCommand({ RequestItems: { things: { Keys: keys, ConsistentRead: true } } })),
    );
    for (const answer of answers as { Responses: { things: unknown[] } }[]) {
      const found = answer.Responses.things as ReturnType<typeof item>[];
      assert.deepEqual(found.map(({ sk }) => sk.S).sort(), ["1", "2"]);
      for (const each of found) {
        const { blob, part, blobs, deep, ...rest } = item(pk, each.sk.S);
        assert.deepEqual([...each.blob.B], [...blob.B]);
        assert.deepEqual([...each.part.B], [...part.B]);
        assert.deepEqual(each.blobs.BS.map((one) => [...one]).sort(), blobs.BS.map((one) => [...one]).sort());
        assert.deepEqual([...each.deep.M.B.B], [...deep.M.B.B]);
        assert.deepEqual([...(each.deep.M.list.L[0]!.B as Uint8Array)], [...bytes]);
        const { blob: _, part: __, blobs: ___, deep: ____, ...others } = each;
        assert.deepEqual(plain(others), plain(rest));
      }
    }
    const pages = await both(({ dynamodb }) =>
      dynamodb.send(
        new QueryCommand({
          TableName: "things",
          KeyConditionExpression: "pk = :pk",
          ExpressionAttributeValues: { ":pk": { S: pk } },
          ProjectionExpression: "sk",
          Limit: 2,
        }),
      ),
    );
    assert.deepEqual(pages[0], pages[1]);
    assert.deepEqual((pages[0] as { LastEvaluatedKey: unknown }).LastEvaluatedKey, keys[1]);
  }
});

test("an update answers the new item, and a condition that fails is named", async () => {
  const update = (ConditionExpression: string) =>
    both(({ dynamodb }, who) =>
      dynamodb.send(
        new UpdateItemCommand({
          TableName: "things",
          Key: { pk: { S: `update ${who}` }, sk: { S: "1" } },
          UpdateExpression: "SET b = :b ADD n :one",
          ConditionExpression,
          ExpressionAttributeValues: { ":b": { B: bytes }, ":one": { N: "1" } },
          ReturnValues: "ALL_NEW",
        }),
      ),
    );
  for (const answer of await update("attribute_not_exists(pk)")) {
    const { n, b } = (answer as { Attributes: { n: unknown; b: { B: Uint8Array } } }).Attributes;
    assert.deepEqual([n, [...b.B]], [{ N: "1" }, [...bytes]]);
  }
  const failed = { error: "ConditionalCheckFailedException" };
  assert.deepEqual(await update("attribute_not_exists(pk)"), [failed, failed]);
  const missing = await both(({ dynamodb }) =>
    dynamodb.send(new GetItemCommand({ TableName: "things", Key: { pk: { S: "no" }, sk: { S: "no" } } })),
  );
  assert.deepEqual(missing, [{}, {}]);
  const nowhere = await both(({ dynamodb }) =>
    dynamodb.send(new PutItemCommand({ TableName: "nowhere", Item: item("a", "b") })),
  );
  assert.deepEqual(nowhere, [{ error: "ResourceNotFoundException" }, { error: "ResourceNotFoundException" }]);
});

test("messages are sent with delay and group, and the entries that were refused are named", async () => {
  const Entries = [
    { Id: "0", MessageBody: "first ☂", MessageGroupId: "cus_1" },
    { Id: "1", MessageBody: "refused \u0000", MessageGroupId: "cus_1" },
    { Id: "2", MessageBody: "later", MessageGroupId: "cus_2", DelaySeconds: 900 },
  ];
  const answers = await both(({ sqs }) => sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries })));
  for (const answer of answers as { Successful: { Id: string }[]; Failed: { Id: string; Code: string }[] }[]) {
    assert.deepEqual(
      answer.Successful.map(({ Id }) => Id),
      ["0", "2"],
    );
    assert.deepEqual(
      answer.Failed.map(({ Id, Code }) => [Id, Code]),
      [["1", "InvalidMessageContents"]],
    );
  }
  const { Messages = [] } = await theirs.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ["All"] }),
  );
  assert.deepEqual(
    Messages.map(({ Body, Attributes }) => [Body, Attributes?.MessageGroupId]),
    [
      ["first ☂", "cus_1"],
      ["first ☂", "cus_1"],
    ],
  );
  const elsewhere = await both(({ sqs }) =>
    sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl.replace(/work$/, "none"), Entries })),
  );
  assert.deepEqual(elsewhere, [{ error: "QueueDoesNotExist" }, { error: "QueueDoesNotExist" }]);
});

test("records are put as bytes, and a stream that is not there is named", async () => {
  const put = (DeliveryStreamName: string) =>
    both(({ firehose }) =>
      firehose.send(new PutRecordBatchCommand({ DeliveryStreamName, Records: [{ Data: bytes }, { Data: bytes }] })),
    );
  for (const answer of (await put("stream")) as { FailedPutCount: number; RequestResponses: unknown[] }[])
    assert.deepEqual([answer.FailedPutCount, answer.RequestResponses.length], [0, 2]);
  assert.deepEqual(await put("nowhere"), [
    { error: "ResourceNotFoundException" },
    { error: "ResourceNotFoundException" },
  ]);
});

test("an object is put, read and deleted, once or twice", async () => {
  const key = "cus_a.sandbox/01ABC-rest";
  await ours.putObject("objects", key, Buffer.from([0, 255, 10]));
  assert.deepEqual(await ours.getObject("objects", key), Buffer.from([0, 255, 10]));
  await ours.deleteObject("objects", key);
  await ours.deleteObject("objects", key);
  assert.equal(await ours.getObject("objects", key), undefined);
});

test("a missing object or secret value is undefined", async () => {
  assert.equal(await ours.getObject("objects", "none"), undefined);
  assert.equal(await ours.getSecret("token"), undefined);
});

test("an unknown command of a service is refused", async () => {
  await assert.rejects(ours.sqs.send({ input: {} } as never), /names its operation/);
});

test.run();
