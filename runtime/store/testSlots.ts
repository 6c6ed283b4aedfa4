import { type Table, updateItem, updateOnce } from "../aws/tables.ts";
import { N, S } from "../domain/codec/fields.ts";
import { type Millis, secondsOf } from "../domain/time.ts";
import { testSlotKey } from "./keys.ts";

/** Slots that a customer's test calls take, one item each. */
const KEEP_SECONDS = 3_600;

export interface Slot {
  readonly customer_id: string;
  readonly number: number;
  /** Tells who holds it. */
  readonly holder: string;
}

/** Takes a slot until a time, unless somebody holds it. @param now milliseconds, as is `until` @returns whether it was free */
export async function takeSlot(
  events: Table,
  { customer_id, number, holder }: Slot,
  { now, until }: { readonly now: Millis; readonly until: Millis },
): Promise<boolean> {
  const taken = await updateOnce(events, testSlotKey(customer_id, number), {
    UpdateExpression: "SET holder = :me, held_until = :until, expires_at = :x",
    ConditionExpression: "attribute_not_exists(held_until) OR held_until <= :now",
    ExpressionAttributeValues: {
      ":me": S(holder),
      ":until": N(until),
      ":now": N(now),
      ":x": N(secondsOf(now) + KEEP_SECONDS),
    },
  });
  return taken !== undefined;
}

/** Gives a slot back. @throws Error when it has another holder by now */
export async function giveBackSlot(events: Table, { customer_id, number, holder }: Slot): Promise<void> {
  const given = await updateItem(events, testSlotKey(customer_id, number), {
    UpdateExpression: "REMOVE held_until",
    ConditionExpression: "holder = :me",
    ExpressionAttributeValues: { ":me": S(holder) },
  });
  if (given === undefined) throw new Error("another test has the slot by now");
}
