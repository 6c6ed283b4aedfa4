import { SendMessageBatchCommand, type SendMessageBatchRequestEntry } from "@aws-sdk/client-sqs";
import { defined } from "../domain/defined.ts";
import type { Seconds } from "../domain/time.ts";
import { sendInCalls } from "./calls.ts";
import type { Sqs } from "./clients.ts";

/** A message to send: `group` is the tenant, so that a fair queue keeps one from delaying the others; "" for nobody. */
export interface Outgoing {
  readonly text: string;
  readonly group: string;
  /** 0 to 900. */
  readonly delaySeconds?: Seconds;
}

/** The name of a queue, `events-ingest`, from its URL or its ARN. */
export const queueName = (urlOrArn: string): string => urlOrArn.split(/[/:]/).at(-1)!;

/** What SQS takes in one call. */
const MOST = { items: 10, bytes: 1_048_576, tries: 3 };

/**
 * Sends all of them, each refused entry up to three times.
 * @returns by position, what went wrong with it; undefined where it was sent
 */
export const sendAll = (sqs: Sqs, queueUrl: string, messages: readonly Outgoing[]): Promise<(Error | undefined)[]> =>
  sendInCalls(
    messages,
    ({ text }) => Buffer.byteLength(text),
    MOST,
    async (call) => {
      const Entries = call.map(
        ({ text, group, delaySeconds }, at): SendMessageBatchRequestEntry => ({
          Id: String(at),
          MessageBody: text,
          ...(group === "" ? {} : { MessageGroupId: group }),
          ...defined({ DelaySeconds: delaySeconds }),
        }),
      );
      const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      const refused = new Map(
        Failed.map(({ Id, Code, Message = "" }) => [Number(Id), new Error(`${Code}: ${Message}`)]),
      );
      return call.map((_, at) => refused.get(at));
    },
  );

/** @throws AggregateError when not all could be sent */
export async function sendOrThrow(sqs: Sqs, queueUrl: string, messages: readonly Outgoing[]): Promise<void> {
  const errors = (await sendAll(sqs, queueUrl, messages)).filter((error) => error !== undefined);
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} messages could not be sent`);
}
