import { isUtf8 } from "node:buffer";
import { hash } from "node:crypto";
import type { CloudFrontHeaders, CloudFrontRequest, CloudFrontResultResponse } from "aws-lambda";
import { isJsonType, MAX_BODY_BYTES } from "../domain/body/requestBody.ts";
import { type ErrorCode, errorResponse } from "../domain/errors/errors.ts";
import type { Peppers } from "../domain/identity/apiKey.ts";
import {
  AUTHORIZATION_HEADER,
  BODY_FAULT_HEADER,
  CONSOLE_HEADERS,
  CONTENT_TYPE_HEADER,
  encodeIdentity,
  HOST_HEADER,
  IDENTITY_HEADER,
  type Identity,
  PATH_HEADER,
  RECEIVED_HEADER,
  REQUEST_ID_HEADER,
  SEAL_HEADER,
  SOURCE_HEADER,
} from "../domain/identity/identity.ts";
import { sealOf } from "../domain/identity/seal.ts";
import type { Millis } from "../domain/time.ts";

/** What the edge makes of a CloudFront request: pure, but for the request it is given, which it changes in place. */

/** Longest that a request may have been on its way from the viewer function. */
const UNDER_WAY_MS = 60_000;

const header = ({ headers }: CloudFrontRequest, name: string): string | undefined => headers[name]?.[0]?.value;

const set = ({ headers }: CloudFrontRequest, name: string, value: string): void => {
  headers[name] = [{ key: name, value }];
};

/** Takes away what only the platform may say, and the key itself, which no origin needs. */
export function strip(request: CloudFrontRequest): void {
  for (const name of Object.keys(request.headers)) {
    if (name.startsWith("x-triggers-") || name === "authorization") delete request.headers[name];
  }
}

/** What the viewer function and the page say of a request to the console, to be kept past `strip`. */
export function consoleHeadersOf(request: CloudFrontRequest): Readonly<Record<string, string>> {
  const said = [HOST_HEADER, ...CONSOLE_HEADERS].flatMap((name) => {
    const value = header(request, name);
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(said), [SOURCE_HEADER]: request.clientIp };
}

export function setAll(request: CloudFrontRequest, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) set(request, name, value);
}

/** When the viewer function saw the request; now, where it is missing or impossible. */
export function arrivalOf(request: CloudFrontRequest, now: Millis): number {
  const said = Number(header(request, RECEIVED_HEADER));
  return said > now - UNDER_WAY_MS && said <= now ? said : now;
}

/** A header holds visible ASCII alone. */
const asHeader = (path: string): string =>
  path.replaceAll(/[^\x21-\x7e]/g, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `%${code.toString(16).padStart(2, "0")}` : encodeURIComponent(character);
  });

export const authorizationOf = (request: CloudFrontRequest): string | undefined =>
  header(request, AUTHORIZATION_HEADER);

const HOST = /^[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$/;

/** The host that the viewer function saw; undefined where it doesn't say. */
export function hostOf(request: CloudFrontRequest): string | undefined {
  const said = header(request, HOST_HEADER);
  return said !== undefined && HOST.test(said) ? said.toLowerCase() : undefined;
}

/** Says which request this is, and what for. @param host that was asked, where it is known */
export function name(request: CloudFrontRequest, requestId: string, host?: string): void {
  set(request, REQUEST_ID_HEADER, requestId);
  if (host !== undefined) set(request, HOST_HEADER, host);
  set(request, PATH_HEADER, asHeader(request.uri));
}

/** Says who calls, under a seal that only who knows the peppers can set. */
export function sign(request: CloudFrontRequest, requestId: string, identity: Identity, peppers: Peppers): void {
  const encoded = encodeIdentity(identity);
  const path = header(request, PATH_HEADER)!;
  set(request, IDENTITY_HEADER, encoded);
  set(request, SEAL_HEADER, sealOf({ requestId, method: request.method, path, identity: encoded }, peppers));
}

/**
 * Makes the body fit to travel: its SHA-256, which origin access control demands and callers can't be asked for, and
 * everything that keeps a Function URL from reading it as text. A body that can't travel is taken away and its fault named,
 * for the origin to answer with what else it knows.
 */
export function prepareBody(request: CloudFrontRequest): void {
  const { body } = request;
  if (body === undefined || request.method === "GET" || request.method === "HEAD") return;
  let bytes = Buffer.from(body.data, body.encoding === "base64" ? "base64" : "utf8");
  const encoding = header(request, "content-encoding")?.trim().toLowerCase() ?? "";
  const encoded = encoding !== "" && encoding !== "identity";
  const type = header(request, "content-type");
  let fault: ErrorCode | undefined;
  if (body.inputTruncated || bytes.length > MAX_BODY_BYTES) fault = "payload_too_large";
  else if (!encoded && isJsonType(type) && !isUtf8(bytes)) fault = "invalid_json";
  if (fault !== undefined) {
    set(request, BODY_FAULT_HEADER, fault);
    bytes = Buffer.alloc(0);
    body.action = "replace";
    body.encoding = "text";
    body.data = "";
  } else if (encoded) {
    // A Function URL passes bytes on as base64 by their type; compressed JSON would be read as UTF-8 and damaged.
    if (type !== undefined) set(request, CONTENT_TYPE_HEADER, type);
    set(request, "content-type", "application/octet-stream");
  }
  // CloudFront keeps the body it has and ignores what a read-only one says, so it need not be sent back.
  if (body.action === "read-only") body.data = "";
  set(request, "x-amz-content-sha256", hash("sha256", bytes));
}

const REASONS: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** A refusal in CloudFront's form. */
export function refusal(thrown: unknown, requestId: string): CloudFrontResultResponse {
  const { status, headers, body } = errorResponse(thrown, requestId);
  const named: CloudFrontHeaders = {};
  for (const [name, value] of Object.entries(headers)) named[name] = [{ key: name, value }];
  return {
    status: String(status),
    statusDescription: REASONS[status] ?? "",
    headers: named,
    body,
    bodyEncoding: "text",
  };
}
