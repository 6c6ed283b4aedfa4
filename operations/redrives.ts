import {
  GetQueueAttributesCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  type SQSClient,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs";
import { Refusal } from "./refusal.ts";

/** What lies in dead-letter queues, and putting it back to where it came from. */
export interface DeadQueue {
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  /** Messages that may be moved now. */
  readonly messages: number;
}

export async function deadQueues(sqs: SQSClient, urls: readonly string[]): Promise<readonly DeadQueue[]> {
  return Promise.all(
    urls.map(async (url) => {
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["ApproximateNumberOfMessages", "QueueArn"] }),
      );
      return {
        name: url.split("/").at(-1)!,
        arn: Attributes.QueueArn!,
        url,
        messages: Number(Attributes.ApproximateNumberOfMessages),
      };
    }),
  );
}

/**
 * The queues that are meant: in an account a name ends in seven characters of chance, which may be left out.
 * @throws Refusal when none has the name
 */
export function meant(queues: readonly DeadQueue[], name: string | undefined): readonly DeadQueue[] {
  if (name === undefined) return queues;
  const found = queues.filter((queue) => queue.name === name || queue.name.replace(/-[0-9a-f]{7}$/, "") === name);
  if (found.length > 0) return found;
  throw new Refusal(`No dead-letter queue is called ${name}. There are: ${queues.map((one) => one.name).join(", ")}.`);
}

/** Puts a queue's messages back, and waits until that is done. @returns how many were moved @throws Refusal with SQS's reason */
export async function redrive(sqs: SQSClient, { name, arn, url }: DeadQueue, pauseMs: number): Promise<number> {
  // What a function buried itself doesn't say where it came from: the only queue that has its dead letters here, it was.
  const { queueUrls = [] } = await sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: url }));
  const [source, ...others] = queueUrls.map((one) => one.split("/").at(-1));
  const from = source === undefined || others.length > 0 ? {} : { DestinationArn: arn.replace(/[^:]+$/, source) };
  await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arn, ...from }));
  for (;;) {
    const { Results = [] } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn: arn }));
    const [task] = Results;
    if (task?.Status === "FAILED" || task?.Status === "CANCELLED")
      throw new Refusal(
        `${name}: the move ended as ${task.Status} after ${task.ApproximateNumberOfMessagesMoved ?? 0} messages: ${task.FailureReason ?? "no reason is told"}.`,
      );
    if (task?.Status === "COMPLETED") return task.ApproximateNumberOfMessagesMoved ?? 0;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
