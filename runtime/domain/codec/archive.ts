import { timeOf } from "../ids.ts";
import { VERSION } from "./fields.ts";

/** Records of the archive, as the delivery stream writes them to S3. */

/** Firehose accepts 1,000 KiB a record; the line stays below it with room for the envelope. */
export const ARCHIVE_RECORD_LIMIT = 1_000_000;
export const ARCHIVE_PREFIXES = 64;

/** `00` to `3f`: which 64th of the archive a customer's events are in. FNV-1a over the customer id. */
export function archivePrefix(customerId: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < customerId.length; i += 1) hash = Math.imul(hash ^ customerId.charCodeAt(i), 0x01000193) >>> 0;
  return (hash % ARCHIVE_PREFIXES).toString(16).padStart(2, "0");
}

/**
 * One batch as JSON lines of the archive: `{"v","prefix","customer_id","environment","batch","received_at","events":[…]}`,
 * split so that each stays within a Firehose record. @param events the spliced JSON texts of the events, in order
 */
export function encodeArchive(
  batch: { first: string },
  customerId: string,
  environment: string,
  events: readonly Uint8Array[],
): Buffer[] {
  const head = Buffer.from(
    `{"v":${VERSION},"prefix":"${archivePrefix(customerId)}","customer_id":${JSON.stringify(customerId)},"environment":"${environment}","batch":"${batch.first}","received_at":"${new Date(timeOf(batch.first)).toISOString()}","events":[`,
  );
  const tail = Buffer.from("]}\n");
  const comma = Buffer.from(",");
  const records: Buffer[] = [];
  let parts: Uint8Array[] = [];
  let size = 0;
  const flush = () => {
    if (parts.length > 0) records.push(Buffer.concat([head, ...parts, tail]));
    parts = [];
    size = 0;
  };
  for (const event of events) {
    if (size > 0 && head.length + size + event.length + 8 > ARCHIVE_RECORD_LIMIT) flush();
    if (parts.length > 0) parts.push(comma);
    parts.push(event);
    size += event.length + 1;
  }
  flush();
  return records;
}
