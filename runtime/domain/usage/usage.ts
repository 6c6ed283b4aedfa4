import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Tenant } from "../identity/identity.ts";
import { boundedRows, type Rows, tallyRows } from "../metrics/facts.ts";
import { KEPT_DAYS } from "../metrics/sums.ts";
import { DAY_SECONDS, HOUR_MS, MINUTE_MS, type Millis, rfc3339, secondsOf } from "../time.ts";
import { accessMinute, callOf, isAccessCounter, LATE_MS, tallyCall } from "./access.ts";
import { activeMarks } from "./active.ts";
import { add, counterWriter, isCounter, type SendPut, shardsOf, type Tally } from "./counters.ts";
import type { CallFact, UsageFact } from "./fact.ts";
import { LAST_BUCKET, latencyBucket } from "./histogram.ts";

/**
 * Usage: what a tenant sent and what became of it, by minute, in total and by event type, key and subscription. Hours are
 * added up from minutes once they are over (runtime/counters/hours.ts).
 *
 * Each execution environment counts in items of its own (counters.ts) of the `metrics` table: pk `<tenant>#m#<shard>`, sk
 * `<minute>#<writer>`. A counter is an attribute: `e` (events of all), `t#order.created#e` (events of that type),
 * `s#sub_…#l17` (attempts of that subscription in latency bucket 17). Beside usage, they hold who called what: access.ts.
 *
 * Each fact is counted once. docs/decisions/usage-counters.md says which facts are lost when an environment dies.
 */

/** Counters, each one letter in the attribute's name. */
const measures = { requests: "r", events: "e", bytes: "b", delivered: "d", failed: "f", dead_lettered: "x" } as const;
export type Measure = keyof typeof measures;
export type Counts = Record<Measure, number>;

const usageGroups = { event_type: "t", key: "k", subscription: "s" } as const;
export type UsageGroup = keyof typeof usageGroups;

// ---- tallying ------------------------------------------------------------------------------------------------------

const KEEP_DAYS = { m: KEPT_DAYS.minute, h: KEPT_DAYS.hour } as const;
export type UsageInterval = keyof typeof KEEP_DAYS;

/** Where hours are, and where minutes were before each writer counted apart. */
export const usagePartition = (tenant: Tenant, interval: UsageInterval): string => `${tenant}#${interval}`;
/** Where minutes are counted. */
export const minuteShards = (tenant: Tenant): string[] => shardsOf(usagePartition(tenant, "m"));
const expiryOf = (interval: UsageInterval, start: number): number =>
  secondsOf(start) + KEEP_DAYS[interval] * DAY_SECONDS;
/** Sort key of a start: RFC 3339 to the minute. What counts in it follows. */
export const usageSortKey = (start: number, page = ""): string => `${rfc3339(start).slice(0, 16)}#${page}`;

interface OfType {
  events: number;
  bytes: number;
}

/** Events and bytes by type, `""` for none. Most requests are of one type: the one before is asked first. */
function byType(events: readonly { readonly type: string | null; readonly bytes: number }[]): Map<string, OfType> {
  const found = new Map<string, OfType>();
  let [last, lastType]: [OfType | undefined, string | null | undefined] = [undefined, undefined];
  for (const { type, bytes } of events) {
    if (last === undefined || type !== lastType) {
      const name = type ?? "";
      last = found.get(name) ?? { events: 0, bytes: 0 };
      found.set(name, last);
      lastType = type;
    }
    last.events += 1;
    last.bytes += bytes;
  }
  return found;
}

/** Adds a fact's counters. @param tally of the fact's tenant and interval */
function tallyFact(tally: Tally, fact: Exclude<UsageFact, CallFact | { kind: "moved" }>): void {
  if (fact.kind === "accepted") {
    const bytes = fact.events.reduce((sum, event) => sum + event.bytes, 0);
    for (const prefix of ["", `k#${fact.key_id}#`]) {
      if (fact.rest === undefined) add(tally, `${prefix}r`, 1);
      add(tally, `${prefix}e`, fact.events.length);
      add(tally, `${prefix}b`, bytes);
    }
    for (const [type, own] of byType(fact.events)) {
      add(tally, `t#${type}#e`, own.events);
      add(tally, `t#${type}#b`, own.bytes);
      add(tally, `t#${type}#r`, 1);
    }
    for (const [id, offsets] of Object.entries(fact.matched ?? {})) {
      add(tally, `s#${id}#r`, 1);
      add(tally, `s#${id}#e`, offsets.length);
    }
    return;
  }
  const letter = fact.outcome === null ? undefined : measures[fact.outcome];
  const bucket = latencyBucket(fact.latency_ms);
  const types = fact.parts.length === 1 ? fact.parts[0]!.types : fact.parts.flatMap((part) => part.types);
  const events = new Map([
    ["", types.length],
    [`s#${fact.subscription_id}#`, types.length],
  ]);
  for (const { key_id, types } of fact.parts)
    if (key_id !== undefined) events.set(`k#${key_id}#`, (events.get(`k#${key_id}#`) ?? 0) + types.length);
  for (const [prefix, n] of events) {
    if (letter !== undefined) add(tally, `${prefix}${letter}`, n);
    add(tally, `${prefix}l${bucket}`, 1);
  }
  if (letter !== undefined) for (const type of types) add(tally, `t#${type ?? ""}#${letter}`, 1);
  for (const type of new Set(types)) add(tally, `t#${type ?? ""}#l${bucket}`, 1);
}

// ---- hours ---------------------------------------------------------------------------------------------------------

/** Of an hour's own items: its minutes added up, and the mark that some of them came after that. */
const ROLLED = "r";
const LATE = "late";
/** Lists the hours with late minutes, of all tenants. */
export const LATE_PARTITION = "late#h";

const rolledSortKey = (hour: number, page: number): string => usageSortKey(hour, `${ROLLED}${page}`);
export const lateSortKey = (hour: number): string => usageSortKey(hour, LATE);
const lateListKey = (tenant: Tenant, hour: number): string => `${tenant}#${usageSortKey(hour)}`;
/** What an item of an hour is. Before hours were added up, their counters were items too. */
export function hourItemOf(sk: string): "rolled" | "late" | "counted" {
  const page = sk.slice(sk.indexOf("#") + 1);
  return page === LATE ? "late" : page.startsWith(ROLLED) ? "rolled" : "counted";
}

/** Names in one item of an hour's sums: far below the 400 KB that an item may have. */
const ROLLED_NAMES = 2_000;

/**
 * An hour's items, from all items of its minutes: the same whenever it is made of the same minutes.
 * @param minutes items of the shards of `usagePartition(tenant, "m")`
 */
export function rollUp(
  tenant: Tenant,
  hour: number,
  minutes: readonly Readonly<Record<string, AttributeValue>>[],
): Record<string, AttributeValue>[] {
  const sums: Tally = new Map();
  for (const item of minutes)
    for (const name in item) if (isCounter(name) && !isAccessCounter(name)) add(sums, name, Number(item[name]!.N));
  const entries = [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
  return Array.from({ length: Math.ceil(entries.length / ROLLED_NAMES) }, (_, page) => ({
    pk: { S: usagePartition(tenant, "h") },
    sk: { S: rolledSortKey(hour, page) },
    expires_at: { N: String(expiryOf("h", hour)) },
    ...Object.fromEntries(
      entries.slice(page * ROLLED_NAMES, (page + 1) * ROLLED_NAMES).map(([name, n]) => [name, { N: String(n) }]),
    ),
  }));
}

// ---- writing -------------------------------------------------------------------------------------------------------

export interface UsageWriter {
  /** Takes facts in; nothing leaves yet. */
  add(facts: readonly UsageFact[]): void;
  /** Writes all that was taken in. What fails is written the next time. @throws the first failure, after everything was tried */
  flush(): Promise<void>;
}

interface Minute {
  readonly tenant: Tenant;
  readonly start: number;
  readonly tally: Tally;
  readonly rows: Rows;
}

/**
 * Make one per execution environment.
 * @param writer unique to the execution environment, short: it is in the key of every item
 * @param now milliseconds
 */
export function usageWriter(table: string, send: SendPut, writer: string, now: () => Millis): UsageWriter {
  const counters = counterWriter(table, send, writer, now);
  /** Taken in since the last flush. */
  const fresh = new Map<string, Minute>();
  /** Hours whose minutes changed so late that their sums may have been made. */
  const late = new Map<string, { readonly tenant: Tenant; readonly hour: number }>();
  let marks = 0;
  const active = activeMarks(table, send, writer, now);

  const bounded = boundedRows();

  function minuteOf(tenant: Tenant, at: Millis): Minute {
    const start = Math.floor(at / MINUTE_MS) * MINUTE_MS;
    const id = `${tenant} ${start}`;
    const known = fresh.get(id);
    if (known !== undefined) return known;
    const made: Minute = { tenant, start, tally: new Map(), rows: new Map() };
    fresh.set(id, made);
    return made;
  }

  /** Facts that were held back until an hour's records may have been made count, in the records, in the minute of writing. */
  function settleLate(): void {
    const current = now();
    for (const { tenant, start, tally, rows } of [...fresh.values()]) {
      const hour = Math.floor(start / HOUR_MS) * HOUR_MS;
      if (current - (hour + HOUR_MS) <= LATE_MS) continue;
      const moved = [...tally].filter(([name]) => isAccessCounter(name));
      for (const [name, n] of moved) {
        tally.delete(name);
        add(minuteOf(tenant, current).tally, name, n);
      }
      if (tally.size > 0 || rows.size > 0) late.set(`${tenant} ${hour}`, { tenant, hour });
    }
  }

  /** After its minutes, so that a reader of the mark sees them. */
  async function markLate(): Promise<void> {
    for (const [id, { tenant, hour }] of [...late]) {
      marks += 1;
      const mark = { S: `${writer}.${marks}` };
      const expires_at = { N: String(expiryOf("m", hour)) };
      const put = (pk: string, sk: string) =>
        send({ TableName: table, Item: { pk: { S: pk }, sk: { S: sk }, mark, expires_at } });
      await put(usagePartition(tenant, "h"), lateSortKey(hour));
      await put(LATE_PARTITION, lateListKey(tenant, hour));
      late.delete(id);
    }
  }

  return {
    add(facts) {
      for (const fact of facts) {
        const minute = minuteOf(fact.tenant, fact.at);
        tallyRows(bounded(fact.tenant, Math.floor(fact.at / HOUR_MS), minute.rows), fact);
        if (fact.kind === "called") tallyCall(minute.tally, fact);
        else if (fact.kind !== "moved") tallyFact(minute.tally, fact);
        if (fact.kind === "accepted" && fact.rest === undefined)
          tallyCall(minuteOf(fact.tenant, accessMinute(fact)).tally, callOf(fact));
      }
    },
    async flush() {
      settleLate();
      counters.add(
        [...fresh.values()].map(({ tenant, start, tally, rows }) => ({
          pk: usagePartition(tenant, "m"),
          sk: usageSortKey(start),
          expiry: expiryOf("m", start),
          tally,
          rows,
        })),
      );
      for (const { tenant, start, rows } of fresh.values()) if (rows.size > 0) active.add(tenant, start);
      fresh.clear();
      await counters.flush();
      await active.flush();
      await markLate();
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

/** The totals by name: an item without its groups. */
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
