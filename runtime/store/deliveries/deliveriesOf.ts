import { queryAll } from "../../aws/tables.ts";
import { mapConcurrently } from "../../domain/concurrently.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { firstIn, kindBetween, partitionOf } from "../keys.ts";
import { type Reading, readable } from "../readable.ts";
import type { Store } from "../table.ts";
import { type DeliveryItem, decodeDeliveryItem } from "./deliveryItem.ts";

/** Below this share of wanted batches in a range, asking for each of them is cheaper than reading the range. */
const DENSE = 0.25;
const FEW = 3;

/**
 * The delivery items of these batches, by first ULID; batches that have none are left out. An item that can't be read is left out too: its
 * delivery looks as if it had not begun.
 * @param firsts ascending or descending
 * @param looked number of all batches in the same range, which decides whether to read the range or each batch
 * @param read decodes items; another one may fail for those that can't be read
 */
export async function deliveriesOf(
  store: Store,
  tenant: Tenant,
  firsts: readonly string[],
  looked = firsts.length,
  read: Reading = readable,
): Promise<Map<string, DeliveryItem[]>> {
  const dense = firsts.length >= looked * DENSE;
  const ranges = [...Map.groupBy(firsts, (first) => partitionOf(tenant, first)).values()].flatMap((shard) => {
    if (!dense || shard.length <= FEW) return shard.map((first) => [first, first] as const);
    const ends = [shard[0]!, shard.at(-1)!].sort();
    return [[ends[0]!, ends[1]!] as const];
  });
  const wanted = new Set(firsts);
  const found = new Map<string, DeliveryItem[]>();
  await mapConcurrently(ranges, 16, async ([lo, hi]) => {
    const items = await queryAll(store.events, {
      ...kindBetween(partitionOf(tenant, lo), "d", lo, hi),
      consistency: "eventual",
    });
    const own = items.filter((item) => wanted.has(firstIn(item.sk!.S!)));
    for (const delivery of read(own, decodeDeliveryItem)) {
      const list = found.get(delivery.first);
      if (list === undefined) found.set(delivery.first, [delivery]);
      else list.push(delivery);
    }
  });
  return found;
}
