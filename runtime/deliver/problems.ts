import { deliveryId } from "../domain/ids.ts";
import { errorClassOf } from "../domain/metrics/names.ts";
import type { Failures } from "../store/problems.ts";
import type { Delivery, Part } from "./plan.ts";
import type { Settled } from "./settle.ts";

/** What failed posts are to the problems of their subscriptions. Posts that succeed cost nothing here. */

/** Events of a part whose delivery had not failed like this before. */
const newEvents = ({ delivery, offsets }: Part, status: number | null, error: string): number =>
  delivery.attempts.some((attempt) => attempt.error === error && attempt.status_code === status) ? 0 : offsets.length;

/**
 * The failed posts by subscription and cause.
 * @param unkept deliveries whose state could not be kept: they are attempted again, and count then
 */
export function failuresOf(settled: readonly Settled[], unkept: ReadonlySet<Delivery>): Failures[] {
  const found = new Map<string, Failures>();
  const well = new Set<string>();
  for (const { posts } of settled) {
    for (const { post, at, result } of posts) {
      if (result === undefined) continue;
      const { tenant, subscription_id } = post.target;
      const owner = `${tenant} ${subscription_id}`;
      const error = errorClassOf(result.error, result.status);
      if (result.error === null || error === null) {
        well.add(owner);
        continue;
      }
      if (post.parts.some(({ delivery }) => unkept.has(delivery))) continue;
      const id = `${owner} ${error} ${result.status}`;
      const known = found.get(id);
      const { delivery } = post.parts[0]!;
      const events = post.parts.reduce((sum, part) => sum + newEvents(part, result.status, result.error!), 0);
      found.set(id, {
        tenant,
        subscription_id,
        error,
        status_code: result.status,
        attempts: (known?.attempts ?? 0) + 1,
        events: (known?.events ?? 0) + events,
        first_at: Math.min(known?.first_at ?? at, at),
        last_at: Math.max(known?.last_at ?? at, at),
        sample_delivery_id: deliveryId(delivery.first, delivery.subscription_id, delivery.replay_id),
        well: false,
      });
    }
  }
  return [...found.values()].map((failures) => ({
    ...failures,
    well: well.has(`${failures.tenant} ${failures.subscription_id}`),
  }));
}
