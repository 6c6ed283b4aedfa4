/**
 * The built-in webhook receiver: takes any method and path, verifies nothing, and keeps what came last.
 *   GET    /requests[?path=&since=]  { "requests": [{ "received_at", "method", "path", "headers", "body" }] }
 *   DELETE /requests                 forgets them
 *   /script/…                        endpoints that misbehave on purpose, see `scripts.ts`
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "../../listen.ts";
import { isOwnHost } from "../../ownHost.ts";
import { resetScripts, runScript } from "./scripts.ts";
import { RequestStore } from "./store.ts";

export interface ReceiverServer {
  readonly port: number;
  close(): Promise<void>;
}

function show(request: IncomingMessage, response: ServerResponse, store: RequestStore): void {
  const url = new URL(request.url as string, "http://localhost");
  let body: string;
  try {
    body = store.json(url.searchParams.get("path"), url.searchParams.get("since"));
  } catch (cause) {
    response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ error: String(cause) }));
    return;
  }
  response.writeHead(200, { "content-type": "application/json" }).end(body);
}

const NO_WEB_PAGES = "Requests are shown to this machine alone: ask 127.0.0.1, not another name.\n";
const ASKS = '"triggers.channel.challenge"';

/** What a channel for alerts is asked, before it is used. */
function challengeIn(chunks: readonly Buffer[]): string | undefined {
  const [body] = chunks;
  if (body === undefined || chunks.length > 1 || body.length > 500 || !body.includes(ASKS)) return undefined;
  try {
    return (JSON.parse(body.toString("utf8")) as { challenge?: string }).challenge;
  } catch {
    return undefined;
  }
}

/** @param port tried first; when it is taken, or 0, any free one */
export async function startReceiverServer(port: number): Promise<ReceiverServer> {
  const store = new RequestStore();
  const server = createServer({ keepAliveTimeout: 65_000, noDelay: true }, (request, response) => {
    const target = request.url as string;
    const path = target.split("?")[0] as string;
    if (path === "/requests" && !isOwnHost(request.headers.host)) {
      response.writeHead(403, { "content-type": "text/plain" }).end(NO_WEB_PAGES);
      return;
    }
    if (path === "/requests" && request.method === "GET") return show(request, response, store);
    if (path === "/requests" && request.method === "DELETE") {
      store.clear();
      resetScripts();
      response.writeHead(204).end();
      return;
    }
    const received_at = new Date().toISOString();
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => response.destroy());
    request.on("end", () => {
      store.add({
        received_at,
        method: request.method as string,
        path: target,
        headers: request.headers as Record<string, string>,
        body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks),
      });
      if (path.startsWith("/script/") && runScript(path, response)) return;
      const challenge = challengeIn(chunks);
      if (challenge !== undefined) {
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ challenge }));
        return;
      }
      response.writeHead(200, { "content-type": "text/plain", "content-length": "3" }).end("ok\n");
    });
  });
  const taken = await listen(server, port);
  return {
    port: taken,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
