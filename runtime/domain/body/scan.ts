import { isUtf8 } from "node:buffer";
import type { ErrorDetail } from "../errors/errors.ts";
import { MAX_EVENTS_PER_REQUEST } from "../ids.ts";
import { MAX_DEPTH, NameSet } from "./scanNames.ts";

/**
 * One pass over the bytes of a `POST /events` body: a strict RFC 8259 reader that builds no values. It finds where each
 * event begins and ends, its `event_type`, and everything that makes it invalid: bad syntax, repeated names, deep nesting.
 *
 * Invariants, each held by tests/runtime/domain/scan.test.ts: it accepts exactly the texts that `JSON.parse` accepts
 * (less repeated names); an event's slice is its bytes as sent; work and memory are linear in the body, for any contents, because
 * nothing recurses and names are compared by hash. docs/decisions/json-scanner.md says why it is ours. Lone surrogates in escapes
 * are text like any other and stay as sent; only an event type may not hold one.
 */

/** A request's answer names at most this many faults. */
export const MAX_FAULTS = 100;
const MAX_EVENT_TYPE = 256;

export interface ScannedEvent {
  /** Offsets of the event in the body. */
  readonly start: number;
  readonly end: number;
  readonly type: string | null;
}

/** A place in a text: line and column from 1, the column in characters; byte from 0. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly byte: number;
}

export type Scan =
  /** The body is not JSON, or its bytes are not UTF-8: reading ends there. */
  | { readonly kind: "malformed"; readonly message: string; readonly at: Position }
  /** JSON. `faults` are in the order of the body, at most `MAX_FAULTS`; `count` is of all events, `events` of the first 1,000. */
  | {
      readonly kind: "scanned";
      readonly array: boolean;
      readonly count: number;
      readonly events: readonly ScannedEvent[];
      readonly faults: readonly ErrorDetail[];
    };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_N = 0x6e;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/** 1: plain inside a string. 0: a quote, a backslash or a control character. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === BACKSLASH ? 0 : 1,
);
const SPACE = Uint8Array.from({ length: 256 }, (_, byte) => ([0x20, 0x0a, 0x0d, 0x09].includes(byte) ? 1 : 0));
const DIGIT = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x30 && byte <= 0x39 ? 1 : 0));
const HEX = Uint8Array.from({ length: 256 }, (_, byte) => (/^[0-9A-Fa-f]$/.test(String.fromCharCode(byte)) ? 1 : 0));
const ESCAPED = Uint8Array.from({ length: 256 }, (_, byte) =>
  '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0,
);
const LITERALS = new Map(["true", "false", "null"].map((word) => [word.charCodeAt(0), word]));

const EVENT_TYPE = Buffer.from("event_type");

/** Where a text breaks JSON's grammar. */
export class Malformed extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** @param body the decoded bytes of the request */
export function scan(body: Buffer): Scan {
  if (!isUtf8(body)) {
    return { kind: "malformed", message: "the text is not UTF-8", at: positionAt(body, firstInvalidUtf8(body)) };
  }
  const scanner = new Scanner(body);
  try {
    return scanner.run();
  } catch (thrown) {
    if (thrown instanceof Malformed) {
      return { kind: "malformed", message: thrown.message, at: positionAt(body, thrown.at) };
    }
    throw thrown;
  } finally {
    shared.end();
  }
}

/**
 * The end of the JSON object that begins at `start`; any bytes may follow it.
 * @throws Malformed at the first byte that breaks JSON's grammar
 */
export function objectEnd(text: Buffer, start: number): number {
  try {
    return new Scanner(text).objectEnd(start);
  } finally {
    shared.end();
  }
}

const shared = new NameSet();

class Scanner {
  private readonly body: Buffer;
  private readonly events: ScannedEvent[] = [];
  private readonly faults: ErrorDetail[] = [];
  private readonly names: NameSet;
  private count = 0;
  private array = false;
  private at: number;

  constructor(body: Buffer) {
    this.body = body;
    this.names = shared.begin(body);
    this.at = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  }

  run(): Scan {
    this.space();
    this.array = this.body[this.at] === OPEN_ARRAY;
    if (this.array) this.list();
    else this.element();
    this.space();
    if (this.at < this.body.length) throw unexpected(this.body, "the end of the text", this.at);
    return { kind: "scanned", array: this.array, count: this.count, events: this.events, faults: this.faults };
  }

  objectEnd(start: number): number {
    if (this.body[start] !== OPEN_OBJECT) throw unexpected(this.body, '"{"', start);
    this.at = start;
    this.nested();
    return this.at;
  }

  private list(): void {
    this.at += 1;
    this.space();
    if (this.body[this.at] === CLOSE_ARRAY) {
      this.at += 1;
      return;
    }
    for (;;) {
      this.element();
      this.space();
      const byte = this.body[this.at];
      if (byte !== COMMA && byte !== CLOSE_ARRAY) throw unexpected(this.body, '"," or "]"', this.at);
      this.at += 1;
      if (byte === CLOSE_ARRAY) return;
      this.space();
    }
  }

  /** One event of the request. */
  private element(): void {
    const start = this.at;
    const type = this.body[start] === OPEN_OBJECT ? this.nested() : this.notAnObject();
    if (this.count < MAX_EVENTS_PER_REQUEST) this.events.push({ start, end: this.at, type });
    this.count += 1;
  }

  private notAnObject(): null {
    const kind = this.body[this.at] === OPEN_ARRAY ? "an array" : "a plain value";
    if (kind === "an array") this.nested();
    else this.at = skipScalar(this.body, this.at);
    this.fault("invalid_event", "", `An event must be a JSON object; this is ${kind}.`);
    return null;
  }

  /**
   * Passes over an object or array with all that is in it; answers the `event_type` of an object. The cursor is a local
   * variable here, and plain strings are passed over in place: this loop is where the time goes.
   */
  private nested(): string | null {
    const { body, names } = this;
    let type: string | null = null;
    let deep = false;
    let at = this.at + 1;
    let depth = 1;
    let inObject = body[this.at] === OPEN_OBJECT;
    names.open(depth, inObject);
    for (;;) {
      while (SPACE[body[at]!] === 1) at += 1;
      let byte = body[at];
      if (byte === (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
        at += 1;
        depth = names.close(depth);
        if (depth === 0) break;
        inObject = names.inObject(depth);
        continue;
      }
      if (names.begun(depth)) {
        if (byte !== COMMA) throw unexpected(this.body, inObject ? '"," or "}"' : '"," or "]"', at);
        at += 1;
        while (SPACE[body[at]!] === 1) at += 1;
        byte = body[at];
      }
      let isType = false;
      if (inObject) {
        if (byte !== QUOTE) throw unexpected(this.body, "a member name in quotes", at);
        const start = at + 1;
        let hash = 0;
        do {
          at += 1;
          byte = body[at];
          hash = (Math.imul(hash, 31) + byte!) | 0;
        } while (PLAIN[byte!] === 1);
        const plain = byte === QUOTE;
        if (!plain) at = skipString(body, start - 1) - 1;
        isType = this.name(depth, start, at, hash, !plain) && depth === 1;
        at += 1;
        while (SPACE[body[at]!] === 1) at += 1;
        if (body[at] !== COLON) throw unexpected(this.body, '":"', at);
        at += 1;
        while (SPACE[body[at]!] === 1) at += 1;
        byte = body[at];
      } else names.next(depth);
      if (isType) type = this.eventType(at);
      if (byte === QUOTE) {
        const start = at;
        do at += 1;
        while (PLAIN[body[at]!] === 1);
        if (body[at] === QUOTE) at += 1;
        else at = skipString(body, start);
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        at += 1;
        depth += 1;
        inObject = byte === OPEN_OBJECT;
        names.open(depth, inObject);
        if (depth > MAX_DEPTH && !deep) {
          deep = true;
          this.fault("invalid_event", "", `The event is nested deeper than ${MAX_DEPTH} levels.`);
        }
      } else at = skipScalar(body, at);
    }
    this.at = at;
    return type;
  }

  /** Takes note of a member's name, at these offsets between its quotes. Answers whether it is `event_type`. */
  private name(depth: number, start: number, end: number, hash: number, escaped: boolean): boolean {
    const { names } = this;
    if (names.add(depth, start, end, hash, escaped)) {
      const message = `The member name ${this.shown(start, end)} is repeated.`;
      this.fault("invalid_json", names.pointer(depth), message, start - 1);
    }
    if (escaped) return names.text(start, end, true) === "event_type";
    return end - start === EVENT_TYPE.length && EVENT_TYPE.compare(this.body, start, end) === 0;
  }

  /** Reads the value of `event_type`, which begins at `start`. */
  private eventType(start: number): string | null {
    if (this.body[start] !== QUOTE) {
      // A null counts as an absent `event_type`: so it is shown of an event that has none.
      if (this.body[start] !== LETTER_N) {
        this.fault("invalid_event", "/event_type", "`event_type` must be a string.");
      }
      return null;
    }
    const type = JSON.parse(this.body.toString("utf8", start, skipString(this.body, start))) as string;
    // A text of at most 256 UTF-16 units has at most 256 characters; only a longer one needs counting.
    const long =
      type.length > MAX_EVENT_TYPE && (type.length > 2 * MAX_EVENT_TYPE || [...type].length > MAX_EVENT_TYPE);
    if (type === "" || long) {
      this.fault("invalid_event", "/event_type", `\`event_type\` must have 1 to ${MAX_EVENT_TYPE} characters.`);
      return null;
    }
    if (!type.isWellFormed()) {
      this.fault("invalid_event", "/event_type", "`event_type` must not hold a lone surrogate.");
      return null;
    }
    return type;
  }

  private space(): void {
    while (SPACE[this.body[this.at]!] === 1) this.at += 1;
  }

  /** A member name for a message: at most 64 characters, escapes as sent. */
  private shown(start: number, end: number): string {
    const text = this.body.toString("utf8", start, Math.min(end, start + 64));
    return end - start > 64 ? `"${text}…"` : `"${text}"`;
  }

  private fault(code: "invalid_event" | "invalid_json", path: string, message: string, at?: number): void {
    if (this.faults.length >= MAX_FAULTS) return;
    const where = at === undefined ? {} : positionAt(this.body, at);
    this.faults.push({ ...(this.array ? { index: this.count } : {}), path, code, message, ...where });
  }
}

// The tokens of JSON (RFC 8259): each function answers where the token ends.

/** @returns the offset after the string whose quote is at `start` */
function skipString(body: Buffer, start: number): number {
  let at = start + 1;
  for (;;) {
    while (PLAIN[body[at]!] === 1) at += 1;
    const byte = body[at];
    if (byte === QUOTE) return at + 1;
    if (byte === undefined) throw new Malformed("the text ends inside a string", at);
    if (byte !== BACKSLASH) throw new Malformed(`a string must not hold ${describeByte(byte)} unescaped`, at);
    at = skipEscape(body, at);
  }
}

/** @returns the offset after the escape that begins at `at` */
function skipEscape(body: Buffer, at: number): number {
  const byte = body[at + 1];
  if (byte === undefined) throw new Malformed("the text ends inside a string", at + 1);
  if (ESCAPED[byte] === 1) return at + 2;
  if (byte !== 0x75) throw new Malformed(`there is no escape of ${describeByte(byte)}`, at + 1);
  for (let i = at + 2; i < at + 6; i += 1) {
    if (HEX[body[i]!] === 1) continue;
    if (i >= body.length) throw new Malformed("the text ends inside a string", i);
    throw new Malformed(`expected a hexadecimal digit, found ${describeByte(body[i]!)}`, i);
  }
  return at + 6;
}

/** @returns the offset after the string, number, `true`, `false` or `null` at `start` */
function skipScalar(body: Buffer, start: number): number {
  const byte = body[start];
  if (byte === QUOTE) return skipString(body, start);
  if (byte === 0x2d || DIGIT[byte!] === 1) return skipNumber(body, start);
  const word = LITERALS.get(byte!);
  if (word === undefined) throw unexpected(body, "a value", start);
  for (let i = 0; i < word.length; i += 1) {
    if (body[start + i] !== word.charCodeAt(i)) throw unexpected(body, `"${word}"`, start + i);
  }
  return start + word.length;
}

function skipNumber(body: Buffer, start: number): number {
  let at = body[start] === 0x2d ? start + 1 : start;
  at = body[at] === 0x30 ? at + 1 : skipDigits(body, at);
  if (body[at] === 0x2e) at = skipDigits(body, at + 1);
  if (body[at] === 0x65 || body[at] === 0x45) {
    at += 1;
    if (body[at] === 0x2b || body[at] === 0x2d) at += 1;
    at = skipDigits(body, at);
  }
  return at;
}

function skipDigits(body: Buffer, start: number): number {
  let at = start;
  while (DIGIT[body[at]!] === 1) at += 1;
  if (at === start) throw unexpected(body, "a digit", at);
  return at;
}

/** What to throw where something else should stand. */
function unexpected(body: Buffer, expected: string, at: number): Malformed {
  const byte = body[at];
  return byte === undefined
    ? new Malformed(`the text ends where ${expected} should be`, at)
    : new Malformed(`expected ${expected}, found ${describeByte(byte)}`, at);
}

function positionAt(body: Uint8Array, byte: number): Position {
  let line = 1;
  let column = 1;
  for (let i = 0; i < byte; i += 1) {
    if (body[i] === 0x0a) {
      line += 1;
      column = 1;
    } else if ((body[i]! & 0xc0) !== 0x80) column += 1; // continuation bytes are part of the character before
  }
  return { line, column, byte };
}

/** Offset of the first byte that begins no UTF-8 character. @param body text that is not UTF-8 */
export function firstInvalidUtf8(body: Uint8Array): number {
  // Every prefix that ends before the fault is UTF-8, but for a character cut in half: halve until three bytes are left.
  let good = 0;
  let bad = body.length;
  while (bad - good > 4) {
    let middle = (good + bad) >> 1;
    while (middle > good && (body[middle]! & 0xc0) === 0x80) middle -= 1;
    if (middle === good) break;
    if (isUtf8(body.subarray(good, middle))) good = middle;
    else bad = middle;
  }
  while (good < bad) {
    let length = 1;
    while (length <= 4 && !isUtf8(body.subarray(good, good + length))) length += 1;
    if (length > 4) return good;
    good += length;
  }
  return good;
}

/** A byte for a message, harmless in any log: `"x"` when printable ASCII, else its number. */
const describeByte = (byte: number): string =>
  byte > 0x20 && byte < 0x7f
    ? JSON.stringify(String.fromCharCode(byte))
    : `byte 0x${byte.toString(16).padStart(2, "0")}`;
