/**
 * Loaded into the platform's process before anything else (`--import`), and into each of its threads: moves the clock that JavaScript
 * reads, and takes a store away or slows it down, as the parent process says. The platform's own code knows nothing of it.
 */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import {
  BroadcastChannel,
  getEnvironmentData,
  isMainThread,
  setEnvironmentData,
  threadName,
} from "node:worker_threads";
import { loadIntoThreads, setClock } from "../support/movedClock.ts";
import type { Disturbance, StoreFault } from "./disturbing.ts";

/** Threads that hold a store behind a port of its own; the others answer through the one HTTP server of all AWS calls. */
const STORE_OF_THREAD: Readonly<Record<string, StoreFault["store"]>> = { rds: "postgresql", redis: "redis" };
const NAME = "drill";
/** From a thread to the process: something met a fault. */
const MET = "met";

let now: Disturbance =
  (getEnvironmentData(NAME) as Disturbance | undefined) ?? JSON.parse(process.env.DRILL_DISTURBANCE ?? "{}");

// ---- stores -------------------------------------------------------------------------------------------------------
/** What waits for a silent store's return. */
let held: (() => void)[] = [];

const faultOf = (store: string): StoreFault | undefined => (now.fault?.store === store ? now.fault : undefined);

/** How many calls and connections have met a fault in this process. */
let met = 0;

function meet(): void {
  if (isMainThread) met += 1;
  else channel.postMessage(MET);
}

function hold(fault: StoreFault, go: () => void): void {
  if (fault.how === "slow") setTimeout(go, fault.ms);
  else held.push(go);
}

const ownStore = STORE_OF_THREAD[threadName ?? ""];
const sockets = new Set<Socket>();

/** Before a store's own server: connections end at once, or what they bring is passed on later. */
function watchConnection(socket: Socket): void {
  if (faultOf(ownStore!)?.how === "away") {
    meet();
    socket.destroy();
    return;
  }
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
  const emit = socket.emit.bind(socket) as (name: string | symbol, ...args: unknown[]) => boolean;
  const passOn = (name: string | symbol, ...args: unknown[]): boolean => {
    const fault = name === "data" ? faultOf(ownStore!) : undefined;
    if (fault === undefined) return emit(name, ...args);
    meet();
    socket.pause();
    hold(fault, () => {
      emit(name, ...args);
      socket.resume();
    });
    return true;
  };
  socket.emit = passOn as Socket["emit"];
}

const SCOPE = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\/aws4_request/;

/** @returns whether the call meets a fault, which then has it answered */
function disturbCall(request: IncomingMessage, response: ServerResponse, answer: () => void): boolean {
  const store = SCOPE.exec(request.headers.authorization ?? "")?.[1];
  const fault = store === undefined ? undefined : faultOf(store);
  if (fault === undefined) return false;
  meet();
  if (fault.how !== "away") hold(fault, answer);
  else if (met % 2 === 0) request.socket.destroy();
  else response.writeHead(503).end();
  return true;
}

if (ownStore !== undefined) {
  const prototype = Object.getPrototypeOf(createTcpServer());
  const emit = prototype.emit;
  prototype.emit = function (name: string, ...args: unknown[]) {
    if (name === "connection") watchConnection(args[0] as Socket);
    return emit.call(this, name, ...args);
  };
} else if (isMainThread) {
  const prototype = Object.getPrototypeOf(createHttpServer()) as Server;
  const emit = prototype.emit as (...args: unknown[]) => boolean;
  prototype.emit = function (this: Server, name: string, ...args: unknown[]) {
    const pass = () => emit.call(this, name, ...args);
    if (name !== "request") return pass();
    return disturbCall(args[0] as IncomingMessage, args[1] as ServerResponse, pass) || pass();
  } as Server["emit"];
}

// ---- what the parent says -----------------------------------------------------------------------------------------
function apply(disturbance: Disturbance): void {
  now = disturbance;
  if (isMainThread) setClock(now.clockMs ?? 0);
  setEnvironmentData(NAME, disturbance);
  if (ownStore !== undefined && faultOf(ownStore)?.how === "away") for (const socket of sockets) socket.destroy();
  if (now.fault !== undefined) return;
  const waited = held;
  held = [];
  for (const go of waited) go();
}

setEnvironmentData(NAME, now);
const channel = new BroadcastChannel(NAME);
channel.unref();
channel.onmessage = (message: unknown) => {
  const { data } = message as { readonly data: Disturbance | typeof MET };
  if (data !== MET) apply(data);
  else if (isMainThread) met += 1;
};

if (isMainThread) {
  setClock(now.clockMs ?? 0);
  loadIntoThreads(import.meta.url);
  process.on("message", (disturbance: Disturbance) => {
    apply(disturbance);
    channel.postMessage(disturbance);
    process.send!({ met });
  });
  process.channel?.unref();
  // Leaves no platform behind when the drill itself is ended.
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
}
