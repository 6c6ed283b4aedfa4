import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from "aws-lambda";
import { clientsOver } from "../aws/clients.ts";
import { type RunTime, withinTime } from "../aws/deadline.ts";
import { errorText, log } from "../aws/log.ts";
import { publisherOver } from "../aws/publisher.ts";
import { serviceOver } from "../aws/service.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import { carried } from "../domain/answer.ts";
import { defined } from "../domain/defined.ts";
import { readEnvironment } from "../domain/environment.ts";
import { errorResponse } from "../domain/errors/errors.ts";
import type { Peppers } from "../domain/identity/apiKey.ts";
import {
  environments,
  HOST_HEADER,
  PATH_HEADER,
  REQUEST_ID_HEADER,
  SOURCE_HEADER,
  tenantOf,
} from "../domain/identity/identity.ts";
import { PepperCache } from "../domain/identity/pepperCache.ts";
import { newId } from "../domain/ids.ts";
import { Console } from "./console.ts";
import { consoleVariables } from "./environment.ts";
import { Sends } from "./sends.ts";
import { Sessions } from "./sessions.ts";
import { SignIn } from "./signIn.ts";

const CALL_TIMEOUT_MS = 29_000;

const env = readEnvironment(consoleVariables);
const now = () => Date.now();
const { dynamodb, invoke, invokeLater, getSecret } = clientsOver(signedCalls(settingsHere(CALL_TIMEOUT_MS)));
const service = serviceOver(invoke, env.SUBSCRIPTIONS_FUNCTION);
const ask = publisherOver(invokeLater, env.PUBLISH_FUNCTION);

async function secret(name: string): Promise<string> {
  const value = await getSecret(name);
  if (value === undefined || value === "") throw new Error(`the secret ${name} has no value yet`);
  return value;
}

const pages = new Console({
  sessions: new Sessions(dynamodb, env.SESSIONS_TABLE, now),
  sends: new Sends(dynamodb, env.SESSIONS_TABLE, now),
  signIn: new SignIn(() => secret(env.SIGN_IN_SECRET), now),
  peppers: new PepperCache({ read: async () => JSON.parse(await secret(env.PEPPER_SECRET)) as Peppers, now }),
  memberships: async ({ issuer, subject, email, name }) => {
    const named = defined({ email, name });
    return (await service({ op: "memberships", issuer, subject, ...named })).answer.memberships;
  },
  invoke,
  dynamodb,
  functions: { api: env.API_FUNCTION, ingest: env.INGEST_FUNCTION },
  keysTable: env.KEYS_TABLE,
  now,
  closeSockets: async (session, customer_id) => {
    const sides = environments.map((environment) => tenantOf({ customer_id, environment }));
    // They end by themselves as well, when the session would have.
    await Promise.all(sides.map((tenant) => ask({ op: "end", tenant, session }))).catch((error: unknown) =>
      log("warn", "console.sockets_not_closed", { error: errorText(error) }),
    );
  },
  failed: (what, requestId, cause) => log("error", what, { request_id: requestId, error: errorText(cause) }),
});

/** `/console/session` and `/console/api` behind the function's URL, payload format 2.0. */
export const handler = (event: LambdaFunctionURLEvent, context: RunTime): Promise<LambdaFunctionURLResult> =>
  withinTime(context, answerTo(event), (late) => {
    const requestId = event.headers[REQUEST_ID_HEADER] ?? newId("req", now());
    log("error", "console.late", { request_id: requestId, error: errorText(late) });
    const { status, ...answer } = errorResponse(late, requestId);
    return { statusCode: status, ...answer };
  });

async function answerTo(event: LambdaFunctionURLEvent): Promise<LambdaFunctionURLResult> {
  const { headers, requestContext, cookies = [] } = event;
  const { status, ...answer } = await pages.answer({
    request_id: headers[REQUEST_ID_HEADER] ?? newId("req", now()),
    host: headers[HOST_HEADER] ?? "",
    method: requestContext.http.method,
    path: headers[PATH_HEADER] ?? event.rawPath,
    query: event.rawQueryString,
    headers,
    cookies,
    body: Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8"),
    source_ip: headers[SOURCE_HEADER] ?? requestContext.http.sourceIp,
  });
  return {
    statusCode: status,
    headers: { ...answer.headers },
    cookies: [...answer.cookies],
    ...carried(answer.body),
  };
}
