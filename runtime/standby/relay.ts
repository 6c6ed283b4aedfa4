import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { GiveBack } from "../aws/giveBack.ts";
import { errorText, type Log } from "../aws/log.ts";
import type { Outgoing } from "../aws/queues.ts";
import { decodeCalls, decodeIngest } from "../domain/codec/index.ts";

/**
 * Brings what this region accepted to the home region's ingest queue, where it goes on as if it had been accepted there.
 *
 * Invariant: a message is done only when the home region's queue has it, and its payload, where it has one apart, before
 * that. A message that fails comes again, and a damaged one goes to the dead-letter queue; a message that arrives twice is harmless, since routing stores it under its ids.
 */
export interface RelayPorts {
  readonly log: Log;
  /** Copies a payload to the home region under the same key. */
  copyPayload(key: string): Promise<void>;
  /** To the home region's queue. Outcomes by position: undefined where it succeeded. */
  send(messages: readonly Outgoing[]): Promise<(Error | undefined)[]>;
  readonly giveBack: GiveBack;
}

export async function relay(event: SQSEvent, ports: RelayPorts): Promise<SQSBatchResponse> {
  const prepared = await Promise.all(event.Records.map((record) => prepare(record, ports)));
  const ready = prepared.filter((one) => one.failure === undefined);
  const outcomes = await ports.send(
    ready.map(({ record }) => ({ text: record.body, group: record.attributes.MessageGroupId ?? "" })),
  );
  const failed = [
    ...prepared.filter((one) => one.failure !== undefined),
    ...ready.map(({ record }, i) => ({ record, failure: outcomes[i] })).filter((one) => one.failure !== undefined),
  ];
  for (const { record, failure } of failed) {
    ports.log("warn", "standby.relay_failed", {
      message_id: record.messageId,
      receives: Number(record.attributes.ApproximateReceiveCount),
      error: errorText(failure),
    });
  }
  ports.log("info", "standby.relayed", { messages: event.Records.length - failed.length, failed: failed.length });
  return ports.giveBack(event.Records, new Map(failed.map(({ record, failure }) => [record.messageId, failure])));
}

async function prepare(record: SQSRecord, ports: RelayPorts): Promise<{ record: SQSRecord; failure?: unknown }> {
  try {
    // Counts of refused calls travel the same way and have no payload.
    if (decodeCalls(record.body) !== undefined) return { record };
    const { body } = decodeIngest(record.body);
    if ("s3_key" in body) await ports.copyPayload(body.s3_key);
    return { record };
  } catch (failure) {
    return { record, failure };
  }
}
