import { deleteItem, getItem, updateItem } from "../../aws/tables.ts";
import type { BatchItem } from "../batches/batchItem.ts";
import { textsOf, timesOf } from "../inbox/acknowledged.ts";
import { markKey } from "../keys.ts";
import type { Store } from "../table.ts";

const TRIES = 8;

/**
 * Takes the marks of erased events away, and the item with the last of them.
 * @throws Error when marks kept being added
 */
export async function removeMarks({ events }: Store, batch: BatchItem, offsets: readonly number[]): Promise<void> {
  const key = markKey(batch.tenant, batch.first);
  for (let tried = 1; ; tried += 1) {
    const old = (await getItem(events, key, "strong"))?.marks;
    if (old?.SS === undefined) return;
    const times = timesOf(old.SS);
    if (offsets.filter((offset) => times.delete(offset)).length === 0) return;
    const left = textsOf(times);
    const ConditionExpression = "marks = :old";
    const ExpressionAttributeValues = { ":old": old };
    const done =
      left.length === 0
        ? await deleteItem(events, key, { ConditionExpression, ExpressionAttributeValues })
        : await updateItem(events, key, {
            UpdateExpression: "SET marks = :left",
            ConditionExpression,
            ExpressionAttributeValues: { ...ExpressionAttributeValues, ":left": { SS: left } },
          });
    if (done !== undefined) return;
    if (tried === TRIES) throw new Error(`the marks of ${batch.first} kept changing`);
  }
}
