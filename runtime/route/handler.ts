import { randomBytes } from "node:crypto";
import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { log } from "../aws/log.ts";
import { sendAll } from "../aws/queues.ts";
import { serviceOver } from "../aws/service.ts";
import { tracerOver } from "../aws/tracing.ts";
import { readEnvironment } from "../domain/environment.ts";
import { usageWriter } from "../domain/usage.ts";
import { removeLowWater } from "../store/lateBatch.ts";
import { archiveAll } from "./archive.ts";
import { routeVariables } from "./environment.ts";
import { type RoutePorts, route } from "./route.ts";
import { snapshotCache } from "./snapshots.ts";
import { storeAgain, storeNew } from "./store.ts";

/** Memory for customers' subscriptions; the function has about four times as much. */
const SNAPSHOT_BYTES = 256 * 1_024 * 1_024;

const env = readEnvironment(routeVariables);
const dynamodb = new DynamoDBClient({});
// Bodies are checked by TLS on the way and by the pack's own checksum at the end: MD5 of each would only cost.
const sqs = new SQSClient({ md5: false });
const firehose = new FirehoseClient({});
const s3 = new S3Client({});
const usage = usageWriter(
  env.METRICS_TABLE,
  (input) => dynamodb.send(new UpdateItemCommand(input)),
  randomBytes(6).toString("base64url"),
);

const ports: RoutePorts = {
  log,
  now: Date.now,
  snapshots: snapshotCache({
    service: serviceOver(new LambdaClient({}), env.SUBSCRIPTIONS_FUNCTION),
    log,
    now: Date.now,
    maxBytes: SNAPSHOT_BYTES,
  }),
  async fetchBody(key) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: env.PAYLOAD_BUCKET, Key: key }));
    return Body!.transformToByteArray();
  },
  storeNew: (batches) => storeNew(dynamodb, env.EVENTS_TABLE, batches),
  storeAgain: (batch) => storeAgain(dynamodb, env.EVENTS_TABLE, batch),
  queue: (messages) => sendAll(sqs, env.DELIVERY_QUEUE_URL, messages),
  archive: (entries) => archiveAll(firehose, env.ARCHIVE_STREAM, entries),
  removeLowWater: (tenant) => removeLowWater({ dynamodb, eventsTable: env.EVENTS_TABLE }, tenant),
  countUsage: (facts) => usage.write(facts),
  tracer: tracerOver(env, { log }),
};

/** SQS trigger of the ingest queue, partial failures reported. */
export const handler = (event: SQSEvent): Promise<SQSBatchResponse> => route(event, ports);
