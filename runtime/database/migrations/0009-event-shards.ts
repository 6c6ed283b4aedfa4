import { type Kysely, sql } from "kysely";

/** Over how many partitions customers' events are spread, by time, as the last deployment said: no customer's, so the platform's role alone sees it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table event_shards (from_at timestamptz primary key, rule json not null)`.execute(db);
  await sql`grant select, insert, delete on event_shards to triggers_service`.execute(db);
  await sql`alter table event_shards enable row level security`.execute(db);
  await sql`create policy platform on event_shards to triggers_service using (true) with check (true)`.execute(db);
}
