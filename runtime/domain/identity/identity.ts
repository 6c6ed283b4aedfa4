import { TriggersError, unauthorized } from "../errors/errors.ts";
import type { Person } from "../people/person.ts";
import type { Millis } from "../time.ts";
import type { Scope } from "./scope.ts";

/** Who calls, as the edge verified it. It travels to the origin in one header, which counts only under the edge's seal. */
export const IDENTITY_HEADER = "x-triggers-identity";
/** The edge's seal on identity and request: seal.ts. */
export const SEAL_HEADER = "x-triggers-seal";
/** The caller's `Authorization`, copied by the viewer function before CloudFront overwrites it. Ends at the edge. */
export const AUTHORIZATION_HEADER = "x-triggers-authorization";
/** The id of the request, given by the edge and answered as `x-request-id`. */
export const REQUEST_ID_HEADER = "x-triggers-request-id";
/** When the request came, as the viewer function saw it, milliseconds since the epoch. Ends at the edge, in the id. */
export const RECEIVED_HEADER = "x-triggers-received";
/** The path as the caller sent it: a Function URL may decode it on the way. */
export const PATH_HEADER = "x-triggers-path";
/** Under which name the caller reached the platform: links lead back there. */
export const HOST_HEADER = "x-triggers-host";
/** From which address: told to the console alone. */
export const SOURCE_HEADER = "x-triggers-source-ip";
/** What pages of the console say of a request: that one of them makes it, for which side, as which key, without payloads. */
export const CONSOLE_HEADERS = [
  "x-triggers-console",
  "x-triggers-environment",
  "x-triggers-key-id",
  "x-triggers-without-payloads",
] as const;
/** Why the edge took the body away; its value is an error code. */
export const BODY_FAULT_HEADER = "x-triggers-body-fault";
/** The caller's `Content-Type` where the edge had to change it, so that a Function URL leaves the bytes alone. */
export const CONTENT_TYPE_HEADER = "x-triggers-content-type";

export const environments = ["live", "sandbox"] as const;
export type Environment = (typeof environments)[number];

export { defaultScopes, type Scope, scopes } from "./scope.ts";

/** The customer id of the operator's own key: it administers customers and owns no events. */
export const OPERATOR = "cus_operator";

/** A key with a limit of its own, events per second. */
export interface KeyLimit {
  readonly key_id: string;
  readonly limit_per_second: number;
}

export interface Identity {
  readonly customer_id: string;
  readonly environment: Environment;
  readonly key_id: string;
  readonly key_name?: string;
  /** When the key got the text that was used, ms since the epoch. */
  readonly key_version?: Millis;
  readonly scopes: readonly Scope[];
  /** The customer's limit in events per second. */
  readonly limit_per_second: number;
  /** The key's own limit below the customer's, events per second. */
  readonly key_limit_per_second?: number;
  /** Limited keys that it descends from: what it sends counts against theirs as well. */
  readonly key_family?: readonly KeyLimit[];
  /** Of a key that web pages hold: the only origins that it works from. */
  readonly allowed_origins?: readonly string[];
  /** The caller's address as the edge saw it; for the audit log. */
  readonly source_ip?: string;
  /** Who acts, where it is a person in the console and no key: `key_id` then names the person. */
  readonly person?: Person;
}

/**
 * The unit of isolation: a customer's live or sandbox side. Every key of every store begins with it.
 * `cus_01H…` (live) or `cus_01H….sandbox`. Plain text is taken, since tenants come out of keys of items, queues and JSON; a `Ulid` is
 * not: the member is never there.
 */
export type Tenant = string & { readonly names?: "tenant" };

export const tenantOf = (identity: Pick<Identity, "customer_id" | "environment">): Tenant =>
  identity.environment === "sandbox" ? `${identity.customer_id}.sandbox` : identity.customer_id;

export function splitTenant(tenant: Tenant): { customer_id: string; environment: Environment } {
  return tenant.endsWith(".sandbox")
    ? { customer_id: tenant.slice(0, -".sandbox".length), environment: "sandbox" }
    : { customer_id: tenant, environment: "live" };
}

export const encodeIdentity = (identity: Identity): string =>
  Buffer.from(JSON.stringify(identity), "utf8").toString("base64url");

/** @throws TriggersError `unauthorized` when the header is absent or foreign: the request came past the edge */
export function decodeIdentity(header: string | undefined): Identity {
  if (header === undefined || header === "") throw unauthorized();
  let identity: Partial<Identity> | null;
  try {
    identity = JSON.parse(Buffer.from(header, "base64url").toString("utf8")) as Partial<Identity> | null;
  } catch {
    throw unauthorized();
  }
  const whole =
    typeof identity?.customer_id === "string" &&
    typeof identity.key_id === "string" &&
    environments.includes(identity.environment as Environment) &&
    Array.isArray(identity.scopes) &&
    typeof identity.limit_per_second === "number";
  if (!whole) throw unauthorized();
  return identity as Identity;
}

/** What is the whole customer's is not changed from its sandbox. @throws TriggersError `forbidden` */
export function requireLive({ environment }: Pick<Identity, "environment">): void {
  if (environment === "sandbox")
    throw new TriggersError("forbidden", "A sandbox key can't change what is live: use a live key.");
}

const PUBLIC = new Set(["/", "/health", "/status", "/openapi.json", "/docs"]);

/** What the console's function answers: it knows people by their session, and needs no key. */
export const isConsole = (path: string): boolean => /^\/console\/(?:api|sessions?)(?:\/|$)/.test(path);

/** Answered without a key. Browsers ask with `OPTIONS` what they may send, and send no key with that. */
export const isPublic = (method: string, path: string): boolean =>
  method === "OPTIONS" || PUBLIC.has(path) || path.startsWith("/docs/") || path.startsWith("/links/");

/** Answered without a key, and with more to a caller who sends one: it is looked at where there is one. */
export const tellsMoreWithKey = (path: string): boolean => path === "/status";

/** @throws TriggersError `forbidden` naming the scope. */
export function requireScope(identity: Identity, scope: Scope): void {
  if (!identity.scopes.includes(scope)) {
    throw new TriggersError("forbidden", `This key lacks the scope "${scope}".`);
  }
}
