import { clientsOver } from "../aws/clients.ts";
import { log } from "../aws/log.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import { readEnvironment } from "../domain/environment.ts";
import { probeVariables } from "./environment.ts";
import { probe } from "./probe.ts";

const env = readEnvironment(probeVariables);
const { dynamodb, invoke } = clientsOver(signedCalls(settingsHere(10_000)));

/** Started every minute. */
export async function handler(): Promise<void> {
  const up = await probe({ counters: { dynamodb, name: env.METRICS_TABLE }, invoke, now: Date.now }, env.API_FUNCTION);
  if (!up) log("warn", "alert.api_unreachable", {});
}
