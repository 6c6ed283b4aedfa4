import { type EventText, eventHeads } from "../domain/event.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { Ulid } from "../domain/ids.ts";
import type { DeliveryTarget } from "../domain/subscription.ts";
import type { Seconds } from "../domain/time.ts";
import type { Attempt, DeliveryItem, LeftOut } from "../store/deliveries/deliveryItem.ts";
import { attemptsMade } from "../store/deliveries/keptAttempts.ts";
import { type Unmade, unmade } from "./unmade.ts";

/** One delivery that this invocation works on. */
export interface Delivery {
  /** Ids of the queue messages that brought it: they come again when it can't be settled. */
  readonly messageId: string;
  readonly tenant: Tenant;
  readonly subscription_id: string;
  readonly first: Ulid;
  readonly count: number;
  readonly types: readonly (string | null)[];
  /** Every offset that matched. */
  readonly indexes: readonly number[];
  /** Offsets that wait for their delivery. Those of deleted events are among them, but are skipped. */
  readonly remaining: readonly number[];
  readonly deleted: ReadonlySet<number>;
  readonly attempts: readonly Attempt[];
  readonly left_out?: LeftOut;
  readonly schedule_from: number;
  readonly replay_id?: string;
  /** The replay of dead letters that had it tried again. */
  readonly retried_by?: string;
  /** The key that its events came with. */
  readonly key_id?: string;
  readonly key_name?: string;
  readonly traceparent?: string;
  readonly hops?: number;
  readonly expiry: Seconds;
  /** As it was read; undefined when this is the first that is known of it. */
  readonly item?: DeliveryItem;
  /** False where another invocation may be working on it, or have done so: its message came before, or is one of several. */
  readonly only: boolean;
  readonly manual: boolean;
  /** The one delivery with which an open circuit is tried. */
  readonly probe: boolean;
  /** Raw JSON by offset, of those events at least that are to be sent. */
  readonly events: readonly Buffer[];
  /** Why there are none. */
  readonly unreadable?: Unmade;
}

/** The replay that a delivery's posts name. */
export const toldReplay = ({ replay_id, retried_by }: Delivery): string | undefined => retried_by ?? replay_id;

/** Offsets of a delivery that are to be sent. */
export const toSend = ({ remaining, deleted }: Pick<Delivery, "remaining" | "deleted">): number[] =>
  deleted.size === 0 ? [...remaining] : remaining.filter((offset) => !deleted.has(offset));

/** What of a delivery goes into a post. */
export interface Part {
  readonly delivery: Delivery;
  readonly first: Ulid;
  readonly types: readonly (string | null)[];
  readonly offsets: readonly number[];
}

/** One request to be made: whole deliveries of one subscription, or a slice of a large one. */
export interface PlannedPost {
  readonly target: DeliveryTarget;
  readonly parts: readonly Part[];
  /** From 1, over all attempts. */
  readonly attempt: number;
}

/** A post with what it takes, for as long as it takes it. */
export interface Planned {
  readonly post: PlannedPost;
  /** The events of its body; or why there are none; undefined where it is left out for now. */
  readonly content: readonly EventText[] | Unmade | undefined;
  /** Whether it is the last of the posts that stand or fall together: those of one large delivery. */
  readonly last: boolean;
}

/** The payload of an offset as the subscriber gets it, or why there is none. */
export type PayloadOf = (offset: number) => Uint8Array | Unmade;

/** Largest body; one event alone may exceed it by its envelope. */
const MAX_POST_BYTES = 1_000_000;

interface Open {
  readonly parts: Part[];
  readonly texts: EventText[];
  bytes: number;
}

/**
 * Cuts the deliveries of one subscription into posts, in the order in which their events were accepted. A delivery that shares a
 * post is in it as a whole. If it exceeds the rest of a post, it begins the next. If it is larger than a post, or the payload of
 * one of its events can't be made, it has posts of its own. So a retry, which brings back the deliveries of a post, makes the
 * same post again.
 *
 * A post is made when it is asked for, and the next payloads only then: memory holds the payloads under way only, however much
 * transforms add to small events. Never throws: an event or delivery that can't be made is given out with the reason.
 * @param deliveries that have their replay, if any, and the number of the attempt in common
 * @param prepare what it takes to make payloads of a delivery
 * @param leaveOut asked before each post: once it is true, no further post is made
 */
export async function* planPosts(
  target: DeliveryTarget,
  deliveries: readonly Delivery[],
  prepare: (delivery: Delivery, offsets: readonly number[]) => Promise<PayloadOf>,
  leaveOut: () => boolean = () => false,
): AsyncGenerator<Planned, void, void> {
  const ordered = [...deliveries].sort((a, b) => (a.first < b.first ? -1 : 1));
  let open: Open | undefined;
  const close = function* (): Generator<Planned> {
    if (open === undefined) return;
    const { parts, texts } = open;
    open = undefined;
    yield { post: postOf(target, parts), content: texts, last: true };
  };
  for (const [place, delivery] of ordered.entries()) {
    const offsets = toSend(delivery);
    if (offsets.length === 0) continue;
    if (leaveOut()) {
      yield* close();
      // Those that came together have shared a post before: they stay together.
      for (const some of Map.groupBy(ordered.slice(place), ({ messageId }) => messageId).values())
        yield {
          post: postOf(
            target,
            some.map((each) => partOf(each, toSend(each))),
          ),
          content: undefined,
          last: true,
        };
      return;
    }
    const alone = (some: readonly number[], content: Planned["content"], last: boolean): Planned => ({
      post: postOf(target, [partOf(delivery, some)]),
      content,
      last,
    });
    /** Offsets in posts that were given out. */
    let done = 0;
    const unmadeOnes: number[] = [];
    let why: Unmade | undefined;
    try {
      const payloadOf = await prepare(delivery, offsets);
      const head = target.format === "payload" ? () => "" : eventHeads(delivery.first, delivery.types);
      let cut: Cut | undefined;
      while (done < offsets.length) {
        if (leaveOut()) {
          yield* close();
          yield alone([...unmadeOnes, ...offsets.slice(done)], undefined, true);
          done = offsets.length;
          unmadeOnes.length = 0;
          break;
        }
        cut = nextCut(target, offsets, { from: done, carried: cut?.carried }, payloadOf, head);
        unmadeOnes.push(...cut.unmade);
        why = worse(why, cut.why);
        const whole = cut.made.length === offsets.length;
        if (whole && open !== undefined && fits(target, open.texts.length + cut.made.length, open.bytes + cut.bytes)) {
          open.parts.push(partOf(delivery, offsets));
          open.texts.push(...cut.texts);
          open.bytes += cut.bytes;
        } else {
          yield* close();
          const { made, texts, bytes, to } = cut;
          if (whole) open = { parts: [partOf(delivery, offsets)], texts: [...texts], bytes };
          else if (made.length > 0) {
            const last = to === offsets.length && unmadeOnes.length === 0;
            done = to;
            yield alone(made, texts, last);
            continue;
          }
        }
        done = cut.to;
      }
      if (unmadeOnes.length > 0) {
        yield* close();
        yield alone(unmadeOnes, why, true);
      }
    } catch (thrown) {
      yield* close();
      const left = [...unmadeOnes, ...offsets.slice(done)];
      yield alone(left, worse(why, unmade("body_failed", thrown)), true);
    }
  }
  yield* close();
}

const partOf = (delivery: Delivery, offsets: readonly number[]): Part => {
  const { first, types } = delivery;
  return { delivery, first, types, offsets };
};

const postOf = (target: DeliveryTarget, parts: readonly Part[]): PlannedPost => ({
  target,
  parts,
  attempt: attemptsMade(parts[0]!.delivery) + 1,
});

const fits = ({ max_batch }: DeliveryTarget, count: number, bytes: number): boolean =>
  count <= max_batch && bytes <= MAX_POST_BYTES;

/** Of two reasons the one that trying again may help with: it decides what follows. */
const worse = (a: Unmade | undefined, b: Unmade | undefined): Unmade | undefined =>
  a === undefined || (a.final && b !== undefined) ? b : a;

interface Cut {
  readonly made: readonly number[];
  readonly texts: readonly EventText[];
  readonly bytes: number;
  readonly unmade: readonly number[];
  readonly why: Unmade | undefined;
  /** Place in the offsets at which the next post begins. */
  readonly to: number;
  /** The event at that place, where it is made already but did not fit. */
  readonly carried: EventText | undefined;
}

/** The next post of a delivery: at most `max_batch` events and `MAX_POST_BYTES`, at least one event. */
function nextCut(
  target: DeliveryTarget,
  offsets: readonly number[],
  { from, carried }: { readonly from: number } & Pick<Cut, "carried">,
  payloadOf: PayloadOf,
  head: (offset: number) => string,
): Cut {
  const made: number[] = [];
  const texts: EventText[] = [];
  const failed: number[] = [];
  let why: Unmade | undefined;
  let bytes = 0;
  let at = from;
  for (; at < offsets.length; at += 1) {
    const offset = offsets[at]!;
    let text = at === from ? carried : undefined;
    if (text === undefined) {
      const payload = payloadOf(offset);
      if ("error" in payload) {
        failed.push(offset);
        why = worse(why, payload);
        continue;
      }
      text = { head: head(offset), raw: payload };
    }
    const size = text.head.length + text.raw.length + 2;
    if (made.length > 0 && !fits(target, made.length + 1, bytes + size))
      return { made, texts, bytes, unmade: failed, why, to: at, carried: text };
    made.push(offset);
    texts.push(text);
    bytes += size;
  }
  return { made, texts, bytes, unmade: failed, why, to: at, carried: undefined };
}
