import { z } from "@hono/zod-openapi";
import { refuseEmptyRange } from "../../domain/emptyRange.ts";
import { TriggersError } from "../../domain/errors/errors.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type Millis, rfc3339 } from "../../domain/time.ts";
import { quantiles } from "../../domain/usage/histogram.ts";
import { share } from "../../domain/usage/quota.ts";
import { emptyTotals, type Totals, type UsageInterval } from "../../domain/usage/usage.ts";
import { csvAnswer, wantsCsv } from "../csv.ts";
import type { Api, Deps } from "../deps.ts";
import { QueryMillis } from "../reads.ts";
import { route } from "../route.ts";
import { Timestamp } from "../schemas.ts";
import { limitedCounters, QuotaSchema, readQuota, readTrend } from "../usageQuota.ts";
import { readUsage } from "../usageReads.ts";

const TAG = "Usage";
const LENGTH = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS } as const;
/** Buckets an answer holds: a month by hour, a day by minute, and room. */
const MAX_BUCKETS = 3_000;
/** Where the answer's size ends groups: the largest stay, the others are added up under `"…"`. */
const MAX_ROWS = 20_000;
const DEFAULT_BUCKETS = { minute: 60, hour: 24, day: 30 } as const;
const MONTH_MS = 30 * LENGTH.day;

const Numbers = {
  requests: z.number(),
  events: z.number(),
  bytes: z.number(),
  delivered: z.number(),
  failed: z.number(),
  dead_lettered: z.number(),
  latency_ms: z.object({ p50: z.number().nullable(), p95: z.number().nullable(), p99: z.number().nullable() }),
  limit_use: z.number().openapi({
    description:
      "Share of the customer's limit of events that was used, on average over the bucket or the range. Of the busiest minute it is `quota.peak_use`, and of the busiest second `limit_use` of the metrics.",
  }),
};
const Bucket = z.object({
  start: Timestamp,
  key: z.string().nullable().optional().openapi({ description: "The group's value." }),
  ...Numbers,
});

const columns = [
  "requests",
  "events",
  "bytes",
  "delivered",
  "failed",
  "dead_lettered",
] as const satisfies (keyof Totals)[];

const QUANTILES = [0.5, 0.95, 0.99];

function numbersOf(totals: Totals, limit: number, ms: Millis) {
  const { requests, events, bytes, delivered, failed, dead_lettered } = totals;
  const [p50, p95, p99] = quantiles(totals.latencies, QUANTILES) as [number | null, number | null, number | null];
  const latency_ms = { p50, p95, p99 };
  const limit_use = ms <= 0 ? 0 : share(events / (ms / 1_000), limit);
  return { requests, events, bytes, delivered, failed, dead_lettered, latency_ms, limit_use };
}

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "get",
      path: "/usage",
      tag: TAG,
      summary: "Numbers of events sent, delivered and failed",
      description:
        "By minute, hour or day, in UTC; `Accept: text/csv` answers a table of the buckets. `quota` says what of the limit was used, and where that leads: the month's events at the present pace, and when the peak meets the limit. Counts are exact under retries; what a function had not written when it died is missing for two hours at most, attempts for good. Latency is the subscribers' time to answer, to within 5 %. Minutes are kept 35 days, hours 400.",
      scope: "events:read",
      table: true,
      query: z.strictObject({
        from: QueryMillis.optional().openapi({ description: "Counted at or after." }),
        to: QueryMillis.optional().openapi({ description: "Counted before." }),
        interval: z.enum(["minute", "hour", "day"]).default("hour").openapi({ description: "Time of one point." }),
        group_by: z
          .enum(["event_type", "subscription", "key"])
          .optional()
          .openapi({ description: "One series for each of them." }),
      }),
      responses: {
        200: {
          description: "Buckets in order of time, empty ones left out when grouped.",
          schema: z.object({
            from: Timestamp,
            to: Timestamp,
            interval: z.enum(["minute", "hour", "day"]),
            buckets: z.array(Bucket),
            totals: z.object({
              ...Numbers,
              limit_per_second: z.number(),
              projected_events_30d: z.number().openapi({ description: "Events in 30 days at the rate of this range." }),
            }),
            quota: QuotaSchema,
          }),
        },
      },
    },
    async (c, { query }) => {
      const identity = c.get("identity");
      const step = LENGTH[query.interval];
      const asked = query.to ?? deps.now() + 1;
      const to = Math.ceil(asked / step) * step;
      const from = Math.floor((query.from ?? to - DEFAULT_BUCKETS[query.interval] * step) / step) * step;
      refuseEmptyRange({ from, to });
      if ((to - from) / step > MAX_BUCKETS) {
        throw new TriggersError("invalid_request", `The range holds more than ${MAX_BUCKETS} buckets.`, {
          details: [{ path: "/interval", message: "is too short for this range" }],
        });
      }
      const grouped = query.group_by !== undefined;
      const stored: UsageInterval = query.interval === "minute" ? "m" : "h";
      const range = { tenant: c.get("tenant"), stored, range: { from, to } };
      const table = wantsCsv(c);
      const [{ buckets: found, totals, series }, trend] = await Promise.all([
        readUsage(deps, range, { step, group: query.group_by, names: limitedCounters(identity) }),
        table ? undefined : readTrend(deps, range),
      ]);
      const limit = identity.limit_per_second;
      const buckets: z.infer<typeof Bucket>[] = [];
      for (let start = from; start < to; start += step) {
        const groups = found.get(start) ?? new Map<string, Totals>();
        const time = rfc3339(start);
        const rows = grouped
          ? [...groups].sort(([a], [b]) => (a < b ? -1 : 1))
          : [["", groups.get("") ?? emptyTotals()] as const];
        for (const [key, own] of rows) {
          if (buckets.length >= MAX_ROWS) break;
          const numbers = numbersOf(own, limit, step);
          buckets.push(
            grouped ? { start: time, key: key === "" ? null : key, ...numbers } : { start: time, ...numbers },
          );
        }
      }
      if (trend === undefined) return csv(buckets, grouped);
      // Only time that has passed counts for the rate.
      const passed = Math.max(step, Math.min(to, deps.now()) - from);
      return c.json({
        from: rfc3339(from),
        to: rfc3339(to),
        interval: query.interval,
        buckets,
        totals: {
          ...numbersOf(totals, limit, passed),
          limit_per_second: limit,
          projected_events_30d: Math.round((totals.events / passed) * MONTH_MS),
        },
        quota: await readQuota(deps, identity, range, { passed, series, trend }),
      });
    },
  );
}

function csv(buckets: readonly z.infer<typeof Bucket>[], grouped: boolean): Response {
  const head = [
    "start",
    ...(grouped ? ["key"] : []),
    ...columns,
    "latency_ms_p50",
    "latency_ms_p95",
    "latency_ms_p99",
    "limit_use",
  ];
  return csvAnswer(
    head,
    buckets.map((bucket) => [
      bucket.start,
      ...(grouped ? [bucket.key ?? null] : []),
      ...columns.map((name) => bucket[name]),
      bucket.latency_ms.p50,
      bucket.latency_ms.p95,
      bucket.latency_ms.p99,
      bucket.limit_use,
    ]),
  );
}
