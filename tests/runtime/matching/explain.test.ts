import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import type { Event } from "../../../runtime/domain/event.ts";
import type { EventSelector } from "../../../runtime/domain/subscription.ts";
import { decisive, verdictIf } from "../../../runtime/matching/clause.ts";
import { Frame, PathPool } from "../../../runtime/matching/frame.ts";
import { compileSelector } from "../../../runtime/matching/index.ts";
import { compile } from "../../../runtime/matching/selector.ts";
import { anyEvent, selector } from "./support/arbitraries.ts";

const runs = Number(process.env.MATCHING_RUNS ?? 1);

const event = (payload: Record<string, unknown>, event_type: string | null = "order.created"): Event => ({
  event_id: "evt_01J00000000000000000000000",
  event_type,
  received_at: "2026-11-25T04:00:00.000Z",
  payload: event_type === null ? payload : { event_type, ...payload },
});

const order = event({
  amount: 40,
  status: "open",
  note: null,
  lines: [{ sku: "a-1", qty: 4 }],
  user: { email: "a@b.c" },
  vip: false,
});

const behaviour: [selector: EventSelector, clause: string, because: string][] = [
  ["order.paid", "order.paid", 'event_type "order.created" is not order.paid'],
  ["user.*", "user.*", 'event_type "order.created" is not user.*'],
  [{ event_type: ["a", "b"] }, "a, b", 'event_type "order.created" is not one of a, b'],
  ["$.amount > 100", "$.amount > 100", "amount 40 is not > 100"],
  ["100 < $.amount", "100 < $.amount", "amount 40 is not > 100"],
  ["$.event_type == 'order.created' && $.amount > 100", "$.amount > 100", "amount 40 is not > 100"],
  ["$.total > 100", "$.total > 100", "total is missing, so it is not > 100"],
  ["$.status > 5", "$.status > 5", 'status "open" is not > 5'],
  ["$.amount == $.limit", "$.amount == $.limit", "amount 40 is not == limit (missing)"],
  ["!($.amount < 100)", "$.amount < 100", "amount 40 is < 100"],
  [
    "$.amount > 100 && $.status == 'paid'",
    "$.amount > 100 && $.status == 'paid'",
    'amount 40 is not > 100, and status "open" is not == "paid"',
  ],
  ["$.amount > 100 || $.status == 'paid'", "$.amount > 100", "amount 40 is not > 100"],
  ["$.refund", "$.refund", "refund is missing"],
  ["$.lines[?@.qty > 10]", "$.lines[?@.qty > 10]", "no element of lines qualifies; the first: qty 4 is not > 10"],
  ["$.items[?@.qty > 10]", "$.items[?@.qty > 10]", "items is missing"],
  ["match($.status, 'p.*')", "match($.status, 'p.*')", 'status "open" does not match "p.*"'],
  [{ cel: "event.amount > 100" }, "event.amount > 100", "amount 40 is not > 100"],
  [{ cel: "100.0 < event.amount" }, "100.0 < event.amount", "amount 40 is not > 100"],
  [{ cel: "event.total > 100" }, "event.total > 100", "total is missing"],
  [
    { cel: "event.status > 100" },
    "event.status > 100",
    "event.status > 100 can't be evaluated: there is no string > int",
  ],
  [
    { cel: "event.amount > 10 && event.status in ['paid', 'sent']" },
    "event.status in ['paid', 'sent']",
    "status \"open\" is not in ['paid', 'sent']",
  ],
  [
    { cel: "event.user.email.endsWith('@d.e')" },
    "event.user.email.endsWith('@d.e')",
    'user.email "a@b.c" does not end with "@d.e"',
  ],
  [
    { cel: "event.lines.exists(l, l.qty > 10.0)" },
    "event.lines.exists(l, l.qty > 10.0)",
    "no element of lines satisfies l.qty > 10.0",
  ],
  [{ cel: "event.vip" }, "event.vip", "vip is false"],
  [{ cel: "!has(event.note)" }, "has(event.note)", "note is present"],
  [{ cel: "size(event.lines) >= 2" }, "size(event.lines) >= 2", "size(event.lines) 1 is not >= 2"],
  [
    { cel: "received_at < timestamp('2026-01-01T00:00:00Z')" },
    "received_at < timestamp('2026-01-01T00:00:00Z')",
    "received_at 2026-11-25T04:00:00Z is not < timestamp('2026-01-01T00:00:00Z') 2026-01-01T00:00:00Z",
  ],
  [
    { event_type: "order.created", jsonpath: "$.amount > 100", cel: "event.vip" },
    "order.created and $.amount > 100 and event.vip",
    "amount 40 is not > 100, and vip is false",
  ],
];
for (const [one, clause, because] of behaviour) {
  test(`${JSON.stringify(one)}: ${because}`, () =>
    assert.deepEqual(compileSelector(one).explain(order), { matched: false, clause, because }));
}

test("a match is explained by the condition that carries it", () => {
  assert.deepEqual(compileSelector("$.amount > 100 || $.status == 'open'").explain(order), {
    matched: true,
    clause: "$.status == 'open'",
    because: 'status "open" is == "open"',
  });
});

test("a selector that takes too much work does not match, and says so", () => {
  const wide = event({ a: Array.from({ length: 50_000 }, () => 1) });
  assert.deepEqual(compileSelector("$..b").explain(wide), {
    matched: false,
    clause: "$..b",
    because: "it takes too much work on this event",
  });
});

test("a long text is cut where it is shown", () => {
  const { because } = compileSelector("$.a == 'x'").explain(event({ a: "y".repeat(500) }));
  assert.equal(because, `a "${"y".repeat(100)}"… is not == "x"`);
});

test("the explanation's verdict is the match's, for every selector and event", () => {
  fc.assert(
    fc.property(selector, anyEvent, (one, payload) => {
      const compiled = compileSelector(one);
      const { matched, because, clause } = compiled.explain(payload);
      assert.equal(matched, compiled.matches(payload));
      assert.ok(because.length > 0 && clause.length > 0);
    }),
    { numRuns: 3_000 * runs },
  );
});

test("flipping the named clause's value flips the verdict, and no smaller clause alone does when several decide", () => {
  fc.assert(
    fc.property(selector, anyEvent, (one, payload) => {
      const { clause: root } = compile(one, new PathPool());
      const { matches } = compileSelector(one);
      const frame = new Frame(payload);
      const { clause, flipped } = decisive(root, frame);
      const before = matches(payload);
      assert.equal(verdictIf(root, frame, clause, flipped) === true, !before);
      for (const part of clause.parts) {
        if (clause.kind === "not") continue;
        for (const value of [true, false]) assert.equal(verdictIf(root, frame, part, value) === true, before);
      }
    }),
    { numRuns: 3_000 * runs },
  );
});

test("changing the value that the reason names, to one that satisfies the clause, turns the verdict", () => {
  const operators = { ">": 1, ">=": 0, "<": -1, "<=": 0, "==": 0 } as const;
  fc.assert(
    fc.property(
      fc.constantFrom(...(Object.keys(operators) as (keyof typeof operators)[])),
      fc.integer({ min: -50, max: 50 }),
      fc.integer({ min: -50, max: 50 }),
      fc.boolean(),
      (operator, bound, met, asCel) => {
        const text = `${asCel ? "event" : "$"}.a ${operator} ${bound} && ${asCel ? "event" : "$"}.b == 'x'`;
        const compiled = compileSelector(asCel ? { cel: text } : text);
        const told = compiled.explain(event({ a: met, b: "x" }));
        if (told.matched) return;
        assert.equal(told.because, `a ${met} is not ${operator} ${bound}`);
        assert.ok(compiled.matches(event({ a: bound + operators[operator], b: "x" })));
      },
    ),
    { numRuns: 500 },
  );
});

test.run();
