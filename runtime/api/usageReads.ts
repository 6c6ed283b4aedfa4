import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { type CounterReader, eachItem, type StoredRange } from "../counters/read.ts";
import type { Millis } from "../domain/time.ts";
import {
  addTotals,
  emptyTotals,
  type Totals,
  tallyReader,
  type UsageGroup,
  ungroupedCounters,
} from "../domain/usage/usage.ts";
import type { Deps } from "./deps.ts";

/** Reading the usage counters of the `metrics` table. */

export const countersOf = ({ dynamodb, env, now }: Deps): CounterReader => ({
  counters: { dynamodb, name: env.METRICS_TABLE },
  now,
});

/** A counter's value by the start of its minute or hour; starts where it is 0 may be absent. */
type Series = Map<number, number>;

function addTo(series: Series, start: number, value: AttributeValue | undefined): void {
  if (value?.N !== undefined) series.set(start, (series.get(start) ?? 0) + Number(value.N));
}

/** Single counters over time. @returns a series for each name */
export async function readSeries(deps: Deps, range: StoredRange, names: readonly string[]): Promise<Series[]> {
  const series = names.map((): Series => new Map());
  await eachItem(countersOf(deps), range, names, (start, item) => {
    for (const [i, name] of names.entries()) addTo(series[i]!, start, item[name]);
  });
  return series;
}

export interface UsageRead {
  /** By the start of the bucket, then by the group's value; ungrouped, the only value is `""`. */
  readonly buckets: ReadonlyMap<number, ReadonlyMap<string, Totals>>;
  readonly totals: Totals;
  /** For each of the names asked for, by minutes or hours as they are stored. */
  readonly series: readonly Series[];
}

export interface UsageAsked {
  /** Length of a bucket in ms. */
  readonly step: Millis;
  readonly group: UsageGroup | undefined;
  /** Single counters that are read along with the rest. */
  readonly names: readonly string[];
}

/** Adds up the items of a range: in all, by bucket, and by the group's values. */
export async function readUsage(
  deps: Deps,
  range: StoredRange,
  { step, group, names }: UsageAsked,
): Promise<UsageRead> {
  const buckets = new Map<number, Map<string, Totals>>();
  const series = names.map((): Series => new Map());
  const totals = emptyTotals();
  const read = tallyReader(group);
  // Ungrouped, most of an item is left where it is. Names can't be asked for by prefix, so a group needs it whole.
  const wanted = group === undefined ? [...new Set([...ungroupedCounters, ...names])] : undefined;
  await eachItem(countersOf(deps), range, wanted, (start, item) => {
    const at = Math.floor(start / step) * step;
    let groups = buckets.get(at);
    if (groups === undefined) {
      groups = new Map(group === undefined ? [["", emptyTotals()]] : []);
      buckets.set(at, groups);
    }
    read(item, group === undefined ? groups.get("")! : totals, groups);
    for (const [i, name] of names.entries()) addTo(series[i]!, start, item[name]);
  });
  // Ungrouped, the buckets are the totals' parts; an event counts in several groups, so groups must not be added up.
  if (group === undefined) for (const groups of buckets.values()) addTotals(totals, groups.get("")!);
  return { buckets, totals, series };
}
