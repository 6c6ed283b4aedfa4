import { type Kysely, sql } from "kysely";

/** Since when an endpoint is known to check signatures: it took a sample, and refused one that was signed with another secret. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw("alter table subscriptions add column signature_verified_at timestamptz(3)").execute(db);
}
