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
import { addSums, type HistogramName, histograms, KEPT_DAYS, type Sums } from "./sums.ts";

/**
 * Hours of metrics, added up from their minutes by the quarter: days and hours of every zone begin on a quarter of UTC's.
 *
 * Invariant: an hour follows from its minutes alone, so adding it up again changes nothing but what came since.
 */

export const QUARTER_MS = 900_000;
const KEEP_SECONDS = KEPT_DAYS.hour * DAY_SECONDS;
/** Rows in one item, and numbers of their latencies, of which three bytes are left once they are packed: far below the 400 KB that an item may have. */
const ROWS_EACH = 2_000;
const NUMBERS_EACH = 50_000;

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
  itemsIn(hoursPartition(tenant), quartersOf(hour), rows.quarters);

/** Where an hour's item is. @param page from 0; the pages of an hour have no gaps */
export const hourKey = (tenant: Tenant, hour: number, page: number) => ({
  pk: { S: hoursPartition(tenant) },
  sk: { S: usageSortKey(hour, `${page}`) },
});

/** How long an eighth of a day is. Days of other zones begin in one of them and hold the seven others whole. */
const EIGHTH_MS = 3 * HOUR_MS;

/**
 * How a day of UTC is kept beside its hours: as a whole, and by the eighth for the days of other zones. Each has a partition of its own and
 * one item a day, or as many as its rows need.
 */
export const dayForms = [
  { suffix: "#d", pieceMs: DAY_MS },
  { suffix: "#e", pieceMs: EIGHTH_MS },
] as const;
export type DayForm = (typeof dayForms)[number];

/** Where a tenant's days of a form are. */
export const daysPartition = (tenant: Tenant, { suffix }: DayForm): string => `${tenant}${suffix}`;

/**
 * The items that a day of UTC is kept in, added up from its hours: so that a long range costs an item a day. They read as those of an hour
 * do, with pieces in place of quarters. What of an hour changes later is not in them.
 * @param hours items of its hours
 */
export function dayItems(
  tenant: Tenant,
  day: number,
  form: DayForm,
  hours: readonly Item[],
): Record<string, AttributeValue>[] {
  const { pieceMs } = form;
  const pieces = new Map<number, Rows>();
  for (const item of hours) {
    const start = minuteOf(item);
    const piece = start - ((start - day) % pieceMs);
    const rows = pieces.get(piece) ?? new Map<string, Sums>();
    pieces.set(piece, rows);
    for (const grain of stored)
      readHour(item, quartersOf(start), grain, (_, key, sums) => addSums(rowIn(rows, key), sums), histograms);
  }
  const items = itemsIn(daysPartition(tenant, form), { begin: day, pieceMs }, pieces);
  return items.map((item) => ({ ...item, [PAGES]: { N: String(items.length) } }));
}

/** How many items a day is kept in. */
export const PAGES = "pages";
/** Whether all items of a day are there: while it is written, some are not. */
export const isWholeDay = (items: readonly Item[]): boolean => Number(items[0]?.[PAGES]?.N) === items.length;

type Entry = readonly [key: string, sums: Sums];

/** Rows by the item that they stand in: one item at least. */
function pagesOf(entries: readonly Entry[]): Entry[][] {
  let page: Entry[] = [];
  let numbers = 0;
  const pages = [page];
  for (const entry of entries) {
    const own = Object.values(entry[1].latencies).reduce((sum, { size }) => sum + 2 * size, 0);
    if (page.length === ROWS_EACH || (page.length > 0 && numbers + own > NUMBERS_EACH)) {
      page = [];
      numbers = 0;
      pages.push(page);
    }
    page.push(entry);
    numbers += own;
  }
  return pages;
}

/** @param pieces rows by the start of their piece, of which there are ten at most: a row's key begins with its number */
function itemsIn(
  pk: string,
  { begin, pieceMs }: Pieces,
  pieces: ReadonlyMap<number, Rows>,
): Record<string, AttributeValue>[] {
  const entries = [...pieces].flatMap(([start, rows]) =>
    [...rows]
      .filter(([key]) => !isJointKey(key))
      .map(([key, sums]) => [`${(start - begin) / pieceMs}${key}`, sums] satisfies Entry),
  );
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return pagesOf(entries).map((own, page) => {
    const byGrain = Map.groupBy(own, ([key]) => grainOf(key.slice(1)));
    return {
      pk: { S: pk },
      sk: { S: usageSortKey(begin, `${page}`) },
      expires_at: { N: String(secondsOf(begin) + KEEP_SECONDS) },
      ...Object.fromEntries(
        stored.flatMap((grain) => {
          const rows = byGrain.get(grain);
          return rows === undefined ? [] : [[grain, { B: packRows(new Map(rows)) }]];
        }),
      ),
    };
  });
}

/** Where the rows of an item stand: when its time begins, and how long each piece of it is. */
export interface Pieces {
  readonly begin: Millis;
  readonly pieceMs: Millis;
}
export const quartersOf = (hour: Millis): Pieces => ({ begin: hour, pieceMs: QUARTER_MS });

/** Hands over the rows of a grain of an hour or day, each with the start of its piece. @param latencies those that are wanted */
export function readHour(
  item: Item,
  { begin, pieceMs }: Pieces,
  grain: StoredGrain,
  take: (at: Millis, key: string, sums: Sums) => void,
  latencies: readonly HistogramName[],
): void {
  const bytes = item[grain]?.B;
  if (bytes === undefined) return;
  const placed = (key: string, sums: Sums) => take(begin + Number(key[0]) * pieceMs, key.slice(1), sums);
  unpackRows(bytes, placed, undefined, latencies);
}

export const dayStart = (at: Millis): number => Math.floor(at / DAY_MS) * DAY_MS;
export const hourStart = (at: Millis): number => Math.floor(at / HOUR_MS) * HOUR_MS;
export const isWholeQuarter = (at: Millis): boolean => at % QUARTER_MS === 0;
