import { PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { sendInCalls } from "../aws/calls.ts";
import type { Firehose } from "../aws/clients.ts";

/** What Firehose takes in one call; a record counts as its bytes before base64. */
const MOST = { items: 500, bytes: 4_000_000, tries: 4 };

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
  const records = entries.flatMap((entry, at) => entry.records.map((data) => ({ at, data })));
  const refused = await sendInCalls(
    records,
    ({ data }) => data.length,
    MOST,
    async (call) => {
      const Records = call.map(({ data }) => ({ Data: data }));
      const put = new PutRecordBatchCommand({ DeliveryStreamName: stream, Records });
      const { FailedPutCount, RequestResponses } = await firehose.send(put);
      if ((FailedPutCount ?? 0) === 0) return [];
      return call.map((_, i) => {
        const answer = RequestResponses?.[i];
        return answer?.ErrorCode === undefined ? undefined : new Error(`${answer.ErrorCode}: ${answer.ErrorMessage}`);
      });
    },
  );
  const outcomes = new Array<Error | undefined>(entries.length).fill(undefined);
  for (const [i, { at }] of records.entries()) outcomes[at] ??= refused[i];
  return outcomes;
}
