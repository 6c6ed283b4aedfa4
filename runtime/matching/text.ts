import { LongNumber } from "../domain/jsonNumber.ts";
import type { Frame } from "./frame.ts";

/** Characters (Unicode code points) in a string, as RFC 9535's `length()` and CEL's `size()` count them. */
export function characters(text: string, frame: Frame): number {
  frame.fuel -= text.length >> 5;
  if (frame.fuel < 0) return 0;
  let count = text.length;
  for (let i = 0; i + 1 < text.length; i += 1) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      count -= 1;
      i += 1;
    }
  }
  return count;
}

/** Orders strings by code point, where JavaScript's `<` orders UTF-16 units. */
export function compareText(a: string, b: string, frame: Frame): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i += 1) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    frame.fuel -= i >> 5;
    // Surrogates stand for code points above every other unit, 0xE000 to 0xFFFF included.
    if (x >= 0xd800) x += x >= 0xe000 ? 0 : 0x10000;
    if (y >= 0xd800) y += y >= 0xe000 ? 0 : 0x10000;
    return x - y;
  }
  frame.fuel -= shorter >> 5;
  return a.length - b.length;
}

/**
 * Whether `text` holds `part`. V8's search takes up to 5 ns a character with a short needle, and time in the product of
 * both lengths with a hostile long one: both are paid for before it starts.
 */
export function holds(text: string, part: string, frame: Frame): boolean {
  frame.fuel -= searchCost(text.length, part.length);
  return frame.fuel >= 0 && text.includes(part);
}

export const searchCost = (text: number, part: number): number =>
  part > text ? 0 : Math.ceil(Math.max(text / 10, (text * part) / 400));

/** A value as an explanation shows it: JSON, cut where it gets long. */
export function show(value: unknown): string {
  if (typeof value === "string" && value.length > 100) return `${JSON.stringify(value.slice(0, 100))}…`;
  if (value instanceof LongNumber) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return JSON.stringify(value) ?? "nothing";
}
