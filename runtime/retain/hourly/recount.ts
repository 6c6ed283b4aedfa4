import { minutesOf } from "../../counters/hours.ts";
import { putOver } from "../../counters/write.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { offsetOf, timeOf } from "../../domain/ids.ts";
import { minuteOf, rowsByMinute } from "../../domain/metrics/hours.ts";
import { lostFacts, StoredHour } from "../../domain/metrics/recount.ts";
import { KEPT_DAYS } from "../../domain/metrics/sums.ts";
import { DAY_MS, HOUR_MS, rfc3339 } from "../../domain/time.ts";
import { usageWriter } from "../../domain/usage/usage.ts";
import type { BatchItem } from "../../store/batches/batchItem.ts";
import type { ScannedBatch } from "../../store/batches/scanEvents.ts";
import type { DeliveryItem } from "../../store/deliveries/deliveryItem.ts";
import { allDeliveries } from "../../store/inbox/view.ts";
import type { Tools } from "../work.ts";

/**
 * Counts an hour once more, by what is stored, while it is compared with the archive anyway: so that what an environment had counted when it
 * crashed is missing for two hours at most.
 */

/** Counts of later stores and changes may be held by an environment that has not written them yet. */
const UNWRITTEN_MS = HOUR_MS;
/** Minutes expire: of an older hour nothing is known to be missing. */
const COMPARED_MS = (KEPT_DAYS.minute - 1) * DAY_MS;
/** Names the writer of missing counts; the number tells times apart, so that doing one twice changes nothing. */
const WRITER = /#again(\d+)\.\d+$/;

export interface Recount {
  /** Takes in some of the hour's batches, in order, with their deliveries. */
  add(batches: readonly ScannedBatch[], items: ReadonlyMap<string, readonly DeliveryItem[]>): void;
  /** Counts the missing facts. @returns how many */
  finish(): Promise<number>;
}

export function recountOf(tools: Tools, tenant: Tenant, hour: number): Recount {
  const stored = new StoredHour();
  const before = tools.now() - UNWRITTEN_MS;
  let previous: Pick<BatchItem, "first" | "count"> | undefined;
  return {
    add(batches, items) {
      for (const { batch, raws, offsets } of batches) {
        const { first, count, types, key_id, deleted } = batch;
        const at = timeOf(first);
        // The rest of a request that was cut goes on where its first events end.
        const rest = previous !== undefined && offsetOf(previous.first, first, previous.count + 1) === previous.count;
        previous = { first, count };
        const written = (batch.stored_at ?? batch.routed_at) < before;
        if (written) {
          const places = new Map(offsets.map((offset, place) => [offset, place]));
          const matched = Object.entries(batch.matched).map(
            ([id, all]) => [id, all.flatMap((offset) => places.get(offset) ?? [])] as const,
          );
          const events = offsets.map((offset) => ({ type: types[offset] ?? null, bytes: raws[offset]!.length }));
          stored.addRequest({ at, key_id, rest, events, matched: Object.fromEntries(matched) });
        }
        for (const item of allDeliveries(batch, items.get(first) ?? [])) {
          const { subscription_id, status, indexes, attempts, replay_id } = item;
          if (replay_id !== undefined) continue;
          const last = attempts.at(-1);
          const settled = written && (last === undefined || Date.parse(last.at) < before);
          const typesAt = (some: readonly number[]) => some.map((offset) => types[offset] ?? null);
          const left = typesAt(indexes.filter((offset) => !deleted.includes(offset)));
          stored.addDelivery({ at, subscription_id, key_id, status, settled, left, types: typesAt(indexes) });
        }
      }
    },
    async finish() {
      if (stored.minutes.size === 0 || hour < tools.now() - COMPARED_MS) return 0;
      const minutes = await minutesOf(tools.counters, tenant, hour);
      const facts = lostFacts(tenant, rowsByMinute(minutes.map((item) => [minuteOf(item), item] as const)), stored);
      if (facts === undefined || facts.length === 0) return 0;
      const runs = minutes.map(({ sk }) => Number(WRITER.exec(sk!.S!)?.[1] ?? 0));
      const writer = usageWriter(
        tools.counters.name,
        putOver(tools.counters),
        `again${1 + Math.max(0, ...runs)}`,
        tools.now,
      );
      writer.add(facts);
      await writer.flush();
      tools.log("warn", "retain.recounted", { tenant, hour: rfc3339(hour), facts: facts.length });
      return facts.length;
    },
  };
}
