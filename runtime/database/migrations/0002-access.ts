import { type Kysely, sql } from "kysely";

/** Finds the entry that tells of one object among a customer's many, for what the platform tells once. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index audit_log_object on audit_log (customer_id, action, object)
    where action in ('access.archived', 'privacy.erased')`.execute(db);
}
