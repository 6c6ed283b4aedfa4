import { errorText, log } from "../aws/log.ts";
import type { Item } from "../domain/codec/fields.ts";

/** How stored items are read. */
export type Reading = <T>(items: readonly Item[], read: (item: Item) => T) => T[];

/** For what must see each item, as an erasure must: one that can't be read fails the reading. */
export const strictly: Reading = (items, read) => items.map(read);

/** @param item the item, or its key */
export const tellUnreadable = ({ pk, sk }: Item, error: unknown): void =>
  log("error", "store.unreadable", { item: `${pk?.S} ${sk?.S}`, error: errorText(error) });

/**
 * Reads items for many at once: one that can't be read is told of and left out, so that it keeps no other from being read.
 * @param unreadable who is told
 */
export function readable<T>(items: readonly Item[], read: (item: Item) => T, unreadable = tellUnreadable): T[] {
  return items.flatMap((item) => {
    try {
      return [read(item)];
    } catch (error) {
      unreadable(item, error);
      return [];
    }
  });
}
