import { MINUTE_MS } from "../../runtime/domain/time.ts";

/** What pages ask of the platform: through the console's own function, under the session's cookie, for one side of the customer. */

export type Environment = "live" | "sandbox";

export const otherSide = (env: Environment): Environment => (env === "live" ? "sandbox" : "live");

export interface ErrorDetail {
  readonly index?: number;
  readonly path?: string;
  readonly message: string;
}

/** A refusal, as the platform words it. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: readonly ErrorDetail[];
  readonly requestId: string | undefined;
  readonly docs: string | undefined;

  constructor(
    status: number,
    error: { code: string; message: string; details?: readonly ErrorDetail[]; request_id?: string; docs?: string },
  ) {
    super(error.message);
    this.name = "ApiError";
    this.status = status;
    this.code = error.code;
    this.details = error.details ?? [];
    this.requestId = error.request_id;
    this.docs = error.docs;
  }
}

export interface CallOptions {
  readonly env?: Environment | undefined;
  /** An object is sent as JSON, a text as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
  /** No payload comes, so none counts as looked at. */
  readonly withoutPayloads?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Told when a call finds that the session has ended. */
let ended: () => void = () => {};
export const onSessionEnd = (tell: () => void): void => {
  ended = tell;
};

/** The platform answers within 30 s, or says that it can't. What has not come by then is on a line that was cut, or was asked before the machine slept. */
const PATIENCE_MS = MINUTE_MS;

const unreachable = (message: string): ApiError => new ApiError(0, { code: "unreachable", message });

/** A header's text as the bytes that other clients send for it. As letters a browser takes no others than those of Latin-1, and the platform is to say what it takes. */
const asBytes = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

/** One call as it is; a refusal is an answer too. @param path under `/console` @throws ApiError of status 0 when there is no answer */
export async function send(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const { env, body, headers = {}, signal, withoutPayloads } = options;
  const all: Record<string, string> = { "x-triggers-console": "1", accept: "application/json" };
  if (env !== undefined) all["x-triggers-environment"] = env;
  if (withoutPayloads === true) all["x-triggers-without-payloads"] = "1";
  if (body !== undefined) all["content-type"] = "application/json";
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) all[name] = asBytes(value);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(unreachable("The platform has not answered for a minute.")), PATIENCE_MS);
  const asked = async (): Promise<[Response, string]> => {
    const response = await fetch(`/console${path}`, {
      method,
      headers: all,
      credentials: "same-origin",
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
    });
    return [response, await response.text()];
  };
  const [response, text] = await asked()
    .catch((cause: unknown) => {
      if (cause instanceof ApiError || (cause as Error).name === "AbortError") throw cause;
      throw unreachable("The platform can't be reached. Is it running?");
    })
    .finally(() => clearTimeout(timer));
  if (response.status === 401 && path !== "/session") ended();
  return { status: response.status, headers: response.headers, text };
}

const errorOf = ({ status, text }: Answer): ApiError => {
  try {
    const { error } = JSON.parse(text) as { error: ConstructorParameters<typeof ApiError>[1] };
    return new ApiError(status, error);
  } catch {
    return new ApiError(status, {
      code: "unavailable",
      message: `The platform answered ${status} without saying why.`,
    });
  }
};

/** The answer's text. @throws ApiError */
export async function callText(method: string, path: string, options: CallOptions = {}): Promise<string> {
  const answer = await send(method, path, options);
  if (answer.status >= 400) throw errorOf(answer);
  return answer.text;
}

/** The answer's JSON. @param path of the API, `/inbox` @throws ApiError */
export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const text = await callText(method, `/api${path}`, options);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** A query string of the given members; lists repeat. */
export function queryOf(values: Readonly<Record<string, string | number | readonly string[] | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === "") continue;
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

interface ExactJson {
  rawJSON?: (text: string) => object;
}

/** JSON laid out to read, its numbers as they are written: no digit is lost. */
export function pretty(text: string): string {
  try {
    const { rawJSON } = JSON as ExactJson;
    const keep = (_: string, value: unknown, context?: { source?: string }) =>
      typeof value === "number" && rawJSON !== undefined && context?.source !== undefined
        ? rawJSON.call(JSON, context.source)
        : value;
    return JSON.stringify(JSON.parse(text, keep as (key: string, value: unknown) => unknown), null, 2);
  } catch {
    return text;
  }
}

/** The text of one member of a JSON object, exactly as it came. */
export function memberText(text: string, name: string): string | undefined {
  const { rawJSON } = JSON as ExactJson;
  const value = JSON.parse(text, ((_: string, each: unknown, context?: { source?: string }) =>
    typeof each === "number" && rawJSON !== undefined && context?.source !== undefined
      ? rawJSON.call(JSON, context.source)
      : each) as (key: string, value: unknown) => unknown) as Record<string, unknown>;
  return value[name] === undefined ? undefined : JSON.stringify(value[name], null, 2);
}
