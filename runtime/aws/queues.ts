import { SendMessageBatchCommand, type SendMessageBatchRequestEntry } from "@aws-sdk/client-sqs";
import { defined } from "../domain/defined.ts";
import type { Seconds } from "../domain/time.ts";
import { type CallLimits, intoCalls } from "./calls.ts";
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
const MOST: CallLimits = { items: 10, bytes: 1_048_576 };
const TRIES = 3;
const PAUSE_MS = 50;

/**
 * Sends all of them, each refused entry again up to three times.
 * @returns by position, what went wrong with it; undefined where it was sent
 */
export async function sendAll(
  sqs: Sqs,
  queueUrl: string,
  messages: readonly Outgoing[],
): Promise<(Error | undefined)[]> {
  const outcomes = new Array<Error | undefined>(messages.length).fill(undefined);
  const numbered = messages.map((message, at) => ({ message, at, bytes: Buffer.byteLength(message.text) }));
  await Promise.all(
    intoCalls(numbered, ({ bytes }) => bytes, MOST).map(async (call) => {
      let waiting = call;
      for (let tried = 1; waiting.length > 0; tried += 1) {
        const refused = await sendCall(sqs, queueUrl, waiting);
        for (const { at } of waiting) outcomes[at] = refused.get(at);
        waiting = waiting.filter(({ at }) => refused.has(at));
        if (tried === TRIES) break;
        if (waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * tried));
      }
    }),
  );
  return outcomes;
}

/** @throws AggregateError when not all could be sent */
export async function sendOrThrow(sqs: Sqs, queueUrl: string, messages: readonly Outgoing[]): Promise<void> {
  const errors = (await sendAll(sqs, queueUrl, messages)).filter((error) => error !== undefined);
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} messages could not be sent`);
}

async function sendCall(
  sqs: Sqs,
  queueUrl: string,
  call: readonly { readonly message: Outgoing; readonly at: number }[],
): Promise<Map<number, Error>> {
  const Entries = call.map(
    ({ message, at }): SendMessageBatchRequestEntry => ({
      Id: String(at),
      MessageBody: message.text,
      ...(message.group === "" ? {} : { MessageGroupId: message.group }),
      ...defined({ DelaySeconds: message.delaySeconds }),
    }),
  );
  try {
    const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    return new Map(Failed.map((entry) => [Number(entry.Id), new Error(`${entry.Code}: ${entry.Message ?? ""}`)]));
  } catch (error) {
    return new Map(call.map(({ at }) => [at, error as Error]));
  }
}
