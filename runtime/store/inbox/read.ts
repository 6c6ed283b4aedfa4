import { PAGE_BYTES } from "../../domain/answer.ts";
import { mapConcurrently } from "../../domain/concurrently.ts";
import type { Event } from "../../domain/event.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { eventId, timeOf, ulidAt } from "../../domain/ids.ts";
import { parseJson } from "../../domain/jsonNumber.ts";
import { type Millis, rfc3339 } from "../../domain/time.ts";
import { wantsType } from "../../matching/index.ts";
import type { BatchItem } from "../batches/batchItem.ts";
import { type BatchStream, batchStream, type Order, PAUSED, type StreamRange } from "../batches/batchStream.ts";
import { budget, indexed, type Spent, ulidsBetween } from "../batches/bounds.ts";
import { readableEvents } from "../batches/payloads.ts";
import { deliveriesOf } from "../deliveries/deliveriesOf.ts";
import type { Store } from "../table.ts";
import { LATE_MS } from "./lateBatch.ts";
import { aboveMark, type LowWater, lowWater, markAfter } from "./lowWater.ts";
import type { Position, ReadQuery } from "./readQuery.ts";
import { containsText, foldCase } from "./text.ts";
import { deliveriesAt, type IsRemoved, type StoredEvent, shownSize, statusOf } from "./view.ts";

/**
 * Reading a tenant's events page by page.
 *
 * Invariant: reading to the end gives each event that was stored when reading began exactly once, even if others arrive,
 * are acknowledged or routed meanwhile. The position is the ULID of the last event given, so nothing that happens behind or
 * before it moves it; ULIDs made after `began` are never given. An event accepted before `began` may be stored after it,
 * behind the position: a batch that was routed after `began` is therefore left to a last phase, which reads the newest
 * `LATE_MS` before `began` again and gives just these, at the very end in either order.
 */
export interface Page {
  readonly events: readonly StoredEvent[];
  /** Where the next page begins; null at the end. A page may be short, even empty, and yet have one. */
  readonly next: Position | null;
}

export interface ReadOptions {
  readonly limit: number;
  /** The clock, milliseconds. */
  now(): Millis;
  /** Which of these subscriptions are removed. */
  removed(subscriptionIds: readonly string[]): Promise<IsRemoved>;
  /** Events are listed for so many ms, even if their items expire later. */
  readonly retentionMs?: Millis;
  /** @default WORTH_A_MARK */
  readonly worthAMark?: number;
}

/** Looking at so many batches is worth a write, so that the next reading needn't. */
const WORTH_A_MARK = 100;
/** Batches examined together: their delivery items are read in one go. */
const CHUNK = 1_000;
const MIN_CANDIDATES = 100;
const MAX_PER_HIT = 20;

const oldest = (query: ReadQuery, now: Millis, { retentionMs }: ReadOptions): number =>
  Math.max(query.from ?? 0, retentionMs === undefined ? 0 : now - retentionMs);

function rangeOf(query: ReadQuery, position: Position, options: ReadOptions, mark: LowWater | undefined): StreamRange {
  const now = options.now();
  const from = Math.max(oldest(query, now, options), position.late === true ? position.began - LATE_MS : 0);
  const to = Math.min(query.to ?? Number.POSITIVE_INFINITY, position.began + 1);
  const { lo, hi } = ulidsBetween(query.order, from, to, position.after);
  return {
    order: query.order,
    lo: aboveMark(lo, from, mark),
    hi,
    now,
    marks: true,
    ...(query.types && { types: query.types }),
    ...(position.late && { routedAfter: position.began }),
    ...(query.acknowledged === false && { unacknowledged: true }),
  };
}

const isLate = (batch: BatchItem, position: Position): boolean =>
  batch.routed_at > position.began && timeOf(batch.first) > position.began - LATE_MS;

/** Offsets that pass what can be told without the payload and the deliveries, in the order of reading. */
function candidates(batch: BatchItem, query: ReadQuery, position: Position): number[] {
  if (isLate(batch, position) !== (position.late === true)) return [];
  if (query.keys?.includes(batch.key_id) === false) return [];
  const offsets: number[] = [];
  for (let offset = 0; offset < batch.count; offset += 1) {
    if (batch.deleted.includes(offset)) continue;
    if (!wantsType(query, batch.types[offset] ?? null)) continue;
    if (query.acknowledged !== "all" && (batch.acknowledged[offset] !== undefined) !== query.acknowledged) continue;
    if (position.after !== undefined) {
      const ulid = ulidAt(batch.first, offset);
      if (query.order === "asc" ? ulid <= position.after : ulid >= position.after) continue;
    }
    offsets.push(offset);
  }
  return query.order === "asc" ? offsets : offsets.reverse();
}

export const asEvent = (batch: BatchItem, offset: number, raw: Buffer): Event => ({
  event_id: eventId(ulidAt(batch.first, offset)),
  event_type: batch.types[offset] ?? null,
  received_at: rfc3339(timeOf(batch.first)),
  payload: parseJson(raw.toString("utf8")) as Record<string, unknown>,
});

interface Candidate {
  readonly batch: BatchItem;
  readonly offsets: readonly number[];
}

/** Reads the payloads of candidates and keeps the events whose payload is wanted. */
async function withPayloads(
  store: Store,
  found: readonly Candidate[],
  query: ReadQuery,
  spent: Spent & { missing?: boolean },
): Promise<{ batch: BatchItem; events: { offset: number; raw: Buffer }[] }[]> {
  const text = query.text === undefined ? undefined : foldCase(query.text);
  return mapConcurrently(found, 8, async ({ batch, offsets }) => {
    const raws = await readableEvents(store, batch);
    if (raws === undefined) {
      spent.missing = true;
      return { batch, events: [] };
    }
    const events = offsets.flatMap((offset) => {
      const raw = raws[offset]!;
      spent.events += 1;
      spent.bytes += raw.length;
      const { known, matches } = query;
      if (text !== undefined && !containsText(known?.(raw) ?? raw, text)) return [];
      const wanted = matches === undefined || matches(asEvent(batch, offset, known?.(raw) ?? raw));
      return wanted ? [{ offset, raw }] : [];
    });
    return { batch, events };
  });
}

/** Adds deliveries and status, and keeps the events whose status is wanted. */
export async function withStatus(
  store: Store,
  tenant: Tenant,
  found: readonly { readonly batch: BatchItem; readonly events: readonly { offset: number; raw: Buffer }[] }[],
  removed: ReadOptions["removed"],
  looked?: number,
): Promise<StoredEvent[]> {
  const batches = found.filter(({ events }) => events.length > 0);
  const deliveries = await deliveriesOf(
    store,
    tenant,
    batches.map(({ batch }) => batch.first),
    looked,
  );
  const waiting = new Set<string>();
  for (const { batch } of batches) {
    const items = deliveries.get(batch.first) ?? [];
    for (const item of items) if (item.status !== "delivered") waiting.add(item.subscription_id);
    const begun = new Set(items.map((item) => item.subscription_id));
    for (const id of Object.keys(batch.matched)) if (!begun.has(id)) waiting.add(id);
  }
  const isRemoved: IsRemoved = waiting.size === 0 ? () => false : await removed([...waiting]);
  return batches.flatMap(({ batch, events }) =>
    events.map(({ offset, raw }) => {
      const own = deliveriesAt(batch, deliveries.get(batch.first) ?? [], offset, isRemoved);
      return { ulid: ulidAt(batch.first, offset), batch, offset, raw, deliveries: own, status: statusOf(own) };
    }),
  );
}

export async function readEvents(
  store: Store,
  tenant: Tenant,
  query: ReadQuery,
  from: Position,
  options: ReadOptions,
): Promise<Page> {
  const spent: Spent & { missing?: boolean } = { events: 0, bytes: 0 };
  const exhausted = budget(options.now, spent);
  const events: StoredEvent[] = [];
  let size = 0;
  let perHit = 1;
  const mark = query.acknowledged === false ? await lowWater(store, tenant) : undefined;
  let position: Position =
    mark === undefined || from.after !== undefined ? from : { ...from, generation: mark.generation };

  for (;;) {
    const stream = batchStream(
      store,
      tenant,
      rangeOf(query, position, options, mark),
      exhausted,
      indexed(tenant, query.statuses),
    );
    for (let more = true; more; ) {
      const room = options.limit + 1 - events.length;
      const chunk = await nextChunk(stream, query, position, Math.max(MIN_CANDIDATES, room * perHit));
      const hits = await withStatus(
        store,
        tenant,
        await withPayloads(store, chunk.found, query, spent),
        options.removed,
        chunk.looked,
      );
      // What was left out may be read again one day: no mark may hide it then.
      if (stream.damaged || spent.missing) position = withoutGeneration(position);
      const before = events.length;
      for (const hit of hits) {
        if (query.statuses !== undefined && !query.statuses.includes(hit.status)) continue;
        size += shownSize(hit);
        // One event past the limit tells that there is a next page.
        if (events.length === options.limit || (events.length > 0 && size > PAGE_BYTES)) {
          return { events, next: position };
        }
        events.push(hit);
        position = { ...position, after: hit.ulid, given: hit.ulid };
      }
      // How many candidates a hit has cost tells how many to take for the rest.
      perHit = Math.min(MAX_PER_HIT, (1.2 * chunk.candidates) / Math.max(1, events.length - before));
      if (chunk.after !== undefined) position = { ...position, after: chunk.after };
      more = !chunk.end;
      if (more && (chunk.paused || exhausted(stream.scanned))) return { events, next: position };
    }
    if (position.late !== true && stream.scanned >= (options.worthAMark ?? WORTH_A_MARK)) {
      await markAfter(store, tenant, query, position, oldest(query, options.now(), options));
    }
    // The last phase is for readings of several pages: one that begins and ends in this call has no "meanwhile".
    if (position.late === true || from.after === undefined) return { events, next: null };
    position = { began: position.began, late: true };
  }
}

const withoutGeneration = ({ generation: _, ...position }: Position): Position => position;

interface Chunk {
  readonly found: readonly Candidate[];
  /** Events in `found`. */
  readonly candidates: number;
  /** Batches looked at, wanted or not. */
  readonly looked: number;
  /** ULID after which the next chunk begins. */
  readonly after: string | undefined;
  readonly end: boolean;
  readonly paused: boolean;
}

/** Takes batches until they hold this many candidates, or a chunk is full. */
async function nextChunk(stream: BatchStream, query: ReadQuery, position: Position, enough: number): Promise<Chunk> {
  const found: Candidate[] = [];
  const before = stream.scanned;
  let count = 0;
  let last: BatchItem | undefined;
  let taken = 0;
  while (taken < CHUNK && count < enough) {
    const batch = await stream.next();
    if (batch === undefined || batch === PAUSED) {
      const reached = batch === PAUSED ? stream.reached : endOf(last, query.order);
      return {
        found,
        candidates: count,
        looked: stream.scanned - before,
        after: reached,
        end: batch === undefined,
        paused: true,
      };
    }
    taken += 1;
    last = batch;
    const offsets = candidates(batch, query, position);
    count += offsets.length;
    if (offsets.length > 0) found.push({ batch, offsets });
  }
  return {
    found,
    candidates: count,
    looked: stream.scanned - before,
    after: endOf(last, query.order),
    end: false,
    paused: false,
  };
}

/** The ULID of a batch's last event in the order of reading. */
const endOf = (batch: BatchItem | undefined, order: Order): string | undefined =>
  batch === undefined ? undefined : order === "asc" ? ulidAt(batch.first, batch.count - 1) : batch.first;
