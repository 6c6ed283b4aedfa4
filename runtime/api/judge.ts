import { setImmediate as immediate } from "node:timers/promises";
import { TriggersError } from "../domain/errors/errors.ts";
import type { Event } from "../domain/event.ts";
import { Budget, type CompiledSelector, CUSTOMER_BUDGET } from "../matching/index.ts";

/**
 * What many selectors say of many events, for a caller who waits. Invariant: nothing is evaluated once the budget is used up,
 * and no run is longer than about 20 ms: others of this process have their turn in between.
 */

/** What each verdict takes beside the selector's own work, in units of about 50 ns. */
const VERDICT_UNITS = 20;
/** What finding and writing a reason takes beside that. */
export const REASON_UNITS = 300;
/** Work after which others have their turn: about 20 ms. */
const TURN_UNITS = 400_000;

/** A subscription whose selector is asked. */
export interface Asked {
  readonly subscription_id: string;
  readonly selector: CompiledSelector;
}

export interface Verdict {
  readonly subscription_id: string;
  readonly matched: boolean;
  readonly because: string;
  readonly duration_us: number;
}

export class Judge {
  readonly #asked: readonly Asked[];
  readonly #brief: boolean;
  readonly #budget: Budget;
  /** Units that each subscription's selector took. */
  readonly #took = new Map<string, number>();
  #turnAt = TURN_UNITS;

  /** @param options.brief leaves out those that don't match, whose reasons would take most of the work */
  constructor(asked: readonly Asked[], options: { readonly brief: boolean; readonly units?: number }) {
    this.#asked = asked;
    this.#brief = options.brief;
    this.#budget = new Budget(options.units ?? CUSTOMER_BUDGET);
  }

  /** @throws TriggersError `unprocessable`, naming the selector that took longest, when the budget does not last */
  async verdicts(event: Event): Promise<Verdict[]> {
    const verdicts: Verdict[] = [];
    for (const asked of this.#asked) {
      if (this.#budget.usedUp) throw this.#tooCostly();
      if (this.#budget.spent > this.#turnAt) {
        await immediate();
        this.#turnAt = this.#budget.spent + TURN_UNITS;
      }
      const verdict = this.#verdict(asked, event);
      if (verdict !== undefined) verdicts.push(verdict);
    }
    return verdicts;
  }

  #verdict({ subscription_id, selector }: Asked, event: Event): Verdict | undefined {
    const budget = this.#budget;
    const before = budget.spent;
    const started = performance.now();
    const left = this.#brief && !selector.matches(event, budget);
    const explanation = left ? undefined : selector.explain(event, budget);
    const duration_us = Math.round((performance.now() - started) * 1_000);
    this.#took.set(subscription_id, (this.#took.get(subscription_id) ?? 0) + budget.spent - before);
    budget.spend(explanation === undefined ? VERDICT_UNITS : VERDICT_UNITS + REASON_UNITS);
    if (explanation === undefined) return undefined;
    return { subscription_id, matched: explanation.matched, because: explanation.because, duration_us };
  }

  #tooCostly(): TriggersError {
    const worst = [...this.#took].reduce((most, one) => (one[1] > most[1] ? one : most));
    const message = `Matching so many subscriptions takes too long, that of ${worst[0]} longest; try fewer or smaller events.`;
    return new TriggersError("unprocessable", message);
  }
}

/** Texts that are made at the same time. */
const AT_ONCE = 10;

/** Makes what an answer shows, some at a time. Invariant: what is made beyond the answer's size is that of one round. */
export class Shown {
  readonly #most: number;
  #bytes = 0;

  /** @param most bytes of the answer */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * @param sizeOf bytes of one of them in the answer, or fewer
   * @throws TriggersError `unprocessable` when the answer can't hold them
   */
  async each<T, R>(items: readonly T[], show: (item: T) => Promise<R>, sizeOf: (shown: R) => number): Promise<R[]> {
    const all: R[] = [];
    for (let from = 0; from < items.length; from += AT_ONCE) {
      const round = await Promise.all(items.slice(from, from + AT_ONCE).map(show));
      this.add(round.reduce((sum, one) => sum + sizeOf(one), 0));
      all.push(...round);
    }
    return all;
  }

  /** @throws TriggersError `unprocessable` when the answer can't hold so many more bytes */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#most)
      throw new TriggersError("unprocessable", "The results exceed what one answer holds; rehearse fewer events.");
  }
}
