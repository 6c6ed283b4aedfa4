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

/** Whole seconds since the epoch. */
export const secondsOf = (ms: Millis): Seconds => Math.floor(ms / 1_000);

/** RFC 3339 UTC with milliseconds. */
export const rfc3339 = (ms: Millis): string => new Date(ms).toISOString();

/** `2026-01-02T03` of an hour's time. */
export const hourName = (hour: Millis): string => rfc3339(hour).slice(0, 13);
