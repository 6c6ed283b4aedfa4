import { sendOrThrow } from "../../aws/queues.ts";
import { encodeRetry } from "../../domain/codec/index.ts";
import { defined } from "../../domain/defined.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Millis } from "../../domain/time.ts";
import type { BatchItem } from "../../store/batches/batchItem.ts";
import type { DeliveryItem } from "../../store/deliveries/deliveryItem.ts";
import { attemptsMade } from "../../store/deliveries/keptAttempts.ts";
import { allDeliveries } from "../../store/inbox/view.ts";
import type { Tools } from "../work.ts";

/**
 * Stuck deliveries: their message was lost, or lies in a dead-letter queue. Invariant: every delivery that is pending or
 * failed has something that will attempt it. Held deliveries are drained, long waits are swept; all others had a message, and an hour
 * later there is either an attempt or a stray. Two messages of one delivery do no harm: the second finds it attempted.
 */

/** A delay in a queue is 15 min at most. */
const LATE_MS = 1_800_000;

const isStray = ({ status, held, swept, next_attempt_at = 0 }: DeliveryItem, now: Millis): boolean =>
  (status === "pending" || status === "failed") && held !== true && swept !== true && next_attempt_at < now - LATE_MS;

/**
 * Sends the strays among the deliveries of these batches to the queue of retries.
 * @param items by the batch's first ULID
 * @returns how many there were
 */
export async function retryStrays(
  tools: Tools,
  tenant: Tenant,
  batches: readonly BatchItem[],
  items: ReadonlyMap<string, readonly DeliveryItem[]>,
): Promise<number> {
  const now = tools.now();
  const strays = batches.flatMap((batch) => {
    const alive = (indexes: readonly number[]) => indexes.some((offset) => !batch.deleted.includes(offset));
    return allDeliveries(batch, items.get(batch.first) ?? []).filter(
      (item) => alive(item.remaining ?? item.indexes) && isStray(item, now),
    );
  });
  const messages = strays.map(({ first, subscription_id, replay_id, ...rest }) => ({
    text: encodeRetry({
      tenant,
      subscription_id,
      batches: [first],
      attempts: attemptsMade(rest),
      ...defined({ replay_id }),
    }),
    group: tenant,
  }));
  if (messages.length > 0) await sendOrThrow(tools.sqs, tools.env.RETRY_QUEUE_URL, messages);
  return messages.length;
}
