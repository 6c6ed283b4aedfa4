/** Lambda's API as SDK clients call it: Invoke, at once or asynchronously. */
import { randomUUID } from "node:crypto";
import { type ApiAnswer, type ApiCall, ServiceError } from "../service.ts";
import type { Outcome } from "./function.ts";
import { SYNC_LIMIT } from "./functionUrl.ts";
import { ASYNC_LIMIT } from "./invocations.ts";
import type { Entry } from "./registry.ts";

/** @param later invokes asynchronously, with Lambda's retries */
export async function invoke(
  entry: Entry,
  call: ApiCall,
  later: (entry: Entry, json: string) => void,
): Promise<ApiAnswer> {
  const type = call.headers["x-amz-invocation-type"] ?? "RequestResponse";
  const json = call.body.length === 0 ? "{}" : call.body.toString("utf8");
  const limit = type === "Event" ? ASYNC_LIMIT : SYNC_LIMIT;
  if (call.body.length > limit) {
    throw new ServiceError(
      "RequestTooLargeException",
      `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
      413,
    );
  }
  const headers = {
    "content-type": "application/json",
    "x-amzn-requestid": randomUUID(),
    "x-amz-executed-version": entry.settings.version,
  };
  if (type === "DryRun") return { status: 204, headers, body: "" };
  if (type === "Event") {
    later(entry, json);
    return { status: 202, headers, body: "" };
  }
  const outcome = await entry.lambda.invoke({ json });
  if (outcome.kind === "throttled") throw new ServiceError("TooManyRequestsException", "Rate Exceeded.", 429);
  if (outcome.kind === "error") {
    return {
      status: 200,
      headers: { ...headers, "x-amz-function-error": "Unhandled" },
      body: JSON.stringify(outcome.error),
    };
  }
  const body = textOf(outcome);
  if (body.length > SYNC_LIMIT) {
    const error = {
      errorType: "Function.ResponseSizeTooLarge",
      errorMessage: `Response payload size exceeded maximum allowed payload size (${SYNC_LIMIT} bytes).`,
    };
    return { status: 200, headers: { ...headers, "x-amz-function-error": "Unhandled" }, body: JSON.stringify(error) };
  }
  return { status: 200, headers, body };
}

const INVOKE = /^\/2015-03-31\/functions\/([^/?]+)\/invocations/;

/** Name or ARN of the function that a call invokes. @throws ServiceError for any other action than Invoke */
export function functionIn(call: ApiCall): string {
  const name = INVOKE.exec(call.url)?.[1];
  if (name === undefined || call.method !== "POST") {
    throw new ServiceError(
      "UnknownOperationException",
      `the local platform answers only Invoke of Lambda's API, not ${call.method} ${call.url}`,
      404,
    );
  }
  return decodeURIComponent(name);
}

/** The whole result as JSON text. */
export function textOf(outcome: Extract<Outcome, { kind: "result" }>): string {
  const { json, body } = outcome.result;
  return body === undefined ? json : JSON.stringify({ ...(JSON.parse(json) as object), body });
}
