import type { Body } from "../../domain/codec/index.ts";
import { type BatchItem, encodeHeads } from "./batchItem.ts";

/**
 * What one item holds of a request. DynamoDB takes 400 KB; a thousand long types, or a thousand events that each match other
 * subscriptions, exceed this. Then the item holds the first of them, and the packed events lie beside it.
 */
type Heads = Pick<BatchItem, "count" | "types" | "matched">;

/** The 400 KB less what names, times, and later the offsets of deleted events take. */
const MOST_BYTES = 409_600 - 20_000;
const LONGEST_ESCAPE = 6;
const LONGEST_OFFSET = 4;

/** Quickly: enough for all but a few requests. */
const bytesAtMost = ({ types, matched }: Heads): number =>
  types.reduce((sum, type) => sum + LONGEST_ESCAPE * ((type ?? "").length + 1), 0) +
  Object.values(matched).reduce((sum, offsets) => sum + 40 + (LONGEST_OFFSET + 1) * offsets.length, 0);

const bytesOf = (heads: Heads): number =>
  Object.values(encodeHeads(heads)).reduce((sum, { S = "" }) => sum + Buffer.byteLength(S), 0);

/** What is known of the first events alone. */
export function firstOf(heads: Heads, count: number): Heads {
  if (count === heads.count) return heads;
  const matched = Object.entries(heads.matched)
    .map(([id, offsets]) => [id, offsets.filter((offset) => offset < count)] as const)
    .filter(([, offsets]) => offsets.length > 0);
  return { count, types: heads.types.slice(0, count), matched: Object.fromEntries(matched) };
}

/** As many of the events, from the first, as one item has room for; one at least. */
export function fitting(heads: Heads): number {
  if (heads.count === 1 || bytesAtMost(heads) <= MOST_BYTES || bytesOf(heads) <= MOST_BYTES) return heads.count;
  let [fits, exceeds] = [1, heads.count];
  while (exceeds - fits > 1) {
    const middle = Math.floor((fits + exceeds) / 2);
    if (bytesOf(firstOf(heads, middle)) <= MOST_BYTES) fits = middle;
    else exceeds = middle;
  }
  return fits;
}

/** Whether an item has room for a body beside the rest. */
export const hasRoom = (heads: Heads, body: Body): boolean =>
  !("inline" in body) ||
  body.inline.length + bytesAtMost(heads) <= MOST_BYTES ||
  body.inline.length + bytesOf(heads) <= MOST_BYTES;
