import { SQSClient } from "@aws-sdk/client-sqs";
import { dynamodbClient } from "../aws/dynamodb.ts";
import { log } from "../aws/log.ts";
import { sendOrThrow } from "../aws/queues.ts";
import { readEnvironment } from "../domain/environment.ts";
import { claimDue, due } from "../store/deliveries/waiting.ts";
import { sweepVariables } from "./environment.ts";
import { type SweepPorts, sweep } from "./sweep.ts";

const env = readEnvironment(sweepVariables);
const events = { dynamodb: dynamodbClient(), name: env.EVENTS_TABLE };
const sqs = new SQSClient({ md5: false });

const ports: SweepPorts = {
  log,
  now: Date.now,
  due: (partition, until) => due(events, partition, until),
  claim: (item, until) => claimDue(events, item, until),
  retry: (messages) => sendOrThrow(sqs, env.RETRY_QUEUE_URL, messages),
};

/** Started once a minute by a schedule. */
export const handler = (): Promise<{ deliveries: number; probes: number }> => sweep(ports);
