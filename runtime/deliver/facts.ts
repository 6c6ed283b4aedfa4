import { defined } from "../domain/defined.ts";
import { timeOf } from "../domain/ids.ts";
import { errorClassOf } from "../domain/metrics/names.ts";
import type { UsageFact } from "../domain/usage/fact.ts";
import type { Move } from "../store/deliveries/changeDelivery.ts";
import { type Delivery, type Part, toldReplay } from "./plan.ts";
import type { Settled } from "./settle.ts";

/** What posts count for: usage and metrics. */

type Attempted = Extract<UsageFact, { kind: "attempted" }>;

/**
 * Each post as a fact.
 * @param unkept deliveries whose state could not be kept: they are attempted again, and are what they become only then
 */
export const factsOf = (settled: readonly Settled[], unkept: ReadonlySet<Delivery>): UsageFact[] =>
  settled.flatMap(({ posts, next }) =>
    posts.flatMap(({ post, at, result }): UsageFact[] => {
      if (result === undefined) return [];
      const became =
        result.error === null ? "delivered" : next.kind === "dead_lettered" ? "dead_lettered" : ("failed" as const);
      const outcome = post.parts.some(({ delivery }) => unkept.has(delivery)) ? null : became;
      const end = outcome === "delivered" ? at + result.latency_ms : undefined;
      return [
        {
          kind: "attempted",
          tenant: post.target.tenant,
          at,
          subscription_id: post.target.subscription_id,
          outcome,
          error: errorClassOf(result.error, result.status),
          latency_ms: result.latency_ms,
          parts: post.parts.map((part) => partOf(part, end)),
        },
      ];
    }),
  );

/** @param end of the post, milliseconds, where it succeeded */
function partOf({ delivery, types, offsets }: Part, end: number | undefined): Attempted["parts"][number] {
  const { first, key_id, item, attempts, manual, replay_id, retried_by } = delivery;
  const firstSuccess = end !== undefined && toldReplay(delivery) === undefined && item?.status !== "delivered";
  const replayed = replay_id === undefined ? retried_by !== undefined && manual : attempts.length === 0;
  return {
    types: offsets.map((offset) => types[offset] ?? null),
    ...defined({
      key_id,
      first_success_ms: firstSuccess ? Math.max(0, end - timeOf(first)) : undefined,
      replayed: replayed ? (true as const) : undefined,
    }),
  };
}

/**
 * The change of a delivery's state as a fact. Deliveries of replays are left out: they say nothing about the events' own
 * deliveries.
 */
export function movedOf(delivery: Delivery, { from, to }: Move): UsageFact[] {
  const { tenant, subscription_id, key_id, types, indexes, first, replay_id } = delivery;
  if (from === to || replay_id !== undefined) return [];
  const own = indexes.map((offset) => types[offset] ?? null);
  return [{ kind: "moved", tenant, at: timeOf(first), subscription_id, types: own, from, to, ...defined({ key_id }) }];
}
