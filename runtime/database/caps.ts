import { sql } from "kysely";
import { TriggersError } from "../domain/errors/errors.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { JobKind } from "../domain/job.ts";
import type { Tx } from "./roles.ts";

/** How many of a thing may be there at a time; docs/limits.md tells customers. */
export const CAPS = {
  /** Of a customer in an environment, disabled ones among them. */
  subscriptions: 100_000,
  /** Keys of a customer that work. */
  keys: 100,
  /** Older secrets of a key, or of a subscription, that are valid beside its newest. */
  olderSecrets: 20,
  /** Under way, of a customer in an environment. */
  jobs: { replay: 10, export: 3, erasure: 10 } satisfies Partial<Record<JobKind, number>>,
} as const;

const beyond = (what: string, cap: number): TriggersError =>
  new TriggersError(
    "limit_reached",
    `There can be at most ${cap.toLocaleString("en")} ${what}; remove some, or wait until one has ended.`,
  );

/**
 * Calls that add the same kind of thing take turns, each until its transaction ends. Two that counted at once would both find room for
 * the last one.
 */
export const countInTurn = (tx: Tx, whose: string, what: string) =>
  sql`select pg_advisory_xact_lock(hashtextextended(${`${whose} ${what}`}, 0))`.execute(tx);

/** @throws TriggersError `limit_reached` when `more` would be beyond the cap */
export function refuseBeyond(what: string, cap: number, count: number, more = 1): void {
  if (count + more > cap) throw beyond(what, cap);
}

/** @param count older secrets that a rotation would leave valid @throws TriggersError `limit_reached` */
export function refuseManyOlder(count: number): void {
  if (count <= CAPS.olderSecrets) return;
  throw new TriggersError(
    "limit_reached",
    `At most ${CAPS.olderSecrets} older secrets can be valid beside the new one: wait until one ends, or end all of them by \`overlap_seconds\` 0.`,
  );
}

/** @throws TriggersError `limit_reached` when the tenant has no room for so many more subscriptions */
export async function refuseManySubscriptions(tx: Tx, tenant: Tenant, more: number): Promise<void> {
  const { count } = await tx
    .selectFrom("subscriptions")
    .select(sql<number>`count(*)::int`.as("count"))
    .where("tenant", "=", tenant)
    .where("status", "<>", "removed")
    .executeTakeFirstOrThrow();
  refuseBeyond("subscriptions", CAPS.subscriptions, count, more);
}

/** @throws TriggersError `limit_reached` when as many jobs of the kind are under way as may be */
export async function refuseManyJobs(tx: Tx, tenant: Tenant, kind: keyof typeof CAPS.jobs): Promise<void> {
  await countInTurn(tx, tenant, kind);
  const { count } = await tx
    .selectFrom("jobs")
    .select(sql<number>`count(*)::int`.as("count"))
    .where("tenant", "=", tenant)
    .where("kind", "=", kind)
    .where("status", "in", ["pending", "running"])
    .executeTakeFirstOrThrow();
  refuseBeyond(`${kind}s under way`, CAPS.jobs[kind], count);
}
