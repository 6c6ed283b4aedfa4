import { describeByte } from "./scanPosition.ts";

/** The tokens of JSON (RFC 8259), as the scanner passes over them: each function answers where the token ends. */

export class Malformed extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** 1: plain inside a string. 0: a quote, a backslash or a control character. */
export const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === BACKSLASH ? 0 : 1,
);
export const SPACE = Uint8Array.from({ length: 256 }, (_, byte) => ([0x20, 0x0a, 0x0d, 0x09].includes(byte) ? 1 : 0));
const DIGIT = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x30 && byte <= 0x39 ? 1 : 0));
const HEX = Uint8Array.from({ length: 256 }, (_, byte) => (/^[0-9A-Fa-f]$/.test(String.fromCharCode(byte)) ? 1 : 0));
const ESCAPED = Uint8Array.from({ length: 256 }, (_, byte) =>
  '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0,
);
const LITERALS = new Map(["true", "false", "null"].map((word) => [word.charCodeAt(0), word]));

/** @returns the offset after the string whose quote is at `start` */
export function skipString(body: Buffer, start: number): number {
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
export function skipScalar(body: Buffer, start: number): number {
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
export function unexpected(body: Buffer, expected: string, at: number): Malformed {
  const byte = body[at];
  return byte === undefined
    ? new Malformed(`the text ends where ${expected} should be`, at)
    : new Malformed(`expected ${expected}, found ${describeByte(byte)}`, at);
}
