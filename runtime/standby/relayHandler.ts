import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { givingBackOver } from "../aws/giveBack.ts";
import { log } from "../aws/log.ts";
import { sendAll } from "../aws/queues.ts";
import { readEnvironment } from "../domain/environment.ts";
import { relayVariables } from "./environment.ts";
import { type RelayPorts, relay } from "./relay.ts";

const env = readEnvironment(relayVariables);
/** A region that is away often stays silent: waiting for its answer must not use up the run. */
const home = () => ({
  region: env.HOME_REGION,
  maxAttempts: 1,
  requestHandler: new NodeHttpHandler({ connectionTimeout: 1_000, requestTimeout: 5_000 }),
});
const forcePathStyle = process.env.AWS_ENDPOINT_URL !== undefined;
const sqs = new SQSClient({ md5: false });
const s3 = new S3Client({ forcePathStyle });
const homeSqs = new SQSClient({ ...home(), md5: false });
const homeS3 = new S3Client({ ...home(), forcePathStyle });

const ports: RelayPorts = {
  log,
  async copyPayload(key) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: env.PAYLOAD_BUCKET, Key: key }));
    const bytes = await Body!.transformToByteArray();
    await homeS3.send(new PutObjectCommand({ Bucket: env.HOME_PAYLOAD_BUCKET, Key: key, Body: bytes }));
  },
  send: (messages) => sendAll(homeSqs, env.HOME_QUEUE_URL, messages),
  giveBack: givingBackOver(sqs, [{ url: env.INGEST_QUEUE_URL, deadUrl: env.INGEST_DEAD_URL }], log),
};

/** SQS trigger of the ingest queue, partial failures reported. */
export const handler = (event: SQSEvent): Promise<SQSBatchResponse> => relay(event, ports);
