import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { clientsOver } from "../aws/clients.ts";
import { log } from "../aws/log.ts";
import { invokeOver, serviceOver } from "../aws/service.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import { mapDefined } from "../domain/defined.ts";
import { readEnvironment } from "../domain/environment.ts";
import type { Forgotten } from "../domain/idempotency.ts";
import type { HourlyWork } from "../domain/job.ts";
import type { Folded } from "../domain/metrics/cube.ts";
import { rfc3339 } from "../domain/time.ts";
import { retainVariables } from "./environment.ts";
import { erase } from "./erase/erase.ts";
import { exportEvents } from "./export/export.ts";
import { archiveAccess, beginAccess } from "./hourly/access.ts";
import { readHour, settledHour } from "./hourly/hours.ts";
import { type Reconciled, reconcile } from "./hourly/reconcile.ts";
import { replay } from "./replay/replay.ts";
import { type PutBackQueued, queuePutBack } from "./restore/restore.ts";
import { runJobs, type Works } from "./run.ts";
import type { Tools } from "./work.ts";

/** Its walk takes 10 s at most. */
const FORGET_TIMEOUT_MS = 30_000;

/** An hour of the busiest customer takes seconds. */
const FOLD_TIMEOUT_MS = 60_000;

/** One attempt of a call: a query brings 1 MB at most. */
const CALL_TIMEOUT_MS = 10_000;

const env = readEnvironment(retainVariables);
const invoke = invokeOver(new LambdaClient({}));
const { dynamodb, sqs } = clientsOver(signedCalls(settingsHere(CALL_TIMEOUT_MS)));
const tools: Tools = {
  env,
  store: {
    events: { dynamodb, name: env.EVENTS_TABLE },
    s3: new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined }),
    payloadBucket: env.PAYLOAD_BUCKET,
  },
  counters: { dynamodb, name: env.METRICS_TABLE },
  sqs,
  service: serviceOver(invoke, env.SUBSCRIPTIONS_FUNCTION),
  forget: async (request) => {
    const answer = await invoke(env.FORGET_FUNCTION, JSON.stringify(request), FORGET_TIMEOUT_MS);
    return JSON.parse(answer.toString("utf8")) as Forgotten;
  },
  fold: async (request) => {
    const answer = await invoke(env.CUBE_FUNCTION, JSON.stringify(request), FOLD_TIMEOUT_MS);
    return JSON.parse(answer.toString("utf8")) as Folded;
  },
  log,
  now: Date.now,
  sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
};

const works: Works = { replay, export: exportEvents, erasure: erase };

/** What the hourly schedules ask; `hour` is given to work on another one by hand. */
interface HourRequest {
  readonly op: HourlyWork;
  readonly hour?: string;
}

/** What an operator asks once a table was restored: the time whose events may be missing from it, RFC 3339. */
interface PutBackRequest {
  readonly op: "put_back";
  readonly from: string;
  readonly to: string;
}

/**
 * Entry point for three callers: SQS with messages of the jobs queue (partial failures are reported), the hourly schedule, and
 * the operator who fills the gap of a restored table.
 */
export async function handler(
  event: SQSEvent | HourRequest | PutBackRequest,
): Promise<SQSBatchResponse | Reconciled | PutBackQueued | readonly string[]> {
  if ("Records" in event) return runJobs(event, works, tools);
  if (event.op === "put_back") return queuePutBack(event, tools);
  const { op } = event;
  const hour = mapDefined(event.hour, readHour);
  if (op === "reconcile") return reconcile({ hour: hour ?? rfc3339(settledHour(tools.now())) }, tools);
  if (hour === undefined) {
    await tools.service({ op: "forget_views" });
    await tools.service({ op: "alert_forget" });
    return beginAccess(tools);
  }
  await archiveAccess({ hour }, tools);
  return [hour];
}
