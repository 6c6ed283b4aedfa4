import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { insertJob } from "../database/jobs.ts";
import type { Tx } from "../database/roles.ts";
import { invalidBody } from "../domain/errors/errors.ts";
import { type Identity, type Tenant, tenantOf } from "../domain/identity/identity.ts";
import { newId } from "../domain/ids.ts";
import { encodeJobsMessage, type ReplayRequest } from "../domain/job.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";
import type { Deps } from "./deps.ts";

/** @throws TriggersError `invalid_request` for a time still to come */
export function checkBackfill(from: string | undefined, now: Millis): void {
  if (from === undefined || Date.parse(from) <= now) return;
  throw invalidBody({ path: "/backfill_from", message: "must not be in the future" });
}

/** A replay of what this subscription matches since `from`, in the caller's transaction. @returns its id */
export async function insertBackfill(
  deps: Deps,
  tx: Tx,
  identity: Identity,
  subscriptionId: string,
  from: string,
): Promise<string> {
  const now = deps.now();
  const request: ReplayRequest = {
    from: new Date(from).toISOString(),
    to: rfc3339(now),
    subscription_ids: [subscriptionId],
  };
  const job = await insertJob(
    tx,
    {
      job_id: newId("rpl", now),
      kind: "replay",
      tenant: tenantOf(identity),
      customer_id: identity.customer_id,
      request: { ...request },
      progress: { matched: 0, sent: 0 },
      created_by: identity.key_id,
    },
    now,
  );
  await startJob(deps, job.tenant, job.job_id);
  return job.job_id;
}

/** Long enough for the transaction that made the job to be over when the worker looks. */
const START_AFTER_SECONDS = 2;

/**
 * Hands a job on; call it last in the job's own transaction. When it fails the transaction undoes all of it, and the worker drops
 * a message whose job was rolled back.
 * @param afterSeconds at most 900
 */
export async function startJob(
  deps: Deps,
  tenant: Tenant,
  jobId: string,
  afterSeconds = START_AFTER_SECONDS,
): Promise<void> {
  await deps.sqs.send(
    new SendMessageCommand({
      QueueUrl: deps.env.JOB_QUEUE_URL,
      MessageBody: encodeJobsMessage({ kind: "job", job_id: jobId }),
      MessageGroupId: tenant,
      DelaySeconds: afterSeconds,
    }),
  );
}
