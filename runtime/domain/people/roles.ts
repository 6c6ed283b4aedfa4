import { TriggersError } from "../errors/errors.ts";
import type { Scope } from "../identity/scope.ts";

/**
 * What people may do. One matrix: the API refuses by it, the console hides by it, `/docs/roles` prints it and tests walk it.
 *
 * Invariant: a call that no permission names is refused to every person, so a new route is closed until it is listed here.
 */

/** Roles of a person in a customer, and the one that the operator's own people have. */
export const customerRoles = ["owner", "developer", "operations", "business", "executive", "auditor"] as const;
export const roles = [...customerRoles, "operator"] as const;
export type Role = (typeof roles)[number];

/** What each permission lets a person do, in the words of the documentation. */
export const permissions = {
  figures: "See counts, rates, latencies, quota and health",
  events: "See events, deliveries and why something matched, without payloads",
  payloads: "See payloads, with what the customer masks masked",
  send: "Send events and try them before",
  handle: "Acknowledge and delete events, retry and replay deliveries",
  subscriptions: "See subscriptions, event types and reference tables",
  alerts: "See alerts, their rules and channels, and reports",
  watch: "Change alert rules, channels and reports, and send them",
  configure: "Change subscriptions, event types and reference tables",
  keys: "See API keys",
  issue_keys: "Make, rotate and revoke API keys",
  reveal: "See one masked thing for a minute, with a reason",
  viewers: "See who looked at an event's payload",
  audit: "Read the audit log",
  privacy: "See privacy requests, retention and masking",
  decide_privacy: "Ask for exports and erasures, set retention and masking",
  people: "Invite people, change their roles, remove them",
  customers: "Administer customers",
} as const;
export type Permission = keyof typeof permissions;

const all = (Object.keys(permissions) as Permission[]).filter((permission) => permission !== "customers");

/** The matrix. */
export const matrix: Readonly<Record<Role, readonly Permission[]>> = {
  owner: all,
  developer: [
    "figures",
    "events",
    "payloads",
    "send",
    "handle",
    "subscriptions",
    "configure",
    "alerts",
    "watch",
    "keys",
    "issue_keys",
    "reveal",
    "viewers",
  ],
  operations: [
    "figures",
    "events",
    "payloads",
    "handle",
    "subscriptions",
    "alerts",
    "watch",
    "keys",
    "reveal",
    "viewers",
  ],
  business: ["figures", "events", "subscriptions", "alerts", "watch"],
  executive: ["figures", "alerts"],
  auditor: ["figures", "events", "subscriptions", "alerts", "keys", "viewers", "audit", "privacy"],
  operator: ["customers", "people"],
};

/** What each call of the API needs. */
export const calls: Readonly<Record<string, Permission>> = {
  "GET /usage": "figures",
  "GET /metrics": "figures",
  "POST /metrics/query": "figures",
  "POST /live/tickets": "figures",
  "GET /health/details": "figures",
  "GET /inbox": "events",
  "GET /events/{id}": "events",
  "GET /events/{id}/journey": "events",
  "GET /events/{id}/verdicts": "events",
  "POST /events/lookup": "events",
  "GET /deliveries": "events",
  "GET /deliveries/{id}": "events",
  "GET /dead-letters": "events",
  "GET /problems": "events",
  "GET /replays": "events",
  "GET /replays/{id}": "events",
  "GET /subscriptions/{id}/backlog": "events",
  "POST /events": "send",
  "POST /events/dry-run": "send",
  "GET /sends": "send",
  "POST /inbox/ack": "handle",
  "POST /inbox/delete": "handle",
  "DELETE /inbox/{id}": "handle",
  "POST /deliveries/{id}/retry": "handle",
  "POST /dead-letters/replay": "handle",
  "POST /replays": "handle",
  "POST /replays/{id}/cancel": "handle",
  "POST /problems/{id}/acknowledge": "handle",
  "POST /problems/{id}/mute": "handle",
  "POST /problems/{id}/resolve": "handle",
  "POST /problems/{id}/retry": "handle",
  "POST /alerts/{id}/acknowledge": "handle",
  "POST /alerts/{id}/snooze": "handle",
  "GET /alerts": "alerts",
  "GET /alerts/{id}": "alerts",
  "GET /alert-rules": "alerts",
  "GET /alert-rules/{id}": "alerts",
  "POST /alert-rules/preview": "alerts",
  "GET /alert-channels": "alerts",
  "GET /alert-channels/{id}": "alerts",
  "GET /reports": "alerts",
  "POST /reports/preview": "alerts",
  "GET /reports/{id}": "alerts",
  "GET /reports/{id}/runs": "alerts",
  "POST /alert-rules": "watch",
  "PATCH /alert-rules/{id}": "watch",
  "DELETE /alert-rules/{id}": "watch",
  "POST /alert-channels": "watch",
  "PATCH /alert-channels/{id}": "watch",
  "POST /alert-channels/{id}/verify": "watch",
  "POST /alert-channels/{id}/test": "watch",
  "DELETE /alert-channels/{id}": "watch",
  "POST /reports": "watch",
  "PATCH /reports/{id}": "watch",
  "DELETE /reports/{id}": "watch",
  "POST /reports/{id}/run": "watch",
  "POST /subscriptions/{id}/backlog/ack": "handle",
  "GET /subscriptions": "subscriptions",
  "GET /subscriptions/{id}": "subscriptions",
  "POST /subscriptions/rehearse": "payloads",
  "GET /event-types": "subscriptions",
  "GET /event-types/{type}": "subscriptions",
  "GET /reference-tables": "subscriptions",
  "GET /reference-tables/{name}": "subscriptions",
  "POST /subscriptions": "configure",
  "POST /subscriptions/import": "configure",
  "PATCH /subscriptions/{id}": "configure",
  "DELETE /subscriptions/{id}": "configure",
  "POST /subscriptions/{id}/rotate-secret": "configure",
  "POST /subscriptions/{id}/test": "configure",
  "POST /subscriptions/{id}/enable": "configure",
  "PUT /event-types/{type}": "configure",
  "DELETE /event-types/{type}": "configure",
  "POST /event-types/rehearse": "configure",
  "PUT /reference-tables/{name}": "configure",
  "DELETE /reference-tables/{name}": "configure",
  "GET /keys": "keys",
  "GET /keys/{key_id}": "keys",
  "POST /keys": "issue_keys",
  "POST /keys/{key_id}/rotate": "issue_keys",
  "DELETE /keys/{key_id}": "issue_keys",
  "POST /reveal": "reveal",
  "GET /events/{id}/viewers": "viewers",
  "GET /audit": "audit",
  "GET /audit/access": "audit",
  "GET /privacy/requests": "privacy",
  "GET /privacy/requests/{id}": "privacy",
  "GET /retention": "privacy",
  "GET /masking": "privacy",
  "POST /privacy/exports": "decide_privacy",
  "POST /privacy/erasures": "decide_privacy",
  "PUT /retention": "decide_privacy",
  "PUT /masking": "decide_privacy",
  "GET /people": "people",
  "POST /people": "people",
  "PATCH /people/{person_id}": "people",
  "DELETE /people/{person_id}": "people",
  "GET /customers": "customers",
  "GET /customers/figures": "customers",
  "POST /customers": "customers",
  "GET /customers/{customer_id}": "customers",
  "PATCH /customers/{customer_id}": "customers",
  "DELETE /customers/{customer_id}": "customers",
  "POST /incidents": "customers",
  "PATCH /incidents/{incident_id}": "customers",
};

export const may = (role: Role, permission: Permission): boolean => matrix[role].includes(permission);

/** @param call the route as it is declared, `GET /events/{id}` @throws TriggersError `forbidden` naming the missing permission */
export function requirePermission(role: Role, call: string): void {
  const permission = Object.hasOwn(calls, call) ? calls[call] : undefined;
  if (permission !== undefined && may(role, permission)) return;
  const what = permission === undefined ? "This can't be done from the console" : permissions[permission];
  throw new TriggersError(
    "forbidden",
    permission === undefined ? `${what}.` : `The role ${role} may not do this; it takes the permission "${what}".`,
  );
}

/** A search through payloads tells of them. @throws TriggersError `forbidden` */
export function requirePayloads(role: Role): void {
  if (!may(role, "payloads"))
    throw new TriggersError("forbidden", `The role ${role} may not search payloads; leave out \`q\` and \`filter\`.`);
}

/** Most that an API key made by a person of this role may do. */
export const scopesOf: Readonly<Record<Role, readonly Scope[]>> = {
  owner: ["events:write", "events:read", "subscriptions", "keys", "privacy", "admin"],
  developer: ["events:write", "events:read", "subscriptions", "keys"],
  operations: ["events:read"],
  business: ["events:read"],
  executive: ["events:read"],
  auditor: ["events:read", "admin"],
  operator: ["admin"],
};
