import { startFauxqs } from "fauxqs";
import { createSqs, type SqsService } from "../../local/sqs.ts";
import { serve } from "./serve.ts";
import { sqsConformance } from "./sqs.conformance.ts";

const ARGUMENTS: Readonly<Record<string, string>> = { RedrivePolicy: "redrivePolicy" };

sqsConformance("ours", async () => {
  let sqs: SqsService | undefined;
  const served = await serve(async (context) => {
    sqs = await createSqs(context);
    return [sqs];
  });
  return {
    endpoint: served.endpoint,
    async createQueue(name, attributes = {}) {
      const inputs = Object.fromEntries(
        Object.entries(attributes).map(([attribute, value]) => [ARGUMENTS[attribute], value]),
      );
      const created = await sqs!.resources["aws:sqs/queue:Queue"]!({ type: "aws:sqs/queue:Queue", name, inputs });
      return created.id;
    },
    queueArn: (name) => `arn:aws:sqs:us-east-1:000000000000:${name}`,
    close: served.close,
  };
});

sqsConformance(
  "fauxqs",
  async () => {
    const server = await startFauxqs({ port: 0, logger: false, host: "127.0.0.1" });
    return {
      endpoint: `http://127.0.0.1:${server.port}`,
      createQueue: async (name, attributes = {}) => server.createQueue(name, { attributes }).queueUrl,
      queueArn: (name) => `arn:aws:sqs:us-east-1:000000000000:${name}`,
      close: () => server.stop(),
    };
  },
  {
    "a message is received as it was sent, with its MD5": "characters outside the basic plane are refused",
    "system attributes tell how often and when a message was received, and its group": "no group on standard queues",
    "a message received too often goes to the dead-letter queue, with its source": "the source is not told",
    "batches without entries, with too many, with bad or repeated ids are refused whole": "ids are not checked",
    "arguments out of range are refused": "they are not checked",
    "a receipt handle that never was is refused": "it is taken",
    "the visibility of a message that is not in flight can't be changed": "it is taken",
    "a move task puts dead messages back where they came from, as new ones": "there are no move tasks",
    "a move task can move elsewhere, at a rate, and be cancelled": "there are no move tasks",
    "a move task is refused out of a queue that is none, or nobody's dead-letter queue": "there are no move tasks",
    "a purge empties the queue, and can't follow another at once": "it can",
  },
);
