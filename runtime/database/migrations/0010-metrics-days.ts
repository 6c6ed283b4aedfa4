import { type Kysely, sql } from "kysely";

/** Days that a customer's numbers are kept; null for ever. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table customers add column metrics_days integer check (metrics_days between 1 and 36500)`.execute(db);
}
