import { mapConcurrently } from "../../domain/concurrently.ts";
import type { BatchItem } from "../batches/batchItem.ts";
import { readDelivery, stripAnswers } from "../deliveries/changeDelivery.ts";
import { deliveriesOf } from "../deliveries/deliveriesOf.ts";
import type { Attempt, DeliveryItem } from "../deliveries/deliveryItem.ts";
import { strictly } from "../readable.ts";
import type { Store } from "../table.ts";

/**
 * Subscribers' answers may repeat what they were sent. Those to posts that carried an erased event are taken off every
 * delivery that keeps them, which may be one of another batch: deliveries share posts.
 */

/**
 * Strips the deliveries that carried erased events; those with nothing left wait no longer.
 * @returns how many were changed
 * @throws CodecError for one that can't be read: nobody knows what it holds
 */
export async function stripDeliveries(store: Store, batch: BatchItem, offsets: readonly number[]): Promise<number> {
  const found = await deliveriesOf(store, batch.tenant, [batch.first], 1, strictly);
  const items = found.get(batch.first) ?? [];
  const concerned = items.filter((item) => item.indexes.some((offset) => offsets.includes(offset)));
  const changed = await mapConcurrently(concerned, 8, async (item) => {
    const own = offsets.filter((offset) => item.indexes.includes(offset));
    const carried = ({ unsent = [] }: Attempt) => !own.every((offset) => unsent.includes(offset));
    const over = ({ status, remaining, indexes }: DeliveryItem) =>
      (status === "pending" || status === "failed") &&
      (remaining ?? indexes).every((offset) => batch.deleted.includes(offset));
    return Number(await stripAnswers(store.events, item, carried, over)) + (await stripShared(store, item, carried));
  });
  return changed.reduce((sum, each) => sum + each, 0);
}

/** The same answers where deliveries of other batches keep them. */
async function stripShared(store: Store, item: DeliveryItem, carried: (attempt: Attempt) => boolean): Promise<number> {
  let changed = 0;
  for (const { at, answer_with = [] } of item.attempts.filter(carried)) {
    for (const first of answer_with) {
      if (first === item.first) continue;
      const keeper = await readDelivery(store.events, { ...item, first });
      const same = (attempt: Attempt) => attempt.at === at;
      if (keeper !== undefined && (await stripAnswers(store.events, keeper, same, () => false))) changed += 1;
    }
  }
  for (const first of item.left_out?.answer_with ?? []) {
    if (first === item.first) continue;
    const keeper = await readDelivery(store.events, { ...item, first });
    // Which of its posts were shared is no longer known.
    const shared = ({ answer_with }: Attempt) => answer_with !== undefined;
    if (keeper !== undefined && (await stripAnswers(store.events, keeper, shared, () => false))) changed += 1;
  }
  return changed;
}
