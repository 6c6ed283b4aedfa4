import type { subscriptionStatuses } from "../../runtime/domain/statuses.ts";

/** Objects of the API, as far as pages show them. */

export interface Attempt {
  readonly at: string;
  readonly status_code: number | null;
  readonly latency_ms: number;
  readonly error: string | null;
  readonly response_excerpt?: string;
}

export interface Delivery {
  readonly delivery_id: string;
  readonly subscription_id: string;
  readonly event_ids: readonly string[];
  readonly status: string;
  readonly attempts: readonly Attempt[];
  readonly next_attempt_at: string | null;
  readonly created_at: string;
  readonly replay_id?: string;
}

export interface Event {
  readonly event_id: string;
  readonly event_type: string | null;
  readonly received_at: string;
  readonly payload?: unknown;
  readonly status: string;
  readonly acknowledged_at: string | null;
  readonly deliveries: readonly Delivery[];
}

export type Selector =
  | string
  | { readonly event_type?: string | readonly string[]; readonly jsonpath?: string; readonly cel?: string };

export interface Subscription {
  readonly subscription_id: string;
  readonly workflow_id: string | null;
  readonly webhook_url: string;
  readonly event_selector: Selector;
  readonly transform: unknown;
  readonly enrich: unknown;
  readonly format: "event" | "payload";
  readonly max_batch: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly environment: string;
  readonly status: (typeof subscriptionStatuses)[number];
  readonly disabled_reason: string | null;
  /** When its endpoint last refused a wrong signature, having taken a right one. */
  readonly signature_verified_at?: string;
  readonly version: number;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface Key {
  readonly key_id: string;
  readonly api_key?: string;
  readonly name: string | null;
  readonly environment: "live" | "sandbox";
  readonly scopes: readonly string[];
  readonly limit_per_second: number | null;
  readonly expires_at: string | null;
  readonly created_at: string;
  readonly last_used_at: string | null;
  readonly status: string;
}

export interface Session {
  readonly session_id: string;
  /** When this was answered, by the platform's clock. */
  readonly now: string;
  readonly expires_at: string;
  readonly ends_at: string;
  readonly signed_in_at: string;
  readonly person: { readonly person_id: string; readonly name: string; readonly email: string };
  readonly role: string;
  readonly permissions: readonly string[];
  readonly customer_id: string;
  readonly customer_name: string;
  readonly limit_per_second: number;
  readonly customers: readonly { readonly customer_id: string; readonly name: string; readonly role: string }[];
}
