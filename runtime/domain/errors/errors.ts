import { defined } from "../defined.ts";
/**
 * The one catalog of errors a caller can meet. Every refusal anywhere in the platform is a `TriggersError` whose code
 * stands here; one function per transport turns it into an answer. docs/errors.md is generated from this table.
 */

/** One entry: HTTP status, whether trying again can help, when it is given, and what the caller should do. */
export interface ErrorEntry {
  readonly status: number;
  readonly retryable: boolean;
  readonly when: string;
  readonly remedy: string;
}

const entry = (status: number, when: string, remedy: string, retryable = false): ErrorEntry => ({
  status,
  retryable,
  when,
  remedy,
});

export const errorCatalog = {
  invalid_json: entry(
    400,
    "The body is not valid JSON: a syntax error, a repeated member name, or bytes that are not UTF-8.",
    "Correct the body at the position given in the message.",
  ),
  invalid_event: entry(
    400,
    "An event is not a JSON object, is nested deeper than 64 levels, or has a bad `event_type`; or the array is empty.",
    "Send one JSON object, or an array of 1 to 1,000 of them.",
  ),
  too_many_events: entry(400, "The array holds more than 1,000 events.", "Split it over several requests."),
  schema_violation: entry(
    400,
    "An event breaks the JSON Schema that is registered for its event type.",
    "Correct the members named in `details`, or change the schema at `PUT /event-types/{type}`.",
  ),
  invalid_request: entry(
    400,
    "A parameter, cursor, header or body member is missing, unknown, or out of range.",
    "Correct what `details` names.",
  ),
  unauthorized: entry(
    401,
    "The API key is missing, malformed, unknown, revoked or expired.",
    "Send `Authorization: Bearer <api key>` with a key that is active.",
  ),
  forbidden: entry(
    403,
    "The key lacks the scope this call needs.",
    "Use a key with that scope, or create one at `POST /keys`.",
  ),
  origin_forbidden: entry(
    403,
    "A key with `allowed_origins` was used from another origin, or outside of a web page.",
    "Call from a page of one of its origins, or use a key without `allowed_origins` on a server.",
  ),
  cross_site: entry(
    403,
    "A change was asked for through the console by another site's page, or without the header `x-triggers-console: 1`.",
    "Make it on the console's own pages, or call the API with a key.",
  ),
  sign_in_again: entry(
    403,
    "This request needs a sign-in that is at most five minutes old.",
    "Sign in again, then repeat the request.",
  ),
  not_found: entry(404, "There is no such route, or no such object for this customer.", "Check the path and the id."),
  method_not_allowed: entry(405, "The route exists, but not with this method.", "Use a method listed in `Allow`."),
  idempotency_conflict: entry(
    409,
    "The `Idempotency-Key` was used before with another body.",
    "Use a new key for a new request; repeat a request with its own body.",
  ),
  idempotency_in_flight: entry(
    409,
    "The first request with this `Idempotency-Key` is still being processed.",
    "Repeat after the time in `Retry-After`.",
    true,
  ),
  webhook_url_taken: entry(
    409,
    "Another active subscription of this customer has the same `webhook_url`.",
    "Change that subscription, or use another URL.",
  ),
  conflict: entry(
    409,
    "The object's state does not allow this, or another request changed it first.",
    "Read the object again and repeat the change.",
  ),
  precondition_failed: entry(
    412,
    "The object has changed since the version named in `If-Match`.",
    "Read it again and repeat the change with the new `ETag`.",
  ),
  payload_too_large: entry(
    413,
    "The body exceeds 1,000,000 bytes, encoded or decoded.",
    "Split it over several requests.",
  ),
  unsupported_media_type: entry(
    415,
    "`Content-Type` is not JSON, or `Content-Encoding` is not gzip, zstd or identity.",
    "Send JSON with `Content-Type: application/json`.",
  ),
  unprocessable: entry(
    422,
    "The request has the right form, but can't be carried out.",
    "Read the message and change the request.",
  ),
  too_many_hops: entry(
    422,
    "The events have returned from webhooks of the platform to `POST /events` more than four times.",
    "Find the subscription whose webhook leads back to `POST /events`, and narrow its selector or remove it.",
  ),
  limit_reached: entry(
    422,
    "The customer has reached the limit for these objects.",
    "Remove some, or wait until one has ended. docs/limits.md lists the limits.",
  ),
  invalid_selector: entry(
    422,
    "The event selector does not parse, has a type error, or is too costly.",
    "Correct it at the position given in `details`.",
  ),
  unknown_reference_table: entry(
    422,
    "The subscription's `enrich` names a reference table that does not exist.",
    "Create the table at `PUT /reference-tables/{name}` first, or correct its name.",
  ),
  invalid_schema: entry(
    422,
    "The document is not a JSON Schema (2020-12) that can be compiled within bounds, or refers to a remote schema.",
    "Correct what the message names.",
  ),
  invalid_header: entry(
    422,
    "A custom header has a reserved name or an invalid value.",
    "Rename it: `host`, `content-*`, `webhook-*`, `triggers-*` and hop-by-hop headers are reserved.",
  ),
  webhook_url_forbidden: entry(
    422,
    "The webhook URL is not public https.",
    "Give an https URL whose host resolves to public addresses.",
  ),
  uri_too_long: entry(414, "The URL exceeds 8,192 bytes.", "Send long filters in parts, or read on by `cursor` alone."),
  headers_too_large: entry(494, "The headers exceed 32,768 bytes.", "Send fewer or shorter headers."),
  request_timeout: entry(
    408,
    "Headers or body did not arrive in time.",
    "Send the request again on a connection that is fast enough.",
    true,
  ),
  rate_limited: entry(
    429,
    "The rate limit is used up: events per second of the customer or the key, or requests per second of the key.",
    "Repeat after the time in `Retry-After`.",
    true,
  ),
  internal: entry(
    500,
    "The platform had an unexpected fault.",
    "Repeat the request. If it fails again, send us the `request_id`.",
    true,
  ),
  bad_gateway: entry(
    502,
    "A part of the platform gave no valid answer. The change may or may not have been made.",
    "Repeat after the time in `Retry-After`, with the same `Idempotency-Key` where something is created.",
    true,
  ),
  gateway_timeout: entry(
    504,
    "A part of the platform did not answer in time. The change may or may not have been made.",
    "Repeat after the time in `Retry-After`, with the same `Idempotency-Key` where something is created.",
    true,
  ),
  unavailable: entry(
    503,
    "A part of the platform can't be reached or is too slow. Nothing was accepted, unless the message says that this is unknown.",
    "Repeat after the time in `Retry-After`.",
    true,
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalog;

/** One thing wrong in a request: `index` of the event where there are several, `path` as a JSON Pointer. */
export interface ErrorDetail {
  readonly index?: number;
  readonly path?: string;
  readonly code?: string;
  readonly message: string;
  readonly [more: string]: unknown;
}

export interface ErrorBody {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly details?: readonly ErrorDetail[];
    readonly request_id: string;
    readonly docs: string;
  };
}

/** A refusal with a code of the catalog. `headers` go with the answer (`Retry-After`, `Allow`). */
export class TriggersError extends Error {
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: readonly ErrorDetail[]; headers?: Readonly<Record<string, string>>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TriggersError";
    this.code = code;
    this.details = options.details;
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return errorCatalog[this.code].status;
  }

  get retryable(): boolean {
    return errorCatalog[this.code].retryable;
  }
}

/** For every request without a valid key, one message. */
export const unauthorized = (): TriggersError =>
  new TriggersError("unauthorized", "The API key is missing or not valid.", {
    headers: { "www-authenticate": "Bearer" },
  });

/** For an object that is missing, and for one of another customer's: both are answered alike. @param what in words: `alert rule` */
export const noSuch = (what: string, id: string): TriggersError =>
  new TriggersError("not_found", `There is no ${what} ${id}.`);

/** @param allow what is possible there */
export function wrongMethod(method: string, allow: Iterable<string>): TriggersError {
  const named = [...allow].sort().join(", ");
  return new TriggersError("method_not_allowed", `${method} is not possible here, only ${named}.`, {
    headers: { allow: named },
  });
}

/** For a body that is JSON and yet not what its call takes. @param details where, and what is wrong there */
export const invalidBody = (...details: readonly ErrorDetail[]): TriggersError =>
  new TriggersError("invalid_request", "The body is not valid.", { details });

/** Anything thrown, as a `TriggersError`: what is not ours becomes `internal`, its text kept in `cause` alone. */
export function asTriggersError(thrown: unknown): TriggersError {
  if (thrown instanceof TriggersError) return thrown;
  return new TriggersError("internal", "The platform failed to process this request.", { cause: thrown });
}

/** The body of an error answer. docs/errors.md shows it to customers. */
export function errorBody(error: TriggersError, requestId: string): ErrorBody {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...defined({ details: error.details }),
      request_id: requestId,
      docs: `/docs/errors#${error.code}`,
    },
  };
}

/** The one place where an error becomes HTTP: status, headers and body. */
export function errorResponse(
  thrown: unknown,
  requestId: string,
): { status: number; headers: Record<string, string>; body: string } {
  const error = asTriggersError(thrown);
  return {
    status: error.status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-request-id": requestId,
      ...error.headers,
    },
    body: JSON.stringify(errorBody(error, requestId)),
  };
}
