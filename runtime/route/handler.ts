import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { clientsOver } from "../aws/clients.ts";
import { givingBackOver } from "../aws/giveBack.ts";
import { log } from "../aws/log.ts";
import { publisherOver, tellOver } from "../aws/publisher.ts";
import { sendAll, sendOrThrow } from "../aws/queues.ts";
import { serviceOver } from "../aws/service.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import type { Table } from "../aws/tables.ts";
import { tracerOver } from "../aws/tracing.ts";
import { usageOver } from "../counters/write.ts";
import { readEnvironment } from "../domain/environment.ts";
import { storeAgain, storedCount, storeNew } from "../store/batches/storeBatches.ts";
import { removeLowWater } from "../store/inbox/lateBatch.ts";
import { archiveAll } from "./archive.ts";
import { costlyTeller } from "./costly.ts";
import { routeVariables } from "./environment.ts";
import { type RoutePorts, route } from "./route.ts";
import { snapshotCache } from "./snapshots.ts";

/** Memory for customers' subscriptions; the function has about four times as much. */
const SNAPSHOT_BYTES = 256 * 1_024 * 1_024;

const env = readEnvironment(routeVariables);
const { dynamodb, sqs, firehose, invoke, invokeLater, getObject, putObject, deleteObject, getSecret } = clientsOver(
  signedCalls(settingsHere(5_000)),
);
const events: Table = { dynamodb, name: env.EVENTS_TABLE };
const service = serviceOver(invoke, env.SUBSCRIPTIONS_FUNCTION);

const ports: RoutePorts = {
  log,
  now: Date.now,
  snapshots: snapshotCache({
    service,
    log,
    now: Date.now,
    maxBytes: SNAPSHOT_BYTES,
  }),
  fetchBody: (key) => getObject(env.PAYLOAD_BUCKET, key),
  putPayload: (key, packed) => putObject(env.PAYLOAD_BUCKET, key, packed),
  removePayload: (key) => deleteObject(env.PAYLOAD_BUCKET, key),
  storeNew: (batches) => storeNew(events, batches),
  storeAgain: (batch) => storeAgain(events, batch),
  queue: (messages) => sendAll(sqs, env.DELIVERY_QUEUE_URL, messages),
  archive: (entries) => archiveAll(firehose, env.ARCHIVE_STREAM, entries),
  removeLowWater: (tenant) => removeLowWater(events, tenant),
  countUsage: usageOver({ dynamodb, name: env.METRICS_TABLE }, log),
  tell: tellOver(publisherOver(invokeLater, env.PUBLISH_FUNCTION), log),
  storedCount: (tenant, first) => storedCount(events, tenant, first),
  sendBack: (messages) => sendAll(sqs, env.INGEST_QUEUE_URL, messages),
  tellCostly: costlyTeller({
    service,
    now: Date.now,
    send: (messages) => sendOrThrow(sqs, env.INGEST_QUEUE_URL, messages),
  }),
  giveBack: givingBackOver(
    sqs,
    [
      { url: env.INGEST_QUEUE_URL, deadUrl: env.INGEST_DEAD_URL },
      { url: env.NOTICE_QUEUE_URL, deadUrl: env.NOTICE_DEAD_URL },
    ],
    log,
  ),
  tracer: tracerOver(env, { log, getSecret }),
};

/** SQS trigger of the ingest queue, partial failures reported. */
export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
  route(event, ports, Date.now() + context.getRemainingTimeInMillis());
