import { type LookupAddress, type LookupOptions, lookup as resolveName } from "node:dns";
import { isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { LRUCache } from "lru-cache";
import type { Agent, buildConnector } from "undici";
import makeConnector from "undici/lib/core/connect.js";
import symbols from "undici/lib/core/symbols.js";
// The whole of undici is five times as much code to load in a cold environment.
import AgentClass from "undici/lib/dispatcher/agent.js";
import { defined } from "../domain/defined.ts";
import { growing } from "../domain/growing.ts";
import type { Millis } from "../domain/time.ts";
import { forbiddenAddress, type UrlRules } from "../domain/webhook/webhookUrl.ts";

/**
 * The only way to a webhook's host. Invariant: a connection is made to an address that was checked, and to no other. A name
 * is resolved once per connection, every address it has must be public, and the socket is given those same addresses, so a
 * name that answers differently the next time (DNS rebinding) gains nothing. What was connected to is compared once more.
 */

/** A host resolves to, or is, an address that webhooks may not have. */
class ForbiddenAddressError extends Error {
  readonly code = "FORBIDDEN_ADDRESS";
  constructor(host: string, address: string, why: string) {
    super(`${host} is ${address}, which is not public (${why})`);
    this.name = "ForbiddenAddressError";
  }
}

/** `dns.lookup`'s form, all addresses. */
export type Resolve = (
  host: string,
  options: LookupOptions & { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

type LookupDone = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** A `lookup` for sockets that fails unless every address of the name may be dialled. */
function guardedLookup(rules: UrlRules, resolve: Resolve = resolveName) {
  return (host: string, options: LookupOptions, done: LookupDone): void => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, []);
      const refused = addresses.flatMap(({ address }) => {
        const why = forbiddenAddress(address, rules);
        return why === undefined ? [] : [new ForbiddenAddressError(host, address, why)];
      })[0];
      if (refused !== undefined) return done(refused, []);
      const first = addresses[0];
      if (first === undefined) return done(new Error(`${host} has no address`), []);
      if (options.all === true) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };
}

export interface ConnectOptions extends UrlRules {
  readonly timeoutMs: Millis;
  readonly resolve?: Resolve;
  /** Certificates to trust besides the usual ones; for tests with a server of their own. */
  readonly ca?: string;
}

/**
 * A connector for undici that upholds the invariant above. To a port on which the platform itself listens it allows no
 * loopback address, by any name that leads there.
 */
function guardedConnector(options: ConnectOptions): buildConnector.connector {
  const { ownPorts } = options;
  const usual = connectorBy(options);
  if (!options.allowLoopback || ownPorts === undefined) return usual;
  const strict = connectorBy({ ...options, allowLoopback: false });
  return (target, callback) => (ownPorts.has(portOf(target)) ? strict : usual)(target, callback);
}

const portOf = ({ port, protocol }: buildConnector.Options): number =>
  Number(port === "" || port === undefined ? (protocol === "http:" ? 80 : 443) : port);

function connectorBy({ timeoutMs, resolve, ca, ...rules }: ConnectOptions): buildConnector.connector {
  const connect = makeConnector({
    lookup: guardedLookup(rules, resolve) as never,
    timeout: timeoutMs,
    allowH2: true,
    preferH2: true,
    ...defined({ ca }),
  } as buildConnector.BuildOptions);
  return (options, callback) => {
    // Sockets don't look up what is an address already.
    const host = options.hostname.replace(/^\[|\]$/g, "");
    const why = isIP(host) === 0 ? undefined : forbiddenAddress(host, rules);
    if (why !== undefined) return callback(new ForbiddenAddressError(host, host, why), null);
    connect(options, (error, socket) => {
      if (error !== null) return callback(error, null);
      const address = (socket as Socket).remoteAddress ?? "";
      const wrong = forbiddenAddress(address, rules);
      if (wrong === undefined) return callback(null, watched(socket as Socket, `${options.protocol}//${options.host}`));
      (socket as Socket).destroy();
      callback(new ForbiddenAddressError(host, address, wrong), null);
    });
  };
}

/** What undici's parser tells when the head of an answer is complete. */
interface Parser {
  onHeadersComplete(status: number, upgrade: boolean, keepAlive: boolean): number;
}
const HTTP1_PARSER: symbol = symbols.kParser;
const EARLY_HINTS = 103;

/** By local port, whether anything was answered on an HTTP/1.1 connection before; for as long as it is open. */
const answeredOn = new Map<number, boolean>();
/** Errors of connections that had answered before. */
const ofUsed = new WeakSet<object>();
/** By origin, whether its newest HTTP/2 connection has answered. */
const answeredOver = new LRUCache<string, boolean>(growing(10_000));

/**
 * Mends an unasked `100 Continue`, at the one place where undici 8 makes a connection's parser known. "A client MUST be able to
 * parse one or more 1xx responses received prior to a final response, even if the client does not expect one" (RFC 9110, 15.2):
 * undici takes 100 for a broken connection and passes over all others, so it is told of another one. And it is
 * remembered whether the connection has answered: see `usedBefore`.
 */
function watched(socket: Socket, origin: string): Socket {
  if ((socket as TLSSocket).alpnProtocol === "h2") {
    answeredOver.set(origin, false);
    return socket;
  }
  const { localPort = 0 } = socket;
  answeredOn.set(localPort, false);
  socket.prependListener("error", (error) => {
    if (answeredOn.get(localPort) === true) ofUsed.add(error);
  });
  // The caller that learns of the close asks again in the same turn.
  socket.once("close", () => setImmediate(() => answeredOn.delete(localPort)));
  Object.defineProperty(socket, HTTP1_PARSER, {
    configurable: true,
    set(parser: Parser | null) {
      Object.defineProperty(socket, HTTP1_PARSER, { value: parser, writable: true, configurable: true });
      if (parser === null) return;
      const told = parser.onHeadersComplete.bind(parser);
      parser.onHeadersComplete = (status, upgrade, keepAlive) => {
        if (status >= 200) answeredOn.set(localPort, true);
        return told(status === 100 ? EARLY_HINTS : status, upgrade, keepAlive);
      };
    },
  });
  return socket;
}

/** Tells of an answer. */
export function answered(origin: string): void {
  if (answeredOver.has(origin)) answeredOver.set(origin, true);
}

/**
 * Whether a post failed on a connection that had answered others before it: one that the endpoint closed for being idle, at
 * the moment at which it was used again.
 */
export function usedBefore(error: unknown, origin: string): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { localPort } = ((error as { socket?: unknown }).socket ?? {}) as { localPort?: number };
  const known = localPort === undefined ? undefined : answeredOn.get(localPort);
  return ofUsed.has(error) || (known ?? answeredOver.get(origin) === true);
}

/** Connections to one origin at a time; posts beyond it wait. */
const CONNECTIONS_PER_ORIGIN = 50;
/** Milliseconds for which an idle connection is kept. After a longer pause between invocations it may be broken. */
export const KEEP_ALIVE_MS = 4_000;
const MAX_ANSWER_HEADERS = 16_384;

export const guardedAgent = (options: ConnectOptions): Agent =>
  new AgentClass({
    connect: guardedConnector(options),
    connections: CONNECTIONS_PER_ORIGIN,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: 60_000,
    maxHeaderSize: MAX_ANSWER_HEADERS,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
