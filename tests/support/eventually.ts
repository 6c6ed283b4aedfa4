/** Shortest pause between two questions, and the longest, in milliseconds. */
const [SHORTEST, LONGEST] = [20, 1_000];

/** Pauses a tenth of the time that has passed: who waits for minutes asks some dozens of times, and leaves the processors to what is waited for. */
const pauseAfter = (passedMs: number): number => Math.min(LONGEST, Math.max(SHORTEST, passedMs / 10));

/** Asks until the answer is there. @throws Error with the last answer after `ms` milliseconds */
export async function eventually<T>(ask: () => Promise<T> | T, holds: (answer: T) => boolean, ms = 15_000): Promise<T> {
  const from = performance.now();
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    const passed = performance.now() - from;
    if (passed > ms) throw new Error(`still not so after ${ms} ms: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, pauseAfter(passed)));
  }
}
