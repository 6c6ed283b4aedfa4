import type { Event } from "../domain/event.ts";
import type { EventSelector } from "../domain/subscription.ts";
import { type CompiledSelector, compileSelector } from "./selector.ts";

/** The least that matching needs to know of a subscription. */
export interface Matchable {
  readonly subscription_id: string;
  readonly event_selector: EventSelector;
}

/** An immutable set of subscriptions, asked which of them want an event. */
export interface Matcher<S extends Matchable> {
  readonly size: number;
  /** The subscriptions whose selector matches, each once, in no particular order. Never throws. */
  readonly match: (event: Event) => S[];
  /** A matcher that also holds this subscription, in place of one with the same id. */
  readonly with: (added: S) => Matcher<S>;
  readonly without: (subscriptionId: string) => Matcher<S>;
}

type Entries<S> = ReadonlyMap<string, { readonly subscription: S; readonly selector: CompiledSelector }>;

/** @throws TriggersError `invalid_selector` */
export function buildMatcher<S extends Matchable>(subscriptions: Iterable<S>): Matcher<S> {
  const entries = new Map<string, { subscription: S; selector: CompiledSelector }>();
  for (const subscription of subscriptions) {
    entries.set(subscription.subscription_id, { subscription, selector: compileSelector(subscription.event_selector) });
  }
  return matcherOf(entries);
}

function matcherOf<S extends Matchable>(entries: Entries<S>): Matcher<S> {
  return {
    size: entries.size,
    match: (event) => {
      const found: S[] = [];
      for (const { subscription, selector } of entries.values()) {
        if (selector.matches(event)) found.push(subscription);
      }
      return found;
    },
    with: (added) => {
      const selector = compileSelector(added.event_selector);
      return matcherOf(new Map(entries).set(added.subscription_id, { subscription: added, selector }));
    },
    without: (id) => {
      const rest = new Map(entries);
      rest.delete(id);
      return matcherOf(rest);
    },
  };
}
