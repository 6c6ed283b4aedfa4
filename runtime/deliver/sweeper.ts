import { clientsOver } from "../aws/clients.ts";
import { log } from "../aws/log.ts";
import { sendOrThrow } from "../aws/queues.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import { readEnvironment } from "../domain/environment.ts";
import { claimDue, due } from "../store/deliveries/waiting.ts";
import { sweepVariables } from "./environment.ts";
import { type SweepPorts, sweep } from "./sweep.ts";

const env = readEnvironment(sweepVariables);
const { dynamodb, sqs } = clientsOver(signedCalls(settingsHere(5_000)));
const events = { dynamodb, name: env.EVENTS_TABLE };

const ports: SweepPorts = {
  log,
  now: Date.now,
  due: (partition, until) => due(events, partition, until),
  claim: (item, until) => claimDue(events, item, until),
  retry: (messages) => sendOrThrow(sqs, env.RETRY_QUEUE_URL, messages),
};

/** Started once a minute by a schedule. */
export const handler = (): Promise<{ deliveries: number; probes: number }> => sweep(ports);
