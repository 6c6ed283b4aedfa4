import type { DeliveryStatus } from "../event.ts";
import type { Tenant } from "../identity/identity.ts";
import type { ErrorClass } from "../metrics/names.ts";
import type { Millis } from "../time.ts";

/** Facts that count, for usage, metrics and the audit of calls alike. */

/** Calls of the API with the same outcome. */
export interface CallFact {
  readonly kind: "called";
  readonly tenant: Tenant;
  /** Milliseconds since the epoch. */
  readonly at: Millis;
  readonly key_id: string;
  readonly source_ip?: string;
  /** Method and route, `GET /inbox`. */
  readonly call: string;
  /** `ok`, or the code of the error that was answered. */
  readonly outcome: string;
  readonly requests: number;
  /** Events taken in or handed out. */
  readonly events: number;
  /** Payload bytes taken in. */
  readonly bytes: number;
}

/** One thing that happened. */
export type UsageFact =
  /** A request was stored for the first time (never counted again when its message is redelivered). */
  | {
      readonly kind: "accepted";
      readonly tenant: Tenant;
      /** Milliseconds since the epoch at which the request was accepted. */
      readonly at: Millis;
      readonly key_id: string;
      /** Where the request came from, as far as the edge told. */
      readonly source_ip?: string;
      /** When it was counted, milliseconds. */
      readonly routed_at: Millis;
      /** Event type and payload bytes of each event. */
      readonly events: readonly { readonly type: string | null; readonly bytes: number }[];
      /** Which of them each subscription matched, by offset, ascending. */
      readonly matched?: Readonly<Record<string, readonly number[]>>;
      /** From the edge's receipt until the queue had the request, and so until it could be answered; where it is known. */
      readonly accept_ms?: Millis;
      /** The rest of a request that was counted with its first events. */
      readonly rest?: true;
      /** Counted from the store: the second of the minute in which they came is no longer known. */
      readonly recounted?: true;
    }
  /** One attempt to deliver events to a subscription ended. `failed` ones will be tried again. */
  | {
      readonly kind: "attempted";
      readonly tenant: Tenant;
      readonly at: Millis;
      readonly subscription_id: string;
      /** What it was to its deliveries; null where that could not be kept, so that they will be attempted again. */
      readonly outcome: "delivered" | "failed" | "dead_lettered" | null;
      /** Why it failed; null or left out where it did not. */
      readonly error?: ErrorClass | null;
      /** From sending the request to the whole answer, or the failure. */
      readonly latency_ms: Millis;
      /** The deliveries that it was made of. */
      readonly parts: readonly {
        /** Event type of each event of the attempt. */
        readonly types: readonly (string | null)[];
        /** The key that the events came with, where it is known. */
        readonly key_id?: string;
        /** From the events' receipt to this success, where it is their first; never for what a replay sent. */
        readonly first_success_ms?: Millis;
        /** A replay sent them, and tried for the first time. */
        readonly replayed?: true;
      }[];
    }
  /** A delivery came to another state. */
  | {
      readonly kind: "moved";
      readonly tenant: Tenant;
      /** When its events were received. */
      readonly at: Millis;
      readonly subscription_id: string;
      readonly key_id?: string;
      /** Event type of each of its events. */
      readonly types: readonly (string | null)[];
      readonly from: DeliveryStatus;
      readonly to: DeliveryStatus;
    }
  | CallFact;
