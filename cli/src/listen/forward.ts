import { request } from "node:http";
import { request as secureRequest } from "node:https";

/** A post as the platform made it: its headers and its exact body. */
export interface Post {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What came of handing a post on. */
export type Outcome =
  | { readonly kind: "answered"; readonly status: number; readonly ms: number }
  /** It listened, and then gave no answer in time or broke off. */
  | { readonly kind: "broken"; readonly why: string; readonly ms: number }
  /** Nobody listens there: nothing was handed on. */
  | { readonly kind: "absent" };

/** As long as the platform itself would wait. */
const TIMEOUT_MS = 10_000;
const ABSENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH"]);

/** Hands a post on, headers and body as they are. Never rejects. */
export function forward(target: URL, { headers, body }: Post): Promise<Outcome> {
  const began = performance.now();
  const ms = () => Math.round(performance.now() - began);
  const bytes = Buffer.from(body);
  return new Promise((resolve) => {
    const open = target.protocol === "https:" ? secureRequest : request;
    const outgoing = open(
      target,
      {
        method: "POST",
        headers: { ...headers, "content-length": bytes.length },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      (answer) => {
        answer.resume();
        answer.on("error", () => resolve({ kind: "broken", why: "it broke off its answer", ms: ms() }));
        answer.on("end", () => resolve({ kind: "answered", status: answer.statusCode ?? 0, ms: ms() }));
      },
    );
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      // A name may have several addresses: then the error is one over all of them.
      const codes = [error.code, ...((error as AggregateError).errors ?? []).map(({ code }) => code)];
      if (codes.some((code) => ABSENT.has(code))) return resolve({ kind: "absent" });
      const why =
        error.name === "AbortError" || error.name === "TimeoutError" ? "no answer within 10 s" : error.message;
      resolve({ kind: "broken", why, ms: ms() });
    });
    outgoing.end(bytes);
  });
}
