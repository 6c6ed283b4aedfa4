/**
 * The arithmetic of a limit: how many events passed, in slots of 100 ms, and how full a bucket is that the limit drains.
 *
 * What holds, for a limit of L events per second:
 * - a caller that sends at most L events within any second is never refused, singly or in batches, also where a request is up to
 *   200 ms faster on its way than the one before it, and in any order in which requests come to be counted;
 * - at most L events of a customer pass within any 700 ms, and at most L × (T + 1.25) within any T seconds.
 * Slots alone would let 1.25 L pass for ever, the bucket alone 2.25 L within a second. docs/decisions/rate-limit.md.
 */
import type { Millis } from "../domain/time.ts";
export const SLOT_MS = 100;
/** Slots that a limit holds for: a second less what requests may be late by. */
export const WINDOW_SLOTS = 8;
/** The bucket's size, in thousandths of the limit: a second's events, and what requests may be late by. */
export const BUCKET = 1_250;
/** Milliseconds. A request that waits longer to be counted counts as if it had waited for this time. */
export const LATE_MS = 2_000;
/** A state that is so far ahead of a request was made by a clock that was wrong: the window begins anew. */
const AHEAD_MS = 10_000;
/** Slots that are kept: all with which a late request can be counted. */
export const KEPT_SLOTS = WINDOW_SLOTS + LATE_MS / SLOT_MS;

/** The state of one window. */
export interface State {
  /** The latest arrival, ms since the epoch. */
  readonly at: Millis;
  /** How full the bucket was then, thousandths of an event. */
  readonly level: number;
  /** Events that passed since the state was made; it is dropped after some seconds of silence. */
  readonly passed: number;
  /** Number of the first slot kept. */
  readonly first: number;
  /** Events by slot from there. */
  readonly counts: readonly number[];
}

export const slotOf = (at: Millis): number => Math.floor(at / SLOT_MS);

/** The state in its text, `<at> <level> <passed> <first> <counts…>`; an unused window where there is none. */
export function stateIn(text: string, now: Millis): State {
  if (text === "") return { at: now, level: 0, passed: 0, first: slotOf(now), counts: [] };
  const [at, level, passed, first, ...counts] = text.split(" ").map(Number);
  return { at: at!, level: level!, passed: passed!, first: first!, counts };
}

/** The most events in any window of slots that holds this one. */
function mostAround({ first, counts }: State, slot: number): number {
  const last = Math.min(slot + WINDOW_SLOTS - 1, first + counts.length - 1);
  let sum = 0;
  for (let each = slot - WINDOW_SLOTS + 1; each <= slot; each += 1) sum += counts[each - first] ?? 0;
  let most = sum;
  for (let each = slot + 1; each <= last; each += 1) {
    sum += (counts[each - first] ?? 0) - (counts[each - first - WINDOW_SLOTS] ?? 0);
    most = Math.max(most, sum);
  }
  return most;
}

/**
 * Thousandths of an event that the bucket still takes of a request that arrived then. Who comes late is counted with what
 * has come since, but the limit has drained meanwhile what it would have brought.
 */
function bucketRoom({ at, level }: State, limit: number, arrived: Millis): number {
  const ahead = limit * (arrived - at);
  return BUCKET * limit - (ahead >= 0 ? Math.max(0, level - ahead) : level + ahead);
}

/** Whole events that may still come at this moment. */
export const remaining = (state: State, limit: number, arrived: Millis): number =>
  Math.max(
    0,
    Math.floor(Math.min(limit - mostAround(state, slotOf(arrived)), bucketRoom(state, limit, arrived) / 1_000)),
  );

/**
 * Milliseconds until `cost` events fit, if nothing else comes meanwhile. 0 when they fit now.
 * Infinity when they alone exceed the limit.
 */
export function waitFor(state: State, limit: number, cost: number, arrived: Millis): number {
  if (cost > limit) return Number.POSITIVE_INFINITY;
  let slot = slotOf(arrived);
  while (mostAround(state, slot) + cost > limit) slot += 1;
  const bySlots = Math.max(0, slot * SLOT_MS - arrived);
  const lacking = cost * 1_000 - bucketRoom(state, limit, arrived);
  return lacking <= 0 ? bySlots : Math.max(bySlots, Math.ceil(lacking / limit));
}

/**
 * KEYS: the state of each window; then, where there is one more, the mark of the caller's text. ARGV: cost, arrival, then
 * each limit. Counts the cost in all windows, if all take it. Answers whether it did, -1 where the text had ended by the
 * time of arrival; then the states as they were before.
 */
export const WINDOW_SCRIPT = `
local cost, arrived = tonumber(ARGV[1]), tonumber(ARGV[2])
local slot = math.floor(arrived / ${SLOT_MS})
local answer, states = {1}, {}
local windows = #ARGV - 2
if #KEYS > windows then
  local ended = redis.call('GET', KEYS[windows + 1])
  if ended and arrived >= tonumber(ended) then answer[1] = -1 end
end
for i = 1, windows do
  local key, limit = KEYS[i], tonumber(ARGV[2 + i])
  local text = redis.call('GET', key)
  if text and tonumber(string.match(text, '^%d+')) > arrived + ${AHEAD_MS} then text = false end
  local head, counts, first, last = {arrived, 0, 0, slot}, {}, slot, slot
  if text then
    local n = 0
    for number in string.gmatch(text, '%d+') do
      n = n + 1
      if n <= 4 then head[n] = tonumber(number) else counts[head[4] + n - 5] = tonumber(number) end
    end
    first, last = head[4], head[4] + n - 5
  end
  local at, level = head[1], head[2]
  local fill = cost * 1000
  if arrived >= at then
    level = math.max(0, level - limit * (arrived - at))
    at = arrived
  else
    fill = math.max(0, fill - limit * (at - arrived))
  end
  local sum = 0
  for each = slot - ${WINDOW_SLOTS - 1}, slot do sum = sum + (counts[each] or 0) end
  local most = sum
  for each = slot + 1, math.min(last, slot + ${WINDOW_SLOTS - 1}) do
    sum = sum + (counts[each] or 0) - (counts[each - ${WINDOW_SLOTS}] or 0)
    if sum > most then most = sum end
  end
  if answer[1] == 1 and (most + cost > limit or level + fill > ${BUCKET} * limit) then answer[1] = 0 end
  answer[i + 1] = text or ''
  states[i] = {at, level + fill, head[3], first, last, counts}
end
if answer[1] == 1 and cost > 0 then
  for i = 1, windows do
    local at, level, passed, first, last, counts = unpack(states[i])
    counts[slot] = (counts[slot] or 0) + cost
    last = math.max(last, slot)
    first = math.max(math.min(first, slot), last - ${KEPT_SLOTS - 1})
    local kept = {string.format('%.0f %.0f %.0f %.0f', at, level, passed + cost, first)}
    for each = first, last do kept[#kept + 1] = string.format('%.0f', counts[each] or 0) end
    redis.call('SET', KEYS[i], table.concat(kept, ' '), 'PX', ${KEPT_SLOTS * SLOT_MS * 2})
  end
end
return answer
`;
