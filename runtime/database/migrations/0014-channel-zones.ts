import { type Kysely, sql } from "kysely";

/** The zone by whose clocks a channel's messages say times. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table alert_channels add column time_zone text not null default 'UTC'`.execute(db);
}
