import assert from "node:assert/strict";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { suite } from "uvu";
import { createSqs, type SqsService } from "../../local/sqs.ts";
import { deadQueues, meant, redrive } from "../../operations/redrives.ts";
import { Refusal } from "../../operations/refusal.ts";
import { clientOf, type Served, serve } from "../local/serve.ts";

const test = suite("redrives");

let served: Served;
let service: SqsService;
let sqs: SQSClient;
const urls: string[] = [];

const declare = async (name: string, inputs: object = {}) => {
  const type = "aws:sqs/queue:Queue";
  return (await service.resources[type]!({ type, name, inputs: inputs as Record<string, never> })).id;
};

test.before(async () => {
  served = await serve(async (context) => {
    service = await createSqs(context);
    return [service];
  });
  sqs = new SQSClient({ ...clientOf(served.endpoint), maxAttempts: 1 });
  for (const kind of ["ingest", "delivery"]) {
    urls.push(await declare(`${kind}-dead-0a1b2c3`));
    const deadLetterTargetArn = `arn:aws:sqs:us-east-1:000000000000:${kind}-dead-0a1b2c3`;
    await declare(kind, { redrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 }) });
  }
});
test.after(async () => {
  sqs.destroy();
  await served.close();
});

const queueOf = (name: string) => service.queues().get(`arn:aws:sqs:us-east-1:000000000000:${name}`)!;

test("dead letters are counted, and put back into their queues", async () => {
  const ingest = queueOf("ingest");
  for (const body of ["a", "b", "c"]) await ingest.send({ body, sender: "s" });
  // The second time the message has failed often enough.
  for (let i = 0; i < 6; i += 1) ingest.receive(1, 0);
  const counts = async () => (await deadQueues(sqs, urls)).map(({ name, messages }) => [name, messages]);
  assert.deepEqual(await counts(), [
    ["ingest-dead-0a1b2c3", 3],
    ["delivery-dead-0a1b2c3", 0],
  ]);
  const [dead] = meant(await deadQueues(sqs, urls), "ingest-dead");
  assert.equal(await redrive(sqs, dead!, 1), 3);
  assert.deepEqual(await counts(), [
    ["ingest-dead-0a1b2c3", 0],
    ["delivery-dead-0a1b2c3", 0],
  ]);
  assert.deepEqual(
    ingest
      .receive(10)
      .map(({ body }) => body)
      .sort(),
    ["a", "b", "c"],
  );
});

test("a message that a function sent to a dead-letter queue goes back too, where one queue feeds that queue", async () => {
  await sqs.send(new SendMessageCommand({ QueueUrl: urls[1]!, MessageBody: "buried" }));
  const [dead] = meant(await deadQueues(sqs, urls), "delivery-dead-0a1b2c3");
  assert.equal(await redrive(sqs, dead!, 1), 1);
  assert.deepEqual(
    queueOf("delivery")
      .receive(10)
      .map(({ body }) => body),
    ["buried"],
  );
});

test("a dead-letter queue that two queues feed is reported, and not put back", async () => {
  const url = await declare("shared-dead");
  const deadLetterTargetArn = "arn:aws:sqs:us-east-1:000000000000:shared-dead";
  for (const name of ["one", "two"])
    await declare(name, { redrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 }) });
  await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "by hand" }));
  const [dead] = await deadQueues(sqs, [url]);
  const reason = "shared-dead: the move ended as FAILED after 0 messages: CouldNotDetermineMessageSource.";
  await assert.rejects(redrive(sqs, dead!, 1), new Refusal(reason));
});

test("an unknown queue's name is refused, with the list of queues", async () => {
  const queues = await deadQueues(sqs, urls);
  assert.throws(
    () => meant(queues, "dead"),
    new Refusal("No dead-letter queue is called dead. There are: ingest-dead-0a1b2c3, delivery-dead-0a1b2c3."),
  );
});

test.run();
