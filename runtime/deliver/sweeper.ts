import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { log } from "../aws/log.ts";
import { sendOrThrow } from "../aws/queues.ts";
import { readEnvironment } from "../domain/environment.ts";
import { dueIn } from "./due.ts";
import { sweepVariables } from "./environment.ts";
import { type SweepPorts, sweep } from "./sweep.ts";

const env = readEnvironment(sweepVariables);
const sqs = new SQSClient({ md5: false });

const ports: SweepPorts = {
  log,
  now: Date.now,
  ...dueIn(new DynamoDBClient({}), env.EVENTS_TABLE),
  retry: (messages) => sendOrThrow(sqs, env.RETRY_QUEUE_URL, messages),
};

/** Started once a minute by a schedule. */
export const handler = (): Promise<{ deliveries: number; probes: number }> => sweep(ports);
