import { mapConcurrently } from "../../domain/concurrently.ts";
import { defined } from "../../domain/defined.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { ulidAt } from "../../domain/ids.ts";
import type { Millis } from "../../domain/time.ts";
import { type WantedTypes, wantsType } from "../../matching/index.ts";
import { type Reading, readable, strictly, type tellUnreadable } from "../readable.ts";
import type { Store } from "../table.ts";
import type { BatchItem } from "./batchItem.ts";
import { batchStream, type Order, PAUSED } from "./batchStream.ts";
import { ulidsBetween } from "./bounds.ts";
import { rawEvents, readableEvents } from "./payloads.ts";

/** A batch with the raw bytes of its events, and the offsets that count: not deleted, and behind the position. */
export interface ScannedBatch {
  readonly batch: BatchItem;
  readonly raws: readonly Buffer[];
  readonly offsets: readonly number[];
}

export interface ScanRange extends WantedTypes {
  readonly order: Order;
  /** Received at or after, before; milliseconds. */
  readonly from: Millis;
  readonly to: Millis;
  /** ULID of the last event that was dealt with. */
  readonly after?: string;
  /** Events that were deleted are given too: their bytes are still there. */
  readonly deleted?: boolean;
  /** A damaged batch fails the reading, instead of being left out. */
  readonly strict?: boolean;
  /** Who is told of those that can't be read. @default the log */
  readonly unreadable?: typeof tellUnreadable;
}

export type Scanned =
  | { readonly kind: "batches"; readonly batches: readonly ScannedBatch[] }
  /** The budget is used up: everything up to this event was given or is unwanted. */
  | { readonly kind: "paused"; readonly reached: string | undefined };

const CHUNK = 50;

/**
 * A tenant's recorded events in order, whole batches at a time, without their deliveries: what replays, exports, erasures
 * and rehearsals read. Batches are left out whose payload is gone, and damaged ones unless the range is strict.
 * @param exhausted asked before each further read
 */
export async function* scanEvents(
  store: Store,
  tenant: Tenant,
  range: ScanRange,
  now: Millis,
  exhausted: (scanned: number) => boolean,
): AsyncGenerator<Scanned> {
  const read: Reading = range.strict ? strictly : (items, one) => readable(items, one, range.unreadable);
  const { lo, hi } = ulidsBetween(range.order, range.from, range.to, range.after);
  const stream = batchStream(
    store,
    tenant,
    { order: range.order, lo, hi, now, read, ...defined({ types: range.types }) },
    exhausted,
  );
  for (;;) {
    const batches: BatchItem[] = [];
    let end = false;
    let paused = false;
    while (batches.length < CHUNK) {
      const batch = await stream.next();
      end = batch === undefined;
      paused = batch === PAUSED;
      if (batch === undefined || batch === PAUSED) break;
      batches.push(batch);
    }
    const loaded = await mapConcurrently(batches, 8, async (batch): Promise<ScannedBatch[]> => {
      const offsets = wantedOffsets(batch, range);
      if (offsets.length === 0) return [];
      const raws = await (range.strict ? rawEvents(store, batch) : readableEvents(store, batch, range.unreadable));
      return raws === undefined ? [] : [{ batch, raws, offsets }];
    });
    if (loaded.length > 0) yield { kind: "batches", batches: loaded.flat() };
    if (paused) yield { kind: "paused", reached: stream.reached };
    if (end || paused) return;
  }
}

function wantedOffsets(batch: BatchItem, range: ScanRange): number[] {
  const { order, after, deleted = false } = range;
  const offsets = Array.from({ length: batch.count }, (_, i) => i).filter((offset) => {
    if (!deleted && batch.deleted.includes(offset)) return false;
    if (!wantsType(range, batch.types[offset] ?? null)) return false;
    if (after === undefined) return true;
    const ulid = ulidAt(batch.first, offset);
    return order === "asc" ? ulid > after : ulid < after;
  });
  return order === "asc" ? offsets : offsets.reverse();
}
