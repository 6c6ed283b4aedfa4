import type { AlertFacts, AlertState } from "./alerts/alert.ts";
import type { DeliveryStatus, EventStatus } from "./event.ts";
import type { Tenant } from "./identity/identity.ts";
import type { Ulid } from "./ids.ts";
import type { Role } from "./people/roles.ts";
import { HOUR_MS, type Millis } from "./time.ts";

/**
 * What travels to those who watch a customer as it happens: from the stages that make something happen to the function that publishes it.
 * A stage tells only of customers that somebody watches, which it knows by what it reads anyway.
 */

export const channels = ["metrics", "events", "deliveries", "alerts"] as const;
export type Channel = (typeof channels)[number];

/** The path that a socket is opened at, on the platform's own host. */
export const LIVE_PATH = "/live";
/** How long a ticket may be used, once. */
export const TICKET_MS: Millis = 30_000;
/** A socket lives for two hours at most. */
export const SOCKET_MS: Millis = 2 * HOUR_MS;
/** Sockets of one side of a customer. */
export const MAX_SOCKETS = 100;
/** Of those, sockets of one person or of one key. */
export const MAX_OWN_SOCKETS = 25;
/** Different filters of figures, over all sockets of one side of a customer: each is a question to the metrics every second. */
export const MAX_FIGURE_FILTERS = 20;
/** Events and deliveries that a socket gets in a second; the rest is counted. */
export const MESSAGES_A_SECOND = 50;

/** An event without its payload. */
export interface LiveEvent {
  readonly event_id: string;
  readonly event_type: string | null;
  readonly received_at: string;
  readonly status: EventStatus;
  readonly key_id: string | null;
}

/** What an attempt made of a delivery, without payloads and answers. */
export interface LiveDelivery {
  /** When it happened, RFC 3339. */
  readonly at: string;
  readonly delivery_id: string;
  readonly subscription_id: string;
  /** The first hundred of them. */
  readonly event_ids: readonly string[];
  /** How many there are. */
  readonly events: number;
  /** The types among its events. */
  readonly event_types: readonly (string | null)[];
  readonly status: DeliveryStatus;
  /** From 1. */
  readonly attempt: number;
  readonly status_code: number | null;
  readonly error: string | null;
  readonly latency_ms: Millis | null;
  readonly next_attempt_at: string | null;
  readonly replay_id?: string;
}

/** A change of an alert's state. */
export interface LiveAlert extends Omit<AlertFacts, "change" | "instead_of"> {
  readonly state: AlertState;
}

/** What one invocation of a stage has to tell of one tenant. */
export interface News {
  readonly tenant: Tenant;
  readonly events?: readonly LiveEvent[];
  readonly deliveries?: readonly LiveDelivery[];
  readonly alerts?: readonly LiveAlert[];
  /** Events and deliveries past `MOST_TOLD`: nobody could be shown them. */
  readonly untold?: { readonly events?: number; readonly deliveries?: number };
}

/** A socket is shown 50 a second; an invocation tells as many as filters may reasonably choose from. */
const MOST_TOLD = 500;
export const MOST_EVENT_IDS = 100;

/** What the publishing function is asked, asynchronously. */
export type PublishRequest =
  | ({ readonly op: "publish" } & News)
  /** Sends a socket what happened before the stages knew that it watches, and what it missed. */
  | Follow
  /** Sends a tenant's figures to those who watch them, while they change. */
  | { readonly op: "measure"; readonly tenant: Tenant }
  /** Closes the sockets of a session that has ended. */
  | { readonly op: "end"; readonly tenant: Tenant; readonly session: string };

export interface Follow {
  readonly op: "follow";
  readonly tenant: Tenant;
  readonly connection_id: string;
  readonly channel: "events" | "deliveries";
  /** When it was asked for, milliseconds. */
  readonly asked_at: Millis;
  /** What was received from then on is sent, milliseconds: with an overlap where the socket has been away. */
  readonly from: Millis;
  /** What was routed from then on is sent, milliseconds. */
  readonly routed_from: Millis;
  /** ULID of the last event that the socket knows; not sent again. */
  readonly after?: Ulid;
}

/** Who watches, as it is remembered with the socket. */
export interface Watcher {
  /** The API key that asked for the ticket. */
  readonly key_id?: string;
  /** The session whose cookie came with the handshake, or that asked for the ticket, by its hash. */
  readonly session?: string;
  /** The person, and the role that they had when the socket was opened. */
  readonly person_id?: string;
  readonly role?: Role;
  /** Events a second that the customer may send: shares of it are told. */
  readonly limit_per_second: number;
}

/** Cuts what is to be told down to what can be, and counts the rest. */
export function newsOf(tenant: Tenant, { events = [], deliveries = [] }: Pick<News, "events" | "deliveries">): News {
  const left = {
    ...(events.length > MOST_TOLD ? { events: events.length - MOST_TOLD } : {}),
    ...(deliveries.length > MOST_TOLD ? { deliveries: deliveries.length - MOST_TOLD } : {}),
  };
  return {
    tenant,
    ...(events.length > 0 ? { events: events.slice(0, MOST_TOLD) } : {}),
    ...(deliveries.length > 0 ? { deliveries: deliveries.slice(0, MOST_TOLD) } : {}),
    ...(Object.keys(left).length > 0 ? { untold: left } : {}),
  };
}
