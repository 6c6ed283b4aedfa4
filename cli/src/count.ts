import { defined } from "../../runtime/domain/defined.ts";
import type { Triggers } from "../../sdk/typescript/src/client.ts";

/** What a replay would be asked to do. */
export interface ReplayBody {
  readonly event_ids?: string[];
  readonly from?: string;
  readonly to?: string;
  readonly event_type?: string[];
  readonly subscription_ids?: string[];
  readonly rate_per_second?: number;
}

export interface Count {
  /** Recorded events that a replay would go through. */
  readonly events: number;
  /** There are more: counting ended here. */
  readonly more: boolean;
  /** Of them, how many each named subscription matches today; absent where none is named, and where a rehearsal would count other events. */
  readonly matched?: Readonly<Record<string, number>>;
}

const MOST = 10_000;
const PAGE = 1_000;

/** Counts before anything is sent. @throws TriggersError */
export async function countReplay(triggers: Triggers, body: ReplayBody): Promise<Count> {
  const { event_ids, event_type, subscription_ids, from, to } = body;
  let events = 0;
  let more = false;
  if (event_ids !== undefined) {
    for (let at = 0; at < event_ids.length; at += PAGE) {
      const some = event_ids.slice(at, at + PAGE);
      const { missing } = await triggers.call("POST", "/events/lookup", { body: { event_ids: some } });
      events += some.length - missing.length;
    }
  } else {
    const query = { acknowledged: "all" as const, limit: String(PAGE), from, to, event_type };
    for await (const { items } of triggers.inbox(query as never).pages()) {
      events += items.length;
      if (events >= MOST) {
        more = true;
        break;
      }
    }
  }
  // A rehearsal goes through all events of a time.
  if (subscription_ids === undefined || from === undefined || event_ids !== undefined || event_type !== undefined)
    return { events, more };
  const matched: Record<string, number> = {};
  for (const id of subscription_ids) {
    const { event_selector } = await triggers.call("GET", "/subscriptions/{id}", { params: { id } });
    const range = { from, ...defined({ to }) };
    matched[id] = (await triggers.rehearse({ event_selector, ...range, limit: MOST })).matched;
  }
  return { events, more, matched };
}

/** In words. */
export function countText({ events, more, matched }: Count): string {
  const each = Object.entries(matched ?? {}).map(([id, count]) => `${count} match ${id}`);
  return `${events}${more ? " or more" : ""} event${events === 1 ? "" : "s"}${each.length === 0 ? "" : ` (${each.join(", ")})`}`;
}
