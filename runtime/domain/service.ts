import type { Tenant } from "./identity.ts";
import type { DeliveryTarget, RoutedSubscription } from "./subscription.ts";

/**
 * The subscriptions service: a function that others invoke, the only way from the event's path to PostgreSQL.
 * Requests and answers are plain JSON, an answer at most 6 MB (hence the cursors).
 */
export type ServiceRequest =
  /** Versions of these tenants' routing snapshots; a tenant without subscriptions has version 0. */
  | { readonly op: "versions"; readonly tenants: readonly Tenant[] }
  /** One page of what routing needs: every subscription that is not removed (a disabled one still collects a backlog). */
  | { readonly op: "snapshot"; readonly tenant: Tenant; readonly cursor?: string }
  /** Definitions for delivery, secrets included. */
  | { readonly op: "targets"; readonly tenant: Tenant; readonly subscription_ids: readonly string[] }
  /** The customer answered 410, or its endpoint failed for too long. */
  | { readonly op: "remove"; readonly tenant: Tenant; readonly subscription_id: string; readonly reason: string }
  | { readonly op: "disable"; readonly tenant: Tenant; readonly subscription_id: string; readonly reason: string }
  /** Schemas by event type, for validation at ingest. */
  | { readonly op: "schemas"; readonly tenant: Tenant }
  /** Rows of a reference table for enrichment. */
  | { readonly op: "reference"; readonly tenant: Tenant; readonly table: string; readonly keys: readonly string[] }
  /** Days that the tenant's events are kept. */
  | { readonly op: "retention"; readonly tenants: readonly Tenant[] };

export interface ServiceAnswers {
  versions: { readonly versions: Readonly<Record<Tenant, number>> };
  snapshot: {
    readonly version: number;
    readonly subscriptions: readonly RoutedSubscription[];
    readonly retention_days: number;
    readonly next_cursor: string | null;
  };
  targets: { readonly targets: readonly DeliveryTarget[] };
  remove: { readonly done: boolean };
  disable: { readonly done: boolean };
  schemas: {
    readonly version: number;
    readonly schemas: readonly { readonly event_type: string; readonly version: number; readonly schema: unknown }[];
  };
  reference: { readonly version: number; readonly rows: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
  retention: { readonly days: Readonly<Record<Tenant, number>> };
}
