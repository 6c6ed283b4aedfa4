import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { QueryCommand } from "@aws-sdk/client-dynamodb";
import { z } from "@hono/zod-openapi";
import { TriggersError } from "../../domain/errors.ts";
import type { Tenant } from "../../domain/identity.ts";
import { rfc3339 } from "../../domain/ids.ts";
import {
  emptyTotals,
  quantile,
  readTally,
  type Totals,
  type UsageGroup,
  type UsageInterval,
  usagePartition,
  usageSortKey,
} from "../../domain/usage.ts";
import { mapConcurrently } from "../../store/table.ts";
import type { Api, Deps } from "../deps.ts";
import { Millis } from "../reads.ts";
import { route } from "../route.ts";
import { Timestamp } from "../schemas.ts";

const TAG = "Usage";
const LENGTH = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
type Interval = keyof typeof LENGTH;
/** Buckets an answer holds: a month by hour, a day by minute, and room. */
const MAX_BUCKETS = 3_000;
/** Where the answer's size ends groups: the largest stay, the others are added up under `"…"`. */
const MAX_ROWS = 20_000;
const DEFAULT_BUCKETS = { minute: 60, hour: 24, day: 30 } as const;
/** Ranges read at the same time: one query of DynamoDB answers at most 1 MB. */
const SEGMENTS = 8;
const MONTH_MS = 30 * LENGTH.day;

const Numbers = {
  requests: z.number(),
  events: z.number(),
  bytes: z.number(),
  delivered: z.number(),
  failed: z.number(),
  dead_lettered: z.number(),
  latency_ms: z.object({ p50: z.number().nullable(), p95: z.number().nullable(), p99: z.number().nullable() }),
  limit_use: z.number().openapi({ description: "Share of the customer's limit of events that was used, 0 to 1." }),
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

const numbersOf = (totals: Totals, limit: number, ms: number) => ({
  ...(Object.fromEntries(columns.map((name) => [name, totals[name]])) as Record<(typeof columns)[number], number>),
  latency_ms: {
    p50: quantile(totals.latencies, 0.5),
    p95: quantile(totals.latencies, 0.95),
    p99: quantile(totals.latencies, 0.99),
  },
  limit_use: ms <= 0 ? 0 : Math.round((totals.events / ((limit * ms) / 1_000)) * 1e6) / 1e6,
});

function addTotals(into: Totals, more: Totals): void {
  for (const name of columns) into[name] += more[name];
  for (const [bucket, count] of more.latencies) {
    into.latencies.set(bucket, (into.latencies.get(bucket) ?? 0) + count);
  }
}

/** Adds up the items of a range: in all, and by the start of their bucket and the group's value. */
async function readUsage(
  deps: Deps,
  tenant: Tenant,
  interval: Interval,
  from: number,
  to: number,
  group: UsageGroup | undefined,
): Promise<{ readonly buckets: Map<number, Map<string, Totals>>; readonly totals: Totals }> {
  const stored: UsageInterval = interval === "minute" ? "m" : "h";
  const step = LENGTH[interval];
  const unit = interval === "minute" ? LENGTH.minute : LENGTH.hour;
  const size = Math.max(unit, Math.ceil((to - from) / unit / SEGMENTS) * unit);
  const segments: [number, number][] = [];
  for (let at = from; at < to; at += size) segments.push([at, Math.min(at + size, to)]);
  const buckets = new Map<number, Map<string, Totals>>();
  const all = new Map<string, Totals>();
  await mapConcurrently(segments, SEGMENTS, async ([lo, hi]) => {
    let start: Record<string, AttributeValue> | undefined;
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
          ...(start && { ExclusiveStartKey: start }),
        }),
      );
      for (const item of Items ?? []) {
        const at = Date.parse(`${item.sk!.S!.split("#")[0]}:00.000Z`);
        const bucket = Math.floor(at / step) * step;
        const totals = buckets.get(bucket) ?? new Map<string, Totals>();
        buckets.set(bucket, totals);
        readTally(item, group, totals);
        if (group !== undefined) readTally(item, undefined, all);
      }
      start = LastEvaluatedKey;
    } while (start !== undefined);
  });
  const totals = all.get("") ?? emptyTotals();
  // Ungrouped, the buckets are the totals' parts; an event counts in several groups, so groups must not be added up.
  if (group === undefined) for (const own of buckets.values()) addTotals(totals, own.get("") ?? emptyTotals());
  return { buckets, totals };
}

/** RFC 4180; a text that a spreadsheet would take for a formula is quoted as text. */
const csvCell = (value: string | number | null): string => {
  if (value === null) return "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "get",
      path: "/usage",
      tag: TAG,
      summary: "What was sent, and what became of it",
      description:
        "By minute, hour or day, in UTC; `Accept: text/csv` answers a table. Counts are exact under retries; what a function had not written when it died is missing. Latency is the subscribers' time to answer, to within 5 %. Minutes are kept 35 days, hours 400.",
      scope: "events:read",
      query: z.strictObject({
        from: Millis.optional(),
        to: Millis.optional(),
        interval: z.enum(["minute", "hour", "day"]).default("hour"),
        group_by: z.enum(["event_type", "subscription", "key"]).optional(),
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
      if (from >= to) {
        throw new TriggersError("invalid_request", "The range is empty.", {
          details: [{ path: "/to", message: "must be after `from`" }],
        });
      }
      if ((to - from) / step > MAX_BUCKETS) {
        throw new TriggersError("invalid_request", `The range holds more than ${MAX_BUCKETS} buckets.`, {
          details: [{ path: "/interval", message: "is too short for this range" }],
        });
      }
      const grouped = query.group_by !== undefined;
      const { buckets: found, totals } = await readUsage(
        deps,
        c.get("tenant"),
        query.interval,
        from,
        to,
        query.group_by,
      );
      const limit = identity.limit_per_second;
      const buckets: z.infer<typeof Bucket>[] = [];
      for (let start = from; start < to; start += step) {
        const groups = found.get(start) ?? new Map<string, Totals>();
        const rows = grouped
          ? [...groups].sort(([a], [b]) => (a < b ? -1 : 1))
          : [["", groups.get("") ?? emptyTotals()] as const];
        for (const [key, own] of rows) {
          if (buckets.length >= MAX_ROWS) continue;
          buckets.push({
            start: rfc3339(start),
            ...(grouped ? { key: key === "" ? null : key } : {}),
            ...numbersOf(own, limit, step),
          });
        }
      }
      if (c.req.header("accept")?.includes("text/csv") === true) return csv(buckets, grouped);
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
  const lines = buckets.map((bucket) =>
    [
      bucket.start,
      ...(grouped ? [bucket.key ?? null] : []),
      ...columns.map((name) => bucket[name]),
      bucket.latency_ms.p50,
      bucket.latency_ms.p95,
      bucket.latency_ms.p99,
      bucket.limit_use,
    ].map(csvCell),
  );
  const text = [head, ...lines].map((line) => `${line.join(",")}\r\n`).join("");
  return new Response(text, { headers: { "content-type": "text/csv; charset=utf-8" } });
}
