import { clientsOver } from "../aws/clients.ts";
import { log } from "../aws/log.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import { readEnvironment } from "../domain/environment.ts";
import { elsewhereHere } from "./elsewhere.ts";
import { probeVariables } from "./environment.ts";
import { probe } from "./probe.ts";

const env = readEnvironment(probeVariables);
const { dynamodb } = clientsOver(signedCalls(settingsHere(10_000)));
const ports = { counters: { dynamodb, name: env.METRICS_TABLE }, now: Date.now, elsewhere: elsewhereHere() };

/** Started every minute. */
export async function handler(): Promise<void> {
  if (env.PUBLIC_URL === "") return log("warn", "alert.no_public_url", {});
  if (!(await probe(ports, env.PUBLIC_URL))) log("warn", "alert.api_unreachable", { url: env.PUBLIC_URL });
}
