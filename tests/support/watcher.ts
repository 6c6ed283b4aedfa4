/** Somebody who watches a customer live, over a real socket. */
import WebSocket from "ws";

export interface Told {
  readonly channel?: string;
  readonly event_id?: string;
  readonly skipped?: number;
  readonly [member: string]: unknown;
}

export class Watcher {
  readonly told: { readonly at: number; readonly message: Told }[] = [];
  closed: { readonly code: number } | undefined;
  private readonly socket: WebSocket;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) =>
      this.told.push({ at: performance.now(), message: JSON.parse(String(data)) as Told }),
    );
    socket.on("close", (code) => {
      this.closed = { code };
    });
  }

  say(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  of(channel: string): Told[] {
    return this.told.map(({ message }) => message).filter((message) => message.channel === channel);
  }

  /** The first message that passes. @throws Error after so many ms, with all that came */
  async until(what: string, passes: (message: Told) => boolean, ms = 20_000): Promise<Told> {
    const end = Date.now() + ms;
    for (;;) {
      const found = this.told.find(({ message }) => passes(message));
      if (found !== undefined) return found.message;
      if (Date.now() > end) throw new Error(`no ${what}, but ${JSON.stringify(this.told.slice(-5))}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async subscribe(message: Readonly<Record<string, unknown>>): Promise<void> {
    this.say(message);
    await this.until(`answer to ${JSON.stringify(message)}`, ({ subscribed }) => subscribed === message.subscribe);
  }

  close(): void {
    this.socket.close();
  }
}

/**
 * Resolves with the socket once it is open.
 * @throws Error where the handshake is refused, with its status
 */
export const openSocket = (url: string, headers: Readonly<Record<string, string>> = {}): Promise<Watcher> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers });
    const watcher = new Watcher(socket);
    socket.on("open", () => resolve(watcher));
    socket.on("unexpected-response", (_, { statusCode }) =>
      reject(new Error(`the handshake was refused: ${statusCode}`)),
    );
    socket.on("error", reject);
  });
