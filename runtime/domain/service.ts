import type { AlertChange, DueMessage, Sent, Standing, TenantRules } from "./alerts/work.ts";
import type { Tenant } from "./identity/identity.ts";
import type { Erasure, Job, JobStatus } from "./job.ts";
import type { LiveAlert } from "./live.ts";
import type { Membership } from "./people/person.ts";
import type { Role } from "./people/roles.ts";
import type { RunResult, TakenRun } from "./reports/report.ts";
import type { DeliveryTarget, RoutedSubscription, SubscriptionOf } from "./subscription.ts";
import type { Millis } from "./time.ts";
import type { SeenBy } from "./usage/access.ts";

/**
 * The subscriptions service: a function that others invoke, the only way from the event's path to PostgreSQL.
 * Requests and answers are plain JSON, an answer at most 6 MB (hence the cursors).
 */
export type ServiceRequest =
  /** Versions of these tenants' routing snapshots; a tenant without subscriptions has version 0. */
  | { readonly op: "versions"; readonly tenants: readonly Tenant[] }
  /** One page of what routing needs: every subscription that is not removed (a disabled one still collects a backlog). */
  | { readonly op: "snapshot"; readonly tenant: Tenant; readonly cursor?: string }
  /** What changed since a version that the caller holds: cheaper than a new snapshot of many. */
  | { readonly op: "changes"; readonly tenant: Tenant; readonly since: number; readonly cursor?: string }
  /** Definitions for delivery, secrets included; of the tenants that they are asked for by, no others. */
  | { readonly op: "targets"; readonly wanted: readonly SubscriptionOf[] }
  /** The customer answered 410, or its endpoint failed for too long. */
  | { readonly op: "remove"; readonly tenant: Tenant; readonly subscription_id: string; readonly reason: string }
  | { readonly op: "disable"; readonly tenant: Tenant; readonly subscription_id: string; readonly reason: string }
  /** Selectors of these, all active as far as is known, took too much work: most first, at most 50. */
  | { readonly op: "costly"; readonly tenant: Tenant; readonly subscription_ids: readonly string[] }
  /** Schemas by event type, for validation at ingest, of the tenants whose version is not the one that is known. */
  | {
      readonly op: "schemas";
      /** The version that is known, -1 for none; the most urgent first. */
      readonly known: readonly { readonly tenant: Tenant; readonly version: number }[];
    }
  /** Rows of a reference table for enrichment: those with one of the keys, and those whose key is a number of this value. */
  | {
      readonly op: "reference";
      readonly tenant: Tenant;
      readonly table: string;
      readonly keys: readonly string[];
      /** As `numberKey` writes them. */
      readonly number_keys?: readonly string[];
    }
  /** Days that the tenant's events are kept. */
  | { readonly op: "retention"; readonly tenants: readonly Tenant[] }
  /**
   * Where a person whom an issuer vouches for is known. With `email`, which the issuer has verified, invitations to it are accepted:
   * the person has just signed in.
   */
  | {
      readonly op: "memberships";
      readonly issuer: string;
      readonly subject: string;
      readonly email?: string;
      readonly name?: string;
    }
  /** The role of a person in a customer; null for one who no longer has any there. */
  | { readonly op: "role"; readonly customer_id: string; readonly person_id: string }
  /** Deletes who looked at payloads, as old as the customers' events may become. */
  | { readonly op: "forget_views" }
  /** Who saw which payloads within an hour, the oldest first; some thousand at a time. */
  | {
      readonly op: "views";
      readonly customer_id: string;
      /** RFC 3339, on the hour. */
      readonly hour: string;
      readonly cursor?: string;
    }
  /** A page of the ids of all customers that are not deleted, or of the deleted ones too. */
  | { readonly op: "customers"; readonly cursor?: string; readonly deleted?: true }
  /** One replay, export or erasure by its public id. */
  | { readonly op: "job"; readonly job_id: string }
  /** Saves what is named of a job; a job that is over (succeeded, failed, cancelled) stays as it is. */
  | {
      readonly op: "job_save";
      readonly job_id: string;
      readonly status?: JobStatus;
      readonly cursor?: unknown;
      readonly progress?: Readonly<Record<string, number>>;
      readonly result?: Readonly<Record<string, unknown>>;
    }
  /** Jobs of these tenants that copy events to where an erasure may have been: exports, and replays out of the archive. */
  | { readonly op: "copying"; readonly tenants: readonly Tenant[] }
  /** The newest entry of the customer's audit log, and whether one with this action names the object. */
  | { readonly op: "audit_head"; readonly customer_id: string; readonly action: string; readonly object: string }
  /** Adds to the customer's audit log what the platform itself did; `once`, unless the log has it of this object already. */
  | {
      readonly op: "audit";
      readonly customer_id: string;
      readonly actor: string;
      readonly action: string;
      readonly object: string | null;
      readonly outcome: string;
      readonly details: Readonly<Record<string, unknown>>;
      readonly once?: true;
    }
  /** Alert rules of these tenants, as far as they are not the versions that the caller knows. */
  | { readonly op: "alert_rules"; readonly known: readonly { readonly tenant: Tenant; readonly version: number }[] }
  /** A page of the tenants that have rules at all: what is wrong with the API concerns them all. */
  | { readonly op: "alert_tenants"; readonly after: string }
  /** A page of all alerts that are pending or firing. */
  | { readonly op: "alert_standing"; readonly after: string }
  /** Writes what evaluating found, with what is to be told of it. */
  | { readonly op: "alert_save"; readonly tenant: Tenant; readonly changes: readonly AlertChange[] }
  /** Takes messages that are due, for the caller to send. */
  | { readonly op: "alert_due"; readonly limit: number }
  /** What became of them. */
  | { readonly op: "alert_sent"; readonly sent: readonly Sent[] }
  /** Removes alerts that ended, and runs of reports that were made, longer ago than they are kept. */
  | { readonly op: "alert_forget" }
  /** Somebody watches this tenant, until then at the latest; or nobody did at that time. */
  | { readonly op: "watch"; readonly tenant: Tenant; readonly until: Millis }
  | { readonly op: "unwatch"; readonly tenant: Tenant; readonly as_of: Millis }
  /** The workflow that each subscription of a tenant belongs to now, removed ones too. */
  | { readonly op: "workflows"; readonly tenant: Tenant }
  /** Makes runs of reports that are due, and takes one that waits, for the caller to render. */
  | { readonly op: "report_take"; readonly run_id?: string }
  /** It was mailed to this address: who takes the run after a kill leaves it out. */
  | { readonly op: "report_mailed"; readonly run_id: string; readonly address: string }
  /** What became of it. */
  | {
      readonly op: "report_done";
      readonly run_id: string;
      readonly status: "succeeded" | "failed";
      readonly result: RunResult;
    };

/** What both a snapshot of a tenant and its changes tell. */
interface TenantPage {
  readonly version: number;
  readonly retention_days: number;
  /** All of the last 15 days; on the first page. A new one counts as a change of the tenant's version. */
  readonly erasures?: readonly Erasure[];
  /** Whether somebody watches the tenant. */
  readonly watched?: true;
  readonly next_cursor: string | null;
}

export interface ServiceAnswers {
  versions: {
    readonly versions: Readonly<Record<Tenant, number>>;
    /** Those of the tenants that somebody watches. */
    readonly watched?: readonly Tenant[];
  };
  snapshot: TenantPage & { readonly subscriptions: readonly RoutedSubscription[] };
  changes: TenantPage & {
    /** As in a snapshot: replaces what the caller holds of these ids. */
    readonly changed: readonly RoutedSubscription[];
    readonly removed: readonly string[];
  };
  targets: {
    readonly targets: readonly DeliveryTarget[];
    /** Those that are there, and can't be opened; only where there are any. */
    readonly unreadable?: readonly SubscriptionOf[];
    /** Those that did not fit into the answer; only where there are any. They are to be asked for again. */
    readonly unsaid?: readonly SubscriptionOf[];
  };
  remove: { readonly done: boolean };
  disable: { readonly done: boolean };
  costly: {
    /** Met for the first time. */
    readonly marked: readonly string[];
    /** Disabled by now, and since when they were met. */
    readonly paused: readonly { readonly subscription_id: string; readonly since: string }[];
  };
  /** One answer per tenant. A tenant whose answer does not fit is left out, and asked for again. */
  schemas: { readonly tenants: readonly TenantSchemas[] };
  /** Rows as JSON texts, by key: numbers keep their digits. Pairs, since any text can be a key. */
  reference: { readonly version: number; readonly rows: readonly (readonly [key: string, text: string])[] };
  retention: { readonly days: Readonly<Record<Tenant, number>> };
  forget_views: { readonly forgotten: number };
  views: { readonly views: readonly SeenBy[]; readonly next_cursor: string | null };
  memberships: { readonly memberships: readonly Membership[] };
  role: { readonly role: Role | null };
  customers: {
    readonly customer_ids: readonly string[];
    readonly next_cursor: string | null;
    /** Of those that do not keep their numbers for ever, for how many days they do. */
    readonly metrics_days?: Readonly<Record<string, number>>;
  };
  job: { readonly job: Job | null };
  job_save: { readonly saved: boolean; readonly status: JobStatus | null };
  copying: { readonly jobs: readonly { readonly job_id: string; readonly updated_at: string }[] };
  audit_head: { readonly seq: number; readonly hash: string; readonly told: boolean };
  audit: { readonly seq: number; readonly hash: string };
  alert_rules: { readonly tenants: readonly TenantRules[] };
  alert_tenants: { readonly tenants: readonly Tenant[]; readonly next: string | null };
  alert_standing: { readonly alerts: readonly Standing[]; readonly next: string | null };
  /** Changes that were made, where somebody watches the tenant. */
  alert_save: { readonly told?: readonly LiveAlert[] };
  alert_due: { readonly messages: readonly DueMessage[] };
  alert_sent: Record<never, never>;
  alert_forget: { readonly alerts: number; readonly runs: number };
  watch: Record<never, never>;
  unwatch: Record<never, never>;
  workflows: { readonly workflows: readonly (readonly [subscription_id: string, workflow_id: string | null])[] };
  report_take: { readonly run: TakenRun | null };
  report_mailed: Record<never, never>;
  report_done: Record<never, never>;
}

/** What api asks deliver directly, for `POST /subscriptions/{id}/test`: send a sample now, record nothing. */
export interface DeliveryTest {
  readonly op: "test";
  readonly tenant: Tenant;
  readonly subscription_id: string;
  readonly event: { readonly event_type: string | null; readonly payload: Readonly<Record<string, unknown>> };
  /** Signs with a secret made up for it: who checks signatures refuses the post. */
  readonly wrongly_signed?: true;
}

/** What came back from the webhook, in the terms of a delivery's attempt. */
export interface DeliveryTestAnswer {
  /** The request as sent; values of the subscription's own headers are masked. */
  readonly request: { readonly headers: Readonly<Record<string, string>>; readonly body: string };
  readonly delivered: boolean;
  readonly status_code: number | null;
  readonly latency_ms: Millis;
  readonly error: string | null;
  readonly response_excerpt?: string;
}

export interface TenantSchemas {
  readonly tenant: Tenant;
  /** 0 before the first schema. */
  readonly version: number;
  /** Undefined where the version is the one that was known. */
  readonly schemas?: readonly {
    readonly event_type: string;
    readonly version: number;
    /** JSON text: numbers keep their digits. */
    readonly schema_text: string;
  }[];
}
