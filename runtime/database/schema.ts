import type { ColumnType, Generated } from "kysely";
import type { AlertFacts, AlertState, ChannelKind } from "../domain/alerts/alert.ts";
import type { Watch } from "../domain/alerts/evaluate.ts";
import type { Severity } from "../domain/alerts/kinds.ts";
import type { AlertRule, RuleDefinition } from "../domain/alerts/rule.ts";
import type { Environment, Tenant } from "../domain/identity/identity.ts";
import type { JobKind, JobStatus } from "../domain/job.ts";
import type { Masking } from "../domain/people/masking.ts";
import type { Role } from "../domain/people/roles.ts";
import type { ReportDefinition, RunResult } from "../domain/reports/report.ts";
import type { ShardRule } from "../domain/shards.ts";

/**
 * The tables as Kysely sees them; migrations/ creates them. Every row carries the customer it belongs to, by which
 * row-level security keeps customers apart. Documents that customers write are `json`, whose text PostgreSQL keeps as sent.
 */

type Time = ColumnType<Date, Date | string, Date | string>;
/** Parsed when read, a JSON text when written. */
export type Json<T> = ColumnType<T, string, string>;

export interface CustomerTable {
  customer_id: string;
  name: string;
  limit_per_second: number;
  status: "active" | "deleted";
  retention_days: Generated<number>;
  /** Days that numbers are kept; null for ever. */
  metrics_days: ColumnType<number | null, number | null | undefined, number | null>;
  /** Under which erased persons are remembered, sealed. */
  subject_key: Generated<string | null>;
  /** What the console hides of payloads; null until the customer says something. */
  masking: ColumnType<Masking | null, string | null | undefined, string | null>;
  created_at: Time;
  updated_at: Time;
}

/** Counters of change by tenant: what caches compare. */
export interface TenantVersionTable {
  tenant: Tenant;
  customer_id: string;
  /** Counts changes of what routing sees: subscriptions and retention. */
  subscriptions: ColumnType<number, number, number>;
  /** Counts changes of event schemas. */
  schemas: ColumnType<number, number, number>;
  /** Counts changes of reference tables. */
  reference_tables: ColumnType<number, number, number>;
  /** Counts changes of alert rules. */
  alert_rules: ColumnType<number, number | undefined, number>;
}

/** What a customer may change of a subscription; kept whole in every version. */
export interface Definition {
  readonly workflow_id: string | null;
  readonly webhook_url: string;
  readonly event_selector: unknown;
  readonly transform: unknown;
  readonly enrich: unknown;
  readonly format: "event" | "payload";
  readonly max_batch: number;
  readonly headers: Readonly<Record<string, string>>;
}

export type SubscriptionStatus = "active" | "disabled" | "removed";

export interface SubscriptionTable {
  subscription_id: string;
  tenant: Tenant;
  customer_id: string;
  environment: Environment;
  /** Counts the changes of this subscription, from 1. */
  version: number;
  definition: Json<Definition>;
  /** SHA-256 of the normalised webhook URL, hex: unique among the tenant's active subscriptions. */
  url_hash: string;
  status: SubscriptionStatus;
  /** Why it is disabled or removed. */
  reason: string | null;
  /** Since when, when last and how often its selector was met to take too much work; changing it begins anew. */
  costly_since: ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
  costly_at: ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
  costly_times: Generated<number>;
  /** When its endpoint took a sample and refused one with a wrong signature; another URL has to show it again. */
  signature_verified_at: ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
  created_at: Time;
  updated_at: Time;
}

/**
 * Every version of every subscription, never overwritten. It was in force for the tenant's snapshot versions from
 * `from_snapshot` up to, but not including, `to_snapshot` (null: still).
 */
export interface SubscriptionVersionTable {
  subscription_id: string;
  version: number;
  tenant: Tenant;
  customer_id: string;
  from_snapshot: ColumnType<number, number, never>;
  to_snapshot: ColumnType<number | null, null, number>;
  definition: Json<Definition>;
  status: SubscriptionStatus;
  created_at: Time;
  /** Disabled because its selector takes too much work: it is not even matched. */
  paused: Generated<boolean>;
}

/** Signing secrets of a subscription; the newest signs for good, an older one until it expires. */
export interface SigningSecretTable {
  subscription_id: string;
  customer_id: string;
  secret: string;
  created_at: Time;
  expires_at: ColumnType<Date | null, Date | string | null, Date | string | null>;
}

/** JSON Schemas by event type. Versions are kept; at most one is current. */
export interface EventSchemaTable {
  tenant: Tenant;
  customer_id: string;
  event_type: string;
  version: number;
  schema: Json<unknown>;
  is_current: boolean;
  updated_at: Time;
}

export interface ReferenceTableTable {
  tenant: Tenant;
  customer_id: string;
  name: string;
  version: number;
  row_count: number;
  /** False once deleted: the version goes on counting when the name is used again. */
  is_current: boolean;
  updated_at: Time;
}

export interface ReferenceRowTable {
  tenant: Tenant;
  customer_id: string;
  name: string;
  key: string;
  /** `numberKey` of a key that is a number, by which equal numbers find it; null for any other. */
  number_key: string | null;
  row: Json<Readonly<Record<string, unknown>>>;
}

/** Long work: replays and privacy requests. Its id is the public one (`rpl_…`, `prv_…`). */
export interface JobTable {
  job_id: string;
  kind: JobKind;
  tenant: Tenant;
  customer_id: string;
  status: JobStatus;
  /** The job's settings, as the route accepted them. */
  request: Json<Readonly<Record<string, unknown>>>;
  /** Where the work continues after a crash or a hand-over; opaque to all but the worker. */
  cursor: Json<unknown>;
  /** Counts that the API shows: `{ "matched": 0, "sent": 0 }`. */
  progress: Json<Readonly<Record<string, number>>>;
  /** Download link's object, certificate, failure. */
  result: Json<Readonly<Record<string, unknown>> | null>;
  created_by: string;
  created_at: Time;
  updated_at: Time;
}

/** The audit log: a hash chain a customer, written in the transaction of the change it tells. */
export interface AuditTable {
  customer_id: string;
  seq: ColumnType<number, number, never>;
  at: ColumnType<string, string, never>;
  actor: ColumnType<string, string, never>;
  action: ColumnType<string, string, never>;
  object: ColumnType<string | null, string | null, never>;
  source_ip: ColumnType<string | null, string | null, never>;
  outcome: ColumnType<string, string, never>;
  details: ColumnType<string, string, never>;
  prev_hash: ColumnType<string, string, never>;
  hash: ColumnType<string, string, never>;
}

export interface AuditHeadTable {
  customer_id: string;
  seq: ColumnType<number, number, number>;
  hash: string;
}

export type PersonStatus = "invited" | "active" | "removed";

/** People who may sign in to a customer; those of the operator belong to `cus_operator`. */
export interface PersonTable {
  person_id: string;
  customer_id: string;
  /** In lower case. */
  email: string;
  name: string | null;
  role: Role;
  status: PersonStatus;
  /** Who vouches for the person, and as whom; null until the first sign-in. */
  issuer: string | null;
  subject: string | null;
  invited_by: string;
  created_at: Time;
  updated_at: Time;
  signed_in_at: Time | null;
}

/** Who saw the payload of an event, and how. */
export interface EventViewTable {
  view_id: string;
  customer_id: string;
  tenant: Tenant;
  event_id: string;
  at: Time;
  person_id: string;
  name: string;
  role: Role;
  how: "payload" | "reveal";
  reason: string | null;
}

/** What the operator tells of the platform; belongs to no customer. */
export interface IncidentTable {
  incident_id: string;
  kind: "incident" | "maintenance";
  title: string;
  message: string | null;
  components: string[];
  impact: "none" | "degraded" | "down";
  starts_at: ColumnType<Date, string, string>;
  ends_at: ColumnType<Date | null, string | null, string | null>;
  created_at: ColumnType<Date, string, never>;
  updated_at: ColumnType<Date, string, string>;
}

/** A rule of the last deployment: see runtime/domain/shards.ts. */
export interface EventShardTable {
  from_at: Time;
  rule: Json<ShardRule>;
}

/** What is watched for a tenant. */
export interface AlertRuleTable {
  rule_id: string;
  tenant: Tenant;
  customer_id: string;
  definition: Json<RuleDefinition>;
  created_at: Time;
  updated_at: Time;
}

type MaybeTime = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;

/** Where alerts and reports are sent. Until it is verified, only the message that verifies it is sent. */
export interface AlertChannelTable {
  channel_id: string;
  tenant: Tenant;
  customer_id: string;
  kind: ChannelKind;
  /** As people see it: of a Slack webhook's URL the end is cut. */
  target: string;
  /** Sealed: a webhook's signing secret, a Slack webhook's whole URL. */
  secret: string | null;
  /** Where the platform was reached when it was made: links lead there. */
  base_url: string;
  /** By whose clocks its messages say times; a name of the IANA time zone database. */
  time_zone: Generated<string>;
  verified_at: MaybeTime;
  /** HMAC of the code that verifies it; null while none is on its way. */
  code_hash: ColumnType<string | null, string | null | undefined, string | null>;
  code_expires_at: MaybeTime;
  code_tries: Generated<number>;
  codes_sent: Generated<number>;
  /** Messages in a row that could not be sent. */
  failures: Generated<number>;
  failing_since: MaybeTime;
  last_error: ColumnType<string | null, string | null | undefined, string | null>;
  created_at: Time;
  updated_at: Time;
}

/** What rang, or is about to. At most one of a rule is not resolved. */
export interface AlertTable {
  alert_id: string;
  rule_id: string;
  tenant: Tenant;
  customer_id: string;
  state: AlertState;
  /** As the rule was. */
  rule: Json<AlertRule>;
  severity: Severity;
  value: number | null;
  cause: ColumnType<string | null, string | null | undefined, string | null>;
  watch: Json<Watch | null>;
  since: Time;
  fired_at: MaybeTime;
  resolved_at: MaybeTime;
  resolution: ColumnType<string | null, string | null | undefined, string | null>;
  acknowledged_at: MaybeTime;
  acknowledged_by: ColumnType<string | null, string | null | undefined, string | null>;
  snoozed_until: MaybeTime;
  created_at: Time;
  updated_at: Time;
}

/** What is to be told of an alert's change, to one channel; or, without a channel, as an event of the customer. */
export interface AlertMessageTable {
  message_id: string;
  alert_id: string;
  tenant: Tenant;
  customer_id: string;
  channel_id: string | null;
  change: string;
  content: Json<AlertFacts>;
  state: "pending" | "sent" | "failed";
  attempts: Generated<number>;
  next_attempt_at: Time;
  error: ColumnType<string | null, string | null | undefined, string | null>;
  created_at: Time;
  sent_at: MaybeTime;
}

export interface ReportTable {
  report_id: string;
  tenant: Tenant;
  customer_id: string;
  definition: Json<ReportDefinition>;
  base_url: string;
  /** Addresses that have unsubscribed. */
  unsubscribed: Json<readonly string[]>;
  next_run_at: MaybeTime;
  created_at: Time;
  updated_at: Time;
}

export interface ReportRunTable {
  run_id: string;
  report_id: string;
  tenant: Tenant;
  customer_id: string;
  status: "pending" | "running" | "succeeded" | "failed";
  /** Id of the key that asked; `schedule` where it was due. */
  asked_by: string;
  attempts: Generated<number>;
  claimed_until: MaybeTime;
  result: Json<RunResult | null>;
  created_at: Time;
  updated_at: Time;
}

/** Sides of customers that somebody watches live. */
export interface WatcherTable {
  tenant: Tenant;
  customer_id: string;
  /** When somebody asked for it last. */
  asked_at: Time;
  /** When the last socket that is known of is closed at the latest. */
  until: Time;
}

export interface Database {
  event_shards: EventShardTable;
  customers: CustomerTable;
  tenant_versions: TenantVersionTable;
  subscriptions: SubscriptionTable;
  subscription_versions: SubscriptionVersionTable;
  signing_secrets: SigningSecretTable;
  event_schemas: EventSchemaTable;
  reference_tables: ReferenceTableTable;
  reference_rows: ReferenceRowTable;
  jobs: JobTable;
  audit_log: AuditTable;
  audit_heads: AuditHeadTable;
  people: PersonTable;
  event_views: EventViewTable;
  incidents: IncidentTable;
  alert_rules: AlertRuleTable;
  alert_channels: AlertChannelTable;
  alerts: AlertTable;
  alert_messages: AlertMessageTable;
  reports: ReportTable;
  report_runs: ReportRunTable;
  watchers: WatcherTable;
}
