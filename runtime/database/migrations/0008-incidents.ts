import { type Kysely, sql } from "kysely";
import { OPERATOR } from "../../domain/identity/identity.ts";

/** What the operator tells of the platform: every customer may read it, the operator alone writes it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(`
create table incidents (
  incident_id text primary key,
  kind text not null check (kind in ('incident', 'maintenance')),
  title text not null,
  message text,
  components text[] not null,
  impact text not null check (impact in ('none', 'degraded', 'down')),
  starts_at timestamptz(3) not null,
  ends_at timestamptz(3),
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null
);
create index incidents_recent on incidents (starts_at desc);
grant select, insert, update on incidents to triggers_app, triggers_service;
alter table incidents enable row level security;
create policy all_may_read on incidents for select to triggers_app using (true);
create policy operator_writes on incidents to triggers_app
  using (current_setting('app.customer_id', true) = '${OPERATOR}')
  with check (current_setting('app.customer_id', true) = '${OPERATOR}');
create policy platform on incidents to triggers_service using (true) with check (true);`)
    .execute(db);
}
