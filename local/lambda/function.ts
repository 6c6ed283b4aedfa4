/**
 * One function and its execution environments. Invariant: an environment does one invocation at a time; none answers
 * after its timeout; a thread that hung, crashed or outgrew its memory takes down only what ran in it.
 */
import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import type { EventLoopUtilization } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { defined, mapDefined } from "../../runtime/domain/defined.ts";
import type { Account } from "../account.ts";
import type { Metrics } from "../cloudwatch/metrics.ts";
import type { LocalContext, TakeCall } from "../service.ts";
import { machineIsFull } from "./machine.ts";
import { isBusy, isLight, placeFor } from "./place.ts";
import {
  bytesOf,
  eventText,
  type FromThread,
  type FunctionError,
  gathered,
  portable,
  type ResultText,
  type ThreadData,
  type ToThread,
} from "./protocol.ts";

/** Environments that a function has at most on this machine, where nothing is reserved for it. */
export const ENVIRONMENTS = 64;
/** Room in the heap of a thread that each of its environments has at least, MB. One of ours keeps about two. */
const ROOM_MB = 8;
/** Threads of one function, where these have room for all of its environments. */
const THREADS = 4;
/** Invocations that may wait for an environment; more are refused as Lambda refuses beyond its concurrency. */
const WAITING = 1_000;
/** How long an invocation waits for a busy environment before another one is opened. */
const PATIENCE_MS = 25;
/**
 * Environments that a function gets before it needs them, where the machine has time to open them: one of light invocations has twice as many as are busy, up to these;
 * one at the front door gets them while nobody asks for anything.
 */
export const AHEAD = 32;
/** Milliseconds over which activity is measured: in a shorter time every thread is idle now and then. */
const LOOK_MS = 250;
/** Source: CloudFront Developer Guide, "Quotas": "each instance of your Lambda@Edge function can serve up to 10 requests per second". */
const EDGE_HELD_MS = 100;
/**
 * How long Lambda lets a module initialise, milliseconds. After that it begins anew as a part of the first invocation, with the function's
 * own time: here a start that is under way gets that time in addition, because on a busy machine a second start would be as slow.
 * Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle", init phase.
 */
const INIT_LIMIT_MS = 10_000;

export interface FunctionSettings {
  readonly name: string;
  readonly arn: string;
  readonly version: string;
  /** Path of the module file, and name of its export. */
  readonly module: string;
  readonly exportName: string;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  /** Concurrent invocations reserved for it; undefined: as many as the machine can. */
  readonly reservedConcurrency: number | undefined;
  /** Exactly what the function finds in `process.env`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** The function finds them in `LOCAL_PORTS`, as they are when its thread starts: no webhook may lead there. */
  readonly ownPorts?: ReadonlySet<number> | undefined;
  /** Found in `LOCAL_HOSTS`: where the beginning of a URL leads on this machine. */
  readonly elsewhere?: Readonly<Record<string, string>> | undefined;
}

export type Outcome =
  | { readonly kind: "result"; readonly result: ResultText }
  | { readonly kind: "error"; readonly error: FunctionError }
  | { readonly kind: "throttled" };

interface Thread {
  readonly worker: Worker;
  say(message: ToThread, transfer?: readonly ArrayBuffer[]): void;
  readonly environments: Map<number, Environment>;
  /** Takes no new invocation: one of its environments timed out or the function is closing. */
  retired: boolean;
  /** How busy its event loop was until it was asked last. */
  used: EventLoopUtilization;
  /** As `Looked` has them. */
  busy: number;
  eachMs: number;
  /** Invocations that have ended since then. */
  ended: number;
}

/** How long an environment may take to end where an internal extension is registered. */
const SHUTDOWN_MS = 500;

interface Environment {
  readonly id: number;
  readonly thread: Thread;
  state: "opening" | "idle" | "busy";
  finish: ((outcome: Outcome) => void) | undefined;
  /** Tells who opened it that it is there, or that it never will be. */
  settle(there: boolean): void;
}

interface Invocation {
  readonly event?: unknown;
  readonly json?: string;
  /** When the handler was started; while it waits, when it came. */
  began: number;
  resolve(outcome: Outcome): void;
}

const failure = (errorType: string, errorMessage: string): Outcome => ({
  kind: "error",
  error: { errorType, errorMessage, trace: [] },
});

export class LambdaFunction {
  readonly settings: FunctionSettings;
  readonly #log: (line: string) => void;
  readonly #metrics: Metrics | undefined;
  readonly #account: Account | undefined;
  /** Takes the AWS calls that its threads hand over. */
  readonly #take: TakeCall | undefined;
  /** Environments that are its own, out of what all share. */
  readonly #reserved: number | undefined;
  readonly #perThread: number;
  #heldMs = 0;
  #background = false;
  readonly #threads = new Set<Thread>();
  readonly #idle: Environment[] = [];
  readonly #waiting: Invocation[] = [];
  #ranAt: number | undefined;
  #environments = 0;
  #opening = 0;
  #busy = 0;
  #sequence = 0;
  #patience: NodeJS.Timeout | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Looks in a row that found all threads busy and the machine not full. */
  #shortLooks = 0;
  #closed = false;
  #drained: (() => void) | undefined;

  /** @param context where it counts its runs, whose concurrency it shares with all others, and what takes its AWS calls */
  constructor(
    settings: FunctionSettings,
    { log, metrics, account, take }: Pick<LocalContext, "log" | "metrics" | "account" | "take">,
  ) {
    this.settings = settings;
    this.#log = log;
    this.#metrics = metrics;
    this.#account = account;
    this.#take = take;
    const { reservedConcurrency: reserved, memoryMb } = settings;
    this.#perThread = Math.min(ENVIRONMENTS, Math.floor(memoryMb / ROOM_MB));
    this.#reserved = reserved === undefined ? undefined : (account?.keep(reserved) ?? reserved);
  }

  /** From now on it runs at the edge, where an environment serves ten requests a second at most. */
  atTheEdge(): this {
    this.#heldMs = EDGE_HELD_MS;
    return this;
  }

  /** From now on its threads wait for those of other functions where processors are short. */
  inBackground(): void {
    this.#background = true;
  }

  /** Opens environments of its first thread now, one after the other, until there are so many, rather than when they are needed. Ends early where one can't be opened. */
  async warm(count: number): Promise<void> {
    const most = Math.min(count, this.#perThread, this.#most());
    while (this.#environments < most && this.#opening === 0 && !this.#closed) if (!(await this.#open())) return;
  }

  /** Environments that it may have. */
  #most(): number {
    return Math.min(ENVIRONMENTS, this.#reserved ?? Number.POSITIVE_INFINITY);
  }

  /** Invocations under way or waiting. */
  get active(): number {
    return this.#busy + this.#waiting.length;
  }

  /** Runs the handler once. Never rejects: what went wrong is in the outcome. */
  invoke(payload: { event: unknown } | { json: string }): Promise<Outcome> {
    if (this.#closed) return Promise.resolve(failure("Runtime.Unavailable", "the platform is stopping"));
    const full = this.#reserved !== undefined && this.active >= this.#reserved;
    if (full || this.#waiting.length >= WAITING || !this.#accountAdmits()) {
      this.#count({ kind: "throttled" }, 0);
      return Promise.resolve({ kind: "throttled" });
    }
    return new Promise((resolve) => {
      const invocation: Invocation = {
        ...payload,
        began: performance.now(),
        resolve: (outcome) => {
          const ms = performance.now() - invocation.began;
          this.#count(outcome, ms);
          if (this.#heldMs > ms) setTimeout(() => this.#leave(), this.#heldMs - ms).unref();
          else this.#leave();
          resolve(outcome);
        },
      };
      const environment = this.#idle.pop();
      if (environment !== undefined) this.#run(environment, invocation);
      else {
        this.#waiting.push(invocation);
        this.#grow();
      }
    });
  }

  #leave(): void {
    if (this.#reserved === undefined) this.#account?.leave();
  }

  #accountAdmits(): boolean {
    if (this.#account === undefined) return true;
    if (this.#reserved !== undefined) return true;
    if (this.#heldMs > 0 && !this.#account.admit("edgeRequestsPerSecond", this.settings.name, 1)) return false;
    return this.#account.enter();
  }

  /** When a run ended last, milliseconds since the epoch. */
  get ranAt(): number | undefined {
    return this.#ranAt;
  }

  /** As Lambda counts: a run that was refused is no invocation. @param ms how long the handler ran */
  #count({ kind }: Outcome, ms: number): void {
    const dimensions = { FunctionName: this.settings.name };
    const publish = (name: string, value: number) => this.#metrics?.record("AWS/Lambda", name, dimensions, value);
    publish("Throttles", kind === "throttled" ? 1 : 0);
    if (kind === "throttled") return;
    this.#ranAt = Date.now();
    publish("Invocations", 1);
    publish("Errors", kind === "error" ? 1 : 0);
    publish("Duration", ms);
  }

  /** Lets what runs finish, then ends the threads. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#patience);
    if (this.active > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    await Promise.all([...this.#threads].map((thread) => this.#end(thread)));
  }

  /** Gives a thread's environments their last moment. */
  async #end(thread: Thread): Promise<void> {
    const { worker } = thread;
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    thread.say({ kind: "end" });
    const limit = setTimeout(() => void worker.terminate(), SHUTDOWN_MS);
    await ended;
    clearTimeout(limit);
  }

  /** Opens one more environment when an invocation waits and the busy ones don't come free soon, if there is a place for it. */
  #grow(): void {
    const limit = this.#most();
    if (this.#waiting.length === 0 || this.#opening > 0 || this.#environments >= limit) return;
    if (this.#environments === 0) {
      void this.#open();
      return;
    }
    this.#patience ??= setTimeout(() => {
      this.#patience = undefined;
      if (this.#waiting.length === 0 || this.#opening > 0 || this.#environments >= limit) return;
      const place = this.#place();
      if (place !== undefined) void this.#open(place);
      else this.#grow();
    }, PATIENCE_MS);
  }

  /** Opens one more environment before an invocation has to wait for it: later, when the machine is full, that holds up others. */
  #growAhead(): void {
    if (
      this.#background ||
      this.#opening > 0 ||
      this.#busy * 2 <= this.#environments ||
      this.#environments >= Math.min(AHEAD, this.#most())
    )
      return;
    if (machineIsFull()) return;
    const place = this.#place();
    if (typeof place === "object" && isLight(place)) void this.#open(place);
  }

  #place(): Thread | "new" | undefined {
    this.#look();
    const threads = [...this.#threads].filter(({ retired }) => !retired);
    const most = Math.max(THREADS, ENVIRONMENTS / this.#perThread);
    const behind = this.#background && machineIsFull();
    return placeFor(threads, { perThread: this.#perThread, threads: most, behind }, this.#shortLooks);
  }

  /** Measures how busy the threads have been since the last time. */
  #look(): void {
    const at = performance.now();
    if (at - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = at;
    for (const thread of this.#threads) {
      const now = thread.worker.performance.eventLoopUtilization();
      const { utilization, active } = thread.worker.performance.eventLoopUtilization(now, thread.used);
      thread.busy = utilization;
      thread.eachMs = active / thread.ended;
      thread.used = now;
      thread.ended = 0;
    }
    this.#shortLooks = [...this.#threads].every(isBusy) && !machineIsFull() ? this.#shortLooks + 1 : 0;
  }

  #roomy(): Thread | "new" {
    const room = ({ retired, environments }: Thread) => !retired && environments.size < this.#perThread;
    return [...this.#threads].find(room) ?? "new";
  }

  /** @returns whether it is there in the end */
  #open(place = this.#roomy()): Promise<boolean> {
    if (this.#account?.admit("lambdaScalingPer10s", this.settings.name, 1) === false) return Promise.resolve(false);
    const thread = place === "new" ? this.#startThread() : place;
    const { promise, resolve: settle } = Promise.withResolvers<boolean>();
    const environment: Environment = { id: ++this.#sequence, thread, state: "opening", finish: undefined, settle };
    thread.environments.set(environment.id, environment);
    this.#environments += 1;
    this.#opening += 1;
    const limitMs = INIT_LIMIT_MS + this.settings.timeoutMs;
    setTimeout(() => {
      if (environment.state !== "opening" || !thread.environments.has(environment.id)) return;
      this.#log(`${this.settings.name}: initialisation took over ${limitMs / 1000} s`);
      this.#retire(thread);
      void thread.worker.terminate();
    }, limitMs).unref();
    thread.say({ kind: "open", environment: environment.id });
    return promise;
  }

  #startThread(): Thread {
    const { settings } = this;
    const data: ThreadData = {
      module: pathToFileURL(settings.module).href,
      exportName: settings.exportName,
      functionName: settings.name,
      version: settings.version,
      memoryMb: settings.memoryMb,
      logFile: settings.logFile,
      background: this.#background,
      carries: this.#take !== undefined,
    };
    const worker = new Worker(new URL("./thread.ts", import.meta.url), {
      name: settings.name,
      workerData: data,
      // Compiled code is kept beside the code.
      env: {
        ...settings.environment,
        ...defined({
          LOCAL_PORTS: mapDefined(settings.ownPorts, (ownPorts) => [...ownPorts].join(",")),
          LOCAL_HOSTS: mapDefined(settings.elsewhere, (elsewhere) => JSON.stringify(elsewhere)),
        }),
        NODE_COMPILE_CACHE: join(dirname(settings.module), "..", "compiled"),
      },
      execArgv: ["--enable-source-maps", "--disable-warning=ExperimentalWarning"],
      // What an invocation leaves behind dies young: room for it makes full collections, which stop the thread, rare.
      resourceLimits: { maxOldGenerationSizeMb: settings.memoryMb, maxYoungGenerationSizeMb: 192 },
    });
    const used = worker.performance.eventLoopUtilization();
    const { say } = gathered<ToThread>((said, transfer) => worker.postMessage(said, transfer));
    const thread: Thread = { worker, say, environments: new Map(), retired: false, used, busy: 0, eachMs: 0, ended: 0 };
    this.#threads.add(thread);
    worker.on("message", (said: readonly FromThread[]) => {
      for (const message of said) this.#hear(thread, message);
    });
    worker.on("error", (cause) => this.#lost(thread, cause));
    worker.on("exit", () => this.#lost(thread, undefined));
    return thread;
  }

  /** Hands an AWS call of one of the thread's environments to the gateway, and brings the answer. */
  async #carry({ say }: Thread, { call, request }: Extract<FromThread, { kind: "call" }>): Promise<void> {
    const { path, body, ...rest } = request;
    const answered = await this.#take!({ ...rest, url: path, body: bytesOf(body) });
    if (answered === undefined) return say({ kind: "answer", call });
    const [answer, transfer] = portable(answered);
    say({ kind: "answer", call, answer }, transfer);
  }

  #hear(thread: Thread, message: FromThread): void {
    if (message.kind === "call") return void this.#carry(thread, message);
    const environment = thread.environments.get(message.environment);
    if (environment === undefined) return;
    if (message.kind === "opened") {
      this.#opening -= 1;
      environment.settle(message.error === undefined && !thread.retired);
      if (message.error !== undefined) {
        this.#forget(environment);
        this.#log(
          `${this.settings.name}: could not initialise: ${message.error.errorType} ${message.error.errorMessage}`,
        );
        this.#waiting.shift()?.resolve({ kind: "error", error: message.error });
      } else if (thread.retired) this.#forget(environment);
      else this.#free(environment);
      this.#grow();
      return;
    }
    if (message.kind === "result") environment.finish?.({ kind: "result", result: message.result });
    else {
      this.#log(`${this.settings.name}: ${message.error.errorType}: ${message.error.errorMessage}`);
      environment.finish?.({ kind: "error", error: message.error });
    }
  }

  #run(environment: Environment, invocation: Invocation): void {
    const { settings } = this;
    environment.state = "busy";
    invocation.began = performance.now();
    this.#busy += 1;
    this.#growAhead();
    const timer = setTimeout(() => {
      this.#log(`${settings.name}: timed out after ${settings.timeoutMs} ms`);
      this.#retire(environment.thread);
      environment.finish?.(
        failure("Sandbox.Timedout", `Task timed out after ${(settings.timeoutMs / 1000).toFixed(2)} seconds`),
      );
    }, settings.timeoutMs);
    environment.finish = (outcome) => {
      clearTimeout(timer);
      environment.finish = undefined;
      this.#busy -= 1;
      environment.thread.ended += 1;
      invocation.resolve(outcome);
      if (environment.thread.retired) this.#forget(environment);
      else this.#free(environment);
      if (this.active === 0) this.#drained?.();
    };
    const { event, json } = invocation;
    environment.thread.say({
      kind: "invoke",
      environment: environment.id,
      requestId: randomUUID(),
      arn: settings.arn,
      deadline: Date.now() + settings.timeoutMs,
      // As text, which takes half of the time that cloning takes.
      event: json === undefined ? eventText(event) : { json },
    });
  }

  #free(environment: Environment): void {
    environment.state = "idle";
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#run(environment, next);
      this.#grow();
    } else this.#idle.push(environment);
  }

  #forget(environment: Environment): void {
    const { thread } = environment;
    if (!thread.environments.delete(environment.id)) return;
    this.#environments -= 1;
    const at = this.#idle.indexOf(environment);
    if (at >= 0) this.#idle.splice(at, 1);
    if (thread.retired && [...thread.environments.values()].every(({ state }) => state !== "busy")) {
      void thread.worker.terminate();
    }
  }

  /** No new work for the thread; it ends when what runs in it is over. */
  #retire(thread: Thread): void {
    thread.retired = true;
    for (const environment of [...thread.environments.values()])
      if (environment.state === "idle") this.#forget(environment);
    this.#grow();
  }

  #lost(thread: Thread, cause: unknown): void {
    if (!this.#threads.delete(thread)) return;
    thread.retired = true;
    const code = (cause as { code?: string } | undefined)?.code;
    const outcome =
      code === "ERR_WORKER_OUT_OF_MEMORY"
        ? failure("Runtime.OutOfMemory", `the function needed more than its ${this.settings.memoryMb} MB`)
        : failure("Runtime.ExitError", `the runtime exited${cause === undefined ? "" : `: ${String(cause)}`}`);
    if (cause !== undefined)
      this.#log(`${this.settings.name}: ${(outcome as { error: FunctionError }).error.errorMessage}`);
    for (const environment of [...thread.environments.values()]) {
      if (environment.state === "opening") {
        this.#opening -= 1;
        environment.settle(false);
        this.#waiting.shift()?.resolve(outcome);
      }
      environment.finish?.(outcome);
      this.#forget(environment);
    }
    if (!this.#closed) this.#grow();
    else if (this.active === 0) this.#drained?.();
  }
}
