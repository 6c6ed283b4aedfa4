/** Asks until the answer is there. @throws Error with the last answer after `ms` milliseconds */
export async function eventually<T>(ask: () => Promise<T> | T, holds: (answer: T) => boolean, ms = 15_000): Promise<T> {
  const until = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (Date.now() > until) throw new Error(`still not so after ${ms} ms: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
