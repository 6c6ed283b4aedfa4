import { getItems, queryAll as queryTable } from "../aws/tables.ts";
import { defined } from "../domain/defined.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { type AnswerContext, answerOf, Gathering, type MetricsAnswer, type Take } from "../domain/metrics/answer.ts";
import type { CubeRequest } from "../domain/metrics/cube.ts";
import { dimsOf, type Grain, grainFor, grainOf } from "../domain/metrics/facts.ts";
import {
  type DayForm,
  dayForms,
  dayStart,
  daysPartition,
  hourKey,
  hourStart,
  hoursPartition,
  isWholeDay,
  isWholeQuarter,
  minuteOf,
  PAGES,
  quartersOf,
  readHour,
  rowsByMinute,
  type StoredGrain,
} from "../domain/metrics/hours.ts";
import { dimensionsIn, type Interval, type MetricsQuery } from "../domain/metrics/query.ts";
import { rangeOf, type Span } from "../domain/metrics/range.ts";
import { type HistogramName, KEPT_DAYS, type Sums } from "../domain/metrics/sums.ts";
import { histogramsOf } from "../domain/metrics/values.ts";
import { DAY_MS, type Millis } from "../domain/time.ts";
import { ROWS } from "../domain/usage/counters.ts";
import { LATE_PARTITION, minuteShards } from "../domain/usage/usage.ts";
import {
  type CounterItem,
  type CounterReader,
  projectionOf,
  queryAll,
  rangesOf,
  segmentsOf,
  type TimeRange,
  UNIT_MS,
  UNROLLED_MS,
} from "./read.ts";

/** Answering queries of the metrics: the one way to them, for the API, alerts and reports alike. */

/** Rows of the cube that a query needs. */
export interface CubeRows {
  readonly grain: Grain;
  readonly ranges: readonly TimeRange[];
  readonly query: MetricsQuery;
  /** The points that rows are added up into. */
  readonly span: Span;
}

/** Rows of whole hours from the cube, where joint and old ones are: one for each point and what the query tells apart. */
export type ReadCube = (tenant: Tenant, rows: CubeRows, take: Take) => Promise<void>;

type MinuteItem = readonly [minute: number, item: CounterItem];

export interface MetricsReader extends CounterReader {
  /** The workflow that each subscription of a tenant belongs to now, removed ones too. */
  workflows(tenant: Tenant): Promise<ReadonlyMap<string, string | null>>;
  /** Reads the cube, or has its function answer what needs it. */
  readonly cube: { readonly read: ReadCube } | { readonly ask: AskCube };
  /** Since when the oldest accepted event waits to be routed; it is not counted yet. Undefined where none waits. */
  waitingSince?(): Promise<Millis | undefined>;
  /** Minutes that were read before, by what was asked: where it is there, several questions about the same minutes read them once. */
  readonly minutesRead?: Map<string, Promise<readonly MinuteItem[]>>;
  /** Partitions in which a tenant's minutes can lie, where more is known of it than that there are shards. */
  minuteShards?(tenant: Tenant): readonly string[];
}

/** Answers a query where the cube is. */
export type AskCube = (request: Extract<CubeRequest, { op: "query" }>) => Promise<MetricsAnswer>;

/** Whose metrics. */
export interface Measured {
  readonly tenant: Tenant;
  /** Events a second that it may send. */
  readonly limit_per_second: number;
}

/** Milliseconds after which a fact is counted where nothing piles up: writers wait for three seconds at most. */
const COUNTED_AFTER_MS = 10_000;
/** Longest range that is read by the minute. */
const BY_MINUTE_MS = 6 * UNIT_MS.h;

/**
 * Answers a query from the counters.
 * @throws TriggersError `invalid_request` for a range that is impossible, makes too many points, or begins before the oldest kept numbers
 */
export async function queryMetrics(
  reader: MetricsReader,
  { tenant, limit_per_second }: Measured,
  query: MetricsQuery,
): Promise<MetricsAnswer> {
  const now = reader.now();
  const range = rangeOf(query, now);
  const [workflows, waiting] = await Promise.all([
    dimensionsIn(query).includes("workflow_id") ? reader.workflows(tenant) : undefined,
    reader.waitingSince?.(),
  ]);
  if (
    "ask" in reader.cube &&
    [range, range.compare].some((span) => span !== undefined && needsCube(query, range.interval, span, now))
  ) {
    const named = workflows === undefined ? undefined : [...workflows].filter(([, id]) => id !== null);
    const told = defined({ workflows: named as [string, string][] | undefined, waiting_since: waiting });
    return reader.cube.ask({ op: "query", tenant, limit_per_second, query, now, ...told });
  }
  const context: AnswerContext = {
    limit: limit_per_second,
    completeUntil: Math.min(now - COUNTED_AFTER_MS, waiting ?? now),
    workflowOf: (id) => workflows?.get(id) ?? null,
  };
  const gather = async (span: Span): Promise<Gathering> => {
    const gathering = new Gathering(query, span, context);
    await readRows(reader, tenant, { query, interval: range.interval, span }, gathering.take);
    return gathering;
  };
  const [gathered, before] = await Promise.all([
    gather(range),
    range.compare === undefined ? undefined : gather(range.compare),
  ]);
  return answerOf(query, range, context, gathered, before);
}

/** Whether a span is told by the minute alone. */
const isByMinute = (interval: Interval, { from, to }: TimeRange, now: Millis): boolean =>
  interval === "minute" || (Math.min(to, now) - from <= BY_MINUTE_MS && from >= keptSince("minute", now));

const keptSince = (what: keyof typeof KEPT_DAYS, now: Millis): number => hourStart(now - KEPT_DAYS[what] * DAY_MS);

const needsCube = (query: MetricsQuery, interval: Interval, span: Span, now: Millis): boolean =>
  !isByMinute(interval, span, now) &&
  (hourStart(span.from) < keptSince("hour", now) || grainFor(dimensionsIn(query)) === "joint");

/** The facts that a query is about, in points that the caller chooses, by the place of the point. A point without facts is left out. */
export async function sumsIn(
  reader: MetricsReader,
  { tenant, limit_per_second }: Measured,
  query: MetricsQuery,
  span: Span,
): Promise<ReadonlyMap<number, Sums>> {
  const workflows = dimensionsIn(query).includes("workflow_id") ? await reader.workflows(tenant) : undefined;
  const gathering = new Gathering(query, span, {
    limit: limit_per_second,
    completeUntil: span.to,
    workflowOf: (id) => workflows?.get(id) ?? null,
  });
  if (span.starts.length > 0) await readRows(reader, tenant, { query, interval: "hour", span }, gathering.take);
  return gathering.all.points;
}

/** Hands over the rows that a query needs, each with a time that lies within one point. */
async function readRows(
  reader: MetricsReader,
  tenant: Tenant,
  { query, interval, span }: { readonly query: MetricsQuery; readonly interval: Interval; readonly span: Span },
  take: Take,
): Promise<void> {
  const grain = grainFor(dimensionsIn(query));
  const now = reader.now();
  const to = Math.min(span.to, now + UNIT_MS.m);
  if (to <= span.from) return;
  if (isByMinute(interval, span, now)) return readMinutes(reader, tenant, grain, [{ from: span.from, to }], take);
  const minutesKept = keptSince("minute", now);
  const hoursKept = keptSince("hour", now);
  const [first, end] = [hourStart(span.from), hourStart(to - 1) + UNIT_MS.h];
  const split = Math.min(Math.max(first, hoursKept), end);
  const wanted: Wanted = { grain, latencies: histogramsOf(query), late: await lateHours(reader, tenant), take };
  const days = await readDays(reader, tenant, wanted, { ...span, to }, split);
  const { added, open } = await readHours(reader, tenant, wanted, rangesBetween(days, { from: split, to: end }));
  // What does not begin or end with a quarter is told by the minute, where there still are minutes.
  const edges = [span.from, to]
    .filter((edge) => !isWholeQuarter(edge) && edge < now && edge >= minutesKept)
    .map(hourStart);
  const byMinute = new Set([...open, ...edges]);
  for (const [hour, give] of added) if (!byMinute.has(hour)) give();
  const joint = grain === "joint" ? [...added.keys()].filter((hour) => !byMinute.has(hour)) : [];
  const old = split > first ? [{ from: first, to: split }] : [];
  const fromCube = [...old, ...rangesOf(joint.sort((a, b) => a - b))];
  await Promise.all([
    readMinutes(reader, tenant, grain, rangesOf([...byMinute].sort((a, b) => a - b)), take),
    fromCube.length === 0 ? undefined : readCube(reader, tenant, { grain, ranges: fromCube, query, span }, take),
  ]);
}

function readCube({ cube }: MetricsReader, ...asked: Parameters<ReadCube>): Promise<void> {
  if ("read" in cube) return cube.read(...asked);
  throw new Error("what needs the cube is answered by its function");
}

async function readMinutes(
  reader: MetricsReader,
  tenant: Tenant,
  grain: Grain,
  ranges: readonly TimeRange[],
  take: Take,
): Promise<void> {
  const queries = ranges.flatMap((range) => (reader.minuteShards ?? minuteShards)(tenant).map((pk) => ({ pk, range })));
  const asked = JSON.stringify(queries);
  const read = async () => {
    const items: MinuteItem[] = [];
    await queryAll(reader, queries, UNIT_MS.m, projectionOf([ROWS]), (start, item) => items.push([start, item]));
    return items;
  };
  const found = reader.minutesRead?.get(asked) ?? read();
  reader.minutesRead?.set(asked, found);
  for (const [minute, rows] of rowsByMinute(await found, (key) => grainOf(key) === grain))
    for (const [key, sums] of rows) take(minute, dimsOf(key), sums);
}

interface Wanted {
  readonly grain: Grain;
  readonly latencies: readonly HistogramName[];
  /** Hours whose minutes changed after they were added up. */
  readonly late: ReadonlySet<number>;
  readonly take: Take;
}

/** A shorter time than this, in all, is not worth a look of its own. */
const LEAST_MS = 2 * DAY_MS;

/** The pieces of days of UTC, from a time on, each of which lies in one point of a span. @param pieceMs a day or a part of one */
function wholePieces({ from, to, starts }: Span, pieceMs: Millis, since: Millis): number[] {
  const pieces: number[] = [];
  let place = 0;
  for (let piece = Math.ceil(Math.max(from, since) / pieceMs) * pieceMs; piece + pieceMs <= to; piece += pieceMs) {
    while (place < starts.length && starts[place]! <= piece) place += 1;
    if (place === starts.length || starts[place]! >= piece + pieceMs) pieces.push(piece);
  }
  return pieces;
}

/**
 * Hands over what of a span is kept by the day: whole days of UTC where a point holds them, and eighths of the days that lie in several points.
 * @returns what was handed over, ascending
 */
async function readDays(
  reader: MetricsReader,
  tenant: Tenant,
  wanted: Wanted,
  span: Span,
  since: Millis,
): Promise<TimeRange[]> {
  if (wanted.grain === "joint") return [];
  const [whole, eighths] = dayForms;
  const days = wholePieces(span, whole.pieceMs, since);
  const told = new Set(days);
  const parts = wholePieces(span, eighths.pieceMs, since).filter((piece) => !told.has(dayStart(piece)));
  const read = await Promise.all([
    readPieces(reader, tenant, wanted, whole, days),
    readPieces(reader, tenant, wanted, eighths, parts),
  ]);
  return read.flat().sort((a, b) => a.from - b.from);
}

/** Hands over the rows of those pieces whose day is added up and has no hour that is late. @param pieces ascending @returns these pieces */
async function readPieces(
  reader: MetricsReader,
  tenant: Tenant,
  { grain, latencies, late, take }: Wanted,
  form: DayForm,
  pieces: readonly number[],
): Promise<TimeRange[]> {
  const { pieceMs } = form;
  if (grain === "joint" || pieces.length * pieceMs < LEAST_MS) return [];
  const lateDays = new Set([...late].map(dayStart));
  const readable = Map.groupBy(
    pieces.filter((piece) => !lateDays.has(dayStart(piece))),
    dayStart,
  );
  const found = new Map<number, CounterItem[]>();
  const range = { from: dayStart(pieces[0]!), to: dayStart(pieces.at(-1)!) + DAY_MS };
  const days = [{ pk: daysPartition(tenant, form), range }];
  await queryAll(reader, days, DAY_MS, projectionOf([grain, PAGES]), (start, item) => {
    if (readable.has(start)) found.set(start, [...(found.get(start) ?? []), item]);
  });
  const read: number[] = [];
  for (const [day, items] of found) {
    if (!isWholeDay(items)) continue;
    const own = new Set(readable.get(day));
    const handOver: Parameters<typeof readHour>[3] = (at, key, sums) => {
      if (own.has(at)) take(at, dimsOf(key), sums);
    };
    for (const item of items) readHour(item, { begin: day, pieceMs }, grain satisfies StoredGrain, handOver, latencies);
    read.push(...own);
  }
  return read.map((from) => ({ from, to: from + pieceMs }));
}

/** What of a range lies beside these. @param parts ascending, all within it */
function rangesBetween(parts: readonly TimeRange[], { from, to }: TimeRange): TimeRange[] {
  const ends = [...parts.map((part) => part.from), to];
  const begins = [from, ...parts.map((part) => part.to)];
  return begins.map((begin, at) => ({ from: begin, to: ends[at]! })).filter((range) => range.from < range.to);
}

interface ReadHours {
  /** Hours that were added up, each with what hands its rows over. */
  readonly added: ReadonlyMap<number, () => void>;
  /** Hours that have to be read by the minute: not added up yet, or before all of their minutes were there. */
  readonly open: readonly number[];
}

/** More ranges than these are read hour by hour, many in one call. */
const FEW_RANGES = 8;

/** Hands over the items of hours, each with the hour's start. */
type EachHour = (
  reader: MetricsReader,
  tenant: Tenant,
  ranges: readonly TimeRange[],
  names: readonly string[],
  take: (start: number, item: CounterItem) => void,
) => Promise<void>;

const eachHour: EachHour = async (reader, tenant, ranges, names, take) => {
  const pk = hoursPartition(tenant);
  const segments = ranges.flatMap((range) => segmentsOf(range, UNIT_MS.h)).map((segment) => ({ pk, range: segment }));
  await queryAll(reader, segments, UNIT_MS.h, projectionOf(names), take);
};

/** The same, for a few hours here and there. */
const eachScatteredHour: EachHour = async (reader, tenant, ranges, names, take) => {
  const hours = ranges.flatMap(({ from, to }) =>
    Array.from({ length: (to - from) / UNIT_MS.h }, (_, at) => from + at * UNIT_MS.h),
  );
  const keys = hours.flatMap((hour) => [hourKey(tenant, hour, 0), hourKey(tenant, hour, 1)]);
  const found = await getItems(reader.counters, keys, "eventual", ["sk", ...names]);
  const byHour = Map.groupBy(found, minuteOf);
  // An hour of two pages may have more of them.
  const long = [...byHour].flatMap(([hour, items]) => (items.length === 1 ? [] : [hour]));
  for (const [hour, [item, second]] of byHour) if (second === undefined) take(hour, item!);
  await eachHour(reader, tenant, rangesOf(long.sort((a, b) => a - b)), names, take);
};

async function readHours(
  reader: MetricsReader,
  tenant: Tenant,
  { grain, latencies, late, take }: Wanted,
  ranges: readonly TimeRange[],
): Promise<ReadHours> {
  const items = new Map<number, CounterItem[]>();
  const collect = (start: number, item: CounterItem) => {
    items.set(start, [...(items.get(start) ?? []), item]);
  };
  const names = grain === "joint" ? [] : [grain];
  const each = ranges.length > FEW_RANGES ? eachScatteredHour : eachHour;
  await each(reader, tenant, ranges, names, collect);
  const within = (hour: number) => ranges.some(({ from, to }) => hour >= from && hour < to);
  const open = [...late].filter(within);
  const now = reader.now();
  for (const range of ranges)
    for (
      let hour = Math.max(range.from, hourStart(now - UNROLLED_MS));
      hour < range.to && hour <= now;
      hour += UNIT_MS.h
    )
      if (!late.has(hour) && !items.has(hour)) open.push(hour);
  const added = new Map<number, () => void>();
  for (const [hour, own] of items) {
    if (late.has(hour)) continue;
    added.set(hour, () => {
      if (grain === "joint") return;
      for (const item of own)
        readHour(
          item,
          quartersOf(hour),
          grain satisfies StoredGrain,
          (at, key, sums) => take(at, dimsOf(key), sums),
          latencies,
        );
    });
  }
  return { added, open };
}

/** Hours of a tenant whose minutes changed after they were added up. */
async function lateHours(reader: MetricsReader, tenant: Tenant): Promise<ReadonlySet<number>> {
  const items = await queryTable(reader.counters, {
    KeyConditionExpression: "pk = :pk AND begins_with(sk, :tenant)",
    ExpressionAttributeValues: { ":pk": { S: LATE_PARTITION }, ":tenant": { S: `${tenant}#` } },
    ProjectionExpression: "sk",
    consistency: "eventual",
  });
  return new Set(items.map(({ sk }) => minuteOf({ sk: { S: sk!.S!.slice(tenant.length + 1) } })));
}
