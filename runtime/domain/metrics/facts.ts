import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { DeliveryStatus } from "../event.ts";
import type { Tenant } from "../identity/identity.ts";
import { secondsOf } from "../time.ts";
import type { UsageFact } from "../usage/fact.ts";
import type { Dims } from "./answer.ts";
import { type Dimension, type ErrorClass, errorClasses, OTHER } from "./names.ts";
import {
  addSums,
  type Counter,
  count,
  counters,
  type HistogramName,
  histograms,
  measure,
  noSums,
  type Sums,
} from "./sums.ts";

/**
 * Facts as they are counted: rows of sums, by what they are about.
 *
 * A fact counts in several grains at once: in all, by its type, by its key, by its subscription (each by status and error where it
 * has them), and in the joint grain, by all of them together. What is refused counts by its key and reason instead. A query reads the
 * one grain that knows all it names, so nothing counts twice in an answer. docs/decisions/metrics.md says why.
 */

export const grains = ["total", "type", "key", "subscription", "refusal", "joint"] as const;
export type Grain = (typeof grains)[number];

/** Rows of sums by key, as `rowKey` writes them. */
export type Rows = Map<string, Sums>;

const GRAIN_LETTER: Readonly<Record<Grain, string>> = {
  total: "o",
  type: "t",
  key: "k",
  subscription: "s",
  refusal: "r",
  joint: "j",
};
const grainOfLetter = new Map(grains.map((grain) => [GRAIN_LETTER[grain], grain]));

/** Only attempts have one: what they were to their delivery. */
const STATUS_LETTER: Partial<Record<DeliveryStatus, string>> = { delivered: "d", failed: "f", dead_lettered: "x" };
const statusOfLetter = new Map(
  (Object.entries(STATUS_LETTER) as [DeliveryStatus, string][]).map(([status, letter]) => [letter, status]),
);
const NONE = "-";
const errorLetter = (error: ErrorClass | null | undefined): string =>
  error === undefined || error === null ? NONE : String.fromCharCode(97 + errorClasses.indexOf(error));
const errorOfLetter = (letter: string): ErrorClass | null =>
  letter === NONE ? null : (errorClasses[letter.charCodeAt(0) - 97] ?? null);

/** Joint keys of a customer and hour; what comes beyond counts under `(other)`. */
export const MAX_JOINT_KEYS = 1_000;

/** Ids hold no line feed; a type may, so it stands last, and so does the reason of a refusal. `""` is none. */
const rowKey = (grain: Grain, outcome: string, subscription: string, key: string, last: string): string =>
  `${GRAIN_LETTER[grain]}${outcome}${subscription}\n${key}\n${last}`;

const NO_OUTCOME = NONE + NONE;
export const otherKey = (key: string): string => `${key.slice(0, 3)}${OTHER}\n${OTHER}\n${OTHER}`;
/** Whether a key stands for joint keys that are no longer told apart. */
export const isOthersKey = (key: string): boolean => isJointKey(key) && key === otherKey(key);
export const isJointKey = (key: string): boolean => key.startsWith(GRAIN_LETTER.joint);

export const grainOf = (key: string): Grain => grainOfLetter.get(key[0]!)!;

/**
 * An event type as metrics name it: one that reads like the name of all others has a backslash before it. No two types share a name.
 * @example `(other)` is shown as `\(other)`, and `\(other)` as `\\(other)`
 */
const typeName = (type: string): string => (type.endsWith(OTHER) && /^\\*\(other\)$/.test(type) ? `\\${type}` : type);

/** The event type of a row as it was sent, `""` for none. */
export const typeIn = (key: string): string => key.slice(key.indexOf("\n", key.indexOf("\n") + 1) + 1);

/** What a row is about, by the names that metrics show. */
export function dimsOf(key: string): Dims {
  const first = key.indexOf("\n");
  const second = key.indexOf("\n", first + 1);
  const last = key.slice(second + 1);
  return {
    status: statusOfLetter.get(key[1]!) ?? null,
    error: errorOfLetter(key[2]!),
    subscription_id: key.slice(3, first) || null,
    key_id: key.slice(first + 1, second) || null,
    ...(grainOf(key) === "refusal"
      ? { event_type: null, reason: last }
      : { event_type: isOthersKey(key) ? OTHER : typeName(last) || null }),
  };
}

/** The grain that knows all that a query names. */
export function grainFor(named: readonly Dimension[]): Grain {
  const ids = named.filter((dimension) => dimension !== "status" && dimension !== "error");
  const only = (...some: Dimension[]) => ids.every((dimension) => some.includes(dimension));
  if (ids.length === 0) return "total";
  if (ids.includes("reason")) return "refusal";
  if (only("event_type")) return "type";
  if (only("key_id")) return "key";
  return only("subscription_id", "workflow_id") ? "subscription" : "joint";
}

// ---- counting ------------------------------------------------------------------------------------------------------

/** Gives the row of a key; where there are too many it may be that of others. */
export type RowOf = (key: string) => Sums;

export const rowIn = (rows: Rows, key: string): Sums => {
  let sums = rows.get(key);
  if (sums === undefined) {
    sums = noSums();
    rows.set(key, sums);
  }
  return sums;
};

/** Hours for which a writer remembers which joint keys it has counted under. */
const HOURS_REMEMBERED = 500;

/**
 * For one writer: gives rows of a tenant's hour, and those of `(other)` once the hour has as many joint keys as it may.
 * @returns the rows of a tenant, an hour (whole hours since the epoch) and a minute of it
 */
export function boundedRows(): (tenant: Tenant, hour: number, rows: Rows) => RowOf {
  const known = new Map<string, Set<string>>();
  return (tenant, hour, rows) => {
    const id = `${tenant} ${hour}`;
    let keys = known.get(id);
    if (keys === undefined) {
      keys = new Set();
      known.set(id, keys);
      if (known.size > HOURS_REMEMBERED) known.delete(known.keys().next().value!);
    }
    return (key) => {
      if (!isJointKey(key) || keys.has(key)) return rowIn(rows, key);
      if (keys.size >= MAX_JOINT_KEYS) return rowIn(rows, otherKey(key));
      keys.add(key);
      return rowIn(rows, key);
    };
  };
}

/** Adds a fact to the rows that it counts in. */
export function tallyRows(row: RowOf, fact: UsageFact): void {
  if (fact.kind === "accepted") tallyAccepted(row, fact);
  else if (fact.kind === "attempted") tallyAttempt(row, fact);
  else if (fact.kind === "moved") tallyMoved(row, fact);
  else if (isRefusal(fact))
    for (const sums of [
      row(rowKey("total", NO_OUTCOME, "", "", "")),
      row(rowKey("key", NO_OUTCOME, "", fact.key_id, "")),
      row(rowKey("refusal", NO_OUTCOME, "", fact.key_id, fact.outcome)),
    ])
      count(sums, "refused", fact.requests);
}

/** Outcomes of `POST /events` that are neither 4xx nor 503: a test holds them to the error catalog. */
const NOT_REFUSED: ReadonlySet<string> = new Set(["ok", "replayed", "internal"]);

/** What a caller has to mend, or to try again. */
const isRefusal = ({ call, outcome }: Extract<UsageFact, { kind: "called" }>): boolean =>
  call === "POST /events" && !NOT_REFUSED.has(outcome);

interface OfType {
  readonly type: string;
  events: number;
  bytes: number;
  matched: number;
}

function tallyAccepted(row: RowOf, fact: Extract<UsageFact, { kind: "accepted" }>): void {
  const { events, key_id, at, accept_ms } = fact;
  const requests = fact.rest === undefined ? 1 : 0;
  const lists = Object.entries(fact.matched ?? {});
  const matched = new Uint8Array(events.length);
  for (const [, offsets] of lists) for (const offset of offsets) matched[offset] = 1;
  // Most requests are of one type: the one before is asked first.
  const types = new Map<string, OfType>();
  const typeAt: OfType[] = [];
  const all: OfType = { type: "", events: 0, bytes: 0, matched: 0 };
  let last: OfType | undefined;
  for (const [offset, { type, bytes }] of events.entries()) {
    const name = type ?? "";
    if (last?.type !== name) {
      last = types.get(name);
      if (last === undefined) {
        last = { type: name, events: 0, bytes: 0, matched: 0 };
        types.set(name, last);
      }
    }
    typeAt.push(last);
    const hit = matched[offset]!;
    last.events += 1;
    last.bytes += bytes;
    last.matched += hit;
    all.bytes += bytes;
    all.matched += hit;
  }
  all.events = events.length;
  const take = (sums: Sums, own: OfType) => {
    count(sums, "requests", requests);
    count(sums, "events", own.events);
    count(sums, "bytes", own.bytes);
    count(sums, "matched", own.matched);
    count(sums, "unmatched", own.events - own.matched);
    if (accept_ms !== undefined) measure(sums, "accept", accept_ms);
  };
  const second = secondsOf(at);
  const ofAll = [row(rowKey("total", NO_OUTCOME, "", "", "")), row(rowKey("key", NO_OUTCOME, "", key_id, ""))];
  for (const sums of ofAll) {
    take(sums, all);
    if (fact.recounted === true) continue;
    sums.seconds ??= new Map();
    sums.seconds.set(second, (sums.seconds.get(second) ?? 0) + events.length);
  }
  for (const own of types.values()) {
    take(row(rowKey("type", NO_OUTCOME, "", "", own.type)), own);
    take(row(rowKey("joint", NO_OUTCOME, "", key_id, own.type)), own);
  }
  for (const [id, offsets] of lists) {
    for (const sums of ofAll) count(sums, "pairs", offsets.length);
    count(row(rowKey("subscription", NO_OUTCOME, id, "", "")), "pairs", offsets.length);
    for (const [name, pairs] of countBy(offsets, typeAt, types.size)) {
      count(row(rowKey("type", NO_OUTCOME, "", "", name)), "pairs", pairs);
      count(row(rowKey("joint", NO_OUTCOME, id, key_id, name)), "pairs", pairs);
    }
  }
}

/** @param types how many there are among all events */
function countBy(offsets: readonly number[], typeAt: readonly OfType[], types: number): Iterable<[string, number]> {
  if (types === 1) return [[typeAt[0]!.type, offsets.length]];
  const found = new Map<string, number>();
  for (const offset of offsets) {
    const { type } = typeAt[offset]!;
    found.set(type, (found.get(type) ?? 0) + 1);
  }
  return found;
}

type AttemptFact = Extract<UsageFact, { kind: "attempted" }>;

function tallyAttempt(row: RowOf, fact: AttemptFact): void {
  const { outcome, subscription_id: id, latency_ms, parts } = fact;
  const error = fact.error ?? null;
  const letters = (outcome === null ? NONE : STATUS_LETTER[outcome]!) + errorLetter(error);
  const rows = new Map<string, Sums>();
  /** A post counts once in each row, however many of its events do. */
  const touch = (key: string): Sums => {
    let sums = rows.get(key);
    if (sums === undefined) {
      sums = row(key);
      rows.set(key, sums);
      count(sums, "attempts", 1);
      if (error !== null) count(sums, "attempts_failed", 1);
      measure(sums, "attempt", latency_ms);
    }
    return sums;
  };
  for (const { types, key_id = "", first_success_ms, replayed } of parts) {
    const take = (key: string, events: number) => {
      const sums = touch(key);
      if (outcome !== null) count(sums, outcome, events);
      if (replayed === true) count(sums, "replayed", events);
      if (first_success_ms !== undefined) measure(sums, "delivery", first_success_ms, events);
    };
    eachRow(letters, id, key_id, types, take);
  }
}

/** Gives `take` each row in which events of one delivery and one key count, and how many of them count there. */
function eachRow(
  letters: string,
  id: string,
  key_id: string,
  types: readonly (string | null)[],
  take: (key: string, events: number) => void,
): void {
  take(rowKey("total", letters, "", "", ""), types.length);
  take(rowKey("subscription", letters, id, "", ""), types.length);
  take(rowKey("key", letters, "", key_id, ""), types.length);
  for (const [name, events] of byType(types)) {
    take(rowKey("type", letters, "", "", name), events);
    take(rowKey("joint", letters, id, key_id, name), events);
  }
}

function byType(types: readonly (string | null)[]): Iterable<[string, number]> {
  const [first] = types;
  if (types.every((type) => type === first)) return types.length === 0 ? [] : [[first ?? "", types.length]];
  const found = new Map<string, number>();
  for (const type of types) found.set(type ?? "", (found.get(type ?? "") ?? 0) + 1);
  return found;
}

const STANDING: Partial<Record<DeliveryStatus, Counter>> = {
  delivered: "pairs_delivered",
  failed: "pairs_failed",
  dead_lettered: "pairs_dead_lettered",
  cancelled: "pairs_cancelled",
};

function tallyMoved(row: RowOf, fact: Extract<UsageFact, { kind: "moved" }>): void {
  const { subscription_id: id, key_id = "", types, from, to } = fact;
  const [left, reached] = [STANDING[from], STANDING[to]];
  eachRow(NO_OUTCOME, id, key_id, types, (key, events) => {
    const sums = row(key);
    if (left !== undefined) count(sums, left, -events);
    if (reached !== undefined) count(sums, reached, events);
  });
}

// ---- adding up -----------------------------------------------------------------------------------------------------

/** The busiest second of rows of one minute that all writers have been added up for. */
export function settleSeconds(rows: Rows): void {
  for (const sums of rows.values()) {
    if (sums.seconds === undefined) continue;
    for (const n of sums.seconds.values()) if (n > sums.peak) sums.peak = n;
    delete sums.seconds;
  }
}

/** Adds rows to others, second by second where both are of one minute. */
export function addRows(into: Rows, more: Rows): void {
  for (const [key, sums] of more) addSums(rowIn(into, key), sums);
}

/**
 * Counts all joint rows but the busiest under `(other)`, so that a customer's hour has no more than it may.
 * The same rows give the same result, in any order.
 */
export function boundJoint(rows: Rows): Rows {
  const joint = [...rows.keys()].filter(isJointKey);
  if (joint.length <= MAX_JOINT_KEYS) return rows;
  const weight = (key: string) => {
    const { counts } = rows.get(key)!;
    return (counts.events ?? 0) + (counts.pairs ?? 0) + (counts.attempts ?? 0);
  };
  joint.sort((a, b) => weight(b) - weight(a) || (a < b ? -1 : 1));
  const bounded: Rows = new Map(rows);
  for (const key of joint.slice(MAX_JOINT_KEYS)) {
    bounded.delete(key);
    addSums(rowIn(bounded, otherKey(key)), rows.get(key)!);
  }
  return bounded;
}

// ---- the packed form -----------------------------------------------------------------------------------------------

/** A row as it is packed: its key, counters by place, histograms, seconds (those of the minute), peak; what is empty at the end is left out. */
type Packed = [key: string, ...parts: (number[] | number)[]];

const flat = (pairs: Iterable<readonly [number, number]>): number[] => [...pairs].flat();

function packedOf(key: string, { counts, latencies, seconds, peak }: Sums): Packed {
  const parts: (number[] | number)[] = [
    counters.flatMap((counter, place) => {
      const n = counts[counter];
      return n === undefined || n === 0 ? [] : [place, n];
    }),
    ...histograms.map((name) => flat(latencies[name] ?? [])),
    flat(seconds ?? []),
    peak,
  ];
  while (parts.length > 0 && (parts.at(-1) === 0 || (parts.at(-1) as number[]).length === 0)) parts.pop();
  return [key, ...parts];
}

/** Rows as bytes: JSON in zstd, about 20 bytes a row. */
export const packRows = (rows: Rows): Buffer =>
  zstdCompressSync(JSON.stringify([...rows].map(([key, sums]) => packedOf(key, sums))), {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  });

/**
 * Hands over the rows of packed bytes.
 * @param wanted asked by key, so that only wanted rows are made
 * @param latencies wanted latencies: making them is most of the work
 */
export function unpackRows(
  bytes: Uint8Array,
  take: (key: string, sums: Sums) => void,
  wanted?: (key: string) => boolean,
  latencies: readonly HistogramName[] = histograms,
) {
  const packed = JSON.parse(zstdDecompressSync(bytes).toString("utf8")) as Packed[];
  for (const [key, counted = [], ...rest] of packed) {
    if (wanted?.(key) === false) continue;
    const sums = noSums();
    eachPair(counted as number[], (place, n) => count(sums, counters[place]!, n));
    for (const [i, name] of histograms.entries()) {
      const pairs = (rest[i] ?? []) as number[];
      if (pairs.length === 0 || !latencies.includes(name)) continue;
      const histogram = new Map<number, number>();
      eachPair(pairs, (bucket, n) => histogram.set(bucket, n));
      sums.latencies[name] = histogram;
    }
    const seconds = (rest[histograms.length] ?? []) as number[];
    if (seconds.length > 0) {
      sums.seconds = new Map();
      eachPair(seconds, (second, n) => sums.seconds!.set(second, n));
    }
    sums.peak = (rest[histograms.length + 1] as number | undefined) ?? 0;
    take(key, sums);
  }
}

function eachPair(pairs: readonly number[], take: (a: number, b: number) => void): void {
  for (let i = 0; i < pairs.length; i += 2) take(pairs[i]!, pairs[i + 1]!);
}
