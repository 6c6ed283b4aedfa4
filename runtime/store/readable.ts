import { errorText, log } from "../aws/log.ts";
import type { Item } from "../domain/codec/fields.ts";

/**
 * Reads items for many at once: one that can't be read is told of and left out, so that it keeps no other from being read. What must see
 * each item, as an erasure must, reads without this, and fails.
 */
export function readable<T>(items: readonly Item[], read: (item: Item) => T): T[] {
  return items.flatMap((item) => {
    try {
      return [read(item)];
    } catch (error) {
      log("error", "store.unreadable", { item: `${item.pk?.S} ${item.sk?.S}`, error: errorText(error) });
      return [];
    }
  });
}
