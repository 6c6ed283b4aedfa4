import { getItems, updateItem } from "../../aws/tables.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Ulid } from "../../domain/ids.ts";
import { firstIn, tombstoneKey } from "../keys.ts";
import type { Store } from "../table.ts";

/**
 * Which events of a batch a customer deleted, remembered beyond the batch itself: the archive still holds them, and what
 * is read from it must leave them out. Items `x#<first ULID>` beside the batch, with the set `deleted`.
 */
export async function rememberDeleted(
  store: Store,
  tenant: Tenant,
  first: Ulid,
  offsets: readonly number[],
): Promise<void> {
  await updateItem(store.events, tombstoneKey(tenant, first), {
    UpdateExpression: "ADD deleted :offsets",
    ExpressionAttributeValues: { ":offsets": { NS: offsets.map(String) } },
  });
}

/** The deleted offsets of these batches, by first ULID; those without any are left out. */
export async function deletedOffsets(
  store: Store,
  tenant: Tenant,
  firsts: readonly string[],
): Promise<Map<string, ReadonlySet<number>>> {
  const keys = [...new Set(firsts)].map((first) => tombstoneKey(tenant, first));
  const items = await getItems(store.events, keys, "eventual");
  return new Map(items.map((item) => [firstIn(item.sk!.S!), new Set((item.deleted?.NS ?? []).map(Number))]));
}
