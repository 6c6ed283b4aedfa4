import { availableParallelism } from "node:os";

/** Share of all cores that this process uses, from which on the machine counts as full. */
const FULL = 0.7;
/** Looked at once a quarter second at most, for all functions together. */
const LOOK_MS = 250;
let looked = { at: performance.now(), cpu: process.cpuUsage(), full: false };

/** Whether this process has been using nearly all the machine has. */
export function machineIsFull(): boolean {
  const at = performance.now();
  if (at - looked.at < LOOK_MS) return looked.full;
  const { user, system } = process.cpuUsage(looked.cpu);
  const full = (user + system) / 1_000 / (at - looked.at) / availableParallelism() > FULL;
  looked = { at, cpu: process.cpuUsage(), full };
  return full;
}
