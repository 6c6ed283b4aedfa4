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
 * Runs something now or soon after it is asked for, at most once in so many ms: the next run serves all requests of the meantime.
 * A run that takes longer, as its promise tells, is waited for: begun anew each time, it would never come to its end on a slow line.
 * @example const repaint = atMost(1_000, paint); socket.onmessage = repaint.ask;
 */
export function atMost(every: number, run: () => unknown, { now, after }: Clock = browser) {
  let cancel: (() => void) | undefined;
  let ranAt = Number.NEGATIVE_INFINITY;
  let running = false;
  let askedMeanwhile = false;
  function ask(): void {
    if (running) askedMeanwhile = true;
    else cancel ??= after(Math.max(0, ranAt + every - now()), begin);
  }
  function begin(): void {
    cancel = undefined;
    ranAt = now();
    const result = run();
    if (!(result instanceof Promise)) return;
    running = true;
    const end = () => {
      running = false;
      if (askedMeanwhile) ask();
      askedMeanwhile = false;
    };
    void result.then(end, end);
  }
  return {
    ask,
    /** A run that was asked for and has not begun never begins. */
    stop(): void {
      cancel?.();
      cancel = undefined;
      askedMeanwhile = false;
    },
  };
}
