import type { Event } from "../domain/event.ts";
import { eventId, rfc3339, timeOf, ulidAt } from "../domain/ids.ts";
import { parseJson } from "../domain/jsonNumber.ts";
import type { Snapshot } from "./snapshots.ts";

/** An event whose payload is parsed only when a selector looks into it, and that remembers whether one did. */
class LazyEvent implements Event {
  readonly event_type: string | null;
  /** Whether anything but the type was read: only then can the answer differ for another event of the type. */
  looked = false;
  readonly #first: string;
  readonly #offset: number;
  readonly #raw: Buffer;
  #payload: Readonly<Record<string, unknown>> | undefined;

  constructor(first: string, offset: number, type: string | null, raw: Buffer) {
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

/**
 * Which subscriptions want which events of a batch.
 * @param events raw JSON of each
 * @returns offsets of the matching events, ascending, by subscription id
 */
export function matchBatch(
  snapshot: Snapshot,
  first: string,
  types: readonly (string | null)[],
  events: readonly Buffer[],
): Record<string, number[]> {
  const matched: Record<string, number[]> = {};
  if (snapshot.matcher.size === 0) return matched;
  for (const [offset, raw] of events.entries()) {
    const type = types[offset]!;
    let wanted = snapshot.byType.get(type);
    if (wanted === undefined) {
      const event = new LazyEvent(first, offset, type, raw);
      wanted = snapshot.matcher.match(event);
      if (!event.looked && snapshot.byType.size < MAX_TYPES) snapshot.byType.set(type, wanted);
    }
    for (const { subscription_id } of wanted) {
      const offsets = matched[subscription_id];
      if (offsets === undefined) matched[subscription_id] = [offset];
      else offsets.push(offset);
    }
  }
  return matched;
}
