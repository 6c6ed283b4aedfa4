import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { Tenant } from "../domain/identity/identity.ts";
import type { Store } from "./table.ts";

// What whoever stores a batch has to know of the low-water mark of inboxes: see lowWater.ts.

/** How long after acceptance a batch is expected in the table at the latest. */
export const LATE_MS = 120_000;
/** Stored later than this, a batch may come behind a mark: well before `LATE_MS`, for clocks and the write itself. */
const LATE_STORED_MS = LATE_MS / 2;

export const storedLate = (acceptedAt: number, now: number): boolean => now - acceptedAt > LATE_STORED_MS;

/** Where a tenant's mark is kept. */
export const lowWaterKey = (tenant: Tenant) => ({ pk: { S: `${tenant}#0` }, sk: { S: "w#inbox" } });

/** Removes a tenant's mark, after something was stored that it may hide. */
export async function removeLowWater(store: Pick<Store, "dynamodb" | "eventsTable">, tenant: Tenant): Promise<void> {
  await store.dynamodb.send(
    new UpdateItemCommand({
      TableName: store.eventsTable,
      Key: lowWaterKey(tenant),
      UpdateExpression: "ADD generation :one REMOVE below, received_from",
      ExpressionAttributeValues: { ":one": { N: "1" } },
    }),
  );
}
