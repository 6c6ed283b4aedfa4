import { recentErasures } from "../database/jobs.ts";
import type { Tx } from "../database/roles.ts";
import type { Definition } from "../database/schema.ts";
import { subscriptionsAt } from "../database/subscriptions.ts";
import { currentVersion } from "../database/versions.ts";
import { watchedOf } from "../database/watchers.ts";
import { fitting, jsonSize } from "../domain/answer.ts";
import { splitTenant, type Tenant } from "../domain/identity/identity.ts";
import { DEFAULT_RETENTION_DAYS } from "../domain/retention.ts";
import type { ServiceAnswers, ServiceRequest } from "../domain/service.ts";
import type { EventSelector, RoutedSubscription } from "../domain/subscription.ts";
import type { Millis } from "../domain/time.ts";
import type { Vault } from "../domain/webhook/vault.ts";

/**
 * What routing reads. Every page of one reading answers for the version of its first page, which its cursor carries:
 * definitions are never overwritten, so a reading is one consistent snapshot however long it takes.
 */
const ROWS = 5_000;

type Request<Op extends ServiceRequest["op"]> = Extract<ServiceRequest, { op: Op }>;

interface Position {
  readonly version: number;
  readonly after: string;
}

const positionAt = async (tx: Tx, tenant: Tenant, cursor: string | undefined): Promise<Position> =>
  cursor === undefined
    ? { version: await currentVersion(tx, tenant, "subscriptions"), after: "" }
    : (JSON.parse(cursor) as Position);

const routed = (row: { subscription_id: string; version: number; definition: Definition }): RoutedSubscription => ({
  subscription_id: row.subscription_id,
  version: row.version,
  event_selector: row.definition.event_selector as EventSelector,
});

const unmatched = ({ status, paused }: { status: string; paused: boolean }): boolean => status === "removed" || paused;

/** Bytes of a subscription as routing reads it. */
const routedSize = ({ definition }: { readonly definition: Definition }): number =>
  jsonSize(definition.event_selector) + 80;

async function retentionOf(tx: Tx, tenant: Tenant): Promise<number> {
  const row = await tx
    .selectFrom("customers")
    .select("retention_days")
    .where("customer_id", "=", splitTenant(tenant).customer_id)
    .executeTakeFirst();
  return row?.retention_days ?? DEFAULT_RETENTION_DAYS;
}

const erasuresOf = async (tx: Tx, tenant: Tenant, now: Millis, vault: Vault) =>
  (await recentErasures(tx, [tenant], now, vault)).get(tenant) ?? [];

/** What the first page tells of the tenant beside its subscriptions. */
async function firstPage(tx: Tx, tenant: Tenant, now: Millis, vault: Vault) {
  const watched = (await watchedOf(tx, [tenant], now)).length > 0;
  return { erasures: await erasuresOf(tx, tenant, now, vault), ...(watched ? { watched: true as const } : {}) };
}

/** One page of the tenant's routing snapshot. @param cursor of the page before */
export async function snapshotPage(
  tx: Tx,
  { tenant, cursor }: Request<"snapshot">,
  now: Millis,
  vault: Vault,
): Promise<ServiceAnswers["snapshot"]> {
  const { version, after } = await positionAt(tx, tenant, cursor);
  const found = await subscriptionsAt(tx, tenant, version, { after, limit: ROWS, which: "matched" });
  const rows = fitting(found, routedSize);
  const more = rows.length < found.length || found.length === ROWS;
  return {
    version,
    subscriptions: rows.map(routed),
    retention_days: await retentionOf(tx, tenant),
    ...(cursor === undefined ? await firstPage(tx, tenant, now, vault) : {}),
    next_cursor: more ? JSON.stringify({ version, after: rows.at(-1)!.subscription_id } satisfies Position) : null,
  };
}

/** One page of what changed in the tenant's snapshot after version `since`. */
export async function changesPage(
  tx: Tx,
  { tenant, since, cursor }: Request<"changes">,
  now: Millis,
  vault: Vault,
): Promise<ServiceAnswers["changes"]> {
  const { version, after } = await positionAt(tx, tenant, cursor);
  const found = await tx
    .selectFrom("subscription_versions")
    .select(["subscription_id", "version", "definition", "status", "paused"])
    .where("tenant", "=", tenant)
    .where("from_snapshot", ">", since)
    .where("from_snapshot", "<=", version)
    .where((eb) => eb.or([eb("to_snapshot", "is", null), eb("to_snapshot", ">", version)]))
    .where("subscription_id", ">", after)
    .orderBy("subscription_id")
    .limit(ROWS)
    .execute();
  const rows = fitting(found, routedSize);
  const more = rows.length < found.length || found.length === ROWS;
  return {
    version,
    changed: rows.filter((row) => !unmatched(row)).map(routed),
    removed: rows.filter(unmatched).map(({ subscription_id }) => subscription_id),
    retention_days: await retentionOf(tx, tenant),
    ...(cursor === undefined ? await firstPage(tx, tenant, now, vault) : {}),
    next_cursor: more ? JSON.stringify({ version, after: rows.at(-1)!.subscription_id } satisfies Position) : null,
  };
}
