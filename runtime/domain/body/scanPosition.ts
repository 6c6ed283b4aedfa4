import { isUtf8 } from "node:buffer";

/** A place in a text: line and column from 1, the column in characters; byte from 0. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly byte: number;
}

export function positionAt(body: Uint8Array, byte: number): Position {
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
export const describeByte = (byte: number): string =>
  byte > 0x20 && byte < 0x7f
    ? JSON.stringify(String.fromCharCode(byte))
    : `byte 0x${byte.toString(16).padStart(2, "0")}`;
