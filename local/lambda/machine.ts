/**
 * How much this machine can do, which stands for the account's concurrency: Lambda refuses invocations that exceed it, and
 * so does the local platform while more comes in than it works off.
 */
import { availableParallelism, cpus } from "node:os";

/** Share of all cores from which on the machine counts as full: used by this process, or by all. */
const FULL = 0.7;
const FULL_BY_ALL = 0.92;
/** The same from which on requests wait for processors now and then, though there is time left on average. */
const SHORT_BY_ALL = 0.8;
/** Looked at once a quarter second at most, for all functions together. */
const LOOK_MS = 250;
/**
 * Messages that may wait in one queue. Each takes about half a kilobyte of memory while it waits, and all of them are made up for
 * after the rush: more than these would be an hour's work.
 */
const MOST_WAITING = 500_000;

/** Processor time of all cores since they started, milliseconds. */
function ticks(): { idle: number; all: number } {
  let [idle, all] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    all += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { idle, all };
}

let looked = { at: performance.now(), cpu: process.cpuUsage(), ticks: ticks(), full: false, short: false };
/** How many messages wait, by queue. */
const waiting = new Map<string, number>();

function look(): typeof looked {
  const at = performance.now();
  if (at - looked.at < LOOK_MS) return looked;
  const { user, system } = process.cpuUsage(looked.cpu);
  const now = ticks();
  const byThis = (user + system) / 1_000 / (at - looked.at) / availableParallelism();
  const idle = (now.idle - looked.ticks.idle) / Math.max(now.all - looked.ticks.all, 1);
  const full = byThis > FULL || idle < 1 - FULL_BY_ALL;
  looked = { at, cpu: process.cpuUsage(), ticks: now, full, short: full || idle < 1 - SHORT_BY_ALL };
  return looked;
}

/** Whether this process has been using nearly all the machine has, or all processes together have. */
export const machineIsFull = (): boolean => look().full;

/** Tells how many messages wait in a queue for their function. */
export function messagesWait(queueArn: string, count: number): void {
  waiting.set(queueArn, count);
}

/** Requests under way beyond which some of them wait for the processors: one that doesn't is answered in milliseconds. */
const MANY_UNDER_WAY = 16;
let underWay = 0;
/** When a request was taken in or answered last, of `performance.now()`. */
let lastAt = Number.NEGATIVE_INFINITY;

/** Tells of a request that is taken in, which ends later. */
export function requestBegan(): void {
  underWay += 1;
  lastAt = performance.now();
}

export function requestEnded(): void {
  underWay -= 1;
  lastAt = performance.now();
}

export const requestsUnderWay = (): number => underWay;

/** How long nobody has to have asked for anything. */
const QUIET_MS = 250;

/** Resolves once nobody has asked for anything at the front door for a moment. It keeps no process alive. */
export async function quietDoor(): Promise<void> {
  for (;;) {
    const left = underWay > 0 ? QUIET_MS : lastAt + QUIET_MS - performance.now();
    if (left <= 0) return;
    await new Promise((resolve) => setTimeout(resolve, left).unref());
  }
}

/** Whether requests at the front door wait for the processors. */
export const requestsWait = (): boolean => underWay > MANY_UNDER_WAY && look().short;

/** Share of the processors' time that is left over on a machine with nothing to do, and how long it has to be. */
const IDLE = 0.5;
const IDLE_FOR_MS = 1_000;

/** Resolves once the machine has had little to do for a while. It keeps no process alive. */
export async function idleMachine(): Promise<void> {
  for (let before = ticks(); ; ) {
    await new Promise((resolve) => setTimeout(resolve, IDLE_FOR_MS).unref());
    const now = ticks();
    if ((now.idle - before.idle) / Math.max(now.all - before.all, 1) >= IDLE) return;
    before = now;
  }
}

/** Whether queues hold as much as this machine can keep. */
export const queuesAreFull = (): boolean => [...waiting.values()].some((count) => count >= MOST_WAITING);
