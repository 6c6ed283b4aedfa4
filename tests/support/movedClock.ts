/**
 * The clock that JavaScript reads in this process and in each of its threads, moved ahead as a test says: minutes that the platform waits for go by
 * at once. It has to be loaded before the platform boots. Timers last as long as they do, and a clock is never moved back while somebody runs by it.
 */
import { createServer, type Server, type ServerResponse } from "node:http";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { getEnvironmentData, isMainThread, setEnvironmentData, type WorkerOptions } from "node:worker_threads";

const NAME = "moved clock";
/** By how many milliseconds it is ahead: memory that all threads share. */
const ahead =
  (getEnvironmentData(NAME) as BigInt64Array | undefined) ??
  new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));

const RealDate = Date;
const realNow = Date.now;
const shifted = (): number => realNow() + Number(Atomics.load(ahead, 0));
function ShiftedDate(this: unknown, ...args: []): Date | string {
  if (new.target === undefined) return new RealDate(shifted()).toString();
  const values = args.length === 0 ? [shifted()] : args;
  return Reflect.construct(RealDate, values, new.target === ShiftedDate ? RealDate : new.target) as Date;
}
for (const name of Object.getOwnPropertyNames(RealDate))
  if (name !== "prototype") Object.defineProperty(ShiftedDate, name, Object.getOwnPropertyDescriptor(RealDate, name)!);
ShiftedDate.now = shifted;
ShiftedDate.prototype = RealDate.prototype;
RealDate.prototype.constructor = ShiftedDate as unknown as DateConstructor;
globalThis.Date = ShiftedDate as unknown as DateConstructor;

/** Sets by how many milliseconds the clock is ahead of this machine's. */
export function setClock(ms: number): void {
  Atomics.store(ahead, 0, BigInt(ms));
}

/** Moves the clock ahead. @param ms how far */
export function moveClock(ms: number): void {
  Atomics.add(ahead, 0, BigInt(ms));
}

/** Has a module loaded into each thread that begins from now on, before its own. Flags of V8 are the process's, and no thread may name them. */
export function loadIntoThreads(module: string): void {
  const threads = createRequire(import.meta.url)("node:worker_threads") as { Worker: unknown };
  const { Worker } = threads as typeof import("node:worker_threads");
  threads.Worker = class extends Worker {
    constructor(file: string | URL, options: WorkerOptions = {}) {
      super(file, { ...options, execArgv: [...(options.execArgv ?? []), "--import", module] });
    }
  };
  syncBuiltinESMExports();
}

if (isMainThread) {
  setEnvironmentData(NAME, ahead);
  loadIntoThreads(import.meta.url);
  const prototype = Object.getPrototypeOf(createServer()) as Server;
  const emit = prototype.emit as (...args: unknown[]) => boolean;
  prototype.emit = function (this: Server, name: string, ...args: unknown[]) {
    // Node.js itself reads the real clock for it, and AWS's clients set theirs by it.
    if (name === "request") (args[1] as ServerResponse).setHeader("date", new Date().toUTCString());
    return emit.call(this, name, ...args);
  } as Server["emit"];
}
