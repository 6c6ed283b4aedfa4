import type { Event } from "../domain/event.ts";
import { eventId, timeOf, type Ulid, ulidAt } from "../domain/ids.ts";
import { parseJson } from "../domain/jsonNumber.ts";
import { rfc3339 } from "../domain/time.ts";
import { Budget, EVENT_BUDGET } from "../matching/index.ts";
import type { Snapshot } from "./snapshots.ts";

/** An event whose payload is parsed only when a selector looks into it, and that remembers whether one did. */
class LazyEvent implements Event {
  readonly event_type: string | null;
  /** Whether anything but the type was read: only then can the answer differ for another event of the type. */
  looked = false;
  readonly #first: Ulid;
  readonly #offset: number;
  readonly #raw: Buffer;
  #payload: Readonly<Record<string, unknown>> | undefined;

  constructor(first: Ulid, offset: number, type: string | null, raw: Buffer) {
    this.#first = first;
    this.#offset = offset;
    this.event_type = type;
    this.#raw = raw;
  }

  get event_id(): string {
    this.looked = true;
    return eventId(ulidAt(this.#first, this.#offset));
  }

  get received_at(): string {
    this.looked = true;
    return rfc3339(timeOf(this.#first));
  }

  get payload(): Readonly<Record<string, unknown>> {
    this.looked = true;
    this.#payload ??= parseJson(this.#raw.toString("utf8")) as Record<string, unknown>;
    return this.#payload;
  }
}

/** Types remembered for one snapshot; a customer with more is matched without this shortcut for the rest. */
const MAX_TYPES = 10_000;

/** Work after which others in this process get a turn: about 20 ms. */
const TURN_UNITS = 400_000;

export interface Matched {
  /** Offsets of the matching events, ascending, by subscription id. */
  readonly matched: Record<string, number[]>;
  /** Events decided, from the first; one at least. */
  readonly done: number;
  /** Events that took all that one may: costly selectors did not count for them. */
  readonly exhausted: number;
}

/** Events of one request, in the order in which they were sent. */
export interface EventsOfRequest {
  /** ULID of the first. */
  readonly first: Ulid;
  readonly types: readonly (string | null)[];
  /** Raw JSON of each. */
  readonly events: readonly Buffer[];
}

/**
 * Which subscriptions match which events of a batch, as far as the budget goes.
 * @param budget pays for the customer whose batch it is
 * @param isOver asked between events: whether the time for it is over, even if there is budget left
 */
export async function matchBatch(
  snapshot: Snapshot,
  { first, types, events }: EventsOfRequest,
  budget: Budget,
  isOver: () => boolean,
): Promise<Matched> {
  const matched: Record<string, number[]> = {};
  let exhausted = 0;
  if (snapshot.matcher.size === 0) return { matched, done: events.length, exhausted };
  let turnAt = budget.spent + TURN_UNITS;
  for (const [offset, raw] of events.entries()) {
    if (offset > 0 && (budget.usedUp || isOver())) return { matched, done: offset, exhausted };
    if (budget.spent > turnAt) {
      await new Promise((resolve) => setImmediate(resolve));
      turnAt = budget.spent + TURN_UNITS;
    }
    const type = types[offset]!;
    let wanted = snapshot.byType.get(type);
    if (wanted === undefined) {
      const event = new LazyEvent(first, offset, type, raw);
      // What the customer has left decides between events, not within one: each is decided as it would be alone.
      const own = new Budget(EVENT_BUDGET);
      wanted = snapshot.matcher.match(event, undefined, own);
      budget.pay(own);
      if (own.usedUp) exhausted += 1;
      if (!event.looked && snapshot.byType.size < MAX_TYPES) snapshot.byType.set(type, wanted);
    }
    for (const { subscription_id } of wanted) {
      const offsets = matched[subscription_id];
      if (offsets === undefined) matched[subscription_id] = [offset];
      else offsets.push(offset);
    }
  }
  return { matched, done: events.length, exhausted };
}
