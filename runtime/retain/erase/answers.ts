import { GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import {
  type Attempt,
  type BatchItem,
  type DeliveryItem,
  decodeDeliveryItem,
  deliverySortKey,
  encodeDeliveryItem,
  partitionOf,
} from "../../domain/codec/index.ts";
import { deliveriesOf } from "../../store/deliveries.ts";
import { mapConcurrently, type Store } from "../../store/table.ts";

/**
 * Subscribers' answers may repeat what they were sent. Those to posts that carried an erased event are taken off every
 * delivery that keeps them, which may be one of another batch: deliveries share posts.
 */
const TRIES = 8;

type Name = Pick<DeliveryItem, "tenant" | "first" | "subscription_id" | "replay_id">;

const keyOf = ({ tenant, first, subscription_id, replay_id }: Name) => ({
  pk: { S: partitionOf(tenant, first) },
  sk: { S: deliverySortKey(first, subscription_id, replay_id) },
});

const withoutAnswer = ({ response_excerpt: _, ...attempt }: Attempt): Attempt => attempt;

/** Strips the deliveries that carried erased events; those with nothing left wait no longer. @returns how many were changed */
export async function stripDeliveries(store: Store, batch: BatchItem, offsets: readonly number[]): Promise<number> {
  const items = (await deliveriesOf(store, batch.tenant, [batch.first])).get(batch.first) ?? [];
  const concerned = items.filter((item) => item.indexes.some((offset) => offsets.includes(offset)));
  const changed = await mapConcurrently(concerned, 8, async (item) => {
    const own = offsets.filter((offset) => item.indexes.includes(offset));
    const carried = ({ unsent = [] }: Attempt) => !own.every((offset) => unsent.includes(offset));
    const over = ({ status, remaining, indexes }: DeliveryItem) =>
      (status === "pending" || status === "failed") &&
      (remaining ?? indexes).every((offset) => batch.deleted.includes(offset));
    return (await change(store, item, carried, over)) + (await stripShared(store, item, carried));
  });
  return changed.reduce((sum, each) => sum + each, 0);
}

/** The same answers where deliveries of other batches keep them. */
async function stripShared(store: Store, item: DeliveryItem, carried: (attempt: Attempt) => boolean): Promise<number> {
  let changed = 0;
  for (const { at, answer_with = [] } of item.attempts.filter(carried)) {
    for (const first of answer_with) {
      if (first === item.first) continue;
      const keeper = await read(store, { ...item, first });
      if (keeper !== undefined)
        changed += await change(
          store,
          keeper,
          (attempt) => attempt.at === at,
          () => false,
        );
    }
  }
  return changed;
}

async function read(store: Store, name: Name): Promise<DeliveryItem | undefined> {
  const { Item } = await store.dynamodb.send(
    new GetItemCommand({ TableName: store.eventsTable, Key: keyOf(name), ConsistentRead: true }),
  );
  return Item === undefined ? undefined : decodeDeliveryItem(Item);
}

/**
 * Takes answers off a delivery, and cancels it where it is over, whoever else changes it meanwhile.
 * @returns 1 when there was anything to change
 */
async function change(
  store: Store,
  item: DeliveryItem,
  strip: (attempt: Attempt) => boolean,
  isOver: (item: DeliveryItem) => boolean,
): Promise<number> {
  const stripped = (attempt: Attempt) => attempt.response_excerpt !== undefined && strip(attempt);
  let current: DeliveryItem | undefined = item;
  for (let tried = 1; current !== undefined; tried += 1) {
    const over = isOver(current);
    if (!over && !current.attempts.some(stripped)) return 0;
    const left = current.attempts.map((attempt) => (stripped(attempt) ? withoutAnswer(attempt) : attempt));
    const { status, attempts } = encodeDeliveryItem(current);
    try {
      await store.dynamodb.send(
        new UpdateItemCommand({
          TableName: store.eventsTable,
          Key: keyOf(item),
          UpdateExpression: over
            ? "SET attempts = :new, #status = :over, reason = :reason REMOVE state_pk, due_pk, next_attempt_at, held"
            : "SET attempts = :new",
          ConditionExpression: "attempts = :old AND #status = :status",
          ExpressionAttributeNames: { "#status": "status" },
          ExpressionAttributeValues: {
            ":new": { S: JSON.stringify(left) },
            ":old": attempts!,
            ":status": status!,
            ...(over ? { ":over": { S: "cancelled" }, ":reason": { S: "event_erased" } } : {}),
          },
        }),
      );
      return 1;
    } catch (error) {
      if ((error as Error).name !== "ConditionalCheckFailedException" || tried === TRIES) throw error;
      current = await read(store, item);
    }
  }
  return 0;
}
