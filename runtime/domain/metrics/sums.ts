import type { Millis } from "../time.ts";
import { countIn, latencyBucket } from "../usage/histogram.ts";

/** The counts of a set of facts: everything that a measure is made of, so that sums of sums answer as one would. */

/** How long counters are kept, in days: minutes answer "just now", hours answer "last year". Days are kept for ever, or as the customer says. */
export const KEPT_DAYS = { minute: 35, hour: 400 } as const;

/**
 * Counters of a row of facts. `pairs` are events times the subscriptions that matched them, where they stand when they were
 * received; `pairs_…` say what has become of them since. `attempts` are posts; what follows them, events times subscriptions.
 */
export const counters = [
  "requests",
  "events",
  "bytes",
  "refused",
  "matched",
  "unmatched",
  "pairs",
  "pairs_delivered",
  "pairs_failed",
  "pairs_dead_lettered",
  "pairs_cancelled",
  "attempts",
  "attempts_failed",
  "delivered",
  "failed",
  "dead_lettered",
  "replayed",
] as const;
export type Counter = (typeof counters)[number];

export const histograms = ["accept", "delivery", "attempt"] as const;
export type HistogramName = (typeof histograms)[number];

/** Counts by bucket of a latency (`histogram.ts`). */
export type Histogram = Map<number, number>;

export interface Sums {
  readonly counts: Partial<Record<Counter, number>>;
  readonly latencies: Partial<Record<HistogramName, Histogram>>;
  /** Events accepted by second, seconds since the epoch: while what was counted at the same time is being added up. */
  seconds?: Map<number, number>;
  /** Events of the busiest second. */
  peak: number;
}

export const noSums = (): Sums => ({ counts: {}, latencies: {}, peak: 0 });

export function count(sums: Sums, counter: Counter, n: number): void {
  if (n !== 0) sums.counts[counter] = (sums.counts[counter] ?? 0) + n;
}

/** @param n how often it was measured */
export function measure(sums: Sums, name: HistogramName, ms: Millis, n = 1): void {
  sums.latencies[name] ??= new Map();
  countIn(sums.latencies[name], latencyBucket(ms), n);
}

/** Adds one to another: values of a second are added second by second. Peaks are of different times, so the higher one stays. */
export function addSums(into: Sums, more: Sums): void {
  for (const name in more.counts) count(into, name as Counter, more.counts[name as Counter]!);
  for (const name in more.latencies) {
    const from = more.latencies[name as HistogramName]!;
    into.latencies[name as HistogramName] ??= new Map();
    const to = into.latencies[name as HistogramName]!;
    for (const [bucket, n] of from) countIn(to, bucket, n);
  }
  if (more.seconds !== undefined) {
    into.seconds ??= new Map();
    for (const [second, n] of more.seconds) countIn(into.seconds, second, n);
  }
  if (more.peak > into.peak) into.peak = more.peak;
}
