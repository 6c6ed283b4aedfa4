import { DEFAULT_REPLAY_RATE, type ReplayRequest } from "../../domain/job.ts";
import type { Tools } from "../work.ts";

/**
 * The rate of a replay, in events per second. A delivery holds the events of one accepted request that a subscription matches, and is
 * handed on whole; it goes once the time has passed that its events take at the rate. So the average holds at every moment
 * from the beginning on, and a replay is not over before its time at the rate is.
 *
 * Invariant: `spent` alone says where the rate stands. Saved with the cursor it outlives slices and crashes; what has become
 * due while the job waited on its queue goes at once.
 */

/** What reading and sending take of the time is made up for, up to this. */
const CREDIT_MS = 1_000;
/** So often a wait looks up. */
const STEP_MS = 500;
/** A longer wait is left to the queue, where it costs nothing: the function is billed for the time it sleeps. */
const LONGEST_WAIT_MS = 10_000;

export class Pace {
  readonly #rate: number;
  readonly #tools: Tools;
  #spent: number;

  /** @param spent of an earlier slice; by default the rate counts from now on */
  constructor({ rate_per_second = DEFAULT_REPLAY_RATE }: ReplayRequest, tools: Tools, spent = tools.now()) {
    this.#rate = rate_per_second;
    this.#tools = tools;
    this.#spent = spent;
  }

  /** The time up to which the rate is used up by what was handed on, in milliseconds. */
  get spent(): number {
    return this.#spent;
  }

  #dueAt(events: number): number {
    const cost = (events / this.#rate) * 1_000;
    // Credit of at least the cost: what was waited for elsewhere is due, however late this looks.
    return Math.max(this.#spent, this.#tools.now() - Math.max(CREDIT_MS, cost)) + cost;
  }

  /** Milliseconds until these many events more are due; 0 when they are. */
  dueIn(events: number): number {
    return Math.max(0, this.#dueAt(events) - this.#tools.now());
  }

  /**
   * Waits until these many events more are due, and counts them.
   * @param goesOn asked during the wait
   * @returns whether to hand them on; else nothing is counted: `goesOn` said no, or the wait is for the queue
   */
  async wait(events: number, goesOn: () => Promise<boolean>): Promise<boolean> {
    for (;;) {
      const wait = this.dueIn(events);
      if (wait === 0) break;
      if (wait > LONGEST_WAIT_MS) return false;
      await this.#tools.sleep(Math.min(wait, STEP_MS));
      if (!(await goesOn())) return false;
    }
    this.#spent = this.#dueAt(events);
    return true;
  }
}
