import type { DeliveryStatus } from "../event.ts";
import type { Tenant } from "../identity/identity.ts";
import { MINUTE_MS, type Millis } from "../time.ts";
import type { UsageFact } from "../usage/fact.ts";
import { dimsOf, grainOf, isOthersKey, type Rows, typeIn } from "./facts.ts";
import type { Counter } from "./sums.ts";

/**
 * What is wrong with the numbers of an hour, found by looking at what is stored of it. An environment that crashes takes what it counted
 * last with it, whereas its batches and deliveries are kept. Two that deliver the same at once may both count it.
 *
 * Invariant: only what is wrong for certain is told. So what is counted already never counts twice, and looking again tells nothing new.
 * How long it took, and the attempts themselves, are not told: they belong to other hours.
 */

export interface StoredRequest {
  readonly at: Millis;
  readonly key_id: string;
  /** It goes on where another request was cut, which counted for both. */
  readonly rest: boolean;
  readonly events: readonly { readonly type: string | null; readonly bytes: number }[];
  /** Which of them each subscription matched, by offset. */
  readonly matched: Readonly<Record<string, readonly number[]>>;
}

export interface StoredDelivery {
  /** When its events were received. */
  readonly at: Millis;
  readonly subscription_id: string;
  readonly key_id: string;
  /** Event type of each of its events, and of those that were not deleted since. */
  readonly types: readonly (string | null)[];
  readonly left: readonly (string | null)[];
  readonly status: DeliveryStatus;
  /** Whether it has been so for long: what changed lately may be about to be counted. */
  readonly settled: boolean;
}

interface OfType {
  requests: number;
  events: number;
  bytes: number;
  matched: number;
}
const noneOfType = (): OfType => ({ requests: 0, events: 0, bytes: 0, matched: 0 });

/** States that a delivery can leave, in the order in which it comes to them. */
const leaves = ["pending", "failed", "dead_lettered"] as const satisfies DeliveryStatus[];
type Leaves = (typeof leaves)[number];

/** Deliveries of events of one type, that came with one key, to one subscription; in events. */
interface Pairs {
  readonly subscription_id: string;
  readonly key_id: string;
  readonly type: string;
  matched: number;
  readonly settled: Partial<Record<DeliveryStatus, number>>;
  /** So many may be in each of the states that one can leave. */
  readonly possible: Record<Leaves, number>;
}

interface Minute {
  /** By key. */
  readonly requests: Map<string, { requests: number; readonly types: Map<string, OfType> }>;
  readonly pairs: Map<string, Pairs>;
}

/** The stored facts of an hour, by the minute. */
export class StoredHour {
  readonly minutes = new Map<Millis, Minute>();

  addRequest({ at, key_id, rest, events, matched }: StoredRequest): void {
    const minute = this.#minuteOf(at);
    const own = minute.requests.get(key_id) ?? { requests: 0, types: new Map<string, OfType>() };
    minute.requests.set(key_id, own);
    if (!rest) own.requests += 1;
    const hit = new Set(Object.values(matched).flat());
    const seen = new Set<string>();
    for (const [offset, { type, bytes }] of events.entries()) {
      const name = type ?? "";
      const sums = own.types.get(name) ?? noneOfType();
      own.types.set(name, sums);
      if (!rest && !seen.has(name)) sums.requests += 1;
      seen.add(name);
      sums.events += 1;
      sums.bytes += bytes;
      if (hit.has(offset)) sums.matched += 1;
    }
    for (const [subscription_id, offsets] of Object.entries(matched))
      for (const offset of offsets) pairsOf(minute, subscription_id, key_id, events[offset]?.type ?? null).matched += 1;
  }

  addDelivery({ at, subscription_id, key_id, types, left, status, settled }: StoredDelivery): void {
    const minute = this.#minuteOf(at);
    for (const type of types) {
      const { possible } = pairsOf(minute, subscription_id, key_id, type);
      for (const one of leaves) if (status === one || !settled) possible[one] += 1;
    }
    if (!settled) return;
    for (const type of left) {
      const { settled } = pairsOf(minute, subscription_id, key_id, type);
      settled[status] = (settled[status] ?? 0) + 1;
    }
  }

  #minuteOf(at: Millis): Minute {
    const start = Math.floor(at / MINUTE_MS) * MINUTE_MS;
    const minute = this.minutes.get(start) ?? { requests: new Map(), pairs: new Map() };
    this.minutes.set(start, minute);
    return minute;
  }
}

function pairsOf({ pairs }: Minute, subscription_id: string, key_id: string, type: string | null): Pairs {
  const id = JSON.stringify([subscription_id, key_id, type ?? ""]);
  const known = pairs.get(id);
  if (known !== undefined) return known;
  const made: Pairs = {
    subscription_id,
    key_id,
    type: type ?? "",
    matched: 0,
    settled: {},
    possible: { pending: 0, failed: 0, dead_lettered: 0 },
  };
  pairs.set(id, made);
  return made;
}

/** Looks counters up, by what they are about. */
function counted(rows: Rows): (counter: Counter, subscription: string, key: string, type: string | null) => number {
  const byId = new Map<string, Rows extends Map<string, infer S> ? S : never>();
  for (const [key, sums] of rows) {
    const { status, error, subscription_id, key_id } = dimsOf(key);
    const grain = grainOf(key);
    if ((grain !== "joint" && grain !== "key") || status !== null || error !== null) continue;
    byId.set(JSON.stringify([grain, subscription_id ?? "", key_id ?? "", typeIn(key)]), sums);
  }
  return (counter, subscription, key, type) =>
    byId.get(JSON.stringify([type === null ? "key" : "joint", subscription, key, type ?? ""]))?.counts[counter] ?? 0;
}

/**
 * The facts that are missing.
 * @param minutes the counted rows of the hour's minutes
 * @returns undefined where the hour has more joint keys than are told apart: what of it is counted can't be compared
 */
export function lostFacts(
  tenant: Tenant,
  minutes: ReadonlyMap<Millis, Rows>,
  stored: StoredHour,
): UsageFact[] | undefined {
  for (const rows of minutes.values()) for (const key of rows.keys()) if (isOthersKey(key)) return undefined;
  return [...stored.minutes].flatMap(([at, minute]) => {
    const count = counted(minutes.get(at) ?? new Map());
    const healed = new Map<string, number>();
    return [...lostRequests(tenant, at, minute, count, healed), ...lostMoves(tenant, at, minute, count, healed)];
  });
}

type Count = ReturnType<typeof counted>;
interface Entry {
  readonly type: string;
  readonly bytes: number;
  /** The fact that it stands in. */
  readonly fact: number;
}

/** @param healed told how many pairs the facts hold, by their id */
function lostRequests(
  tenant: Tenant,
  at: Millis,
  { requests, pairs }: Minute,
  count: Count,
  healed: Map<string, number>,
): UsageFact[] {
  return [...requests].flatMap(([key_id, own]): UsageFact[] => {
    const missing = Math.max(0, own.requests - count("requests", "", key_id, null));
    const facts = Math.max(1, missing);
    const entries: Entry[] = [];
    const candidates = new Map<string, { readonly places: readonly number[]; next: number }>();
    for (const [type, sums] of own.types) {
      const lost = (counter: keyof OfType) => Math.max(0, sums[counter] - count(counter, "", key_id, type));
      const events = lost("events");
      const bytes = lost("bytes");
      const spread = Math.max(1, Math.min(facts, lost("requests")));
      const begin = entries.length;
      for (let i = 0; i < events; i += 1) {
        const rest = i === 0 ? bytes % events : 0;
        entries.push({ type, bytes: Math.floor(bytes / events) + rest, fact: i % spread });
      }
      const matched = Math.min(events, lost("matched"));
      candidates.set(type, { places: Array.from({ length: matched }, (_, i) => begin + i), next: 0 });
    }
    if (missing === 0 && entries.length === 0) return [];
    const matched: Record<string, number[]>[] = Array.from({ length: facts }, () => ({}));
    const own_offset = offsetsWithin(entries, facts);
    for (const [id, { subscription_id, key_id: key, type, matched: all }] of pairs) {
      const from = candidates.get(type);
      if (key !== key_id || from === undefined) continue;
      const n = Math.min(from.places.length, Math.max(0, all - count("pairs", subscription_id, key_id, type)));
      // Each subscription begins where the one before has ended, so that together they match as many events as they did.
      for (let i = 0; i < n; i += 1) {
        const place = from.places[(from.next + i) % from.places.length]!;
        const { fact } = entries[place]!;
        const lists = matched[fact]!;
        lists[subscription_id] ??= [];
        lists[subscription_id].push(own_offset[place]!);
      }
      from.next += n;
      if (n > 0) healed.set(id, n);
    }
    return Array.from({ length: facts }, (_, fact): UsageFact => {
      const events = entries.filter((entry) => entry.fact === fact);
      return {
        kind: "accepted",
        tenant,
        at,
        routed_at: at,
        key_id,
        events: events.map(({ type, bytes }) => ({ type: type === "" ? null : type, bytes })),
        matched: Object.fromEntries(
          Object.entries(matched[fact]!).map(([id, offsets]) => [id, offsets.sort((a, b) => a - b)]),
        ),
        recounted: true,
        ...(missing === 0 ? { rest: true as const } : {}),
      };
    });
  });
}

/** The offset of each entry among those of its fact. */
function offsetsWithin(entries: readonly Entry[], facts: number): number[] {
  const next = new Array<number>(facts).fill(0);
  return entries.map(({ fact }) => {
    const offset = next[fact]!;
    next[fact] = offset + 1;
    return offset;
  });
}

const COUNTERS = {
  delivered: "pairs_delivered",
  dead_lettered: "pairs_dead_lettered",
  cancelled: "pairs_cancelled",
  failed: "pairs_failed",
} as const satisfies Partial<Record<DeliveryStatus, Counter>>;
const reached = Object.keys(COUNTERS) as (keyof typeof COUNTERS)[];

/** The states that are counted, and `pending`, which is what they leave of the pairs. */
const states = ["pending", ...reached] as const satisfies DeliveryStatus[];

/**
 * Events counted in a state that they have left; and events counted twice in the one that they came to, since two invocations delivered
 * them at once. The latter is certain only where all pairs that are counted are stored too, and none of them can change any more.
 */
function lostMoves(
  tenant: Tenant,
  at: Millis,
  { pairs }: Minute,
  count: Count,
  healed: ReadonlyMap<string, number>,
): UsageFact[] {
  return [...pairs].flatMap(
    ([id, { subscription_id, key_id, type, settled, possible, matched: stored }]): UsageFact[] => {
      const now = Object.fromEntries(
        reached.map((status) => [status, count(COUNTERS[status], subscription_id, key_id, type)]),
      ) as Record<keyof typeof COUNTERS, number>;
      const matched = count("pairs", subscription_id, key_id, type) + (healed.get(id) ?? 0);
      const pending = matched - Object.values(now).reduce((sum, n) => sum + n, 0);
      const surplus: Partial<Record<DeliveryStatus, number>> = {
        pending: pending - possible.pending,
        failed: now.failed - possible.failed,
        dead_lettered: now.dead_lettered - possible.dead_lettered,
      };
      const missing: Partial<Record<DeliveryStatus, number>> = Object.fromEntries(
        reached.map((status) => [status, (settled[status] ?? 0) - now[status]]),
      );
      const { delivered = 0, cancelled = 0 } = settled;
      if (delivered + cancelled === matched && matched === stored) {
        surplus.delivered = now.delivered - delivered;
        surplus.cancelled = now.cancelled - cancelled;
        missing.pending = -pending;
      }
      return states.flatMap((from) =>
        states.flatMap((to): UsageFact[] => {
          const n = Math.min(surplus[from] ?? 0, missing[to] ?? 0);
          if (to === from || n <= 0) return [];
          surplus[from]! -= n;
          missing[to]! -= n;
          const types = new Array<string | null>(n).fill(type === "" ? null : type);
          return [{ kind: "moved", tenant, at, subscription_id, key_id, types, from, to }];
        }),
      );
    },
  );
}
