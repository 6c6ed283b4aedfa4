import { createHash } from "node:crypto";
import { type Selectable, sql } from "kysely";
import { type Environment, type Tenant, tenantOf } from "../domain/identity/identity.ts";
import type { SubscriptionOf } from "../domain/subscription.ts";
import { DAY_MS, type Millis, rfc3339 } from "../domain/time.ts";
import { canonicalUrl } from "../domain/webhook/webhookUrl.ts";
import type { Tx } from "./roles.ts";
import type { Definition, SubscriptionStatus, SubscriptionTable } from "./schema.ts";
import { nextVersion } from "./versions.ts";

/**
 * Writing subscriptions. Invariant: every change takes the tenant's next snapshot version first, which locks the tenant;
 * ends the old version of the definition there and begins the new one. So the definitions in force at any snapshot
 * version can be read for ever, and no check made under the lock can be overtaken. Secrets and values of headers come
 * here sealed (sealing.ts), are kept with the subscription alone, not with its versions, and go when it is removed.
 */
export type SubscriptionRow = Selectable<SubscriptionTable>;

export interface NewSubscription {
  readonly subscription_id: string;
  readonly definition: Definition;
  readonly secret: string;
}

/** Two URLs that reach one endpoint are alike. */
export const urlHash = (url: string): string => createHash("sha256").update(canonicalUrl(url)).digest("hex");

const ROWS_PER_INSERT = 500;
const chunks = <T>(rows: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(rows.length / ROWS_PER_INSERT) }, (_, at) =>
    rows.slice(at * ROWS_PER_INSERT, (at + 1) * ROWS_PER_INSERT),
  );

/**
 * Active subscriptions of the tenant with these URLs, by URL hash.
 * @param except a subscription that doesn't count: the one being changed
 */
export async function activeByUrl(
  tx: Tx,
  tenant: Tenant,
  hashes: readonly string[],
  except = "",
): Promise<Map<string, string>> {
  const taken = new Map<string, string>();
  for (const some of chunks(hashes)) {
    const rows = await tx
      .selectFrom("subscriptions")
      .select(["subscription_id", "url_hash"])
      .where("tenant", "=", tenant)
      .where("status", "=", "active")
      .where("url_hash", "in", some)
      .where("subscription_id", "<>", except)
      .execute();
    for (const row of rows) taken.set(row.url_hash, row.subscription_id);
  }
  return taken;
}

/**
 * The headers in a definition's text, which `JSON.stringify` wrote: no other member of it is called so and holds an object. As a text,
 * since `jsonb` does not take every string that a selector may have.
 */
const STRING = String.raw`"(?:[^"\\]|\\.)*"`;
const HEADERS = `"headers":\\{${STRING}:${STRING}(?:,${STRING}:${STRING})*\\}`;

/** What a version keeps: routing sees no header. */
const versionOf = (definition: Definition): string => JSON.stringify({ ...definition, headers: {} });

/** Adds subscriptions under a snapshot version that the caller took by `nextVersion`. All are active. */
export async function insertSubscriptions(
  tx: Tx,
  owner: { readonly customer_id: string; readonly environment: Environment },
  added: readonly NewSubscription[],
  snapshot: number,
  now: Millis,
): Promise<void> {
  const at = rfc3339(now);
  const common = { tenant: tenantOf(owner), customer_id: owner.customer_id };
  for (const some of chunks(added)) {
    const rows = some.map(({ subscription_id, definition }) => ({
      ...common,
      subscription_id,
      version: 1,
      definition: JSON.stringify(definition),
      status: "active" as const,
      created_at: at,
    }));
    await tx
      .insertInto("subscriptions")
      .values(
        rows.map((row, i) => ({
          ...row,
          environment: owner.environment,
          url_hash: urlHash(some[i]!.definition.webhook_url),
          updated_at: at,
        })),
      )
      .execute();
    await tx
      .insertInto("subscription_versions")
      .values(rows.map((row, i) => ({ ...row, definition: versionOf(some[i]!.definition), from_snapshot: snapshot })))
      .execute();
    await tx
      .insertInto("signing_secrets")
      .values(
        some.map(({ subscription_id, secret }) => ({
          subscription_id,
          secret,
          customer_id: owner.customer_id,
          created_at: at,
        })),
      )
      .execute();
  }
}

/** Why a subscription is disabled whose selector takes too much work. */
export const TOO_COSTLY = "selector_too_costly";
/** Number of events that must have met it before the subscription is paused, and the shortest time they must spread over, in milliseconds: a short burst of odd events is not enough. */
const PAUSE_AFTER = { times: 10, ms: 60_000 } as const;
/** Milliseconds without such an event after which counting begins anew. */
const COSTLY_FORGOTTEN_MS = DAY_MS;

/**
 * Marks active subscriptions whose selectors took too much work.
 * @returns those that are marked for the first time, and those that it is time to pause, with when it began
 */
export async function markCostly(
  tx: Tx,
  tenant: Tenant,
  ids: readonly string[],
  now: Millis,
): Promise<{ first: string[]; due: { subscription_id: string; since: string }[] }> {
  if (ids.length === 0) return { first: [], due: [] };
  const at = rfc3339(now);
  const anew = sql<boolean>`costly_at is null or costly_at < ${rfc3339(now - COSTLY_FORGOTTEN_MS)}::timestamptz`;
  const rows = await tx
    .updateTable("subscriptions")
    .set({
      costly_since: sql`case when ${anew} then ${at}::timestamptz else costly_since end`,
      costly_times: sql`case when ${anew} then 1 else costly_times + 1 end`,
      costly_at: at,
    })
    .where("tenant", "=", tenant)
    .where("subscription_id", "in", ids)
    .where("status", "=", "active")
    .returning(["subscription_id", "costly_since", "costly_times"])
    .execute();
  const since = (row: (typeof rows)[number]) => row.costly_since?.getTime() ?? now;
  return {
    first: rows.filter(({ costly_times }) => costly_times === 1).map(({ subscription_id }) => subscription_id),
    due: rows
      .filter((row) => row.costly_times >= PAUSE_AFTER.times && now - since(row) >= PAUSE_AFTER.ms)
      .map((row) => ({ subscription_id: row.subscription_id, since: rfc3339(since(row)) })),
  };
}

export interface SubscriptionChange {
  readonly definition?: Definition;
  readonly status?: SubscriptionStatus;
  /** Why it is disabled or removed; null for an active one. */
  readonly reason?: string | null;
}

/** A change of the status alone. */
export type StatusChange = Required<Pick<SubscriptionChange, "status" | "reason">>;

/** Writes the next version of a subscription under a snapshot version taken by `nextVersion`. */
export async function changeSubscription(
  tx: Tx,
  current: SubscriptionRow,
  change: SubscriptionChange,
  snapshot: number,
  now: Millis,
): Promise<SubscriptionRow> {
  const reason = change.reason === undefined ? current.reason : change.reason;
  const wanted = change.definition ?? current.definition;
  const status = change.status ?? current.status;
  const definition = status === "removed" ? { ...wanted, headers: {} } : wanted;
  const changed = { version: current.version + 1, definition: JSON.stringify(definition), status };
  if (status === "removed")
    await tx.deleteFrom("signing_secrets").where("subscription_id", "=", current.subscription_id).execute();
  await tx
    .updateTable("subscription_versions")
    .set({ to_snapshot: snapshot })
    .where("subscription_id", "=", current.subscription_id)
    .where("to_snapshot", "is", null)
    .execute();
  await tx
    .insertInto("subscription_versions")
    .values({
      ...changed,
      definition: versionOf(definition),
      subscription_id: current.subscription_id,
      tenant: current.tenant,
      customer_id: current.customer_id,
      from_snapshot: snapshot,
      created_at: rfc3339(now),
      paused: changed.status === "disabled" && reason === TOO_COSTLY,
    })
    .execute();
  return tx
    .updateTable("subscriptions")
    .set({
      ...changed,
      reason,
      ...(change.definition === undefined && change.status !== "active"
        ? {}
        : { costly_since: null, costly_at: null, costly_times: 0 }),
      url_hash: urlHash(definition.webhook_url),
      ...(urlHash(definition.webhook_url) === current.url_hash ? {} : { signature_verified_at: null }),
      updated_at: rfc3339(now),
    })
    .where("subscription_id", "=", current.subscription_id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Keeps that a subscription's endpoint checks signatures, unless it has got another URL meanwhile. */
export async function keepSignatureVerified(
  tx: Tx,
  { subscription_id, url_hash }: Pick<SubscriptionRow, "subscription_id" | "url_hash">,
  now: Millis,
): Promise<void> {
  await tx
    .updateTable("subscriptions")
    .set({ signature_verified_at: rfc3339(now) })
    .where("subscription_id", "=", subscription_id)
    .where("url_hash", "=", url_hash)
    .execute();
}

/** The tenant's subscription, removed ones included. */
export const findSubscription = (tx: Tx, tenant: Tenant, id: string): Promise<SubscriptionRow | undefined> =>
  tx
    .selectFrom("subscriptions")
    .selectAll()
    .where("subscription_id", "=", id)
    .where("tenant", "=", tenant)
    .executeTakeFirst();

/**
 * Sets a subscription's status for the platform or a caller, unless it has that status already or is removed.
 * @param check throws to refuse the change of the row it is shown
 * @returns the row as changed, or undefined when nothing was to be done
 */
export async function setStatus(
  tx: Tx,
  { tenant, subscription_id: id }: SubscriptionOf,
  { status, reason }: StatusChange,
  now: Millis,
  check: (current: SubscriptionRow) => void = () => undefined,
): Promise<SubscriptionRow | undefined> {
  const seen = await findSubscription(tx, tenant, id);
  if (seen === undefined || seen.status === status || seen.status === "removed") return undefined;
  const snapshot = await nextVersion(tx, tenant, seen.customer_id, "subscriptions");
  // Read again under the tenant's lock: it may have changed since it was read without.
  const current = await findSubscription(tx, tenant, id);
  if (current === undefined || current.status === status || current.status === "removed") return undefined;
  check(current);
  return changeSubscription(tx, current, { status, reason }, snapshot, now);
}

export interface DefinitionAt {
  readonly subscription_id: string;
  readonly version: number;
  readonly definition: Definition;
  readonly status: SubscriptionStatus;
  /** Disabled because its selector takes too much work: routing did not match it. */
  readonly paused: boolean;
}

export interface DefinitionsPage {
  /** The last id of the page before, `""` for the first page. */
  readonly after: string;
  readonly limit: number;
  /** Those that routing matched then, or all that there were. */
  readonly which: "matched" | "all";
}

/** One page of the tenant's subscriptions, by id, as they stood at a snapshot version. */
export function subscriptionsAt(
  tx: Tx,
  tenant: Tenant,
  snapshot: number,
  { after, limit, which }: DefinitionsPage,
): Promise<DefinitionAt[]> {
  return tx
    .selectFrom("subscription_versions")
    .select(["subscription_id", "version", "definition", "status", "paused"])
    .where("tenant", "=", tenant)
    .where("from_snapshot", "<=", snapshot)
    .where((eb) => eb.or([eb("to_snapshot", "is", null), eb("to_snapshot", ">", snapshot)]))
    .where("status", "<>", "removed")
    .where("paused", "in", which === "all" ? [true, false] : [false])
    .where("subscription_id", ">", after)
    .orderBy("subscription_id")
    .limit(limit)
    .execute();
}

/** Removes all the tenant's subscriptions at once, each with its next version, under a snapshot version of the tenant. */
export async function removeAll(tx: Tx, tenant: Tenant, reason: string, snapshot: number, now: Millis): Promise<void> {
  const at = rfc3339(now);
  await sql`
    update subscription_versions set to_snapshot = ${snapshot}
    where tenant = ${tenant} and to_snapshot is null and status <> 'removed'`.execute(tx);
  await sql`
    update subscriptions set version = version + 1, status = 'removed', reason = ${reason}, updated_at = ${at},
      definition = regexp_replace(definition::text, ${HEADERS}, '"headers":{}')::json
    where tenant = ${tenant} and status <> 'removed'`.execute(tx);
  await sql`
    delete from signing_secrets s using subscriptions t
    where t.subscription_id = s.subscription_id and t.tenant = ${tenant}`.execute(tx);
  await sql`
    insert into subscription_versions
      (subscription_id, version, tenant, customer_id, from_snapshot, definition, status, created_at)
    select s.subscription_id, s.version, s.tenant, s.customer_id, ${snapshot}, s.definition, s.status, s.updated_at
    from subscriptions s
    where s.tenant = ${tenant} and s.status = 'removed' and not exists
      (select from subscription_versions v where v.subscription_id = s.subscription_id and v.version = s.version)`.execute(
    tx,
  );
}
