import { readJson } from "../../domain/json.ts";

/**
 * The text as a search compares it, in any case: Unicode's full case folding but for marks that are none of their
 * own, so `STRASSE` finds `straße`, and `ΟΔΟΣ` finds `οδος`. Accents count.
 */
export function foldCase(text: string): string {
  const lower = text.toLowerCase();
  // Most texts are ASCII, whose capitals and small letters are pairs.
  return BEYOND_ASCII.test(lower) ? lower.toUpperCase().toLowerCase().replaceAll("ς", "σ") : lower;
}
const BEYOND_ASCII = /[^\0-\x7f]/;

/**
 * Whether the text is in the payload as written, or in one of its strings or names once their escapes are read.
 * @param folded by `foldCase`
 */
export function containsText(raw: Buffer, folded: string): boolean {
  const text = raw.toString("utf8");
  if (foldCase(text).includes(folded)) return true;
  return text.includes("\\") && anyString(readJson(text), (value) => foldCase(value).includes(folded));
}

function anyString(value: unknown, test: (text: string) => boolean): boolean {
  if (typeof value === "string") return test(value);
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([name, member]) => test(name) || anyString(member, test));
}
