import { HOUR_MS, type Millis, rfc3339 } from "../../domain/time.ts";
import { SETTLED_MS } from "../../domain/usage/access.ts";

/** Hours are worked on once everything of them has had time to arrive: the last hour that is over and settled, milliseconds. */
export const settledHour = (now: Millis): number => Math.floor((now - SETTLED_MS) / HOUR_MS) * HOUR_MS - HOUR_MS;

/** An hour as an operator gives it. @returns RFC 3339 @throws RangeError for what is no time on the hour */
export function readHour(text: string): string {
  const at = Date.parse(text);
  if (!(at % HOUR_MS === 0))
    throw new RangeError(`hour (${text}) is not a time on the hour, like ${rfc3339(settledHour(Date.now()))}`);
  return rfc3339(at);
}
