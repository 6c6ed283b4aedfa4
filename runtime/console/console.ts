import { errorResponse, invalidBody, noSuch, TriggersError, wrongMethod } from "../domain/errors/errors.ts";
import { originOf } from "../domain/host.ts";
import { type Identity, tenantOf } from "../domain/identity/identity.ts";
import { newId, ulidIn } from "../domain/ids.ts";
import type { Membership } from "../domain/people/person.ts";
import { matrix, requirePermission } from "../domain/people/roles.ts";
import type { Send } from "../domain/people/send.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";
import { type Answered, type Asked, type ForwardPorts, forward, identityOf } from "./forward.ts";
import type { Sends } from "./sends.ts";
import {
  endsAt,
  hashOf,
  IDLE_MS,
  LONGEST_MS,
  newToken,
  SESSION_COOKIE,
  type Session,
  type Sessions,
  tokenIn,
} from "./sessions.ts";
import type { SignedIn, SignIn } from "./signIn.ts";

/**
 * The console's function: who is signed in, and what they ask for.
 *
 * Invariant: nothing is changed for another site's page. Every call that changes something needs the header `x-triggers-console: 1`, which
 * no
 * form can send, and the page's own origin; and of all that another site can cause, the browser sends the cookie with links alone.
 */

export interface ConsoleRequest extends Asked {
  readonly request_id: string;
  /** Under which name the browser reached the platform. */
  readonly host: string;
  readonly cookies: readonly string[];
}

export interface ConsoleAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: Buffer | string;
}

export interface ConsolePorts extends ForwardPorts {
  readonly sessions: Sessions;
  readonly sends: Sends;
  readonly signIn: Pick<SignIn, "begin" | "finish">;
  /** Where who signed in is known. @param email given right after signing in: accepts invitations */
  memberships(
    who: Pick<SignedIn, "issuer" | "subject"> & { email?: string; name?: string },
  ): Promise<readonly Membership[]>;
  /** Has the sockets closed that were opened under a session in a customer. @param hash what the session is remembered by */
  closeSockets(hash: string, customerId: string): Promise<void>;
  failed(what: string, requestId: string, cause: unknown): void;
}

const SIGNING_IN_COOKIE = "__Host-triggers-signing-in";
const ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax";
const setCookie = (name: string, value: string, seconds: number): string =>
  `${name}=${value}; Max-Age=${seconds}; ${ATTRIBUTES}`;
const dropCookie = (name: string): string => `${name}=; Max-Age=0; ${ATTRIBUTES}`;

/** Milliseconds after which a change of role, or a removal, counts for sessions. */
const CHECK_MS = 30_000;
const API = "/console/api";
const SESSION = "/console/session";
/** What is possible at the paths of the session, by which a wrong method is told from an unknown path. */
const METHODS: Readonly<Record<string, readonly string[]>> = {
  [SESSION]: ["DELETE", "GET"],
  [`${SESSION}/sign-in`]: ["GET"],
  [`${SESSION}/callback`]: ["GET"],
  [`${SESSION}/extend`]: ["POST"],
  [`${SESSION}/customer`]: ["POST"],
  [`${SESSION}s`]: ["GET"],
};
const SAFE = new Set(["GET", "HEAD"]);
const NO_STORE = { "cache-control": "no-store" };

const cookieIn = (request: ConsoleRequest, name: string): string | undefined =>
  request.cookies.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);

const json = (status: number, value: unknown): ConsoleAnswer => ({
  status,
  headers: { "content-type": "application/json", ...NO_STORE },
  cookies: [],
  body: JSON.stringify(value),
});

const redirect = (location: string, cookies: readonly string[]): ConsoleAnswer => ({
  status: 302,
  headers: { location, ...NO_STORE },
  cookies,
  body: "",
});

const notSignedIn = () => new TriggersError("unauthorized", "You are not signed in, or the session has ended.");

/** @throws TriggersError `cross_site` */
function refuseOthersPages(request: ConsoleRequest): void {
  if (SAFE.has(request.method)) return;
  const { origin, "x-triggers-console": mark, "sec-fetch-site": site } = request.headers;
  const same = origin === undefined ? site === "same-origin" : origin === originOf(request.host);
  if (mark !== "1" || !same)
    throw new TriggersError(
      "cross_site",
      "A change through the console comes from its own pages and bears the header x-triggers-console: 1.",
    );
}

/** A page of the console for any target that was asked for: nobody is sent to another site. */
export function ownPage(path: string | null): string {
  if (path === null || !path.startsWith("/console/") || path.startsWith("/console/api/")) return "/console/";
  const url = new URL(path, "https://console.invalid");
  return url.host === "console.invalid" && url.pathname.startsWith("/console/")
    ? `${url.pathname}${url.search}${url.hash}`
    : "/console/";
}

export class Console {
  private readonly ports: ConsolePorts;

  constructor(ports: ConsolePorts) {
    this.ports = ports;
  }

  /** Answers a request. Never throws. */
  async answer(request: ConsoleRequest): Promise<ConsoleAnswer> {
    try {
      return await this.route(request);
    } catch (thrown) {
      const { status, headers, body } = errorResponse(thrown, request.request_id);
      if (status >= 500) this.ports.failed("console.failed", request.request_id, (thrown as Error).cause ?? thrown);
      const ended = status === 401 && tokenIn(request.cookies) !== undefined;
      return { status, headers, cookies: ended ? [dropCookie(SESSION_COOKIE)] : [], body };
    }
  }

  private async route(request: ConsoleRequest): Promise<ConsoleAnswer> {
    const path = request.path.replace(/^\/console\/api(?=\/console\/session)/, "");
    refuseOthersPages(request);
    if (path === `${SESSION}/sign-in` && request.method === "GET") return this.begin(request);
    if (path === `${SESSION}/callback` && request.method === "GET") return this.finish(request);
    const token = tokenIn(request.cookies);
    const session = token === undefined ? undefined : await this.current(token);
    if (token === undefined || session === undefined) throw notSignedIn();
    if (path.startsWith(SESSION)) return this.session(request, path, token, session);
    const asked = { ...request, path: path.slice(API.length) || "/" };
    if (asked.path === "/sends" && request.method === "GET") return this.sends(asked, session, hashOf(token));
    return this.api(asked, session, hashOf(token));
  }

  /** The session behind a token, with memberships that are at most 30 s old; undefined when it has ended. */
  private async current(token: string): Promise<Session | undefined> {
    const { sessions, now } = this.ports;
    const session = await sessions.get(token);
    if (session === undefined || now() - session.checked_at < CHECK_MS) return session;
    const memberships = await this.ports.memberships(session);
    const here = memberships.some(({ customer_id }) => customer_id === session.customer_id);
    const next = here ? session.customer_id : memberships[0]?.customer_id;
    if (!here) await this.ports.closeSockets(hashOf(token), session.customer_id);
    if (next === undefined) {
      await sessions.end(token);
      return undefined;
    }
    const checked = { ...session, customer_id: next, memberships, checked_at: now() };
    return (await sessions.change(token, checked)) ? checked : undefined;
  }

  private async begin(request: ConsoleRequest): Promise<ConsoleAnswer> {
    const asked = new URLSearchParams(request.query);
    const { sessions, signIn, now } = this.ports;
    const return_to = ownPage(asked.get("return_to"));
    const { url, state } = await signIn.begin(
      `${originOf(request.host)}${SESSION}/callback`,
      (begun) => sessions.begin({ ...begun, return_to, created_at: now() }),
      asked.get("fresh") === "1",
    );
    return redirect(url, [setCookie(SIGNING_IN_COOKIE, state, 600)]);
  }

  private async finish(request: ConsoleRequest): Promise<ConsoleAnswer> {
    const { sessions, signIn, now } = this.ports;
    const state = cookieIn(request, SIGNING_IN_COOKIE);
    const begun = state === undefined ? undefined : await sessions.take(state);
    const gone = [dropCookie(SIGNING_IN_COOKIE)];
    if (state === undefined || begun === undefined) return redirect("/console/sign-in?ended=late", gone);
    const again = (why: string) =>
      redirect(`/console/sign-in?ended=${why}&return_to=${encodeURIComponent(begun.return_to)}`, gone);
    let who: SignedIn;
    try {
      who = await signIn.finish(new URL(`${originOf(request.host)}${request.path}?${request.query}`), state, begun);
    } catch (cause) {
      this.ports.failed("console.sign_in_refused", request.request_id, cause);
      return again("refused");
    }
    const memberships = await this.ports.memberships(who);
    const [first] = memberships;
    if (first === undefined) return again("unknown");
    const before = tokenIn(request.cookies);
    const old = before === undefined ? undefined : await sessions.get(before);
    // A person who signs in again in the middle of their work comes back to the same page.
    const same = old !== undefined && old.issuer === who.issuer && old.subject === who.subject;
    const stays = same && memberships.some(({ customer_id }) => customer_id === old.customer_id);
    if (before !== undefined) await sessions.end(before);
    if (before !== undefined && old !== undefined) await this.ports.closeSockets(hashOf(before), old.customer_id);
    const token = newToken();
    const at = now();
    await sessions.put(token, {
      session_id: newId("ses", at),
      ...who,
      customer_id: stays ? old.customer_id : first.customer_id,
      memberships,
      checked_at: at,
      created_at: at,
      active_at: at,
      signed_in_at: at,
      source_ip: request.source_ip,
      user_agent: (request.headers["user-agent"] ?? "").slice(0, 300),
    });
    return redirect(begun.return_to, [...gone, setCookie(SESSION_COOKIE, token, LONGEST_MS / 1_000)]);
  }

  private async session(
    request: ConsoleRequest,
    path: string,
    token: string,
    session: Session,
  ): Promise<ConsoleAnswer> {
    const { sessions, now } = this.ports;
    switch (`${request.method} ${path}`) {
      case `GET ${SESSION}`:
        return json(200, viewOf(session, now()));
      case `DELETE ${SESSION}`:
        await sessions.end(token);
        await this.ports.closeSockets(hashOf(token), session.customer_id);
        return { status: 204, headers: NO_STORE, cookies: [dropCookie(SESSION_COOKIE)], body: "" };
      case `POST ${SESSION}/extend`: {
        const extended = { ...session, active_at: now() };
        if (!(await sessions.change(token, extended))) throw notSignedIn();
        return json(200, viewOf(extended, now()));
      }
      case `POST ${SESSION}/customer`: {
        const wanted = customerIn(request.body);
        if (!session.memberships.some(({ customer_id }) => customer_id === wanted))
          throw new TriggersError("not_found", `There is no customer ${wanted} that you belong to.`);
        const moved = { ...session, customer_id: wanted, active_at: now() };
        if (!(await sessions.change(token, moved))) throw notSignedIn();
        if (wanted !== session.customer_id) await this.ports.closeSockets(hashOf(token), session.customer_id);
        return json(200, viewOf(moved, now()));
      }
      case `GET ${SESSION}s`: {
        const all = await sessions.ofPerson(session);
        const listed = all.map((each) => ({ ...timesOf(each), current: each.session_id === session.session_id }));
        return json(200, { sessions: listed, next_cursor: null });
      }
      default: {
        const id = path.startsWith(`${SESSION}s/`) ? path.slice(SESSION.length + 2) : undefined;
        const possible = id === undefined ? METHODS[path] : ["DELETE"];
        if (possible === undefined) throw noSuch("route", path);
        if (request.method !== "DELETE" || id === undefined) throw wrongMethod(request.method, possible);
        const ended = await sessions.endOne(session, id);
        if (ended === undefined) throw noSuch("session", id);
        await this.ports.closeSockets(ended.hash, ended.customer_id);
        return { status: 204, headers: NO_STORE, cookies: [], body: "" };
      }
    }
  }

  private memberOf({ memberships, customer_id }: Session): Membership {
    return memberships.find((each) => each.customer_id === customer_id)!;
  }

  private async sends(asked: Asked, session: Session, hash: string): Promise<ConsoleAnswer> {
    const member = this.memberOf(session);
    requirePermission(member.role, "GET /sends");
    const query = new URLSearchParams(asked.query);
    const unknown = [...query.keys()].find((name) => !["limit", "cursor"].includes(name));
    const limit = Number(query.get("limit") ?? 100);
    const cursor = query.get("cursor") ?? undefined;
    const refuse = (name: string, message: string) =>
      new TriggersError("invalid_request", "The query is not valid.", { details: [{ path: `/${name}`, message }] });
    if (unknown !== undefined) throw refuse(unknown, "is not known here");
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) throw refuse("limit", "must be from 1 to 1000");
    // A cursor is the id of the last send that was read.
    if (cursor !== undefined && ulidIn("snd", cursor) === undefined)
      throw refuse("cursor", "is not a cursor of this list");
    const identity = identityOf(session, member, asked, hash);
    const { sends, more } = await this.ports.sends.list(ownerOf(identity), limit, cursor);
    return json(200, { sends, next_cursor: more ? sends.at(-1)!.send_id : null });
  }

  private async api(asked: ConsoleRequest, session: Session, hash: string): Promise<ConsoleAnswer> {
    const began = this.ports.now();
    const own = identityOf(session, this.memberOf(session), asked, hash);
    const { answer, identity } = await forward(own, asked, asked.request_id, this.ports);
    if (asked.method === "POST" && asked.path === "/events") {
      const took = this.ports.now() - began;
      // The events are accepted by now, so the answer succeeds even if writing the history fails.
      await this.ports.sends
        .put(ownerOf(own), sendOf(asked, answer, identity, took))
        .catch((cause: unknown) => this.ports.failed("console.send_not_kept", asked.request_id, cause));
    }
    return { ...answer, cookies: [] };
  }
}

/** Whose history: a person's own, in one customer. Live and sandbox stand in one list, each with its side. */
const ownerOf = (identity: Identity): string =>
  `${identity.person!.person_id}#${tenantOf({ customer_id: identity.customer_id, environment: "live" })}`;

const SHOWN_HEADERS = ["content-type", "content-encoding", "idempotency-key"];

const sendOf = (
  asked: Asked,
  answer: Answered,
  identity: Identity,
  duration_ms: Millis,
): Omit<Send, "send_id" | "at"> => ({
  environment: identity.environment,
  key_id: identity.key_id,
  key_name: identity.key_name ?? null,
  request: {
    method: asked.method,
    path: asked.path,
    headers: Object.fromEntries(
      SHOWN_HEADERS.flatMap((name) => (asked.headers[name] === undefined ? [] : [[name, asked.headers[name]]])),
    ),
    body: asked.body.toString("utf8"),
  },
  response: { status: answer.status, headers: answer.headers, body: answer.body.toString("utf8") },
  duration_ms,
});

/** @throws TriggersError `invalid_request` */
function customerIn(body: Buffer): string {
  try {
    const { customer_id } = JSON.parse(body.toString("utf8")) as { customer_id?: unknown };
    if (typeof customer_id === "string") return customer_id;
  } catch {}
  throw invalidBody({ path: "/customer_id", message: "must be the id of a customer" });
}

const timesOf = (session: Session) => ({
  session_id: session.session_id,
  created_at: rfc3339(session.created_at),
  active_at: rfc3339(session.active_at),
  signed_in_at: rfc3339(session.signed_in_at),
  expires_at: rfc3339(endsAt(session)),
  source_ip: session.source_ip,
  user_agent: session.user_agent,
});

/** @param now of this machine: a browser's clock may be anywhere */
function viewOf(session: Session, now: Millis) {
  const member = session.memberships.find(({ customer_id }) => customer_id === session.customer_id)!;
  return {
    ...timesOf(session),
    now: rfc3339(now),
    idle_seconds: IDLE_MS / 1_000,
    ends_at: rfc3339(session.created_at + LONGEST_MS),
    person: { person_id: member.person_id, name: session.name, email: session.email },
    role: member.role,
    permissions: matrix[member.role],
    customer_id: session.customer_id,
    customer_name: member.customer_name,
    limit_per_second: member.limit_per_second,
    customers: session.memberships.map(({ customer_id, customer_name, role }) => ({
      customer_id,
      name: customer_name,
      role,
    })),
  };
}
