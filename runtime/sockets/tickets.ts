import { createHash, randomBytes } from "node:crypto";
import { deleteItem, putItem, type Table } from "../aws/tables.ts";
import type { Item } from "../domain/codec/fields.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { Watcher } from "../domain/live.ts";
import { type Millis, secondsOf } from "../domain/time.ts";

/**
 * Tickets: what a client that can send no header, a browser's socket, shows in its place.
 *
 * Invariant: the table is read by a ticket's hash, so who reads the table can use none; and one that is taken is gone.
 */

export interface Ticket {
  readonly tenant: Tenant;
  readonly who: Watcher;
  readonly until: Millis;
  /** When what it was asked with ends, milliseconds; the socket ends with it. */
  readonly ends_at?: Millis;
}

const keyOf = (ticket: string): Item => ({
  pk: { S: `ticket#${createHash("sha256").update(ticket).digest("hex")}` },
  sk: { S: "ticket" },
});

/** @returns 256 bits that nobody guesses */
export async function issueTicket(sockets: Table, ticket: Ticket): Promise<string> {
  const text = randomBytes(32).toString("base64url");
  await putItem(sockets, {
    ...keyOf(text),
    ticket: { S: JSON.stringify(ticket) },
    expires_at: { N: String(secondsOf(ticket.until) + 1) },
  });
  return text;
}

/** The right that a ticket gives, once; undefined for a ticket that is unknown, used or expired. */
export async function takeTicket(sockets: Table, text: string, now: Millis): Promise<Ticket | undefined> {
  if (!/^[\w-]{43}$/.test(text)) return undefined;
  const taken = await deleteItem(sockets, keyOf(text), { ReturnValues: "ALL_OLD" });
  const ticket = taken?.ticket?.S === undefined ? undefined : (JSON.parse(taken.ticket.S) as Ticket);
  return ticket !== undefined && ticket.until > now ? ticket : undefined;
}
