import { TriggersError } from "../errors/errors.ts";
import type { Identity, Scope } from "./identity.ts";

/**
 * Keys that web pages hold (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol).
 *
 * Invariant: an answer lets a page read it only if a key that names the page's origin asked. A reader of a page holds
 * its key, so such a key may do no more than send events, and works from its origins alone.
 */
export const BROWSER_SCOPE: Scope = "events:write";
/** The routes that need no other scope. */
const BROWSER_PATHS = new Set(["/events", "/events/dry-run"]);
const PREFLIGHT_SECONDS = 600;

/**
 * The answer to `OPTIONS`. It comes without a key, so all pages get the same answer about what they may try. Whether a call succeeds
 * depends on its key.
 * @param methods that are possible at the path
 */
export function preflightHeaders(
  path: string,
  methods: readonly string[],
  origin: string | undefined,
): Record<string, string> {
  const allow = [...new Set([...methods, "OPTIONS"])].sort().join(", ");
  if (origin === undefined || !BROWSER_PATHS.has(path)) return { allow };
  return {
    allow,
    "access-control-allow-origin": origin,
    "access-control-allow-methods": methods.join(", "),
    "access-control-allow-headers": "authorization, content-type, content-encoding, idempotency-key, traceparent",
    "access-control-max-age": String(PREFLIGHT_SECONDS),
    vary: "origin",
  };
}

/**
 * What lets the page read the answer; none for keys that are kept on servers.
 * @throws TriggersError `origin_forbidden`
 */
export function originHeaders(identity: Identity, origin: string | undefined): Record<string, string> {
  const { allowed_origins: allowed } = identity;
  if (allowed === undefined) return {};
  if (origin === undefined || !allowed.includes(origin)) {
    throw new TriggersError(
      "origin_forbidden",
      origin === undefined
        ? "This key works in the pages of its `allowed_origins` only; the request has no `Origin`."
        : `This key does not work from the origin ${JSON.stringify(origin.slice(0, 200))}.`,
    );
  }
  return {
    "access-control-allow-origin": origin,
    "access-control-expose-headers":
      "x-request-id, ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after, idempotency-replayed",
    vary: "origin",
  };
}

/** Whether the text is an origin as browsers write it: scheme, host, and a port that is not the scheme's own. No pattern. */
export function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { origin, protocol } = new URL(text);
  return (protocol === "https:" || protocol === "http:") && origin === text && !text.includes("*");
}
