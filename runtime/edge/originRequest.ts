import type { CloudFrontRequest, CloudFrontRequestResult } from "aws-lambda";
import { asTriggersError, TriggersError } from "../domain/errors.ts";
import { BODY_FAULT_HEADER, type Identity } from "../domain/identity.ts";
import { newId } from "../domain/ids.ts";
import { tooLarge } from "../domain/requestBody.ts";
import { type Authenticator, authenticate } from "./authenticate.ts";
import { authorizationOf, header, isPublic, prepareBody, refusal, sign, strip } from "./request.ts";

export interface EdgePorts extends Authenticator {
  /** A key was accepted. */
  used(identity: Identity): void;
  /** A refusal shows as 5xx only. */
  failed(requestId: string, cause: unknown): void;
}

/** What becomes of a request at the edge: it goes on, changed in place, or is answered. Never throws. */
export async function originRequest(request: CloudFrontRequest, ports: EdgePorts): Promise<CloudFrontRequestResult> {
  const requestId = newId("req", ports.now());
  try {
    const authorization = authorizationOf(request);
    strip(request);
    let identity: Identity | undefined;
    if (!isPublic(request.uri)) {
      identity = await authenticate(authorization, request.clientIp, ports);
      ports.used(identity);
    }
    sign(request, requestId, identity);
    prepareBody(request);
    refuseFault(request);
    return request;
  } catch (thrown) {
    const error = asTriggersError(thrown);
    if (error.status >= 500) ports.failed(requestId, error.cause ?? error);
    return refusal(error, requestId);
  }
}

/** `POST /events` answers a faulty body itself, for its answers tell the limit; elsewhere the edge does. */
function refuseFault(request: CloudFrontRequest): void {
  const fault = header(request, BODY_FAULT_HEADER);
  if (fault === undefined || request.uri === "/events") return;
  throw fault === "payload_too_large"
    ? tooLarge()
    : new TriggersError("invalid_json", "The body is not valid JSON: the text is not UTF-8.");
}
