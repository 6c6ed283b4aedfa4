import assert from "node:assert/strict";
import type { Event } from "../../runtime/domain/event.ts";
import { parseJson } from "../../runtime/domain/jsonNumber.ts";
import type { EventSelector } from "../../runtime/domain/subscription.ts";
import { buildMatcher, compileSelector } from "../../runtime/matching/index.ts";

/** An event with this text as its payload. */
export const eventOf = (text: string, event_type: string | null = null): Event => ({
  event_id: "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV",
  event_type,
  received_at: "2026-01-02T03:04:05.678Z",
  payload: parseJson(text) as Record<string, unknown>,
});

/** Whether a selector wants an event, alone and out of an index. */
export function wants(event_selector: EventSelector, of: Event): boolean {
  const alone = compileSelector(event_selector).matches(of);
  assert.equal(buildMatcher([{ subscription_id: "sub_1", event_selector }]).match(of).length, alone ? 1 : 0);
  return alone;
}
