/** A histogram of milliseconds with buckets 5 % apart, from 0.1 ms to an hour: percentiles within 2.5 %. */
const GROWTH = 1.05;
const LOWEST = 0.1;
const BUCKETS = 360;

export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  count = 0;
  max = 0;

  add(ms: number): void {
    const bucket = ms <= LOWEST ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / LOWEST) / Math.log(GROWTH)));
    this.#counts[bucket]! += 1;
    this.count += 1;
    if (ms > this.max) this.max = ms;
  }

  clear(): void {
    this.#counts.fill(0);
    this.count = 0;
    this.max = 0;
  }

  /** The value that a share `q` (0 to 1) of all values do not exceed; 0 when there are none. */
  percentile(q: number): number {
    let left = Math.ceil(this.count * q);
    if (left === 0) return 0;
    for (let i = 0; i < BUCKETS; i += 1) {
      left -= this.#counts[i]!;
      if (left <= 0) return Math.min(this.max, LOWEST * GROWTH ** i);
    }
    return this.max;
  }
}
