import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { NoCounterpart } from "../../cli/src/migrate/converted.ts";
import { celOfPattern, fromEventBridge } from "../../cli/src/migrate/eventBridge.ts";
import { celOfFilter, fromHookdeck } from "../../cli/src/migrate/hookdeck.ts";
import { goesOn } from "../../cli/src/migrate/list.ts";
import { fromSvix } from "../../cli/src/migrate/svix.ts";
import type { Event } from "../../runtime/domain/event.ts";
import { checkOrdinaryCost, compileSelector } from "../../runtime/matching/index.ts";

/** Selectors of others, carried over: what they match here, by our own matcher, is what their documentation says that they match. */
const matches = (cel: string, payload: Record<string, unknown>): boolean => {
  checkOrdinaryCost({ cel });
  const event: Event = {
    event_id: "evt_01J00000000000000000000000",
    event_type: null,
    received_at: "2026-11-25T04:00:00.250Z",
    payload,
  };
  return compileSelector({ cel }).matches(event);
};

const detail = (value: unknown) => ({ detail: { x: value } });
const rule = (...matchers: unknown[]) => ({ detail: { x: matchers } });

/** Of EventBridge: "Comparison operators for use in event patterns", "Null values and empty strings", "Arrays". */
const patterns: [
  says: string,
  pattern: Record<string, unknown>,
  yes: Record<string, unknown>[],
  no: Record<string, unknown>[],
][] = [
  [
    "a text",
    rule("a"),
    [detail("a"), detail(["b", "a"])],
    [detail("A"), detail("ab"), detail(["b"]), detail(1), {}, { detail: "a" }],
  ],
  ["one of several", rule("a", "b"), [detail("b")], [detail("c")]],
  ["a number by value", rule(1), [detail(1), detail([2, 1])], [detail(2), detail("1")]],
  ["nothing, which is not an empty text", rule(null), [detail(null)], [detail(""), { detail: {} }]],
  ["an empty text", rule(""), [detail("")], [detail(null), detail("a")]],
  ["a beginning", rule({ prefix: "us-" }), [detail("us-east-1")], [detail("eu-us-1"), detail(5), {}]],
  ["an end", rule({ suffix: ".png" }), [detail("a.png")], [detail("a.png.txt")]],
  ["any case", rule({ "equals-ignore-case": "a.b" }), [detail("A.B")], [detail("AxB"), detail("a.bc")]],
  [
    "a wildcard",
    rule({ wildcard: "dir/*.png" }),
    [detail("dir/a/b.png")],
    [detail("dir/a.txt"), detail("x/dir/a.png")],
  ],
  ["a range", rule({ numeric: [">", 0, "<=", 5] }), [detail(5), detail(0.5)], [detail(0), detail(6), detail("3")]],
  ["that it is there", rule({ exists: true }), [detail(null), detail("")], [{ detail: {} }, {}]],
  ["that it is not there", rule({ exists: false }), [{ detail: {} }, {}, { detail: "text" }], [detail("a")]],
  ["anything but texts", rule({ "anything-but": ["a", "b"] }), [detail("c")], [detail("a"), { detail: {} }, {}]],
  ["anything but a number", rule({ "anything-but": 1 }), [detail(2)], [detail(1)]],
  ["anything but a beginning", rule({ "anything-but": { prefix: "us-" } }), [detail("eu-1")], [detail("us-1")]],
  [
    "one of two ways",
    { detail: { $or: [{ a: ["x"] }, { b: [{ numeric: [">", 3] }] }] } },
    [{ detail: { a: "x" } }, { detail: { b: 4 } }, { detail: { a: 7, b: 4 } }],
    [{ detail: { a: "y", b: 3 } }, {}],
  ],
  [
    "members by names that are no identifiers",
    { "detail-type": ["a"] },
    [{ "detail-type": "a" }],
    [{ "detail-type": "b" }],
  ],
  [
    "all of them",
    { source: ["s"], detail: { a: ["x"] } },
    [{ source: "s", detail: { a: "x" } }],
    [{ source: "s", detail: {} }],
  ],
];
for (const [says, pattern, yes, no] of patterns)
  test(`EventBridge: ${says}`, () => {
    const cel = celOfPattern(pattern);
    assert.deepEqual(
      [...yes, ...no].filter((payload) => matches(cel, payload)),
      yes,
      cel,
    );
  });

test("EventBridge: a part without a counterpart is named", () =>
  assert.throws(
    () => celOfPattern(rule({ cidr: "10.0.0.0/24" })),
    new NoCounterpart('the matcher cidr with "10.0.0.0/24"'),
  ));

const x = (value: unknown) => ({ x: value });
/** Of Hookdeck: "Filters". */
const filters: [says: string, filter: unknown, yes: Record<string, unknown>[], no: Record<string, unknown>[]][] = [
  ["a value", x("a"), [x("a"), x(["b", "a"])], [x("b"), {}, x(["b"])]],
  [
    "a number, a boolean, nothing",
    { a: 1, b: true, c: null },
    [{ a: 1, b: true, c: null }],
    [
      { a: 1, b: true },
      { a: 2, b: true, c: null },
    ],
  ],
  ["nested members", { a: { b: 0 } }, [{ a: { b: 0 } }], [{ a: { b: 1 } }, { a: 5 }, {}]],
  ["all of a list", x(["a", "b"]), [x(["a", "c", "b"])], [x(["a"]), x("a")]],
  ["comparisons", x({ $gt: 1, $lte: 5 }), [x(5), x(2)], [x(1), x(6), {}]],
  ["not that value", x({ $neq: "a" }), [x("b"), {}], [x("a")]],
  ["one of these", x({ $in: ["a", "b"] }), [x("b"), x(["c", "a"])], [x("c"), {}]],
  ["none of these", x({ $nin: ["a", "b"] }), [x("c"), {}], [x("a")]],
  ["a text within", x({ $in: "orde" }), [x("the order"), x(["orde"])], [x("odd"), {}]],
  ["a beginning, an end", x({ $startsWith: "a", $endsWith: "z" }), [x("abcz")], [x("abc"), {}]],
  ["that it is there", x({ $exist: true }), [x(null)], [{}]],
  ["that it is not there", x({ $exist: false }), [{}], [x(1)]],
  ["not", { $not: { a: { b: 1 } } }, [{ a: { b: 2 } }, {}, { a: "text" }], [{ a: { b: 1 } }]],
  [
    "one of two ways, both ways",
    { $or: [{ a: 1 }, { $and: [{ b: 1 }, { c: 1 }] }] },
    [{ a: 1 }, { b: 1, c: 1 }],
    [{ b: 1 }, {}],
  ],
];
for (const [says, filter, yes, no] of filters)
  test(`Hookdeck: ${says}`, () => {
    const cel = celOfFilter(filter);
    assert.deepEqual(
      [...yes, ...no].filter((payload) => matches(cel, payload)),
      yes,
      cel,
    );
  });

test("Hookdeck: a part without a counterpart is named", () =>
  assert.throws(() => celOfFilter({ a: { $ref: "b" } }), new NoCounterpart('the operator $ref with "b"')));

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./exports/${name}.json`, import.meta.url), "utf8"));

test("an export of Svix becomes subscriptions, and an endpoint for channels does not", () =>
  assert.deepEqual(fromSvix(read("svix")), [
    {
      name: "ep_2bVQn8R0000000000000000001",
      subscription: {
        workflow_id: "Billing",
        webhook_url: "https://billing.acme.org/hooks",
        event_selector: { event_type: ["invoice.paid", "invoice.failed"] },
        format: "payload",
        max_batch: 1,
      },
      not: [],
      differs: [
        "the headers are webhook-id, webhook-timestamp and webhook-signature, without svix-; the scheme is the same, with a secret of its own",
        "the export does not tell its headers and its transformation: look at Svix whether it has any",
        "at most 50 a second there; here the endpoint itself says 429 or 503 with Retry-After",
      ],
    },
    {
      name: "ep_2bVQn8R0000000000000000002",
      subscription: {
        workflow_id: "ep_2bVQn8R0000000000000000002",
        webhook_url: "https://all.acme.org/hooks",
        event_selector: "$",
        format: "payload",
        max_batch: 1,
        headers: { "x-team": "core" },
      },
      disabled: true,
      not: [],
      differs: [
        "the headers are webhook-id, webhook-timestamp and webhook-signature, without svix-; the scheme is the same, with a secret of its own",
      ],
    },
    {
      name: "ep_2bVQn8R0000000000000000003",
      not: [
        "it receives only the channels tenant_7; send the channel as a member of the payload, and select by that member",
      ],
      differs: [
        "the headers are webhook-id, webhook-timestamp and webhook-signature, without svix-; the scheme is the same, with a secret of its own",
        "the export does not tell its headers and its transformation: look at Svix whether it has any",
        "at most 10 a second there; here the endpoint itself says 429 or 503 with Retry-After",
      ],
    },
  ]));

test("an export of Hookdeck becomes subscriptions, and a connection that changes payloads does not", () => {
  const [orders, log, changed] = fromHookdeck(read("hookdeck"));
  const { cel } = orders!.subscription!.event_selector as { cel: string };
  assert.deepEqual(
    { ...orders!.subscription, event_selector: "…" },
    {
      workflow_id: "shop -> orders",
      webhook_url: "https://orders.acme.org/hook",
      event_selector: "…",
      format: "payload",
      max_batch: 1,
    },
  );
  const order = { type: "order/created", order: { total: 100, tags: ["gift"] }, region: "eu" };
  assert.ok(matches(cel, order));
  assert.ok(!matches(cel, { ...order, region: "us" }));
  assert.ok(matches(cel, { ...order, region: "us", priority: 1 }));
  assert.ok(!matches(cel, { ...order, type: "refund/created" }));
  assert.deepEqual([log!.subscription!.event_selector, log!.disabled], ["$", true]);
  assert.deepEqual(
    [changed!.subscription, changed!.not],
    [
      undefined,
      [
        "its destination cli has no URL (CLI)",
        "its payload is changed by JavaScript; here a transform extracts, renames and omits members",
        "it filters by headers of the request; here only the event counts",
        'its filter has the operator $ref with "b"',
        "it has a rule delay",
      ],
    ],
  );
});

test("an export of EventBridge becomes one subscription a target that is an address", () => {
  const [crm, lambda, returns, nightly] = fromEventBridge(read("eventbridge"));
  const { event_type, cel } = crm!.subscription!.event_selector as { event_type: string[]; cel: string };
  assert.deepEqual(event_type, ["OrderPlaced", "OrderChanged"]);
  const order = { source: "com.acme.shop", "detail-type": "OrderPlaced", detail: { total: 120.5, state: "paid" } };
  assert.ok(matches(cel, order));
  assert.ok(!matches(cel, { ...order, detail: { total: 99, state: "paid" } }));
  assert.ok(!matches(cel, { ...order, detail: { total: 120, state: "draft" } }));
  assert.deepEqual(
    { ...crm!.subscription, event_selector: "…" },
    {
      workflow_id: "big-orders",
      webhook_url: "https://crm.acme.org/hook",
      event_selector: "…",
      headers: { "x-team": "crm" },
    },
  );
  assert.deepEqual(lambda!.not, [
    "its target is of lambda: put an HTTPS endpoint in front of it, or name its API destination in ApiDestinations",
    "its input is made by Input, InputPath or InputTransformer; here a transform extracts, renames and omits members",
  ]);
  assert.deepEqual([returns!.subscription!.event_selector, returns!.disabled], [{ event_type: "OrderReturned" }, true]);
  assert.deepEqual(nightly!.not.slice(0, 1), ["it runs by the clock (rate(1 day)); nothing here does"]);
});

test("a file that is no export is refused: the refusal says what an export is, and where its making is described", () => {
  const svix =
    'An export of Svix is a list of endpoints, alone or in "data", as /docs/guides/moving-from-svix/ shows how to make it';
  for (const input of [null, 5, "text", {}, { data: {} }, read("hookdeck")])
    assert.throws(() => fromSvix(input), { exit: 2, message: `${svix}; this is none.` });
  assert.throws(() => fromSvix([{ id: "ep_1" }]), { message: `${svix}; entry 0 has no url.` });
  assert.throws(() => fromSvix({ data: [{ id: "ep_1", url: "https://a.acme.org" }, null] }), {
    message: `${svix}; entry 1 has no id and no url.`,
  });
  assert.throws(
    () => fromHookdeck(read("svix")),
    /An export of Hookdeck is a list of connections.*"models".*this is none/,
  );
  assert.throws(
    () => fromEventBridge(read("svix")),
    /An export of EventBridge is a list of rules.*"Rules".*this is none/,
  );
});

test("an export that ends before the list does is known as one", () => {
  for (const name of ["svix", "hookdeck", "eventbridge"]) assert.equal(goesOn(read(name)), false, name);
  assert.equal(goesOn({ data: [], iterator: "it_1", done: false }), true);
  assert.equal(goesOn({ models: [], pagination: { next: "web_1" } }), true);
  assert.equal(goesOn({ Rules: [], NextToken: "x" }), true);
  assert.equal(goesOn([]), false);
});

test.run();
