/**
 * How much this machine can do, which stands for the account's concurrency: Lambda refuses invocations that exceed it, and
 * so does the local platform while more comes in than it works off.
 */
import { availableParallelism, cpus } from "node:os";

/** Share of all cores from which on the machine counts as full: used by this process, or by all. */
const FULL = 0.7;
const FULL_BY_ALL = 0.92;
/** Looked at once a quarter second at most, for all functions together. */
const LOOK_MS = 250;
/** How long a message may wait for an invocation, where five seconds are promised for all of its way; and how long the machine counts as behind after one that waited longer. */
const LATE_MS = 4_000;
const HOLD_MS = 250;

/** Processor time of all cores since they started, milliseconds. */
function ticks(): { idle: number; all: number } {
  let [idle, all] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    all += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { idle, all };
}

let looked = { at: performance.now(), cpu: process.cpuUsage(), ticks: ticks(), full: false };
let behindUntil = 0;

/** Whether this process has been using nearly all the machine has, or all processes together have. */
export function machineIsFull(): boolean {
  const at = performance.now();
  if (at - looked.at < LOOK_MS) return looked.full;
  const { user, system } = process.cpuUsage(looked.cpu);
  const now = ticks();
  const byThis = (user + system) / 1_000 / (at - looked.at) / availableParallelism();
  const idle = (now.idle - looked.ticks.idle) / Math.max(now.all - looked.ticks.all, 1);
  looked = { at, cpu: process.cpuUsage(), ticks: now, full: byThis > FULL || idle < 1 - FULL_BY_ALL };
  return looked.full;
}

/** Tells how long a message has waited, where nothing but the machine kept it waiting. */
export function messageWaited(ms: number): void {
  if (ms > LATE_MS && machineIsFull()) behindUntil = performance.now() + HOLD_MS;
}

/** Whether messages come in faster than the machine works them off. */
export const machineIsBehind = (): boolean => performance.now() < behindUntil;
