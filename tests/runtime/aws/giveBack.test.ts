import assert from "node:assert/strict";
import type { SQSRecord } from "aws-lambda";
import fc from "fast-check";
import { test } from "uvu";
import type { Sqs } from "../../../runtime/aws/clients.ts";
import { givingBackOver, pauseSeconds } from "../../../runtime/aws/giveBack.ts";
import { CodecError } from "../../../runtime/domain/codec/index.ts";

const record = (messageId: string, queue = "ingest", receives = 1): SQSRecord =>
  ({
    messageId,
    body: `body of ${messageId}`,
    receiptHandle: `receipt of ${messageId}`,
    eventSourceARN: `arn:aws:sqs:us-east-1:123456789012:${queue}`,
    attributes: { ApproximateReceiveCount: String(receives), MessageGroupId: "cus_a" },
  }) as SQSRecord;

const queues = ["ingest", "notice"].map((name) => ({
  url: `https://sqs.us-east-1.amazonaws.com/123456789012/${name}`,
  deadUrl: `https://sqs.us-east-1.amazonaws.com/123456789012/${name}-dead`,
}));
const damaged = new CodecError("corrupt", "the message has no header");

/** What SQS was asked, by action and queue. @param refuses names of actions that fail */
async function run(records: SQSRecord[], failures: ReadonlyMap<string, unknown>, refuses: readonly string[] = []) {
  const asked: [action: string, queue: string, of: string[]][] = [];
  const logs: string[] = [];
  const sqs = {
    async send(command: { constructor: { name: string }; input: { QueueUrl: string; Entries: { Id: string }[] } }) {
      const action = command.constructor.name.replace("Command", "");
      if (refuses.includes(action)) throw new Error("away");
      const { QueueUrl, Entries } = command.input;
      const texts = Entries as unknown as { MessageBody?: string; ReceiptHandle?: string }[];
      asked.push([action, QueueUrl.split("/").at(-1)!, texts.map((each) => each.MessageBody ?? each.ReceiptHandle!)]);
      return {};
    },
  } as unknown as Sqs;
  const giveBack = givingBackOver(sqs, queues, (_, message) => logs.push(message));
  const { batchItemFailures } = await giveBack(records, failures);
  return { asked, logs, again: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier) };
}

test("without a failed message the queue is not called", async () =>
  assert.deepEqual(await run([record("a")], new Map()), { asked: [], logs: [], again: [] }));

test("failed messages come again later, with one call for each queue", async () =>
  assert.deepEqual(
    await run(
      [record("a"), record("b"), record("c", "notice"), record("d")],
      new Map(["a", "c", "d"].map((id) => [id, new Error("away")])),
    ),
    {
      asked: [
        ["ChangeMessageVisibilityBatch", "ingest", ["receipt of a", "receipt of d"]],
        ["ChangeMessageVisibilityBatch", "notice", ["receipt of c"]],
      ],
      logs: [],
      again: ["a", "c", "d"],
    },
  ));

test("a damaged message goes to the dead letters of its queue at its first receive", async () =>
  assert.deepEqual(await run([record("a"), record("b", "notice")], new Map([["b", damaged]])), {
    asked: [["SendMessageBatch", "notice-dead", ["body of b"]]],
    logs: ["message.dead"],
    again: [],
  }));

test("a message that the dead-letter queue does not take stays where it is", async () =>
  assert.deepEqual(await run([record("a")], new Map([["a", damaged]]), ["SendMessageBatch"]), {
    asked: [["ChangeMessageVisibilityBatch", "ingest", ["receipt of a"]]],
    logs: ["message.not_buried"],
    again: ["a"],
  }));

test("a message of a newer version waits for functions that can read it", async () =>
  assert.deepEqual((await run([record("a")], new Map([["a", new CodecError("unknown_version", "version 2")]]))).again, [
    "a",
  ]));

test("a message that can't be hidden comes again all the same", async () =>
  assert.deepEqual(await run([record("a")], new Map([["a", new Error("away")]]), ["ChangeMessageVisibilityBatch"]), {
    asked: [],
    logs: ["message.not_hidden"],
    again: ["a"],
  }));

const pauses: [receives: number, dice: number, seconds: number][] = [
  [1, 0, 1],
  [1, 1, 2],
  [3, 0.5, 6],
  [8, 1, 256],
  [9, 1, 300],
  [900, 0, 150],
];
for (const [receives, dice, seconds] of pauses)
  test(`after ${receives} receives, with dice of ${dice}, it waits ${seconds} s`, () =>
    assert.equal(pauseSeconds(receives, dice), seconds));

test("a day of failing uses up less than six tenths of the receives, for any random numbers", () =>
  fc.assert(
    fc.property(fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), (dice) => {
      let seconds = 0;
      let receives = 0;
      for (const thrown of dice) {
        receives += 1;
        seconds += pauseSeconds(receives, thrown);
        if (seconds > 86_400) break;
      }
      assert.ok(receives < 600, `${receives} receives`);
    }),
  ));

test.run();
