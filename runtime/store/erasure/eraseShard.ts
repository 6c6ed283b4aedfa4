import { projectionOf, queryPage } from "../../aws/tables.ts";
import { mapConcurrently } from "../../domain/concurrently.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { eventId, ulidAt } from "../../domain/ids.ts";
import { firstIn, type Kind, kindBetween, shardPartition } from "../keys.ts";
import type { Store } from "../table.ts";
import { removeItem } from "./eraseInBatch.ts";

/** Kinds in the order of their removal: after batches what they name, and marks, since only batches make new ones. */
export const erasedKinds: readonly Kind[] = ["d", "x", "e", "m", "a"];

export interface ErasedItems {
  readonly items: number;
  /** Ids of the events that batches held. */
  readonly ids: readonly string[];
  readonly deliveries: number;
  readonly payloads: number;
  /** Whether there are more. */
  readonly more: boolean;
}

const PAGE = 500;

/** Removes a page of whole items of one kind, of batches before this ULID, from one of the tenant's shards. */
export async function eraseShard(
  store: Store,
  tenant: Tenant,
  { shard, kind, before }: { readonly shard: number; readonly kind: Kind; readonly before: string },
): Promise<ErasedItems> {
  const { items, next } = await queryPage(store.events, {
    ...kindBetween(shardPartition(tenant, shard), kind, "", before),
    ...projectionOf(["pk", "sk", "s3_key", "count"]),
    Limit: PAGE,
    consistency: "eventual",
  });
  const objects = await mapConcurrently(items, 16, (item) => removeItem(store, item));
  const ids =
    kind !== "e"
      ? []
      : items.flatMap((item) =>
          Array.from({ length: Number(item.count?.N ?? 0) }, (_, i) => eventId(ulidAt(firstIn(item.sk!.S!), i))),
        );
  return {
    items: items.length,
    ids,
    deliveries: kind === "d" ? items.length : 0,
    payloads: objects.filter(Boolean).length,
    more: next !== undefined,
  };
}
