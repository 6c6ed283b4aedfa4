/** Time as the stand-ins see it, so that a test can move it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once when `now()` has reached `time`; the answer takes it back. */
  at(time: number, run: () => void): () => void;
}

const LONGEST_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: Date.now,
  at(time, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, time - Date.now()), LONGEST_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
