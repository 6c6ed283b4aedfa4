import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { QueryCommand } from "@aws-sdk/client-dynamodb";
import type { Tenant } from "../domain/identity.ts";
import {
  addTotals,
  emptyTotals,
  type Totals,
  tallyReader,
  type UsageGroup,
  type UsageInterval,
  ungroupedCounters,
  usagePartition,
  usageSortKey,
} from "../domain/usage.ts";
import { mapConcurrently } from "../store/table.ts";
import type { Deps } from "./deps.ts";

/** Reading the usage counters of the `metrics` table. */

const UNIT_MS = { m: 60_000, h: 3_600_000 } as const;
/** Parts of a range that are read at the same time: one query of DynamoDB answers at most 1 MB. */
const SEGMENTS = 8;

type Item = Record<string, AttributeValue>;

/** Times in ms since the epoch, on minutes or hours; `to` is exclusive. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Hands over the items of a range, each with its start, in no order.
 * @param names the attributes that are wanted; undefined for all
 */
async function eachItem(
  deps: Deps,
  tenant: Tenant,
  stored: UsageInterval,
  { from, to }: TimeRange,
  names: readonly string[] | undefined,
  take: (start: number, item: Item) => void,
): Promise<void> {
  const unit = UNIT_MS[stored];
  const size = Math.max(unit, Math.ceil((to - from) / unit / SEGMENTS) * unit);
  const segments: [number, number][] = [];
  for (let at = from; at < to; at += size) segments.push([at, Math.min(at + size, to)]);
  // Names of counters may hold any character; the few that are wanted of all need no stand-ins.
  const escaped = names?.filter((name) => name.includes("#")) ?? [];
  const projection = names && {
    ProjectionExpression: [
      "sk",
      ...names.filter((name) => !name.includes("#")),
      ...escaped.map((_, i) => `#${i}`),
    ].join(","),
    ...(escaped.length > 0 && {
      ExpressionAttributeNames: Object.fromEntries(escaped.map((name, i) => [`#${i}`, name])),
    }),
  };
  await mapConcurrently(segments, SEGMENTS, async ([lo, hi]) => {
    let next: Item | undefined;
    do {
      const { Items, LastEvaluatedKey } = await deps.dynamodb.send(
        new QueryCommand({
          TableName: deps.env.METRICS_TABLE,
          KeyConditionExpression: "pk = :pk AND sk BETWEEN :lo AND :hi",
          ExpressionAttributeValues: {
            ":pk": { S: usagePartition(tenant, stored) },
            ":lo": { S: usageSortKey(lo) },
            // Just below the first key of the next start: a page's name begins with a digit.
            ":hi": { S: usageSortKey(hi - unit, "~") },
          },
          ...projection,
          ...(next && { ExclusiveStartKey: next }),
        }),
      );
      for (const item of Items ?? []) take(Date.parse(`${item.sk!.S!.split("#")[0]}:00.000Z`), item);
      next = LastEvaluatedKey;
    } while (next !== undefined);
  });
}

/** A counter's value by the start of its minute or hour; starts where it is 0 may be absent. */
type Series = Map<number, number>;

function addTo(series: Series, start: number, value: AttributeValue | undefined): void {
  if (value?.N !== undefined) series.set(start, (series.get(start) ?? 0) + Number(value.N));
}

/** Single counters over time. @returns a series for each name */
export async function readSeries(
  deps: Deps,
  tenant: Tenant,
  stored: UsageInterval,
  range: TimeRange,
  names: readonly string[],
): Promise<Series[]> {
  const series = names.map((): Series => new Map());
  await eachItem(deps, tenant, stored, range, names, (start, item) => {
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

/**
 * Adds up the items of a range: in all, by bucket, and by the group's values.
 * @param step ms of a bucket
 * @param names single counters to be read on the way
 */
export async function readUsage(
  deps: Deps,
  tenant: Tenant,
  stored: UsageInterval,
  range: TimeRange,
  step: number,
  group: UsageGroup | undefined,
  names: readonly string[],
): Promise<UsageRead> {
  const buckets = new Map<number, Map<string, Totals>>();
  const series = names.map((): Series => new Map());
  const totals = emptyTotals();
  const read = tallyReader(group);
  // Ungrouped, most of an item is left where it is. Names can't be asked for by prefix, so a group needs it whole.
  const wanted = group === undefined ? [...new Set([...ungroupedCounters, ...names])] : undefined;
  await eachItem(deps, tenant, stored, range, wanted, (start, item) => {
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
