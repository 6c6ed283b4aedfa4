import { ageOf } from "../domain/age.ts";
import type { Millis } from "../domain/time.ts";
import { errorText, type Log } from "./log.ts";

/**
 * When what an execution environment has collected is written.
 *
 * Invariant: while little happens everything is written before its invocation ends. An environment that is busy writes once
 * in a while for all its invocations, since the next one is at hand; what it still holds when they end is written when
 * Lambda ends it (ending.ts). Only a crash, or a lost host, takes what was collected in the last three seconds with it.
 */
const WINDOW_MS = 3_000;
/** So many writes within a window are made at once. */
const AT_ONCE = 2;

export interface Collector {
  /** Call when an invocation has collected something. @throws what the write throws */
  collected(): Promise<void>;
}

export interface CollectorOptions {
  flush(): Promise<void>;
  readonly log: Log;
  /** Milliseconds. */
  now(): Millis;
  /** Calls `run` after so many milliseconds; between invocations the environment stands still, and this with it. */
  after(ms: Millis, run: () => void): void;
}

export function collector({ flush, log, now, after }: CollectorOptions): Collector {
  let writes: number[] = [];
  let waiting = false;

  const write = (): Promise<void> => {
    writes.push(now());
    return flush();
  };

  return {
    async collected() {
      writes = writes.filter((at) => ageOf(at, now()) < WINDOW_MS);
      if (writes.length < AT_ONCE) return write();
      if (waiting) return;
      waiting = true;
      after(Math.max(0, writes[0]! + WINDOW_MS - now()), () => {
        waiting = false;
        write().catch((error) => log("warn", "usage.not_counted_yet", { error: errorText(error) }));
      });
    },
  };
}
