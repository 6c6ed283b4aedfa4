import { defined } from "../../../runtime/domain/defined.ts";
/** The demo's HTTP client: JSON over `fetch`, patient with rate limits. */

export class ApiClient {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  /** The answer's text; waits and tries again on 429. @throws Error with status and text for any other refusal */
  async text(method: string, path: string, body?: string): Promise<string> {
    for (;;) {
      const response = await fetch(this.#url + path, {
        method,
        headers: {
          authorization: `Bearer ${this.#key}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...defined({ body }),
      });
      const text = await response.text();
      if (response.ok) return text;
      if (response.status !== 429) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      await pause(Number(response.headers.get("retry-after") ?? 1) * 1_000);
    }
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    return JSON.parse(await this.text(method, path, body === undefined ? undefined : JSON.stringify(body))) as T;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks every 200 ms until `done` says so. @returns whether it did within `ms` milliseconds */
export async function until(ms: number, done: () => Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + ms; ; await pause(200)) {
    if (await done()) return true;
    if (Date.now() > end) return false;
  }
}
