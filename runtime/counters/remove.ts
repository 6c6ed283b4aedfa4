import { between, deleteItem, queryPages, type Table, updateItem } from "../aws/tables.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { dayForms, daysPartition, hoursPartition } from "../domain/metrics/hours.ts";
import type { Millis } from "../domain/time.ts";
import { ROWS } from "../domain/usage/counters.ts";
import { minuteShards, usageSortKey } from "../domain/usage/usage.ts";

const AT_ONCE = 16;

/** Removes a tenant's hours and days that begin before a time. @param before milliseconds @returns how many items were removed */
export async function removeHours(counters: Table, tenant: Tenant, before: number): Promise<number> {
  let removed = 0;
  // Days first: one that is left would tell the hours of it that are gone.
  for (const pk of [...dayForms.map((form) => daysPartition(tenant, form)), hoursPartition(tenant)]) {
    const items = { ...between(pk, "", usageSortKey(before)), consistency: "strong" as const };
    for await (const page of queryPages(counters, { ...items, ProjectionExpression: "pk, sk" })) {
      await mapConcurrently(page, AT_ONCE, ({ pk, sk }) => deleteItem(counters, { pk: pk!, sk: sk! }));
      removed += page.length;
    }
  }
  return removed;
}

/**
 * Removes the numbers of a tenant's minutes up to a time. Counts for usage and for the audit of calls stand in the same items,
 * and stays. @param until milliseconds, inclusive @returns how many items were changed
 */
export async function removeMinuteRows(counters: Table, tenant: Tenant, until: Millis): Promise<number> {
  let removed = 0;
  await mapConcurrently(minuteShards(tenant), AT_ONCE, async (pk) => {
    const query = {
      ...between(pk, "", usageSortKey(until, "~")),
      FilterExpression: "attribute_exists(#rows)",
      ProjectionExpression: "pk, sk",
      ExpressionAttributeNames: { "#rows": ROWS },
      consistency: "strong" as const,
    };
    for await (const items of queryPages(counters, query)) {
      await mapConcurrently(items, AT_ONCE, ({ pk: shard, sk }) =>
        updateItem(
          counters,
          { pk: shard!, sk: sk! },
          {
            UpdateExpression: "REMOVE #rows",
            ConditionExpression: "attribute_exists(pk)",
            ExpressionAttributeNames: { "#rows": ROWS },
          },
        ),
      );
      removed += items.length;
    }
  });
  return removed;
}
