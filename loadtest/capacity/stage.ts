import TinyQueue from "tinyqueue";

/** Simulated time in seconds, a heap of what happens next, and reproducible dice. */
export class Clock {
  now = 0;
  readonly #events = new TinyQueue<{ at: number; act(): void }>([], (a, b) => a.at - b.at);

  at(time: number, act: () => void): void {
    this.#events.push({ at: Math.max(time, this.now), act });
  }

  after(delay: number, act: () => void): void {
    this.at(this.now + delay, act);
  }

  /** Runs everything due until `end`. */
  run(end: number): void {
    for (let next = this.#events.peek(); next !== undefined && next.at <= end; next = this.#events.peek()) {
      this.#events.pop();
      this.now = next.at;
      next.act();
    }
    this.now = end;
  }
}

/** A bucket of units that refills at a rate; taking more than it holds means waiting for the debt to be paid. */
export class Tokens {
  #level: number;
  #at = 0;
  readonly #clock: Clock;
  readonly #burst: number;
  rate: number;

  constructor(clock: Clock, rate: number, burstSeconds: number) {
    this.#clock = clock;
    this.rate = rate;
    this.#burst = rate * burstSeconds;
    this.#level = this.#burst;
  }

  #refill(): void {
    this.#level = Math.min(this.#burst, this.#level + (this.#clock.now - this.#at) * this.rate);
    this.#at = this.#clock.now;
  }

  /** Takes `units` and answers how many seconds the taker must wait for them. */
  take(units: number): number {
    this.#refill();
    this.#level -= units;
    return this.#level >= 0 ? 0 : -this.#level / this.rate;
  }

  /** Takes one unit if it is there at once. */
  takeNow(): boolean {
    this.#refill();
    if (this.#level < 1) return false;
    this.#level -= 1;
    return true;
  }
}

/** First in, first out, without shifting an array. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The one that is next. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head > 65_536) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
