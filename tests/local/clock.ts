import type { Clock } from "../../local/clock.ts";

/** A clock that stands still until it is moved. */
export interface TestClock extends Clock {
  /** Moves on and runs what becomes due, in order. */
  advance(ms: number): void;
}

export function testClock(start = Date.UTC(2026, 0, 1)): TestClock {
  let now = start;
  let last = 0;
  const alarms = new Map<number, { at: number; run(): void }>();
  return {
    now: () => now,
    at(time, run) {
      last += 1;
      const id = last;
      alarms.set(id, { at: time, run });
      return () => alarms.delete(id);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const due = [...alarms].filter(([, { at }]) => at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
        if (due === undefined) break;
        const [id, { at, run }] = due;
        alarms.delete(id);
        now = Math.max(now, at);
        run();
      }
      now = end;
    },
  };
}
