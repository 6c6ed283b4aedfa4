import { removeHours, removeMinuteRows } from "../counters/remove.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { cubeFolder, dayOfKey } from "../domain/metrics/cube.ts";
import { dayStart } from "../domain/metrics/hours.ts";
import { DAY_MS, type Millis } from "../domain/time.ts";
import { removeObjects } from "./removeObjects.ts";
import type { Tools } from "./work.ts";

/** Removing numbers: a customer's when it is erased, old ones when it does not keep them for ever. */

/** Removes a tenant's hours and days that begin before a time. @param at milliseconds @returns items and files that were removed */
async function removeOldNumbers({ store, counters, env }: Tools, tenant: Tenant, at: Millis): Promise<number> {
  const isOld = (key: string) => (dayOfKey(key) ?? Number.POSITIVE_INFINITY) < at;
  const items = await removeHours(counters, tenant, at);
  return items + (await removeObjects(store.s3, env.CUBE_BUCKET, cubeFolder(tenant), isOld));
}

/**
 * Removes all numbers of a tenant up to a time: hours, days, and the rows of its minutes. What is counted for usage and for the audit of
 * calls stands in the same minutes, and stays.
 */
export async function eraseNumbers(tools: Tools, tenant: Tenant, until: Millis): Promise<number> {
  const removed = await removeOldNumbers(tools, tenant, until);
  return removed + (await removeMinuteRows(tools.counters, tenant, until));
}

/**
 * Removes what a customer no longer keeps: whole days of UTC, so that minutes, hours, days and files all begin with the same one.
 * @param metricsDays undefined where it keeps all of them
 */
export async function keepNumbers(tools: Tools, tenant: Tenant, metricsDays: number | undefined): Promise<void> {
  if (metricsDays === undefined) return;
  const first = dayStart(tools.now() - metricsDays * DAY_MS);
  const removed = await eraseNumbers(tools, tenant, first - 1);
  if (removed > 0) tools.log("info", "retain.numbers_removed", { tenant, removed, metrics_days: metricsDays });
}
