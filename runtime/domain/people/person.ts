import type { Millis } from "../time.ts";
import type { Role } from "./roles.ts";

/** A person who acts through a session of the console, as the platform's functions tell each other. */
export interface Person {
  readonly person_id: string;
  readonly name: string;
  readonly role: Role;
  /** When the person last proved who they are, milliseconds since the epoch. */
  readonly signed_in_at: Millis;
  /** The session that they act through: what it is remembered by, and when it ends by itself, milliseconds since the epoch. */
  readonly session?: { readonly id: string; readonly ends_at: Millis };
  /** The page asks for lists without payloads, which are not recorded as readings. */
  readonly without_payloads?: true;
}

/** What a person is in one customer; several customers, several of these. */
export interface Membership {
  readonly person_id: string;
  readonly customer_id: string;
  readonly customer_name: string;
  readonly role: Role;
  /** The customer's limit, events per second. */
  readonly limit_per_second: number;
}
