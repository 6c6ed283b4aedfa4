import { BUDGET } from "./frame.ts";

/**
 * What matching may cost one customer: for an event, for an invocation, for a dry-run. Counted in units of fuel (about 50 ns
 * each), not by the clock, so that a busy machine decides as an idle one does. Each selector has its own bound beneath
 * (`BUDGET`). Invariant: once a budget is used up every further selector gets `LEFTOVER` units: those that are cheap still
 * decide, those that are not end as too costly, which is no match. So the work is bounded by the number of selectors, whatever they are.
 */

/** What a selector may still take when the budget is used up: about 10 µs, ten times what most take. */
const LEFTOVER = 200;
/** A selector that looks at an event at all takes this much. */
const LEAST = 5;
/** A selector that took this much on one event is a costly one. */
const COSTLY = BUDGET / 2;

export class Budget {
  readonly units: number;
  readonly #within: Budget | undefined;
  #spent = 0;
  /** Units by name, of what was costly by itself. */
  readonly costly = new Map<string, number>();

  /** @param within a larger budget that pays, too */
  constructor(units: number, within?: Budget) {
    this.units = units;
    this.#within = within;
  }

  get spent(): number {
    return this.#spent;
  }

  get usedUp(): boolean {
    return this.#spent >= this.units || this.#within?.usedUp === true;
  }

  /** Units for the next selector. */
  get allowance(): number {
    return this.usedUp ? LEFTOVER : BUDGET;
  }

  /** Takes what one evaluation used. @param name of the subscription, where costly ones are to be told */
  spend(units: number, name?: string): void {
    const taken = Math.max(units, LEAST);
    for (let budget: Budget | undefined = this; budget !== undefined; budget = budget.#within) {
      budget.#spent += taken;
      if (name !== undefined && units >= COSTLY) budget.costly.set(name, (budget.costly.get(name) ?? 0) + units);
    }
  }
}
