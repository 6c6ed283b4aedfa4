import { isDeepStrictEqual } from "node:util";
import { errorText, type Log } from "../aws/log.ts";
import { between, deleteItem, putItem, queryAll, type Table } from "../aws/tables.ts";
import type { Item } from "../domain/codec/fields.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { CubeRequest } from "../domain/metrics/cube.ts";
import {
  dayForms,
  dayItems,
  dayStart,
  daysPartition,
  hourItems,
  hourOf,
  hoursPartition,
} from "../domain/metrics/hours.ts";
import { DAY_MS, HOUR_MS, hourName, type Millis, rfc3339 } from "../domain/time.ts";
import {
  LATE_PARTITION,
  lateSortKey,
  minuteShards,
  rollUp,
  usagePartition,
  usageSortKey,
} from "../domain/usage/usage.ts";

/**
 * Adds an hour up from its minutes once it is over.
 *
 * Invariant: an hour's items follow from its minutes alone, so adding up again changes nothing but what came since. Who
 * counts in an hour that may have been added up leaves a mark, after its minutes; the hour is then added up again, and the
 * mark goes only if no other took its place.
 */

const SHARDS_AT_ONCE = 8;

/** All items of a partition between two sort keys, as they are now. */
const itemsBetween = (counters: Table, pk: string, lo: string, hi: string): Promise<Item[]> =>
  queryAll(counters, { ...between(pk, lo, hi), consistency: "strong" });

/** The items of an hour's minutes from before each writer counted apart. */
export const oldMinutesOf = (counters: Table, tenant: Tenant, hour: number): Promise<Item[]> =>
  itemsBetween(counters, usagePartition(tenant, "m"), hourName(hour), `${hourName(hour)}~`);

/** The items of an hour's minutes, as each writer counted them. */
export async function minutesOf(counters: Table, tenant: Tenant, hour: number): Promise<Item[]> {
  const name = hourName(hour);
  const shards = await mapConcurrently(minuteShards(tenant), SHARDS_AT_ONCE, (pk) =>
    itemsBetween(counters, pk, name, `${name}~`),
  );
  return shards.flat();
}

/** Has the cube take an hour in. */
export type FoldHour = (request: Extract<CubeRequest, { op: "fold" }>) => Promise<unknown>;

/** Writes an hour's items. @param minutes of `minutesOf` */
export async function writeHour(
  counters: Table,
  tenant: Tenant,
  hour: number,
  minutes: readonly Item[],
  fold: FoldHour,
): Promise<void> {
  if (minutes.length === 0) return;
  const added = hourOf(minutes);
  // First, since an hour that is added up is read from the cube.
  if (added.quarters.size > 0) await fold({ op: "fold", tenant, hour: rfc3339(hour) });
  // The day was added up from the hour as it was before.
  await forgetDay(counters, tenant, dayStart(hour));
  for (const item of [...rollUp(tenant, hour, minutes), ...hourItems(tenant, hour, added)])
    await putItem(counters, item);
  // Another run may have added the day up again before these items were written.
  await forgetDay(counters, tenant, dayStart(hour));
}

async function forgetDay(counters: Table, tenant: Tenant, day: number): Promise<void> {
  for (const form of dayForms) {
    const items = await itemsBetween(counters, daysPartition(tenant, form), usageSortKey(day), usageSortKey(day, "~"));
    for (const { pk, sk } of items) await deleteItem(counters, { pk: pk!, sk: sk! });
  }
}

/** Hours after midnight in which the hours of a day are added up. */
export const DAY_ADDED_HOURS = 3;

/**
 * Adds a day of UTC up from its hours, all of which have been added up. Invariant: a day follows from its hours alone; it goes before one of them
 * changes, and is read only where none of them is late. Without it, its hours are read.
 */
export async function addUpDay(counters: Table, tenant: Tenant, day: number): Promise<void> {
  await forgetDay(counters, tenant, day);
  const last = usageSortKey(day + DAY_MS - HOUR_MS, "~");
  const readHours = () => itemsBetween(counters, hoursPartition(tenant), usageSortKey(day), last);
  const hours = await readHours();
  if (hours.length === 0) return;
  for (const form of dayForms) for (const item of dayItems(tenant, day, form, hours)) await putItem(counters, item);
  // An hour may have changed since it was read here. Its writer may have removed the day before this run wrote it.
  if (!isDeepStrictEqual(await readHours(), hours)) await forgetDay(counters, tenant, day);
}

/**
 * Adds up again the hours whose minutes changed after that, and their days. One that fails stays marked for the next time.
 * @returns how many hours
 */
export async function rollUpLate(counters: Table, fold: FoldHour, now: Millis, log: Log): Promise<number> {
  const listed = await itemsBetween(counters, LATE_PARTITION, "", "~");
  const days = new Map<string, { readonly tenant: Tenant; readonly day: number }>();
  for (const item of listed) {
    const sk = item.sk!.S!;
    const cut = sk.indexOf("#");
    const tenant: Tenant = sk.slice(0, cut);
    const hour = Date.parse(`${sk.slice(cut + 1, -1)}:00.000Z`);
    const pk = usagePartition(tenant, "h");
    try {
      const [mark] = await itemsBetween(counters, pk, lateSortKey(hour), lateSortKey(hour));
      await writeHour(counters, tenant, hour, await minutesOf(counters, tenant, hour), fold);
      if (mark !== undefined) await removeMark(counters, mark);
      await removeMark(counters, item);
    } catch (error) {
      log("error", "metrics.late_hour_failed", { tenant, hour: rfc3339(hour), error: errorText(error) });
      continue;
    }
    const day = dayStart(hour);
    if (day + DAY_MS + (DAY_ADDED_HOURS + 1) * HOUR_MS <= now) days.set(`${tenant} ${day}`, { tenant, day });
  }
  for (const { tenant, day } of days.values()) await addUpDay(counters, tenant, day);
  return listed.length;
}

/** Unless another took its place, or it is gone. */
async function removeMark(counters: Table, { pk, sk, mark }: Item): Promise<void> {
  const seen = { ConditionExpression: "mark = :seen", ExpressionAttributeValues: { ":seen": mark! } };
  await deleteItem(counters, { pk: pk!, sk: sk! }, seen);
}
