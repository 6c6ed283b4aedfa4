import { type DeliveryItem, decodeDeliveryItem, partitionOf } from "../domain/codec/index.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { shardOf } from "../domain/ids.ts";
import { mapConcurrently, queryAll, type Store } from "./table.ts";

/** Below this share of wanted batches in a range, asking for each of them is cheaper than reading the range. */
const DENSE = 0.25;
const FEW = 3;

/**
 * The delivery items of these batches, by first ULID; a batch without any is left out.
 * @param firsts ascending or descending
 * @param looked batches that lie in the same range, wanted or not: tells whether to read the range or each batch
 */
export async function deliveriesOf(
  store: Store,
  tenant: Tenant,
  firsts: readonly string[],
  looked = firsts.length,
): Promise<Map<string, DeliveryItem[]>> {
  const dense = firsts.length >= looked * DENSE;
  const ranges = [...Map.groupBy(firsts, shardOf).values()].flatMap((shard) => {
    if (!dense || shard.length <= FEW) return shard.map((first) => [first, first] as const);
    const ends = [shard[0]!, shard.at(-1)!].sort();
    return [[ends[0]!, ends[1]!] as const];
  });
  const wanted = new Set(firsts);
  const found = new Map<string, DeliveryItem[]>();
  await mapConcurrently(ranges, 16, async ([lo, hi]) => {
    const items = await queryAll(store, {
      KeyConditionExpression: "pk = :pk AND sk BETWEEN :lo AND :hi",
      ExpressionAttributeValues: {
        ":pk": { S: partitionOf(tenant, lo) },
        ":lo": { S: `d#${lo}#` },
        ":hi": { S: `d#${hi}#~` },
      },
    });
    for (const item of items) {
      if (!wanted.has(item.sk!.S!.slice(2, 28))) continue;
      const delivery = decodeDeliveryItem(item);
      const list = found.get(delivery.first);
      if (list === undefined) found.set(delivery.first, [delivery]);
      else list.push(delivery);
    }
  });
  return found;
}
