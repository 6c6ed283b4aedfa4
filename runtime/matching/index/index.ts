import { LRUCache } from "lru-cache";
import type { Event } from "../../domain/event.ts";
import { growing } from "../../domain/growing.ts";
import type { EventSelector } from "../../domain/subscription.ts";
import type { Budget } from "../budget.ts";
import { Fault, Frame, PathPool } from "../frame.ts";
import { compile, type Selector } from "../selector.ts";
import { eachCandidate } from "./candidates.ts";
import { Hamt, type Owner } from "./hamt.ts";
import { emptyTree, type Tree } from "./shelf.ts";
import { insert, remove } from "./tree.ts";

/** The least that matching needs to know of a subscription. */
export interface Matchable {
  readonly subscription_id: string;
  readonly event_selector: EventSelector;
}

/** What one match did, added up: for metrics. */
export interface Tally {
  /** Selectors that were evaluated. */
  examined: number;
  /** Those without a value: a field was missing, types differed, or the work was too much. */
  faults: number;
}

/** An immutable set of subscriptions, asked which of them match an event. */
export interface Matcher<S extends Matchable> {
  readonly size: number;
  /**
   * The subscriptions whose selector matches, each once, in no particular order. Never throws.
   * @param budget what all of it may cost; once it is used up, costly selectors stop matching
   */
  match(event: Event, tally?: Tally, budget?: Budget): S[];
  /**
   * A matcher that also holds this subscription, in place of one with the same id; this one stays as it is.
   * @throws TriggersError `invalid_selector`
   */
  with(added: S): Matcher<S>;
  without(subscriptionId: string): Matcher<S>;
}

interface Entry<S> {
  readonly subscription: S;
  readonly selector: Selector;
  /** Filed in more than one place, so that one event can meet it twice. */
  readonly several: boolean;
  /** The stamp of the frame that met it last. */
  seen: number;
}

/** Compiled selectors are shared by all subscriptions that have the same one. */
class Compiler {
  readonly #pool = new PathPool();
  readonly #known = new LRUCache<string, Selector>(growing(10_000));

  compile(selector: EventSelector): Selector {
    const key = JSON.stringify(selector);
    let compiled = this.#known.get(key);
    if (compiled === undefined) {
      compiled = compile(selector, this.#pool);
      this.#known.set(key, compiled);
    }
    return compiled;
  }
}

/** @throws TriggersError `invalid_selector` */
export function buildMatcher<S extends Matchable>(subscriptions: Iterable<S>): Matcher<S> {
  const owner = {};
  const compiler = new Compiler();
  let index: Index<S> = { entries: new Hamt(), tree: emptyTree(owner), compiler };
  for (const subscription of subscriptions) index = added(index, subscription, owner);
  return new IndexedMatcher(index);
}

interface Index<S> {
  readonly entries: Hamt<Entry<S>>;
  readonly tree: Tree<Entry<S>>;
  readonly compiler: Compiler;
}

function added<S extends Matchable>(index: Index<S>, subscription: S, owner: Owner): Index<S> {
  const { subscription_id, event_selector } = subscription;
  const { entries, tree, compiler } = removed(index, subscription_id, owner);
  const selector = compiler.compile(event_selector);
  const { needs } = selector;
  const entry: Entry<S> = {
    subscription,
    selector,
    several: needs.length > 1 || needs[0]?.some((need) => need.inner !== undefined) === true,
    seen: 0,
  };
  const filed = needs.reduce((made, alternative) => insert(made, { entry, needs: alternative }, owner), tree);
  return { entries: entries.set(subscription_id, entry, owner), tree: filed, compiler };
}

function removed<S>(index: Index<S>, id: string, owner: Owner): Index<S> {
  const entry = index.entries.get(id);
  if (entry === undefined) return index;
  const { needs } = entry.selector;
  const tree = needs.reduce((left, alternative) => remove(left, entry, alternative, owner), index.tree);
  return { ...index, entries: index.entries.delete(id, owner), tree };
}

class IndexedMatcher<S extends Matchable> implements Matcher<S> {
  readonly #index: Index<S>;

  constructor(index: Index<S>) {
    this.#index = index;
  }

  get size(): number {
    return this.#index.entries.size;
  }

  match(event: Event, tally?: Tally, budget?: Budget): S[] {
    const frame = new Frame(event, budget);
    const found: S[] = [];
    eachCandidate(this.#index.tree, frame, (entry) => {
      if (entry.several) {
        if (entry.seen === frame.stamp) return;
        entry.seen = frame.stamp;
      }
      const value = entry.selector.judge(frame);
      if (budget !== undefined) frame.pay(entry.subscription.subscription_id);
      if (value === true) found.push(entry.subscription);
      if (tally === undefined) return;
      tally.examined += 1;
      if (value instanceof Fault) tally.faults += 1;
    });
    return found;
  }

  with(subscription: S): Matcher<S> {
    return new IndexedMatcher(added(this.#index, subscription, {}));
  }

  without(subscriptionId: string): Matcher<S> {
    return new IndexedMatcher(removed(this.#index, subscriptionId, {}));
  }
}
