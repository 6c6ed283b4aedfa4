import { type Kysely, sql } from "kysely";
import { errorText, log } from "../aws/log.ts";
import { rulesOf, tenantsWatchingApi } from "../database/alertRules.ts";
import { dueMessages, forgetAlerts, saveAlerts, settleMessages, standingAlerts } from "../database/alerts.ts";
import { audit, auditHead, auditOnce, findAudit } from "../database/audit.ts";
import { copyingJobs, dropSubjectKey, findJob, recentErasures, saveJob, tellCancelled } from "../database/jobs.ts";
import { acceptInvitations, membershipsOf, roleOf } from "../database/people.ts";
import { endRun, forgetRuns, noteMailed, takeRun } from "../database/reports.ts";
import { asService, type Tx } from "../database/roles.ts";
import type { Database } from "../database/schema.ts";
import { openDefinition, secretPlace } from "../database/sealing.ts";
import { markCostly, setStatus, TOO_COSTLY } from "../database/subscriptions.ts";
import { unwatch, watch, watchedOf } from "../database/watchers.ts";
import { fitting, jsonSize, PAGE_BYTES } from "../domain/answer.ts";
import { defined } from "../domain/defined.ts";
import { splitTenant, type Tenant } from "../domain/identity/identity.ts";
import { DEFAULT_RETENTION_DAYS } from "../domain/retention.ts";
import type { ServiceAnswers, ServiceRequest, TenantSchemas } from "../domain/service.ts";
import type { DeliveryTarget, Enrich, EventSelector, SubscriptionOf, Transform } from "../domain/subscription.ts";

import { HOUR_MS, type Millis, rfc3339 } from "../domain/time.ts";

import type { Vault } from "../domain/webhook/vault.ts";
import { changesPage, snapshotPage } from "./pages.ts";

type Op = ServiceRequest["op"];
type Request<O extends Op> = Extract<ServiceRequest, { op: O }>;

const CUSTOMERS_PAGE = 200;
const VIEWS_PAGE = 5_000;

/** The service protocol of runtime/domain/service.ts: one function an operation. */
const operations: {
  readonly [O in Op]: (tx: Tx, request: Request<O>, now: Millis, vault: Vault) => Promise<ServiceAnswers[O]>;
} = {
  versions: async (tx, { tenants }, now) => {
    const rows =
      tenants.length === 0
        ? []
        : await tx
            .selectFrom("tenant_versions")
            .select(["tenant", "subscriptions"])
            .where("tenant", "in", tenants)
            .execute();
    const found = new Map(rows.map((row) => [row.tenant, row.subscriptions]));
    const watched = await watchedOf(tx, tenants, now);
    return {
      versions: Object.fromEntries(tenants.map((tenant) => [tenant, found.get(tenant) ?? 0])),
      ...(watched.length === 0 ? {} : { watched }),
    };
  },

  snapshot: snapshotPage,

  changes: changesPage,

  targets: async (tx, { wanted }, now, vault) => {
    const { found, unreadable } = await targetsOf(tx, wanted, now, vault);
    const targets = fitting(found, jsonSize);
    const unsaid = found.slice(targets.length).map(({ tenant, subscription_id }) => ({ tenant, subscription_id }));
    return {
      targets,
      ...(unsaid.length === 0 ? {} : { unsaid }),
      ...(unreadable.length === 0 ? {} : { unreadable }),
    };
  },

  remove: (tx, { reason, ...id }, now) => setStatusAudited(tx, id, { status: "removed", reason }, now),

  disable: (tx, { reason, ...id }, now) => setStatusAudited(tx, id, { status: "disabled", reason }, now),

  costly: async (tx, { tenant, subscription_ids }, now) => {
    const { first, due } = await markCostly(tx, tenant, subscription_ids, now);
    const paused = [];
    for (const one of due) {
      const id = { tenant, subscription_id: one.subscription_id };
      const { done } = await setStatusAudited(tx, id, { status: "disabled", reason: TOO_COSTLY }, now);
      if (done) paused.push(one);
    }
    return { marked: first, paused };
  },

  schemas: async (tx, { known }) => ({ tenants: await schemasOf(tx, known) }),

  reference: async (tx, { tenant, table, keys, number_keys = [] }) => {
    const current = await tx
      .selectFrom("reference_tables")
      .select("version")
      .where("tenant", "=", tenant)
      .where("name", "=", table)
      .where("is_current", "=", true)
      .executeTakeFirst();
    if (current === undefined || keys.length + number_keys.length === 0)
      return { version: current?.version ?? 0, rows: [] };
    const rows = await tx
      .selectFrom("reference_rows")
      .select(["key", sql<string>`row::text`.as("text")])
      .where("tenant", "=", tenant)
      .where("name", "=", table)
      .where((eb) =>
        eb.or([eb("key", "=", sql<string>`any(${keys})`), eb("number_key", "=", sql<string>`any(${number_keys})`)]),
      )
      .orderBy(sql`key collate "C"`)
      .execute();
    return { version: current.version, rows: rows.map(({ key, text }) => [key, text] as const) };
  },

  retention: async (tx, { tenants }) => {
    const customers = [...new Set(tenants.map((tenant) => splitTenant(tenant).customer_id))];
    const rows =
      customers.length === 0
        ? []
        : await tx
            .selectFrom("customers")
            .select(["customer_id", "retention_days"])
            .where("customer_id", "in", customers)
            .execute();
    const days = new Map(rows.map((row) => [row.customer_id, row.retention_days]));
    return {
      days: Object.fromEntries(
        tenants.map((tenant) => [tenant, days.get(splitTenant(tenant).customer_id) ?? DEFAULT_RETENTION_DAYS]),
      ),
    };
  },

  memberships: async (tx, { issuer, subject, email, name }, now) => {
    if (email !== undefined) await acceptInvitations(tx, { issuer, subject, email, name }, now);
    return { memberships: await membershipsOf(tx, issuer, subject) };
  },

  role: async (tx, { customer_id, person_id }) => ({ role: await roleOf(tx, customer_id, person_id) }),

  forget_views: async (tx, _request, now) => {
    const { numDeletedRows } = await tx
      .deleteFrom("event_views")
      .using("customers")
      .whereRef("customers.customer_id", "=", "event_views.customer_id")
      .where(
        "event_views.at",
        "<",
        sql<Date>`${rfc3339(now)}::timestamptz - make_interval(days => customers.retention_days)`,
      )
      .executeTakeFirstOrThrow();
    return { forgotten: Number(numDeletedRows) };
  },

  views: async (tx, { customer_id, hour, cursor = "" }) => {
    const rows = await tx
      .selectFrom("event_views")
      .selectAll()
      .where("customer_id", "=", customer_id)
      .where("at", ">=", new Date(hour))
      .where("at", "<", new Date(Date.parse(hour) + HOUR_MS))
      .where("view_id", ">", cursor)
      .orderBy("view_id")
      .limit(VIEWS_PAGE)
      .execute();
    return {
      views: rows.map(({ event_id, at, person_id, name, role, how, reason, tenant }) => ({
        event_id,
        at: at.toISOString(),
        person_id,
        environment: splitTenant(tenant).environment,
        name,
        role,
        how,
        reason,
      })),
      next_cursor: rows.length < VIEWS_PAGE ? null : rows.at(-1)!.view_id,
    };
  },

  customers: async (tx, { cursor = "", deleted = false }) => {
    const rows = await tx
      .selectFrom("customers")
      .select(["customer_id", "metrics_days"])
      .where("status", "in", deleted ? ["active", "deleted"] : ["active"])
      .where("customer_id", ">", cursor)
      .orderBy("customer_id")
      .limit(CUSTOMERS_PAGE)
      .execute();
    const customer_ids = rows.map((row) => row.customer_id);
    const kept = rows.flatMap((row) =>
      row.metrics_days === null ? [] : [[row.customer_id, row.metrics_days] as const],
    );
    return {
      customer_ids,
      next_cursor: rows.length < CUSTOMERS_PAGE ? null : customer_ids.at(-1)!,
      ...(kept.length === 0 ? {} : { metrics_days: Object.fromEntries(kept) }),
    };
  },

  job: async (tx, { job_id }) => ({ job: (await findJob(tx, job_id)) ?? null }),

  job_save: async (tx, { job_id, status, cursor, progress, result }, now) => {
    const change = {
      ...defined({ status, cursor, progress, result }),
    };
    const saved = await saveJob(tx, job_id, change, now);
    // Cancelled between two saves: what it did by then counts all the same.
    if (saved === undefined && progress !== undefined) await tellCancelled(tx, job_id, progress, now);
    if (saved?.status === "succeeded") await dropSubjectKey(tx, saved);
    const standing = saved ?? (await findJob(tx, job_id));
    return { saved: saved !== undefined, status: standing?.status ?? null };
  },

  copying: async (tx, { tenants }) => ({ jobs: await copyingJobs(tx, tenants) }),

  audit_head: async (tx, { customer_id, action, object }) => {
    const head = await auditHead(tx, customer_id);
    return { seq: head.seq, hash: head.hash, told: (await findAudit(tx, customer_id, action, object)) !== undefined };
  },

  audit: async (tx, { customer_id, actor, action, object, outcome, details, once }, now) => {
    const fact = {
      actor: { type: "platform", name: actor } as const,
      action,
      object,
      source_ip: null,
      outcome,
      details,
    };
    const write = once === true ? auditOnce : audit;
    const { seq, hash } = await write(tx, customer_id, fact, now);
    return { seq, hash };
  },

  alert_rules: async (tx, { known }, now) => ({ tenants: await rulesOf(tx, known, now) }),

  alert_tenants: (tx, { after }) => tenantsWatchingApi(tx, after),

  alert_standing: (tx, { after }) => standingAlerts(tx, after),

  alert_save: async (tx, { tenant, changes }, now) => {
    const told = await saveAlerts(tx, tenant, changes, now);
    const watched = told.length > 0 && (await watchedOf(tx, [tenant], now)).length > 0;
    return watched ? { told } : {};
  },

  watch: async (tx, { tenant, until }, now) => {
    await watch(tx, tenant, until, now);
    return {};
  },

  unwatch: async (tx, { tenant, as_of }) => {
    await unwatch(tx, tenant, as_of);
    return {};
  },

  alert_due: async (tx, { limit }, now, vault) => ({ messages: await dueMessages(tx, limit, now, vault) }),

  alert_sent: async (tx, { sent }, now) => {
    await settleMessages(tx, sent, now);
    return {};
  },

  alert_forget: async (tx, _request, now) => ({ alerts: await forgetAlerts(tx, now), runs: await forgetRuns(tx, now) }),

  workflows: async (tx, { tenant }) => {
    const rows = await tx
      .selectFrom("subscriptions")
      .select(["subscription_id", sql<string | null>`definition->>'workflow_id'`.as("workflow_id")])
      .where("tenant", "=", tenant)
      .execute();
    return { workflows: rows.map(({ subscription_id, workflow_id }) => [subscription_id, workflow_id] as const) };
  },

  report_take: async (tx, { run_id }, now) => ({ run: await takeRun(tx, run_id, now) }),

  report_mailed: async (tx, { run_id, address }, now) => {
    await noteMailed(tx, run_id, address, now);
    return {};
  },

  report_done: async (tx, { run_id, status, result }, now) => {
    await endRun(tx, run_id, status, result, now);
    return {};
  },
};

/** Carries out the platform's own decision about a subscription, and records it in the customer's audit log. */
async function setStatusAudited(
  tx: Tx,
  id: SubscriptionOf,
  { status, reason }: { readonly status: "removed" | "disabled"; readonly reason: string },
  now: Millis,
): Promise<{ done: boolean }> {
  const changed = await setStatus(tx, id, { status, reason }, now);
  if (changed === undefined) return { done: false };
  await audit(
    tx,
    changed.customer_id,
    {
      actor: { type: "platform", name: reason === TOO_COSTLY ? "route" : "deliver" },
      action: status === "removed" ? "subscription.remove" : "subscription.disable",
      object: id.subscription_id,
      source_ip: null,
      outcome: "ok",
      details: { reason },
    },
    now,
  );
  return { done: true };
}

/** Versions, and the schemas of those tenants whose version has moved, as far as they fit an answer. */
async function schemasOf(tx: Tx, known: Request<"schemas">["known"]): Promise<TenantSchemas[]> {
  if (known.length === 0) return [];
  const tenants = known.map(({ tenant }) => tenant);
  const versions = await tx
    .selectFrom("tenant_versions")
    .select(["tenant", "schemas"])
    .where("tenant", "in", tenants)
    .execute();
  const current = new Map(versions.map((row) => [row.tenant, row.schemas]));
  const versionOf = (tenant: Tenant) => current.get(tenant) ?? 0;
  const moved = known.filter(({ tenant, version }) => versionOf(tenant) !== version).map(({ tenant }) => tenant);
  const rows =
    moved.length === 0
      ? []
      : await tx
          .selectFrom("event_schemas")
          .select(["tenant", "event_type", "version", sql<string>`schema::text`.as("schema_text")])
          .where("tenant", "in", moved)
          .where("is_current", "=", true)
          .orderBy("event_type")
          .execute();
  const byTenant = Map.groupBy(rows, ({ tenant }) => tenant);
  const movedSet = new Set(moved);
  let room = PAGE_BYTES;
  return tenants.flatMap((tenant): TenantSchemas[] => {
    const version = versionOf(tenant);
    if (!movedSet.has(tenant)) return [{ tenant, version }];
    const schemas = (byTenant.get(tenant) ?? []).map(({ tenant: _, ...schema }) => schema);
    const bytes = jsonSize(schemas);
    // The first is always answered: leaving it out would leave it out for ever.
    if (bytes > room && room < PAGE_BYTES) return [];
    room -= bytes;
    return [{ tenant, version, schemas }];
  });
}

/**
 * Definitions with the secrets that still sign, newest first. Removed subscriptions are included, as removed; those that can't be opened
 * are named apart, so that they keep nobody else's from being delivered.
 */
async function targetsOf(
  tx: Tx,
  wanted: readonly SubscriptionOf[],
  now: Millis,
  vault: Vault,
): Promise<{ readonly found: readonly DeliveryTarget[]; readonly unreadable: readonly SubscriptionOf[] }> {
  if (wanted.length === 0) return { found: [], unreadable: [] };
  const rows = await tx
    .selectFrom("subscriptions")
    .selectAll()
    .where(({ eb, refTuple, tuple }) =>
      eb(
        refTuple("tenant", "subscription_id"),
        "in",
        wanted.map((each) => tuple(each.tenant, each.subscription_id)),
      ),
    )
    .execute();
  if (rows.length === 0) return { found: [], unreadable: [] };
  const ids = rows.map(({ subscription_id }) => subscription_id);
  const secrets = await tx
    .selectFrom("signing_secrets")
    .selectAll()
    .where("subscription_id", "in", ids)
    .where((eb) => eb.or([eb("expires_at", "is", null), eb("expires_at", ">", new Date(now))]))
    .orderBy("created_at", "desc")
    .execute();
  const bySubscription = Map.groupBy(secrets, ({ subscription_id }) => subscription_id);
  const erasures = await recentErasures(tx, [...new Set(rows.map(({ tenant }) => tenant))], now);
  const watched = new Set(await watchedOf(tx, [...new Set(rows.map(({ tenant }) => tenant))], now));
  const erased = (tenant: Tenant) => erasures.get(tenant)?.reduce((last, { until }) => Math.max(last, until), 0) ?? 0;
  const targetOf = ({ definition, ...row }: (typeof rows)[number]): DeliveryTarget => ({
    subscription_id: row.subscription_id,
    version: row.version,
    tenant: row.tenant,
    environment: row.environment,
    event_selector: definition.event_selector as EventSelector,
    webhook_url: definition.webhook_url,
    format: definition.format,
    max_batch: definition.max_batch,
    headers: openDefinition(vault, row, definition).headers,
    ...(definition.transform === null ? {} : { transform: definition.transform as Transform }),
    ...(definition.enrich === null ? {} : { enrich: definition.enrich as Enrich }),
    status: row.status,
    ...(watched.has(row.tenant) ? { watched: true as const } : {}),
    ...(erased(row.tenant) === 0 ? {} : { erased_until: erased(row.tenant) }),
    ...(row.status === "disabled" && row.reason !== null ? { disabled_reason: row.reason } : {}),
    secrets: (bySubscription.get(row.subscription_id) ?? []).map(({ secret, expires_at }) => ({
      secret: vault.open(secret, secretPlace(row.customer_id, row.subscription_id)),
      ...(expires_at === null ? {} : { expires_at: expires_at.toISOString() }),
    })),
  });
  const unreadable: SubscriptionOf[] = [];
  const found = rows.flatMap((row) => {
    try {
      return [targetOf(row)];
    } catch (error) {
      const { tenant, subscription_id } = row;
      log("error", "subscriptions.unreadable", { tenant, subscription_id, error: errorText(error) });
      unreadable.push({ tenant, subscription_id });
      return [];
    }
  });
  return { found, unreadable };
}

/** Answers one request. @param vault opens what is sealed @throws Error naming an operation it doesn't know */
export function serve<O extends Op>(
  db: Kysely<Database>,
  request: Request<O>,
  now: Millis,
  vault: Vault,
): Promise<ServiceAnswers[O]> {
  const operation = (Object.hasOwn(operations, request.op) ? operations[request.op] : undefined) as
    | ((tx: Tx, r: Request<O>, n: number, v: Vault) => Promise<ServiceAnswers[O]>)
    | undefined;
  if (operation === undefined) throw new Error(`unknown operation "${String(request.op)}"`);
  return asService(db, (tx) => operation(tx, request, now, vault));
}
