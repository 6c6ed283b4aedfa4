import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { errorText, log } from "../aws/log.ts";
import { readEnvironment } from "../domain/environment.ts";
import type { Millis } from "../domain/time.ts";
import { watchVariables } from "./environment.ts";
import { openFailoverStore } from "./failoverStore.ts";
import { beginning, decide, isBusy, type Step, type WatchState } from "./watch.ts";

const env = readEnvironment(watchVariables);
const region = process.env.AWS_REGION ?? "";
const store = openFailoverStore(env.FAILOVER_STORE);
/** Milliseconds that a check may take; two failed checks in a row move the traffic. */
const CHECK_MS = 2_500;
/** A run stops a little before the next begins. */
const RUN_MS = 57_000;
const lambda = new LambdaClient({
  region: env.HOME_REGION,
  maxAttempts: 1,
  requestHandler: new NodeHttpHandler({ connectionTimeout: 1_000 }),
});

/** The request that ingest answers with 200 when it could take events in. */
const healthRequest = JSON.stringify({
  rawPath: "/health",
  headers: {},
  requestContext: { http: { method: "GET" } },
});

/** Whether the home region takes events in. Never rejects. */
async function healthy(): Promise<boolean> {
  try {
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName: env.HOME_INGEST_FUNCTION, Payload: Buffer.from(healthRequest) }),
      { abortSignal: AbortSignal.timeout(CHECK_MS) },
    );
    const { statusCode } = JSON.parse(Buffer.from(Payload ?? []).toString("utf8")) as { statusCode?: number };
    if (FunctionError === undefined && statusCode === 200) return true;
    log("warn", "standby.home_unhealthy", { status: statusCode, error: FunctionError });
  } catch (error) {
    if (isBusy(error)) {
      log("warn", "standby.home_busy", { error: errorText(error) });
      return true;
    }
    log("warn", "standby.home_unhealthy", { error: errorText(error) });
  }
  return false;
}

/** Tells the edge. @throws Error when it can't be told */
async function tell(step: Step, until: Millis): Promise<void> {
  if (step === "none") return;
  const held = await store.read();
  const others = held !== undefined && held.region !== region && held.until > Date.now();
  // The first standby region keeps it: two of them must not take it from each other.
  if (others) return;
  if (step === "take_over") await store.write({ region, until });
  else if (held !== undefined) await store.clear();
  log("warn", step === "take_over" ? "standby.took_over" : "standby.handed_back", { region, until });
}

/** Started every minute: checks the home region until the next run begins. */
export async function handler(): Promise<void> {
  const end = Date.now() + RUN_MS;
  const held = await store.read().catch(() => undefined);
  let state: WatchState = held?.region === region ? { ...beginning, until: held.until } : beginning;
  while (Date.now() < end) {
    const before = state;
    const now = Date.now();
    const decided = decide(state, await healthy(), now);
    state = decided.state;
    await tell(decided.step, state.until).catch((error: unknown) => {
      // If telling fails, the next check decides again.
      state = { ...state, until: before.until };
      log("error", "standby.edge_not_told", { error: errorText(error) });
    });
    await new Promise((resolve) => setTimeout(resolve, decided.waitMs));
  }
}
