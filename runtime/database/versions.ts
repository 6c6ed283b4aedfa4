import type { Tenant } from "../domain/identity/identity.ts";
import type { Tx } from "./roles.ts";

type Counter = "subscriptions" | "schemas" | "reference_tables" | "alert_rules";

/**
 * Counts a change of the tenant and returns the new version. It locks the tenant's row until the transaction ends, so
 * versions become visible in the order of their numbers: call it before the change, so that two changes can't cross.
 */
export async function nextVersion(tx: Tx, tenant: Tenant, customerId: string, counter: Counter): Promise<number> {
  const row = await tx
    .insertInto("tenant_versions")
    .values({ tenant, customer_id: customerId, subscriptions: 0, schemas: 0, reference_tables: 0, [counter]: 1 })
    .onConflict((oc) =>
      oc.column("tenant").doUpdateSet((eb) => ({ [counter]: eb(`tenant_versions.${counter}`, "+", 1) })),
    )
    .returning(counter)
    .executeTakeFirstOrThrow();
  return (row as Record<Counter, number>)[counter];
}

/** The tenant's version, 0 before the first change. */
export async function currentVersion(tx: Tx, tenant: Tenant, counter: Counter): Promise<number> {
  const row = await tx.selectFrom("tenant_versions").select(counter).where("tenant", "=", tenant).executeTakeFirst();
  return (row as Record<Counter, number> | undefined)?.[counter] ?? 0;
}
