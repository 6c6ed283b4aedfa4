/** Numbers, times and units, in the words of the reader's language. */

const number = new Intl.NumberFormat();
export const count = (value: number): string => number.format(value);
export const ms = (value: number): string =>
  value < 1_000 ? `${number.format(Math.round(value))} ms` : `${number.format(Math.round(value / 100) / 10)} s`;
export const bytes = (value: number): string =>
  value < 1_000
    ? `${value} B`
    : value < 1_000_000
      ? `${(value / 1_000).toFixed(1)} KB`
      : `${(value / 1_000_000).toFixed(2)} MB`;

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

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
export function ago(text: string, now = Date.now()): string {
  const seconds = Math.round((Date.parse(text) - now) / 1_000);
  const steps: readonly (readonly [number, Intl.RelativeTimeFormatUnit])[] = [
    [60, "second"],
    [3_600, "minute"],
    [86_400, "hour"],
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
