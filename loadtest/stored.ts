/** Requests as the platform keeps them once they are routed and delivered, for stores that are filled without sending. */
import { putItems, type Table } from "../runtime/aws/tables.ts";
import type { Item } from "../runtime/domain/codec/fields.ts";
import { pack } from "../runtime/domain/codec/pack.ts";
import type { Tenant } from "../runtime/domain/identity/identity.ts";
import { timeOf, type Ulid } from "../runtime/domain/ids.ts";
import { errorClassOf } from "../runtime/domain/metrics/names.ts";
import { DAY_SECONDS, type Millis, rfc3339, secondsOf } from "../runtime/domain/time.ts";
import type { UsageFact } from "../runtime/domain/usage/fact.ts";
import { encodeBatch } from "../runtime/store/batches/batchItem.ts";
import { encodeDeliveryItem } from "../runtime/store/deliveries/deliveryItem.ts";

/** One post of a delivery. */
export interface StoredAttempt {
  readonly at: Millis;
  readonly status: number | null;
  readonly latency_ms: number;
  readonly error: string | null;
}

/** What became of the events that one subscription matched. Its last attempt says how it ended. */
export interface StoredDelivery {
  readonly subscription_id: string;
  /** Offsets of its events, ascending. */
  readonly indexes: readonly number[];
  readonly attempts: readonly StoredAttempt[];
}

/** A request whose deliveries have all ended. */
export interface StoredRequest {
  readonly tenant: Tenant;
  /** Says when it was accepted too. */
  readonly first: Ulid;
  readonly key_id: string;
  readonly types: readonly string[];
  /** The bytes of each event. */
  readonly payloads: readonly Uint8Array[];
  readonly accept_ms: number;
  readonly deliveries: readonly StoredDelivery[];
}

const KEPT_SECONDS = 90 * DAY_SECONDS;
const statusOf = ({ attempts }: StoredDelivery) =>
  attempts.at(-1)!.error === null ? ("delivered" as const) : ("dead_lettered" as const);
const matchedOf = ({ deliveries }: StoredRequest) =>
  Object.fromEntries(deliveries.map(({ subscription_id, indexes }) => [subscription_id, indexes]));

/** The request's items in the table of events. */
export function itemsOf(request: StoredRequest): Item[] {
  const { tenant, first, types, key_id, payloads, deliveries } = request;
  const at = timeOf(first);
  const kept = { tenant, first, count: types.length, expiry: secondsOf(at) + KEPT_SECONDS };
  const routed = { matched: matchedOf(request), snapshot_version: 1, routed_at: at, acknowledged: {}, deleted: [] };
  return [
    encodeBatch({ ...kept, types, key_id, body: { inline: pack(payloads) }, ...routed }),
    ...deliveries.map((delivery) =>
      encodeDeliveryItem({
        ...kept,
        subscription_id: delivery.subscription_id,
        indexes: delivery.indexes,
        status: statusOf(delivery),
        attempts: delivery.attempts.map(({ at, status, latency_ms, error }) => ({
          ...{ at: rfc3339(at), status_code: status, latency_ms, error },
          response_excerpt: error === null ? "ok" : "out of order",
        })),
        ...(statusOf(delivery) === "dead_lettered" ? { reason: "attempts_exhausted" } : {}),
      }),
    ),
  ];
}

/** What route and deliver would have counted of it. */
export function factsOf(request: StoredRequest): UsageFact[] {
  const { tenant, first, types, key_id, payloads, accept_ms, deliveries } = request;
  const at = timeOf(first);
  const events = types.map((type, offset) => ({ type, bytes: payloads[offset]!.length }));
  return [
    { kind: "accepted", tenant, at, routed_at: at, key_id, events, matched: matchedOf(request), accept_ms },
    ...deliveries.flatMap((delivery) => endedFacts(request, delivery)),
  ];
}

function endedFacts({ tenant, first, key_id, types: all }: StoredRequest, delivery: StoredDelivery): UsageFact[] {
  const { subscription_id, indexes, attempts } = delivery;
  const at = timeOf(first);
  const types = indexes.map((offset) => all[offset]!);
  const moved = { kind: "moved", tenant, at, subscription_id, key_id, types } as const;
  const to = statusOf(delivery);
  return [
    ...attempts.map(({ at: sent, status, latency_ms, error }, place): UsageFact => {
      const outcome = error === null ? "delivered" : place < attempts.length - 1 ? "failed" : "dead_lettered";
      const success = error === null ? { first_success_ms: sent + latency_ms - at } : {};
      return {
        ...{ kind: "attempted", tenant, at: sent, subscription_id, outcome, latency_ms },
        ...{ error: errorClassOf(error, status), parts: [{ types, key_id, ...success }] },
      };
    }),
    ...(attempts.length === 1
      ? [{ ...moved, from: "pending", to } as const]
      : [{ ...moved, from: "pending", to: "failed" } as const, { ...moved, from: "failed", to } as const]),
  ];
}

const ITEMS_A_CALL = 100;
const CALLS_AT_ONCE = 4;

/** Puts items into a table, some calls at a time. */
export interface Filler {
  /** Waits while too many calls are under way. @throws what an earlier call threw */
  put(items: readonly Item[]): Promise<void>;
  /** Once everything is written. @throws what a call threw */
  end(): Promise<void>;
}

export function fillerOf(table: Table): Filler {
  let waiting: Item[] = [];
  const calls = new Set<Promise<void>>();
  async function write(): Promise<void> {
    const items = waiting;
    waiting = [];
    if (calls.size >= CALLS_AT_ONCE) await Promise.race(calls);
    const call = putItems(table, items).then(() => void calls.delete(call));
    // What fails stays, so that the next call throws it.
    call.catch(() => undefined);
    calls.add(call);
  }
  return {
    async put(items) {
      waiting.push(...items);
      if (waiting.length >= ITEMS_A_CALL) await write();
    },
    async end() {
      if (waiting.length > 0) await write();
      await Promise.all(calls);
    },
  };
}
