import { errorText } from "../../aws/log.ts";
import { sendOrThrow } from "../../aws/queues.ts";
import { encodeJobsMessage, type HourlyWork, type HourWork } from "../../domain/job.ts";
import type { Tools } from "../work.ts";

/**
 * Does a customer's part of a page. Invariant: one that fails keeps no other customer's from being done: it becomes a message of its own, which
 * the queue brings again, and keeps among the dead letters at last.
 * @param alone whether it is such a message already @throws what it failed with then
 */
export async function onItsOwn(
  tools: Tools,
  message: { readonly kind: HourlyWork } & HourWork,
  alone: boolean,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (alone) throw error;
    tools.log("error", "retain.customer_failed", { ...message, error: errorText(error) });
    await sendOrThrow(tools.sqs, tools.env.JOB_QUEUE_URL, [{ text: encodeJobsMessage(message), group: message.kind }]);
  }
}
