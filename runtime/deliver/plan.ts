import type { Attempt, DeliveryItem } from "../domain/codec.ts";
import type { EventText } from "../domain/event.ts";
import type { Tenant } from "../domain/identity.ts";
import type { DeliveryTarget } from "../domain/subscription.ts";
import { type PostSlice, textsOf } from "./request.ts";

/** One delivery that this invocation works on. */
export interface Delivery {
  /** Ids of the queue messages that brought it: they come again when it can't be settled. */
  readonly messageId: string;
  readonly tenant: Tenant;
  readonly subscription_id: string;
  readonly first: string;
  readonly count: number;
  readonly types: readonly (string | null)[];
  /** Every offset that matched. */
  readonly indexes: readonly number[];
  /** Offsets not yet delivered; those of deleted events are among them, but no longer sent. */
  readonly remaining: readonly number[];
  readonly deleted: ReadonlySet<number>;
  readonly attempts: readonly Attempt[];
  readonly schedule_from: number;
  readonly replay_id?: string;
  /** The replay of dead letters that had it tried again. */
  readonly retried_by?: string;
  readonly key_name?: string;
  readonly traceparent?: string;
  readonly expires_at: number;
  /** As it was read; undefined when this is the first that is known of it. */
  readonly item?: DeliveryItem;
  readonly manual: boolean;
  /** The one delivery with which an open circuit is tried. */
  readonly probe: boolean;
  /** Raw JSON of every event of the batch. */
  readonly events: readonly Buffer[];
}

/** The replay that a delivery's posts name. */
export const toldReplay = ({ replay_id, retried_by }: Delivery): string | undefined => retried_by ?? replay_id;

/** What of a delivery goes into a post. */
export interface Part extends PostSlice {
  readonly delivery: Delivery;
}

/** One request to be made: whole deliveries of one subscription, or a slice of a large one. */
export interface PlannedPost {
  readonly target: DeliveryTarget;
  readonly parts: readonly Part[];
  readonly texts: readonly EventText[];
  /** From 1, over all attempts. */
  readonly attempt: number;
}

/** Largest body; one event alone may exceed it by its envelope. */
const MAX_POST_BYTES = 1_000_000;

/**
 * Cuts the deliveries of one subscription into posts, in the order in which their events were accepted. Deliveries share a
 * post only whole: one that doesn't fit into the rest of a post begins the next, and one that is larger than a post has
 * posts of its own. So a retry, which brings back the deliveries of a post, makes the same post again.
 * @param deliveries of one replay (or none), told of one (or none), and of one attempt
 * @param payloadsOf the payloads of a delivery's offsets as the subscriber gets them
 */
export function planPosts(
  target: DeliveryTarget,
  deliveries: readonly Delivery[],
  payloadsOf: (delivery: Delivery, offsets: readonly number[]) => readonly Uint8Array[],
): PlannedPost[] {
  const posts: { parts: Part[]; texts: EventText[]; bytes: number; open: boolean; attempt: number }[] = [];
  const ordered = [...deliveries].sort((a, b) => (a.first < b.first ? -1 : 1));
  for (const delivery of ordered) {
    const offsets = delivery.remaining.filter((offset) => !delivery.deleted.has(offset));
    if (offsets.length === 0) continue;
    const { first, types } = delivery;
    const whole: Part = { delivery, first, types, offsets, payloads: payloadsOf(delivery, offsets) };
    const texts = textsOf(target.format, whole);
    const bytes = texts.reduce((sum, text) => sum + sizeOf(text), 0);
    const attempt = delivery.attempts.length + 1;
    const last = posts.at(-1);
    const fits = (count: number, size: number) => count <= target.max_batch && size <= MAX_POST_BYTES;
    if (last?.open === true && fits(last.texts.length + texts.length, last.bytes + bytes)) {
      last.parts.push(whole);
      last.texts.push(...texts);
      last.bytes += bytes;
    } else if (fits(texts.length, bytes)) posts.push({ parts: [whole], texts, bytes, open: true, attempt });
    else {
      for (const { from, to } of cut(texts, target.max_batch)) {
        const part = { ...whole, offsets: offsets.slice(from, to), payloads: whole.payloads.slice(from, to) };
        posts.push({ parts: [part], texts: texts.slice(from, to), bytes: 0, open: false, attempt });
      }
    }
  }
  return posts.map(({ parts, texts, attempt }) => ({ target, parts, texts, attempt }));
}

const sizeOf = ({ head, raw }: EventText): number => head.length + raw.length + 2;

/** Ranges of at most `most` events and `MAX_POST_BYTES`, at least one event each. */
function cut(texts: readonly EventText[], most: number): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  let from = 0;
  let bytes = 0;
  for (const [at, text] of texts.entries()) {
    const size = sizeOf(text);
    if (at > from && (at - from === most || bytes + size > MAX_POST_BYTES)) {
      ranges.push({ from, to: at });
      from = at;
      bytes = 0;
    }
    bytes += size;
  }
  ranges.push({ from, to: texts.length });
  return ranges;
}
