/**
 * What a browser sees of the documentation while that is being built: a page that says so, and that gives way by itself. Programs, which
 * can do nothing with it, wait for what they asked for.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { own } from "../byName.ts";
import type { GeneratedResponse, ViewerRequest } from "../cloudfront/viewerFunction.ts";

/** Nobody is shown a page for less than that. */
const PATIENCE_MS = 3_000;
const PAGE = /^\/docs(\/(?!answers\/)[\w/-]*)?$/;
const here = join(import.meta.dirname, "waiting");
const pages = join(import.meta.dirname, "../../docs/site/public");

const files: Readonly<Record<string, readonly [file: string, contentType: string]>> = {
  "/docs/waiting.js": [join(here, "waiting.js"), "text/javascript; charset=utf-8"],
  "/docs/waiting.css": [join(pages, "missing.css"), "text/css; charset=utf-8"],
  "/docs/waiting.svg": [join(pages, "favicon.svg"), "image/svg+xml"],
};

const answered = (status: number, file: string, contentType: string, more = {}): GeneratedResponse => ({
  status,
  headers: { "content-type": contentType, "cache-control": "no-store", ...more },
  body: readFileSync(file),
});

/**
 * @param built resolves when the documentation is there; asking builds it
 * @returns undefined for what the distribution answers itself
 */
export async function waitingAnswer(
  { method, uri, headers }: Pick<ViewerRequest, "method" | "uri" | "headers">,
  built: () => Promise<void>,
): Promise<GeneratedResponse | undefined> {
  if (method !== "GET") return undefined;
  const file = own(files, uri);
  if (file !== undefined) return answered(200, ...file);
  if (!PAGE.test(uri) || headers.get("sec-fetch-mode") !== "navigate") return undefined;
  const stopped = new AbortController();
  const late = pause(PATIENCE_MS, true, { signal: stopped.signal }).catch(() => false);
  const waits = await Promise.race([built().then(() => false), late]);
  stopped.abort();
  if (!waits) return undefined;
  return answered(503, join(here, "page.html"), "text/html; charset=utf-8", { "retry-after": "3" });
}
