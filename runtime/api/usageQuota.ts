import { z } from "@hono/zod-openapi";
import type { StoredRange, TimeRange } from "../counters/read.ts";
import type { Identity } from "../domain/identity/identity.ts";
import { HOUR_MS, type Millis, rfc3339 } from "../domain/time.ts";
import {
  busiest,
  type LimitUse,
  limitUse,
  type Peak,
  peakMinute,
  peakOf,
  projectionOf,
  projectionRange,
  type Series,
  trendHours,
} from "../domain/usage/quota.ts";
import { EVENTS, eventsOfKey } from "../domain/usage/usage.ts";
import type { Deps } from "./deps.ts";
import { Timestamp } from "./schemas.ts";
import { readSeries } from "./usageReads.ts";

/** The `quota` of `GET /usage`: what of its limits a customer used, and where that leads. */

const described = <T extends z.ZodType>(schema: T, description: string): T => schema.openapi({ description });

const LimitUseSchema = z.object({
  limit_per_second: described(z.number(), "Today's limit, in events per second."),
  average_per_second: described(z.number(), "Events per second, over what has passed of the range."),
  average_use: described(z.number(), "Share of the limit, 1 being all of it."),
  peak_per_second: described(z.number(), "Events per second in the busiest minute of the range's busiest hour."),
  peak_use: described(
    z.number(),
    "Share of the limit, 1 being all of it. Seconds within the minute may have been above.",
  ),
  peak_at: described(Timestamp.nullable(), "When that minute began; null without events."),
  peak_interval: described(
    z.enum(["minute", "hour"]).nullable(),
    "What the peak is a mean of: `hour` where minutes are no longer kept.",
  ),
});

export const QuotaSchema = LimitUseSchema.extend({
  key: LimitUseSchema.extend({ key_id: z.string() })
    .optional()
    .openapi({ description: "The same of the key that asks; present where it has a limit of its own." }),
  projection: z
    .object({
      month_start: described(Timestamp, "Begin of the present month, UTC."),
      month_end: Timestamp,
      events_to_date: described(z.number(), "Events of the month so far."),
      events_per_second: described(
        z.number(),
        "The present pace: the mean of the last 7 days, or since traffic began.",
      ),
      projected_events: described(
        z.number().nullable(),
        "Events of the whole month if they go on at this pace; null while there is less than a day of traffic.",
      ),
      projected_use: described(
        z.number().nullable(),
        "Share of what the limit would let through in the whole month; null as `projected_events`.",
      ),
      peak_per_second: described(
        z.number().nullable(),
        "Today's peak on the trend of the last 28 days; null while there are fewer than 7 days of traffic.",
      ),
      peak_growth_per_day: described(z.number().nullable(), "What the trend adds to the peak a day."),
      limit_reached_at: described(
        Timestamp.nullable(),
        "When the peak meets the limit if it grows on in a line: now if it has, null if it does not within 365 days.",
      ),
    })
    .openapi({ description: "Seen from now, for every range that is asked for." }),
});

const optionalTime = (ms: Millis | null): string | null => (ms === null ? null : rfc3339(ms));

const shown = ({ peak_start, peak_interval, ...use }: LimitUse) => ({
  ...use,
  peak_at: optionalTime(peak_start),
  peak_interval,
});

/** The counters that hold what limits are on: of the customer, and of the key where it has its own. */
export const limitedCounters = ({ key_id, key_limit_per_second }: Identity): string[] =>
  key_limit_per_second === undefined ? [EVENTS] : [EVENTS, eventsOfKey(key_id)];

/** What of the projection's hours lies outside of the range that is read anyway. */
function remainder(needed: TimeRange, read: TimeRange): TimeRange[] {
  const before = { from: needed.from, to: Math.min(needed.to, read.from) };
  const after = { from: Math.max(needed.from, read.to), to: needed.to };
  return [before, after].filter(({ from, to }) => from < to);
}

/**
 * The events of the projection's hours, but for those that the answer's range holds by hour already.
 * @param range by the minute it is no help
 */
export async function readTrend(deps: Deps, { tenant, stored, range }: StoredRange): Promise<Series> {
  const needed = projectionRange(deps.now());
  const missing = stored === "h" ? remainder(needed, range) : [needed];
  const parts = await Promise.all(
    missing.map((part) => readSeries(deps, { tenant, stored: "h", range: part }, [EVENTS])),
  );
  return new Map(parts.flatMap(([events]) => [...events!]));
}

/** The part of a range that was read before the answer about its quota came. */
export interface QuotaNumbers {
  /** Milliseconds that have passed of the range. */
  readonly passed: Millis;
  /** Of `limitedCounters(identity)` over the range, by minutes or hours as stored. */
  readonly series: readonly Series[];
  /** Answer of `readTrend`. */
  readonly trend: Series;
}

/** The `quota` of an answer about a range. */
export async function readQuota(
  deps: Deps,
  identity: Identity,
  { tenant, stored }: StoredRange,
  { passed, series, trend }: QuotaNumbers,
): Promise<z.infer<typeof QuotaSchema>> {
  const now = deps.now();
  const names = limitedCounters(identity);
  const needed = projectionRange(now);
  const known = stored === "h" ? [...series[0]!].filter(([start]) => start >= needed.from && start < needed.to) : [];
  const hours = new Map([...trend, ...known]);
  const minutes = new Map<number, Promise<Series[]>>();
  /** The minutes of a series' busiest hour, read once an hour. */
  const minutesOf = async (of: Series, counter: number): Promise<Series> => {
    const hour = busiest(of);
    if (hour === undefined) return new Map();
    const range = { from: hour, to: hour + HOUR_MS };
    const reading = minutes.get(hour) ?? readSeries(deps, { tenant, stored: "m", range }, names);
    minutes.set(hour, reading);
    return (await reading)[counter]!;
  };
  const useOf = async (limit: number, counter: number) => {
    const own = series[counter]!;
    const peak: Peak | undefined = stored === "m" ? peakMinute(own) : peakOf(own, await minutesOf(own, counter));
    let events = 0;
    for (const count of own.values()) events += count;
    return shown(limitUse(limit, events, passed, peak));
  };
  const { limit_per_second, key_limit_per_second, key_id } = identity;
  const [whole, key, trendMinutes] = await Promise.all([
    useOf(limit_per_second, 0),
    key_limit_per_second === undefined ? undefined : useOf(key_limit_per_second, 1),
    minutesOf(trendHours(now, hours), 0),
  ]);
  const { month_start, month_end, limit_reached_at, ...projection } = projectionOf(
    now,
    limit_per_second,
    hours,
    trendMinutes,
  );
  return {
    ...whole,
    ...(key && { key: { key_id, ...key } }),
    projection: {
      month_start: rfc3339(month_start),
      month_end: rfc3339(month_end),
      ...projection,
      limit_reached_at: optionalTime(limit_reached_at),
    },
  };
}
