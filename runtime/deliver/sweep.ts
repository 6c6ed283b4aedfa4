import { errorText, type Log } from "../aws/log.ts";
import type { Outgoing } from "../aws/queues.ts";
import type { Item } from "../domain/codec/fields.ts";
import { encodeProbe, encodeRetry } from "../domain/codec/index.ts";
import { defined } from "../domain/defined.ts";
import type { Millis } from "../domain/time.ts";
import type { DeliveryItem } from "../store/deliveries/deliveryItem.ts";
import { attemptsMade } from "../store/deliveries/keptAttempts.ts";
import { decodeDue } from "../store/deliveries/waiting.ts";
import { duePartitions } from "../store/keys.ts";
import { delaySeconds } from "./schedule.ts";

/**
 * Finds deliveries whose wait was too long for a queue, and sends them to the queue of retries when it is nearly over.
 *
 * Invariant: a due delivery is sent at least once, and rarely twice. Each item is claimed by moving its time forward, on
 * condition that it still has the time that was read, before its message is sent. A sweeper that runs beside another loses the
 * claim; one that dies between claim and sending leaves an item that is due again when the lease ends; the attempt itself takes
 * the item out of the index, and a second message finds that it has gone on.
 */
export interface SweepPorts {
  readonly log: Log;
  now(): Millis;
  /** A page of the deliveries of a partition that are due until a time, earliest first. */
  due(partition: string, until: Millis): AsyncIterable<readonly Item[]>;
  /** Moves an item's time on. @returns false when another has done so */
  claim(item: Item, until: Millis): Promise<boolean>;
  /** @throws Error when not all could be sent */
  retry(messages: readonly Outgoing[]): Promise<void>;
}

/** The next run comes within this time: deliveries that are due by then are sent now, with the remaining time as their delay. */
const AHEAD_MS = 60_000;
const LEASE_MS = 900_000;
/** A run ends in time for its function's limit; the next run does the rest. */
const RUN_MS = 45_000;
const CLAIMS_AT_ONCE = 20;

/** @returns how many deliveries and probes were sent @throws once all other partitions are swept, what one failed with */
export async function sweep(ports: SweepPorts): Promise<{ deliveries: number; probes: number }> {
  const started = ports.now();
  const counts = { deliveries: 0, probes: 0 };
  const failed: unknown[] = [];
  await Promise.all(
    duePartitions.map(async (partition) => {
      try {
        for await (const page of ports.due(partition, started + AHEAD_MS)) {
          await sweepPage(page, ports, counts);
          if (ports.now() - started > RUN_MS) return;
        }
      } catch (error) {
        ports.log("error", "sweep.failed", { partition, error: errorText(error) });
        failed.push(error);
      }
    }),
  );
  if (counts.deliveries + counts.probes > 0)
    ports.log("info", "sweep.swept", { ...counts, duration_ms: ports.now() - started });
  if (failed.length > 0) throw failed[0];
  return counts;
}

/** @throws once all others are sent, what a claim failed with */
async function sweepPage(page: readonly Item[], ports: SweepPorts, counts: { deliveries: number; probes: number }) {
  const failed: unknown[] = [];
  const claimed = new Set<Item>();
  const queue = [...page];
  const work = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      try {
        if (await ports.claim(item, ports.now() + LEASE_MS)) claimed.add(item);
      } catch (error) {
        // What was claimed beside it is sent: it would wait for its lease to end.
        failed.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: CLAIMS_AT_ONCE }, work));
  const messages: Outgoing[] = [];
  const deliveries: DeliveryItem[] = [];
  for (const item of page) {
    if (!claimed.has(item)) continue;
    const found = read(item, ports);
    if (found === undefined) continue;
    if ("circuit" in found) {
      const { tenant, subscription_id } = found.circuit;
      messages.push({ text: encodeProbe({ tenant, subscription_id }), group: tenant });
      counts.probes += 1;
    } else deliveries.push(found.delivery);
  }
  // Deliveries of one post share partition and time, so they stand side by side here and are sent as one.
  for (const group of Map.groupBy(deliveries, groupKey).values()) {
    const { tenant, subscription_id, replay_id, next_attempt_at = 0 } = group[0]!;
    const retry = {
      tenant,
      subscription_id,
      attempts: attemptsMade(group[0]!),
      batches: group.map(({ first }) => first).sort(),
    };
    messages.push({
      text: encodeRetry({ ...retry, ...defined({ replay_id }) }),
      group: tenant,
      delaySeconds: delaySeconds(next_attempt_at - ports.now()),
    });
    counts.deliveries += group.length;
  }
  if (messages.length > 0) await ports.retry(messages);
  if (failed.length > 0) throw failed[0];
}

/** Undefined for an item that can't be read: it is told of again whenever its lease has ended. */
function read(item: Item, { log }: SweepPorts): ReturnType<typeof decodeDue> | undefined {
  try {
    return decodeDue(item);
  } catch (error) {
    log("error", "sweep.unreadable", { item: `${item.pk?.S} ${item.sk?.S}`, error: errorText(error) });
    return undefined;
  }
}

const groupKey = (item: DeliveryItem): string =>
  `${item.tenant} ${item.subscription_id} ${item.replay_id ?? ""} ${item.group ?? item.first} ${attemptsMade(item)}`;
