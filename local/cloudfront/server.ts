/** The public HTTP server of a distribution: limits of a viewer's request, then `serve`. */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ErrorCode } from "../../runtime/domain/errors/errors.ts";
import type { ApiGateway } from "../apigateway.ts";
import { byName } from "../byName.ts";
import { SYNC_LIMIT } from "../lambda/functionUrl.ts";
import { machineIsFull, queuesAreFull, requestBegan, requestEnded } from "../lambda/machine.ts";
import { ownAnswer } from "../product/ownAnswer.ts";
import { Admission } from "./admission.ts";
import { compressed } from "./compression.ts";
import {
  type Behaviour,
  behaviourOf,
  type CallOrigin,
  type Distribution,
  handOn,
  newRequestId,
  replaced,
  type Serving,
  serve,
  throttled,
} from "./distribution.ts";
import type { GeneratedResponse, ViewerRequest } from "./viewerFunction.ts";

/** CloudFront's quotas: length of a URL, and of all headers of a request with the URL, in bytes. */
const URL_LIMIT = 8_192;
const HEADERS_LIMIT = 32_768;
/** How long a viewer may take for the headers and for the whole request, milliseconds. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 65_000;
/** What the server bounds of every request. */
const LIMITS = {
  maxHeaderSize: HEADERS_LIMIT,
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: 5_000,
  noDelay: true,
  // It is refused in the form of all refusals.
  requireHostHeader: false,
};
const READS = new Set(["GET", "HEAD", "OPTIONS"]);

/** How what stands behind the distribution is reached. */
export interface PublicOrigins {
  readonly callOrigin: CallOrigin;
  /** Takes handshakes over. @default none are: an `Upgrade` is ignored */
  readonly sockets?: Pick<ApiGateway, "open" | "endSockets">;
  /** Answers in place of an origin. @default nothing is */
  standsIn?(viewer: ViewerRequest): Promise<GeneratedResponse | undefined>;
}

export interface PublicServer {
  readonly url: string;
  /** Requests under way. */
  active(): number;
  /** Refuses new connections, lets requests under way finish, and closes. */
  close(): Promise<void>;
}

function headersOf(request: IncomingMessage): Map<string, string> {
  const headers = new Map<string, string>();
  const raw = request.rawHeaders;
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    const value = raw[i + 1] as string;
    const known = headers.get(name);
    headers.set(name, known === undefined ? value : `${known}${name === "cookie" ? "; " : ", "}${value}`);
  }
  return headers;
}

const addressOf = ({ socket }: IncomingMessage): string => socket.remoteAddress?.replace(/^::ffff:/, "") ?? "127.0.0.1";

/**
 * The body, read to its end; kept is one byte more than an origin takes. The edge function may answer a larger one, or
 * take it away, so that the caller meets the platform's own refusal.
 */
function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      const room = SYNC_LIMIT + 1 - size;
      if (room <= 0) return;
      chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
      size += Math.min(chunk.length, room);
    });
    request.on("end", () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.on("error", reject);
    // Every request is closed in the end: an error, which costs its stack, is made only where the body has not come.
    request.on("close", () => {
      if (!request.readableEnded) reject(new Error("the viewer went away"));
    });
  });
}

function write(
  response: ServerResponse,
  answer: GeneratedResponse,
  behaviour: Behaviour | undefined,
  requestId: string,
): void {
  if (response.destroyed) return;
  const headers = byName<string | readonly string[]>(answer.headers);
  for (const name of behaviour?.removeHeaders ?? []) delete headers[name];
  for (const { name, value, override } of behaviour?.addHeaders ?? [])
    if (override || headers[name] === undefined) headers[name] = value;
  headers.via = "1.1 cloudfront (local)";
  headers["x-amz-cf-id"] = requestId;
  const bodiless = answer.status === 204 || answer.status === 304;
  if (!bodiless) headers["content-length"] = String(Buffer.byteLength(answer.body));
  response.writeHead(answer.status, headers as Record<string, string>);
  response.end(bodiless ? undefined : answer.body);
}

/**
 * @param deployed the distribution as it is now: it may be updated while it serves
 * @param port 0 picks a free one
 * @throws Error with code EADDRINUSE when the port is taken
 */
export async function startPublicServer(
  deployed: () => Distribution,
  port: number,
  { callOrigin, sockets, standsIn = async () => undefined }: PublicOrigins,
  log: (line: string) => void,
): Promise<PublicServer> {
  let active = 0;
  let stopping = false;
  let idle: (() => void) | undefined;

  const overloaded = { queuesFull: queuesAreFull, full: machineIsFull, now: () => performance.now() };
  const admissions = new WeakMap<Behaviour, Admission>();
  function admissionOf(behaviour: Behaviour): Admission | undefined {
    if (behaviour.edge === undefined) return undefined;
    const known = admissions.get(behaviour) ?? new Admission(overloaded);
    admissions.set(behaviour, known);
    return known;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = newRequestId();
    const target = request.url as string;
    const mark = target.indexOf("?");
    const path = mark < 0 ? target : target.slice(0, mark);
    const query = mark < 0 ? "" : target.slice(mark + 1);
    if (stopping) response.setHeader("connection", "close");
    const behaviour = behaviourOf(deployed(), path);
    const blocked = deployed().inspect?.(addressOf(request));
    if (blocked !== undefined) {
      request.resume();
      return write(response, blocked, behaviour, requestId);
    }
    if (target.length > URL_LIMIT) {
      request.resume();
      return finish(request, response, ownAnswer("uri_too_long", "The URL exceeds 8,192 bytes."), behaviour, requestId);
    }
    const fault = faultOf(request);
    if (fault !== undefined) return write(response, ownAnswer("invalid_request", fault), behaviour, requestId);
    if (!behaviour.methods.has(request.method as string)) {
      response.setHeader("connection", "close");
      const answer = ownAnswer("method_not_allowed", `${request.method} is not possible anywhere here.`, {
        allow: [...behaviour.methods].sort().join(", "),
      });
      return write(response, answer, behaviour, requestId);
    }
    // Refused before anything is done for it, so that what has been begun is finished. Reads go on: people look what is wrong.
    const admission = READS.has(request.method as string) ? undefined : admissionOf(behaviour);
    if (admission !== undefined && !admission.admits()) {
      request.resume();
      return write(response, throttled(), behaviour, requestId);
    }
    if (admission === undefined) return await answer(request, response, { path, query, behaviour, requestId });
    admission.began();
    requestBegan();
    try {
      await answer(request, response, { path, query, behaviour, requestId });
    } finally {
      admission.ended();
      requestEnded();
    }
  }

  const serving = (requestId: string): Serving => ({ distribution: deployed(), requestId, callOrigin, log });

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    { path, query, behaviour, requestId }: { path: string; query: string; behaviour: Behaviour; requestId: string },
  ): Promise<void> {
    const body = await bodyOf(request);
    const viewer: ViewerRequest = {
      method: request.method as string,
      uri: path,
      query,
      headers: headersOf(request),
      ip: addressOf(request),
    };
    // "GET requests that include a body": CloudFront refuses them.
    const own =
      READS.has(viewer.method) && viewer.method !== "OPTIONS" && body.length > 0
        ? ownAnswer("forbidden", `A ${viewer.method} request can't have a body.`)
        : undefined;
    const answer = own ?? (await standsIn(viewer)) ?? (await serve(serving(requestId), behaviour, viewer, body));
    await finish(request, response, answer, behaviour, requestId);
  }

  /** Answers, with the page that the distribution has for such an answer in its place. */
  async function finish(
    request: IncomingMessage,
    response: ServerResponse,
    answer: GeneratedResponse,
    behaviour: Behaviour,
    requestId: string,
  ): Promise<void> {
    const ip = addressOf(request);
    const found = await replaced(serving(requestId), answer, ip);
    const accepts = request.headers["accept-encoding"];
    const packed = behaviour.compress ? compressed(found, typeof accepts === "string" ? accepts : undefined) : found;
    write(response, packed, behaviour, requestId);
  }

  const server: Server = createServer(
    { ...LIMITS, shouldUpgradeCallback: (request) => sockets !== undefined && isHandshake(request, deployed()) },
    (request, response) => {
      active += 1;
      handle(request, response)
        .catch((cause) => {
          if (request.destroyed && !request.complete) return;
          log(`request ${request.method} ${request.url}: ${cause instanceof Error ? cause.stack : String(cause)}`);
          const requestId = newRequestId();
          if (!response.headersSent)
            write(
              response,
              ownAnswer("bad_gateway", "The origin could not be reached.", { "retry-after": "1" }),
              undefined,
              requestId,
            );
        })
        .finally(() => {
          active -= 1;
          if (active === 0) idle?.();
        });
    },
  );
  server.on("clientError", refuse);
  server.on("upgrade", (request, socket, head) => {
    if (stopping) return answerRaw(socket, ownAnswer("unavailable", "The platform is stopping."));
    passOn({ request, socket, head }, deployed(), sockets!, log);
  });
  await listening(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    active: () => active,
    async close() {
      stopping = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      if (active > 0) await new Promise<void>((resolve) => (idle = resolve));
      // The server waits for sockets, too, and does not close them itself.
      await sockets?.endSockets();
      // Answers are handed to the kernel before their sockets go.
      await new Promise((resolve) => setImmediate(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** @throws Error with code EADDRINUSE when the port is taken */
const listening = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });

/** What is wrong with a request that Node's parser lets pass. */
function faultOf({ headers, httpVersion, url }: IncomingMessage): string | undefined {
  if (headers.host === undefined && httpVersion !== "1.0") return "The request has no `Host`, which HTTP/1.1 demands.";
  return url!.startsWith("/") ? undefined : "The request's target is not a path.";
}

interface Raw {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

const isHandshake = (request: IncomingMessage, distribution: Distribution): boolean =>
  /^websocket$/i.test(request.headers.upgrade ?? "") &&
  behaviourOf(distribution, request.url!.split("?")[0]!).origin.sockets === true;

/** Hands a handshake on to the WebSocket API, unless something before it answers. */
async function upgrade(
  { request, socket, head }: Raw,
  distribution: Distribution,
  sockets: Pick<ApiGateway, "open">,
  log: (line: string) => void,
): Promise<void> {
  const [uri, query = ""] = request.url!.split(/\?(.*)/s) as [string, string?];
  const ip = addressOf(request);
  const blocked = distribution.inspect?.(ip);
  if (blocked !== undefined) return answerRaw(socket, blocked);
  if (request.url!.length > URL_LIMIT)
    return answerRaw(socket, ownAnswer("uri_too_long", "The URL exceeds 8,192 bytes."));
  const viewer: ViewerRequest = { method: "GET", uri, query, headers: headersOf(request), ip };
  const handed = await handOn(behaviourOf(distribution, uri), viewer, newRequestId(), log);
  if ("response" in handed) return answerRaw(socket, handed.response);
  const { origin, request: passed } = handed;
  const asked = { query: passed.query, headers: Object.fromEntries(passed.headers), sourceIp: ip };
  await sockets.open({ ...asked, host: origin.domain, path: passed.uri }, request, socket, head);
}

/** The same, and an answer where that fails. */
function passOn(raw: Raw, distribution: Distribution, sockets: Pick<ApiGateway, "open">, log: (line: string) => void) {
  const { request, socket } = raw;
  socket.on("error", () => socket.destroy());
  upgrade(raw, distribution, sockets, log).catch((cause: unknown) => {
    log(`handshake ${request.url}: ${cause instanceof Error ? cause.stack : String(cause)}`);
    answerRaw(socket, ownAnswer("bad_gateway", "The origin could not be reached.", { "retry-after": "1" }));
  });
}

const REFUSALS: Readonly<Record<string, [code: ErrorCode, message: string]>> = {
  HPE_HEADER_OVERFLOW: ["headers_too_large", "The headers exceed 32,768 bytes."],
  ERR_HTTP_REQUEST_TIMEOUT: ["request_timeout", "The request did not arrive in time."],
};
const NO_HTTP: [code: ErrorCode, message: string] = [
  "invalid_request",
  "The request is not HTTP/1.1 as RFC 9112 has it.",
];

/** What is not HTTP, too long or too slow is answered, and the connection ends. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  answerRaw(socket, ownAnswer(...(REFUSALS[error.code ?? ""] ?? NO_HTTP)));
}

/** An answer on a socket that no HTTP server has any more, which ends with it. */
function answerRaw(socket: Duplex, { status, headers, body }: GeneratedResponse): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const lines = Object.entries({ ...headers, "content-length": Buffer.byteLength(body), connection: "close" });
  const head = lines.map(([name, value]) => `${name}: ${String(value)}\r\n`).join("");
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}\r\n${head}\r\n${body.toString()}`);
}
