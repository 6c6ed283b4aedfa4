import { PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { type CallLimits, intoCalls } from "../aws/calls.ts";
import type { Firehose } from "../aws/clients.ts";
import type { Millis } from "../domain/time.ts";

/** What Firehose takes in one call; a record counts as its bytes before base64. */
const MOST: CallLimits = { items: 500, bytes: 4_000_000 };
const TRIES = 4;
const FIRST_PAUSE_MS = 50;

/** One batch's records; all of them have to arrive. */
export interface ArchiveEntry {
  readonly records: readonly Buffer[];
}

/**
 * Puts the records on the archive's stream, refused ones again with growing pauses.
 * @returns by position, what went wrong with an entry; undefined where all its records were taken
 */
export async function archiveAll(
  firehose: Firehose,
  stream: string,
  entries: readonly ArchiveEntry[],
): Promise<(Error | undefined)[]> {
  const outcomes = new Array<Error | undefined>(entries.length).fill(undefined);
  const records = entries.flatMap((entry, at) => entry.records.map((data) => ({ at, data })));
  await Promise.all(
    intoCalls(records, ({ data }) => data.length, MOST).map(async (call) => {
      let waiting = call;
      for (let tried = 1; ; tried += 1) {
        const errors = await putCall(firehose, stream, waiting);
        waiting = waiting.filter((_, i) => errors[i] !== undefined);
        if (waiting.length === 0) return;
        if (tried === TRIES) {
          const left = errors.filter((error) => error !== undefined);
          for (const [i, { at }] of waiting.entries()) outcomes[at] = left[i]!;
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (tried - 1)));
      }
    }),
  );
  return outcomes;
}

type Record = { readonly at: Millis; readonly data: Buffer };

async function putCall(firehose: Firehose, stream: string, call: readonly Record[]): Promise<(Error | undefined)[]> {
  try {
    const { FailedPutCount, RequestResponses } = await firehose.send(
      new PutRecordBatchCommand({ DeliveryStreamName: stream, Records: call.map(({ data }) => ({ Data: data })) }),
    );
    if ((FailedPutCount ?? 0) === 0) return call.map(() => undefined);
    return call.map((_, i) => {
      const answer = RequestResponses?.[i];
      return answer?.ErrorCode === undefined ? undefined : new Error(`${answer.ErrorCode}: ${answer.ErrorMessage}`);
    });
  } catch (error) {
    return call.map(() => error as Error);
  }
}
