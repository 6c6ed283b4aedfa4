import type { DeliveryStatus } from "../event.ts";
import { type Millis, rfc3339 } from "../time.ts";
import { type Dimension, type ErrorClass, OTHER } from "./names.ts";
import { dimensionsIn, type MetricsQuery } from "./query.ts";
import type { Range, Span } from "./range.ts";
import { addSums, type Counter, count, noSums, type Sums } from "./sums.ts";
import { readingsOf, tells, type Value, valuesOf } from "./values.ts";

/**
 * From rows of facts to the answer of a query: filtered, put into series and points, ranked, the rest folded.
 *
 * Invariant: each series is the sum of its rows, the one named `(other)` too, so that counts of all series add up to those of
 * the rows, and rates and quantiles are those of the facts, never means of means.
 */

/** What a row of facts is about; undefined or null where it is about no such thing. */
export interface Dims {
  readonly event_type?: string | null;
  readonly subscription_id?: string | null;
  readonly key_id?: string | null;
  readonly status?: DeliveryStatus | null;
  readonly error?: ErrorClass | null;
  /** The error code that refused requests were answered with. */
  readonly reason?: string | null;
}

export type Key = Partial<Record<Dimension, string | null>>;

export interface Point {
  readonly start: string;
  readonly partial?: true;
  readonly [measure: string]: Value | string | true | undefined;
}
export interface Series {
  readonly key: Key;
  readonly points: readonly Point[];
  readonly totals: Readonly<Record<string, Value>>;
}
export interface MetricsAnswer {
  readonly from: string;
  readonly to: string;
  readonly interval: Range["interval"];
  readonly time_zone: string;
  /** What happened before is counted. */
  readonly complete_until: string;
  readonly series: readonly Series[];
  readonly totals: Readonly<Record<string, Value>>;
  /** Members of the series `(other)`. */
  readonly folded: number;
  readonly compare?: Pick<MetricsAnswer, "from" | "to" | "series" | "totals">;
}

export interface AnswerContext {
  /** Events a second that the customer may send. */
  readonly limit: number;
  /** Milliseconds: what happened before is counted. */
  readonly completeUntil: Millis;
  /** The workflow that each subscription belongs to now. */
  workflowOf(subscriptionId: string): string | null;
}

/** Takes a row of facts that happened in a minute, or another time that lies within one point. @param at milliseconds */
export type Take = (at: Millis, dims: Dims, sums: Sums) => void;

interface Gathered {
  readonly key: Key;
  /** By place of the point. */
  readonly points: Map<number, Sums>;
}

/** Of all points together. */
function totalOf({ points }: Gathered): Sums {
  const total = noSums();
  for (const sums of points.values()) addSums(total, sums);
  return total;
}

/** The place of the point that a time lies in. @param starts ascending, the first not after the time */
export function placeOf(starts: readonly number[], at: Millis): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What has become of the deliveries that a row counts when they began, by their status. */
const standing: readonly (readonly [Counter, DeliveryStatus])[] = [
  ["pairs_delivered", "delivered"],
  ["pairs_failed", "failed"],
  ["pairs_dead_lettered", "dead_lettered"],
  ["pairs_cancelled", "cancelled"],
];

/** The counters that an answer is made of: rows of the query need no others. */
export function countersOf(query: MetricsQuery): Counter[] {
  const read = readingsOf(query, 1).flatMap(({ applies, counters }) => (applies ? counters : []));
  const pairs = dimensionsIn(query).includes("status") && read.includes("pairs");
  return [...new Set([...read, ...(pairs ? standing.map(([counter]) => counter) : [])])];
}

/**
 * A row of pairs, told apart by what they are now: what is nothing else is pending. Who counts them and who counts what becomes of them are
 * two, and either may be late, or lost until an hour is counted again: so each number is zero at least, and what became of a pair is
 * told though the pair itself isn't counted yet.
 */
function byStatus(dims: Dims, sums: Sums): [Dims, Sums][] {
  const rows: [Dims, Sums][] = [];
  let pending = sums.counts.pairs ?? 0;
  for (const [counter, status] of standing) {
    const n = Math.max(0, sums.counts[counter] ?? 0);
    pending -= n;
    if (n === 0) continue;
    const row = noSums();
    count(row, "pairs", n);
    rows.push([{ ...dims, status }, row]);
  }
  const left = noSums();
  count(left, "pairs", pending);
  if (pending > 0) rows.push([{ ...dims, status: "pending" }, left]);
  return rows;
}

/** Gathers the rows of one span. */
export class Gathering {
  readonly #query: MetricsQuery;
  readonly #span: Span;
  readonly #context: AnswerContext;
  readonly #readings;
  readonly #filters: readonly (readonly [Dimension, ReadonlySet<string | null>])[];
  readonly #tellsStatus: boolean;
  readonly #othersId: string;
  readonly series = new Map<string, Gathered>();
  /** Ids of series by the one value that they are for: a row finds its series without making a text. */
  readonly #ids = new Map<string | null, string>();
  readonly #ungrouped: Gathered = { key: {}, points: new Map() };

  constructor(query: MetricsQuery, span: Span, context: AnswerContext) {
    this.#query = query;
    this.#span = span;
    this.#context = context;
    this.#readings = readingsOf(query, context.limit);
    const named = dimensionsIn(query);
    this.#othersId = JSON.stringify(query.group_by.map(() => OTHER));
    this.#tellsStatus = named.includes("status");
    this.#filters = named.flatMap((dimension) => {
      const wanted = query.filter[dimension];
      return wanted === undefined ? [] : [[dimension, new Set<string | null>(wanted)] as const];
    });
  }

  readonly take: Take = (at, dims, sums) => {
    if (at < this.#span.from || at >= this.#span.to) return;
    if (!this.#tellsStatus || (dims.status ?? null) !== null) this.#add(at, dims, sums);
    else for (const [row, own] of byStatus(dims, sums)) this.#add(at, row, own);
  };

  #add(at: Millis, dims: Dims, sums: Sums): void {
    if (!tells(this.#readings, sums)) return;
    for (const [dimension, wanted] of this.#filters) if (!wanted.has(this.#valueOf(dims, dimension))) return;
    const place = placeOf(this.#span.starts, at);
    const { group_by } = this.#query;
    // A row is added once, to its series; what all come to is added up from the series.
    if (group_by.length === 0) this.#into(this.#ungrouped, place, sums);
    else this.#into(this.#seriesFor(dims), place, sums);
  }

  #seriesFor(dims: Dims): Gathered {
    const { group_by } = this.#query;
    const values = group_by.map((dimension) => this.#valueOf(dims, dimension));
    const [first = null] = values;
    const known = values.length === 1 ? this.#ids.get(first) : undefined;
    const id = known ?? JSON.stringify(values);
    if (known === undefined && values.length === 1) this.#ids.set(first, id);
    let gathered = this.series.get(id);
    if (gathered === undefined) {
      const key = Object.fromEntries(group_by.map((dimension, i) => [dimension, values[i]!])) as Key;
      gathered = { key, points: new Map() };
      this.series.set(id, gathered);
    }
    return gathered;
  }

  /** The sums of all rows, in all series. */
  get all(): Gathered {
    if (this.#query.group_by.length === 0) return this.#ungrouped;
    const all: Gathered = { key: {}, points: new Map() };
    for (const { points } of this.series.values()) for (const [place, sums] of points) this.#into(all, place, sums);
    return all;
  }

  #valueOf(dims: Dims, dimension: Dimension): string | null {
    if (dimension !== "workflow_id") return dims[dimension] ?? null;
    const id = dims.subscription_id ?? null;
    return id === null ? null : id === OTHER ? OTHER : this.#context.workflowOf(id);
  }

  #into({ points }: Gathered, place: number, sums: Sums): void {
    let point = points.get(place);
    if (point === undefined) {
      point = noSums();
      points.set(place, point);
    }
    addSums(point, sums);
  }

  /** Whether something is counted under no name: there were too many. */
  get countsOthers(): boolean {
    return this.series.has(this.#othersId);
  }

  /** Ids of the series, the largest first. */
  ranked(): string[] {
    const { weigh } = this.#readings[0]!;
    return [...this.series]
      .filter(([id]) => id !== this.#othersId)
      .map(([id, gathered]) => ({ id, weight: weigh(totalOf(gathered)) }))
      .sort((a, b) => b.weight - a.weight || (a.id < b.id ? -1 : 1))
      .map(({ id }) => id);
  }

  /** The series of these ids, and all others as one. @param others whether that one is wanted though it may be empty */
  told(ids: readonly string[], others: boolean): Series[] {
    if (this.#query.group_by.length === 0) return [this.#seriesOf(this.all)];
    const named = new Set(ids);
    const none = (id: string): Gathered => {
      const values = JSON.parse(id) as (string | null)[];
      const key = Object.fromEntries(this.#query.group_by.map((dimension, i) => [dimension, values[i]!])) as Key;
      return { key, points: new Map() };
    };
    const told = ids.map((id) => this.#seriesOf(this.series.get(id) ?? none(id)));
    if (!others) return told;
    const key = Object.fromEntries(this.#query.group_by.map((dimension) => [dimension, OTHER])) as Key;
    const rest: Gathered = { key, points: new Map() };
    for (const [id, { points }] of this.series)
      if (!named.has(id)) for (const [place, sums] of points) this.#into(rest, place, sums);
    return [...told, this.#seriesOf(rest)];
  }

  totals(): Record<string, Value> {
    return valuesOf(this.#readings, totalOf(this.all));
  }

  #seriesOf(gathered: Gathered): Series {
    const { key, points } = gathered;
    const { starts, to } = this.#span;
    const nothing = valuesOf(this.#readings, noSums());
    return {
      key,
      points: starts.map((start, place) => {
        const sums = points.get(place);
        const end = starts[place + 1] ?? to;
        const partial = end > this.#context.completeUntil ? { partial: true as const } : {};
        return {
          start: rfc3339(start),
          ...(sums === undefined ? nothing : valuesOf(this.#readings, sums)),
          ...partial,
        };
      }),
      totals: valuesOf(this.#readings, totalOf(gathered)),
    };
  }
}

/** The answer from what was gathered of the range, and of the one to compare with. */
export function answerOf(
  query: MetricsQuery,
  range: Range,
  { completeUntil }: AnswerContext,
  now: Gathering,
  before?: Gathering,
): MetricsAnswer {
  const ranked = now.ranked();
  const folded = Math.max(0, ranked.length - range.top);
  const shown = ranked.slice(0, range.top);
  const earlier = range.compare;
  return {
    from: rfc3339(range.from),
    to: rfc3339(range.to),
    interval: range.interval,
    time_zone: query.time_zone,
    complete_until: rfc3339(completeUntil),
    series: now.told(shown, folded > 0 || now.countsOthers),
    totals: now.totals(),
    folded,
    ...(before === undefined || earlier === undefined
      ? {}
      : {
          compare: {
            from: rfc3339(earlier.from),
            to: rfc3339(earlier.to),
            // The same series, so that each has what to be compared with.
            series: before.told(
              shown,
              folded > 0 || before.countsOthers || before.ranked().some((id) => !shown.includes(id)),
            ),
            totals: before.totals(),
          },
        }),
  };
}
