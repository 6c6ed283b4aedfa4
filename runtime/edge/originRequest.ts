import type { CloudFrontRequest, CloudFrontRequestResult } from "aws-lambda";
import { asTriggersError } from "../domain/errors/errors.ts";
import { type Identity, isConsole, isPublic, tellsMoreWithKey } from "../domain/identity/identity.ts";
import { newId } from "../domain/ids.ts";
import { type Authenticator, authenticate, keyIdIn } from "./authenticate.ts";
import type { Refused } from "./refusalTrace.ts";
import {
  arrivalOf,
  authorizationOf,
  consoleHeadersOf,
  hostOf,
  name,
  prepareBody,
  refusal,
  setAll,
  sign,
  strip,
} from "./request.ts";

export interface EdgePorts extends Authenticator {
  /** A key was accepted. */
  used(identity: Identity): void;
  /** Nobody was recognised. */
  refused(refused: Refused): void;
  /** A refusal shows as 5xx only. */
  failed(requestId: string, cause: unknown): void;
}

/** What becomes of a request at the edge: it goes on, changed in place, or is answered. Never throws. */
export async function originRequest(request: CloudFrontRequest, ports: EdgePorts): Promise<CloudFrontRequestResult> {
  const requestId = newId("req", arrivalOf(request, ports.now()));
  const authorization = authorizationOf(request);
  const toConsole = isConsole(request.uri);
  const said = toConsole ? consoleHeadersOf(request) : {};
  const host = hostOf(request);
  try {
    strip(request);
    name(request, requestId, host);
    const withKey = authorization !== undefined && tellsMoreWithKey(request.uri);
    if (toConsole) setAll(request, said);
    else if (withKey || !isPublic(request.method, request.uri)) {
      const identity = await authenticate(authorization, request.clientIp, ports);
      ports.used(identity);
      sign(request, requestId, identity, await ports.peppers());
    }
    prepareBody(request);
    return request;
  } catch (thrown) {
    const error = asTriggersError(thrown);
    if (error.status >= 500) ports.failed(requestId, error.cause ?? error);
    if (error.code === "unauthorized")
      ports.refused({ request_id: requestId, source_ip: request.clientIp, key_id: keyIdIn(authorization) });
    return refusal(error, requestId);
  }
}
