/**
 * Endpoints of the built-in receiver that misbehave on purpose. All are recorded like any other. What follows in the
 * path tells several of them apart: `/script/fail/2/a` and `/script/fail/2/b` count by themselves.
 *
 *   /script/status/<code>            answers with the status, always: /script/status/410
 *   /script/fail/<n>[/<status>]      the first n requests fail (500 unless given), the next are 200
 *   /script/retry-after/<s>[/<status>]  the first request gets the status (429 unless given) with `Retry-After: <s>`, the next 200
 *   /script/slow/<ms>                answers 200 after so many milliseconds
 *   /script/hang                     never answers
 *   /script/drip                     sends the headers of a 200, then one byte a second, for ever
 *   /script/reset                    resets the connection once the request has arrived
 *   /script/huge[/<megabytes>]       200 with a body of so many megabytes (100 unless given)
 *   /script/redirect                 302 to `/redirected`
 */
import type { ServerResponse } from "node:http";
import { pipeline, Readable } from "node:stream";

const MEGABYTE = Buffer.alloc(1024 * 1024, "x");

const seen = new Map<string, number>();
const count = (path: string): number => {
  const times = (seen.get(path) ?? 0) + 1;
  seen.set(path, times);
  return times;
};

/** Forgets how often each endpoint was called. */
export const resetScripts = (): void => seen.clear();

const plain = (response: ServerResponse, status: number, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { "content-type": "text/plain", ...headers }).end(`${status}\n`);
};

/** Answers a path below `/script/`. @returns false when there is no such script */
export function runScript(path: string, response: ServerResponse): boolean {
  const [, , name, first, second] = path.split("/");
  switch (name) {
    case "status":
      plain(response, Number(first));
      return true;
    case "fail":
      plain(response, count(path) <= Number(first) ? Number(second) || 500 : 200);
      return true;
    case "retry-after":
      if (count(path) > 1) plain(response, 200);
      else plain(response, Number(second) || 429, { "retry-after": String(first) });
      return true;
    case "slow":
      setTimeout(() => plain(response, 200), Number(first));
      return true;
    case "hang":
      return true;
    case "drip": {
      response.writeHead(200, { "content-type": "text/plain" });
      response.flushHeaders();
      const timer = setInterval(() => response.write("."), 1_000);
      response.on("close", () => clearInterval(timer));
      return true;
    }
    case "reset":
      response.socket?.resetAndDestroy();
      return true;
    case "huge": {
      const pieces = Array.from({ length: Number(first) || 100 }, () => MEGABYTE);
      response.writeHead(200, { "content-type": "text/plain" });
      pipeline(Readable.from(pieces), response, () => {});
      return true;
    }
    case "redirect":
      plain(response, 302, { location: "/redirected" });
      return true;
    default:
      return false;
  }
}
