import { LRUCache } from "lru-cache";
import { growing } from "../domain/growing.ts";
import type { Millis } from "../domain/time.ts";
import type { State } from "./window.ts";

/**
 * What this environment may let pass of a limit while Redis can't tell.
 *
 * An environment learns from each answer of Redis how many of a window's events were its own, and of how many. Without
 * Redis it lets that share of the limit pass, so that all environments together let about the limit pass. A request
 * larger than the share passes too, once the bucket is full, and is paid back before the next: an environment that gets
 * few requests would else refuse every batch. So an outage begins with at most one request of each environment too many.
 */

interface Window {
  /** Events of the last seconds: this environment's own, and all; older ones fade. */
  own: number;
  all: number;
  /** The window's running count when it was last seen. */
  passed: number;
  /** Of the local bucket; below 0 while a large request is paid back. */
  tokens: number;
  at: Millis;
}

/** Windows that are remembered; who falls out begins anew. */
const MAX_WINDOWS = 20_000;
/** Milliseconds after which an observation counts for a third. */
const MEMORY_MS = 10_000;
/** Of a limit whose traffic this environment has not seen yet. */
const UNKNOWN_SHARE = 1 / 4;
const LEAST_SHARE = 1 / 64;

export class Shares {
  readonly #windows = new LRUCache<string, Window>(growing(MAX_WINDOWS));

  /** Redis has counted: so many before this request, and this one's if it took them. */
  saw(name: string, limit: number, { passed, counts }: Pick<State, "passed" | "counts">, taken: number, now: Millis) {
    const known = this.#windows.get(name)?.passed;
    const window = this.#at(name, limit, now);
    const recent = counts.reduce((sum, count) => sum + count, 0);
    // A running count that fell was begun anew after a silence.
    const others = known === undefined ? recent : passed < known ? passed : passed - known;
    window.own += taken;
    window.all += others + taken;
    window.passed = passed + taken;
    // What Redis let pass uses the share up, and leaves no debt.
    window.tokens = Math.max(Math.min(0, window.tokens), window.tokens - taken);
  }

  /** Remaining part of this environment's share, and its refill per second. */
  left(name: string, limit: number, now: Millis): { readonly tokens: number; readonly perSecond: number } {
    return { tokens: this.#at(name, limit, now).tokens, perSecond: limit * this.#share(name) };
  }

  /** Counts events that passed without Redis. */
  take(name: string, limit: number, cost: number, now: Millis): void {
    this.#at(name, limit, now).tokens -= cost;
  }

  #share(name: string): number {
    const { own, all } = this.#windows.get(name)!;
    return all === 0 ? UNKNOWN_SHARE : Math.max(LEAST_SHARE, own / all);
  }

  /** The window as it is now: memory faded, bucket refilled. */
  #at(name: string, limit: number, now: Millis): Window {
    let window = this.#windows.get(name);
    if (window === undefined) {
      window = { own: 0, all: 0, passed: 0, tokens: limit * UNKNOWN_SHARE, at: now };
      this.#windows.set(name, window);
      return window;
    }
    const ms = Math.max(0, now - window.at);
    const share = limit * this.#share(name);
    window.tokens = Math.min(share, window.tokens + (share * ms) / 1_000);
    const fade = Math.exp(-ms / MEMORY_MS);
    window.own *= fade;
    window.all *= fade;
    // Also where the clock was set back.
    window.at = now;
    return window;
  }
}
