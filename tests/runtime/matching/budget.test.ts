import assert from "node:assert/strict";
import { suite } from "uvu";
import type { Event } from "../../../runtime/domain/event.ts";
import { Budget, buildMatcher, compileSelector } from "../../../runtime/matching/index.ts";

const test = suite("budget of matching");
const event = (payload: Record<string, unknown>): Event => ({
  event_id: "evt_01JDGXS7G0ABCDEFGHJKMNPQRS",
  event_type: "d",
  received_at: "2026-11-25T00:00:00.000Z",
  payload,
});
const long = event({ a: Array.from({ length: 4_000 }, () => 1), n: 7 });
/** Looks at every pair of the list: as much as one selector may, on a long list. */
const heavy = (i: number) => ({
  subscription_id: `heavy_${i}`,
  event_selector: { cel: `event.a.exists(x, event.a.exists(y, x == y + ${i}.5))` },
});
const light = (i: number) => ({ subscription_id: `light_${i}`, event_selector: { cel: `event.n + 0.0 < ${i}.5` } });

test("a thousand costly selectors take what one event may, and a little each, while cheap ones decide as ever", () => {
  const matcher = buildMatcher([
    ...Array.from({ length: 1_000 }, (_, i) => heavy(i)),
    ...Array.from({ length: 20 }, (_, i) => light(i)),
  ]);
  const budget = new Budget(200_000);
  const tally = { examined: 0, faults: 0 };
  const matched = matcher.match(long, tally, budget).map(({ subscription_id }) => subscription_id);
  assert.deepEqual(matched.sort(), Array.from({ length: 13 }, (_, i) => `light_${i + 7}`).sort());
  assert.deepEqual(tally, { examined: 1_020, faults: 1_000 });
  assert.equal(budget.usedUp, true);
  assert.ok(budget.spent < 200_000 + 1_020 * 250, String(budget.spent));
});

test("a budget pays for the events that had their own, and names what was costly", () => {
  const matcher = buildMatcher([heavy(0), light(9)]);
  const customer = new Budget(25_000);
  for (let i = 0; i < 2; i += 1) {
    const own = new Budget(500_000);
    matcher.match(long, undefined, own);
    customer.pay(own);
    assert.equal(customer.usedUp, i === 1 && customer.spent >= 25_000);
  }
  assert.deepEqual([...customer.costly.keys()], ["heavy_0"]);
  assert.ok(customer.costly.get("heavy_0")! >= 20_000, String(customer.costly.get("heavy_0")));
});

test("explaining and asking pay from the same budget", () => {
  const selector = compileSelector({ cel: "event.a.all(x, x == 1.0) && event.n == 8.0" });
  const budget = new Budget(1_000_000);
  assert.equal(selector.matches(long, budget), false);
  const asked = budget.spent;
  assert.ok(asked >= 4_000, String(asked));
  assert.equal(selector.explain(long, budget).because, "n 7 is not == 8");
  assert.ok(budget.spent >= 2 * asked, String(budget.spent));
});

test("without a budget each selector has its own bound, as before", () => {
  const matcher = buildMatcher([heavy(0), heavy(1)]);
  const tally = { examined: 0, faults: 0 };
  assert.deepEqual(matcher.match(event({ a: [1, 2.5] }), tally).length, 1);
  assert.deepEqual(tally, { examined: 2, faults: 0 });
});

test.run();
