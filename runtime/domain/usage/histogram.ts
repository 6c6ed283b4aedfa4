/** Latencies counted by bucket: they can be added up, and quantiles read from the sum. */
import type { Millis } from "../time.ts";

/** Each bucket is 10 % wider than the one before, so a quantile is off by 5 % at most. Bucket 0 is up to 1 ms. */
const GROWTH = Math.log(1.1);
/** Ends after 3,650 days, as long as any event is kept: retries go on for a day, and a dead letter may be delivered as long as it is there. */
export const LAST_BUCKET = 278;

export const latencyBucket = (ms: Millis): number =>
  ms <= 1 ? 0 : Math.min(LAST_BUCKET, Math.ceil(Math.log(ms) / GROWTH - 1e-9));

/** The value that stands for a bucket, in ms: the geometric middle of its bounds. */
const bucketValue = (bucket: number): number => (bucket === 0 ? 1 : Math.exp((bucket - 0.5) * GROWTH));

/**
 * @param counts by bucket
 * @param qs in (0, 1], ascending
 * @returns for each of them milliseconds rounded to 0.1, or null when nothing was measured
 */
export function quantiles(counts: ReadonlyMap<number, number>, qs: readonly number[]): (number | null)[] {
  if (counts.size === 0) return qs.map(() => null);
  const buckets = [...counts.keys()].sort((a, b) => a - b);
  let total = 0;
  for (const count of counts.values()) total += count;
  let i = 0;
  let seen = counts.get(buckets[0]!)!;
  return qs.map((q) => {
    const rank = Math.ceil(total * q);
    while (seen < rank) seen += counts.get(buckets[++i]!)!;
    return Math.round(bucketValue(buckets[i]!) * 10) / 10;
  });
}

/** The upper bound of a bucket in ms, as answers tell it. */
export const bucketUpper = (bucket: number): number =>
  bucket === 0 ? 1 : Math.round(Math.exp(bucket * GROWTH) * 10) / 10;

export const countIn = (counts: Map<number, number>, bucket: number, n: number): void =>
  void counts.set(bucket, (counts.get(bucket) ?? 0) + n);
