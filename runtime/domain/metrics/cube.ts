import type { Tenant } from "../identity/identity.ts";
import { DAY_MS, type Millis, rfc3339 } from "../time.ts";
import type { MetricsQuery } from "./query.ts";

/** The cube: all rows of a tenant's day by the quarter of an hour, one Parquet file each. docs/metrics.md lists its columns. */

/** Where the files of a tenant are. Its parts are the partitions of the Glue table. */
export const cubeFolder = (tenant: Tenant): string => `cube/tenant=${tenant}/`;

/** `2026-01-02` of a time. */
const dayName = (at: Millis): string => rfc3339(at).slice(0, 10);

/** @param at any time of the day, which is UTC's */
export const cubeKey = (tenant: Tenant, at: Millis): string => `${cubeFolder(tenant)}day=${dayName(at)}/facts.parquet`;

/** The day that a key's file holds, milliseconds; undefined for another key. */
export function dayOfKey(key: string): number | undefined {
  const day = /\/day=(\d{4}-\d\d-\d\d)\//.exec(key)?.[1];
  return day === undefined ? undefined : Date.parse(`${day}T00:00:00.000Z`);
}

/** The days that a range touches. */
export function daysOf({ from, to }: { readonly from: number; readonly to: number }): number[] {
  const days: number[] = [];
  for (let day = Math.floor(from / DAY_MS) * DAY_MS; day < to; day += DAY_MS) days.push(day);
  return days;
}

/** What the cube's function is asked: to take an hour in, or to answer a query. */
export type CubeRequest =
  | { readonly op: "fold"; readonly tenant: Tenant /** RFC 3339, on the hour. */; readonly hour: string }
  | {
      readonly op: "query";
      readonly tenant: Tenant;
      readonly limit_per_second: number;
      readonly query: MetricsQuery;
      /** Milliseconds: so that both sides speak of the same time. */
      readonly now: Millis;
      /** Since when the oldest accepted event waits to be counted; only where one waits. */
      readonly waiting_since?: Millis;
      /** The workflow of each subscription that has one; only where the query names workflows. */
      readonly workflows?: readonly (readonly [subscription_id: string, workflow_id: string])[];
    };
export interface Folded {
  readonly rows: number;
}
