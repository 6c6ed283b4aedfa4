import { sql } from "kysely";
import { splitTenant, type Tenant } from "../domain/identity/identity.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";
import type { Tx } from "./roles.ts";

/**
 * The customers that somebody watches. The stages get this along with a customer's other data, which they read anyway, so the
 * other customers cost neither a question nor a message.
 */

/** Those of these tenants that somebody watches. */
export async function watchedOf(tx: Tx, tenants: readonly Tenant[], now: Millis): Promise<Tenant[]> {
  if (tenants.length === 0) return [];
  const rows = await tx
    .selectFrom("watchers")
    .select("tenant")
    .where("tenant", "in", tenants)
    .where("until", ">", new Date(now))
    .execute();
  return rows.map(({ tenant }) => tenant);
}

/** Notes that somebody watches, until this time at the latest. A customer that is deleted is watched by nobody. */
export async function watch(tx: Tx, tenant: Tenant, until: Millis, now: Millis): Promise<void> {
  const { customer_id } = splitTenant(tenant);
  await sql`
    insert into watchers (tenant, customer_id, asked_at, until)
    select ${tenant}, customer_id, ${rfc3339(now)}::timestamptz, ${rfc3339(until)}::timestamptz
    from customers where customer_id = ${customer_id} and status = 'active'
    on conflict (tenant) do update set
      asked_at = greatest(watchers.asked_at, excluded.asked_at),
      until = greatest(watchers.until, excluded.until)`.execute(tx);
}

/** Notes that the last known watcher has left. A watcher who came since stays noted. */
export async function unwatch(tx: Tx, tenant: Tenant, asOf: Millis): Promise<void> {
  await tx.deleteFrom("watchers").where("tenant", "=", tenant).where("asked_at", "<", new Date(asOf)).execute();
}
