import { GetItemCommand, UpdateItemCommand, type UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import {
  type BatchItem,
  batchSortKey,
  type DeliveryItem,
  decodeDeliveryItem,
  deliverySortKey,
  encodeDeliveryItem,
  partitionOf,
} from "../domain/codec/index.ts";
import { defined } from "../domain/defined.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { addMark } from "./acknowledged.ts";
import { deliveriesOf } from "./deliveries.ts";
import { type Found, findSoon } from "./find.ts";
import { mapConcurrently, type Store } from "./table.ts";
import { rememberDeleted } from "./tombstones.ts";

/**
 * Marks on single events inside a batch. Each adds to what is there, so marks of the same batch made at the same time, or
 * twice, or while the batch is delivered, never undo each other. Deletion is in the batch's item, under the condition that it
 * exists, where nobody who reads the batch can miss it; acknowledgement is beside it.
 */
export interface Marked {
  /** Events that bear the mark now, whether or not they did before. */
  readonly marked: readonly string[];
  readonly missing: readonly string[];
}

const WIDTH = 16;

/** @returns false when the item is gone */
async function update(store: Store, input: Omit<UpdateItemCommandInput, "TableName">): Promise<boolean> {
  try {
    await store.dynamodb.send(new UpdateItemCommand({ TableName: store.eventsTable, ...input }));
    return true;
  } catch (error) {
    if ((error as Error).name === "ConditionalCheckFailedException") return false;
    throw error;
  }
}

const keyOf = (tenant: Tenant, first: string) => ({
  pk: { S: partitionOf(tenant, first) },
  sk: { S: batchSortKey(first) },
});

interface Group {
  readonly batch: BatchItem;
  readonly ulids: string[];
  readonly offsets: number[];
}

function byBatch(found: ReadonlyMap<string, Found>): Group[] {
  const groups = new Map<string, Group>();
  for (const [ulid, { batch, offset }] of found) {
    const group = groups.get(batch.first) ?? { batch, ulids: [], offsets: [] };
    groups.set(batch.first, group);
    group.ulids.push(ulid);
    group.offsets.push(offset);
  }
  return [...groups.values()];
}

function outcome(ulids: readonly string[], gone: ReadonlySet<string>): Marked {
  const distinct = [...new Set(ulids)];
  return { marked: distinct.filter((ulid) => !gone.has(ulid)), missing: distinct.filter((ulid) => gone.has(ulid)) };
}

/** Acknowledges events; the first acknowledgement's time stays. */
export async function acknowledge(
  store: Store,
  tenant: Tenant,
  ulids: readonly string[],
  now: () => number,
): Promise<Marked> {
  const found = await findSoon(store, tenant, ulids, { body: false, marks: true }, now);
  await mapConcurrently(byBatch(found), WIDTH, async ({ batch, offsets }) => {
    // What is marked already adds nothing, so repeating doesn't make the marks grow.
    const fresh = offsets.filter((offset) => batch.acknowledged[offset] === undefined);
    if (fresh.length > 0) await addMark(store, batch, fresh, now());
  });
  return outcome(ulids, new Set(ulids.filter((ulid) => !found.has(ulid))));
}

/** Deletes events from every read and cancels what of their deliveries still waits. Deleting again is harmless. */
export async function deleteEvents(
  store: Store,
  tenant: Tenant,
  ulids: readonly string[],
  now: () => number,
): Promise<Marked> {
  const found = await findSoon(store, tenant, ulids, { body: false, deleted: true }, now);
  const gone = new Set(ulids.filter((ulid) => !found.has(ulid)));
  const groups = byBatch(found);
  await mapConcurrently(groups, WIDTH, async ({ batch, ulids: own, offsets }) => {
    const alive = await update(store, {
      Key: keyOf(tenant, batch.first),
      UpdateExpression: "ADD deleted :offsets",
      ConditionExpression: "attribute_exists(pk)",
      ExpressionAttributeValues: { ":offsets": { NS: offsets.map(String) } },
    });
    if (!alive) for (const ulid of own) gone.add(ulid);
    else await rememberDeleted(store, tenant, batch.first, offsets);
  });
  // After the mark: whoever delivers later sees it; what waits already is cancelled here.
  await cancelDeliveries(store, tenant, groups);
  return outcome(ulids, gone);
}

async function cancelDeliveries(store: Store, tenant: Tenant, groups: readonly Group[]): Promise<void> {
  const matching = groups.filter(({ batch }) => Object.keys(batch.matched).length > 0);
  const firsts = matching.map(({ batch }) => batch.first).sort();
  const deliveries = await deliveriesOf(store, tenant, firsts, Number.POSITIVE_INFINITY);
  const waiting = matching.flatMap(({ batch, offsets }) => {
    const deleted = new Set([...batch.deleted, ...offsets]);
    return (deliveries.get(batch.first) ?? []).filter(
      (item) =>
        (item.status === "failed" || item.status === "pending") &&
        (item.remaining ?? item.indexes).every((offset) => deleted.has(offset)),
    );
  });
  await mapConcurrently(waiting, WIDTH, (item) => cancelDelivery(store, item, "event_deleted"));
}

/** Cancels a waiting delivery, unless an attempt has changed it since it was read. @returns whether it was cancelled */
function cancelDelivery(store: Store, item: DeliveryItem, reason: string): Promise<boolean> {
  const { status, attempts } = encodeDeliveryItem(item);
  return update(store, {
    Key: {
      pk: { S: partitionOf(item.tenant, item.first) },
      sk: { S: deliverySortKey(item.first, item.subscription_id, item.replay_id) },
    },
    UpdateExpression: "SET #status = :cancelled, reason = :reason REMOVE state_pk, due_pk, next_attempt_at, held",
    ConditionExpression: "#status = :status AND attempts = :attempts",
    ExpressionAttributeNames: { "#status": "status" },
    ExpressionAttributeValues: {
      ":cancelled": { S: "cancelled" },
      ":reason": { S: reason },
      ":status": status!,
      ":attempts": attempts!,
    },
  });
}

const SETTLE_TRIES = 5;

/**
 * Takes events off a delivery that owes them, since its subscriber has read them itself: what is left goes on as before,
 * and a delivery with nothing left counts as delivered. An attempt that is recorded meanwhile is looked at again.
 * @param owed the offsets a delivery still owes
 * @throws Error when the delivery kept changing
 */
export async function settleDelivery(
  store: Store,
  item: DeliveryItem,
  offsets: ReadonlySet<number>,
  owed: (item: DeliveryItem) => number[],
): Promise<void> {
  const Key = {
    pk: { S: partitionOf(item.tenant, item.first) },
    sk: { S: deliverySortKey(item.first, item.subscription_id, item.replay_id) },
  };
  let current = item;
  for (let tried = 1; ; tried += 1) {
    const before = owed(current);
    const rest = before.filter((offset) => !offsets.has(offset));
    if (rest.length === before.length) return;
    const { status, attempts, remaining } = encodeDeliveryItem(current);
    const over = rest.length === 0;
    const done = await update(store, {
      Key,
      UpdateExpression: over
        ? "SET #status = :delivered, reason = :reason REMOVE state_pk, due_pk, next_attempt_at, held, remaining"
        : "SET remaining = :rest",
      ConditionExpression: `#status = :status AND attempts = :attempts AND ${remaining === undefined ? "attribute_not_exists(remaining)" : "remaining = :remaining"}`,
      ExpressionAttributeNames: { "#status": "status" },
      ExpressionAttributeValues: {
        ":status": status!,
        ":attempts": attempts!,
        ...defined({ ":remaining": remaining }),
        ...(over
          ? { ":delivered": { S: "delivered" }, ":reason": { S: "acknowledged_from_backlog" } }
          : { ":rest": { S: JSON.stringify(rest) } }),
      },
    });
    if (done) return;
    if (tried === SETTLE_TRIES) throw new Error(`the delivery of ${item.first} kept changing`);
    const { Item } = await store.dynamodb.send(
      new GetItemCommand({ TableName: store.eventsTable, Key, ConsistentRead: true }),
    );
    if (Item === undefined) return;
    current = decodeDeliveryItem(Item);
  }
}
