/**
 * Which requests are let in. Lambda@Edge refuses what exceeds its concurrency; on one machine that is what the machine
 * can't answer in time. A burst is let in whole: only where requests have been piling up for a while are new ones refused.
 */

/** What a caller may have to wait for an answer, milliseconds, before it had better been told to come back. */
const TARGET_MS = 1_000;
/** How long waits may exceed it: in the beginning, and when some were refused not long ago. */
const BURST_MS = 1_500;
const AGAIN_MS = 100;
const REMEMBER_MS = 10_000;
/** The rate at which requests are answered is counted over this many slices of time. */
const SLICE_MS = 100;
const SLICES = 10;
/** So many may always be under way; and so many, the default quota of Lambda, while a burst is let in. */
const ALWAYS = 200;
const BURST = 1_000;

/** Requests a second that are let in even while queues are full: a caller of so few is not the cause. */
const FEW_PER_SECOND = 20;

export interface Overload {
  /** Whether the queues behind hold as much as can be kept. */
  queuesFull(): boolean;
  /** Whether the processors have nothing left. */
  full(): boolean;
  /** Milliseconds that never go back. */
  now(): number;
}

export class Admission {
  readonly #overload: Overload;
  readonly #answered = new Array<number>(SLICES).fill(0);
  #slice = 0;
  #underWay = 0;
  #over: number | undefined;
  #refusedAt = Number.NEGATIVE_INFINITY;

  constructor(overload: Overload) {
    this.#overload = overload;
  }

  /** Whether one more request may begin. By Little's law it would wait for those under way, divided by the rate of answers. */
  admits(): boolean {
    const now = this.#overload.now();
    const perMs = this.#rate(now);
    const expected = this.#underWay <= ALWAYS ? 0 : this.#underWay / Math.max(perMs, 1e-6);
    if (expected <= TARGET_MS) this.#over = undefined;
    else this.#over ??= now;
    const patience = now - this.#refusedAt < REMEMBER_MS ? AGAIN_MS : BURST_MS;
    const piled = this.#over !== undefined && (now - this.#over > patience || this.#underWay >= BURST);
    const noRoom = perMs * 1_000 >= FEW_PER_SECOND && this.#overload.queuesFull();
    if (!(piled && this.#overload.full()) && !noRoom) return true;
    this.#refusedAt = now;
    return false;
  }

  began(): void {
    this.#underWay += 1;
  }

  ended(): void {
    this.#underWay -= 1;
    this.#turnTo(this.#overload.now());
    this.#answered[this.#slice % SLICES]! += 1;
  }

  /** Answers a millisecond, over the last second. */
  #rate(now: number): number {
    this.#turnTo(now);
    return this.#answered.reduce((sum, count) => sum + count, 0) / (SLICES * SLICE_MS);
  }

  /** Begins the slice of this moment, and empties those since the one before. */
  #turnTo(now: number): void {
    const slice = Math.floor(now / SLICE_MS);
    for (let at = Math.max(this.#slice + 1, slice - SLICES + 1); at <= slice; at += 1) this.#answered[at % SLICES] = 0;
    this.#slice = slice;
  }
}
