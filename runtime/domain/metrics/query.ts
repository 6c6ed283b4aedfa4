import { z } from "zod";
import { deliveryStatuses } from "../event.ts";
import { dimensions, errorClasses, measures } from "./names.ts";
import { isTimeZone } from "./timeZone.ts";

/**
 * One query object is the language of charts, exports, alerts and reports. Everything that is asked of the metrics passes
 * through this schema, and nothing else reaches what reads them.
 */

/** The units of `last`, in minutes. */
const LAST_MINUTES = { m: 1, h: 60, d: 1_440, w: 10_080 } as const;
/** How long a range is at most: each of its days is a file to look for. */
export const MAX_RANGE_DAYS = 3_650;

/** A length of time, as `last` says it: `15m`, `24h`, `7d`, `4w`. */
export interface Last {
  readonly count: number;
  readonly unit: keyof typeof LAST_MINUTES;
}

export const lastOf = (text: string): Last => ({
  count: Number(text.slice(0, -1)),
  unit: text.slice(-1) as Last["unit"],
});
export const lastMinutes = ({ count, unit }: Last): number => count * LAST_MINUTES[unit];

const LastSchema = z
  .string()
  .regex(/^[1-9]\d{0,6}[mhdw]$/, 'must be a whole number and "m", "h", "d" or "w": "15m", "24h", "7d", "4w"')
  .refine((text) => !/^\d{1,7}[mhdw]$/.test(text) || lastMinutes(lastOf(text)) <= MAX_RANGE_DAYS * LAST_MINUTES.d, {
    message: `must be ${MAX_RANGE_DAYS} days at most`,
  })
  .meta({ description: "Up to now: `15m`, `24h`, `7d`, `4w`. Not together with `from` and `to`.", example: "24h" });

const Time = z.iso.datetime({ offset: true }).meta({ description: "RFC 3339.", example: "2026-11-25T10:00:00.000Z" });

/** A zone of clocks, wherever one is named. */
export const TimeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'must be "UTC" or a name of the IANA time zone database: "Europe/Berlin", "Asia/Kolkata"')
  .default("UTC");

const MAX_VALUES = 100;
const values = <V extends z.ZodType>(value: V) => z.array(value).min(1).max(MAX_VALUES);
/** Null stands for facts that lack the value, such as untyped events. */
const names = values(z.string().max(1_024).nullable());

const unique = <V>(list: readonly V[]): boolean => new Set(list).size === list.length;

export const intervals = ["minute", "hour", "day", "none"] as const;
export type Interval = (typeof intervals)[number];

/** Series in an answer, beside the one for all others. */
const MAX_TOP = 100;
const DEFAULT_TOP = 20;

const LISTED = `must be a list of ${measures.join(", ")}`;

export const MetricsQuery = z
  .strictObject({
    measures: z.array(z.enum(measures), LISTED).min(1, LISTED).refine(unique, "must not name a measure twice").meta({
      description: "What is asked for; the first one ranks the series.",
    }),
    last: LastSchema.optional(),
    from: Time.optional(),
    to: Time.optional(),
    interval: z
      .enum(["auto", ...intervals])
      .default("auto")
      .meta({
        description:
          "Length of a point. `auto`: minutes up to 6 h, hours up to 14 days, days beyond. `none`: one point.",
      }),
    time_zone: TimeZone.meta({
      description: "Hours and days begin as they do there. `UTC` or an IANA name.",
      example: "Europe/Berlin",
    }),
    group_by: z.array(z.enum(dimensions)).max(2).refine(unique, "must not name a dimension twice").default([]),
    filter: z
      .strictObject({
        event_type: names.optional(),
        workflow_id: names.optional(),
        subscription_id: names.optional(),
        key_id: names.optional(),
        status: values(z.enum(deliveryStatuses)).optional(),
        error: values(z.enum(errorClasses).nullable()).optional(),
        reason: names.optional(),
      })
      .default({})
      .meta({ description: "Values that count, by dimension; null stands for what has none." }),
    top: z
      .number()
      .int()
      .min(1)
      .max(MAX_TOP)
      .optional()
      .meta({
        description: `Series of an answer, the largest; all others are one named \`(other)\`. ${DEFAULT_TOP} unless it is said, or as many as fit.`,
      }),
    compare: z.enum(["previous", "week"]).optional().meta({
      description: "The same over the range before, or a week earlier.",
    }),
    histogram: z.boolean().default(false).meta({ description: "Adds `buckets` to latencies." }),
  })
  .superRefine(({ last, from, to }, refine) => {
    const issue = (path: string, message: string) => refine.addIssue({ code: "custom", path: [path], message });
    if (last !== undefined && (from !== undefined || to !== undefined))
      issue("last", "must not be together with `from` or `to`");
    if (from === undefined && to !== undefined) issue("from", "must be there where `to` is");
  });
export type MetricsQuery = z.output<typeof MetricsQuery>;
export type MetricsQueryInput = z.input<typeof MetricsQuery>;

/** The series that a query asks for at most. @param points of one of them */
export const topOf = ({ top }: MetricsQuery, points: number, maxPoints: number): number =>
  top ?? Math.max(1, Math.min(DEFAULT_TOP, Math.floor(maxPoints / points) - 1));

/** The dimensions that a query names. */
export const dimensionsIn = ({ group_by, filter }: Pick<MetricsQuery, "group_by" | "filter">) =>
  dimensions.filter((dimension) => group_by.includes(dimension) || filter[dimension] !== undefined);
