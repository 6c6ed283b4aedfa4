import { type Kysely, sql } from "kysely";

/** Rules, channels, alerts and their messages; reports and their runs. */
const tables = `
create table alert_rules (
  rule_id text primary key,
  tenant text not null,
  customer_id text not null references customers,
  definition json not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null
);
create index alert_rules_tenant on alert_rules (tenant, rule_id);
create table alert_channels (
  channel_id text primary key,
  tenant text not null,
  customer_id text not null references customers,
  kind text not null check (kind in ('email', 'slack', 'sms', 'webhook')),
  target text not null,
  secret text,
  base_url text not null,
  verified_at timestamptz(3),
  code_hash text,
  code_expires_at timestamptz(3),
  code_tries integer not null default 0,
  codes_sent integer not null default 0,
  failures integer not null default 0,
  failing_since timestamptz(3),
  last_error text,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null
);
create index alert_channels_tenant on alert_channels (tenant, channel_id);
create unique index alert_channels_target on alert_channels (tenant, kind, target) where kind <> 'slack';
create table alerts (
  alert_id text primary key,
  rule_id text not null,
  tenant text not null,
  customer_id text not null references customers,
  state text not null check (state in ('pending', 'firing', 'resolved')),
  rule json not null,
  severity text not null,
  value double precision,
  cause text,
  watch json not null,
  since timestamptz(3) not null,
  fired_at timestamptz(3),
  resolved_at timestamptz(3),
  resolution text,
  acknowledged_at timestamptz(3),
  acknowledged_by text,
  snoozed_until timestamptz(3),
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null
);
create index alerts_tenant on alerts (tenant, alert_id);
create unique index alerts_open on alerts (rule_id) where state <> 'resolved';
create index alerts_standing on alerts (tenant) where state <> 'resolved';
create table alert_messages (
  message_id text primary key,
  alert_id text not null references alerts on delete cascade,
  tenant text not null,
  customer_id text not null references customers,
  channel_id text,
  change text not null,
  content json not null,
  state text not null check (state in ('pending', 'sent', 'failed')),
  attempts integer not null default 0,
  next_attempt_at timestamptz(3) not null,
  error text,
  created_at timestamptz(3) not null,
  sent_at timestamptz(3)
);
create index alert_messages_due on alert_messages (next_attempt_at) where state = 'pending';
create index alert_messages_alert on alert_messages (alert_id);
create table reports (
  report_id text primary key,
  tenant text not null,
  customer_id text not null references customers,
  definition json not null,
  base_url text not null,
  unsubscribed json not null default '[]',
  next_run_at timestamptz(3),
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null
);
create index reports_tenant on reports (tenant, report_id);
create index reports_due on reports (next_run_at) where next_run_at is not null;
create table report_runs (
  run_id text primary key,
  report_id text not null references reports on delete cascade,
  tenant text not null,
  customer_id text not null references customers,
  status text not null check (status in ('pending', 'running', 'succeeded', 'failed')),
  asked_by text not null,
  attempts integer not null default 0,
  claimed_until timestamptz(3),
  result json not null default 'null',
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null
);
create index report_runs_report on report_runs (report_id, run_id);
create index report_runs_waiting on report_runs (run_id) where status in ('pending', 'running');
alter table tenant_versions add column alert_rules bigint not null default 0;`;

const TABLES = ["alert_rules", "alert_channels", "alerts", "alert_messages", "reports", "report_runs"];

const policies = TABLES.map(
  (table) => `
grant select, insert, update, delete on ${table} to triggers_app, triggers_service;
alter table ${table} enable row level security;
create policy own_customer on ${table} to triggers_app
  using (customer_id = current_setting('app.customer_id', true))
  with check (customer_id = current_setting('app.customer_id', true));
create policy platform on ${table} to triggers_service using (true) with check (true);`,
).join("");

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(tables).execute(db);
  await sql.raw(policies).execute(db);
}
