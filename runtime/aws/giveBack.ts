import { ChangeMessageVisibilityBatchCommand } from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSRecord } from "aws-lambda";
import { CodecError } from "../domain/codec/index.ts";
import type { Sqs } from "./clients.ts";
import { errorText, type Log } from "./log.ts";
import { type Outgoing, queueName, sendAll } from "./queues.ts";

/**
 * What becomes of messages that could not be worked off.
 *
 * Invariant: what can be read waits for as long as it takes. It comes again after a growing pause, and its queue allows so
 * many receives that an outage of hours uses up few of them. What is damaged can never be worked off: it goes to the
 * dead-letter queue at its first receive, and leaves its own queue only once it is there.
 * docs/decisions/outages.md has the figures.
 */
export type GiveBack = (
  records: readonly SQSRecord[],
  /** By message id. */
  failures: ReadonlyMap<string, unknown>,
) => Promise<SQSBatchResponse>;

export interface GiveBackPorts {
  readonly log: Log;
  /** In [0, 1). */
  dice(): number;
  /** Lets each be received again after so many seconds; what fails comes again after the queue's own timeout. */
  hide(entries: readonly { readonly record: SQSRecord; readonly seconds: number }[]): Promise<void>;
  /** Sends copies to the dead-letter queue. Outcomes by position: undefined where it succeeded. */
  bury(records: readonly SQSRecord[]): Promise<(Error | undefined)[]>;
}

const LONGEST_PAUSE_SECONDS = 300;

/** Between half and the whole of 2 s, 4 s, 8 s … 5 min. @param receives how often it has been received, from 1 */
export const pauseSeconds = (receives: number, dice: number): number =>
  Math.ceil(Math.min(LONGEST_PAUSE_SECONDS, 2 ** Math.min(receives, 10)) * (0.5 + dice / 2));

/** A message of a newer version is no such case: functions of that version can read it, and are being deployed. */
const isDamaged = (error: unknown): boolean => error instanceof CodecError && error.fault === "corrupt";

/** @returns a function that answers which messages have to come again */
export const givingBack =
  (ports: GiveBackPorts): GiveBack =>
  async (records, failures) => {
    const failed = records.filter(({ messageId }) => failures.has(messageId));
    const damaged = failed.filter(({ messageId }) => isDamaged(failures.get(messageId)));
    const again = failed.filter((record) => !damaged.includes(record));
    if (damaged.length > 0) {
      const outcomes = await ports.bury(damaged);
      for (const [at, error] of outcomes.entries()) {
        const record = damaged[at]!;
        const fields = { message_id: record.messageId };
        if (error === undefined) ports.log("error", "message.dead", fields);
        else {
          ports.log("error", "message.not_buried", { ...fields, error: errorText(error) });
          again.push(record);
        }
      }
    }
    if (again.length > 0) {
      const entries = again.map((record) => ({
        record,
        seconds: pauseSeconds(Number(record.attributes.ApproximateReceiveCount), ports.dice()),
      }));
      try {
        await ports.hide(entries);
      } catch (error) {
        ports.log("warn", "message.not_hidden", { messages: entries.length, error: errorText(error) });
      }
    }
    return { batchItemFailures: again.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };

/** A queue that a function works off, and where its damaged messages go. */
export interface OwnQueue {
  readonly url: string;
  readonly deadUrl: string;
}

/** @param queues all that the function's mappings read from */
export function givingBackOver(sqs: Sqs, queues: readonly OwnQueue[], log: Log): GiveBack {
  const byName = new Map(queues.map((queue) => [queueName(queue.url), queue]));
  const queueOf = ({ eventSourceARN }: SQSRecord): OwnQueue => {
    const queue = byName.get(queueName(eventSourceARN));
    if (queue === undefined) throw new Error(`${eventSourceARN} is none of the queues that this function reads from`);
    return queue;
  };
  return givingBack({
    log,
    dice: Math.random,
    // An invocation has ten messages at most: as many as one call takes.
    async hide(entries) {
      const calls = [...Map.groupBy(entries, ({ record }) => queueOf(record))];
      await Promise.all(
        calls.map(([{ url }, those]) =>
          sqs.send(
            new ChangeMessageVisibilityBatchCommand({
              QueueUrl: url,
              Entries: those.map(({ record, seconds }, at) => ({
                Id: String(at),
                ReceiptHandle: record.receiptHandle,
                VisibilityTimeout: seconds,
              })),
            }),
          ),
        ),
      );
    },
    async bury(records) {
      const outcomes = new Map<SQSRecord, Error | undefined>();
      const calls = [...Map.groupBy(records, queueOf)];
      await Promise.all(
        calls.map(async ([{ deadUrl }, those]) => {
          const messages = those.map(
            ({ body, attributes }): Outgoing => ({ text: body, group: attributes.MessageGroupId ?? "" }),
          );
          const sent = await sendAll(sqs, deadUrl, messages);
          for (const [at, record] of those.entries()) outcomes.set(record, sent[at]);
        }),
      );
      return records.map((record) => outcomes.get(record));
    },
  });
}
