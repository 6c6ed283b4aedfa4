import { isUtf8 } from "node:buffer";
import { Malformed, objectEnd } from "../domain/body/scan.ts";
import { ontoOneLine } from "../domain/event.ts";
import { type Tenant, tenantOf } from "../domain/identity/identity.ts";
import { type RawValue, scan } from "../matching/rawJson.ts";

/**
 * The text of an archive object: JSON objects, each on a line of its own, as `encodeArchive` writes them.
 *
 * Invariants, held by tests/runtime/retain/archiveLines.test.ts. A line is only what begins where a line before it has
 * ended: text inside a payload is never taken for one, though it may look like it. Old objects hold a sender's own line ends
 * inside payloads; those are read, too. An unreadable line costs itself alone, and is reported.
 */
export interface ArchivedEvent {
  readonly event_id: string;
  readonly event_type: string | null;
  /** The payload's text, as it was sent. */
  readonly payload: string;
  /** The whole event's text. */
  readonly text: string;
}

export interface ArchiveLine {
  readonly text: string;
  readonly tenant: Tenant;
  /** ULID of the first event of the batch that the line is of. */
  readonly batch: string;
  readonly events: readonly ArchivedEvent[];
}

/** Bytes that are not a line, and lines that are unreadable. */
export interface UnreadableLine {
  readonly bytes: Buffer;
  readonly reason: string;
  /** What its beginning still says. */
  readonly head: LineHead | undefined;
}

export interface LineHead {
  readonly tenant: Tenant;
  readonly batch: string;
}

/** How `encodeArchive` begins a line; the customer's id and the environment need no escapes. */
const HEAD =
  /^\{"v":\d+,"prefix":"[0-9a-f]{2}","customer_id":"([^"\\]+)","environment":"(live|sandbox)","batch":"([^"\\]+)",/;
const HEAD_BYTES = 300;
const LINE_FEED = 0x0a;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** The customer and the batch of a line, from its first bytes alone; undefined where those are foreign. */
export function headOf(line: Buffer): LineHead | undefined {
  const found = HEAD.exec(line.toString("latin1", 0, HEAD_BYTES));
  if (found === null) return undefined;
  const [, customer_id, environment, batch] = found as unknown as [string, string, "live" | "sandbox", string];
  return { tenant: tenantOf({ customer_id, environment }), batch };
}

/** The object's lines in order, without the line feeds, as views of the bytes; and the pieces that are unreadable. */
export function splitLines(text: Buffer): {
  readonly lines: readonly Buffer[];
  readonly unreadable: readonly UnreadableLine[];
} {
  const pieces = [...betweenLineFeeds(text)];
  // JSON never has "}" directly before "{": if each piece begins and ends like an object, every line feed is the end of a line.
  if (pieces.every((piece) => piece[0] === OPEN && piece.at(-1) === CLOSE)) return { lines: pieces, unreadable: [] };
  const lines: Buffer[] = [];
  const unreadable: UnreadableLine[] = [];
  for (let at = afterSpace(text, 0); at < text.length; at = afterSpace(text, at)) {
    try {
      const end = objectEnd(text, at);
      const next = text.indexOf(LINE_FEED, end);
      if (text.toString("latin1", end, next === -1 ? text.length : next).trim() !== "") {
        throw new Malformed("more follows on the same line", end);
      }
      lines.push(text.subarray(at, end));
      at = end;
    } catch (thrown) {
      if (!(thrown instanceof Malformed)) throw thrown;
      // Not from where it failed: what was cut off after a comma goes on into the lines behind it.
      const next = nextHead(text, at) ?? text.length;
      unreadable.push(unreadableLine(text.subarray(at, endOfText(text, at, next)), thrown.message));
      at = next;
    }
  }
  return { lines, unreadable };
}

const unreadableLine = (bytes: Buffer, reason: string): UnreadableLine => ({ bytes, reason, head: headOf(bytes) });

function* betweenLineFeeds(text: Buffer): Generator<Buffer> {
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf(LINE_FEED, at);
    const end = found === -1 ? text.length : found;
    if (end > at) yield text.subarray(at, end);
    at = end + 1;
  }
}

function afterSpace(text: Buffer, from: number): number {
  let at = from;
  while (at < text.length && text[at]! <= 0x20) at += 1;
  return at;
}

function endOfText(text: Buffer, from: number, to: number): number {
  let at = to;
  while (at > from && text[at - 1]! <= 0x20) at -= 1;
  return at;
}

/** Where the first line begins behind `from` that has one of our heads: what was cut off may end anywhere. */
function nextHead(text: Buffer, from: number): number | undefined {
  for (let at = text.indexOf(LINE_FEED, from); at !== -1; at = text.indexOf(LINE_FEED, at + 1)) {
    if (text[at + 1] === OPEN && headOf(text.subarray(at + 1)) !== undefined) return at + 1;
  }
  return undefined;
}

/** Reads a line's events. */
export function parseLine(bytes: Buffer): ArchiveLine | UnreadableLine {
  const head = headOf(bytes);
  if (head === undefined) return unreadableLine(bytes, "it does not begin like a line of the archive");
  if (!isUtf8(bytes)) return unreadableLine(bytes, "it is not UTF-8");
  try {
    // The scan below believes that it reads JSON.
    if (objectEnd(bytes, 0) < bytes.length) return unreadableLine(bytes, "more follows on the same line");
    const text = bytes.toString("utf8");
    const events = membersOf(scan(text)).get("events");
    if (events?.kind !== "array") return unreadableLine(bytes, "it holds no events");
    return {
      text,
      ...head,
      events: events.items.map((item): ArchivedEvent => {
        const members = membersOf(item);
        const member = (name: string): string => {
          const value = members.get(name);
          if (value === undefined) throw new Malformed(`an event has no ${name}`, item.start);
          return text.slice(value.start, value.end);
        };
        return {
          event_id: JSON.parse(member("event_id")) as string,
          event_type: JSON.parse(member("event_type")) as string | null,
          payload: member("payload"),
          text: text.slice(item.start, item.end),
        };
      }),
    };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return unreadableLine(bytes, error.message);
  }
}

const membersOf = (value: RawValue): ReadonlyMap<string, RawValue> =>
  new Map(value.kind === "object" ? value.members.map((each) => [each.name, each.value]) : []);

/** The line with only these of its events, on one line; undefined when none is left. */
export function keepEvents(line: ArchiveLine, kept: readonly ArchivedEvent[]): Buffer | undefined {
  if (kept.length === 0) return undefined;
  if (kept.length === line.events.length) return ontoOneLine(Buffer.from(line.text));
  const head = line.text.slice(0, line.text.indexOf('"events":[') + '"events":['.length);
  return ontoOneLine(Buffer.from(`${head}${kept.map(({ text }) => text).join(",")}]}`));
}
