import type { Answer } from "../../sdk/typescript/src/client.ts";
import type { components } from "../../sdk/typescript/src/contract.ts";

/** Objects and answers of the API, as its contract describes them. */
export type Schemas = components["schemas"];

export type Delivery = Schemas["Delivery"];
export type Attempt = Delivery["attempts"][number];
/** Without its payload for people who may not read it. */
export type Event = Omit<Schemas["InboxEvent"], "payload"> & { readonly payload?: unknown };
export type Selector = Schemas["EventSelector"];
export type Subscription = Schemas["Subscription"];
/** What came back for a sample that was posted to a subscription's endpoint. */
export type TestAnswer = Answer<"POST", "/subscriptions/{id}/test">;
/** `api_key` is there once, when the key is made. */
export type Key = Schemas["Key"] & Partial<Schemas["NewKey"]>;
export type Alert = Schemas["Alert"];
/** `signing_secret` is there once, when a channel of kind `webhook` is made. */
export type Channel = Schemas["AlertChannel"] & { readonly signing_secret?: string };
export type AuditEntry = Schemas["AuditEntry"];
export type CustomerFigures = Schemas["CustomerFigures"];
export type EventType = Schemas["EventType"];
export type Incident = Schemas["Incident"];
export type Masking = Schemas["Masking"];
export type Person = Schemas["Person"];
export type PlatformStatus = Schemas["Status"];
export type PrivacyRequest = Schemas["PrivacyRequest"];
export type Problem = Schemas["Problem"];
export type Replay = Schemas["Replay"];
export type ReportRun = Schemas["ReportRun"];

export type AlertPreview = Answer<"POST", "/alert-rules/preview">;
export type ChannelTest = Answer<"POST", "/alert-channels/{id}/test">;
export type DryRun = Answer<"POST", "/events/dry-run">;
export type Journey = Answer<"GET", "/events/{id}/journey">;
export type Rehearsal = Answer<"POST", "/subscriptions/rehearse">;
export type Verdicts = Answer<"GET", "/events/{id}/verdicts">;
export type Viewer = Answer<"GET", "/events/{id}/viewers">["viewers"][number];
export type SchemaTrial = Answer<"POST", "/event-types/rehearse">;
export type UsageAnswer = Answer<"GET", "/usage">;

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
