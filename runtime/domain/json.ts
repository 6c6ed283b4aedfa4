import { randomBytes } from "node:crypto";

/**
 * What stands for the number that is in a JSON text from `start` to `end`; undefined for what `JSON.parse` makes of it.
 * @param exponent whether it has one
 */
export type NumberOf = (text: string, start: number, end: number, exponent: boolean) => object | undefined;

/**
 * Reads JSON whose names somebody else chose. `JSON.parse` of V8 12.8 and later can read a name with an escape as another one: after
 * `{"a":1,"\\":2}`, the second name of `{"a":1,"\"":2}` is a backslash (nodejs/node#63785). What one customer sent would then decide
 * how an event of another one is read (docs/decisions/json.md). So names with escapes are taken out of the text before, each
 * read by itself, and put back.
 * @param numberOf what stands for numbers in place of doubles
 * @throws SyntaxError
 */
export function readJson(text: string, numberOf?: NumberOf): unknown {
  const found = replacedIn(text, numberOf);
  if (found.length === 0) return JSON.parse(text);
  const pieces: string[] = [];
  // Each name once: objects with the same names are quicker to read than as many with names of their own.
  const places = new Map<string, number>();
  const numbers: object[] = [];
  let from = 0;
  for (const { start, end, value } of found) {
    const written = text.slice(start, end);
    const place = value === undefined ? (places.get(written) ?? places.size) : numbers.push(value) - 1;
    if (value === undefined) places.set(written, place);
    pieces.push(text.slice(from, start), `"${MARK}${place}"`);
    from = end;
  }
  const names = JSON.parse(`[${[...places.keys()].join(",")}]`) as string[];
  const held = { value: JSON.parse(pieces.join("") + text.slice(from)) as unknown };
  const left: object[] = [held];
  for (let each = left.pop(); each !== undefined; each = left.pop()) {
    for (const key of Object.keys(each)) {
      const value = (each as Record<string, unknown>)[key];
      if (typeof value === "object" && value !== null) {
        const named = names.length === 0 || Array.isArray(value) ? value : withNames(value, names);
        if (named !== value) define(each, key, named);
        left.push(named);
      } else if (typeof value === "string" && value.startsWith(MARK)) define(each, key, numbers[placeIn(value)]);
    }
  }
  return held.value;
}

const placeIn = (marked: string): number => Number(marked.slice(MARK.length));

/** An object with its names in place of their marks; the same one where none has a mark. */
function withNames(object: object, names: readonly string[]): object {
  const members = Object.entries(object);
  if (!members.some(([name]) => name.startsWith(MARK))) return object;
  const named = {};
  for (const [name, value] of members) define(named, name.startsWith(MARK) ? names[placeIn(name)]! : name, value);
  return named;
}

/** Sets a member. Plain assignment under the name `__proto__` would give the object another prototype. */
function define(object: object, name: string, value: unknown): void {
  if (name !== "__proto__") (object as Record<string, unknown>)[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

/** What a replaced part begins with: drawn at start, so that no text can hold it. */
const MARK = `=${randomBytes(12).toString("base64url")}=`;

/** A part of a JSON text that `JSON.parse` is not given: a name with an escape, or a number. */
interface Found {
  readonly start: number;
  readonly end: number;
  /** What stands for the number; undefined for a name, which is read later. */
  readonly value: object | undefined;
}
const NONE: readonly Found[] = [];

function replacedIn(text: string, numberOf: NumberOf | undefined): readonly Found[] {
  let backslash = text.indexOf("\\");
  if (backslash === -1 && numberOf === undefined) return NONE;
  let found: Found[] | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const start = at;
      at = endOfString(text, start);
      if (backslash === -1) continue;
      if (backslash < start) backslash = text.indexOf("\\", start);
      if (backslash === -1 || backslash > at || !isName(text, at)) continue;
      found ??= [];
      found.push({ start, end: at + 1, value: undefined });
      continue;
    }
    if (numberOf === undefined || code < ZERO || code > NINE) continue;
    const first = at;
    let exponent = false;
    for (at += 1; at < text.length; at += 1) {
      const next = text.charCodeAt(at);
      if ((next | 0x20) === LETTER_E) exponent = true;
      else if ((next < ZERO || next > NINE) && next !== DOT && next !== PLUS && next !== MINUS) break;
    }
    const start = text.charCodeAt(first - 1) === MINUS ? first - 1 : first;
    const value = numberOf(text, start, at, exponent);
    // A number where a name should be is left for `JSON.parse` to refuse.
    if (value !== undefined && !isName(text, at - 1)) {
      found ??= [];
      found.push({ start, end: at, value });
    }
    // What ended the number may begin a string, where it is no JSON.
    at -= 1;
  }
  return found ?? NONE;
}
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
const DOT = 0x2e;
const PLUS = 0x2b;
const MINUS = 0x2d;
const LETTER_E = 0x65;

/** Whether a string, whose last quote is at `end`, is a member's name: a colon follows, perhaps after white space. */
function isName(text: string, end: number): boolean {
  let at = end + 1;
  while (text.charCodeAt(at) <= SPACE) at += 1;
  return text.charCodeAt(at) === COLON;
}

/** Where the quote is that closes the string whose quote is at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((at - before) % 2 === 1) return at;
  }
  return text.length;
}
