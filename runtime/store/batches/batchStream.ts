import { getItems, projectionOf, queryPage } from "../../aws/tables.ts";
import type { Item } from "../../domain/codec/fields.ts";
import { defined } from "../../domain/defined.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { type Millis, secondsOf } from "../../domain/time.ts";
import { marksBeside, withMarks } from "../inbox/acknowledged.ts";
import { batchKey, firstIn, inStateBetween, kindBetween, partitionsOf } from "../keys.ts";
import { type Reading, readable } from "../readable.ts";
import type { Store } from "../table.ts";
import type { BatchItem } from "./batchItem.ts";
import { HEADS } from "./find.ts";
import { readBatches } from "./manyMatched.ts";

/**
 * A tenant's batches in the order of their ULIDs, merged from its partitions (or from the index of failed deliveries).
 * Reads ahead in growing steps, so that a small page reads little and a long search reads a lot at a time.
 */
export interface BatchStream {
  /** The next batch; undefined at the end; `PAUSED` when the budget ended before one was found. */
  next(): Promise<BatchItem | typeof PAUSED | undefined>;
  /** Items looked at so far, whether or not they were wanted. */
  readonly scanned: number;
  /** After `PAUSED`: an event's ULID up to which, inclusive, all have been given or found unwanted. */
  readonly reached: string | undefined;
  /** Whether batches were left out so far that can't be read. */
  readonly damaged: boolean;
}

export const PAUSED = Symbol("paused");

export type Order = "asc" | "desc";

export interface StreamRange {
  readonly order: Order;
  /** First ULIDs of batches, both inclusive. */
  readonly lo: string;
  readonly hi: string;
  /** What expired before is not read. */
  readonly now: Millis;
  /** Only batches that hold an event of one of these types. */
  readonly types?: readonly string[];
  /** Only batches routed after this time, in milliseconds. */
  readonly routedAfter?: Millis;
  /** Only batches with an event that isn't acknowledged; with `marks`. */
  readonly unacknowledged?: boolean;
  /** Adds the marks of acknowledgement that are beside the batches. */
  readonly marks?: boolean;
  /** Leaves the packed events out: the batches come with an empty body. */
  readonly headsOnly?: boolean;
  /** How items are read. @default readable */
  readonly read?: Reading;
}

/** A partition of the sparse index `by_state`, and in it only deliveries of this subscription. */
export interface StatePartition {
  readonly pk: string;
  readonly subscriptionId?: string;
}

/** More types than this are compared after reading: an expression is bounded. */
const FILTERED_TYPES = 50;
const FIRST_STEP = 6;
const LAST_STEP = 400;

function filterOf(range: StreamRange): {
  FilterExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  values: Item;
} {
  const clauses = ["#expires > :now"];
  const names: Record<string, string> = { "#expires": "expires_at" };
  const values: Item = { ":now": { N: String(secondsOf(range.now)) } };
  if (range.types !== undefined && range.types.length <= FILTERED_TYPES) {
    names["#types"] = "types";
    // `types` is a JSON array in text: the quoted type is contained in it wherever an event has that type.
    clauses.push(`(${range.types.map((_, i) => `contains(#types, :t${i})`).join(" OR ")})`);
    for (const [i, type] of range.types.entries()) values[`:t${i}`] = { S: JSON.stringify(type) };
  }
  if (range.routedAfter !== undefined) {
    names["#routed"] = "routed_at";
    clauses.push("#routed > :routed");
    values[":routed"] = { N: String(range.routedAfter) };
  }
  if (range.unacknowledged === true) {
    names["#acknowledged"] = "acknowledged";
    names["#count"] = "count";
    clauses.push("size(#acknowledged) < #count");
  }
  return { FilterExpression: clauses.join(" AND "), ExpressionAttributeNames: names, values };
}

/** One ordered source of batches that can be read further. */
interface Source {
  readonly buffer: BatchItem[];
  done: boolean;
  reached: string | undefined;
  damaged: boolean;
  fill(step: number): Promise<number>;
}

/** Whether `a` comes before `b` in this order. */
const beforeIn = (order: Order) =>
  order === "asc" ? (a: string, b: string) => a < b : (a: string, b: string) => a > b;

const isOpen = ({ acknowledged, count }: BatchItem): boolean => Object.keys(acknowledged).length < count;

/**
 * A shard's marks of acknowledgement, read in step with its batches. A batch has at most one such item, so as many of them
 * mostly reach as far as the batches do, and both are read in one wait; where few are marked they are read far ahead.
 */
function shardMarks(store: Store, pk: string, range: StreamRange) {
  const before = beforeIn(range.order);
  const items = new Map<string, Item>();
  let start: Item | undefined;
  let reached: string | undefined;
  let done = false;
  async function fill(step: number): Promise<void> {
    const page = await queryPage(store.events, {
      ...kindBetween(pk, "a", range.lo, range.hi),
      ScanIndexForward: range.order === "asc",
      Limit: step,
      consistency: "eventual",
      ...defined({ ExclusiveStartKey: start }),
    });
    for (const item of page.items) items.set(firstIn(item.sk!.S!), item);
    start = page.next;
    done = start === undefined;
    reached = start && firstIn(start.sk!.S!);
  }
  return {
    /** Reads further unless it is ahead of the batches already. @param last first ULID up to which these are read */
    async ahead(last: string | undefined, step: number): Promise<void> {
      if (!done && (reached === undefined || last === undefined || !before(last, reached))) await fill(step);
    },
    /** Adds their marks to the batches that were read next, in their order. */
    async addTo(batches: readonly BatchItem[], step: number): Promise<BatchItem[]> {
      const last = batches.at(-1)?.first;
      while (last !== undefined && !done && (reached === undefined || before(reached, last))) await fill(step);
      const marked = batches.map((batch) => withMarks(batch, items.get(batch.first)));
      for (const { first } of batches) items.delete(first);
      return marked;
    },
  };
}

function shardSource(store: Store, pk: string, range: StreamRange): Source {
  const { values, ...filter } = filterOf(range);
  const batches = kindBetween(pk, "e", range.lo, range.hi);
  const heads = projectionOf(range.headsOnly === true ? HEADS : undefined);
  const marks = range.marks === true ? shardMarks(store, pk, range) : undefined;
  let start: Item | undefined;
  const source: Source = {
    buffer: [],
    done: range.lo > range.hi,
    reached: undefined,
    damaged: false,
    async fill(step) {
      const alongside = marks?.ahead(source.reached, step);
      const reading = queryPage(store.events, {
        ...batches,
        ...filter,
        ...heads,
        ExpressionAttributeNames: { ...filter.ExpressionAttributeNames, ...heads.ExpressionAttributeNames },
        ExpressionAttributeValues: { ...values, ...batches.ExpressionAttributeValues },
        ScanIndexForward: range.order === "asc",
        Limit: step,
        consistency: "eventual",
        ...defined({ ExclusiveStartKey: start }),
      });
      const [page] = await Promise.all([reading, alongside]);
      const read = await readBatches(store.events, page.items, range.read ?? readable);
      source.damaged ||= read.length < page.items.length;
      const marked = marks === undefined ? read : await marks.addTo(read, step);
      for (const batch of marked) if (range.unacknowledged !== true || isOpen(batch)) source.buffer.push(batch);
      start = page.next;
      source.done = start === undefined;
      const last = start?.sk?.S ?? page.items.at(-1)?.sk?.S;
      if (last !== undefined) source.reached = firstIn(last);
      return page.scanned;
    },
  };
  return source;
}

/** Batches with a delivery in this partition of the sparse index, whichever of the table's they are in. */
function stateSource(store: Store, tenant: Tenant, partition: StatePartition, range: StreamRange): Source {
  let start: Item | undefined;
  let last: string | undefined;
  const source: Source = {
    buffer: [],
    done: range.lo > range.hi,
    reached: undefined,
    damaged: false,
    async fill(step) {
      const page = await queryPage(store.events, {
        IndexName: "by_state",
        ...inStateBetween(partition.pk, range.lo, range.hi),
        ProjectionExpression: "sk",
        ScanIndexForward: range.order === "asc",
        Limit: step,
        consistency: "eventual",
        ...defined({ ExclusiveStartKey: start }),
      });
      const keys = page.items.map((item) => item.sk!.S!);
      const wanted = keys.filter(
        (key) => partition.subscriptionId === undefined || key.includes(partition.subscriptionId),
      );
      const firsts = [...new Set(wanted.map(firstIn))].filter((first) => first !== last);
      const [items, marks] = await Promise.all([
        getItems(
          store.events,
          firsts.map((first) => batchKey(tenant, first)),
          "eventual",
          range.headsOnly === true ? HEADS : undefined,
        ),
        range.marks === true ? marksBeside(store, tenant, firsts) : undefined,
      ]);
      const read = await readBatches(store.events, items, range.read ?? readable);
      source.damaged ||= read.length < items.length;
      const batches = new Map(read.map((batch) => [batch.first, batch]));
      for (const first of firsts) {
        const batch = batches.get(first);
        if (batch !== undefined && batch.expiry > secondsOf(range.now))
          source.buffer.push(withMarks(batch, marks?.get(first)));
      }
      last = firsts.at(-1) ?? last;
      const furthest = keys.at(-1);
      if (furthest !== undefined) source.reached = firstIn(furthest);
      start = page.next;
      source.done = start === undefined;
      return page.scanned;
    },
  };
  return source;
}

/**
 * @param exhausted asked before each further read; true pauses the stream
 * @param partitions given, only batches with a delivery in one of these are read, through the sparse index
 */
export function batchStream(
  store: Store,
  tenant: Tenant,
  range: StreamRange,
  exhausted: (scanned: number) => boolean,
  partitions?: readonly StatePartition[],
): BatchStream {
  const sources =
    partitions === undefined
      ? partitionsOf(tenant).map((pk) => shardSource(store, pk, range))
      : partitions.map((partition) => stateSource(store, tenant, partition, range));
  const before = beforeIn(range.order);
  let step = FIRST_STEP;
  let scanned = 0;
  let last: string | undefined;
  let reached: string | undefined;

  async function fill(): Promise<void> {
    // A shard that is running low is read together with the one that ran out: one wait instead of one for each.
    const low = sources.filter((source) => !source.done && source.buffer.length <= step / 4);
    const sizes = await Promise.all(low.map((source) => source.fill(step)));
    for (const size of sizes) scanned += size;
    step = Math.min(step * 2, LAST_STEP);
  }

  /** The source whose head is certainly next, "end" after the last one, undefined when more must be read. */
  function ready(): Source | "end" | undefined {
    let best: Source | undefined;
    let unread = false;
    let slowest: string | undefined;
    for (const source of sources) {
      const head = source.buffer[0];
      if (head !== undefined) {
        if (best === undefined || before(head.first, best.buffer[0]!.first)) best = source;
      } else if (!source.done) {
        if (source.reached === undefined) unread = true;
        else if (slowest === undefined || before(source.reached, slowest)) slowest = source.reached;
      }
    }
    if (unread) return undefined;
    if (slowest === undefined) return best ?? "end";
    reached = slowest;
    return best !== undefined && !before(slowest, best.buffer[0]!.first) ? best : undefined;
  }

  return {
    get scanned() {
      return scanned;
    },
    get damaged() {
      return sources.some((source) => source.damaged);
    },
    get reached() {
      // The events of a batch come after its first: ascending, the position is behind all of them.
      return range.order === "asc" && reached !== undefined ? `${reached.slice(0, -3)}ZZZ` : reached;
    },
    async next() {
      for (;;) {
        const source = ready();
        if (source === "end") return undefined;
        if (source === undefined) {
          if (scanned > 0 && exhausted(scanned)) return PAUSED;
          await fill();
          continue;
        }
        const batch = source.buffer.shift()!;
        if (batch.first === last) continue; // failed and dead-lettered at once: both indexes name it
        last = batch.first;
        return batch;
      }
    },
  };
}
