import { type Table, updateItem } from "../../aws/tables.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Millis } from "../../domain/time.ts";
import { lowWaterKey } from "../keys.ts";

// What a stage that stores a batch has to know of the low-water mark of inboxes: see lowWater.ts.

/** How long after acceptance a batch is expected in the table at the latest. */
export const LATE_MS = 120_000;
/** Stored later than this, a batch may come behind a mark: well before `LATE_MS`, for clocks and the write itself. */
const LATE_STORED_MS = LATE_MS / 2;

export const storedLate = (acceptedAt: Millis, now: Millis): boolean => now - acceptedAt > LATE_STORED_MS;

/** Removes a tenant's mark, after something was stored that it may hide. */
export async function removeLowWater(events: Table, tenant: Tenant): Promise<void> {
  await updateItem(events, lowWaterKey(tenant), {
    UpdateExpression: "ADD generation :one REMOVE below, received_from",
    ExpressionAttributeValues: { ":one": { N: "1" } },
  });
}
