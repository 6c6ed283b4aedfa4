import { type Kysely, sql } from "kysely";

/** Customers and the counters by which caches notice a change. */
const customers = `
create table customers (
  customer_id text primary key,
  name text not null,
  limit_per_second integer not null check (limit_per_second > 0),
  status text not null check (status in ('active', 'deleted')),
  retention_days integer not null default 90 check (retention_days between 1 and 3650),
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null
);
create table tenant_versions (
  tenant text primary key,
  customer_id text not null references customers,
  subscriptions bigint not null default 0,
  schemas bigint not null default 0,
  reference_tables bigint not null default 0
);
create index tenant_versions_customer on tenant_versions (customer_id);`;

const subscriptions = `
create table subscriptions (
  subscription_id text primary key,
  tenant text not null,
  customer_id text not null references customers,
  environment text not null check (environment in ('live', 'sandbox')),
  version integer not null,
  definition json not null,
  url_hash text not null,
  status text not null check (status in ('active', 'disabled', 'removed')),
  reason text,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null
);
create unique index subscriptions_url on subscriptions (tenant, url_hash) where status = 'active';
create index subscriptions_list on subscriptions (tenant, subscription_id) where status <> 'removed';
create table subscription_versions (
  subscription_id text not null references subscriptions on delete cascade,
  version integer not null,
  tenant text not null,
  customer_id text not null,
  from_snapshot bigint not null,
  to_snapshot bigint,
  definition json not null,
  status text not null,
  created_at timestamptz(3) not null,
  primary key (subscription_id, version)
);
create index subscription_versions_snapshot on subscription_versions (tenant, subscription_id, from_snapshot);
create index subscription_versions_changes on subscription_versions (tenant, from_snapshot);
create table signing_secrets (
  subscription_id text not null references subscriptions on delete cascade,
  customer_id text not null,
  secret text not null,
  created_at timestamptz(3) not null,
  expires_at timestamptz(3),
  primary key (subscription_id, secret)
);`;

const schemasAndTables = `
create table event_schemas (
  tenant text not null,
  customer_id text not null references customers,
  event_type text collate "C" not null,
  version integer not null,
  schema json not null,
  is_current boolean not null,
  updated_at timestamptz(3) not null,
  primary key (tenant, event_type, version)
);
create unique index event_schemas_current on event_schemas (tenant, event_type) where is_current;
create table reference_tables (
  tenant text not null,
  customer_id text not null references customers,
  name text collate "C" not null,
  version integer not null,
  row_count integer not null,
  is_current boolean not null,
  updated_at timestamptz(3) not null,
  primary key (tenant, name)
);
create table reference_rows (
  tenant text not null,
  customer_id text not null,
  name text collate "C" not null,
  key text not null,
  row json not null,
  primary key (tenant, name, key)
);`;

const jobs = `
create table jobs (
  job_id text primary key,
  kind text not null check (kind in ('replay', 'export', 'erasure')),
  tenant text not null,
  customer_id text not null references customers,
  status text not null check (status in ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
  request json not null,
  cursor json not null default 'null',
  progress json not null default '{}',
  result json not null default 'null',
  created_by text not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null
);
create index jobs_list on jobs (tenant, kind, job_id);`;

/** What an entry says is kept as the text that was hashed, so that verifying never depends on how a type prints. */
const audit = `
create table audit_log (
  customer_id text not null,
  seq bigint not null,
  at text not null,
  actor text not null,
  action text not null,
  object text,
  source_ip text,
  outcome text not null,
  details text not null,
  prev_hash text not null,
  hash text not null,
  primary key (customer_id, seq)
);
create table audit_heads (
  customer_id text primary key,
  seq bigint not null,
  hash text not null
);
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only: % is refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger audit_log_append_only before update or delete on audit_log for each row execute function refuse_change();
create trigger audit_log_no_truncate before truncate on audit_log for each statement execute function refuse_change();`;

const TABLES = [
  "customers",
  "tenant_versions",
  "subscriptions",
  "subscription_versions",
  "signing_secrets",
  "event_schemas",
  "reference_tables",
  "reference_rows",
  "jobs",
  "audit_log",
  "audit_heads",
];

/**
 * Two roles that own nothing: one sees the customer its transaction names, the other serves the platform itself. Nobody signs in
 * as either, so they have no login and are never granted `rds_iam`: a member of that role, also by way of another role,
 * can't sign in by password any more. Who connects becomes a member of both here, and the proxy connects by password.
 */
const roles = `
do $$ begin
  if not exists (select from pg_roles where rolname = 'triggers_app') then
    create role triggers_app nologin nosuperuser nocreatedb nocreaterole;
  end if;
  if not exists (select from pg_roles where rolname = 'triggers_service') then
    create role triggers_service nologin nosuperuser nocreatedb nocreaterole;
  end if;
  execute format('grant triggers_app, triggers_service to %I', current_user);
end $$;
grant usage on schema public to triggers_app, triggers_service;
${TABLES.map((table) => {
  const rights = table === "audit_log" ? "select, insert" : "select, insert, update, delete";
  return `
grant ${rights} on ${table} to triggers_app, triggers_service;
alter table ${table} enable row level security;
create policy own_customer on ${table} to triggers_app
  using (customer_id = current_setting('app.customer_id', true))
  with check (customer_id = current_setting('app.customer_id', true));
create policy platform on ${table} to triggers_service using (true) with check (true);`;
}).join("")}`;

/** The whole first schema. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const script of [customers, subscriptions, schemasAndTables, jobs, audit, roles]) {
    await sql.raw(script).execute(db);
  }
}
