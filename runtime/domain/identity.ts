import { TriggersError } from "./errors.ts";

/** Who calls, as the edge verified it. It travels to the origin in one header that only the edge can set. */
export const IDENTITY_HEADER = "x-triggers-identity";

export const environments = ["live", "sandbox"] as const;
export type Environment = (typeof environments)[number];

export const scopes = ["events:write", "events:read", "subscriptions", "keys", "privacy", "admin"] as const;
export type Scope = (typeof scopes)[number];
/** What a new key may do unless its maker says otherwise. */
export const defaultScopes: readonly Scope[] = ["events:write", "events:read", "subscriptions"];

/** The customer id of the operator's own key: it administers customers and owns no events. */
export const OPERATOR = "cus_operator";

export interface Identity {
  readonly customer_id: string;
  readonly environment: Environment;
  readonly key_id: string;
  readonly key_name?: string;
  readonly scopes: readonly Scope[];
  /** The customer's limit in events per second. */
  readonly limit_per_second: number;
  /** The key's own limit below the customer's, events per second. */
  readonly key_limit_per_second?: number;
  /** The caller's address as the edge saw it; for the audit log. */
  readonly source_ip?: string;
}

/**
 * The unit of isolation: a customer's live or sandbox side. Every key of every store begins with it.
 * `cus_01H…` (live) or `cus_01H….sandbox`.
 */
export type Tenant = string;

export const tenantOf = (identity: Pick<Identity, "customer_id" | "environment">): Tenant =>
  identity.environment === "sandbox" ? `${identity.customer_id}.sandbox` : identity.customer_id;

export function splitTenant(tenant: Tenant): { customer_id: string; environment: Environment } {
  return tenant.endsWith(".sandbox")
    ? { customer_id: tenant.slice(0, -".sandbox".length), environment: "sandbox" }
    : { customer_id: tenant, environment: "live" };
}

export const encodeIdentity = (identity: Identity): string =>
  Buffer.from(JSON.stringify(identity), "utf8").toString("base64url");

/** @throws TriggersError `unauthorized` when the header is absent: the request did not come through the edge. */
export function decodeIdentity(header: string | undefined): Identity {
  if (header === undefined || header === "")
    throw new TriggersError("unauthorized", "The API key is missing or not valid.");
  return JSON.parse(Buffer.from(header, "base64url").toString("utf8")) as Identity;
}

/** @throws TriggersError `forbidden` naming the scope. */
export function requireScope(identity: Identity, scope: Scope): void {
  if (!identity.scopes.includes(scope)) {
    throw new TriggersError("forbidden", `This key lacks the scope "${scope}".`);
  }
}
