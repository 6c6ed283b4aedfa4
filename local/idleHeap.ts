/**
 * Gives memory back once there is little to do. V8 collects when enough has been allocated, so a thread that has become idle keeps the heap that
 * its largest work left, garbage and all. docs/decisions/heaps.md
 */
import { performance } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";

/** How often a thread looks, milliseconds. Over this time it must have been idle, too. */
const LOOK_MS = 10_000;
/** Share of its time in which a thread may compute and still counts as idle. */
const IDLE = 0.05;
/** What a collection must be able to give back, bytes: less is not worth the pause. */
const WORTH_BYTES = 64 * 1024 * 1024;

const collect = globalThis.gc;
// A function finds only what Lambda gives it. V8 lets nobody delete this.
globalThis.gc = undefined;

/** Memory of this thread's heap and of the buffers that belong to it, bytes. */
function held(): number {
  const { total_heap_size, external_memory } = getHeapStatistics();
  return total_heap_size + external_memory;
}

/** From now on, this thread collects its garbage whenever it has become idle. Without `--expose-gc` it can't, and does not. */
export function collectWhenIdle(): void {
  if (collect === undefined) return;
  let used = performance.eventLoopUtilization();
  /** As little as it has been since the last collection: V8 collects by itself, too. */
  let after = 0;
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, used);
    used = now;
    after = Math.min(after, held());
    if (utilization > IDLE || held() - after < WORTH_BYTES) return;
    // This form shrinks the room for young objects as well: a busy thread takes up to 192 MB for them.
    collect({ type: "major", flavor: "last-resort" });
    after = held();
  }, LOOK_MS).unref();
}
