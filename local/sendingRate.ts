import { type Bucket, fill } from "./bucket.ts";

/**
 * How much may be sent in a second, as SES and End User Messaging count it: messages sent at once use up the room of later ones.
 * @param now milliseconds
 * @returns whether so much more may be sent now; where it may, it counts
 */
export function sendingRate(perSecond: number, now: () => number): (count: number) => boolean {
  const bucket: Bucket = { level: perSecond, at: now() };
  return (count) => {
    fill(bucket, perSecond, perSecond, now());
    if (bucket.level < 1) return false;
    bucket.level -= count;
    return true;
  };
}
