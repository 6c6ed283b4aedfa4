import type { components } from "./contract.ts";

type ErrorAnswer = components["schemas"]["Error"]["error"];

/** A code of the platform's error catalog. */
export type ErrorCode = ErrorAnswer["code"];
/** One thing wrong in a request: `index` of the event where there are several, `path` as a JSON Pointer. */
export type ErrorDetail = NonNullable<ErrorAnswer["details"]>[number];

/** The platform refused a request, with a code of its catalog. */
export class TriggersError<Code extends string = ErrorCode> extends Error {
  override readonly name: string = "TriggersError";
  /** Code of the catalog. A newer platform may know codes that this version of the SDK does not. */
  readonly code: Code;
  /** HTTP status. */
  readonly status: number;
  readonly details: readonly ErrorDetail[];
  /** Tell it to the operator of the platform. */
  readonly requestId: string | undefined;
  /** Where the code is explained, as an absolute URL. */
  readonly docs: string | undefined;
  /** What `Retry-After` said, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** What `Idempotency-Key` the request had: repeating it with the same one never makes a second event. */
  readonly idempotencyKey: string | undefined;

  constructor(
    code: Code,
    message: string,
    more: {
      readonly status: number;
      readonly details?: readonly ErrorDetail[] | undefined;
      readonly requestId?: string | undefined;
      readonly docs?: string | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly idempotencyKey?: string | undefined;
    },
  ) {
    super(message);
    this.code = code;
    this.status = more.status;
    this.details = more.details ?? [];
    this.requestId = more.requestId;
    this.docs = more.docs;
    this.retryAfterMs = more.retryAfterMs;
    this.idempotencyKey = more.idempotencyKey;
  }
}

/** No answer came: the connection failed, or the time was up. Whether a change was made is unknown. */
export class TriggersConnectionError extends Error {
  override readonly name: string = "TriggersConnectionError";
  readonly reason: "connection" | "timeout";
  /** Repeat the request with it, and no second event is made. */
  readonly idempotencyKey: string | undefined;

  constructor(reason: "connection" | "timeout", message: string, cause: unknown, idempotencyKey: string | undefined) {
    super(message, { cause });
    this.reason = reason;
    this.idempotencyKey = idempotencyKey;
  }
}

/**
 * Whether something thrown is the platform's refusal, with this code if one is given.
 * @example if (isTriggersError(error, "rate_limited")) wait(error.retryAfterMs);
 */
export function isTriggersError<Code extends ErrorCode>(
  thrown: unknown,
  ...codes: readonly Code[]
): thrown is TriggersError<Code> {
  return thrown instanceof TriggersError && (codes.length === 0 || (codes as readonly string[]).includes(thrown.code));
}
