import { randomBytes } from "node:crypto";
import type { Selectable } from "kysely";
import { defined, mapDefined } from "../domain/defined.ts";
import { splitTenant, type Tenant } from "../domain/identity/identity.ts";
import {
  ERASURE_KNOWN_MS,
  type Erasure,
  type Job,
  type JobKind,
  type JobStatus,
  tenantsErased,
} from "../domain/job.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";
import type { Vault } from "../domain/webhook/vault.ts";
import { CAPS, refuseManyJobs } from "./caps.ts";
import type { Tx } from "./roles.ts";
import type { JobTable } from "./schema.ts";
import { subjectKeyPlace } from "./sealing.ts";

const jobOf = (row: Selectable<JobTable>): Job => ({
  ...row,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
});

export interface NewJob {
  readonly job_id: string;
  readonly kind: JobKind;
  readonly tenant: Tenant;
  readonly customer_id: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly progress: Readonly<Record<string, number>>;
  /** Id of the key that asked. */
  readonly created_by: string;
}

/** Adds a pending job; the caller then names it on the jobs queue. @throws TriggersError `limit_reached` */
export async function insertJob(tx: Tx, job: NewJob, now: Millis): Promise<Job> {
  if (job.kind in CAPS.jobs) await refuseManyJobs(tx, job.tenant, job.kind as keyof typeof CAPS.jobs);
  const row = await tx
    .insertInto("jobs")
    .values({
      ...job,
      status: "pending",
      request: JSON.stringify(job.request),
      cursor: "null",
      progress: JSON.stringify(job.progress),
      result: "null",
      created_at: rfc3339(now),
      updated_at: rfc3339(now),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return jobOf(row);
}

/** A job by its id. @param tenant when given, only that tenant's */
export async function findJob(tx: Tx, jobId: string, tenant?: Tenant): Promise<Job | undefined> {
  const row = await tx
    .selectFrom("jobs")
    .selectAll()
    .where("job_id", "=", jobId)
    .$if(tenant !== undefined, (query) => query.where("tenant", "=", tenant!))
    .executeTakeFirst();
  return row === undefined ? undefined : jobOf(row);
}

export interface JobChange {
  readonly status?: JobStatus;
  readonly cursor?: unknown;
  readonly progress?: Readonly<Record<string, number>>;
  readonly result?: Readonly<Record<string, unknown>>;
}

/** Saves a job that is not over yet. @returns the job as saved, or undefined when it is over or unknown */
export async function saveJob(tx: Tx, jobId: string, change: JobChange, now: Millis): Promise<Job | undefined> {
  const row = await tx
    .updateTable("jobs")
    .set({
      ...defined({
        status: change.status,
        cursor: mapDefined(change.cursor, (cursor) => JSON.stringify(cursor)),
        progress: mapDefined(change.progress, (progress) => JSON.stringify(progress)),
        result: mapDefined(change.result, (result) => JSON.stringify(result)),
      }),
      updated_at: rfc3339(now),
    })
    .where("job_id", "=", jobId)
    .where("status", "in", ["pending", "running"])
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : jobOf(row);
}

/** Tells how far a job had come that was cancelled while it ran; changes no other. */
export async function tellCancelled(
  tx: Tx,
  jobId: string,
  progress: Readonly<Record<string, number>>,
  now: Millis,
): Promise<void> {
  await tx
    .updateTable("jobs")
    .set({ progress: JSON.stringify(progress), updated_at: rfc3339(now) })
    .where("job_id", "=", jobId)
    .where("status", "=", "cancelled")
    .execute();
}

/** A tenant's jobs of these kinds, newest first. @param after id of the last one given */
export async function listJobs(
  tx: Tx,
  tenant: Tenant,
  kinds: readonly JobKind[],
  after: string | undefined,
  limit: number,
): Promise<Job[]> {
  const rows = await tx
    .selectFrom("jobs")
    .selectAll()
    .where("tenant", "=", tenant)
    .where("kind", "in", kinds)
    .$if(after !== undefined, (query) => query.where("job_id", "<", after!))
    .orderBy("job_id", "desc")
    .limit(limit)
    .execute();
  return rows.map(jobOf);
}

/** Jobs under way that copy events: exports, and replays that may still put archived events back into the table. */
export async function copyingJobs(
  tx: Tx,
  tenants: readonly Tenant[],
): Promise<{ readonly job_id: string; readonly updated_at: string }[]> {
  const rows = await tx
    .selectFrom("jobs")
    .select(["job_id", "kind", "cursor", "updated_at"])
    .where("tenant", "in", tenants)
    .where("kind", "in", ["export", "replay"])
    .where("status", "in", ["pending", "running"])
    .execute();
  return rows
    .filter(({ kind, cursor }) => kind === "export" || (cursor as { phase?: string } | null)?.phase !== "table")
    .map(({ job_id, updated_at }) => ({ job_id, updated_at: updated_at.toISOString() }));
}

const SUBJECT_KEY_BYTES = 32;

/** The key under which the customer's erased persons are remembered, made where there is none; the row stays locked. */
export async function subjectKey(tx: Tx, customerId: string, vault: Vault): Promise<string> {
  const row = await tx
    .selectFrom("customers")
    .select("subject_key")
    .where("customer_id", "=", customerId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  if (row.subject_key !== null) return vault.open(row.subject_key, subjectKeyPlace(customerId));
  const key = randomBytes(SUBJECT_KEY_BYTES).toString("base64");
  await tx
    .updateTable("customers")
    .set({ subject_key: vault.seal(key, subjectKeyPlace(customerId)) })
    .where("customer_id", "=", customerId)
    .execute();
  return key;
}

/** After an erasure of everything the remembered values can no longer identify a person. A sandbox's erasure is not of everything. */
export async function dropSubjectKey(tx: Tx, { kind, tenant, customer_id, request }: Job): Promise<void> {
  if (kind !== "erasure" || tenant !== customer_id || !("all" in request)) return;
  await tx.updateTable("customers").set({ subject_key: null }).where("customer_id", "=", customer_id).execute();
}

/**
 * Erasures of each of these tenants that a message may still have waited through.
 * @param vault opens the customers' keys; left out where only the times matter
 */
export async function recentErasures(
  tx: Tx,
  tenants: readonly Tenant[],
  now: Millis,
  vault?: Vault,
): Promise<ReadonlyMap<Tenant, readonly Erasure[]>> {
  const askers = [...new Set(tenants.flatMap((tenant) => [tenant, splitTenant(tenant).customer_id]))];
  if (askers.length === 0) return new Map();
  const rows = await tx
    .selectFrom("jobs")
    .innerJoin("customers", "customers.customer_id", "jobs.customer_id")
    .select(["jobs.tenant", "jobs.request", "jobs.created_at", "jobs.customer_id", "customers.subject_key"])
    .where("jobs.tenant", "in", askers)
    .where("jobs.kind", "=", "erasure")
    .where("jobs.status", "in", ["pending", "running", "succeeded"])
    .where("jobs.created_at", ">", new Date(now - ERASURE_KNOWN_MS))
    .orderBy("job_id")
    .execute();
  const erasuresOf = (tenant: Tenant) =>
    rows
      .filter((row) => tenantsErased(row.tenant).includes(tenant))
      .map(({ request, created_at, customer_id, subject_key }): Erasure => {
        const { subject } = request as Pick<Erasure, "subject">;
        const keyed = vault !== undefined && subject?.equals_hmac !== undefined && subject_key !== null;
        const key = keyed ? { key: vault.open(subject_key, subjectKeyPlace(customer_id)) } : {};
        return {
          until: created_at.getTime(),
          ...defined({ subject: mapDefined(subject, (subject) => ({ ...subject, ...key })) }),
        };
      });
  return new Map(tenants.map((tenant) => [tenant, erasuresOf(tenant)]));
}
