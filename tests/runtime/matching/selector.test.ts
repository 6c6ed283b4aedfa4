import assert from "node:assert/strict";
import { test } from "uvu";
import type { TriggersError } from "../../../runtime/domain/errors/errors.ts";
import type { Event } from "../../../runtime/domain/event.ts";
import type { EventSelector } from "../../../runtime/domain/subscription.ts";
import { compileSelector, compileStored } from "../../../runtime/matching/index.ts";

const event = (event_type: string | null, payload: Record<string, unknown> = {}): Event => ({
  event_id: "evt_01J00000000000000000000000",
  event_type,
  received_at: "2026-11-25T04:00:00.250Z",
  payload,
});

const types: [pattern: string, matching: string[], others: string[]][] = [
  ["order.created", ["order.created"], ["order", "order.created.eu", "Order.created", "xorder.created"]],
  ["order.*", ["order.created", "order.x"], ["order", "order.", "order.item.added", "orders.created"]],
  ["*.created", ["order.created", "user.created"], [".created", "a.b.created", "created"]],
  ["order.*.added", ["order.item.added"], ["order.added", "order..added", "order.a.b.added"]],
  ["order.**", ["order.created", "order.item.added", "order.a.b.c"], ["order", "order.", "orders.created"]],
  ["*", ["order", "x"], ["order.created", ""]],
  ["**", ["order", "order.created"], [""]],
  ["*.*", ["a.b"], ["a", "a.b.c", "a."]],
];
for (const [pattern, matching, others] of types) {
  test(`${pattern} matches ${matching.join(" and ")}, and none of ${others.join(", ")}`, () => {
    const { matches } = compileSelector(pattern);
    assert.deepEqual(
      [...matching, ...others].filter((type) => matches(event(type))),
      matching,
    );
    assert.equal(matches(event(null)), false);
  });
}

test("a list of event types matches any of them, patterns included", () => {
  const { matches } = compileSelector({ event_type: ["order.created", "user.*"] });
  assert.deepEqual(
    ["order.created", "user.left", "order.paid"].filter((type) => matches(event(type))),
    ["order.created", "user.left"],
  );
});

test("an event type with unusual characters can be given as the member event_type", () => {
  assert.ok(compileSelector({ event_type: "Order created!" }).matches(event("Order created!")));
});

test("all members of an object selector must hold", () => {
  const selector = { event_type: "order.*", jsonpath: "$.lines[?@.qty > 10]", cel: "event.amount > 100.0" };
  const { matches } = compileSelector(selector);
  const lines = [{ qty: 11 }];
  assert.ok(matches(event("order.created", { lines, amount: 100.5 })));
  assert.equal(matches(event("user.created", { lines, amount: 100.5 })), false);
  assert.equal(matches(event("order.created", { lines: [], amount: 100.5 })), false);
  assert.equal(matches(event("order.created", { lines, amount: 100 })), false);
});

const cels: [text: string, matched: boolean][] = [
  ["event.amount > 100", false],
  ["event.amount == 40", true],
  ["event.amount in [10, 40.0]", true],
  ["event_type == 'order.created' && event_id.startsWith('evt_')", true],
  ["received_at > timestamp('2026-11-25T04:00:00Z') && received_at.getMilliseconds() == 250", true],
  ["event_type == null", false],
  ["event.missing > 1 || event.amount == 40", true],
  ["event.tags.exists(t, t.startsWith('vip')) && event.tags.all(t, t != '')", true],
  ["event.user.name.contains('ü') && size(event.user.name) == 3", true],
  ["event['user']['name'].matches('^m.n$')", true],
  ["has(event.user.name) && !has(event.user.age)", true],
  ["event.tags[0] == 'vip-1' && event.tags.size() == 2", true],
  ["double(string(event.amount)) * 2.0 == 80.0", true],
  ["event.user == {'name': 'mün'}", true],
  ["event.`user-id` == '7'", true],
];
const order = event("order.created", { amount: 40, tags: ["vip-1", "b"], user: { name: "mün" }, "user-id": "7" });
for (const [cel, matched] of cels) {
  test(`CEL: ${cel} is ${matched}`, () => assert.equal(compileSelector({ cel }).matches(order), matched));
}

type Told = { path: string; message: string; position?: number; expected?: string; suggestion?: string };
const refused: [selector: EventSelector, told: Told][] = [
  ["", { path: "/event_selector", message: "an event type can't be empty", position: 0, expected: "an event type" }],
  [
    "order.cre*",
    {
      path: "/event_selector",
      message: '`*` must be a whole segment, not a part of "cre*"',
      position: 9,
      expected: "`*` between dots, or `**` at the end",
    },
  ],
  ["a.**.b", { path: "/event_selector", message: "`**` can only be the last segment", position: 2, expected: "`*`" }],
  [
    "event.amount > 100",
    {
      path: "/event_selector",
      message: "this is neither an event type, nor a JSONPath (`$…`), nor an expression over paths",
      position: 12,
      expected: "an event type such as `order.created`, or a path that begins with `$`",
      suggestion: '{ "cel": "event.amount > 100" }',
    },
  ],
  ["x".repeat(257), { path: "/event_selector", message: "an event type has at most 256 characters", position: 256 }],
  [{}, { path: "/event_selector", message: "give at least one of `event_type`, `jsonpath` and `cel`" }],
  [
    { event_type: [] },
    { path: "/event_selector/event_type", message: "the list of event types is empty", expected: "at least one" },
  ],
  [
    "$.a = 1",
    {
      path: "/event_selector",
      message: "unexpected filter selector token '='",
      position: 4,
      expected: "a comparison: ==, !=, <, <=, >, >=",
      suggestion: "`==`",
    },
  ],
  [
    "$.a == 1 and $.b == 2",
    { path: "/event_selector", message: "unexpected filter selector token 'a'", position: 9, suggestion: "`&&`" },
  ],
  [
    "$.a == paid",
    {
      path: "/event_selector",
      message: "unexpected filter selector token 'p'",
      position: 7,
      expected: "a path ($… or @…), a literal or a function",
      suggestion: "`$.paid` or `'paid'`",
    },
  ],
  [
    { cel: "" },
    { path: "/event_selector/cel", message: "the expression ends too early", position: 0, expected: "a value" },
  ],
  [
    { cel: "event.a ==" },
    { path: "/event_selector/cel", message: "the expression ends too early", position: 10, expected: "a value" },
  ],
  [
    { cel: "event.a = 1" },
    {
      path: "/event_selector/cel",
      message: 'unexpected character "="',
      position: 8,
      expected: "an operator, a name or a literal",
      suggestion: "`==`",
    },
  ],
  [
    { cel: "event.a == 1 and event.b" },
    {
      path: "/event_selector/cel",
      message: "unexpected `and`",
      position: 13,
      expected: "an operator or the end of the expression",
      suggestion: "`&&`",
    },
  ],
  [
    { cel: "amount > 100" },
    {
      path: "/event_selector/cel",
      message: "there is no variable `amount`",
      position: 0,
      suggestion: "`event.amount`",
    },
  ],
  [
    { cel: "events.amount > 100" },
    { path: "/event_selector/cel", message: "there is no variable `events`", position: 0, suggestion: "`event`" },
  ],
  [
    { cel: "event.a.startWith('x')" },
    {
      path: "/event_selector/cel",
      message: "there is no method `startWith()`",
      position: 0,
      suggestion: "`startsWith()`",
    },
  ],
  [
    { cel: "startsWith(event.a, 'x')" },
    {
      path: "/event_selector/cel",
      message: "there is no function `startsWith()`",
      position: 0,
      suggestion: "`value.startsWith(…)`",
    },
  ],
  [
    { cel: "event.a.matches('(')" },
    { path: "/event_selector/cel", message: "invalid regular expression: missing closing ): `(`", position: 16 },
  ],
  [{ cel: "event.amount" }, { path: "/event_selector/cel", message: "accepted", position: -1 }],
  [
    { cel: "event.amount + 1.0" },
    { path: "/event_selector/cel", message: "a bool must stand here, not double", position: 0 },
  ],
  [
    { cel: "double(event.amount) * 2 > 100" },
    {
      path: "/event_selector/cel",
      message: "there is no double * int: a number of the event is a double",
      position: 0,
      suggestion: "`2.0`",
    },
  ],
  [
    { cel: "event_type > 5" },
    { path: "/event_selector/cel", message: "there is no null_type or string > int", position: 0 },
  ],
  [
    { cel: "received_at > '2026-01-01'" },
    { path: "/event_selector/cel", message: "there is no Timestamp > string", position: 0 },
  ],
  [
    { cel: "size(5) > 1" },
    { path: "/event_selector/cel", message: "size() takes string or bytes or list or map, not int", position: 0 },
  ],
  [
    { cel: "event.a == 'x" },
    { path: "/event_selector/cel", message: "the string is not closed", position: 11, expected: "'" },
  ],
  [
    { cel: "event.a.exists(1, true)" },
    {
      path: "/event_selector/cel",
      message: "the first argument of exists() is a variable name",
      position: 15,
      expected: "a name",
    },
  ],
  [
    { cel: "event.a.all(a, event.a.all(b, event.a.all(c, event.a.all(d, true))))" },
    { path: "/event_selector/cel", message: "comprehensions are nested at most 3 deep", position: 57 },
  ],
  [
    { cel: `${"(".repeat(50)}true${")".repeat(50)}` },
    { path: "/event_selector/cel", message: "an expression is nested at most 40 deep", position: 40 },
  ],
  [
    { cel: `event.a in [${"1,".repeat(501)}1]` },
    { path: "/event_selector/cel", message: "a list has at most 500 items", position: 1013 },
  ],
  [
    { cel: `event.a == '${"x".repeat(4_000)}'` },
    { path: "/event_selector/cel", message: "an expression has at most 4000 characters", position: 4000 },
  ],
];
for (const [selector, told] of refused) {
  test(`${JSON.stringify(selector).slice(0, 80)}: ${told.message}`, () => {
    let details: unknown;
    try {
      compileSelector(selector);
      details = [{ path: told.path, message: "accepted", position: -1 }];
    } catch (thrown) {
      assert.equal((thrown as { code: string }).code, "invalid_selector");
      details = (thrown as { details: unknown }).details;
    }
    assert.deepEqual(details, [told]);
  });
}

test("an error's sentence tells position and suggestion", () => {
  assert.throws(() => compileSelector({ cel: "amount > 100" }), {
    message:
      "The event selector is not valid at position 0: there is no variable `amount`; did you mean `event.amount`?",
  });
});

/** What has no value whatever the event, and where it stands. */
const broken: [cel: string, position: number, message: RegExp][] = [
  ["timestamp('2026-13-01T00:00:00Z') < received_at", 0, /is not a time that exists/],
  ["received_at < timestamp('2025-01-18T01:01:01.001+24:01')", 14, /is not a time that exists/],
  ["received_at < timestamp('2025-01-18T01:01:01+00:60')", 14, /is not a time that exists/],
  ["received_at - timestamp(event.at) > duration('1d')", 36, /is not a duration/],
  ["event.a == 1 || 1 / 0 == event.b", 16, /division by zero/],
  ["event.a + (9223372036854775807 + 1) > 0", 10, /overflows/],
  ["event.items.exists(i, i.n > int('x'))", 28, /is not an int/],
  ["event.a == [1, 2][5]", 11, /there is no index 5/],
  ["event.a == {'x': 1}.y", 11, /there is no y/],
  ["matches(event.s, '(')", 17, /invalid regular expression/],
  ["event.s.matches('(')", 16, /invalid regular expression/],
  ["received_at.getHours('Nowhere/Zone') == 1", 21, /is not a time zone/],
  ["received_at.getMinutes('+00:99') == 1", 23, /is not a time zone/],
  ["event.items[-1] == 1", 12, /a list is indexed from 0/],
  ["has(event_type.x)", 0, /has no field/],
  ["event.?a == 1", 6, /optional fields/],
  ['event[?"a"] == 1', 6, /optional fields/],
];
for (const [cel, position, message] of broken) {
  test(`${cel} is refused where it is made, with its place`, () => {
    try {
      compileSelector({ cel });
    } catch (thrown) {
      const [detail] = (thrown as TriggersError).details!;
      assert.deepEqual(
        [(thrown as TriggersError).code, detail!.position],
        ["invalid_selector", position],
        detail!.message,
      );
      return assert.match(detail!.message, message);
    }
    assert.fail("it was accepted");
  });
}

const sound: [cel: string, payload: Record<string, unknown>, wanted: boolean][] = [
  ["matches(event.s, 'a')", { s: "bab" }, true],
  ["matches(event.s, 'a')", { s: "b" }, false],
  ["matches(event.s, event.p)", { s: "bab", p: "^b.b$" }, true],
  ["timestamp(event.at) == timestamp('2025-01-18T01:01:01+23:59')", { at: "2025-01-17T01:02:01Z" }, true],
  ["timestamp(event.at) < received_at", { at: "2025-01-18T01:01:01.001+24:01" }, false],
  ["timestamp(event.at).getMinutes(event.zone) == 1", { at: "2025-01-18T01:01:01Z", zone: "+00:60" }, false],
  ["timestamp(event.at).getMinutes(event.zone) == 1", { at: "2025-01-18T01:01:01Z", zone: "-23:00" }, true],
  ["has(event.a) && has(event.a.b)", { a: { b: null } }, true],
  ["has(event.a.b)", {}, false],
  ["!has(event.a.b)", {}, false],
  ["!has(event.a.b)", { a: {} }, true],
  ["type(event.a) == string", { a: "x" }, true],
  ["[1, 2].exists(i, i == event.a)", { a: 2 }, true],
];
for (const [cel, payload, wanted] of sound) {
  test(`${cel} ${wanted ? "wants" : "does not want"} ${JSON.stringify(payload)}`, () =>
    assert.equal(compileSelector({ cel }).matches(event(null, payload)), wanted));
}

test("a stored selector that is refused today matches nothing, and says why", () => {
  const { matches, explain } = compileStored("$.a ==");
  const event = { event_id: "evt_1", event_type: "a", received_at: "2026-01-01T00:00:00.000Z", payload: {} };
  assert.equal(matches(event), false);
  assert.deepEqual(explain(event), {
    matched: false,
    clause: "",
    because:
      "the selector is no longer valid: The event selector is not valid at position 6: unexpected end of expression.",
  });
});

test.run();
