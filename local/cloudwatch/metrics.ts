/**
 * CloudWatch's metrics on one machine, by the minute, for the last hours. They live in memory: after a start they begin anew, as those
 * of a new account do.
 */
import { type Clock, systemClock } from "../clock.ts";

export type Dimensions = Readonly<Record<string, string>>;

export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Dimensions;
}

interface Minute {
  count: number;
  sum: number;
  least: number;
  most: number;
  /** Some of the values, for percentiles: as many as `SAMPLES` at most, each with the same chance to be among them. */
  readonly samples: number[];
}

const MINUTE_MS = 60_000;
const SAMPLES = 200;
/** The longest window of an alarm is six hours. */
const KEPT_MINUTES = 7 * 60;

const keyOf = ({ namespace, name, dimensions }: MetricId): string =>
  JSON.stringify([namespace, name, Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1))]);

/** How a resource tells a value that is looked at now and then, such as the depth of a queue; undefined while there is none. */
export type Gauge = () => number | undefined;

export class Metrics {
  readonly #minutes = new Map<string, Map<number, Minute>>();
  readonly #gauges: { readonly id: MetricId; readonly read: Gauge; sampledAt: number }[] = [];
  readonly #sources: (() => void)[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Adds one value. @param at milliseconds since the epoch */
  record(namespace: string, name: string, dimensions: Dimensions, value: number, at = this.#clock.now()): void {
    const key = keyOf({ namespace, name, dimensions });
    let minutes = this.#minutes.get(key);
    if (minutes === undefined) {
      minutes = new Map();
      this.#minutes.set(key, minutes);
    }
    const start = Math.floor(at / MINUTE_MS);
    const minute = minutes.get(start);
    if (minute === undefined) {
      minutes.set(start, { count: 1, sum: value, least: value, most: value, samples: [value] });
      for (const old of minutes.keys()) if (old < start - KEPT_MINUTES) minutes.delete(old);
      return;
    }
    minute.count += 1;
    minute.sum += value;
    minute.least = Math.min(minute.least, value);
    minute.most = Math.max(minute.most, value);
    if (minute.samples.length < SAMPLES) minute.samples.push(value);
    else {
      const at = Math.floor(Math.random() * minute.count);
      if (at < SAMPLES) minute.samples[at] = value;
    }
  }

  /** Has a value looked at once a minute, and whenever metrics are read. */
  gauge(namespace: string, name: string, dimensions: Dimensions, read: Gauge): void {
    this.#gauges.push({ id: { namespace, name, dimensions }, read, sampledAt: Number.NEGATIVE_INFINITY });
  }

  /** Has something called before metrics are read: it records what it has learnt since. */
  source(bringUpToDate: () => void): void {
    this.#sources.push(bringUpToDate);
  }

  /** Looks at every gauge that was not looked at in this minute. */
  sample(): void {
    for (const bringUpToDate of this.#sources) bringUpToDate();
    const now = this.#clock.now();
    for (const gauge of this.#gauges) {
      if (Math.floor(gauge.sampledAt / MINUTE_MS) === Math.floor(now / MINUTE_MS)) continue;
      gauge.sampledAt = now;
      const value = gauge.read();
      const { namespace, name, dimensions } = gauge.id;
      if (value !== undefined) this.record(namespace, name, dimensions, value, now);
    }
  }

  /**
   * One value a period, oldest first, undefined where nothing was published.
   * @param statistic `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount` or a percentile as `p95`
   * @param period seconds, a multiple of 60
   * @param from start of the first period, milliseconds since the epoch
   * @throws Error for another statistic
   */
  series(id: MetricId, statistic: string, period: number, from: number, periods: number): (number | undefined)[] {
    const minutes = this.#minutes.get(keyOf(id)) ?? new Map<number, Minute>();
    return Array.from({ length: periods }, (_, i) => {
      const first = Math.floor((from + i * period * 1_000) / MINUTE_MS);
      const within: Minute[] = [];
      for (let minute = first; minute < first + period / 60; minute += 1) {
        const found = minutes.get(minute);
        if (found !== undefined) within.push(found);
      }
      return within.length === 0 ? undefined : statisticOf(within, statistic);
    });
  }
}

function statisticOf(minutes: readonly Minute[], statistic: string): number {
  const total = (member: "count" | "sum") => minutes.reduce((sum, minute) => sum + minute[member], 0);
  switch (statistic) {
    case "Sum":
      return total("sum");
    case "SampleCount":
      return total("count");
    case "Average":
      return total("sum") / total("count");
    case "Minimum":
      return Math.min(...minutes.map(({ least }) => least));
    case "Maximum":
      return Math.max(...minutes.map(({ most }) => most));
  }
  const percentile = /^p(\d+(?:\.\d+)?)$/.exec(statistic)?.[1];
  if (percentile === undefined) throw new Error(`the local CloudWatch has no statistic "${statistic}"`);
  const samples = minutes.flatMap((minute) => minute.samples).sort((a, b) => a - b);
  const rank = Math.ceil((Number(percentile) / 100) * samples.length);
  return samples[Math.min(samples.length - 1, Math.max(0, rank - 1))]!;
}
