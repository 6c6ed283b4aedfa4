import assert from "node:assert/strict";
import { suite } from "uvu";
import type { TriggersError } from "../../../runtime/domain/errors/errors.ts";
import type { EventSelector } from "../../../runtime/domain/subscription.ts";
import { Budget, checkOrdinaryCost, compileSelector } from "../../../runtime/matching/index.ts";

const test = suite("what a selector takes of an ordinary event");

const taken: EventSelector[] = [
  "order.*",
  "$.lines[?@.qty > 10]",
  "$.event_type == 'order.created'",
  "$..sku",
  "$.lines[?@.sku == $.wanted]",
  "$.lines[?@.tags[?@ == 'new']]",
  "$.lines[*].tags[*].names[?@.a == 1]",
  { cel: "event.lines.exists(l, l.qty > 10)" },
  { cel: "event.lines.exists(l, l.tags.exists(t, t == 'new'))" },
  { cel: "event.lines.all(l, ['a', 'b', 'c'].exists(k, k == l.kind))" },
  { cel: "event.lines.filter(l, l.qty > 1).map(l, l.sku).exists(s, s in event.wanted)" },
  { cel: "event.lines.filter(l, l.qty > 1).exists(l, l.tags.all(t, t != ''))" },
  { event_type: "order.*", cel: "event.a > 1.0", jsonpath: "$.b" },
];
for (const selector of taken)
  test(`${JSON.stringify(selector)} is taken`, () => {
    compileSelector(selector);
    checkOrdinaryCost(selector);
  });

const refused: [selector: EventSelector, path: string][] = [
  [{ cel: "event.a.exists(x, event.a.exists(y, x == y + 0.5))" }, "/event_selector/cel"],
  [{ cel: "event.a.all(x, event.b.filter(y, y > 1.0).exists(z, z == x))" }, "/event_selector/cel"],
  [{ cel: "event.a > 1.0 && event.b.map(x, event.c.map(y, x + y)).size() > 3" }, "/event_selector/cel"],
  [{ cel: "event.a.exists(x, x.b.exists(y, event.c.exists(z, z == y)))" }, "/event_selector/cel"],
  ["$.a[?$.b[?@.c == 1]]", "/event_selector"],
  [{ jsonpath: "$.a[?count($..b) > 3]" }, "/event_selector/jsonpath"],
  [{ jsonpath: "$.a[*].b[?$.c[*].d]" }, "/event_selector/jsonpath"],
];
for (const [selector, path] of refused)
  test(`${JSON.stringify(selector)} is refused, with its place`, () => {
    compileSelector(selector);
    assert.throws(
      () => checkOrdinaryCost(selector),
      (error: TriggersError) => error.code === "invalid_selector" && error.details?.[0]?.path === path,
    );
  });

test("accepted selectors stay within their budget on an event with lists of a hundred, refused ones do not", () => {
  const list = Array.from({ length: 100 }, (_, n) => ({
    n,
    tags: Array.from({ length: 10 }, (_, t) => `t${t}`),
    kind: "z",
  }));
  const numbers = list.map(({ n }) => n);
  const payload = { lines: list, a: numbers, b: numbers, c: numbers, wanted: ["q"] };
  const event = { event_id: "evt_1", event_type: "x", received_at: "2026-11-25T00:00:00.000Z", payload };
  const spent = (selector: EventSelector) => {
    const budget = new Budget(1_000_000);
    compileSelector(selector).matches(event, budget);
    return budget.spent;
  };
  for (const selector of taken) assert.ok(spent(selector) < 10_000, JSON.stringify(selector));
  assert.ok(spent({ cel: "event.a.exists(x, event.a.exists(y, x == y + 0.5))" }) >= 10_000);
});

test.run();
