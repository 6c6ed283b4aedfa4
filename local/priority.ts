import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { basename } from "node:path";

/**
 * Who goes first when processors are short: accepting. What works off queues, and what it works with, waits for threads of
 * normal priority, as in AWS nothing behind the queue takes anything from what stands before it.
 *
 * On Linux a priority belongs to a thread (sched(7)). Elsewhere it belongs to the process, so all threads stay alike there.
 * docs/decisions/overload.md
 */

/**
 * As `nice` counts, from -20 to 19: a thread of 6 gets a quarter of what one of 0 gets, and all that is left over. Much less would let a customer who keeps
 * the front door busy hold up the deliveries of everybody else (docs/performance.md, "What was tried").
 */
export const BACKGROUND = 6;
const LINUX = process.platform === "linux";

/** Lets the thread that calls this wait for those of normal priority. */
export function stepBack(): void {
  if (LINUX) stepBackThread(Number(basename(readlinkSync("/proc/thread-self"))));
}

/** Lets the threads wait on which V8 collects garbage and compiles beside all others. */
export function helpersStepBack(): void {
  if (!LINUX) return;
  for (const thread of readdirSync("/proc/self/task")) {
    const name = readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim();
    if (/V8Worker/.test(name)) stepBackThread(Number(thread));
  }
}

function stepBackThread(thread: number): void {
  try {
    // Under `nice` a thread may stand further back already, and is not called forward.
    setPriority(thread, Math.max(BACKGROUND, getPriority(thread)));
  } catch {
    // Where this is not allowed, in some containers, threads stay alike.
  }
}
