import { type Kysely, sql } from "kysely";

/** Lists what the log tells of one object, newest first, however long the log is. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index audit_log_of_object on audit_log (customer_id, object, seq)`.execute(db);
}
