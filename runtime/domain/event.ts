import { eventId, timeOf, type Ulid, ulidAt } from "./ids.ts";
import { rfc3339 } from "./time.ts";

export { type DeliveryStatus, deliveryStatuses, type EventStatus, eventStatuses, foldStatus } from "./statuses.ts";

/** An event as matching and transforms see it. `payload` is the parsed JSON; numbers may have lost digits. */
export interface Event {
  readonly event_id: string;
  readonly event_type: string | null;
  /** RFC 3339 UTC with milliseconds. */
  readonly received_at: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** A batch's events as they are written out: id, type and time around the payload's own bytes. */
export interface EventText {
  /** `{"event_id":…,"event_type":…,"received_at":…,"payload":`; empty for a bare payload. */
  readonly head: string;
  readonly raw: Uint8Array;
}

/** Heads of a batch's events by offset. Its ULIDs share their time, so most of the text is made once. */
export function eventHeads(first: Ulid, types: readonly (string | null)[]): (offset: number) => string {
  const received = `,"received_at":"${rfc3339(timeOf(first))}","payload":`;
  let lastType: string | null | undefined;
  let middle = "";
  return (offset) => {
    const type = types[offset]!;
    if (type !== lastType) {
      lastType = type;
      middle = `","event_type":${JSON.stringify(type)}${received}`;
    }
    return `{"event_id":"${eventId(ulidAt(first, offset))}${middle}`;
  };
}

/**
 * Writes events one after the other into one buffer: `before`, the events with commas between, `after`. Payload bytes
 * are copied unchanged, never parsed.
 */
export function writeEvents(events: readonly EventText[], before: string, after: string): Buffer {
  let size = Buffer.byteLength(before) + Buffer.byteLength(after) + Math.max(0, events.length - 1);
  for (const { head, raw } of events) size += (head === "" ? 0 : Buffer.byteLength(head) + 1) + raw.length;
  const text = Buffer.allocUnsafe(size);
  let at = text.write(before);
  for (const [i, { head, raw }] of events.entries()) {
    if (i > 0) text[at++] = COMMA;
    if (head !== "") at += text.write(head, at);
    text.set(raw, at);
    at += raw.length;
    if (head !== "") text[at++] = CLOSE;
  }
  text.write(after, at);
  return text;
}
const COMMA = 0x2c;
const CLOSE = 0x7d;

/**
 * Puts a JSON text on one line, in place: each line end in it becomes a space. Only a sender's own formatting has any, for
 * RFC 8259 allows none inside a string, so every value stays byte for byte as it was.
 */
export function ontoOneLine(json: Buffer): Buffer {
  for (const end of [0x0a, 0x0d]) {
    for (let at = json.indexOf(end); at !== -1; at = json.indexOf(end, at + 1)) json[at] = SPACE;
  }
  return json;
}
const SPACE = 0x20;

/** The event's JSON text with its payload's bytes spliced in unchanged: what inbox, webhook, archive and export hold. */
export function spliceEvent(first: Ulid, offset: number, type: string | null, raw: Uint8Array): Buffer {
  const ulid = ulidAt(first, offset);
  const head = `{"event_id":"${eventId(ulid)}","event_type":${JSON.stringify(type)},"received_at":"${rfc3339(timeOf(ulid))}","payload":`;
  return writeEvents([{ head, raw }], "", "");
}
