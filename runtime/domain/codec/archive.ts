import { type EventText, ontoOneLine, writeEvents } from "../event.ts";
import { timeOf, type Ulid } from "../ids.ts";
import { VERSION } from "./fields.ts";

/** Records of the archive, as the delivery stream writes them to S3. */

/** Firehose accepts 1,000 KiB a record; the line stays below it with room for the envelope. */
const ARCHIVE_RECORD_LIMIT = 1_000_000;
const ARCHIVE_PREFIXES = 64;

/** Every 64th there is. */
export const archivePrefixes: readonly string[] = Array.from({ length: ARCHIVE_PREFIXES }, (_, at) =>
  at.toString(16).padStart(2, "0"),
);

/** `00` to `3f`: which 64th of the archive a customer's events are in. FNV-1a over the customer id. */
export function archivePrefix(customerId: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < customerId.length; i += 1) hash = Math.imul(hash ^ customerId.charCodeAt(i), 0x01000193) >>> 0;
  return archivePrefixes[hash % ARCHIVE_PREFIXES]!;
}

/**
 * One batch as JSON lines of the archive: `{"v","prefix","customer_id","environment","batch","received_at","events":[…]}`,
 * split so that each stays within a Firehose record. What a sender wrote over several lines stands on one.
 */
export function encodeArchive(
  batch: { readonly first: Ulid },
  customerId: string,
  environment: string,
  events: readonly EventText[],
): Buffer[] {
  const head = `{"v":${VERSION},"prefix":"${archivePrefix(customerId)}","customer_id":${JSON.stringify(customerId)},"environment":"${environment}","batch":"${batch.first}","received_at":"${new Date(timeOf(batch.first)).toISOString()}","events":[`;
  const line = (part: readonly EventText[]): Buffer => {
    const text = writeEvents(part, head, TAIL);
    ontoOneLine(text.subarray(0, -1));
    return text;
  };
  const records: Buffer[] = [];
  let from = 0;
  let size = head.length;
  for (const [at, event] of events.entries()) {
    // A head is written in at most three bytes a UTF-16 unit; one more each for the brace and the comma.
    const length = 3 * event.head.length + event.raw.length + 2;
    if (at > from && size + length > ARCHIVE_RECORD_LIMIT) {
      records.push(line(events.slice(from, at)));
      from = at;
      size = head.length;
    }
    size += length;
  }
  records.push(line(from === 0 ? events : events.slice(from)));
  return records;
}
const TAIL = "]}\n";
