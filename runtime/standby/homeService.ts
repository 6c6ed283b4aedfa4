import { LambdaClient } from "@aws-sdk/client-lambda";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { invokeOver, serviceOver } from "../aws/service.ts";
import { readEnvironment } from "../domain/environment.ts";
import type { ServiceRequest } from "../domain/service.ts";
import { homeServiceVariables } from "./environment.ts";

/** Who asks waits for two seconds at most, and goes on with what it knew. */
const TIMEOUT_MS = 2_000;

const env = readEnvironment(homeServiceVariables);
const lambda = new LambdaClient({
  region: env.HOME_REGION,
  maxAttempts: 1,
  requestHandler: new NodeHttpHandler({ connectionTimeout: 1_000 }),
});
const service = serviceOver(invokeOver(lambda), env.HOME_SUBSCRIPTIONS_FUNCTION);

/** The subscriptions service, as the home region answers it. */
export const handler = async (request: ServiceRequest) => (await service(request, { timeoutMs: TIMEOUT_MS })).answer;
