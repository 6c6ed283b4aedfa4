import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { test } from "uvu";
import type { Event } from "../../../runtime/domain/event.ts";
import type { EventSelector } from "../../../runtime/domain/subscription.ts";
import { buildMatcher, compileSelector, type Matchable } from "../../../runtime/matching/index.ts";
import { anyEvent, selector } from "./support/arbitraries.ts";

/** Cases of a property: a case is one selector asked about one event. `MATCHING_RUNS` multiplies them. */
const runs = Number(process.env.MATCHING_RUNS ?? 1);

const naive = (subscriptions: readonly Matchable[], event: Event): string[] =>
  subscriptions
    .filter(({ event_selector }) => compileSelector(event_selector).matches(event))
    .map(({ subscription_id }) => subscription_id)
    .sort();

const indexed = (matcher: ReturnType<typeof buildMatcher>, event: Event): string[] =>
  matcher
    .match(event)
    .map(({ subscription_id }) => subscription_id)
    .sort();

const numbered = (selectors: readonly EventSelector[]): Matchable[] =>
  selectors.map((event_selector, i) => ({ subscription_id: `sub_${i}`, event_selector }));

const event = (payload: Record<string, unknown>, event_type: string | null = null): Event => ({
  event_id: "evt_01J00000000000000000000000",
  event_type,
  received_at: "2026-11-25T04:00:00.000Z",
  payload,
});

test("the index finds exactly what asking every selector finds, in 100,000 random cases of all kinds and mixtures", () => {
  fc.assert(
    fc.property(
      fc.array(selector, { minLength: 1, maxLength: 60 }),
      fc.array(anyEvent, { minLength: 8, maxLength: 8 }),
      (selectors, events) => {
        const subscriptions = numbered(selectors);
        const matcher = buildMatcher(subscriptions);
        const compiled = subscriptions.map(({ event_selector }) => compileSelector(event_selector));
        for (const one of events) {
          const expected = subscriptions
            .filter((_, i) => compiled[i]!.matches(one))
            .map(({ subscription_id }) => subscription_id);
          assert.deepEqual(indexed(matcher, one), expected.sort());
        }
      },
    ),
    { numRuns: 450 * runs },
  );
});

test("adding and removing one by one comes to the same as building anew, and leaves older snapshots as they were", () => {
  const change = fc.record({ id: fc.nat({ max: 30 }), selector: fc.option(selector, { nil: undefined }) });
  fc.assert(
    fc.property(
      fc.array(selector, { maxLength: 40 }),
      fc.array(change, { maxLength: 30 }),
      fc.array(anyEvent, { minLength: 3, maxLength: 3 }),
      (first, changes, events) => {
        const start = buildMatcher(numbered(first));
        const before = events.map((one) => indexed(start, one));
        const kept = new Map(numbered(first).map((one) => [one.subscription_id, one]));
        let matcher = start;
        for (const { id, selector: event_selector } of changes) {
          const subscription_id = `sub_${id}`;
          if (event_selector === undefined) {
            kept.delete(subscription_id);
            matcher = matcher.without(subscription_id);
          } else {
            kept.set(subscription_id, { subscription_id, event_selector });
            matcher = matcher.with({ subscription_id, event_selector });
          }
        }
        assert.equal(matcher.size, kept.size);
        for (const one of events) assert.deepEqual(indexed(matcher, one), naive([...kept.values()], one));
        assert.deepEqual(
          events.map((one) => indexed(start, one)),
          before,
        );
      },
    ),
    { numRuns: 150 * runs },
  );
});

test("many subscriptions that differ in one value are told apart by that value, in every position", () => {
  const subscriptions = Array.from({ length: 2_000 }, (_, i) => ({
    subscription_id: `sub_${i}`,
    event_selector: {
      event_type: "order.created",
      cel:
        i % 2 === 0
          ? `event.total > 5 && event.customer == "c${i}"`
          : `event.customer in ["c${i}", "d${i}"] && event.sku.startsWith("s${i}-")`,
    },
  }));
  const matcher = buildMatcher(subscriptions);
  const tally = { examined: 0, faults: 0 };
  const found = matcher.match(event({ total: 6, customer: "c1000", sku: "s1001-1" }, "order.created"), tally);
  assert.deepEqual(
    found.map(({ subscription_id }) => subscription_id),
    ["sub_1000"],
  );
  assert.ok(tally.examined <= 20, `${tally.examined} selectors were examined`);
});

test("numeric ranges are found around the event's number alone", () => {
  const subscriptions = Array.from({ length: 1_000 }, (_, i) => ({
    subscription_id: `sub_${i}`,
    event_selector: `$.n >= ${i} && $.n < ${i + 1}`,
  }));
  const tally = { examined: 0, faults: 0 };
  const found = buildMatcher(subscriptions).match(event({ n: 500.5 }), tally);
  assert.deepEqual(
    found.map(({ subscription_id }) => subscription_id),
    ["sub_500"],
  );
  assert.ok(tally.examined <= 20, `${tally.examined} selectors were examined`);
});

test("a condition that fails is no match, is counted, and stops no other subscription", () => {
  const matcher = buildMatcher(
    numbered([
      { cel: "event.a.size() > 1" },
      { cel: "event.a + 1.0 > 2.0" },
      { cel: "event.a == 'x'" },
      { cel: "event.missing.b > 1" },
    ]),
  );
  const tally = { examined: 0, faults: 0 };
  assert.deepEqual(indexed(matcher, event({ a: "x" })), ["sub_2"]);
  matcher.match(event({ a: "x", missing: {} }), tally);
  assert.deepEqual(tally, { examined: 3, faults: 1 });
});

test("a subscription whose needs are met in two ways is found once", () => {
  const matcher = buildMatcher(numbered(["$.a == 1 || $.b == 2"]));
  assert.deepEqual(indexed(matcher, event({ a: 1, b: 2 })), ["sub_0"]);
});

test("members that share a name with JavaScript's own are ordinary members", () => {
  const matcher = buildMatcher(numbered(["$.constructor", "$.__proto__.x == 1", { cel: "has(event.toString)" }]));
  assert.deepEqual(indexed(matcher, event({})), []);
  assert.deepEqual(indexed(matcher, event(JSON.parse('{"__proto__":{"x":1},"constructor":0}'))), ["sub_0", "sub_1"]);
});

test("a customer's matcher takes the room that its own few selectors need, as there is one for each customer", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const held = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const of = () => buildMatcher(numbered(["order.*"]));
  of();
  const before = held();
  const matchers = Array.from({ length: 200 }, of);
  const each = (held() - before) / matchers.length;
  assert.ok(each < 30_000, `${each} bytes`);
});

test.run();
