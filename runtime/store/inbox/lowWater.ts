import { getItem, updateItem } from "../../aws/tables.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { firstUlidAt, lowestOfRun } from "../../domain/ids.ts";
import type { Millis } from "../../domain/time.ts";
import { lowWaterKey } from "../keys.ts";
import type { Store } from "../table.ts";
import { LATE_MS } from "./lateBatch.ts";
import type { Position, ReadQuery } from "./readQuery.ts";

/**
 * The low-water mark of an inbox: between its time and its ULID every event is acknowledged or deleted, so a reading of the other events
 * begins above it, and skips a long history.
 *
 * Invariant: acknowledging and deleting are never undone, so the range stays empty unless a batch is stored in it later.
 * Batches are stored within `LATE_MS` of their acceptance, above any mark; a stage that stores one later removes the mark after it,
 * and counts its generation on, so that a reading which began before can't set it again.
 */
export interface LowWater {
  readonly generation: number;
  /** Milliseconds: what was received before was not looked at. */
  readonly from?: Millis;
  /** Batches whose first ULID is below have nothing open. */
  readonly below?: string;
}

export async function lowWater(store: Store, tenant: Tenant): Promise<LowWater> {
  const item = await getItem(store.events, lowWaterKey(tenant), "strong");
  return {
    generation: Number(item?.generation?.N ?? 0),
    ...defined({ from: mapDefined(item?.received_from?.N, Number), below: item?.below?.S }),
  };
}

/** Where a reading begins that looks back to `from`: above the mark if that covers it. */
export const aboveMark = (lo: string, from: number, mark: LowWater | undefined): string =>
  mark?.below !== undefined && mark.from !== undefined && from >= mark.from && mark.below > lo ? mark.below : lo;

/**
 * Sets the mark after a reading that went down to the oldest event that is still open.
 * @param from milliseconds: the reading saw only events received at this time or later
 */
export async function markAfter(
  store: Store,
  tenant: Tenant,
  { order, acknowledged, ...filters }: ReadQuery,
  { generation, began, given: lowest }: Position,
  from: number,
): Promise<void> {
  const all = Object.values(filters).every((filter) => filter === undefined);
  if (order !== "desc" || acknowledged !== false || !all || generation === undefined) return;
  const settled = firstUlidAt(began - LATE_MS);
  const open = lowest === undefined ? settled : lowestOfRun(lowest);
  await updateItem(store.events, lowWaterKey(tenant), {
    UpdateExpression: "SET below = :below, received_from = :from, generation = :generation",
    ConditionExpression:
      generation === 0 ? "attribute_not_exists(generation) OR generation = :generation" : "generation = :generation",
    ExpressionAttributeValues: {
      ":below": { S: [open, settled].sort()[0]! },
      ":from": { N: String(Math.max(0, Math.ceil(from))) },
      ":generation": { N: String(generation) },
    },
  });
}
