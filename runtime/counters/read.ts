import { between, type Query, queryPages, type Table } from "../aws/tables.ts";
import type { Item } from "../domain/codec/fields.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { HOUR_MS, MINUTE_MS, type Millis } from "../domain/time.ts";
import { hourItemOf, minuteShards, type UsageInterval, usagePartition, usageSortKey } from "../domain/usage/usage.ts";

/** Reading the items of the `metrics` table, as they were counted. */

export interface CounterReader {
  /** The `metrics` table. */
  readonly counters: Table;
  /** Milliseconds since the epoch. */
  now(): Millis;
}

export const UNIT_MS = { m: MINUTE_MS, h: HOUR_MS } as const;
/** Queries at the same time: one of DynamoDB answers at most 1 MB. */
const AT_ONCE = 16;
/** Parts of a range of hours. Minutes have their shards instead. */
const SEGMENTS = 8;
/** Hours that are over are added up within two hours, and made up for within two days. */
export const UNROLLED_MS = 48 * UNIT_MS.h;

export type CounterItem = Item;

/** Times in ms since the epoch, on minutes or hours; `to` is exclusive. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

type Projection = Pick<Query, "ProjectionExpression" | "ExpressionAttributeNames">;

/** A letter, or one with a number: no word that DynamoDB reserves. All other names need stand-ins. */
const PLAIN = /^[a-z]\d*$/;

export function projectionOf(names: readonly string[] | undefined): Projection {
  if (names === undefined) return {};
  const escaped = names.filter((name) => !PLAIN.test(name));
  return {
    ProjectionExpression: ["sk", ...names.filter((name) => PLAIN.test(name)), ...escaped.map((_, i) => `#${i}`)].join(
      ",",
    ),
    ...(escaped.length > 0 && {
      ExpressionAttributeNames: Object.fromEntries(escaped.map((name, i) => [`#${i}`, name])),
    }),
  };
}

/** Each on its own query, a few at once. @param unit ms from one start to the next */
export async function queryAll(
  reader: CounterReader,
  queries: readonly { readonly pk: string; readonly range: TimeRange }[],
  unit: number,
  projection: Projection,
  take: (start: number, item: CounterItem) => void,
): Promise<void> {
  await mapConcurrently(queries, AT_ONCE, async ({ pk, range: { from, to } }) => {
    // Just below the first key of the next start: nothing that follows a start in a key is above it.
    const keys = between(pk, usageSortKey(from), usageSortKey(to - unit, "~"));
    for await (const items of queryPages(reader.counters, { ...keys, ...projection, consistency: "eventual" }))
      for (const item of items) take(Date.parse(`${item.sk!.S!.split("#")[0]}:00.000Z`), item);
  });
}

export function segmentsOf({ from, to }: TimeRange, unit: number): TimeRange[] {
  const size = Math.max(unit, Math.ceil((to - from) / unit / SEGMENTS) * unit);
  const segments: TimeRange[] = [];
  for (let at = from; at < to; at += size) segments.push({ from: at, to: Math.min(at + size, to) });
  return segments;
}

/** Hours that stand side by side, as ranges. @param hours ascending */
export function rangesOf(hours: readonly number[]): TimeRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const hour of hours) {
    const last = ranges.at(-1);
    if (last?.to === hour) last.to = hour + UNIT_MS.h;
    else ranges.push({ from: hour, to: hour + UNIT_MS.h });
  }
  return ranges;
}

/** A tenant's counters over a range, by the minute or by the hour. */
export interface StoredRange {
  readonly tenant: Tenant;
  readonly stored: UsageInterval;
  readonly range: TimeRange;
}

/**
 * Hands over the items of a range, each with its start, in no order.
 * @param names the attributes that are wanted; undefined for all
 */
export async function eachItem(
  reader: CounterReader,
  { tenant, stored, range }: StoredRange,
  names: readonly string[] | undefined,
  take: (start: number, item: CounterItem) => void,
): Promise<void> {
  const projection = projectionOf(names);
  const minutes = (within: TimeRange) => minuteShards(tenant).map((pk) => ({ pk, range: within }));
  if (stored === "m") {
    const before = { pk: usagePartition(tenant, "m"), range };
    await queryAll(reader, [before, ...minutes(range)], UNIT_MS.m, projection, take);
    return;
  }
  const pk = usagePartition(tenant, "h");
  const rolled = new Map<number, CounterItem[]>();
  const late = new Set<number>();
  const segments = segmentsOf(range, UNIT_MS.h).map((segment) => ({ pk, range: segment }));
  await queryAll(reader, segments, UNIT_MS.h, projection, (start, item) => {
    const kind = hourItemOf(item.sk!.S!);
    if (kind === "late") late.add(start);
    else if (kind === "counted") take(start, item);
    else rolled.set(start, [...(rolled.get(start) ?? []), item]);
  });
  // What is not added up yet, or was too early, is read by the minute.
  const since = Math.floor((reader.now() - UNROLLED_MS) / UNIT_MS.h) * UNIT_MS.h;
  const open = [...late].filter((hour) => hour < since);
  for (let hour = Math.max(range.from, since); hour < range.to && hour <= reader.now(); hour += UNIT_MS.h)
    if (late.has(hour) || !rolled.has(hour)) open.push(hour);
  for (const [hour, items] of rolled) if (!late.has(hour)) for (const item of items) take(hour, item);
  const queries = rangesOf(open.sort((a, b) => a - b)).flatMap(minutes);
  await queryAll(reader, queries, UNIT_MS.m, projection, (start, item) =>
    take(Math.floor(start / UNIT_MS.h) * UNIT_MS.h, item),
  );
}
