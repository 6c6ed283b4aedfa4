/** Invocations without a waiting caller: Lambda queues them and tries a failed one twice more ("Asynchronous invocation"). */
import type { Outcome } from "./function.ts";

/** Largest event of an asynchronous invocation, bytes. */
export const ASYNC_LIMIT = 1024 * 1024;
const RETRY_MS = [60_000, 120_000];
const THROTTLE_MS = 1_000;
/** How long a run may still take when the platform stops. */
const LAST_MS = 3_000;

export class AsyncInvocations {
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();
  readonly #log: (line: string) => void;
  #closed = false;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Answers at once; the run and its retries come after. @param name for the log */
  add(name: string, run: () => Promise<Outcome>, retries: number, attempt = 0): void {
    if (this.#closed) return;
    const running = run().then((outcome) => {
      if (outcome.kind === "result") return;
      const throttled = outcome.kind === "throttled";
      if (!throttled && attempt >= retries) {
        this.#log(
          `${name}: an asynchronous invocation failed ${attempt + 1} times: ${outcome.error.errorType} ${outcome.error.errorMessage}`,
        );
        return;
      }
      const timer = setTimeout(
        () => {
          this.#timers.delete(timer);
          this.add(name, run, retries, throttled ? attempt : attempt + 1);
        },
        throttled ? THROTTLE_MS : (RETRY_MS[attempt] ?? RETRY_MS[1]),
      );
      this.#timers.add(timer);
    });
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  /**
   * Lets running ones finish that do so soon; one that lasts is broken off, as a kill would. Retries that wait are
   * dropped, as the process that remembers them ends.
   */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const patience = new Promise<void>((resolve) => setTimeout(resolve, LAST_MS).unref());
    await Promise.race([Promise.all(this.#running), patience]);
  }
}
