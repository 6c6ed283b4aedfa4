import { type Kysely, sql } from "kysely";

/**
 * People and what they may see. A person belongs to one customer, or to the operator, whose id has no row among the customers.
 * `masking` is what the customer has the console hide; null until it says something.
 */
const people = `
alter table customers add column masking json;
create table people (
  person_id text primary key,
  customer_id text not null,
  email text not null,
  name text,
  role text not null,
  status text not null check (status in ('invited', 'active', 'removed')),
  issuer text,
  subject text,
  invited_by text not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  signed_in_at timestamptz(3)
);
create unique index people_email on people (customer_id, email) where status <> 'removed';
create index people_address on people (email) where status <> 'removed';
create index people_subject on people (issuer, subject) where status = 'active';
create table event_views (
  view_id text not null,
  customer_id text not null references customers,
  tenant text not null,
  event_id text not null,
  at timestamptz(3) not null,
  person_id text not null,
  name text not null,
  role text not null,
  how text not null check (how in ('payload', 'reveal')),
  reason text,
  primary key (tenant, event_id, view_id)
);
create index event_views_age on event_views (at);`;

const walls = ["people", "event_views"].map(
  (table) => `
grant select, insert, update, delete on ${table} to triggers_app, triggers_service;
alter table ${table} enable row level security;
create policy own_customer on ${table} to triggers_app
  using (customer_id = current_setting('app.customer_id', true))
  with check (customer_id = current_setting('app.customer_id', true));
create policy platform on ${table} to triggers_service using (true) with check (true);`,
);

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw([people, ...walls].join("\n")).execute(db);
}
