import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import {
  type AddressInfo,
  connect,
  createServer as createWire,
  type Socket,
  type Server as WireServer,
} from "node:net";
import { defined } from "../../runtime/domain/defined.ts";

/** What goes wrong with one request on its way: the first fault with the first request, and so on. */
export interface Fault {
  /** Answered here, without the platform. */
  readonly answer?: number;
  readonly code?: string;
  /** In place of the platform's form of an error. */
  readonly text?: string;
  /** Seconds. */
  readonly retry_after?: number;
  /** Where a redirect leads. */
  readonly location?: string;
  /** The connection breaks before the platform has the request, or once it answered. */
  readonly cut?: "before" | "after";
  /** The platform's answer is held back until the caller is gone. */
  readonly late?: true;
  /** The platform's answer comes a byte at a time, this many seconds apart: each is in time, the whole is not. */
  readonly drops?: number;
}

/** A request as it came here. */
export interface Seen {
  readonly at: number;
  readonly key: string | undefined;
}

/** A way to the platform on which things go wrong as told, one path a case. */
export interface Detour {
  /** Address of a platform that has these faults. */
  way(name: string, faults: readonly Fault[]): string;
  seen(name: string): readonly Seen[];
  /** Breaks every connection of this way at once, or lets them through again. */
  breakOff(name: string, broken: boolean): void;
  close(): Promise<void>;
}

/** Answers of a platform that has too little of its machine, or that is still at work on the first try. */
const BUSY = new Set([409, 500, 502, 503, 504]);
const TRIES = 100;
const PAUSE_MS = 1_000;

const listen = async (server: WireServer): Promise<number> => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
};

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** @param target address of the platform */
export async function startDetour(target: string): Promise<Detour> {
  const ways = new Map<string, { readonly faults: Fault[]; readonly seen: Seen[]; broken: boolean }>();
  const agent = new Agent({ keepAlive: true });

  /** What goes wrong is told by the faults alone: a platform whose machine is too busy is asked again here. */
  async function pass(incoming: IncomingMessage, path: string, body: Buffer): Promise<[IncomingMessage, Buffer]> {
    const { host: _, ...headers } = incoming.headers;
    for (let tried = 1; ; tried += 1) {
      const outgoing = request(`${target}${path}`, { method: incoming.method, headers, agent });
      outgoing.end(body);
      const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
      const text = await bodyOf(answer);
      const atWork = answer.statusCode !== 409 || text.includes("idempotency_in_flight");
      if (!BUSY.has(answer.statusCode!) || !atWork || tried === TRIES) return [answer, text];
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = performance.now();
    const [, name = "", path = ""] = /^\/([^/]+)(\/.*)$/.exec(incoming.url!) ?? [];
    const way = ways.get(name)!;
    way.seen.push({ at, key: incoming.headers["idempotency-key"] as string | undefined });
    if (way.broken) return void incoming.socket.destroy();
    const fault = way.faults.shift();
    const body = await bodyOf(incoming);
    if (fault?.cut === "before") return void incoming.socket.destroy();
    if (fault?.answer !== undefined) {
      const json = { error: { code: fault.code, message: "for a test", request_id: "r", docs: "/docs/errors" } };
      response
        .writeHead(fault.answer, {
          "content-type": fault.text === undefined ? "application/json" : "text/html",
          ...defined({ location: fault.location }),
          ...(fault.retry_after === undefined ? {} : { "retry-after": String(fault.retry_after) }),
        })
        .end(fault.text ?? JSON.stringify(json));
      return;
    }
    const [answer, text] = await pass(incoming, path, body);
    if (fault?.cut === "after") return void incoming.socket.destroy();
    if (fault?.late === true) return;
    const { "transfer-encoding": _, connection: __, "content-length": ___, ...headers } = answer.headers;
    response.writeHead(answer.statusCode!, headers);
    if (fault?.drops !== undefined)
      for (const byte of text) {
        if (response.destroyed) return;
        response.write(Buffer.of(byte));
        await new Promise((resolve) => setTimeout(resolve, fault.drops! * 1_000));
      }
    response.end(fault?.drops === undefined ? text : undefined);
  }
  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(() => incoming.socket.destroy());
  });
  const port = await listen(server);
  return {
    way(name, faults) {
      ways.set(name, { faults: [...faults], seen: [], broken: false });
      return `http://127.0.0.1:${port}/${name}`;
    },
    seen: (name) => ways.get(name)!.seen,
    breakOff(name, broken) {
      ways.get(name)!.broken = broken;
    },
    async close() {
      agent.destroy();
      await close(server);
    },
  };
}

/** A proxy for http: by absolute addresses, or by CONNECT. `hosts` are those that were gone to. */
export async function startProxy(): Promise<{ url: string; hosts: string[]; close(): Promise<void> }> {
  const hosts: string[] = [];
  const server = createServer((incoming, response) => {
    hosts.push(incoming.headers.host!);
    const outgoing = request(incoming.url!, { method: incoming.method, headers: incoming.headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(outgoing);
  });
  server.on("connect", (incoming, socket) => {
    hosts.push(incoming.url!);
    const [host, port] = incoming.url!.split(":");
    const way = connect(Number(port), host!, () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      socket.pipe(way).pipe(socket);
    });
    way.on("error", () => socket.destroy());
    socket.on("error", () => way.destroy());
  });
  return { url: `http://127.0.0.1:${await listen(server)}`, hosts, close: () => close(server) };
}

/** A wire to the platform, handshakes and sockets included, that can be cut. */
export interface Wire {
  readonly url: string;
  /** `cut`: nothing passes. `no sockets`: requests pass, handshakes do not. */
  become(state: "whole" | "cut" | "no sockets"): void;
  close(): Promise<void>;
}

/** @param target address of the platform */
export async function startWire(target: string): Promise<Wire> {
  let state: Parameters<Wire["become"]>[0] = "whole";
  const ends = new Map<Socket, { isSocket: boolean }>();
  const server = createWire((near) => {
    if (state === "cut") return void near.destroy();
    const far = connect(Number(new URL(target).port), "127.0.0.1");
    const kind = { isSocket: false };
    ends.set(near, kind);
    near.once("data", (first: Buffer) => {
      kind.isSocket = first.toString("latin1").startsWith("GET /live?");
      if (kind.isSocket && state === "no sockets") return void near.destroy();
      far.write(first);
      near.pipe(far);
    });
    far.pipe(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.on("close", () => {
      ends.delete(near);
      far.destroy();
    });
  });
  const url = `http://127.0.0.1:${await listen(server)}`;
  return {
    url,
    become(next) {
      state = next;
      for (const [near, { isSocket }] of ends)
        if (next === "cut" || (next === "no sockets" && isSocket)) near.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const near of ends.keys()) near.destroy();
      }),
  };
}
