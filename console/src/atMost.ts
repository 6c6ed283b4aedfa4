/** What a rhythm is kept by: the browser's clock, or one that a test moves. Milliseconds. */
export interface Clock {
  readonly now: () => number;
  /** @returns undoes it */
  readonly after: (ms: number, run: () => void) => () => void;
}

const browser: Clock = {
  now: Date.now,
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Runs something now or soon after it is asked for, at most once in so many ms: what is asked for meanwhile is done by the next run.
 * @example const repaint = atMost(1_000, paint); socket.onmessage = repaint.ask;
 */
export function atMost(every: number, run: () => void, { now, after }: Clock = browser) {
  let cancel: (() => void) | undefined;
  let ranAt = Number.NEGATIVE_INFINITY;
  return {
    ask(): void {
      cancel ??= after(Math.max(0, ranAt + every - now()), () => {
        cancel = undefined;
        ranAt = now();
        run();
      });
    },
    /** What was asked for and has not run yet, does not. */
    stop(): void {
      cancel?.();
      cancel = undefined;
    },
  };
}
