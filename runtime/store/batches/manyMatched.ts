import { createHash } from "node:crypto";
import { getItems, type Table } from "../../aws/tables.ts";
import { corrupt, countOf, type Item, J, N, S, sOf } from "../../domain/codec/fields.ts";
import { DAY_SECONDS } from "../../domain/time.ts";
import { keyText, matchedKey } from "../keys.ts";
import type { Reading } from "../readable.ts";
import { type BatchItem, decodeBatch, decodeMatched, encodeBatch } from "./batchItem.ts";

/**
 * Where one event matches more subscriptions than its item has room for, their ids are in items of their own beside it.
 *
 * Invariant: a batch that names such items finds them. They are put before it, under a name made of what is in them, so that
 * another decision about the same request writes over none of them; they are removed after it.
 */

const WHAT = "batch item";
/** DynamoDB takes 400 KB; the keys and the expiry need little of it. About 11,000 ids. */
const PART_BYTES = 380_000;
/** They outlive their batch, which may be read until DynamoDB has removed it: mostly within two days of its expiry. */
const LONGER_SECONDS = 14 * DAY_SECONDS;

/** A batch as the table has it: the items beside it are put first. */
export interface BatchItems {
  readonly item: Item;
  readonly beside: readonly Item[];
}

export function itemsOf(batch: BatchItem): BatchItems {
  const item = encodeBatch(batch);
  const text = sOf(item, "matched", WHAT);
  if (Buffer.byteLength(text) <= PART_BYTES) return { item, beside: [] };
  const name = createHash("sha256").update(text).digest("base64url").slice(0, 16);
  const beside = intoParts(JSON.parse(text) as unknown[]).map((part, n) => ({
    ...matchedKey(batch.tenant, batch.first, name, n),
    matched: S(part),
    expires_at: N(batch.expiry + LONGER_SECONDS),
  }));
  return { item: { ...item, matched: J([]), matched_in: S(name), matched_parts: N(beside.length) }, beside };
}

/** The pairs of ids and offsets as JSON arrays that each fit an item. */
function intoParts(pairs: readonly unknown[]): string[] {
  const parts: string[][] = [];
  let size = 0;
  for (const text of pairs.map((pair) => JSON.stringify(pair))) {
    const length = Buffer.byteLength(text) + 1;
    if (parts.length === 0 || size + length > PART_BYTES) {
      parts.push([]);
      size = 2;
    }
    parts.at(-1)!.push(text);
    size += length;
  }
  return parts.map((texts) => `[${texts.join(",")}]`);
}

/** Where the items beside this one are. */
export const keysBeside = (item: Item): Item[] => {
  const name = item.matched_in?.S;
  if (name === undefined) return [];
  const { tenant, first } = decodeBatch(item);
  return Array.from({ length: countOf(item, "matched_parts", WHAT) }, (_, n) => matchedKey(tenant, first, name, n));
};

/** The batch of an item and of those beside it. @param items by `keyText`, what was read @throws CodecError */
export function decodeWhole(item: Item, items: ReadonlyMap<string, Item>): BatchItem {
  const batch = decodeBatch(item);
  const keys = keysBeside(item);
  if (keys.length === 0) return batch;
  const parts = keys.map((key) => {
    const part = items.get(keyText(key));
    if (part === undefined) throw corrupt(WHAT, "matched_in");
    return decodeMatched(part, batch.count);
  });
  return { ...batch, matched: Object.assign({}, ...parts) };
}

/**
 * The batches of these items, each with all that matches, in the same order.
 * @param read leaves those out that can't be read, or fails
 */
export async function readBatches(events: Table, items: readonly Item[], read: Reading): Promise<BatchItem[]> {
  const readable = read(items, (item) => ({ item, keys: keysBeside(item) }));
  const keys = readable.flatMap((each) => each.keys);
  // What was put just before the batch may be seen after it.
  const parts = keys.length === 0 ? [] : await getItems(events, keys, "strong");
  const found = new Map(parts.map((part) => [keyText(part), part]));
  return read(
    readable.map(({ item }) => item),
    (item) => decodeWhole(item, found),
  );
}
