/**
 * What matching may cost one customer: for an event, for an invocation, for a dry-run. Counted in units of fuel (about 50 ns
 * each), not by the clock, so that a busy machine decides as an idle one does. Each selector has its own bound beneath
 * (`BUDGET`). Invariant: once a budget is used up every further selector gets `LEFTOVER` units: cheap ones still decide, and the others
 * end as too costly, which counts as no match. So the work is bounded by the number of selectors, even of the costliest.
 */

/** Units for one selector on one event: about half a millisecond. */
export const BUDGET = 10_000;
/** Units for one event: about 50 ms. A hundred selectors may use all that each may. */
export const EVENT_BUDGET = 1_000_000;
/** Units that one customer's events may take of an invocation that others share: about half a second. */
export const CUSTOMER_BUDGET = 10_000_000;
/** What a selector may still take when the budget is used up: about 10 µs, ten times what most take. */
const LEFTOVER = 200;
/** A selector that looks at an event at all takes this much. */
const LEAST = 2;
/** A selector that took this much on one event is a costly one. */
const COSTLY = BUDGET / 2;

export class Budget {
  readonly units: number;
  #spent = 0;
  /** Units by name, of what was costly by itself. */
  readonly costly = new Map<string, number>();

  constructor(units: number) {
    this.units = units;
  }

  get spent(): number {
    return this.#spent;
  }

  get usedUp(): boolean {
    return this.#spent >= this.units;
  }

  /** Units for the next selector. */
  get allowance(): number {
    return this.usedUp ? LEFTOVER : BUDGET;
  }

  /** Takes what one evaluation used. @param name of the subscription, where costly ones are to be told */
  spend(units: number, name?: string): void {
    this.#spent += Math.max(units, LEAST);
    if (name !== undefined && units >= COSTLY) this.#add(name, units);
  }

  /** Pays for an event that had a budget of its own, so that it was decided as it would be alone. */
  pay(event: Budget): void {
    this.#spent += event.#spent;
    for (const [name, units] of event.costly) this.#add(name, units);
  }

  #add(name: string, units: number): void {
    this.costly.set(name, (this.costly.get(name) ?? 0) + units);
  }
}
