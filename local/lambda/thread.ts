/**
 * A thread that runs a function. An execution environment is one instance of the function's module, and does one
 * invocation at a time, as in Lambda; several environments share a thread and the code that V8 compiles.
 */
import { closeSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { createRequire, flushCompileCache } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import type { CarriedAnswer, Carrier } from "../../runtime/aws/carrier.ts";
import { collectWhenIdle } from "../idleHeap.ts";
import { stepBack } from "../priority.ts";
import { layInstances, type MakeInstance } from "./instances.ts";
import {
  bytesOf,
  eventOf,
  type FromThread,
  type FunctionError,
  gathered,
  portable,
  type ResultText,
  type ThreadData,
  type ToThread,
} from "./protocol.ts";

/** When the code that the first invocations compiled is worth keeping. */
const FLUSH_MS = 2_000;

const load = createRequire(import.meta.url);

type Handler = (event: unknown, context: unknown) => unknown;

const data = workerData as ThreadData;
if (data.background) stepBack();
collectWhenIdle();
const port = parentPort as NonNullable<typeof parentPort>;
const handlers = new Map<number, Handler>();
const { say, flush: sayNow } = gathered<FromThread>((said, transfer) => port.postMessage(said, transfer));

// Every environment compiles the module anew: Node.js has read by now where compiled code is kept, and a function finds
// exactly its own variables.
delete process.env.NODE_COMPILE_CACHE;

// ---- what the function prints goes to its log file, gathered for a moment ---------------------------------------
const LOG_LIMIT = 16 * 1024 * 1024;
let pending: string[] = [];
/** Bytes that could not be written. */
let dropped = 0;
let _timer: NodeJS.Timeout | undefined;

function flush(): void {
  _timer = undefined;
  if (pending.length === 0) return;
  const text = pending.join("");
  pending = [];
  try {
    const size = statSync(data.logFile, { throwIfNoEntry: false })?.size ?? 0;
    if (size > LOG_LIMIT) renameSync(data.logFile, `${data.logFile}.1`);
    const file = openSync(data.logFile, "a");
    try {
      const gap =
        dropped === 0 ? "" : `\n${JSON.stringify({ level: "WARN", message: "log.dropped", bytes: dropped })}\n`;
      writeSync(file, gap + text);
      dropped = 0;
    } finally {
      closeSync(file);
    }
  } catch {
    // A full disk must not end a function: its log has a gap instead, which is told when there is room.
    dropped += Buffer.byteLength(text);
  }
}

function capture(stream: NodeJS.WriteStream): void {
  stream.write = ((chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
    pending.push(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString());
    _timer ??= setTimeout(flush, 50).unref();
    const callback = typeof encoding === "function" ? encoding : done;
    if (typeof callback === "function") callback();
    return true;
  }) as typeof stream.write;
}
capture(process.stdout);
capture(process.stderr);
process.on("exit", () => {
  flush();
  sayNow();
});

// ---- errors, as the Node.js runtime of Lambda reports them --------------------------------------------------------
function errorOf(cause: unknown): FunctionError {
  if (!(cause instanceof Error)) return { errorType: "Error", errorMessage: String(cause), trace: [] };
  return { errorType: cause.name, errorMessage: cause.message, trace: (cause.stack ?? "").split("\n") };
}

function logError(error: FunctionError): void {
  process.stderr.write(`${JSON.stringify({ level: "ERROR", ...error })}\n`);
}

// ---- AWS calls that functions sign themselves go to the gateway by message --------------------------------------------
/**
 * The name under which a function looks for a carrier, as `runtime/aws/carrier.ts` has it. What runs any program imports nothing of ours, so the
 * name stands here again. A program that does not look for it calls over HTTP.
 */
const CARRIER = Symbol.for("triggers.carrier");
const carried = new Map<number, (answer: CarriedAnswer | undefined) => void>();
let calls = 0;

const carrier: Carrier = (request) =>
  new Promise((resolve, reject) => {
    const call = ++calls;
    carried.set(call, (answer) => {
      if (answer === undefined) reject(new Error("the connection was closed without an answer"));
      else resolve(answer);
    });
    const [taken, transfer] = portable(request);
    say({ kind: "call", call, request: taken }, transfer);
  });

function bring({ call, answer }: Extract<ToThread, { kind: "answer" }>): void {
  const brought = carried.get(call);
  carried.delete(call);
  brought?.(
    answer === undefined
      ? undefined
      : { ...answer, body: typeof answer.body === "string" ? answer.body : bytesOf(answer.body) },
  );
}

if (data.carries) Object.defineProperty(globalThis, CARRIER, { value: carrier });

// ---- environments --------------------------------------------------------------------------------------------------
const filename = fileURLToPath(data.module);
/** What makes instances, looked for once. */
let laid: ReturnType<typeof layInstances> | undefined;

/** The module, evaluated for one environment; imported under a query string of its own where there is nothing that makes instances. */
async function instance(environment: number): Promise<Record<string, unknown>> {
  laid ??= layInstances(filename);
  const file = await laid;
  if (file === undefined) return await import(`${data.module}?environment=${environment}`);
  return (load(file) as MakeInstance)({ url: data.module, filename, dirname: dirname(filename) });
}

async function open(environment: number): Promise<void> {
  try {
    const module = await instance(environment);
    const handler = module[data.exportName];
    if (typeof handler !== "function") {
      throw Object.assign(new Error(`${data.exportName} is not a function of ${data.module}`), {
        name: "Runtime.HandlerNotFound",
      });
    }
    handlers.set(environment, handler as Handler);
    if (handlers.size === 1) setTimeout(flushCompileCache, FLUSH_MS).unref();
    say({ kind: "opened", environment });
  } catch (cause) {
    const error = errorOf(cause);
    logError(error);
    say({ kind: "opened", environment, error });
  }
}

/** The result as JSON, as Lambda sends it on. A body that an edge function left as it was does not travel back. */
function resultOf(value: unknown): ResultText {
  if (typeof value === "object" && value !== null && "body" in value) {
    const { body, ...rest } = value as { body: unknown };
    if (typeof body === "string") return { json: JSON.stringify(rest), body };
    if ((body as { action?: unknown } | undefined)?.action === "read-only") return { json: JSON.stringify(rest) };
  }
  return { json: JSON.stringify(value) ?? "null" };
}

async function invoke(message: Extract<ToThread, { kind: "invoke" }>): Promise<void> {
  const { environment, requestId, arn, deadline } = message;
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: data.functionName,
    functionVersion: data.version,
    invokedFunctionArn: arn,
    memoryLimitInMB: String(data.memoryMb),
    awsRequestId: requestId,
    logGroupName: `/aws/lambda/${data.functionName}`,
    logStreamName: `local/${environment}`,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  try {
    const result = await (handlers.get(environment) as Handler)(eventOf(message.event), context);
    say({ kind: "result", environment, result: resultOf(result) });
  } catch (cause) {
    const error = errorOf(cause);
    logError({ ...error, errorMessage: `${requestId} ${error.errorMessage}` });
    say({ kind: "error", environment, error });
  }
}

/** Tells the environments of their end, as Lambda does by a signal; those that listen end the thread when they are done. */
function end(): void {
  if (process.listenerCount("SIGTERM") === 0) process.exit(0);
  process.emit("SIGTERM");
}

function hear(message: ToThread): void {
  if (message.kind === "invoke") void invoke(message);
  else if (message.kind === "answer") bring(message);
  else if (message.kind === "open") void open(message.environment);
  else if (message.kind === "end") end();
  else handlers.delete(message.environment);
}
port.on("message", (said: readonly ToThread[]) => said.forEach(hear));
// In Lambda an unhandled rejection ends the process: so does it the thread here.
process.on("unhandledRejection", (cause) => {
  logError(errorOf(cause));
  flush();
  process.exit(129);
});
