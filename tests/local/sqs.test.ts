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
    "a message is received as it was sent, with its MD5": {
      why: "characters outside the basic plane are refused",
      fails: /InvalidMessageContents: Invalid characters found/,
    },
    "system attributes tell how often and when a message was received, and its group": {
      why: "no group on standard queues",
      fails: /\n\+ undefined\n- 'cus_1'\n$/,
    },
    "a message received too often goes to the dead-letter queue, with its source": {
      why: "the source is not told",
      fails: /\n\+ undefined\n- 'arn:aws:sqs:us-east-1:000000000000:queue-\d+'\n$/,
    },
    "batches without entries, with too many, with bad or repeated ids are refused whole": {
      why: "ids are not checked",
      fails: /\n\+ undefined\n- 'InvalidBatchEntryId'\n$/,
    },
    "arguments out of range are refused": {
      why: "they are not checked",
      fails: /\n\+ undefined\n- 'InvalidParameterValue'\n$/,
    },
    "a receipt handle that never was is refused": {
      why: "it is taken",
      fails: /\n\+ undefined\n- 'ReceiptHandleIsInvalid'\n$/,
    },
    "the visibility of a message that is not in flight can't be changed": {
      why: "it is taken",
      fails: /\n\+ undefined\n- 'MessageNotInflight'\n$/,
    },
    "a move task puts dead messages back where they came from, as new ones": {
      why: "there are no move tasks",
      fails: /^InvalidAction: Unknown action: StartMessageMoveTask$/,
    },
    "a move task can move elsewhere, at a rate, and be cancelled": {
      why: "there are no move tasks",
      fails: /^InvalidAction: Unknown action: StartMessageMoveTask$/,
    },
    "a move task is refused out of a queue that is none, or nobody's dead-letter queue": {
      why: "there are no move tasks",
      fails: /\n\+ 'InvalidAction'\n- 'ResourceNotFoundException'\n$/,
    },
    "a purge empties the queue, and can't follow another at once": {
      why: "it can",
      fails: /\n\+ undefined\n- 'PurgeQueueInProgress'\n$/,
    },
  },
);
