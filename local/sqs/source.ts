import type { SQSRecord } from "aws-lambda";
import { defined } from "../../runtime/domain/defined.ts";
import { type QueueSource, ServiceError } from "../service.ts";
import { systemAttributes } from "./actions.ts";
import type { Queue, Received } from "./queue.ts";
import type { MessageAttributes } from "./rules.ts";

/** The queues as event source mappings poll them: messages become the records that a function is given. */
/** How long a mapping waits after a receive that could not be recorded. */
const UNAVAILABLE_PAUSE_MS = 1_000;

/** @param queues by ARN */
export function queueSource(queues: ReadonlyMap<string, Queue>): QueueSource {
  function queueByArn(arn: string): Queue {
    const queue = queues.get(arn);
    if (queue === undefined) throw new Error(`no queue has the ARN ${arn}`);
    return queue;
  }

  return {
    async receive(arn, max, waitMs) {
      const queue = queueByArn(arn);
      let received: Received[];
      try {
        received = await queue.poll(max, waitMs / 1000);
      } catch (thrown) {
        // It has been said. What is ready stays ready: as a poller does, ask again a little later.
        if (!(thrown instanceof ServiceError) || thrown.status < 500) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, UNAVAILABLE_PAUSE_MS));
        received = [];
      }
      return {
        records: received.map((one) => lambdaRecord(one, arn)),
        waitedMs: received.reduce((longest, { waitedMs }) => Math.max(longest, waitedMs), 0),
        waiting: queue.counts().ready,
      };
    },
    async delete(arn, handles) {
      for (const handle of handles) queueByArn(arn).delete(handle);
    },
    async release(arn, handles) {
      for (const handle of handles) {
        try {
          queueByArn(arn).changeVisibility(handle, 0);
        } catch (thrown) {
          // The message's visibility timeout ended first, or someone deleted it: then there is nothing to release.
          if (!(thrown instanceof ServiceError)) throw thrown;
        }
      }
    },
  };
}

const lambdaAttributes = (attributes: MessageAttributes = {}): SQSRecord["messageAttributes"] =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      {
        dataType: DataType as "String",
        ...defined({ stringValue: StringValue, binaryValue: BinaryValue }),
        stringListValues: [],
        binaryListValues: [],
      },
    ]),
  );

function lambdaRecord(received: Received, arn: string): SQSRecord {
  const { message } = received;
  return {
    messageId: message.id,
    receiptHandle: received.receipt,
    body: received.body,
    attributes: systemAttributes(received) as unknown as SQSRecord["attributes"],
    messageAttributes: lambdaAttributes(message.attributes),
    md5OfBody: message.md5,
    ...defined({ md5OfMessageAttributes: message.attributesMd5 }),
    eventSource: "aws:sqs",
    eventSourceARN: arn,
    awsRegion: arn.split(":")[3]!,
  };
}
