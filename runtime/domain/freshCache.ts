import { LRUCache } from "lru-cache";
import { growing } from "./growing.ts";
import type { Millis } from "./time.ts";

/**
 * What a function remembers of a store that others change: one discipline for all of its caches.
 *
 * A value's age counts from the moment when the question was sent that it answers. Invariants:
 * - at any time at most one question for a key is under way; all callers who need its answer share it;
 * - a value older than `waitAfter` is served only while its source is away, or a caller's patience has run out; one older than
 * `serveUntil` never;
 * - an answer to a question that was sent before its key was forgotten or set is dropped.
 */
export interface Freshness {
  /** Milliseconds. An older value is served, and asked for again beside its caller; so often at most. */
  readonly refreshAfter: Millis;
  /** Milliseconds. For an older value the caller waits until it was asked for again. */
  readonly waitAfter: Millis;
  /** Milliseconds. While the source is away, an older value is no longer served: the caller gets the source's error. */
  readonly serveUntil: Millis;
  /** Milliseconds after a failed question, in which no caller waits for another one who can be served an old value. */
  readonly pauseAfterFailure?: Millis;
  /** Milliseconds for which a caller waits at most. @param held whether there is an old value to serve instead */
  patience?(held: boolean): number;
}

export interface Asked<Key, Value> {
  readonly key: Key;
  /** The value as it is known; undefined for a key without one. */
  readonly held: Value | undefined;
}

export interface FreshCacheOptions<Key, Value> {
  readonly freshness: Freshness;
  now(): Millis;
  /**
   * Asks the source. A key that the answer leaves out keeps its value and its age; null means that the source has no value for
   * it.
   * @throws Error when the source can't be asked
   */
  ask(asked: readonly Asked<Key, Value>[]): Promise<ReadonlyMap<Key, Value | null>>;
  /** Keys in one question; one by default. */
  readonly together?: number;
  /** What a question for other keys asks for as well: what was used since its last answer and is due, or all that is held. */
  readonly along?: "used" | "all";
  /** Whether a key without a value is asked for alone, so that its caller waits for this key only. */
  readonly newAlone?: boolean;
  /** Most values, or most of their weight together. */
  readonly max: number;
  weigh?(value: Value): number;
  /** Keys that are unknown to the source are remembered apart, so that they never push out a value. */
  readonly absent?: { readonly max: number; readonly ms: Millis };
  /** A final value is asked for once. */
  final?(value: Value): boolean;
  /** Told of each failed question. */
  failed?(cause: unknown, keys: readonly Key[]): void;
}

interface Entry<Value> {
  readonly value: Value;
  /** When the question was sent, or the value was set. */
  askedAt: Millis;
  /** Whether a caller needed it since. */
  used: boolean;
}

/** How questions ended: with values, which may be more than the cache can hold, or with an error. */
interface Outcome<Key, Value> {
  readonly taken: ReadonlyMap<Key, { readonly value: Value; readonly askedAt: Millis }>;
  readonly error?: { readonly cause: unknown };
}

export class FreshCache<Key extends string, Value extends {}> {
  readonly #options: FreshCacheOptions<Key, Value>;
  readonly #entries: LRUCache<Key, Entry<Value>>;
  readonly #absent: LRUCache<Key, number>;
  readonly #asking = new Map<Key, Promise<Outcome<Key, Value>>>();
  #failedAt = Number.NEGATIVE_INFINITY;
  #seenAt = Number.NEGATIVE_INFINITY;
  /** By how much the clock has been set back so far. */
  #back = 0;

  constructor(options: FreshCacheOptions<Key, Value>) {
    this.#options = options;
    const { max, weigh } = options;
    this.#entries = new LRUCache(
      weigh === undefined
        ? growing(max)
        : { maxSize: max, sizeCalculation: ({ value }: Entry<Value>) => Math.max(1, weigh(value)) },
    );
    this.#absent = new LRUCache(growing(options.absent?.max ?? 1));
  }

  /**
   * @param since the question must have been sent at this time or later; milliseconds since the epoch
   * @returns undefined when the source doesn't know the key, or the caller's patience ran out
   * @throws the source's error when asking failed and every known value is too old
   */
  async get(key: Key, since?: Millis): Promise<Value | undefined> {
    const outcome = await this.#ensure([key], since);
    const entry = this.#entries.peek(key);
    if (outcome?.error !== undefined && !(entry !== undefined && this.#mayServe(entry))) throw outcome.error.cause;
    return entry?.value ?? outcome?.taken.get(key)?.value;
  }

  /**
   * Asks for the key now, even for a fresh value; joins a question that is under way.
   * @throws the source's error
   */
  async renew(key: Key): Promise<Value | undefined> {
    const { error, taken } = await this.#askFor([key]);
    if (error !== undefined) throw error.cause;
    return this.peek(key) ?? taken.get(key)?.value;
  }

  /** Asks for all of these as `get` does, and hides failures: `peek` tells the values known afterwards. */
  async refresh(keys: readonly Key[]): Promise<void> {
    await this.#ensure(keys, undefined);
  }

  /** The value as it is known now, of any age. */
  peek(key: Key): Value | undefined {
    return this.#entries.peek(key)?.value;
  }

  /** Milliseconds since the question that the value answers; infinite without a value. */
  age(key: Key): number {
    const now = this.#now();
    return now - (this.#entries.peek(key)?.askedAt ?? Number.NEGATIVE_INFINITY);
  }

  /** Every key with a value, or with a question under way. */
  involved(): Key[] {
    return [...new Set([...this.#entries.keys(), ...this.#asking.keys()])];
  }

  set(key: Key, value: Value): void {
    this.#asking.delete(key);
    this.#entries.set(key, { value, askedAt: this.#now(), used: false });
  }

  forget(key: Key): void {
    this.#asking.delete(key);
    this.#entries.delete(key);
  }

  /** The clock. Where it was set back, what is remembered stays as old as it is: else it would count as fresh for as long. */
  #now(): Millis {
    const now = this.#options.now();
    const back = this.#seenAt - now;
    this.#seenAt = now;
    if (!(back > 0)) return now;
    for (const entry of this.#entries.values()) entry.askedAt -= back;
    for (const [key, at] of [...this.#absent]) this.#absent.set(key, at - back);
    this.#failedAt -= back;
    this.#back += back;
    return now;
  }

  #mayServe(entry: Entry<Value>): boolean {
    const now = this.#now();
    return now - entry.askedAt < this.#options.freshness.serveUntil;
  }

  async #ensure(keys: readonly Key[], asOf: number | undefined): Promise<Outcome<Key, Value> | undefined> {
    const { freshness, final } = this.#options;
    const { refreshAfter, waitAfter, pauseAfterFailure = 0, patience } = freshness;
    const at = this.#now();
    const since = asOf ?? at - waitAfter;
    const lacking = (key: Key): boolean => {
      const entry = this.#entries.peek(key);
      if (entry !== undefined) return entry.askedAt < since && final?.(entry.value) !== true;
      const absentAt = this.#absent.get(key);
      return absentAt === undefined || at - absentAt >= (this.#options.absent?.ms ?? 0);
    };
    const paused = at - this.#failedAt < pauseAfterFailure;
    let waiting: Key[] = [];
    let stale: Key | undefined;
    for (const key of keys) {
      // Both are looked at in every case, so that the time does not tell which of them knows the key.
      const entry = this.#entries.get(key);
      const lacks = lacking(key);
      if (entry !== undefined) entry.used = true;
      if (lacks && !(paused && entry !== undefined && this.#mayServe(entry))) waiting.push(key);
      else if (entry !== undefined && at - entry.askedAt > refreshAfter && final?.(entry.value) !== true) stale = key;
    }
    // A question under way may have been asked too early, or was dropped: then it is asked once more.
    let outcome: Outcome<Key, Value> | undefined;
    for (let turn = 0; turn < 2 && waiting.length > 0; turn += 1) {
      const held = waiting.every((key) => this.#entries.peek(key) !== undefined);
      const answered = this.#askFor(waiting);
      outcome = await (patience === undefined ? answered : atMost(answered, patience(held)));
      if (outcome === undefined || outcome.error !== undefined) break;
      const { taken } = outcome;
      waiting = waiting.filter(
        (key) => lacking(key) && !((taken.get(key)?.askedAt ?? Number.NEGATIVE_INFINITY) >= since),
      );
    }
    if (stale !== undefined && at - this.#failedAt > refreshAfter) void this.#askFor([stale]);
    return outcome;
  }

  /** Never rejects. */
  async #askFor(wanted: readonly Key[]): Promise<Outcome<Key, Value>> {
    const { together = 1, newAlone = false, along } = this.#options;
    const missing = wanted.filter((key) => !this.#asking.has(key));
    const alone = newAlone ? missing.filter((key) => this.#entries.peek(key) === undefined) : [];
    for (const key of alone) this.#send([key]);
    const rest = missing.filter((key) => !alone.includes(key));
    if (rest.length > 0) {
      const all = along === undefined ? rest : [...new Set([...rest, ...this.#due(along)])];
      for (let from = 0; from < all.length; from += together) this.#send(all.slice(from, from + together));
    }
    const outcomes = await Promise.all(wanted.map((key) => this.#asking.get(key)!));
    const failed = outcomes.find(({ error }) => error !== undefined);
    return (
      failed ?? (outcomes.length === 1 ? outcomes[0]! : { taken: new Map(outcomes.flatMap(({ taken }) => [...taken])) })
    );
  }

  /** What to ask for along with other keys. */
  #due(along: "used" | "all"): Key[] {
    const { freshness, final } = this.#options;
    const at = this.#now();
    return [...this.#entries].flatMap(([key, { used, askedAt, value }]) => {
      const due = along === "all" || (used && at - askedAt > freshness.refreshAfter);
      return due && final?.(value) !== true && !this.#asking.has(key) ? [key] : [];
    });
  }

  #send(keys: readonly Key[]): void {
    const askedAt = this.#now();
    const back = this.#back;
    const asked = keys.map((key) => ({ key, held: this.#entries.peek(key)?.value }));
    const work: Promise<Outcome<Key, Value>> = this.#options
      .ask(asked)
      .then((answers) => {
        const taken = new Map<Key, { value: Value; askedAt: Millis }>();
        const now = this.#now();
        const since = Math.min(now, askedAt - (this.#back - back));
        for (const key of keys) {
          const answer = answers.get(key);
          if (answer === undefined || this.#asking.get(key) !== work) continue;
          this.#take(key, answer, since);
          if (answer !== null) taken.set(key, { value: answer, askedAt: since });
        }
        return { taken };
      })
      .catch((cause: unknown) => {
        this.#failedAt = this.#now();
        this.#options.failed?.(cause, keys);
        return { taken: new Map(), error: { cause } };
      })
      .finally(() => {
        for (const key of keys) if (this.#asking.get(key) === work) this.#asking.delete(key);
      });
    for (const key of keys) this.#asking.set(key, work);
  }

  #take(key: Key, answer: Value | null, askedAt: Millis): void {
    if (answer === null) {
      this.#entries.delete(key);
      this.#absent.set(key, askedAt);
      return;
    }
    this.#absent.delete(key);
    const entry = this.#entries.peek(key);
    if (entry?.value === answer) {
      entry.askedAt = askedAt;
      entry.used = false;
    } else this.#entries.set(key, { value: answer, askedAt, used: false });
  }
}

/** Resolves with the work, or with undefined after the time; leaves no timer behind. */
function atMost<Result>(work: Promise<Result>, ms: Millis): Promise<Result | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    void work.then((result) => {
      clearTimeout(timer);
      resolve(result);
    });
  });
}
