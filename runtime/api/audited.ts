import type { Context } from "hono";
import { LRUCache } from "lru-cache";
import { audit, wasDone } from "../database/audit.ts";
import { asCustomer, type Tx } from "../database/roles.ts";
import type { Actor, AuditFact } from "../domain/auditChain.ts";
import { defined } from "../domain/defined.ts";
import { noSuch, type TriggersError } from "../domain/errors/errors.ts";
import { growing } from "../domain/growing.ts";
import { type Identity, OPERATOR } from "../domain/identity/identity.ts";
import type { ApiEnv, Deps } from "./deps.ts";

/**
 * Every management change goes through `change`: what it did and its entry in the audit log are one transaction. A change that was
 * understood and then refused has an entry as well; a malformed request has none.
 */
const TOLD_REFUSALS = new Set([403, 404, 409, 412, 422]);

const actorOf = ({ customer_id, key_id, key_name, person }: Identity): Actor =>
  person === undefined
    ? { type: customer_id === OPERATOR ? "operator" : "key", key_id, ...defined({ name: key_name }) }
    : { type: "person", person_id: person.person_id, name: person.name, role: person.role };

function factOf(
  c: Context<ApiEnv>,
  outcome: string,
  object: string | null,
  details: Readonly<Record<string, unknown>>,
): AuditFact {
  const identity = c.get("identity");
  const claim = c.get("claim");
  return {
    actor: actorOf(identity),
    action: c.get("action") ?? "unnamed",
    object,
    source_ip: identity.source_ip ?? null,
    outcome,
    details: { ...details, request_id: c.get("requestId"), ...defined({ claim }) },
  };
}

/** Says what a change did. Only a call of it writes an entry: a repeated DELETE, which changes nothing, leaves it out. */
export type Tell = (object: string, details?: Readonly<Record<string, unknown>>) => void;

/**
 * Runs a management change of the route's `action` in one transaction with its audit entry.
 * @param customerId whose change it is: the caller's own, or for the operator the customer administered
 */
export function change<T>(
  deps: Deps,
  c: Context<ApiEnv>,
  customerId: string,
  work: (tx: Tx, tell: Tell) => Promise<T>,
): Promise<T> {
  return asCustomer(deps.db, customerId, async (tx) => {
    const facts: AuditFact[] = [];
    const result = await work(tx, (object, details = {}) => facts.push(factOf(c, "ok", object, details)));
    for (const fact of facts) await audit(tx, customerId, fact, deps.now());
    return result;
  });
}

/**
 * For a DELETE that found nothing: whether the customer removed the object before, as only the log can tell.
 * @throws TriggersError `not_found` where it never had one
 */
export async function mustBeRemoved(tx: Tx, c: Context<ApiEnv>, what: string, id: string): Promise<void> {
  if (!(await wasDone(tx, c.get("identity").customer_id, c.get("action")!, id))) throw noSuch(what, id);
}

/** The same refusal of the same key is told once a minute, so that nobody fills the log by repeating it. */
const REPEATED_MS = 60_000;
const told = new LRUCache<string, true>(growing(10_000));

/** Tells of a refused change, in a transaction of its own. An outage here never hides the refusal itself. */
export async function auditRefusal(deps: Deps, c: Context<ApiEnv>, error: TriggersError): Promise<void> {
  if (c.get("action") === undefined || !TOLD_REFUSALS.has(error.status)) return;
  const { customer_id, key_id } = c.get("identity");
  const repeated = JSON.stringify([
    customer_id,
    key_id,
    c.get("action"),
    error.code,
    Math.floor(deps.now() / REPEATED_MS),
  ]);
  if (told.has(repeated)) return;
  told.set(repeated, true);
  const fact = factOf(c, error.code, Object.values(c.req.param())[0] ?? null, {});
  try {
    await asCustomer(deps.db, customer_id, (tx) => audit(tx, customer_id, fact, deps.now()));
  } catch (cause) {
    deps.log("error", "api.audit_failed", { request_id: c.get("requestId"), error: String(cause) });
  }
}
