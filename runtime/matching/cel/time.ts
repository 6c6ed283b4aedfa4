import { DAY_MS } from "../../domain/time.ts";
import { Fault } from "../frame.ts";
import { duration, timestamp } from "./operators.ts";
import { type Duration, Timestamp, type Value } from "./values.ts";

const BILLION = 1_000_000_000n;
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** @returns a Fault when the text is not an RFC 3339 time of the years 1 to 9999 */
export function parseTimestamp(text: string): Timestamp | Fault {
  const parts = RFC3339.exec(text);
  if (parts === null) return new Fault("value", `${JSON.stringify(text.slice(0, 40))} is not an RFC 3339 time`);
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const real = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  const offset = parts[8] === undefined ? 0 : offsetMinutes(parts[8], parts[9]!, parts[10]!);
  if (!real || offset === undefined) return new Fault("value", `${JSON.stringify(text)} is not a time that exists`);
  const millis = BigInt(date.getTime() - offset * 60_000);
  return timestamp(millis * 1_000_000n + BigInt((parts[7] ?? "").padEnd(9, "0")));
}

/** RFC 3339, 5.6: an offset has hours to 23 and minutes to 59. */
function offsetMinutes(sign: string, hours: string, minutes: string): number | undefined {
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

export function formatTimestamp({ nanos }: Timestamp): string {
  const fraction = ((nanos % BILLION) + BILLION) % BILLION;
  const seconds = (nanos - fraction) / BILLION;
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${text}${fraction === 0n ? "" : `.${String(fraction).padStart(9, "0").replace(/0+$/, "")}`}Z`;
}

const UNITS: Readonly<Record<string, bigint>> = {
  h: 3_600n * BILLION,
  m: 60n * BILLION,
  s: BILLION,
  ms: 1_000_000n,
  us: 1_000n,
  µs: 1_000n,
  ns: 1n,
};
const DURATION = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|m|s|us|µs|ns)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|m|s|us|µs|ns))*$/;
const PART = /(\d*)(?:\.(\d*))?(h|ms|m|s|us|µs|ns)/g;

export function parseDuration(text: string): Duration | Fault {
  if (text.length > 60 || !(DURATION.test(text) || text === "0")) {
    return new Fault("value", `${JSON.stringify(text.slice(0, 40))} is not a duration such as 1h30m or 1.5s`);
  }
  let nanos = 0n;
  for (const [, whole, fraction = "", unit] of text.matchAll(PART)) {
    const size = UNITS[unit!]!;
    nanos += BigInt(whole || "0") * size + (BigInt(fraction || "0") * size) / 10n ** BigInt(fraction.length);
  }
  return duration(text.startsWith("-") ? -nanos : nanos);
}

export function formatDuration({ nanos }: Duration): string {
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = String(size % BILLION)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${nanos < 0n ? "-" : ""}${size / BILLION}${fraction === "" ? "" : `.${fraction}`}s`;
}

const OFFSET = /^([+-]?)(\d\d):(\d\d)$/;
const zones = new Map<string, Intl.DateTimeFormat | undefined>();
const MAX_ZONES = 100;

/** The time as a date whose UTC fields are the zone's; zones are IANA names or offsets such as `-08:00`. */
function inZone(time: Timestamp, zone: string | undefined): Date | Fault {
  const millis = Number((time.nanos - (((time.nanos % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n);
  if (zone === undefined || zone === "UTC") return new Date(millis);
  const offset = OFFSET.exec(zone);
  const minutes = offset === null ? undefined : offsetMinutes(offset[1]!, offset[2]!, offset[3]!);
  if (minutes !== undefined) return new Date(millis + minutes * 60_000);
  const format = offset === null ? formatOf(zone) : undefined;
  if (format === undefined) return new Fault("value", `${JSON.stringify(zone.slice(0, 40))} is not a time zone`);
  const parts = Object.fromEntries(format.formatToParts(millis).map(({ type, value }) => [type, Number(value)]));
  const date = new Date(0);
  date.setUTCFullYear(parts.year!, parts.month! - 1, parts.day!);
  date.setUTCHours(parts.hour! % 24, parts.minute!, parts.second!, ((millis % 1000) + 1000) % 1000);
  return date;
}

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  if (!zones.has(zone)) {
    if (zones.size >= MAX_ZONES) zones.clear();
    try {
      const all = {
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
      } as const;
      zones.set(zone, new Intl.DateTimeFormat("en-US", { ...all, hourCycle: "h23", timeZone: zone }));
    } catch {
      zones.set(zone, undefined);
    }
  }
  return zones.get(zone);
}

/** Fields of a date, each counted as CEL counts it. */
const FIELDS: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) => {
    const first = new Date(date);
    first.setUTCMonth(0, 1);
    return Math.round((date.getTime() - first.getTime()) / DAY_MS);
  },
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

export const timeFields: readonly string[] = Object.keys(FIELDS);

/** `value.getHours()` and its like, of a timestamp (in a zone) or a duration. */
export function timeField(name: string, value: Value, zone: string | undefined): Value {
  if (value instanceof Timestamp) {
    const date = inZone(value, zone);
    return date instanceof Fault ? date : BigInt(FIELDS[name]!(date));
  }
  const { nanos } = value as Duration;
  if (name === "getHours") return nanos / UNITS.h!;
  if (name === "getMinutes") return nanos / UNITS.m!;
  if (name === "getSeconds") return nanos / BILLION;
  return (nanos / 1_000_000n) % 1_000n;
}
