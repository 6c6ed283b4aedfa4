import { getItems, putEach, putOnce, type Table, updateOnce } from "../../aws/tables.ts";
import type { Item } from "../../domain/codec/fields.ts";
import { defined } from "../../domain/defined.ts";
import type { DeliveryStatus } from "../../domain/event.ts";
import type { Millis } from "../../domain/time.ts";
import { type DeliveryName, deliveryKey } from "../keys.ts";
import { type Attempt, type DeliveryItem, decodeDeliveryItem, encodeDeliveryItem } from "./deliveryItem.ts";
import { keptAttempts, withoutAnswer } from "./keptAttempts.ts";

/**
 * Changes of delivery items that others may change at the same time: an attempt, a manual retry, a deletion, an acknowledged
 * backlog, an erasure. Invariant: each is made to the item as it is now, under the condition that it is still so. Changes of
 * others are never written over.
 */

/** How often a change is tried over one that came in between. */
const TRIES = 5;
/** An erasure is tried more often: it must not give up before everybody else has. */
const ERASURE_TRIES = 8;

/** Takes a delivery that waits no longer out of the indexes. */
const REMOVE_WAITING = "REMOVE state_pk, due_pk, next_attempt_at, held";

/** The state that a change found a delivery in, and the one it left it in. The caller may have read an older one before. */
export interface Move {
  readonly from: DeliveryStatus;
  readonly to: DeliveryStatus;
}

const written = (delivery: DeliveryItem): Item => encodeDeliveryItem({ ...delivery, ...keptAttempts(delivery) });

/** Puts deliveries that nobody else can be working on. @returns by position, why it was not put; undefined where it was */
export const putDeliveries = (events: Table, deliveries: readonly DeliveryItem[]): Promise<(Error | undefined)[]> =>
  putEach(events, deliveries.map(written));

/** The delivery as it is now. @throws CodecError when it can't be read */
export async function readDelivery(events: Table, name: DeliveryName): Promise<DeliveryItem | undefined> {
  const item = await itemNow(events, name);
  return item === undefined ? undefined : decodeDeliveryItem(item);
}

const itemNow = async (events: Table, name: DeliveryName): Promise<Item | undefined> =>
  (await getItems(events, [deliveryKey(name)], "strong"))[0];

/**
 * Our change from `before` to `after`, made to the item as it is now: attempts add up, offsets that either side has taken off
 * `remaining` stay off, and a delivery that has ended meanwhile stays ended. Pure.
 */
export function merge(before: DeliveryItem | undefined, after: DeliveryItem, current: DeliveryItem): DeliveryItem {
  const { left_out: _, ...own } = after;
  const made = {
    ...own,
    attempts: [...current.attempts, ...after.attempts.slice(before?.attempts.length ?? 0)],
    ...defined({ left_out: current.left_out }),
  };
  if (current.status === "delivered" || current.status === "cancelled" || after.status === "delivered") {
    const { held: _, swept: __, next_attempt_at: ___, remaining: ____, reason: _____, ...ended } = made;
    if (current.status !== "delivered" && current.status !== "cancelled") return { ...ended, status: "delivered" };
    return { ...ended, status: current.status, ...defined({ reason: current.reason }) };
  }
  const mine = after.remaining ?? after.indexes;
  const theirs = new Set(current.remaining ?? current.indexes);
  const remaining = mine.filter((offset) => theirs.has(offset));
  const left = remaining.length === after.indexes.length ? made : { ...made, remaining };
  // Given up while an attempt was under way that began before: only one that somebody asked for afterwards begins it anew.
  if (current.status !== "dead_lettered" || before?.status === "dead_lettered" || after.status === "cancelled")
    return left;
  const { held: __, swept: ___, next_attempt_at: ____, ...over } = left;
  return { ...over, status: "dead_lettered", ...defined({ reason: current.reason }) };
}

/**
 * Puts `after` where `before` was read (undefined: nothing), or merges it into what has come there since.
 * @returns the move that this made: of two who have both delivered, the later one moved nothing
 * @throws Error when the delivery kept changing
 */
export async function replaceDelivery(
  events: Table,
  before: DeliveryItem | undefined,
  after: DeliveryItem,
): Promise<Move> {
  let replaced = before;
  let expected = before === undefined ? undefined : encodeDeliveryItem(before);
  let wanted = after;
  for (let tried = 1; ; tried += 1) {
    if (await putOnce(events, written(wanted), unchanged(expected))) return moveOf(replaced, wanted);
    if (tried === TRIES) throw keptChanging(after);
    expected = await itemNow(events, after);
    replaced = expected === undefined ? undefined : decodeDeliveryItem(expected);
    wanted = replaced === undefined ? after : merge(before, after, replaced);
  }
}

/** The move of a delivery from one item to the next; one that has no item yet is pending. */
export const moveOf = (before: DeliveryItem | undefined, after: DeliveryItem): Move => ({
  from: before?.status ?? "pending",
  to: after.status,
});

const keptChanging = ({ first, subscription_id }: DeliveryName): Error =>
  new Error(`the delivery of ${first} to ${subscription_id} kept changing`);

/** The condition that an item is still as it was read, as far as others change it. */
function unchanged(expected: Item | undefined) {
  if (expected === undefined) return { ConditionExpression: "attribute_not_exists(pk)" };
  const same = (name: string) =>
    expected[name] === undefined ? `attribute_not_exists(#${name})` : `#${name} = :${name}`;
  const compared = ["attempts", "status", "remaining", "held"];
  const present = compared.filter((name) => expected[name] !== undefined);
  return {
    ConditionExpression: compared.map(same).join(" AND "),
    ExpressionAttributeNames: Object.fromEntries(compared.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(present.map((name) => [`:${name}`, expected[name]!])),
  };
}

/**
 * Changes some attributes of a delivery, unless an attempt has changed it since it was read.
 * @param condition holds besides
 * @returns whether it was changed
 */
async function changeSince(
  events: Table,
  item: DeliveryItem,
  {
    expression,
    condition,
    values,
  }: { readonly expression: string; readonly condition?: string; readonly values: Item },
): Promise<boolean> {
  const { status, attempts } = encodeDeliveryItem(item);
  const changed = await updateOnce(events, deliveryKey(item), {
    UpdateExpression: expression,
    ConditionExpression: ["#status = :status", "attempts = :attempts", ...(condition ? [condition] : [])].join(" AND "),
    ExpressionAttributeNames: { "#status": "status" },
    ExpressionAttributeValues: { ":status": status!, ":attempts": attempts!, ...values },
  });
  return changed !== undefined;
}

/** Cancels a waiting delivery, unless an attempt has changed it since it was read. @returns whether it was cancelled */
export const cancelDelivery = (events: Table, item: DeliveryItem, reason: string): Promise<boolean> =>
  changeSince(events, item, {
    expression: `SET #status = :cancelled, reason = :reason ${REMOVE_WAITING}`,
    values: { ":cancelled": { S: "cancelled" }, ":reason": { S: reason } },
  });

/**
 * Lets a held delivery go on, unless something has changed it since it was read.
 * @param foundAgainAt milliseconds; when the sweeper finds it, should the message that brings it back be lost
 * @returns whether it goes on
 */
export const releaseDelivery = (events: Table, item: DeliveryItem, foundAgainAt: Millis): Promise<boolean> => {
  const { held: _, reason: __, ...rest } = item;
  const { due_pk, next_attempt_at } = encodeDeliveryItem({ ...rest, next_attempt_at: foundAgainAt, swept: true });
  return changeSince(events, item, {
    expression: "SET due_pk = :due, next_attempt_at = :at REMOVE state_pk, held, reason",
    condition: "held = :held",
    values: { ":due": due_pk!, ":at": next_attempt_at!, ":held": { BOOL: true } },
  });
};

/**
 * Takes events off a delivery that owes them, since its subscriber has read them itself: the rest goes on as before, and an empty
 * rest counts as delivered. An attempt that is recorded meanwhile is looked at again.
 * @param owed the offsets a delivery still owes
 * @throws Error when the delivery kept changing
 */
export async function settleDelivery(
  events: Table,
  item: DeliveryItem,
  offsets: ReadonlySet<number>,
  owed: (item: DeliveryItem) => number[],
): Promise<void> {
  let current: DeliveryItem | undefined = item;
  for (let tried = 1; current !== undefined; tried += 1) {
    const before = owed(current);
    const rest = before.filter((offset) => !offsets.has(offset));
    if (rest.length === before.length) return;
    const { remaining } = encodeDeliveryItem(current);
    const done = await changeSince(events, current, {
      ...(rest.length === 0
        ? {
            expression: `SET #status = :delivered, reason = :reason ${REMOVE_WAITING}, remaining`,
            values: {
              ...defined({ ":remaining": remaining }),
              ":delivered": { S: "delivered" },
              ":reason": { S: "acknowledged_from_backlog" },
            },
          }
        : {
            expression: "SET remaining = :rest",
            values: { ...defined({ ":remaining": remaining }), ":rest": { S: JSON.stringify(rest) } },
          }),
      condition: remaining === undefined ? "attribute_not_exists(remaining)" : "remaining = :remaining",
    });
    if (done) return;
    if (tried === TRIES) throw keptChanging(item);
    current = await readDelivery(events, item);
  }
}

/**
 * Takes what was answered to these attempts off a delivery, and cancels it where it is over.
 * @returns false when there was nothing to change
 * @throws Error when the delivery kept changing
 */
export async function stripAnswers(
  events: Table,
  item: DeliveryItem,
  strip: (attempt: Attempt) => boolean,
  isOver: (item: DeliveryItem) => boolean,
): Promise<boolean> {
  const stripped = (attempt: Attempt) => attempt.response_excerpt !== undefined && strip(attempt);
  let current: DeliveryItem | undefined = item;
  for (let tried = 1; current !== undefined; tried += 1) {
    const over = isOver(current);
    if (!over && !current.attempts.some(stripped)) return false;
    const left = current.attempts.map((attempt) => (stripped(attempt) ? withoutAnswer(attempt) : attempt));
    const attempts = { ":left": { S: JSON.stringify(left) } };
    const done = await changeSince(
      events,
      current,
      over
        ? {
            expression: `SET attempts = :left, #status = :over, reason = :reason ${REMOVE_WAITING}`,
            values: { ...attempts, ":over": { S: "cancelled" }, ":reason": { S: "event_erased" } },
          }
        : { expression: "SET attempts = :left", values: attempts },
    );
    if (done) return true;
    if (tried === ERASURE_TRIES) throw keptChanging(item);
    current = await readDelivery(events, item);
  }
  return false;
}
