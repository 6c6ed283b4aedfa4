/** What a drill tells the module `disturbance.ts` inside the platform's process. */
import type { ChildProcess } from "node:child_process";
import { startCommand } from "../../local/startScript.ts";
import { type Started, startProcess } from "../support/process.ts";

export interface StoreFault {
  readonly store: (typeof STORES)[number];
  /** Calls and connections are refused at once; each takes `ms` longer; or nothing is answered until the fault ends. */
  readonly how: "away" | "slow" | "silent";
  readonly ms: number;
}

export interface Disturbance {
  /** By how much the platform's clock is ahead of this machine's. */
  readonly clockMs?: number;
  readonly fault?: StoreFault;
}

/** PostgreSQL and Redis, and AWS services by the names that signatures have. */
export const STORES = ["postgresql", "redis", "dynamodb", "s3", "sqs", "firehose"] as const;

const [program, ...words] = startCommand;
const MODULE = new URL("./disturbance.ts", import.meta.url).href;

/** The platform in a process that can be disturbed. */
export const startDisturbed = (state: string, disturbance: Disturbance): Started =>
  startProcess({
    state,
    command: [program!, "--import", MODULE, ...words],
    // With it set, the process does not begin anew in its own place (local/start.mjs), which would close the channel.
    env: { DRILL_DISTURBANCE: JSON.stringify(disturbance), MALLOC_MMAP_THRESHOLD_: "262144" },
    channel: true,
  });

const PATIENCE_MS = 5_000;

/**
 * Resolves when the platform has heard it, or is too busy or gone.
 * @returns how many calls and connections have met a fault in this life; 0 when it did not answer
 */
export function disturb(child: ChildProcess, disturbance: Disturbance): Promise<number> {
  return new Promise((resolve) => {
    const limit = setTimeout(done, PATIENCE_MS, { met: 0 });
    function done({ met }: { readonly met: number }): void {
      clearTimeout(limit);
      child.off("message", done);
      resolve(met);
    }
    child.once("message", done);
    child.send(disturbance, (cause) => {
      if (cause !== null) done({ met: 0 });
    });
  });
}
