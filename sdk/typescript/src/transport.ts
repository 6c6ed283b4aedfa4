import { TriggersConnectionError, TriggersError } from "./errors.ts";
import type { parseLossless, writeLossless } from "./lossless.ts";

/** Settings of a client. */
export interface TriggersOptions {
  /** `trg_<live|sandbox>_…`. @default the variable TRIGGERS_API_KEY, where there is an environment */
  readonly apiKey?: string;
  /** Of the platform. @default the variable TRIGGERS_URL, or the platform on this machine */
  readonly url?: string;
  /** For one attempt, answer included; milliseconds. @default 30_000 */
  readonly timeoutMs?: number;
  /** Attempts after the first. @default 4 */
  readonly retries?: number;
  /** Longest wait before another attempt, in milliseconds: where more is asked for, the request is not repeated. @default 60_000 */
  readonly maxWaitMs?: number;
  /** Numbers keep every digit: integers beyond 2^53 are bigints, longer decimals `LosslessNumber`s. @default false */
  readonly lossless?: boolean;
  /** In place of the global `fetch`: one that goes through a proxy, or that is instrumented. */
  fetch?(url: string, init: RequestInit): Promise<Response>;
  /** Secrets for `verify`, `whsec_…`. */
  readonly webhookSecrets?: string | readonly string[];
}

/** Settings of one call. */
export interface CallOptions {
  /** Ends the call at once, waits between attempts included. Its reason is what the call rejects with. */
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly retries?: number | undefined;
  /** 1 to 255 printable ASCII characters. @default a new one for every call that creates or starts something */
  readonly idempotencyKey?: string | undefined;
}

/** One call of the API, as it is sent. */
export interface Outgoing extends CallOptions {
  readonly method: string;
  /** Below the platform's URL, with its query. */
  readonly path: string;
  /** JSON text. */
  readonly text?: string | undefined;
  /** @default application/json */
  readonly accept?: string | undefined;
}

const DEFAULT_URL = "http://127.0.0.1:8080";
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

/** Answers after which the same request may succeed. 409 only while the first request with its key is still at work. */
const RETRYABLE = new Set([408, 429, 500, 502, 503, 504]);

const environment = (name: string): string | undefined => {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.[name] || undefined;
};

/** @throws signal.reason */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** `Retry-After` (RFC 9110, 10.2.3), in milliseconds: seconds, or a date. */
function retryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** Calls the API: writes and reads JSON, waits and repeats, and turns refusals into errors. */
export class Transport {
  /** Without a slash at the end. */
  readonly url: string;
  readonly #options: TriggersOptions;
  readonly #apiKey: string;
  #lossless: { parseLossless: typeof parseLossless; writeLossless: typeof writeLossless } | undefined;

  /** @throws TypeError without a key, or with an address that is none */
  constructor(options: TriggersOptions) {
    this.#options = options;
    this.url = (options.url || environment("TRIGGERS_URL") || DEFAULT_URL).replace(/\/+$/, "");
    if (!/^https?:\/\//.test(this.url) || !URL.canParse(this.url))
      throw new TypeError(`${this.url} is no address: write https://triggers.example.com, or ${DEFAULT_URL}.`);
    const key = options.apiKey || environment("TRIGGERS_API_KEY");
    if (key === undefined) throw new TypeError("Give an apiKey, or set the variable TRIGGERS_API_KEY.");
    this.#apiKey = key;
  }

  /** Value as JSON text. */
  async write(value: unknown): Promise<string> {
    return this.#options.lossless ? (await this.#numbers()).writeLossless(value) : JSON.stringify(value);
  }

  /** JSON text as a value. @throws SyntaxError */
  async read(text: string): Promise<unknown> {
    return this.#options.lossless ? (await this.#numbers()).parseLossless(text) : JSON.parse(text);
  }

  async #numbers() {
    this.#lossless ??= await import("./lossless.ts");
    return this.#lossless;
  }

  /** @returns the answer's body: JSON as a value, anything else as text @throws TriggersError, TriggersConnectionError, signal.reason */
  async send(call: Outgoing): Promise<unknown> {
    const retries = call.retries ?? this.#options.retries ?? 4;
    const maxWaitMs = this.#options.maxWaitMs ?? 60_000;
    // One for all attempts: a request accepted before a connection broke is not accepted twice.
    const key = call.idempotencyKey ?? (call.method === "POST" ? crypto.randomUUID() : undefined);
    for (let attempt = 0; ; attempt += 1) {
      const failure = await this.#attempt(call, key);
      if ("value" in failure) return failure.value;
      const { error, again, afterMs } = failure;
      // Full jitter: callers that failed together don't come back together.
      const ceiling = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
      const wait = (afterMs ?? 0) + Math.random() * (afterMs === undefined ? ceiling : FIRST_PAUSE_MS);
      if (!again || attempt >= retries || wait > maxWaitMs) throw error;
      await pause(wait, call.signal);
    }
  }

  async #attempt(
    call: Outgoing,
    key: string | undefined,
  ): Promise<{ value: unknown } | { error: Error; again: boolean; afterMs: number | undefined }> {
    call.signal?.throwIfAborted();
    const timeoutMs = call.timeoutMs ?? this.#options.timeoutMs ?? 30_000;
    const timeout = AbortSignal.timeout(timeoutMs);
    let response: Response;
    let text: string;
    try {
      response = await (this.#options.fetch ?? fetch)(`${this.url}${call.path}`, {
        method: call.method,
        headers: {
          authorization: `Bearer ${this.#apiKey}`,
          accept: call.accept ?? "application/json",
          ...(call.text === undefined ? {} : { "content-type": "application/json" }),
          ...(key === undefined ? {} : { "idempotency-key": key }),
        },
        signal: call.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
        // A redirect is a refusal. Not "error": workers know no such mode.
        redirect: "manual",
        ...(call.text === undefined ? {} : { body: call.text }),
      });
      text = await response.text();
    } catch (cause) {
      call.signal?.throwIfAborted();
      const error = timeout.aborted
        ? new TriggersConnectionError("timeout", `No answer within ${timeoutMs} ms.`, cause, key)
        : new TriggersConnectionError("connection", `${new URL(this.url).host} can't be reached.`, cause, key);
      return { error, again: true, afterMs: undefined };
    }
    if (response.ok) {
      const json = /\bjson\b/.test(response.headers.get("content-type") ?? "");
      return { value: text === "" ? undefined : json ? await this.read(text) : text };
    }
    const afterMs = retryAfter(response.headers);
    const error = this.#refusal(response, text, afterMs, key);
    const again = RETRYABLE.has(response.status) || error.code === "idempotency_in_flight";
    return { error, again, afterMs };
  }

  #refusal(
    response: Response,
    text: string,
    retryAfterMs: number | undefined,
    idempotencyKey: string | undefined,
  ): TriggersError {
    const { status } = response;
    const requestId = response.headers.get("x-request-id") ?? undefined;
    try {
      const { error } = JSON.parse(text);
      return new TriggersError(error.code, error.message, {
        status,
        details: error.details,
        requestId: error.request_id ?? requestId,
        docs: typeof error.docs === "string" ? new URL(error.docs, `${this.url}/`).href : undefined,
        retryAfterMs,
        idempotencyKey,
      });
    } catch {
      // Something between here and the platform answered: a proxy, a load balancer.
      const code = status === 429 ? "rate_limited" : status >= 500 ? "unavailable" : "invalid_request";
      const what = text === "" ? "" : `: ${text.slice(0, 200)}`;
      // Browsers tell no more of a redirect than that it was one.
      const message =
        response.type === "opaqueredirect"
          ? `${new URL(this.url).host} sends elsewhere, which is not followed: give the address of the platform itself.`
          : `The answer ${status} is not the platform's${what}`;
      return new TriggersError(code, message, { status, requestId, retryAfterMs, idempotencyKey });
    }
  }
}
