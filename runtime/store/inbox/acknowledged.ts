import { getItems, updateItem } from "../../aws/tables.ts";
import type { Item } from "../../domain/codec/fields.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Millis } from "../../domain/time.ts";
import type { BatchItem } from "../batches/batchItem.ts";
import { firstIn, markKey } from "../keys.ts";
import type { Store } from "../table.ts";

/**
 * Marks of acknowledgement: an item `a#<first ULID>` beside the batch, so that a mark costs one write unit for a batch of
 * any size (docs/decisions/acknowledgements.md). Its set `marks` has a text for each acknowledgement, `<milliseconds in base
 * 36>:<offsets>`, as in `m8x2k0qa:0-2,5`. Texts are only added, so callers at the same time never undo each other; of an event
 * with several marks the earliest counts. Batches of old have marks in their own item, which count as well.
 */

/** @param offsets distinct and ascending */
function markText(at: Millis, offsets: readonly number[]): string {
  const runs: [from: number, to: number][] = [];
  for (const offset of offsets) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === offset - 1) run[1] = offset;
    else runs.push([offset, offset]);
  }
  return `${at.toString(36)}:${runs.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(",")}`;
}

/** Milliseconds by offset. */
export function timesOf(texts: readonly string[]): Map<number, number> {
  const times = new Map<number, number>();
  for (const text of texts) {
    const [time = "", runs = ""] = text.split(":");
    const at = Number.parseInt(time, 36);
    for (const run of runs.split(",")) {
      const [from = 0, to = from] = run.split("-").map(Number);
      for (let offset = from; offset <= to; offset += 1) times.set(offset, Math.min(at, times.get(offset) ?? at));
    }
  }
  return times;
}

/** What gives these times again. */
export const textsOf = (times: ReadonlyMap<number, number>): string[] =>
  [...Map.groupBy(times.keys(), (offset) => times.get(offset)!)].map(([at, offsets]) =>
    markText(
      at,
      offsets.toSorted((a, b) => a - b),
    ),
  );

/** The batch with the marks of this item, the one beside it, added to its own. */
export function withMarks(batch: BatchItem, marks: Item | undefined): BatchItem {
  if (marks === undefined) return batch;
  const acknowledged: Record<number, number> = { ...batch.acknowledged };
  for (const [offset, at] of timesOf(marks.marks?.SS ?? []))
    acknowledged[offset] = Math.min(at, acknowledged[offset] ?? at);
  return { ...batch, acknowledged };
}

/** The items of marks beside these batches, by first ULID. */
export async function marksBeside(
  store: Store,
  tenant: Tenant,
  firsts: readonly string[],
): Promise<ReadonlyMap<string, Item>> {
  const keys = firsts.map((first) => markKey(tenant, first));
  return new Map((await getItems(store.events, keys, "eventual")).map((item) => [firstIn(item.sk!.S!), item]));
}

/** Adds a mark, which expires with its batch. @param offsets distinct, at least one; @param at milliseconds */
export async function addMark(store: Store, batch: BatchItem, offsets: readonly number[], at: Millis): Promise<void> {
  const ascending = offsets.toSorted((a, b) => a - b);
  await updateItem(store.events, markKey(batch.tenant, batch.first), {
    UpdateExpression: "SET expires_at = :expires ADD marks :marks",
    ExpressionAttributeValues: {
      ":expires": { N: String(batch.expiry) },
      ":marks": { SS: [markText(at, ascending)] },
    },
  });
}
