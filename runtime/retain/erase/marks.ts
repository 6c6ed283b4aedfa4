import { DeleteItemCommand, GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { BatchItem } from "../../domain/codec/index.ts";
import { markKey, textsOf, timesOf } from "../../store/acknowledged.ts";
import type { Store } from "../../store/table.ts";

const TRIES = 8;

/**
 * Takes the marks of erased events away, and the item with the last of them.
 * @throws Error when marks kept being added
 */
export async function removeMarks(store: Store, batch: BatchItem, offsets: readonly number[]): Promise<void> {
  const at = { TableName: store.eventsTable, Key: markKey(batch.tenant, batch.first) };
  for (let tried = 1; ; tried += 1) {
    const { Item } = await store.dynamodb.send(new GetItemCommand({ ...at, ConsistentRead: true }));
    const old = Item?.marks;
    if (old?.SS === undefined) return;
    const times = timesOf(old.SS);
    if (offsets.filter((offset) => times.delete(offset)).length === 0) return;
    const unchanged = { ...at, ConditionExpression: "marks = :old" };
    const left = textsOf(times);
    try {
      await (left.length === 0
        ? store.dynamodb.send(new DeleteItemCommand({ ...unchanged, ExpressionAttributeValues: { ":old": old } }))
        : store.dynamodb.send(
            new UpdateItemCommand({
              ...unchanged,
              UpdateExpression: "SET marks = :left",
              ExpressionAttributeValues: { ":old": old, ":left": { SS: left } },
            }),
          ));
      return;
    } catch (error) {
      if ((error as Error).name !== "ConditionalCheckFailedException" || tried === TRIES) throw error;
    }
  }
}
