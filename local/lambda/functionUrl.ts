/**
 * A Function URL: HTTP to an invocation and back, payload format 2.0 ("Invoking Lambda function URLs"). The request
 * arrives here already signed for by the distribution's origin access control.
 */
import { isUtf8 } from "node:buffer";
import { defined, mapDefined } from "../../runtime/domain/defined.ts";
import { byName } from "../byName.ts";
import type { Outcome } from "./function.ts";

/** Lambda's limit of a synchronous payload, either way, in bytes. */
export const SYNC_LIMIT = 6 * 1024 * 1024;

export interface HttpRequest {
  readonly method: string;
  /** Path as sent, still percent-encoded. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly sourceIp: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer | string;
}

/** Media types that Lambda passes on as text; all others travel in base64. */
const TEXT = /^(text\/|application\/(json|xml|javascript|x-www-form-urlencoded)|application\/[\w.+-]+\+(json|xml))/i;

function queryOf(query: string): Record<string, string> | undefined {
  if (query === "") return undefined;
  const values: Record<string, string> = byName();
  for (const [name, value] of new URLSearchParams(query)) {
    values[name] = values[name] === undefined ? value : `${values[name]},${value}`;
  }
  return values;
}

const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

/** The event of payload format 2.0. @param now milliseconds since the epoch */
export function urlEvent(
  request: HttpRequest,
  domain: string,
  account: string,
  requestId: string,
  now: number,
): object {
  const { headers, body } = request;
  const { cookie, ...others } = headers;
  const text = headers["content-encoding"] === undefined && TEXT.test(headers["content-type"] ?? "") && isUtf8(body);
  const query = queryOf(request.query);
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: decoded(request.path),
    rawQueryString: request.query,
    ...defined({ cookies: mapDefined(cookie, (cookie) => cookie.split(/;\s*/)) }),
    headers: others,
    ...defined({ queryStringParameters: query }),
    requestContext: {
      accountId: account,
      apiId: domain.slice(0, domain.indexOf(".")),
      domainName: domain,
      domainPrefix: domain.slice(0, domain.indexOf(".")),
      http: {
        method: request.method,
        path: decoded(request.path),
        protocol: "HTTP/1.1",
        sourceIp: request.sourceIp,
        userAgent: headers["user-agent"] ?? "",
      },
      requestId,
      routeKey: "$default",
      stage: "$default",
      time: new Date(now).toUTCString(),
      timeEpoch: now,
    },
    ...(body.length === 0 ? {} : { body: text ? body.toString("utf8") : body.toString("base64") }),
    isBase64Encoded: body.length > 0 && !text,
  };
}

interface UrlResult {
  readonly statusCode?: unknown;
  readonly headers?: Record<string, unknown>;
  readonly cookies?: readonly string[];
  readonly isBase64Encoded?: boolean;
}

/** Headers that a Function URL renames in answers, so that they don't contradict its own. */
const REMAPPED = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "server",
  "transfer-encoding",
  "upgrade",
  "www-authenticate",
]);

const plain = (status: number, text: string, extra: Record<string, string> = {}): HttpAnswer => ({
  status,
  headers: { "content-type": "application/json", ...extra },
  body: text,
});

/** What the caller gets for an outcome: the handler's answer, or Lambda's own 429 and 502. */
export function urlAnswer(outcome: Outcome): HttpAnswer {
  if (outcome.kind === "throttled") {
    return plain(
      429,
      '{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}',
      {
        "x-amzn-errortype": "TooManyRequestsException",
        "retry-after": "1",
      },
    );
  }
  if (outcome.kind === "error")
    return plain(502, "Internal Server Error", { "x-amzn-errortype": outcome.error.errorType });
  const { json, body } = outcome.result;
  const value = JSON.parse(json) as unknown;
  const result = (typeof value === "object" && value !== null ? value : {}) as UrlResult;
  if (result.statusCode === undefined) {
    const text = body === undefined ? json : JSON.stringify({ ...result, body });
    return plain(200, typeof value === "string" ? value : text);
  }
  const headers: Record<string, string | readonly string[]> = byName();
  for (const [name, header] of Object.entries(result.headers ?? {})) {
    const lower = name.toLowerCase();
    headers[REMAPPED.has(lower) ? `x-amzn-remapped-${lower}` : lower] = String(header);
  }
  headers["content-type"] ??= "application/json";
  if (result.cookies !== undefined) headers["set-cookie"] = result.cookies;
  const bytes = result.isBase64Encoded === true ? Buffer.from(body ?? "", "base64") : (body ?? "");
  if (json.length + (body?.length ?? 0) > SYNC_LIMIT) return plain(502, "Internal Server Error");
  return { status: Number(result.statusCode), headers, body: bytes };
}
