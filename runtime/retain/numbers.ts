import { DeleteObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { removeHours, removeMinuteRows } from "../counters/remove.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import { defined } from "../domain/defined.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { cubeFolder, dayOfKey } from "../domain/metrics/cube.ts";
import { dayStart } from "../domain/metrics/hours.ts";
import { DAY_MS, type Millis } from "../domain/time.ts";
import type { Tools } from "./work.ts";

/** Removing numbers: a customer's when it is erased, old ones when it does not keep them for ever. */

const AT_ONCE = 16;

/** Removes a tenant's hours and days that begin before a time. @param at milliseconds @returns items and files that were removed */
async function removeOldNumbers({ store, counters, env }: Tools, tenant: Tenant, at: Millis): Promise<number> {
  let removed = await removeHours(counters, tenant, at);
  let after: string | undefined;
  do {
    const { Contents = [], IsTruncated } = await store.s3.send(
      new ListObjectsV2Command({
        Bucket: env.CUBE_BUCKET,
        Prefix: cubeFolder(tenant),
        ...defined({ StartAfter: after }),
      }),
    );
    const old = Contents.filter(({ Key }) => (dayOfKey(Key!) ?? Number.POSITIVE_INFINITY) < at);
    await mapConcurrently(old, AT_ONCE, ({ Key }) =>
      store.s3.send(new DeleteObjectCommand({ Bucket: env.CUBE_BUCKET, Key })),
    );
    removed += old.length;
    after = IsTruncated === true ? Contents.at(-1)?.Key : undefined;
  } while (after !== undefined);
  return removed;
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
