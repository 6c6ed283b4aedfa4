import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Tenant } from "../identity/identity.ts";
import { DAY_MS, DAY_SECONDS, HOUR_MS, type Millis, secondsOf } from "../time.ts";
import { ROWS } from "../usage/counters.ts";
import { usageSortKey } from "../usage/usage.ts";
import {
  addRows,
  boundJoint,
  type Grain,
  grainOf,
  grains,
  isJointKey,
  otherKey,
  packRows,
  type Rows,
  rowIn,
  settleSeconds,
  unpackRows,
} from "./facts.ts";
import { addSums, type HistogramName, histograms, type Sums } from "./sums.ts";

/**
 * Hours of metrics, added up from their minutes by the quarter: days and hours of every zone begin on a quarter of UTC's.
 *
 * Invariant: an hour follows from its minutes alone, so adding it up again changes nothing but what came since.
 */

export const QUARTER_MS = 900_000;
const KEEP_SECONDS = 400 * DAY_SECONDS;
/** Rows in one item: far below the 400 KB that an item may have. */
const ROWS_EACH = 2_000;

type Item = Readonly<Record<string, AttributeValue>>;

/** Where a tenant's hours are. */
export const hoursPartition = (tenant: Tenant): string => `${tenant}#f`;

/** Grains that an hour's items hold, each in an attribute of its name. What is joint lies in the cube. */
export type StoredGrain = Exclude<Grain, "joint">;
const stored = grains.filter((grain): grain is StoredGrain => grain !== "joint");

/** The rows of minutes, all writers added up. @param wanted asked by key */
export function rowsByMinute(
  items: Iterable<readonly [minute: number, item: Item]>,
  wanted?: (key: string) => boolean,
): Map<number, Rows> {
  const minutes = new Map<number, Rows>();
  for (const [minute, item] of items) {
    const bytes = item[ROWS]?.B;
    if (bytes === undefined) continue;
    const rows = minutes.get(minute) ?? new Map<string, Sums>();
    minutes.set(minute, rows);
    unpackRows(bytes, (key, sums) => addSums(rowIn(rows, key), sums), wanted);
  }
  for (const rows of minutes.values()) settleSeconds(rows);
  return minutes;
}

export interface HourRows {
  /** By the quarter's start, milliseconds. */
  readonly quarters: ReadonlyMap<number, Rows>;
}

/** An hour's rows by the quarter; at most so many joint keys, the rest under `(other)`. @param items of its minutes, with their keys */
export function hourOf(items: readonly Item[]): HourRows {
  const quarters = new Map<number, Rows>();
  const all: Rows = new Map();
  const byMinute = rowsByMinute(items.map((item) => [minuteOf(item), item] as const));
  for (const [minute, rows] of byMinute) {
    const start = Math.floor(minute / QUARTER_MS) * QUARTER_MS;
    const quarter = quarters.get(start) ?? new Map<string, Sums>();
    quarters.set(start, quarter);
    addRows(quarter, rows);
    addRows(all, rows);
  }
  const kept = boundJoint(all);
  if (kept !== all) for (const [start, rows] of quarters) quarters.set(start, bounded(rows, kept));
  return { quarters };
}

function bounded(rows: Rows, kept: Rows): Rows {
  const own: Rows = new Map();
  for (const [key, sums] of rows) addSums(rowIn(own, !isJointKey(key) || kept.has(key) ? key : otherKey(key)), sums);
  return own;
}

/** The minute that an item's sort key says. */
export const minuteOf = ({ sk }: Item): number => Date.parse(`${sk!.S!.slice(0, 16)}:00.000Z`);

/** The items that an hour is kept in: one at least, which says that it was added up. */
export const hourItems = (tenant: Tenant, hour: number, rows: HourRows): Record<string, AttributeValue>[] =>
  itemsIn(hoursPartition(tenant), hour, rows);

/** Where a tenant's days are. */
export const daysPartition = (tenant: Tenant): string => `${tenant}#d`;

/**
 * The items that a day of UTC is kept in, added up from its hours: so that a long range costs an item a day. They read as those of an hour
 * do, with all of the day in its first quarter. What of an hour changes later is not in them.
 * @param hours items of its hours
 */
export function dayItems(tenant: Tenant, day: number, hours: readonly Item[]): Record<string, AttributeValue>[] {
  const rows: Rows = new Map();
  for (const item of hours)
    for (const grain of stored)
      readHour(item, day, grain, (_, key, sums) => addSums(rowIn(rows, key), sums), histograms);
  const items = itemsIn(daysPartition(tenant), day, { quarters: new Map([[day, rows]]) });
  return items.map((item) => ({ ...item, [PAGES]: { N: String(items.length) } }));
}

/** How many items a day is kept in. */
export const PAGES = "pages";
/** Whether all items of a day are there: while it is written, some are not. */
export const isWholeDay = (items: readonly Item[]): boolean => Number(items[0]?.[PAGES]?.N) === items.length;

function itemsIn(pk: string, hour: number, { quarters }: HourRows): Record<string, AttributeValue>[] {
  const entries = [...quarters].flatMap(([start, rows]) =>
    [...rows]
      .filter(([key]) => !isJointKey(key))
      .map(([key, sums]) => [`${(start - hour) / QUARTER_MS}${key}`, sums] as const),
  );
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Array.from({ length: Math.max(1, Math.ceil(entries.length / ROWS_EACH)) }, (_, page) => {
    const own = entries.slice(page * ROWS_EACH, (page + 1) * ROWS_EACH);
    const byGrain = Map.groupBy(own, ([key]) => grainOf(key.slice(1)));
    return {
      pk: { S: pk },
      sk: { S: usageSortKey(hour, `${page}`) },
      expires_at: { N: String(secondsOf(hour) + KEEP_SECONDS) },
      ...Object.fromEntries(
        stored.flatMap((grain) => {
          const rows = byGrain.get(grain);
          return rows === undefined ? [] : [[grain, { B: packRows(new Map(rows)) }]];
        }),
      ),
    };
  });
}

/** Hands over an hour's rows of a grain, each with its quarter's start. @param latencies those that are wanted */
export function readHour(
  item: Item,
  hour: number,
  grain: StoredGrain,
  take: (at: Millis, key: string, sums: Sums) => void,
  latencies: readonly HistogramName[],
): void {
  const bytes = item[grain]?.B;
  if (bytes === undefined) return;
  const placed = (key: string, sums: Sums) => take(hour + Number(key[0]) * QUARTER_MS, key.slice(1), sums);
  unpackRows(bytes, placed, undefined, latencies);
}

export const dayStart = (at: Millis): number => Math.floor(at / DAY_MS) * DAY_MS;
export const hourStart = (at: Millis): number => Math.floor(at / HOUR_MS) * HOUR_MS;
export const isWholeQuarter = (at: Millis): boolean => at % QUARTER_MS === 0;
