/** The demo's HTTP client: JSON over `fetch`, patient with rate limits. */
import { setTimeout as pause } from "node:timers/promises";
import { defined } from "../../../runtime/domain/defined.ts";

export class ApiClient {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  /** Any answer but 429, on which it waits and tries again. */
  async answer(method: string, path: string, body?: string): Promise<{ status: number; text: string }> {
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
      if (response.status !== 429) return { status: response.status, text };
      await pause(Number(response.headers.get("retry-after") ?? 1) * 1_000);
    }
  }

  /** The answer's text. @throws Error with status and text for a refusal */
  async text(method: string, path: string, body?: string): Promise<string> {
    const { status, text } = await this.answer(method, path, body);
    if (status < 200 || status > 299) throw new Error(`${method} ${path}: ${status} ${text}`);
    return text;
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    return JSON.parse(await this.text(method, path, body === undefined ? undefined : JSON.stringify(body))) as T;
  }
}

/** Asks every 200 ms until `done` says so. @returns whether it did within `ms` milliseconds */
export async function until(ms: number, done: () => Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + ms; ; await pause(200)) {
    if (await done()) return true;
    if (Date.now() > end) return false;
  }
}
