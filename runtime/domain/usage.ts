import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { accessMinute, type CallFact, callOf, tallyCall } from "./access.ts";
import { add, type Counters, counterWriter, type SendUpdate, type Tally } from "./counters.ts";
import type { Tenant } from "./identity.ts";
import { rfc3339 } from "./ids.ts";

/**
 * Usage: what a tenant sent and what became of it, by minute and by hour, in total and by event type, key and subscription.
 *
 * An invocation collects facts and writes them at its end: one update a tenant, interval and start, each adding to one wide
 * item of the `metrics` table, pk `<tenant>#<h|m>`, sk `<start>#<page>`. A counter is an attribute: `e` (events of all),
 * `t#order.created#e` (events of that type), `s#sub_…#l17` (attempts of that subscription in latency bucket 17).
 *
 * What is counted is counted once (see counters.ts). What is lost when an environment dies before writing is bounded by
 * the facts of that one invocation. Beside usage, the minutes' items hold who called what: access.ts.
 */

/** Counters, each one letter in the attribute's name. */
const measures = { requests: "r", events: "e", bytes: "b", delivered: "d", failed: "f", dead_lettered: "x" } as const;
export type Measure = keyof typeof measures;
export type Counts = Record<Measure, number>;

const usageGroups = { event_type: "t", key: "k", subscription: "s" } as const;
export type UsageGroup = keyof typeof usageGroups;

/** One thing that happened. */
export type UsageFact =
  /** A request was stored for the first time (never counted again when its message is redelivered). */
  | {
      readonly kind: "accepted";
      readonly tenant: Tenant;
      /** Milliseconds since the epoch at which the request was accepted. */
      readonly at: number;
      readonly key_id: string;
      /** Where the request came from, as far as the edge told. */
      readonly source_ip?: string;
      /** When it was counted, milliseconds. */
      readonly routed_at: number;
      /** Event type and payload bytes of each event. */
      readonly events: readonly { readonly type: string | null; readonly bytes: number }[];
      /** How many of them each subscription matched. */
      readonly matched?: Readonly<Record<string, number>>;
    }
  /** One attempt to deliver these events to a subscription ended. `failed` ones will be tried again. */
  | {
      readonly kind: "attempted";
      readonly tenant: Tenant;
      readonly at: number;
      readonly subscription_id: string;
      readonly outcome: "delivered" | "failed" | "dead_lettered";
      /** From sending the request to the whole answer, or the failure. */
      readonly latency_ms: number;
      /** Event type of each event of the attempt. */
      readonly types: readonly (string | null)[];
    }
  | CallFact;

// ---- latency histogram ---------------------------------------------------------------------------------------------

/** Each bucket is 10 % wider than the one before, so a quantile is off by 5 % at most. Bucket 0 is up to 1 ms. */
const GROWTH = Math.log(1.1);
/** Holds whatever took longer than 25 minutes: no attempt may, and readers can name every bucket there is. */
const LAST_BUCKET = 150;

export const latencyBucket = (ms: number): number =>
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

// ---- tallying ------------------------------------------------------------------------------------------------------

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY_SECONDS = 86_400;
/** How long items are kept, in days: minutes answer "just now", hours answer "last year". */
const KEEP_DAYS = { m: 35, h: 400 } as const;
const LENGTH = { m: MINUTE, h: HOUR } as const;
export type UsageInterval = keyof typeof LENGTH;

export const usagePartition = (tenant: Tenant, interval: UsageInterval): string => `${tenant}#${interval}`;
/** Sort key of a start: RFC 3339 to the minute. Pages of one start follow it. */
export const usageSortKey = (start: number, page = ""): string => `${rfc3339(start).slice(0, 16)}#${page}`;

/** Adds a fact's counters. @param tally of the fact's tenant and interval */
function tallyFact(tally: Tally, fact: Exclude<UsageFact, CallFact>): void {
  if (fact.kind === "accepted") {
    const bytes = fact.events.reduce((sum, event) => sum + event.bytes, 0);
    for (const prefix of ["", `k#${fact.key_id}#`]) {
      add(tally, `${prefix}r`, 1);
      add(tally, `${prefix}e`, fact.events.length);
      add(tally, `${prefix}b`, bytes);
    }
    for (const event of fact.events) {
      add(tally, `t#${event.type ?? ""}#e`, 1);
      add(tally, `t#${event.type ?? ""}#b`, event.bytes);
    }
    for (const type of new Set(fact.events.map((event) => event.type ?? ""))) add(tally, `t#${type}#r`, 1);
    for (const [id, count] of Object.entries(fact.matched ?? {})) {
      add(tally, `s#${id}#r`, 1);
      add(tally, `s#${id}#e`, count);
    }
    return;
  }
  const letter = measures[fact.outcome];
  const bucket = latencyBucket(fact.latency_ms);
  for (const prefix of ["", `s#${fact.subscription_id}#`]) {
    add(tally, `${prefix}${letter}`, fact.types.length);
    add(tally, `${prefix}l${bucket}`, 1);
  }
  for (const type of fact.types) add(tally, `t#${type ?? ""}#${letter}`, 1);
  for (const type of new Set(fact.types)) add(tally, `t#${type ?? ""}#l${bucket}`, 1);
}

// ---- writing -------------------------------------------------------------------------------------------------------

/** Writes an invocation's facts. Make one per execution environment and call it once at an invocation's end. */
export interface UsageWriter {
  /** @throws the first failure, after everything was tried; what was written stays written */
  write(facts: readonly UsageFact[]): Promise<void>;
}

/** @param writer unique to the execution environment, short: it is stored in every item it adds to */
export function usageWriter(table: string, send: SendUpdate, writer: string): UsageWriter {
  const counters = counterWriter(table, send, writer);
  return {
    write(facts) {
      const items = new Map<string, Counters>();
      const tallyAt = (tenant: Tenant, interval: UsageInterval, at: number): Tally => {
        const start = Math.floor(at / LENGTH[interval]) * LENGTH[interval];
        const pk = usagePartition(tenant, interval);
        const sk = usageSortKey(start);
        const id = `${pk} ${sk}`;
        const known = items.get(id);
        if (known !== undefined) return known.tally;
        const expires_at = Math.floor(start / 1_000) + KEEP_DAYS[interval] * DAY_SECONDS;
        const made: Counters = { pk, sk, expires_at, tally: new Map() };
        items.set(id, made);
        return made.tally;
      };
      for (const fact of facts) {
        const minute = tallyAt(fact.tenant, "m", fact.at);
        if (fact.kind === "called") {
          tallyCall(minute, fact);
          continue;
        }
        tallyFact(minute, fact);
        tallyFact(tallyAt(fact.tenant, "h", fact.at), fact);
        if (fact.kind === "accepted") tallyCall(tallyAt(fact.tenant, "m", accessMinute(fact)), callOf(fact));
      }
      return counters.write([...items.values()]);
    },
  };
}

// ---- reading -------------------------------------------------------------------------------------------------------

export interface Totals extends Counts {
  readonly latencies: Map<number, number>;
}

export const emptyTotals = (): Totals => ({
  requests: 0,
  events: 0,
  bytes: 0,
  delivered: 0,
  failed: 0,
  dead_lettered: 0,
  latencies: new Map(),
});

const measureOf = new Map<string, Measure>(
  Object.entries(measures).map(([measure, letter]) => [letter, measure as Measure]),
);

/** The counter of all events, and that of a key's. */
export const EVENTS = measures.events;
export const eventsOfKey = (key_id: string): string => `${usageGroups.key}#${key_id}#${measures.events}`;

/** The counters of all, by name: what is left of an item when no group is asked for. */
export const ungroupedCounters: readonly string[] = [
  ...Object.values(measures),
  ...Array.from({ length: LAST_BUCKET + 1 }, (_, bucket) => `l${bucket}`),
];

/** Where a counter belongs. */
interface Place {
  /** The group's value; undefined for the counters of all. */
  readonly key: string | undefined;
  /** A measure, or a latency's bucket. */
  readonly counter: Measure | number;
}

/** @returns null for attributes that are no counters, or counters of another group */
function placeOf(name: string, prefix: string | undefined): Place | null {
  const cut = name.lastIndexOf("#");
  if (cut >= 0 && (prefix === undefined || !name.startsWith(prefix))) return null;
  const last = name.slice(cut + 1);
  const counter = measureOf.get(last) ?? (/^l\d+$/.test(last) ? Number(last.slice(1)) : undefined);
  if (counter === undefined) return null;
  return { key: cut < 0 ? undefined : name.slice(prefix!.length, cut), counter };
}

/** Adds an item's counters to the totals of all, and to those by the group's values. */
export type TallyReader = (
  item: Readonly<Record<string, AttributeValue>>,
  all: Totals,
  groups: Map<string, Totals>,
) => void;

/**
 * A reader for the items of one answer: it takes names apart once, since the items of a tenant have most of them in common.
 * Events without a type count under the type `""`.
 */
export function tallyReader(group: UsageGroup | undefined): TallyReader {
  const prefix = group === undefined ? undefined : `${usageGroups[group]}#`;
  const places = new Map<string, Place | null>();
  return (item, all, groups) => {
    for (const name in item) {
      let place = places.get(name);
      if (place === undefined) {
        place = placeOf(name, prefix);
        places.set(name, place);
      }
      if (place === null) continue;
      const { key, counter } = place;
      let totals = key === undefined ? all : groups.get(key);
      if (totals === undefined) {
        totals = emptyTotals();
        groups.set(key!, totals);
      }
      const n = Number(item[name]!.N);
      if (typeof counter === "string") totals[counter] += n;
      else totals.latencies.set(counter, (totals.latencies.get(counter) ?? 0) + n);
    }
  };
}

export function addTotals(into: Totals, more: Totals): void {
  for (const name of Object.keys(measures) as Measure[]) into[name] += more[name];
  for (const [bucket, count] of more.latencies) {
    into.latencies.set(bucket, (into.latencies.get(bucket) ?? 0) + count);
  }
}
