import { isUtf8 } from "node:buffer";
import type { ErrorDetail } from "./errors.ts";
import { MAX_EVENTS_PER_REQUEST } from "./ids.ts";
import { MAX_DEPTH, NameSet } from "./scanNames.ts";
import { describeByte, firstInvalidUtf8, type Position, positionAt } from "./scanPosition.ts";

/**
 * One pass over the bytes of a `POST /events` body: a strict RFC 8259 reader that builds no values. It finds where each
 * event begins and ends, its `event_type`, and everything API.md forbids: bad syntax, repeated names, deep nesting.
 *
 * Invariants, each held by tests/runtime/domain/scan.test.ts: it accepts exactly the texts that `JSON.parse` accepts
 * (less repeated names); an event's slice is its bytes as sent; work and memory are linear in the body, whatever it
 * holds, for nothing recurses and no name is compared with all the others. docs/decisions/json-scanner.md says why it
 * is ours. Lone surrogates in escapes are text like any other and stay as sent; only an event type may not hold one.
 */

/** A request's answer names at most this many faults. */
export const MAX_FAULTS = 100;
export const MAX_EVENT_TYPE = 256;

export interface ScannedEvent {
  /** Offsets of the event in the body. */
  readonly start: number;
  readonly end: number;
  readonly type: string | null;
}

export type Scan =
  /** Not JSON (or not UTF-8): nothing more is known of the body. */
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
const ESCAPED = new Set([...'"\\/bfnrt'].map((c) => c.charCodeAt(0)));
const LITERALS = new Map(["true", "false", "null"].map((word) => [word.charCodeAt(0), Buffer.from(word)]));
const EVENT_TYPE = Buffer.from("event_type");

class Malformed extends Error {
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
  }
}

class Scanner {
  private readonly body: Buffer;
  private readonly events: ScannedEvent[] = [];
  private readonly faults: ErrorDetail[] = [];
  private readonly names: NameSet;
  private count = 0;
  private array = false;
  private at: number;
  /** Set by `string()`: whether the string it passed holds an escape. */
  private escaped = false;

  constructor(body: Buffer) {
    this.body = body;
    this.names = new NameSet(body);
    this.at = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  }

  run(): Scan {
    this.space();
    this.array = this.body[this.at] === OPEN_ARRAY;
    if (this.array) this.list();
    else this.element();
    this.space();
    if (this.at < this.body.length) throw this.unexpected("the end of the text");
    return { kind: "scanned", array: this.array, count: this.count, events: this.events, faults: this.faults };
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
      if (byte !== COMMA && byte !== CLOSE_ARRAY) throw this.unexpected('"," or "]"');
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
    else this.scalar();
    this.fault("invalid_event", "", `An event must be a JSON object; this is ${kind}.`);
    return null;
  }

  /** Passes over an object or array with all that is in it; answers the `event_type` of an object. */
  private nested(): string | null {
    const { body, names } = this;
    let type: string | null = null;
    let deep = false;
    let depth = this.open(0);
    while (depth > 0) {
      const inObject = names.inObject(depth);
      this.space();
      let byte = body[this.at];
      // What may stand here depends on whether a value has just ended.
      if (names.begun(depth)) {
        if (byte === (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
          this.at += 1;
          names.close(depth);
          depth -= 1;
          continue;
        }
        if (byte !== COMMA) throw this.unexpected(inObject ? '"," or "}"' : '"," or "]"');
        this.at += 1;
        this.space();
        byte = body[this.at];
      } else if (byte === (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
        this.at += 1;
        names.close(depth);
        depth -= 1;
        continue;
      }
      let isType = false;
      if (inObject) {
        isType = this.name(depth) && depth === 1;
        this.space();
        byte = body[this.at];
      } else names.next(depth);
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (isType) type = this.eventType();
        depth = this.open(depth);
        if (depth > MAX_DEPTH && !deep) {
          deep = true;
          this.fault("invalid_event", "", `The event is nested deeper than ${MAX_DEPTH} levels.`);
        }
      } else if (isType) {
        type = this.eventType();
        this.scalar();
      } else if (byte === QUOTE) this.string();
      else this.scalar();
    }
    return type;
  }

  private open(depth: number): number {
    this.names.open(depth + 1, this.body[this.at] === OPEN_OBJECT);
    this.at += 1;
    return depth + 1;
  }

  /** Passes over a member's name and colon. Answers whether it is `event_type`. */
  private name(depth: number): boolean {
    const { body, names } = this;
    const start = this.at + 1;
    if (body[this.at] !== QUOTE) throw this.unexpected('a member name in quotes, or "}"');
    this.string();
    const end = this.at - 1;
    const repeated = names.add(depth, start, end, this.escaped);
    if (repeated) {
      this.fault(
        "invalid_json",
        names.pointer(depth),
        `The member name ${this.shown(start, end)} is repeated.`,
        start - 1,
      );
    }
    const isType = this.escaped
      ? names.text(start, end, true) === "event_type"
      : end - start === EVENT_TYPE.length && EVENT_TYPE.compare(body, start, end) === 0;
    this.space();
    if (body[this.at] !== COLON) throw this.unexpected('":"');
    this.at += 1;
    return isType;
  }

  /** Reads the value of `event_type` at the cursor, which does not move. */
  private eventType(): string | null {
    if (this.body[this.at] !== QUOTE) {
      this.fault("invalid_event", "/event_type", "`event_type` must be a string.");
      return null;
    }
    const back = this.at;
    this.string();
    const type = this.names.text(back + 1, this.at - 1, this.escaped);
    this.at = back;
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
    const { body } = this;
    let { at } = this;
    while (SPACE[body[at]!] === 1) at += 1;
    this.at = at;
  }

  private string(): void {
    const { body } = this;
    let at = this.at + 1;
    this.escaped = false;
    for (;;) {
      while (PLAIN[body[at]!] === 1) at += 1;
      const byte = body[at];
      if (byte === QUOTE) break;
      if (byte === undefined) throw new Malformed("the text ends inside a string", at);
      if (byte !== BACKSLASH) {
        throw new Malformed(`a string must not hold ${describeByte(byte)} unescaped`, at);
      }
      this.escaped = true;
      at = this.escape(at);
    }
    this.at = at + 1;
  }

  /** @returns the offset after the escape that begins at `at` */
  private escape(at: number): number {
    const { body } = this;
    const byte = body[at + 1];
    if (byte === undefined) throw new Malformed("the text ends inside a string", at + 1);
    if (ESCAPED.has(byte)) return at + 2;
    if (byte !== 0x75) throw new Malformed(`there is no escape of ${describeByte(byte)}`, at + 1);
    for (let i = at + 2; i < at + 6; i += 1) {
      if (HEX[body[i]!] === 1) continue;
      if (i >= body.length) throw new Malformed("the text ends inside a string", i);
      throw new Malformed(`expected a hexadecimal digit, found ${describeByte(body[i]!)}`, i);
    }
    return at + 6;
  }

  /** Passes over a string, number, `true`, `false` or `null`. */
  private scalar(): void {
    const byte = this.body[this.at];
    if (byte === QUOTE) this.string();
    else if (byte === 0x2d || DIGIT[byte!] === 1) this.number();
    else this.literal(byte);
  }

  private literal(byte: number | undefined): void {
    const { body } = this;
    const word = LITERALS.get(byte!);
    if (word === undefined) throw this.unexpected("a value");
    for (const expected of word) {
      if (body[this.at] !== expected) throw this.unexpected(`"${word}"`);
      this.at += 1;
    }
  }

  private number(): void {
    const { body } = this;
    if (body[this.at] === 0x2d) this.at += 1;
    if (body[this.at] === 0x30) this.at += 1;
    else this.digits();
    if (body[this.at] === 0x2e) {
      this.at += 1;
      this.digits();
    }
    if (body[this.at] === 0x65 || body[this.at] === 0x45) {
      this.at += 1;
      if (body[this.at] === 0x2b || body[this.at] === 0x2d) this.at += 1;
      this.digits();
    }
  }

  private digits(): void {
    const start = this.at;
    while (DIGIT[this.body[this.at]!] === 1) this.at += 1;
    if (this.at === start) throw this.unexpected("a digit");
  }

  private unexpected(expected: string): Malformed {
    const byte = this.body[this.at];
    return byte === undefined
      ? new Malformed(`the text ends where ${expected} should be`, this.at)
      : new Malformed(`expected ${expected}, found ${describeByte(byte)}`, this.at);
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
