import type { Dispatcher } from "undici";
import { defined } from "../domain/defined.ts";
import type { Millis } from "../domain/time.ts";
import { answered, usedBefore } from "./connect.ts";
import type { Outcome } from "./schedule.ts";

/** One POST to a webhook: no redirects, ten seconds in all, at most 1 KB of the answer read. */

export const TIMEOUT_MS = 10_000;
const EXCERPT_BYTES = 1_024;

export interface PostLimits {
  /** From the first byte to the answer's status, connecting included. */
  readonly timeoutMs: Millis;
  /** Once the status is known, how long the rest of the answer may take: it only serves the excerpt. */
  readonly restMs: Millis;
}
const usual: PostLimits = { timeoutMs: TIMEOUT_MS, restMs: 1_000 };

export interface PostRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface PostResult extends Outcome {
  readonly latency_ms: Millis;
  /** The beginning of the answer, as text; undefined when it had no body. */
  readonly excerpt?: string;
}

/** Failures of a connection that was closed when it was used. */
const CLOSED: ReadonlySet<string> = new Set(["connection_closed", "connection_reset"]);

/**
 * Posts and never throws: every fault is a named failure.
 * @param fresh makes new connections: the post is repeated over it once, where a connection that was used before closed without an answer.
 * An endpoint may close an idle connection at any moment (RFC 9112, 9.3.1), so this is no failure of it.
 */
export function post(
  dispatcher: Dispatcher,
  request: PostRequest,
  { timeoutMs, restMs }: PostLimits = usual,
  fresh?: () => Dispatcher,
): Promise<PostResult> {
  return new Promise((resolve) => {
    const started = performance.now();
    const chunks: Buffer[] = [];
    let size = 0;
    let status: number | null = null;
    let retryAfter: string | undefined;
    let abort: (() => void) | undefined;
    let over = false;
    let silent = true;
    let second: Dispatcher | undefined;
    let rest: NodeJS.Timeout | undefined;

    const finish = (error: string | null) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      clearTimeout(rest);
      void second?.close().catch(() => undefined);
      resolve({
        status,
        error,
        latency_ms: Math.round((performance.now() - started) * 10) / 10,
        ...defined({ retryAfter }),
        ...(size === 0 ? {} : { excerpt: excerptOf(chunks) }),
      });
    };
    /** Ends the exchange with the facts known by now. */
    const cut = (error: string | null) => {
      finish(error);
      abort?.();
    };
    const timer = setTimeout(() => cut(status === null ? "timeout" : errorOfStatus(status)), timeoutMs);

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(controller) {
        abort = () => controller.abort(new Error("the post is over"));
        if (over) abort();
      },
      onResponseStart(_controller, statusCode, headers) {
        silent = false;
        answered(origin);
        if (over || statusCode < 200) return;
        status = statusCode;
        const wait = headers["retry-after"];
        retryAfter = Array.isArray(wait) ? wait[0] : wait;
        rest = setTimeout(() => cut(errorOfStatus(statusCode)), restMs);
      },
      onResponseData(_controller, chunk) {
        if (over) return;
        chunks.push(Buffer.from(chunk.subarray(0, EXCERPT_BYTES - size)));
        size += chunk.length;
        if (size >= EXCERPT_BYTES) cut(errorOfStatus(status!));
      },
      onResponseEnd() {
        finish(status === null ? "no_answer" : errorOfStatus(status));
      },
      onResponseError(_controller, error) {
        if (silent && !over && second === undefined && fresh !== undefined && closedIdle(error, origin)) {
          second = fresh();
          go(second);
          return;
        }
        // An endpoint that has sent a status has answered, also if the connection broke afterwards.
        finish(status === null ? nameOf(error) : errorOfStatus(status));
      },
    };
    const { origin } = request.url;
    const go = (over: Dispatcher) => {
      try {
        over.dispatch(
          {
            origin,
            path: request.url.pathname + request.url.search,
            method: "POST",
            headers: request.headers,
            body: request.body,
          },
          handler,
        );
      } catch (error) {
        finish(nameOf(error as Error));
      }
    };
    go(dispatcher);
  });
}

const closedIdle = (error: unknown, origin: string): boolean =>
  (CLOSED.has(nameOf(error)) || (error as { code?: unknown }).code === "UND_ERR_INFO") && usedBefore(error, origin);

function excerptOf(chunks: readonly Buffer[]): string {
  const text = Buffer.concat(chunks).subarray(0, EXCERPT_BYTES).toString("utf8");
  // A character cut at the end decodes to a replacement character that was never sent.
  return text.replace(/\uFFFD{1,3}$/, "");
}

/** A status as a failure's name; null for a 2xx. */
function errorOfStatus(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status === 410) return "gone";
  return status >= 300 && status < 400 ? "redirect" : "http_error";
}

const byCode: Readonly<Record<string, string>> = {
  FORBIDDEN_ADDRESS: "forbidden_address",
  UND_ERR_CONNECT_TIMEOUT: "connect_timeout",
  ETIMEDOUT: "connect_timeout",
  UND_ERR_HEADERS_TIMEOUT: "timeout",
  UND_ERR_BODY_TIMEOUT: "timeout",
  UND_ERR_HEADERS_OVERFLOW: "headers_too_large",
  UND_ERR_SOCKET: "connection_closed",
  UND_ERR_DESTROYED: "connection_closed",
  UND_ERR_CLOSED: "connection_closed",
  ECONNREFUSED: "connection_refused",
  ECONNRESET: "connection_reset",
  EPIPE: "connection_reset",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  ENOTFOUND: "dns_error",
  EAI_AGAIN: "dns_error",
  ENODATA: "dns_error",
  ESERVFAIL: "dns_error",
  EPROTO: "tls_error",
  UND_ERR_INFO: "protocol_error",
  UND_ERR_INVALID_ARG: "invalid_request",
};

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_|TLS|SSL|HOSTNAME/;

/** The name under which a failure stands in an attempt. */
export function nameOf(error: unknown): string {
  const all = error instanceof AggregateError && error.errors.length > 0 ? (error.errors as unknown[]) : [error];
  const failure = all[0] as { name?: string; code?: unknown; cause?: unknown };
  const code = typeof failure.code === "string" ? failure.code : "";
  const cause = failure.cause as { code?: unknown } | undefined;
  if (code === "UND_ERR_SOCKET" && typeof cause?.code === "string" && cause.code in byCode) return byCode[cause.code]!;
  if (code in byCode) return byCode[code]!;
  if (failure.name === "HTTPParserError" || code.startsWith("ERR_HTTP2") || code.startsWith("UND_ERR_"))
    return "protocol_error";
  if (CERTIFICATE.test(code)) return "tls_error";
  return "connection_failed";
}
