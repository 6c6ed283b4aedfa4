import { defaultRules, type RuleDefinition } from "../domain/alerts/rule.ts";
import type { TenantRules } from "../domain/alerts/work.ts";
import { splitTenant, type Tenant } from "../domain/identity/identity.ts";
import { newId } from "../domain/ids.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";
import { refuseBeyond } from "./caps.ts";
import type { Tx } from "./roles.ts";
import { currentVersion, nextVersion } from "./versions.ts";

/**
 * Alert rules. Invariant: every change counts the tenant's version of its rules first, which locks it, so that who evaluates them
 * knows when to read them again; and the first version are the rules that every customer begins with.
 */

/** Rules of a tenant. */
const MAX_RULES = 100;

const insert = (tx: Tx, tenant: Tenant, rules: readonly RuleDefinition[], now: Millis) =>
  tx
    .insertInto("alert_rules")
    .values(
      rules.map((rule, place) => ({
        // In the order in which they are listed.
        rule_id: newId("rul", now + place),
        tenant,
        customer_id: splitTenant(tenant).customer_id,
        definition: JSON.stringify(rule),
        created_at: rfc3339(now),
        updated_at: rfc3339(now),
      })),
    )
    .returningAll()
    .execute();

/** Gives a tenant its first rules, unless it has or had some. */
export async function ensureRules(tx: Tx, tenant: Tenant, now: Millis): Promise<void> {
  if ((await currentVersion(tx, tenant, "alert_rules")) > 0) return;
  const version = await nextVersion(tx, tenant, splitTenant(tenant).customer_id, "alert_rules");
  if (version === 1) await insert(tx, tenant, defaultRules, now);
}

/** @returns the version that the tenant's rules have with the change that follows */
const changed = async (tx: Tx, tenant: Tenant, now: Millis): Promise<void> => {
  await ensureRules(tx, tenant, now);
  await nextVersion(tx, tenant, splitTenant(tenant).customer_id, "alert_rules");
};

/** @throws TriggersError `limit_reached` */
export async function insertRule(tx: Tx, tenant: Tenant, rule: RuleDefinition, now: Millis) {
  await changed(tx, tenant, now);
  const rows = await tx.selectFrom("alert_rules").select("rule_id").where("tenant", "=", tenant).execute();
  refuseBeyond("alert rules", MAX_RULES, rows.length);
  const [row] = await insert(tx, tenant, [rule], now);
  return row!;
}

/** @returns undefined where there is no such rule */
export async function changeRule(
  tx: Tx,
  tenant: Tenant,
  ruleId: string,
  change: (rule: RuleDefinition) => RuleDefinition,
  now: Millis,
) {
  await changed(tx, tenant, now);
  const before = await findRule(tx, tenant, ruleId);
  if (before === undefined) return undefined;
  return tx
    .updateTable("alert_rules")
    .set({ definition: JSON.stringify(change(before.definition)), updated_at: rfc3339(now) })
    .where("rule_id", "=", ruleId)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** @returns whether there was one */
export async function deleteRule(tx: Tx, tenant: Tenant, ruleId: string, now: Millis): Promise<boolean> {
  await changed(tx, tenant, now);
  const gone = await tx
    .deleteFrom("alert_rules")
    .where("tenant", "=", tenant)
    .where("rule_id", "=", ruleId)
    .returning("rule_id")
    .executeTakeFirst();
  return gone !== undefined;
}

export const findRule = (tx: Tx, tenant: Tenant, ruleId: string) =>
  tx
    .selectFrom("alert_rules")
    .selectAll()
    .where("tenant", "=", tenant)
    .where("rule_id", "=", ruleId)
    .executeTakeFirst();

/** The tenant's rules, the oldest first. @param after id of the last one given */
export const listRules = (tx: Tx, tenant: Tenant, after: string, limit: number) =>
  tx
    .selectFrom("alert_rules")
    .selectAll()
    .where("tenant", "=", tenant)
    .where("rule_id", ">", after)
    .orderBy("rule_id")
    .limit(limit)
    .execute();

/** Rules of tenants whose version has moved. A tenant that has none yet gets the first ones. */
export async function rulesOf(
  tx: Tx,
  known: readonly { readonly tenant: Tenant; readonly version: number }[],
  now: Millis,
): Promise<TenantRules[]> {
  if (known.length === 0) return [];
  const tenants = known.map(({ tenant }) => tenant);
  const versions = async () => {
    const rows = await tx
      .selectFrom("tenant_versions")
      .select(["tenant", "alert_rules"])
      .where("tenant", "in", tenants)
      .execute();
    return new Map(rows.map(({ tenant, alert_rules }) => [tenant, alert_rules]));
  };
  let current = await versions();
  const customers = await tx
    .selectFrom("customers")
    .select(["customer_id", "limit_per_second"])
    .where("status", "=", "active")
    .where("customer_id", "in", [...new Set(tenants.map((tenant) => splitTenant(tenant).customer_id))])
    .execute();
  const limits = new Map(customers.map(({ customer_id, limit_per_second }) => [customer_id, limit_per_second]));
  const fresh = tenants.filter((tenant) => !current.get(tenant) && limits.has(splitTenant(tenant).customer_id));
  for (const tenant of fresh) await ensureRules(tx, tenant, now);
  if (fresh.length > 0) current = await versions();
  const moved = known.filter(({ tenant, version }) => (current.get(tenant) ?? 0) !== version);
  const rows =
    moved.length === 0
      ? []
      : await tx
          .selectFrom("alert_rules")
          .select(["tenant", "rule_id", "definition"])
          .where(
            "tenant",
            "in",
            moved.map(({ tenant }) => tenant),
          )
          .orderBy("rule_id")
          .execute();
  const byTenant = Map.groupBy(rows, ({ tenant }) => tenant);
  return known.map(({ tenant, version }) => {
    const now = current.get(tenant) ?? 0;
    if (now === version) return { tenant, version };
    const rules = (byTenant.get(tenant) ?? []).map(({ rule_id, definition }) => ({ rule_id, ...definition }));
    const limit_per_second = limits.get(splitTenant(tenant).customer_id) ?? 0;
    return { tenant, version: now, rules, limit_per_second };
  });
}

const PAGE = 1_000;

/** Tenants with a rule that watches the API, a page of them. */
export async function tenantsWatchingApi(tx: Tx, after: string): Promise<{ tenants: Tenant[]; next: string | null }> {
  const rows = await tx
    .selectFrom("tenant_versions")
    .innerJoin("customers", "customers.customer_id", "tenant_versions.customer_id")
    .select("tenant_versions.tenant")
    .where("customers.status", "=", "active")
    .where("tenant_versions.alert_rules", ">", 0)
    .where("tenant_versions.tenant", ">", after)
    .orderBy("tenant_versions.tenant")
    .limit(PAGE)
    .execute();
  const tenants = rows.map(({ tenant }) => tenant);
  return { tenants, next: tenants.length < PAGE ? null : tenants.at(-1)! };
}
