/** The last requests that the built-in receiver got, bounded by number and bytes; the oldest go first. */
import { isUtf8 } from "node:buffer";

export interface Received {
  /** RFC 3339 UTC with milliseconds. */
  readonly received_at: string;
  readonly method: string;
  /** Path with its query, as sent. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const REQUEST_LIMIT = 10_000;
const BYTE_LIMIT = 64 * 1024 * 1024;

export class RequestStore {
  #requests: Received[] = [];
  #bytes = 0;
  readonly #most: number;
  readonly #mostBytes: number;

  constructor(most = REQUEST_LIMIT, mostBytes = BYTE_LIMIT) {
    this.#most = most;
    this.#mostBytes = mostBytes;
  }

  add(request: Received): void {
    this.#requests.push(request);
    this.#bytes += request.body.length;
    if (this.#requests.length <= this.#most && this.#bytes <= this.#mostBytes) return;
    // A tenth at once, so that dropping stays cheap at thousands of requests a second.
    let drop = 0;
    while (drop < this.#requests.length - 1 && (drop < this.#most / 10 || this.#bytes > this.#mostBytes)) {
      this.#bytes -= (this.#requests[drop] as Received).body.length;
      drop += 1;
    }
    this.#requests = this.#requests.slice(drop);
  }

  clear(): void {
    this.#requests = [];
    this.#bytes = 0;
  }

  /**
   * `{ "requests": […] }`, oldest first. A body that is not UTF-8 stands in base64 with `"body_encoding": "base64"`.
   * @param path only requests whose path, without or with its query, is this one
   * @param since only requests received at this time or later, RFC 3339
   */
  json(path: string | null, since: string | null): string {
    const from = since === null ? "" : new Date(since).toISOString();
    const wanted = this.#requests.filter(
      (request) =>
        request.received_at >= from && (path === null || request.path === path || request.path.split("?")[0] === path),
    );
    const shown = wanted.map(({ body, ...rest }) =>
      isUtf8(body)
        ? { ...rest, body: body.toString("utf8") }
        : { ...rest, body: body.toString("base64"), body_encoding: "base64" },
    );
    return JSON.stringify({ requests: shown });
  }
}
