/** A deployed WebSocket API: its handshake, its sockets, and what travels over them. */
import { randomBytes, randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { byName } from "../byName.ts";
import type { Outcome } from "../lambda/function.ts";
import { FrameLengths } from "./frameLengths.ts";

/**
 * Source of the figures: API Gateway Developer Guide, "Quotas for configuring and running a WebSocket API". What is larger closes the
 * connection with 1009; what has been idle, or open, for too long is closed with 1001.
 */
const FRAME_BYTES = 32 * 1_024;
export const MESSAGE_BYTES = 128 * 1_024;
const IDLE_MS = 10 * 60_000;
const LONGEST_MS = 2 * 3_600_000;
const URL_LIMIT = 4_096;
const TOO_LARGE = 1_009;
/** "API Gateway supports text": a binary message closes the connection. Source: the same guide, "Working with binary media types". */
const NO_TEXT = 1_003;
const GOING_AWAY = 1_001;
const NORMAL = 1_000;

export interface SocketRoute {
  /** ARN of the function. */
  readonly integration: string;
  /** Whether what the function answers goes back over the socket. */
  readonly answers: boolean;
}

export interface SocketAuthorizer {
  readonly id: string;
  /** ARN of the function. */
  readonly function: string;
  readonly identitySources: readonly string[];
}

export interface SocketStage {
  readonly apiId: string;
  readonly region: string;
  readonly name: string;
  /** Asked before `$connect`. */
  readonly authorizer: SocketAuthorizer | undefined;
  /** Member of a message's body that names its route. */
  readonly selects: string;
  readonly routes: ReadonlyMap<string, SocketRoute>;
  /** Adds to what CloudWatch shows of the stage. */
  count(metric: "ConnectCount" | "MessageCount" | "ClientError" | "IntegrationError" | "ExecutionError"): void;
  /** Writes a line of the access log. */
  accessLog(context: Readonly<Record<string, string>>): void;
}

/** A handshake as the distribution hands it on. */
export interface Handshake {
  /** Without the question mark. */
  readonly query: string;
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly sourceIp: string;
}

/** Starts a function by the service, which its permissions must name. @param source ARN of what starts it */
export type InvokeBy = (functionArn: string, source: string, event: unknown) => Promise<Outcome>;

/** The handshake is refused with this status. */
interface Refused {
  readonly status: number;
  readonly message: string;
}

interface Connection {
  readonly id: string;
  readonly stage: SocketStage;
  readonly socket: WebSocket;
  readonly connectedAt: number;
  readonly sourceIp: string;
  readonly userAgent: string;
  readonly authorizer: Readonly<Record<string, unknown>> | undefined;
  activeAt: number;
}

export interface ConnectionView {
  readonly connectedAt: string;
  readonly lastActiveAt: string;
  readonly identity: { readonly sourceIp: string; readonly userAgent: string };
}

const REASONS: Readonly<Record<number, string>> = { 401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests" };
const refused = (status: number, message = REASONS[status] ?? "Internal server error"): Refused => ({
  status,
  message,
});

export class Sockets {
  readonly #account: string;
  readonly #invoke: InvokeBy;
  readonly #log: (line: string) => void;
  readonly #now: () => number;
  readonly #connections = new Map<string, Connection>();
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES, perMessageDeflate: false });
  /** What has been begun for sockets, so that closing waits for it. */
  readonly #running = new Set<Promise<unknown>>();

  constructor(account: string, invoke: InvokeBy, log: (line: string) => void, now: () => number) {
    this.#account = account;
    this.#invoke = invoke;
    this.#log = log;
    this.#now = now;
  }

  /** Asks the authoriser and `$connect`, then takes the socket over or refuses it with a status. */
  async open(stage: SocketStage, asked: Handshake, request: IncomingMessage, socket: Duplex, head: Buffer) {
    const id = randomBytes(11).toString("base64url");
    const found = await this.#admit(stage, id, asked);
    if ("status" in found) {
      refuse(socket, found, id);
      return;
    }
    if (socket.destroyed) return;
    this.#server.handleUpgrade(request, socket, head, (accepted) => {
      const now = this.#now();
      const connection: Connection = {
        id,
        stage,
        socket: accepted,
        connectedAt: now,
        activeAt: now,
        sourceIp: asked.sourceIp,
        userAgent: asked.headers["user-agent"] ?? "",
        authorizer: found.context,
      };
      this.#connections.set(id, connection);
      this.#serve(connection, socket, new FrameLengths());
    });
  }

  #serve(connection: Connection, raw: Duplex, lengths: FrameLengths): void {
    const { socket } = connection;
    let closing: { code: number; reason: string } | undefined;
    const end = (code: number, reason: string) => {
      closing ??= { code, reason };
      socket.close(code, reason);
    };
    const measure = (bytes: Buffer) => {
      if (lengths.take(bytes) > FRAME_BYTES) end(TOO_LARGE, "Frame too long");
    };
    raw.prependListener("data", measure);
    socket.on("message", (data, binary) => {
      if (closing !== undefined) return;
      if (binary) return end(NO_TEXT, "Binary messages are not supported");
      connection.activeAt = this.#now();
      this.#track(this.#message(connection, (data as Buffer).toString("utf8")));
    });
    // A message over the limit: the library has closed with 1009 itself.
    socket.on("error", () => undefined);
    socket.on("close", (code, reason) => {
      this.#connections.delete(connection.id);
      const told = closing ?? { code, reason: reason.toString("utf8") };
      this.#track(this.#disconnected(connection, told));
    });
  }

  /** Closes what was idle or open for too long. */
  sweep(): void {
    const now = this.#now();
    for (const { socket, connectedAt, activeAt } of this.#connections.values())
      if (now - activeAt >= IDLE_MS || now - connectedAt >= LONGEST_MS) socket.close(GOING_AWAY, "Going away");
  }

  /** @returns false where there is no such connection (any more) */
  async post(stage: string, id: string, bytes: Buffer): Promise<boolean> {
    const found = this.#find(stage, id);
    if (found === undefined) return false;
    found.activeAt = this.#now();
    for (let from = 0; from === 0 || from < bytes.length; from += FRAME_BYTES) {
      const fin = from + FRAME_BYTES >= bytes.length;
      const failed = await new Promise<Error | undefined>((done) =>
        found.socket.send(bytes.subarray(from, from + FRAME_BYTES), { fin, binary: false }, (error) =>
          done(error ?? undefined),
        ),
      );
      if (failed !== undefined) return false;
    }
    return true;
  }

  view(stage: string, id: string): ConnectionView | undefined {
    const found = this.#find(stage, id);
    if (found === undefined) return undefined;
    const { connectedAt, activeAt, sourceIp, userAgent } = found;
    return {
      connectedAt: new Date(connectedAt).toISOString(),
      lastActiveAt: new Date(activeAt).toISOString(),
      identity: { sourceIp, userAgent },
    };
  }

  disconnect(stage: string, id: string): boolean {
    const found = this.#find(stage, id);
    found?.socket.close(NORMAL, "Connection Closed Normally");
    return found !== undefined;
  }

  async close(): Promise<void> {
    for (const { socket } of this.#connections.values()) socket.close(GOING_AWAY, "Going away");
    const patience = setTimeout(() => {
      for (const { socket } of this.#connections.values()) socket.terminate();
    }, 500);
    while (this.#connections.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    clearTimeout(patience);
    await Promise.all(this.#running);
  }

  #find(stage: string, id: string): Connection | undefined {
    const found = this.#connections.get(id);
    return found?.stage.name === stage && found.socket.readyState === found.socket.OPEN ? found : undefined;
  }

  #track(work: Promise<unknown>): void {
    const kept = work
      .catch((cause: unknown) => this.#log(`WebSocket API: ${String(cause)}`))
      .finally(() => this.#running.delete(kept));
    this.#running.add(kept);
  }

  #arn({ region, apiId, name }: SocketStage, route: string): string {
    return `arn:aws:execute-api:${region}:${this.#account}:${apiId}/${name}/${route}`;
  }

  #context(
    stage: SocketStage,
    id: string,
    routeKey: string,
    eventType: string,
    more: Readonly<Record<string, unknown>>,
  ) {
    const now = this.#now();
    return {
      routeKey,
      eventType,
      extendedRequestId: randomUUID(),
      requestTime: new Date(now).toUTCString(),
      messageDirection: "IN",
      stage: stage.name,
      requestTimeEpoch: now,
      requestId: randomUUID(),
      domainName: `${stage.apiId}.execute-api.${stage.region}.amazonaws.com`,
      connectionId: id,
      apiId: stage.apiId,
      ...more,
    };
  }

  async #admit(
    stage: SocketStage,
    id: string,
    { query, headers, sourceIp }: Handshake,
  ): Promise<Refused | { readonly context: Readonly<Record<string, unknown>> | undefined }> {
    if (query.length > URL_LIMIT) return refused(414, "The URL exceeds 4,096 characters.");
    const connectedAt = this.#now();
    const identity = { sourceIp, userAgent: headers["user-agent"] ?? "" };
    const asked = {
      headers,
      multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
      ...queryOf(query),
    };
    let context: Readonly<Record<string, unknown>> | undefined;
    if (stage.authorizer !== undefined) {
      const has = (source: string) => {
        const [, kind, name = ""] = /^route\.request\.(header|querystring)\.(.+)$/.exec(source) ?? [];
        return kind === "header"
          ? headers[name.toLowerCase()] !== undefined
          : new URLSearchParams(query).get(name) !== null;
      };
      const { id: authorizerId, function: decides, identitySources } = stage.authorizer;
      if (!identitySources.every(has)) return this.#denied(stage, id, refused(401));
      const methodArn = this.#arn(stage, "$connect");
      const event = {
        type: "REQUEST",
        methodArn,
        ...asked,
        requestContext: this.#context(stage, id, "$connect", "CONNECT", { connectedAt, identity }),
      };
      const outcome = await this.#invoke(decides, `${this.#apiArn(stage)}/authorizers/${authorizerId}`, event);
      const decided = readDecision(outcome, methodArn);
      if ("status" in decided) return this.#denied(stage, id, decided);
      context = decided.context;
    }
    const connect = stage.routes.get("$connect");
    if (connect === undefined) return { context };
    const outcome = await this.#invoke(connect.integration, this.#arn(stage, "$connect"), {
      ...asked,
      requestContext: this.#context(stage, id, "$connect", "CONNECT", { connectedAt, identity, authorizer: context }),
      isBase64Encoded: false,
    });
    const status = statusOf(outcome);
    stage.count("ConnectCount");
    if (status >= 500) stage.count("IntegrationError");
    stage.accessLog({ ...logged(stage, id, "$connect", "CONNECT", sourceIp), "$context.status": String(status) });
    return status >= 200 && status < 300 ? { context } : refused(status);
  }

  #apiArn({ region, apiId }: SocketStage): string {
    return `arn:aws:execute-api:${region}:${this.#account}:${apiId}`;
  }

  #denied(stage: SocketStage, id: string, refusal: Refused): Refused {
    stage.count("ConnectCount");
    stage.count(refusal.status >= 500 ? "ExecutionError" : "ClientError");
    stage.accessLog({ ...logged(stage, id, "$connect", "CONNECT", ""), "$context.status": String(refusal.status) });
    return refusal;
  }

  async #message(connection: Connection, body: string): Promise<void> {
    const { stage, id, socket, connectedAt, sourceIp, userAgent, authorizer } = connection;
    const key = routeOf(stage, body);
    const route = stage.routes.get(key) ?? stage.routes.get("$default");
    const routeKey = stage.routes.has(key) ? key : "$default";
    const context = this.#context(stage, id, routeKey, "MESSAGE", {
      messageId: randomUUID(),
      connectedAt,
      identity: { sourceIp, userAgent },
      authorizer,
    });
    const outcome =
      route === undefined
        ? undefined
        : await this.#invoke(route.integration, this.#arn(stage, routeKey), {
            requestContext: context,
            body,
            isBase64Encoded: false,
          });
    const failed = outcome?.kind !== "result";
    stage.count("MessageCount");
    if (failed) stage.count(route === undefined ? "ClientError" : "IntegrationError");
    stage.accessLog({
      ...logged(stage, id, routeKey, "MESSAGE", sourceIp),
      "$context.status": failed ? "500" : "200",
    });
    if (failed) {
      const message = route === undefined ? "Forbidden" : "Internal server error";
      socket.send(JSON.stringify({ message, connectionId: id, requestId: context.requestId }));
      return;
    }
    const answer = route!.answers ? bodyOf(outcome) : undefined;
    if (answer !== undefined && answer !== "") socket.send(answer);
  }

  async #disconnected(connection: Connection, { code, reason }: { code: number; reason: string }): Promise<void> {
    const { stage, id, connectedAt, sourceIp, userAgent, authorizer } = connection;
    const route = stage.routes.get("$disconnect");
    stage.accessLog({ ...logged(stage, id, "$disconnect", "DISCONNECT", sourceIp), "$context.status": "200" });
    if (route === undefined) return;
    await this.#invoke(route.integration, this.#arn(stage, "$disconnect"), {
      headers: {},
      requestContext: this.#context(stage, id, "$disconnect", "DISCONNECT", {
        connectedAt,
        identity: { sourceIp, userAgent },
        authorizer,
        disconnectStatusCode: code,
        disconnectReason: reason,
      }),
      isBase64Encoded: false,
    });
  }
}

const logged = (stage: SocketStage, id: string, routeKey: string, eventType: string, ip: string) => ({
  "$context.requestId": randomUUID(),
  "$context.connectionId": id,
  "$context.routeKey": routeKey,
  "$context.eventType": eventType,
  "$context.stage": stage.name,
  "$context.apiId": stage.apiId,
  "$context.identity.sourceIp": ip,
  "$context.requestTime": new Date().toUTCString(),
});

function queryOf(query: string): object {
  if (query === "") return {};
  const all = new URLSearchParams(query);
  const names = [...new Set(all.keys())];
  return {
    queryStringParameters: Object.fromEntries(names.map((name) => [name, all.getAll(name).at(-1)])),
    multiValueQueryStringParameters: Object.fromEntries(names.map((name) => [name, all.getAll(name)])),
  };
}

function answerIn(outcome: Outcome): Record<string, unknown> | undefined {
  if (outcome.kind !== "result") return undefined;
  const value = JSON.parse(outcome.result.json) as unknown;
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
}

function bodyOf(outcome: Outcome): string | undefined {
  const value = answerIn(outcome);
  if (outcome.kind !== "result" || value === undefined) return undefined;
  const body = outcome.result.body ?? value.body;
  return typeof body === "string" ? body : undefined;
}

/** The status of a function's answer to `$connect`. An answer without a status refuses the client, as a fault does. */
function statusOf(outcome: Outcome): number {
  if (outcome.kind === "throttled") return 429;
  const status = Number(answerIn(outcome)?.statusCode);
  return Number.isInteger(status) ? status : 502;
}

/**
 * What an authoriser decided. One that throws "Unauthorized" means 401; any other fault is ours. Source: "Control access to WebSocket
 * APIs with Lambda REQUEST authorizers".
 */
function readDecision(
  outcome: Outcome,
  methodArn: string,
): Refused | { readonly context: Readonly<Record<string, unknown>> | undefined } {
  if (outcome.kind === "throttled") return refused(429);
  if (outcome.kind === "error") return refused(outcome.error.errorMessage === "Unauthorized" ? 401 : 500);
  const value = answerIn(outcome) as
    | { policyDocument?: { Statement?: unknown }; context?: Record<string, unknown>; principalId?: unknown }
    | undefined;
  const statements = [value?.policyDocument?.Statement ?? []].flat() as {
    Effect?: string;
    Action?: string | string[];
    Resource?: string | string[];
  }[];
  const about = statements.filter(
    ({ Action = [], Resource = [] }) =>
      [Action].flat().includes("execute-api:Invoke") &&
      [Resource].flat().some((arn) => arn === methodArn || arn === "*"),
  );
  if (about.length === 0 || about.some(({ Effect }) => Effect !== "Allow")) return refused(403);
  const context: Record<string, unknown> = byName({ principalId: value?.principalId });
  for (const [name, member] of Object.entries(value?.context ?? {})) {
    if (!["string", "number", "boolean"].includes(typeof member)) return refused(500);
    context[name] = member;
  }
  return { context };
}

/** The route that a message names by the member that the API selects by. */
function routeOf({ selects }: SocketStage, body: string): string {
  try {
    const value = JSON.parse(body) as Record<string, unknown> | null;
    const named = value?.[selects];
    if (typeof named === "string" && !named.startsWith("$")) return named;
  } catch {}
  return "$default";
}

function refuse(socket: Duplex, { status, message }: Refused, connectionId: string): void {
  const body = JSON.stringify({ message, connectionId, requestId: randomUUID() });
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? "Refused"}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
