import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from "aws-lambda";
import { type RunTime, withinTime } from "../aws/deadline.ts";
import { gate } from "../aws/gate.ts";
import { errorResponse } from "../domain/errors/errors.ts";
import { REQUEST_ID_HEADER } from "../domain/identity/identity.ts";
import { newId } from "../domain/ids.ts";
import { buildApp } from "./app.ts";
import { buildDeps } from "./buildDeps.ts";
import { answerOf, requestOf } from "./functionUrl.ts";

const deps = buildDeps();
const app = buildApp(deps);
const entrance = gate(async () => {
  const { SecretString } = await deps.secrets.send(new GetSecretValueCommand({ SecretId: deps.env.PEPPER_SECRET }));
  return SecretString ?? "";
}, deps.now);
await entrance.ready();

/** The management API behind its Function URL. Every failure is already an answer of the app, but for these two. */
export const handler = (event: LambdaFunctionURLEvent, context: RunTime): Promise<LambdaFunctionURLResult> =>
  withinTime(context, answerTo(event), (late) => refuse(event, "api.late", late));

async function answerTo(event: LambdaFunctionURLEvent): Promise<LambdaFunctionURLResult> {
  let headers: LambdaFunctionURLEvent["headers"];
  try {
    headers = await entrance.pass(event.requestContext.http.method, event.headers);
  } catch (cause) {
    return refuse(event, "api.unverified", cause);
  }
  const response = await app.fetch(requestOf({ ...event, headers }));
  return answerOf(response).catch((cause) => refuse(event, "api.answer_too_large", cause));
}

function refuse({ headers }: LambdaFunctionURLEvent, what: string, cause: unknown): LambdaFunctionURLResult {
  const requestId = headers[REQUEST_ID_HEADER] ?? newId("req", deps.now());
  deps.log("error", what, { request_id: requestId, error: String(cause) });
  const { status, ...answer } = errorResponse(cause, requestId);
  return { statusCode: status, ...answer };
}
