/** What the console shows of the running platform: a line for each batch of events, at most one a second and function. */

interface Tally {
  batches: number;
  records: number;
  failed: number;
  slowestMs: number;
}

export class Activity {
  readonly #log: (line: string) => void;
  readonly #tallies = new Map<string, Tally>();
  #timer: NodeJS.Timeout | undefined;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  batch(name: string, records: number, failed: number, ms: number): void {
    const tally = this.#tallies.get(name) ?? { batches: 0, records: 0, failed: 0, slowestMs: 0 };
    this.#tallies.set(name, tally);
    tally.batches += 1;
    tally.records += records;
    tally.failed += failed;
    tally.slowestMs = Math.max(tally.slowestMs, ms);
    this.#timer ??= setTimeout(() => this.flush(), 1_000).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [name, { batches, records, failed, slowestMs }] of this.#tallies) {
      const messages = `${records} ${records === 1 ? "message" : "messages"}`;
      const many = batches === 1 ? messages : `${messages} in ${batches} batches`;
      this.#log(`${name}: ${many}${failed > 0 ? `, ${failed} failed` : ""}, ${Math.ceil(slowestMs)} ms at most`);
    }
    this.#tallies.clear();
  }
}

/** How long the same line is held back, milliseconds. */
const QUIET_MS = 1_000;

/** Prints a line at once, and what repeats within a second as one line with its count: a flood of failures stays readable. */
export function withoutRepeats(print: (line: string) => void): (line: string) => void {
  const held = new Map<string, number>();
  return (line) => {
    const repeats = held.get(line);
    if (repeats !== undefined) {
      held.set(line, repeats + 1);
      return;
    }
    held.set(line, 0);
    print(line);
    setTimeout(() => {
      const more = held.get(line) ?? 0;
      held.delete(line);
      if (more > 0) print(`${line} (and ${more} more)`);
    }, QUIET_MS).unref();
  };
}
