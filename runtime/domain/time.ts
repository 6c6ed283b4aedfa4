/**
 * Time: its units, and the names of its parts. A number that ends in `_at` is in milliseconds. An `expiry` is in seconds, since
 * DynamoDB deletes by it; the attribute of the item is `expires_at`. In what the API answers, times are RFC 3339 text.
 */

/** Milliseconds: since the epoch, or long. A plain number is taken, `Seconds` are not: the member is never there. */
export type Millis = number & { readonly unit?: "ms" };
/** Seconds: since the epoch, as DynamoDB's expiry counts, or long. */
export type Seconds = number & { readonly unit?: "s" };

export const MINUTE_MS: Millis = 60_000;
export const HOUR_MS: Millis = 60 * MINUTE_MS;
export const DAY_MS: Millis = 24 * HOUR_MS;
export const DAY_SECONDS: Seconds = 86_400;

/** The units that a length of time is told in: a larger one from two of it on, as `90 s` is exact where `1.5 min` is not. */
const lengths = [
  { below: 1_000, ms: 1, name: "ms" },
  { below: 2 * MINUTE_MS, ms: 1_000, name: "s" },
  { below: 2 * HOUR_MS, ms: MINUTE_MS, name: "min" },
  { below: 2 * DAY_MS, ms: HOUR_MS, name: "h" },
  { below: Number.POSITIVE_INFINITY, ms: DAY_MS, name: "days" },
] as const;
const lengthOf = (ms: Millis) => lengths.find(({ below }) => ms < below)!;
/** The length of the unit that `lengthText` tells this length in. */
export const unitOfLength = (ms: Millis): Millis => lengthOf(ms).ms;
/** How long something took, in the unit that suits it: `340 ms`, `2.5 min`. */
export function lengthText(ms: Millis, number: Intl.NumberFormat): string {
  const unit = lengthOf(ms);
  return `${number.format(ms / unit.ms)} ${unit.name}`;
}

/** Whole seconds since the epoch. */
export const secondsOf = (ms: Millis): Seconds => Math.floor(ms / 1_000);

/** RFC 3339 UTC with milliseconds. */
export const rfc3339 = (ms: Millis): string => new Date(ms).toISOString();

/** `2026-01-02T03` of an hour's time. */
export const hourName = (hour: Millis): string => rfc3339(hour).slice(0, 13);
