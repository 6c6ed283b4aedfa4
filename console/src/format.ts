import { plural } from "../../runtime/domain/plural.ts";
import { DAY_SECONDS, lengthText } from "../../runtime/domain/time.ts";

/** Numbers, times and units, in the words of the reader's language. */

const number = new Intl.NumberFormat();
export const count = (value: number): string => number.format(value);
/** So many of something: `1 event`, `2,000 events`. @param many where it is not the word with an s */
export const countOf = (value: number, one: string, many?: string): string =>
  `${count(value)} ${plural(value, one, many)}`;
const tenths = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
/** A number and its unit stand in one line. */
export const ms = (value: number): string =>
  lengthText(value < 1_000 ? Math.round(value) : value, tenths).replace(" ", "\u00a0");
const sizes = [
  [1e12, "TB"],
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "KB"],
] as const;
export function bytes(value: number): string {
  // What would be read as 1,000 KB is 1 MB.
  const [size, unit] = sizes.find(([size]) => value >= size * 0.99995) ?? [1, "B"];
  return `${tenths.format(value / size)}\u00a0${unit}`;
}

/** A share as percent: 99.97 % is not told as 100 %. */
export const share = (value: number): string => `${percentText(value * 100)}\u00a0%`;
function percentText(percent: number): string {
  if (percent === 0 || percent === 100) return String(percent);
  if (percent > 99.95 && percent < 100) return (Math.floor(percent * 1_000) / 1_000).toFixed(3);
  if (percent > 0 && percent < 0.05) return "<\u00a00.05";
  return percent.toFixed(1);
}

const formats = new Map<string, Intl.DateTimeFormat>();
function formatOf(zone: string | undefined): Intl.DateTimeFormat {
  const key = zone ?? "";
  let made = formats.get(key);
  if (made === undefined) {
    const options: Intl.DateTimeFormatOptions = {
      year: "numeric",
      month: "short",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hour12: false,
      timeZoneName: "short",
    };
    try {
      made = new Intl.DateTimeFormat(undefined, zone === undefined ? options : { ...options, timeZone: zone });
    } catch {
      made = new Intl.DateTimeFormat(undefined, options);
    }
    formats.set(key, made);
  }
  return made;
}
/** @param zone IANA name; the reader's own when left out */
export const time = (text: string, zone?: string): string => formatOf(zone).format(new Date(text));

const bucketFormats = new Map<string, Intl.DateTimeFormat>();
/**
 * When a bucket of a chart begins. @param long for a table, which has room for the date
 * @param days whether the range is longer than a day, so that a time alone would not tell
 */
export function bucketTime(
  at: number | string,
  zone: string,
  interval: string,
  { long = false, days = true }: { readonly long?: boolean; readonly days?: boolean } = {},
): string {
  const key = `${zone} ${interval} ${long} ${days}`;
  let format = bucketFormats.get(key);
  if (format === undefined) {
    const date = long || interval === "day" || days;
    const clock = interval !== "day";
    format = new Intl.DateTimeFormat(undefined, {
      timeZone: zone,
      ...(date ? { day: "numeric", month: "short" } : {}),
      ...(long && !clock ? { weekday: "short" } : {}),
      ...(clock ? { hour: "2-digit", minute: "2-digit", hour12: false } : {}),
    });
    bucketFormats.set(key, format);
  }
  return format.format(typeof at === "number" ? at : Date.parse(at));
}

const dates = new Map<string, Intl.DateTimeFormat>();
/** The date that clocks in a zone show, `2026-11-27`. */
export function dateIn(at: number, zone: string): string {
  let format = dates.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
    dates.set(zone, format);
  }
  return format.format(at);
}

const hoursOfDay = new Map<string, Intl.DateTimeFormat>();
/** The hour that clocks in a zone show, 0 to 23. */
export function hourIn(at: number, zone: string): number {
  let format = hoursOfDay.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", hourCycle: "h23" });
    hoursOfDay.set(zone, format);
  }
  return Number(format.format(at));
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
export function ago(text: string, now = Date.now()): string {
  const seconds = Math.round((Date.parse(text) - now) / 1_000);
  const steps: readonly (readonly [number, Intl.RelativeTimeFormatUnit])[] = [
    [60, "second"],
    [3_600, "minute"],
    [DAY_SECONDS, "hour"],
    [Number.POSITIVE_INFINITY, "day"],
  ];
  const index = steps.findIndex(([below]) => Math.abs(seconds) < below);
  const size = index === 0 ? 1 : steps[index - 1]![0];
  return relative.format(Math.trunc(seconds / size), steps[index]![1]);
}

/** A selector in words. */
export function selectorText(selector: unknown): string {
  if (typeof selector === "string") return selector;
  const { event_type, jsonpath, cel } = selector as { event_type?: string | string[]; jsonpath?: string; cel?: string };
  const parts = [
    ...(event_type === undefined ? [] : [`type is ${[event_type].flat().join(" or ")}`]),
    ...(jsonpath === undefined ? [] : [`${jsonpath} selects something`]),
    ...(cel === undefined ? [] : [cel]),
  ];
  return parts.join(", and ");
}
