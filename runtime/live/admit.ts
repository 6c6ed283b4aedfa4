import { TriggersError } from "../domain/errors/errors.ts";
import { originOf } from "../domain/host.ts";
import { type Environment, environments, HOST_HEADER, type Tenant, tenantOf } from "../domain/identity/identity.ts";
import { channels, SOCKET_MS, type Watcher } from "../domain/live.ts";
import type { Membership } from "../domain/people/person.ts";
import type { Millis } from "../domain/time.ts";
import type { Ticket } from "../sockets/tickets.ts";
import { requireChannel } from "./mayListen.ts";

/**
 * Who may open a socket: who shows a ticket, once, or the console's own pages under the cookie of a session.
 *
 * Invariant: a cookie counts only for a page of this very host. A browser sends it along with a handshake of any site's page, and no rule
 * of other requests keeps a page from reading what a socket says.
 */

export interface Handshake {
  /** In lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** The facts of a session, found by its cookie. */
export interface SessionHere {
  /** What it is remembered by: never the cookie's own value. */
  readonly id: string;
  readonly member: Membership;
  readonly ends_at: Millis;
}

export interface AdmitPorts {
  now(): Millis;
  takeTicket(text: string): Promise<Ticket | undefined>;
  /** @param cookies the whole header */
  session(cookies: string): Promise<SessionHere | undefined>;
}

export interface Admitted {
  readonly tenant: Tenant;
  readonly who: Watcher;
  readonly ends_at: Millis;
}

/**
 * @throws TriggersError `unauthorized` for an unknown caller, `forbidden` for a caller that may listen to nothing, `cross_site`
 * for a page of another site
 */
export async function admit({ headers, query }: Handshake, ports: AdmitPorts): Promise<Admitted> {
  const longest = ports.now() + SOCKET_MS;
  if (query.ticket !== undefined) {
    const ticket = await ports.takeTicket(query.ticket);
    if (ticket === undefined) throw new TriggersError("unauthorized", "The ticket is not valid, or was used.");
    const { tenant, who, ends_at = longest } = ticket;
    return { tenant, who, ends_at: Math.min(longest, ends_at) };
  }
  const session = headers.cookie === undefined ? undefined : await ports.session(headers.cookie);
  if (session === undefined) throw new TriggersError("unauthorized", "There is neither a ticket nor a session.");
  if (headers.origin !== originOf(headers[HOST_HEADER] ?? ""))
    throw new TriggersError("cross_site", "A session's socket is opened by the console's own pages.");
  const environment = (query.environment ?? "live") as Environment;
  if (!environments.includes(environment)) throw new TriggersError("forbidden", "The environment is live or sandbox.");
  const { id, member, ends_at } = session;
  const { customer_id, person_id, role, limit_per_second } = member;
  const allowed = channels.some((channel) => {
    try {
      requireChannel(role, channel);
      return true;
    } catch {
      return false;
    }
  });
  if (!allowed) throw new TriggersError("forbidden", `The role ${role} may listen to nothing.`);
  const who = { session: id, person_id, role, limit_per_second };
  return { tenant: tenantOf({ customer_id, environment }), who, ends_at: Math.min(longest, ends_at) };
}
