import { type Kysely, sql } from "kysely";

/** Sides of customers that somebody watches live, and until when at the latest. */
const table = `
create table watchers (
  tenant text primary key,
  customer_id text not null references customers,
  asked_at timestamptz(3) not null,
  until timestamptz(3) not null
);
grant select, insert, update, delete on watchers to triggers_app, triggers_service;
alter table watchers enable row level security;
create policy own_customer on watchers to triggers_app
  using (customer_id = current_setting('app.customer_id', true))
  with check (customer_id = current_setting('app.customer_id', true));
create policy platform on watchers to triggers_service using (true) with check (true);`;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(table).execute(db);
}
