import type { Tenant } from "../identity/identity.ts";
import type { Millis } from "../time.ts";
import type { AlertFacts, ChannelKind, Composed } from "./alert.ts";
import type { Change, Watch } from "./evaluate.ts";
import type { AlertRule } from "./rule.ts";

/** What the function that evaluates alerts and the one that keeps them tell each other. */

/** What evaluating needs of a tenant. */
export interface TenantRules {
  readonly tenant: Tenant;
  readonly version: number;
  /** Undefined where the version is the one that was known. */
  readonly rules?: readonly AlertRule[];
  readonly limit_per_second?: number;
}

/** What evaluating found of a rule. */
export interface AlertChange {
  readonly rule: AlertRule;
  /** Null once it is well. */
  readonly watch: Watch | null;
  readonly changes: readonly Change[];
  readonly resolution?: string;
  /** Milliseconds: the end of the minute that was evaluated. */
  readonly at: Millis;
  readonly value: number | null;
  readonly cause?: string | null;
}

/** An alert that is not resolved, as evaluating goes on from it. */
export interface Standing {
  readonly alert_id: string;
  readonly tenant: Tenant;
  readonly rule_id: string;
  readonly watch: Watch;
}

/** Where a message goes. */
export interface ChannelTarget {
  readonly channel_id: string;
  readonly kind: ChannelKind;
  /** An address, a number, a URL: whole. */
  readonly target: string;
  /** Of a webhook: what signs. */
  readonly signing_secret?: string;
  readonly base_url: string;
  /** By whose clocks people read times. */
  readonly time_zone: string;
}

export interface DueMessage {
  readonly message_id: string;
  readonly tenant: Tenant;
  readonly content: AlertFacts;
  /** Undefined: it becomes an event of the customer. */
  readonly channel?: ChannelTarget;
}

/** What became of a message. */
export interface Sent {
  readonly message_id: string;
  /** Null where it was taken. */
  readonly error: string | null;
  /** AWS had no room for it just now: it waits, and its channel has not failed. */
  readonly busy?: true;
}

/** What api asks the alert function directly: send this now, to one channel, and tell what came of it. */
export interface SendRequest {
  readonly op: "send";
  readonly tenant: Tenant;
  readonly channel: ChannelTarget;
  readonly message: Composed;
  /** What a webhook gets in place of the message's texts. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** What a channel made of a message. */
export interface SendAnswer {
  readonly sent: boolean;
  /** Why it was not sent; null where it was. */
  readonly error: string | null;
  /** As of `Sent`. */
  readonly busy?: true;
  /** What a webhook or Slack answered. */
  readonly status_code?: number;
  /** The beginning of a webhook's answer. */
  readonly response_excerpt?: string;
}

/** Work that deliver is asked for directly: one post outside of deliveries, under the same rules and signed the same way. */
export interface DirectPost {
  readonly op: "post";
  readonly tenant: Tenant;
  readonly url: string;
  /** JSON. */
  readonly body: string;
  /** `webhook-id` of the post; the same on a repeat. */
  readonly id: string;
  /** Signs it where it is given. */
  readonly signing_secret?: string;
}

export interface DirectPostAnswer {
  readonly status_code: number | null;
  readonly error: string | null;
  readonly latency_ms: Millis;
  readonly response_excerpt?: string;
}
