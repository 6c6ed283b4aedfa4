import assert from "node:assert/strict";
import {
  CancelMessageMoveTaskCommand,
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListMessageMoveTasksCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs";
import { suite } from "uvu";
import { conformanceCases, type Deviations } from "../support/conformance.ts";
import { eventually } from "../support/eventually.ts";
import { clientOf } from "./serve.ts";

/** What any SQS has to do, asked through the SDK: ours and fauxqs are held to it. */
export interface SqsUnderTest {
  readonly endpoint: string;
  /** @param attributes names and texts as in `CreateQueue` @returns its URL */
  createQueue(name: string, attributes?: Readonly<Record<string, string>>): Promise<string>;
  queueArn(name: string): string;
  close(): Promise<void>;
}

/** @param deviations cases that the implementation is known to fail, and with what */
export function sqsConformance(name: string, start: () => Promise<SqsUnderTest>, deviations: Deviations = {}): void {
  const test = suite(`SQS: ${name}`);
  let sqs: SqsUnderTest;
  let client: SQSClient;
  let queues = 0;
  const nextName = (): string => {
    queues += 1;
    return `queue-${queues}`;
  };
  test.before(async () => {
    sqs = await start();
    client = new SQSClient({ ...clientOf(sqs.endpoint), maxAttempts: 1 });
  });
  test.after(async () => {
    client.destroy();
    await sqs.close();
  });

  const queue = (attributes?: Readonly<Record<string, string>>) => sqs.createQueue(nextName(), attributes);
  const receive = async (QueueUrl: string, more: object = {}) =>
    (await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }))).Messages ?? [];
  const send = (QueueUrl: string, MessageBody: string, more: object = {}) =>
    client.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));
  const refused = async (work: Promise<unknown>, error: string) => {
    const thrown = await work.then(
      () => undefined,
      (reason: Error) => reason,
    );
    assert.equal(thrown?.name.replace("AWS.SimpleQueueService.", ""), error);
  };
  const { holds, run } = conformanceCases(test, deviations);

  holds("a message is received as it was sent, with its MD5", async () => {
    const url = await queue();
    const body = 'é "quoted" \n\t 𝄞 漢字';
    const sent = await send(url, body);
    const [message] = await receive(url);
    assert.equal(message?.Body, body);
    assert.equal(message?.MessageId, sent.MessageId);
    assert.equal(message?.MD5OfBody, sent.MD5OfMessageBody);
  });

  holds("message attributes of each type travel along, and only those asked for", async () => {
    const url = await queue();
    const MessageAttributes = {
      text: { DataType: "String", StringValue: "é" },
      number: { DataType: "Number", StringValue: "12.5" },
      binary: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255, 1]) },
    };
    await send(url, "x", { MessageAttributes });
    const [message] = await receive(url, { MessageAttributeNames: ["All"], VisibilityTimeout: 0 });
    assert.deepEqual(Object.keys(message?.MessageAttributes ?? {}).sort(), ["binary", "number", "text"]);
    assert.deepEqual([...(message?.MessageAttributes?.binary?.BinaryValue ?? [])], [0, 255, 1]);
    const [again] = await receive(url, { MessageAttributeNames: ["number"] });
    assert.deepEqual(again?.MessageAttributes, { number: { DataType: "Number", StringValue: "12.5" } });
  });

  holds("system attributes tell how often and when a message was received, and its group", async () => {
    const url = await queue();
    const before = Date.now();
    await send(url, "x", { MessageGroupId: "cus_1" });
    await receive(url, { VisibilityTimeout: 0 });
    const [message] = await receive(url, { MessageSystemAttributeNames: ["All"] });
    assert.equal(message?.Attributes?.ApproximateReceiveCount, "2");
    assert.equal(message?.Attributes?.MessageGroupId, "cus_1");
    assert.ok(Number(message?.Attributes?.SentTimestamp) >= before);
    assert.ok(
      Number(message?.Attributes?.ApproximateFirstReceiveTimestamp) >= Number(message?.Attributes?.SentTimestamp),
    );
  });

  holds("a received message is invisible, and visible again once its timeout is set to zero", async () => {
    const url = await queue();
    await send(url, "x");
    const [message] = await receive(url);
    assert.deepEqual(await receive(url), []);
    await client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: url,
        ReceiptHandle: message?.ReceiptHandle,
        VisibilityTimeout: 0,
      }),
    );
    assert.equal((await receive(url)).length, 1);
  });

  holds("a deleted message does not come back, and deleting it twice is harmless", async () => {
    const url = await queue();
    await send(url, "x");
    const [message] = await receive(url);
    const gone = { QueueUrl: url, ReceiptHandle: message?.ReceiptHandle };
    await client.send(new DeleteMessageCommand(gone));
    await client.send(new DeleteMessageCommand(gone));
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }));
    assert.deepEqual(
      [Attributes?.ApproximateNumberOfMessages, Attributes?.ApproximateNumberOfMessagesNotVisible],
      ["0", "0"],
    );
  });

  holds("a delayed message counts as delayed and is not received", async () => {
    const url = await queue();
    await send(url, "x", { DelaySeconds: 900 });
    assert.deepEqual(await receive(url), []);
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["ApproximateNumberOfMessagesDelayed"] }),
    );
    assert.deepEqual(Attributes, { ApproximateNumberOfMessagesDelayed: "1" });
  });

  holds("a long poll answers as soon as a message arrives", async () => {
    const url = await queue();
    const polled = receive(url, { WaitTimeSeconds: 20 });
    await send(url, "x");
    assert.equal((await polled)[0]?.Body, "x");
  });

  holds("a message received too often goes to the dead-letter queue, with its source", async () => {
    const dead = await queue();
    const target = sqs.queueArn(dead.split("/").at(-1)!);
    const url = await queue({ RedrivePolicy: JSON.stringify({ deadLetterTargetArn: target, maxReceiveCount: 2 }) });
    await send(url, "poison");
    for (let i = 0; i < 2; i += 1) assert.equal((await receive(url, { VisibilityTimeout: 0 })).length, 1);
    assert.deepEqual(await receive(url), []);
    const [message] = await receive(dead, { MessageSystemAttributeNames: ["All"] });
    assert.equal(message?.Body, "poison");
    assert.equal(message?.Attributes?.DeadLetterQueueSourceArn, sqs.queueArn(url.split("/").at(-1)!));
  });

  holds("a batch succeeds entry by entry", async () => {
    const url = await queue();
    const Entries = [
      { Id: "good", MessageBody: "x" },
      { Id: "bad", MessageBody: "\u0000" },
    ];
    const { Successful, Failed } = await client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
    assert.deepEqual(
      Successful?.map(({ Id }) => Id),
      ["good"],
    );
    assert.deepEqual(
      Failed?.map(({ Id, Code, SenderFault }) => ({ Id, Code, SenderFault })),
      [{ Id: "bad", Code: "InvalidMessageContents", SenderFault: true }],
    );
    const [message] = await receive(url);
    const deleted = await client.send(
      new DeleteMessageBatchCommand({ QueueUrl: url, Entries: [{ Id: "1", ReceiptHandle: message?.ReceiptHandle }] }),
    );
    assert.deepEqual(deleted.Successful, [{ Id: "1" }]);
  });

  holds("batches without entries, with too many, with bad or repeated ids are refused whole", async () => {
    const url = await queue();
    const batch = (Entries: { Id: string; MessageBody: string }[]) =>
      client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
    const entry = (Id: string) => ({ Id, MessageBody: "x" });
    await refused(batch([]), "EmptyBatchRequest");
    await refused(batch(Array.from({ length: 11 }, (_, i) => entry(String(i)))), "TooManyEntriesInBatchRequest");
    await refused(batch([entry("a b")]), "InvalidBatchEntryId");
    await refused(batch([entry("x".repeat(81))]), "InvalidBatchEntryId");
    await refused(batch([entry("a"), entry("a")]), "BatchEntryIdsNotDistinct");
    assert.deepEqual(await receive(url), []);
  });

  holds("a message or batch over 1 MiB is refused, one of 1 MiB is not", async () => {
    const url = await queue();
    const limit = 1_048_576;
    await refused(send(url, "x".repeat(limit + 1)), "InvalidParameterValue");
    await send(url, "x".repeat(limit));
    const half = "x".repeat(limit / 2 + 1);
    const Entries = [
      { Id: "1", MessageBody: half },
      { Id: "2", MessageBody: half },
    ];
    await refused(client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries })), "BatchRequestTooLong");
    assert.equal((await receive(url)).length, 1);
  });

  for (const [what, body] of [
    ["NUL", "\u0000"],
    ["backspace", "\b"],
    ["form feed", "\f"],
    ["U+FFFE", "\uFFFE"],
    ["U+FFFF", "\uFFFF"],
  ]) {
    holds(`a message with ${what} is refused`, async () => {
      await refused(send(await queue(), `a${body}b`), "InvalidMessageContents");
    });
  }

  holds("arguments out of range are refused", async () => {
    const url = await queue();
    await refused(send(url, "x", { DelaySeconds: 901 }), "InvalidParameterValue");
    await refused(receive(url, { MaxNumberOfMessages: 11 }), "InvalidParameterValue");
    await refused(receive(url, { WaitTimeSeconds: 21 }), "InvalidParameterValue");
  });

  holds("an unknown queue is refused by name", async () => {
    const url = (await queue()).replace(/[^/]*$/, "nowhere");
    await refused(send(url, "x"), "QueueDoesNotExist");
    await refused(client.send(new GetQueueUrlCommand({ QueueName: "nowhere" })), "QueueDoesNotExist");
  });

  holds("a receipt handle that never was is refused", async () => {
    const url = await queue();
    await refused(
      client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: "!" })),
      "ReceiptHandleIsInvalid",
    );
  });

  holds("the visibility of a message that is not in flight can't be changed", async () => {
    const url = await queue();
    await send(url, "x");
    const [message] = await receive(url, { VisibilityTimeout: 0 });
    await refused(
      client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: url,
          ReceiptHandle: message?.ReceiptHandle,
          VisibilityTimeout: 5,
        }),
      ),
      "MessageNotInflight",
    );
  });

  holds("queues are found by name and by prefix", async () => {
    const url = await sqs.createQueue("findable");
    assert.equal((await client.send(new GetQueueUrlCommand({ QueueName: "findable" }))).QueueUrl, url);
    assert.deepEqual((await client.send(new ListQueuesCommand({ QueueNamePrefix: "find" }))).QueueUrls, [url]);
  });

  holds("a purge empties the queue, and can't follow another at once", async () => {
    const url = await queue();
    await send(url, "x");
    await send(url, "y", { DelaySeconds: 60 });
    await client.send(new PurgeQueueCommand({ QueueUrl: url }));
    assert.deepEqual(await receive(url), []);
    await refused(client.send(new PurgeQueueCommand({ QueueUrl: url })), "PurgeQueueInProgress");
  });

  /** A dead-letter queue with these messages, and the queue they died in. */
  async function withDead(...bodies: string[]) {
    const deadName = nextName();
    const dead = await sqs.createQueue(deadName);
    const deadArn = sqs.queueArn(deadName);
    const name = nextName();
    const url = await sqs.createQueue(name, {
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadArn, maxReceiveCount: 1 }),
    });
    for (const body of bodies) await send(url, body);
    for (let i = 0; i < 2 * bodies.length + 1; i += 1) await receive(url, { VisibilityTimeout: 0 });
    return { dead, deadArn, url };
  }
  const tasksOf = async (SourceArn: string) =>
    (await client.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults: 10 }))).Results ?? [];

  holds("a move task puts dead messages back where they came from, as new ones", async () => {
    const { dead, deadArn, url } = await withDead("first", "second");
    const [before] = await receive(dead, { VisibilityTimeout: 0 });
    const { TaskHandle } = await client.send(new StartMessageMoveTaskCommand({ SourceArn: deadArn }));
    assert.equal(typeof TaskHandle, "string");
    const moved = await eventually(
      () => receive(url, { VisibilityTimeout: 0, MessageSystemAttributeNames: ["All"] }),
      (messages) => messages.length === 2,
    );
    assert.deepEqual(moved.map(({ Body, Attributes }) => [Body, Attributes?.ApproximateReceiveCount]).sort(), [
      ["first", "1"],
      ["second", "1"],
    ]);
    assert.equal(
      moved.some(({ MessageId }) => MessageId === before?.MessageId),
      false,
    );
    const [task] = await tasksOf(deadArn);
    assert.deepEqual(
      [task?.Status, task?.SourceArn, task?.ApproximateNumberOfMessagesMoved, task?.ApproximateNumberOfMessagesToMove],
      ["COMPLETED", deadArn, 2, 2],
    );
    assert.equal(task?.TaskHandle, undefined);
  });

  holds("a move task can move elsewhere, at a rate, and be cancelled", async () => {
    const { deadArn } = await withDead("1", "2", "3");
    const otherName = nextName();
    const other = await sqs.createQueue(otherName);
    const start = { SourceArn: deadArn, DestinationArn: sqs.queueArn(otherName), MaxNumberOfMessagesPerSecond: 1 };
    const { TaskHandle } = await client.send(new StartMessageMoveTaskCommand(start));
    await refused(client.send(new StartMessageMoveTaskCommand(start)), "UnsupportedOperation");
    const { ApproximateNumberOfMessagesMoved: moved = 0 } = await client.send(
      new CancelMessageMoveTaskCommand({ TaskHandle }),
    );
    assert.ok(moved < 3);
    assert.ok(["CANCELLED", "CANCELLING"].includes(String((await tasksOf(deadArn))[0]?.Status)));
    await refused(client.send(new CancelMessageMoveTaskCommand({ TaskHandle })), "ResourceNotFoundException");
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: other, AttributeNames: ["ApproximateNumberOfMessages"] }),
    );
    assert.equal(Number(Attributes?.ApproximateNumberOfMessages), moved);
  });

  holds("a move task is refused out of a queue that is none, or nobody's dead-letter queue", async () => {
    const name = nextName();
    await sqs.createQueue(name);
    const start = (SourceArn: string, more = {}) =>
      client.send(new StartMessageMoveTaskCommand({ SourceArn, ...more }));
    await refused(start(sqs.queueArn("nowhere")), "ResourceNotFoundException");
    await refused(start(sqs.queueArn(name)), "InvalidParameterValue");
    const { deadArn } = await withDead();
    await refused(start(deadArn, { MaxNumberOfMessagesPerSecond: 501 }), "InvalidParameterValue");
    await refused(start(deadArn, { DestinationArn: sqs.queueArn("nowhere") }), "ResourceNotFoundException");
  });

  run();
}
