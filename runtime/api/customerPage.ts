import type { Selectable } from "kysely";
import { asService } from "../database/roles.ts";
import type { CustomerTable } from "../database/schema.ts";
import { openList, same } from "./cursor.ts";
import type { Deps } from "./deps.ts";

export type CustomerRow = Selectable<CustomerTable>;

/**
 * One page of the active customers, by id.
 * @param purpose the list that the cursor belongs to: a cursor of another list is refused
 * @throws TriggersError `invalid_request` for a cursor of another list
 */
export async function customerPage(
  deps: Deps,
  purpose: string,
  asked: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<{ items: readonly CustomerRow[]; next_cursor: string | null }> {
  const list = await openList<string>(deps, purpose, asked);
  const rows = await asService(deps.db, (tx) =>
    tx
      .selectFrom("customers")
      .selectAll()
      .where("status", "=", "active")
      .where("customer_id", ">", list.after ?? "")
      .orderBy("customer_id")
      .limit(list.toRead)
      .execute(),
  );
  return list.page(rows, same, ({ customer_id }) => customer_id);
}
