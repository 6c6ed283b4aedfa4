import type { Environment, Tenant } from "./identity/identity.ts";
import type { Millis } from "./time.ts";

/** A selector as customers write it; all members of the object form must hold. */
export type EventSelector =
  | string
  | { readonly event_type?: string | readonly string[]; readonly jsonpath?: string; readonly cel?: string };

export interface Transform {
  readonly extract?: Readonly<Record<string, string>>;
  readonly rename?: Readonly<Record<string, string>>;
  readonly omit?: readonly string[];
}

/** In place of a reference table: what the platform itself knows of the event. No table can have this name. */
export const METADATA = "$event";

export interface Enrich {
  /** A reference table, or `METADATA`. */
  readonly from: string;
  /** Singular path to the row's key; metadata needs none. */
  readonly key?: string | undefined;
  readonly as: string;
}

export const formats = ["event", "payload"] as const;
export type Format = (typeof formats)[number];

/** What routing needs of an active or disabled subscription. */
export interface RoutedSubscription {
  readonly subscription_id: string;
  /** Counts the changes of this one subscription, from 1; definitions of every version are kept. */
  readonly version: number;
  readonly event_selector: EventSelector;
}

/** A subscription by name: its id means something to this tenant only. */
export interface SubscriptionOf {
  readonly tenant: Tenant;
  readonly subscription_id: string;
}

/** What delivering needs of a subscription. */
export interface DeliveryTarget extends RoutedSubscription, SubscriptionOf {
  readonly environment: Environment;
  readonly webhook_url: string;
  readonly format: Format;
  readonly max_batch: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly transform?: Transform;
  readonly enrich?: Enrich;
  readonly status: "active" | "disabled" | "removed";
  /** Whether somebody watches the tenant live. */
  readonly watched?: true;
  readonly disabled_reason?: string;
  /** When the customer last asked for an erasure, within 15 days; milliseconds. Events accepted before may be erased. */
  readonly erased_until?: Millis;
  /** `whsec_…`; the first signs for good, others until they expire (RFC 3339). */
  readonly secrets: readonly { readonly secret: string; readonly expires_at?: string }[];
}
