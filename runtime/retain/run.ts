import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { errorText } from "../aws/log.ts";
import { sendOrThrow } from "../aws/queues.ts";
import { defined } from "../domain/defined.ts";
import { timeOf } from "../domain/ids.ts";
import { decodeJobsMessage, encodeJobsMessage, type Job, type JobKind } from "../domain/job.ts";
import type { Seconds } from "../domain/time.ts";
import { archiveAccess } from "./hourly/access.ts";
import { reconcile } from "./hourly/reconcile.ts";
import { putBack } from "./restore/restore.ts";
import { type Checkpoint, JobError, type SliceWork, type Standing, type Tools } from "./work.ts";

/**
 * Runs jobs in slices. Progress and cursor are saved after each slice, and within it where the work asks whether to go on;
 * when the invocation's time is used up, the job queues itself again. A crash leaves the message on the queue, and the next
 * run begins at the cursor.
 */

/** Of one invocation; the function's timeout is 300 s. */
const INVOCATION_MS = 120_000;
const SLICE_MS = 20_000;
/** So often a slice is saved, and a cancelled job noticed. */
const CHECKPOINT_MS = 1_000;
/** SQS delays a message by 15 minutes at most. */
const MAX_DELAY_SECONDS = 900;
/** A missing job may still be in an open transaction. If its message is older than this, the transaction was rolled back. */
const COMMITTED_WITHIN_MS = 60_000;
const LOOK_AGAIN_SECONDS = 3;
/** The queue gives a message up at its fifth receive: the fourth failure is told to the customer. */
const LAST_RECEIVE = 4;

export type Works = Readonly<Record<JobKind, SliceWork>>;

export async function runJobs(event: SQSEvent, works: Works, tools: Tools): Promise<SQSBatchResponse> {
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const record of event.Records) {
    try {
      await runRecord(record, works, tools);
    } catch (error) {
      tools.log("error", "retain.failed", { message_id: record.messageId, error: errorText(error) });
      batchItemFailures.push({ itemIdentifier: record.messageId });
    }
  }
  return { batchItemFailures };
}

async function runRecord(record: SQSRecord, works: Works, tools: Tools): Promise<void> {
  const message = decodeJobsMessage(record.body);
  switch (message.kind) {
    case "job":
      return runMessage(record, message.job_id, works, tools);
    case "access":
      return archiveAccess(message, tools);
    case "reconcile":
      return void (await reconcile(message, tools));
    case "put_back":
      return void (await putBack(message, tools));
  }
}

/** Works on a job, and tells its customer once it fails for good. */
async function runMessage(record: SQSRecord, jobId: string, works: Works, tools: Tools): Promise<void> {
  const { job } = (await tools.service({ op: "job", job_id: jobId })).answer;
  if (job === null) {
    if (tools.now() - timeOf(jobId.slice(4)) < COMMITTED_WITHIN_MS) {
      await again(tools, jobId, jobId, LOOK_AGAIN_SECONDS);
    } else tools.log("warn", "retain.unknown_job", { job_id: jobId });
    return;
  }
  try {
    await runJob(job, works[job.kind], tools);
  } catch (error) {
    const receives = Number(record.attributes.ApproximateReceiveCount);
    if (!(error instanceof JobError) && receives < LAST_RECEIVE) throw error;
    const message = error instanceof JobError ? error.message : "The platform failed to carry this out.";
    tools.log("error", "retain.job_failed", { job_id: jobId, kind: job.kind, error: errorText(error) });
    await tools.service({ op: "job_save", job_id: jobId, status: "failed", result: { error: message } });
  }
}

async function runJob(job: Job, work: SliceWork, tools: Tools): Promise<void> {
  const started = tools.now();
  const checkpoint = checkpointOf(job, tools);
  let current = job;
  while (current.status === "pending" || current.status === "running") {
    const slice = await work(current, tools, tools.now() + SLICE_MS, checkpoint);
    const { saved } = (
      await tools.service({
        ...saving(job, slice),
        status: slice.result === undefined ? "running" : "succeeded",
        ...defined({ result: slice.result }),
      })
    ).answer;
    tools.log("info", "retain.slice", { job_id: job.job_id, kind: job.kind, ...slice.progress });
    // Cancelled meanwhile, or finished by another run of the same message.
    if (!saved || slice.result !== undefined) return;
    const waitSeconds = slice.waitSeconds ?? 0;
    if (waitSeconds > 0 || tools.now() - started > INVOCATION_MS) {
      return again(tools, job.job_id, job.tenant, Math.min(Math.ceil(waitSeconds), MAX_DELAY_SECONDS));
    }
    current = { ...current, status: "running", cursor: slice.cursor, progress: slice.progress };
  }
}

const saving = ({ job_id }: Job, { cursor, progress }: Standing) =>
  ({ op: "job_save", job_id, status: "running", cursor, progress }) as const;

function checkpointOf(job: Job, tools: Tools): Checkpoint {
  let saved = true;
  let last = job.status === "pending" ? Number.NEGATIVE_INFINITY : tools.now();
  return async (standing) => {
    if (!saved || tools.now() - last < CHECKPOINT_MS) return saved;
    last = tools.now();
    try {
      saved = (await tools.service(saving(job, standing))).answer.saved;
    } catch (error) {
      // Begun again from the queue a job would stand still for half an hour; the end of the slice does insist.
      tools.log("warn", "retain.checkpoint_failed", { job_id: job.job_id, error: errorText(error) });
    }
    return saved;
  };
}

const again = (tools: Tools, jobId: string, group: string, delaySeconds: Seconds): Promise<void> =>
  sendOrThrow(tools.sqs, tools.env.JOB_QUEUE_URL, [
    { text: encodeJobsMessage({ kind: "job", job_id: jobId }), group, delaySeconds },
  ]);
