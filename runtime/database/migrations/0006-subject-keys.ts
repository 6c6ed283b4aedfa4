import { type Kysely, sql } from "kysely";

/** The key under which a customer's erased persons are remembered, sealed; null until the first, and again once all was erased. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table customers add column subject_key text`.execute(db);
}
