/** Lambda@Edge at origin-request: the event's shape and the rules for what a function may give back. */
import { byName } from "../byName.ts";
import type { GeneratedResponse, ViewerRequest } from "./viewerFunction.ts";

/** How much of a body an origin-request function sees, in bytes. */
const BODY_LIMIT = 1_048_576;
/** Largest response that a function may generate at this event, in bytes. */
const RESPONSE_LIMIT = 1_048_576;

interface Header {
  readonly key?: string;
  readonly value: string;
}
type Headers = Record<string, readonly Header[]>;

interface EdgeBody {
  readonly inputTruncated: boolean;
  readonly action: string;
  readonly encoding: string;
  readonly data: string;
}

interface EdgeRequest {
  readonly clientIp: string;
  readonly method: string;
  readonly uri: string;
  readonly querystring: string;
  readonly headers: Headers;
  readonly body?: EdgeBody;
  readonly origin?: unknown;
}

interface EdgeResponse {
  readonly status: string | number;
  readonly statusDescription?: string;
  readonly headers?: Headers;
  readonly body?: string;
  readonly bodyEncoding?: string;
}

/** Headers that a function may only read at origin-request, and headers that it can never set. */
const READ_ONLY = [
  "accept-encoding",
  "content-length",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "transfer-encoding",
  "via",
];
const DISALLOWED =
  /^(connection|expect|keep-alive|proxy-authenticate|proxy-authorization|proxy-connection|trailer|upgrade|x-accel-(buffering|charset|limit-rate|redirect)|x-amz-cf-.*|x-amzn-(auth|cf-billing|cf-id|cf-xff|errortype|fle-profile|header-count|header-order|lambda-integration-tag|requestid)|x-cache|x-edge-.*|x-forwarded-proto|x-real-ip)$/;

export interface EdgeContext {
  readonly distributionId: string;
  readonly requestId: string;
  /** Domain name of the behaviour's origin. */
  readonly originDomain: string;
  readonly customHeaders: Readonly<Record<string, string>>;
  readonly includeBody: boolean;
}

/** The event of an origin-request function. */
export function edgeEvent(request: ViewerRequest, body: Buffer, context: EdgeContext): { Records: [{ cf: object }] } {
  const headers: Headers = byName();
  for (const [name, value] of request.headers) headers[name] = [{ key: name, value }];
  const edge: EdgeRequest = {
    clientIp: request.ip,
    method: request.method,
    uri: request.uri,
    querystring: request.query,
    headers,
    origin: {
      custom: {
        customHeaders: Object.fromEntries(
          Object.entries(context.customHeaders).map(([key, value]) => [key.toLowerCase(), [{ key, value }]]),
        ),
        domainName: context.originDomain,
        keepaliveTimeout: 5,
        path: "",
        port: 443,
        protocol: "https",
        readTimeout: 30,
        sslProtocols: ["TLSv1.2"],
      },
    },
    ...(context.includeBody
      ? {
          body: {
            inputTruncated: body.length > BODY_LIMIT,
            action: "read-only",
            encoding: "base64",
            data: body.toString("base64", 0, BODY_LIMIT),
          },
        }
      : {}),
  };
  const { distributionId, requestId } = context;
  const config = {
    distributionDomainName: `${distributionId}.cloudfront.net`,
    distributionId,
    eventType: "origin-request",
    requestId,
  };
  return { Records: [{ cf: { config, request: edge } }] };
}

/** What the function returned breaks a rule: the viewer gets 502, as from CloudFront. */
export class EdgeValidationError extends Error {
  override readonly name = "EdgeValidationError";
}

const joined = (name: string, values: readonly Header[]): string => {
  if (!Array.isArray(values) || values.some((one) => typeof one?.value !== "string")) {
    throw new EdgeValidationError(`the header "${name}" is not a list of { key, value }`);
  }
  return values.map((one) => one.value).join(", ");
};

/**
 * Reads what the function returned: a request to pass on (`request` and `body` are changed), or an answer of its own.
 * @throws EdgeValidationError naming what CloudFront would refuse
 */
export function readEdgeResult(
  json: string,
  text: string | undefined,
  request: ViewerRequest,
  body: Buffer,
): { readonly response: GeneratedResponse } | { readonly body: Buffer } {
  const result = JSON.parse(json) as (EdgeRequest & EdgeResponse) | null;
  if (result === null || typeof result !== "object")
    throw new EdgeValidationError("it returned neither a request nor a response");
  if (result.status !== undefined) return { response: responseOf(result, text) };
  if (result.method !== request.method) throw new EdgeValidationError("it changed the method, which is read-only");
  const headers = new Map<string, string>();
  for (const [name, values] of Object.entries(result.headers ?? {})) {
    const lower = name.toLowerCase();
    const value = joined(name, values);
    if (DISALLOWED.test(lower) && request.headers.get(lower) !== value) {
      throw new EdgeValidationError(`it set the header "${name}", which is not allowed`);
    }
    headers.set(lower, value);
  }
  for (const name of READ_ONLY) {
    if (headers.get(name) !== request.headers.get(name))
      throw new EdgeValidationError(`it changed the read-only header "${name}"`);
  }
  request.headers = headers;
  request.uri = result.uri;
  request.query = result.querystring ?? "";
  if (result.body?.action !== "replace") return { body };
  const replaced = Buffer.from(result.body.data, result.body.encoding === "text" ? "utf8" : "base64");
  if (replaced.length > BODY_LIMIT) throw new EdgeValidationError("it replaced the body by one over 1 MB");
  return { body: replaced };
}

function responseOf(result: EdgeResponse, text: string | undefined): GeneratedResponse {
  const status = Number(result.status);
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new EdgeValidationError(`its status is ${JSON.stringify(result.status)}`);
  }
  const headers: Record<string, string> = byName();
  let size = text?.length ?? 0;
  for (const [name, values] of Object.entries(result.headers ?? {})) {
    const lower = name.toLowerCase();
    if (DISALLOWED.test(lower) || lower === "transfer-encoding" || lower === "via") {
      throw new EdgeValidationError(`its response has the header "${name}", which is not allowed`);
    }
    const value = joined(name, values);
    headers[lower] = value;
    size += lower.length + value.length;
  }
  if (size > RESPONSE_LIMIT) throw new EdgeValidationError("its response is over 1 MB");
  const body = result.bodyEncoding === "base64" ? Buffer.from(text ?? "", "base64") : (text ?? "");
  return { status, headers, body };
}
