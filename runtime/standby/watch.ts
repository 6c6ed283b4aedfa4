/**
 * When a standby region takes over and when it hands back.
 *
 * Invariant: a takeover ends by itself unless it is renewed, so a standby region that dies takes no traffic with it.
 */
import type { Millis } from "../domain/time.ts";

/** What the edge reads from its store at every request, as JSON under the key `takeover`. */
export interface Takeover {
  /** Region that takes events in. */
  readonly region: string;
  /** Milliseconds since the epoch at which it ends. */
  readonly until: Millis;
}

/** A text that is no takeover counts as none, as it does at the edge: the next one takes its place. */
export function takeoverIn(text: string): Takeover | undefined {
  try {
    const { region, until } = (JSON.parse(text) ?? {}) as Partial<Takeover>;
    return typeof region === "string" && typeof until === "number" ? { region, until } : undefined;
  } catch {
    return undefined;
  }
}

export interface WatchState {
  /** Checks in a row that failed, or succeeded; the other is 0. */
  readonly failures: number;
  readonly successes: number;
  /** End of our own takeover, milliseconds; 0 when there is none. */
  readonly until: Millis;
}

export const beginning: WatchState = { failures: 0, successes: 0, until: 0 };

/** Failed checks before traffic moves. */
const FAILURES = 2;
/** Good checks before it moves back. */
const SUCCESSES = 3;
const HOLD_MS = 60_000;
/** A takeover that ends sooner than this is renewed. */
const RENEW_MS = 40_000;
/** Time between checks, and after one that contradicts the decision in force. */
const CALM_MS = 5_000;
const ALERT_MS = 1_000;

export type Step = "none" | "take_over" | "hand_back";

/**
 * What follows from one check of the home region.
 * @param now milliseconds
 * @returns the new state, what to tell the edge, and when to check again
 */
export function decide(
  state: WatchState,
  healthy: boolean,
  now: Millis,
): { readonly state: WatchState; readonly step: Step; readonly waitMs: Millis } {
  const failures = healthy ? 0 : state.failures + 1;
  const successes = healthy ? state.successes + 1 : 0;
  const ours = state.until > now;
  if (!healthy && failures >= FAILURES && state.until < now + RENEW_MS)
    return { state: { failures, successes, until: now + HOLD_MS }, step: "take_over", waitMs: CALM_MS };
  if (healthy && ours && successes >= SUCCESSES)
    return { state: { failures, successes, until: 0 }, step: "hand_back", waitMs: CALM_MS };
  const contradicts = healthy === ours;
  return { state: { failures, successes, until: state.until }, step: "none", waitMs: contradicts ? ALERT_MS : CALM_MS };
}

/**
 * Whether a check was refused because the home region's functions run at their limit. It takes events in as fast as it may, so it is
 * alive: moving all traffic for a minute would only spread the rush. Source: Lambda API reference, Invoke, TooManyRequestsException.
 */
export const isBusy = (error: unknown): boolean => error instanceof Error && error.name === "TooManyRequestsException";
