/** A bucket of units that fills at a rate: units taken beyond its level are a debt. */
export interface Bucket {
  level: number;
  /** When it was last looked at, milliseconds. */
  at: number;
}

/** Fills a bucket up to now. @param perSecond units @param most units that it holds @param now milliseconds */
export function fill(bucket: Bucket, perSecond: number, most: number, now: number): void {
  bucket.level = Math.min(most, bucket.level + ((now - bucket.at) / 1_000) * perSecond);
  bucket.at = now;
}
