/** Random selectors and events over a small vocabulary, so that matches, near misses and clashes are all frequent. */
import fc from "fast-check";
import type { Event } from "../../../../runtime/domain/event.ts";
import type { EventSelector } from "../../../../runtime/domain/subscription.ts";
import { compileSelector } from "../../../../runtime/matching/index.ts";

const names = ["a", "b", "c", "event_type"] as const;
const texts = ["", "x", "xy", "xyz", "y", "order.created", "order.paid", "a.b.c"] as const;
const numbers = [-1, 0, 1, 1.5, 2, 10, 2 ** 53, -0.5] as const;

const scalar = fc.oneof(
  fc.constantFrom<unknown>(...texts),
  fc.constantFrom<unknown>(...numbers),
  fc.constantFrom<unknown>(true, false, null),
);
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...names), tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;

const types = ["order.created", "order.paid", "order.item.added", "x", "a.b.c"];

export const anyEvent: fc.Arbitrary<Event> = fc
  .record({
    event_type: fc.option(fc.constantFrom(...types), { nil: null }),
    rest: fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4, noNullPrototype: true }),
  })
  .map(({ event_type, rest }) => ({
    event_id: "evt_01J00000000000000000000000",
    event_type,
    received_at: "2026-11-25T04:00:00.000Z",
    payload: event_type === null ? rest : { ...rest, event_type },
  }));

const singular = fc.constantFrom(
  "$.a",
  "$.b",
  "$.c",
  "$.a.b",
  "$.b.a",
  "$.a[0]",
  "$.b[-1]",
  "$.c['a']",
  "$.event_type",
);
const literal = fc.oneof(
  fc.constantFrom(...texts).map((text) => `'${text}'`),
  fc.constantFrom(...numbers).map(String),
  fc.constantFrom("true", "false", "null"),
);
const operator = fc.constantFrom("==", "!=", "<", "<=", ">", ">=");

const junction = (tie: fc.Arbitrary<string>, symbols: readonly [string, string]) =>
  fc.tuple(tie, fc.constantFrom(...symbols), tie).map(([left, sign, right]) => `(${left} ${sign} ${right})`);

/** The comparison form of JSONPath. */
export const logical: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    fc.tuple(singular, operator, literal).map((parts) => parts.join(" ")),
    fc.tuple(literal, operator, singular).map((parts) => parts.join(" ")),
    fc.tuple(singular, operator, singular).map((parts) => parts.join(" ")),
    singular,
    fc.constantFrom("length($.a) > 1", "match($.a, 'x.*')", "search($.b, 'y')", "count($.a[*]) == 2", "$..b"),
    junction(tie("any"), ["&&", "||"]),
    tie("any").map((inner) => `!(${inner})`),
  ),
})).any;

const query = fc.constantFrom(
  "$.a",
  "$.a.b",
  "$.a[*]",
  "$..a",
  "$.b[?@ == 'x']",
  "$.b[?@.a > 1]",
  "$.a[?@.b && @.a != 1]",
  "$[?@ == 1]",
  "$.a[0:2]",
  "$.c[?length(@) == 2 || @ < $.a]",
  "$.b[?@ == 'x' && @ != $.a]",
  "$.a[?@.b == 1 || @.a < 2]",
  "$.a[?@.b == 1 && $.b == 'x'].a",
  "$.a[?@[?@.b == 1]]",
  "$.a[?@[0] && !(@.b != 2)]",
  "$[?@.b == 1]",
  "@.a == 1",
);

const place = fc.constantFrom(
  "event.a",
  "event.b",
  "event.c",
  "event.a.b",
  "event.b.a",
  "event['c']",
  "event.a[0]",
  "event_type",
);
const celLiteral = fc.oneof(
  fc.constantFrom(...texts).map((text) => JSON.stringify(text)),
  fc.constantFrom("-1", "0", "1", "1.5", "2", "2.0", "10", "9007199254740992", "0u", "2u"),
  fc.constantFrom("true", "false", "null"),
);
const celText = fc.constantFrom(...texts).map((text) => JSON.stringify(text));

export const cel: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    fc.tuple(place, fc.constantFrom("==", "!="), celLiteral).map((parts) => parts.join(" ")),
    fc.tuple(place, operator, fc.constantFrom("0", "1.5", "2", '"x"', '"xy"')).map((parts) => parts.join(" ")),
    fc
      .tuple(fc.constantFrom("1", "2.0", "10"), operator, fc.constantFrom("event.a", "event.b"))
      .map((parts) => parts.join(" ")),
    fc.tuple(place, fc.array(celText, { maxLength: 3 })).map(([path, list]) => `${path} in [${list.join(", ")}]`),
    fc
      .tuple(place, fc.constantFrom("startsWith", "endsWith", "contains"), celText)
      .map(([p, f, t]) => `${p}.${f}(${t})`),
    fc.constantFrom("has(event.a)", "has(event.a.b)", "event.a", "event.b", "event.a.matches('^x.?$')"),
    fc.constantFrom("size(event.a) > 1", "event.b.exists(e, e == 1.0)", "event.b.all(e, e != 'x')", "'a' in event.a"),
    fc.constantFrom("event.a + 1.0 > 2.0", "event.a + 'x' == 'xx'", "(has(event.a) ? event.a : event.b) == 'x'"),
    fc.constantFrom("event.b.exists(e, e.startsWith('x'))", "event.a.exists(e, e.b == 1.0 || e in ['x', 'y'])"),
    fc.constantFrom("event.a.exists(e, e.exists(f, f == 1))", "event.a.exists(e, e > 0 && event.b == 'x')"),
    fc.constantFrom(
      "event.a.exists(e, !(e.b != 2))",
      "event.a.exists(event, event.b == 1)",
      "'x' in event.b",
      "1 in event.a",
    ),
    fc.constantFrom("event.b.exists_one(e, e > 0.0)", "event.a.filter(e, e > 0.0).size() == 1", "event.a == event.b"),
    fc.constantFrom("received_at > timestamp('2026-01-01T00:00:00Z')", "received_at.getFullYear() == 2025"),
    junction(tie("any"), ["&&", "||"]),
    tie("any").map((inner) => `!(${inner})`),
  ),
})).any;

const typePattern = fc.constantFrom(
  ...types,
  "order.*",
  "*.created",
  "order.**",
  "*",
  "**",
  "*.*",
  "a.*.c",
  "order.*.added",
);

/** Some of what is generated can't succeed for any event (`event_type < 2`) and is refused at creation. */
const accepted = (one: EventSelector): boolean => {
  try {
    compileSelector(one);
    return true;
  } catch {
    return false;
  }
};

const anySelector: fc.Arbitrary<EventSelector> = fc.oneof(
  typePattern,
  query,
  logical.map((text) => (text.startsWith("(") || text.startsWith("!") || text.startsWith("$") ? text : `(${text})`)),
  fc.record(
    {
      event_type: fc.oneof(typePattern, fc.uniqueArray(typePattern, { minLength: 1, maxLength: 4 })),
      jsonpath: fc.oneof(query, logical),
      cel,
    },
    { requiredKeys: ["cel"] },
  ),
  fc.record({ event_type: typePattern, jsonpath: fc.oneof(query, logical) }),
);

export const selector = anySelector.filter(accepted);
