import assert from "node:assert/strict";
import { suite } from "uvu";
import { defined } from "../../../runtime/domain/defined.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { operator, startApi, type TestApi } from "../../support/api.ts";
import { serve, subscriptionCalls } from "../../support/service.ts";

const test = suite("subscriptions");
let api: TestApi;
let owner: { live: Identity; sandbox: Identity; customer_id: string };
test.before(async () => {
  // What is handed on to queues and functions is subscriptionActions.test.ts's.
  api = await startApi({ sqs: { send: async () => ({}) } as never, lambda: { send: async () => ({}) } as never });
  owner = await api.customer();
});
test.after(() => api.close());

const { freshUrl, create, versionOf, targetOf } = subscriptionCalls(() => ({ api, owner }));

test("members that are left out have their defaults, and the secret is shown only at creation", async () => {
  const webhook_url = freshUrl();
  const { status, headers, body } = await create({ webhook_url });
  const { subscription_id, signing_secret, created_at, updated_at, ...rest } = body;
  assert.equal(status, 201);
  assert.equal(headers.get("etag"), '"1"');
  assert.match(signing_secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.deepEqual(rest, {
    workflow_id: null,
    webhook_url,
    event_selector: "order.*",
    transform: null,
    enrich: null,
    format: "event",
    max_batch: 100,
    headers: {},
    environment: "live",
    status: "active",
    disabled_reason: null,
    version: 1,
  });
  const read = await api.call(owner.live, "GET", `/subscriptions/${subscription_id}`);
  assert.deepEqual(read.body, { subscription_id, created_at, updated_at, ...rest });
});

test("a subscription keeps its members as given, and shows header values as ***", async () => {
  const given = {
    workflow_id: "zap_123",
    event_selector: {
      event_type: ["order.created", "order.paid"],
      jsonpath: "$.lines[?@.qty > 10]",
      cel: "event.amount > 100.0",
    },
    transform: { extract: { order: "$.id" }, rename: { order: "ref" }, omit: ["$.card"] },
    enrich: { from: "products", key: "$.sku", as: "product" },
    format: "payload",
    max_batch: 1,
    headers: { "x-token": "s3cret" },
    environment: "live",
  };
  await api.call(owner.live, "PUT", "/reference-tables/products", { rows: {} });
  const { body } = await create(given);
  for (const [member, value] of Object.entries({ ...given, headers: { "x-token": "***" } })) {
    assert.deepEqual(body[member], value, member);
  }
  assert.deepEqual((await targetOf(body.subscription_id)).headers, { "x-token": "s3cret" });
});

test("names of JavaScript's own prototype are names like any, in transforms and headers", async () => {
  const transform = JSON.parse('{"extract":{"__proto__":"$.a","constructor":"$.b"},"rename":{"toString":"__proto__"}}');
  const headers = JSON.parse('{"__proto__":"x","constructor":"y"}');
  const { status, body } = await create({ transform, headers });
  assert.equal(status, 201, JSON.stringify(body));
  const { subscription_id } = body;
  const read = async () => (await api.call(owner.live, "GET", `/subscriptions/${subscription_id}`)).body;
  assert.deepEqual(
    [(await read()).transform, Object.entries((await read()).headers)],
    [
      transform,
      [
        ["__proto__", "***"],
        ["constructor", "***"],
      ],
    ],
  );
  const patch = { headers: JSON.parse('{"constructor":"***","toString":"***","__proto__":"***"}') };
  assert.equal((await api.call(owner.live, "PATCH", `/subscriptions/${subscription_id}`, patch)).status, 200);
  assert.deepEqual(Object.entries((await targetOf(subscription_id)).headers), [
    ["constructor", "y"],
    ["toString", "***"],
    ["__proto__", "x"],
  ]);
});

test("target_url is the same as webhook_url", async () => {
  const target_url = freshUrl();
  const { status, body } = await create({ webhook_url: undefined, target_url });
  assert.deepEqual([status, body.webhook_url, body.target_url], [201, target_url, undefined]);
});

const invalid: [says: string, more: object, path: string, message: string][] = [
  ["a URL is required", { webhook_url: undefined }, "/webhook_url", "is required"],
  [
    "two different URLs are refused",
    { target_url: "https://example.com/other" },
    "/target_url",
    "differs from webhook_url; give one of them",
  ],
  ["an unknown member is refused", { webhook: "x" }, "/webhook", "is not known here"],
  ["max_batch is at most 100", { max_batch: 101 }, "/max_batch", "must be at most 100"],
  ["max_batch is at least 1", { max_batch: 0 }, "/max_batch", "must be at least 1"],
  [
    "a backfill from the future is refused",
    { backfill_from: "2999-01-01T00:00:00Z" },
    "/backfill_from",
    "must not be in the future",
  ],
];
type Refusal = [says: string, more: object, status: number, code: string, detail: object];
const refused: Refusal[] = [
  [
    "http is refused",
    { webhook_url: "http://example.com/" },
    422,
    "webhook_url_forbidden",
    { path: "/webhook_url", code: "scheme", message: "The webhook URL must begin with https://." },
  ],
  [
    "a private address is refused",
    { webhook_url: "https://10.0.0.1/" },
    422,
    "webhook_url_forbidden",
    { path: "/webhook_url", code: "address", message: "The webhook URL's address 10.0.0.1 is not public (private)." },
  ],
  [
    "loopback is refused where the setting is off",
    { webhook_url: "https://127.0.0.1/" },
    422,
    "webhook_url_forbidden",
    { path: "/webhook_url", code: "address", message: "The webhook URL's address 127.0.0.1 is not public (loopback)." },
  ],
  [
    "a reserved header is refused",
    { headers: { Host: "x" } },
    422,
    "invalid_header",
    { path: "/headers/Host", message: 'The header "Host" is reserved.' },
  ],
  [
    "a header named twice is refused",
    { headers: { "x-a": "1", "X-A": "2" } },
    422,
    "invalid_header",
    { path: "/headers", message: "A header is named twice." },
  ],
  [
    "an environment that is not the key's is refused",
    { environment: "sandbox" },
    422,
    "unprocessable",
    { path: "/environment", message: "must be live" },
  ],
  ...invalid.map(([says, more, path, message]): Refusal => [says, more, 400, "invalid_request", { path, message }]),
];
for (const [says, more, status, code, detail] of refused) {
  test(says, async () => {
    const answer = await create(more);
    assert.deepEqual([answer.status, answer.body.error.code], [status, code]);
    assert.deepEqual(answer.body.error.details[0], detail);
  });
}

test("a selector that does not parse is 422 with its position", async () => {
  const { status, body } = await create({ event_selector: "$.amount >" });
  assert.deepEqual([status, body.error.code, body.error.details[0].path], [422, "invalid_selector", "/event_selector"]);
  assert.equal(typeof body.error.details[0].position, "number");
});

test("a URL is unique among the customer's active subscriptions, and the refusal names the other", async () => {
  const webhook_url = freshUrl();
  const { body: first } = await create({ webhook_url });
  const second = await create({ webhook_url: `${webhook_url}#fragment`.replace("#fragment", "") });
  assert.deepEqual([second.status, second.body.error.code], [409, "webhook_url_taken"]);
  assert.equal(second.body.error.details[0].subscription_id, first.subscription_id);
  // Apart from it: the sandbox, another customer, a disabled or a removed subscription.
  const other = await api.customer("Other");
  assert.equal((await create({ webhook_url }, owner.sandbox)).status, 201);
  assert.equal((await create({ webhook_url }, other.live)).status, 201);
  await api.call(owner.live, "PATCH", `/subscriptions/${first.subscription_id}`, { status: "disabled" });
  const third = await create({ webhook_url });
  assert.equal(third.status, 201);
  const enabled = await api.call(owner.live, "POST", `/subscriptions/${first.subscription_id}/enable`);
  assert.deepEqual([enabled.status, enabled.body.error.code], [409, "webhook_url_taken"]);
  await api.call(owner.live, "DELETE", `/subscriptions/${third.body.subscription_id}`);
  assert.equal((await api.call(owner.live, "POST", `/subscriptions/${first.subscription_id}/enable`)).status, 200);
});

test("spellings that reach one endpoint are one URL, stored and shown in one form", async () => {
  const first = await create({ webhook_url: "https://EXAMPLE.com.:443/one/./%65ndpoint?#fragment" });
  assert.deepEqual([first.status, first.body.webhook_url], [201, "https://example.com/one/endpoint"]);
  for (const webhook_url of ["https://example.com/one/endpoint", "https://example.com/one/endpoint?#x"])
    assert.equal((await create({ webhook_url })).body.error.code, "webhook_url_taken");
  const refused = await create({ webhook_url: "https://example.com\\one" });
  assert.deepEqual([refused.status, refused.body.error.code], [422, "webhook_url_forbidden"]);
});

test("of many requests for one URL at once, one gets it", async () => {
  const webhook_url = freshUrl();
  const answers = await Promise.all(Array.from({ length: 8 }, () => create({ webhook_url })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409, 409, 409]);
});

test("a patch changes what it names, clears what it nulls, and counts a version", async () => {
  const { body } = await create({ workflow_id: "zap_1", headers: { "x-a": "1", "x-b": "2" } });
  const path = `/subscriptions/${body.subscription_id}`;
  const before = await versionOf(owner.customer_id);
  const patch = { workflow_id: null, max_batch: 5, headers: { "x-a": "***", "x-c": "3" } };
  const { status, headers, body: after } = await api.call(owner.live, "PATCH", path, patch);
  assert.deepEqual([status, headers.get("etag")], [200, '"2"']);
  assert.deepEqual([after.workflow_id, after.max_batch, after.event_selector, after.version], [null, 5, "order.*", 2]);
  assert.deepEqual((await targetOf(body.subscription_id)).headers, { "x-a": "1", "x-c": "3" });
  assert.ok((await versionOf(owner.customer_id)) > before);
});

test("a patch that changes nothing counts no version of the subscription", async () => {
  const { body } = await create();
  const answer = await api.call(owner.live, "PATCH", `/subscriptions/${body.subscription_id}`, { max_batch: 100 });
  assert.deepEqual([answer.status, answer.body], [200, { ...withoutSecret(body) }]);
});
const withoutSecret = ({ signing_secret: _, ...rest }: Record<string, unknown>) => rest;

test("with If-Match only that version is changed", async () => {
  const { body } = await create();
  const path = `/subscriptions/${body.subscription_id}`;
  const patch = (max_batch: number, tag: string) =>
    api.call(owner.live, "PATCH", path, { max_batch }, { "if-match": tag });
  assert.equal((await patch(2, '"1"')).status, 200);
  const late = await patch(3, '"1"');
  assert.deepEqual([late.status, late.body.error.code, late.headers.get("etag")], [412, "precondition_failed", '"2"']);
  assert.equal((await patch(4, '"1", "2"')).status, 200);
  assert.equal((await patch(5, "*")).status, 200);
  assert.equal((await api.call(owner.live, "DELETE", path, undefined, { "if-match": '"1"' })).status, 412);
  assert.equal((await api.call(owner.live, "DELETE", path, undefined, { "if-match": '"4"' })).status, 204);
});

test("when two requests change the same version with If-Match, one wins", async () => {
  const { body } = await create();
  const path = `/subscriptions/${body.subscription_id}`;
  const answers = await Promise.all(
    [2, 3].map((max_batch) => api.call(owner.live, "PATCH", path, { max_batch }, { "if-match": '"1"' })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412]);
});

test("a patch is checked like a creation", async () => {
  const { body } = await create();
  const path = `/subscriptions/${body.subscription_id}`;
  const codes = [];
  for (const patch of [
    { event_selector: "$.a ==" },
    { webhook_url: "http://example.com" },
    { headers: { "webhook-id": "x" } },
    { environment: "sandbox" },
    { bogus: 1 },
  ]) {
    codes.push((await api.call(owner.live, "PATCH", path, patch)).body.error.code);
  }
  assert.deepEqual(codes, [
    "invalid_selector",
    "webhook_url_forbidden",
    "invalid_header",
    "unprocessable",
    "invalid_request",
  ]);
  assert.equal((await api.call(owner.live, "GET", path)).body.version, 1);
});

test("a disabled subscription says why, still collects a backlog, and can be enabled", async () => {
  const { body } = await create();
  const path = `/subscriptions/${body.subscription_id}`;
  const disabled = await api.call(owner.live, "PATCH", path, { status: "disabled" });
  assert.deepEqual([disabled.body.status, disabled.body.disabled_reason], ["disabled", "requested"]);
  const target = await targetOf(body.subscription_id);
  assert.deepEqual([target.status, target.disabled_reason], ["disabled", "requested"]);
  const enabled = await api.call(owner.live, "POST", `${path}/enable`);
  assert.deepEqual([enabled.body.status, enabled.body.disabled_reason], ["active", null]);
  assert.equal((await api.call(owner.live, "POST", `${path}/enable`)).body.version, enabled.body.version);
});

test("the platform's own disabling shows its reason", async () => {
  const { body } = await create();
  const id = body.subscription_id;
  const answer = await serve(
    api.deps.db,
    { op: "disable", tenant: owner.customer_id, subscription_id: id, reason: "endpoint_failing" },
    api.deps.now(),
  );
  assert.deepEqual(answer, { done: true });
  assert.equal((await api.call(owner.live, "GET", `/subscriptions/${id}`)).body.disabled_reason, "endpoint_failing");
});

test("after a 410 the subscription is gone, and deleting it is still 204", async () => {
  const { body } = await create();
  const path = `/subscriptions/${body.subscription_id}`;
  const request = {
    op: "remove",
    tenant: owner.customer_id,
    subscription_id: body.subscription_id,
    reason: "gone",
  } as const;
  assert.deepEqual(await serve(api.deps.db, request, api.deps.now()), { done: true });
  assert.deepEqual(await serve(api.deps.db, request, api.deps.now()), { done: false });
  assert.equal((await api.call(owner.live, "GET", path)).status, 404);
  assert.equal((await api.call(owner.live, "PATCH", path, { max_batch: 1 })).status, 404);
  assert.equal((await api.call(owner.live, "POST", `${path}/enable`)).status, 404);
  assert.equal((await api.call(owner.live, "DELETE", path)).status, 204);
  assert.equal((await targetOf(body.subscription_id)).status, "removed");
});

test("an unknown subscription id is 404, and a malformed one is a bad parameter", async () => {
  const ids: [id: string, status: number][] = [
    ["sub_01ARZ3NDEKTSV4RRFFQ69G5FAV", 404],
    ["sub_x", 404],
    ["evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", 400],
    ["%00", 400],
  ];
  for (const [id, status] of ids) {
    for (const method of ["GET", "DELETE"]) {
      assert.equal((await api.call(owner.live, method, `/subscriptions/${id}`)).status, status, `${method} ${id}`);
    }
  }
});

test("a subscription that enriches from a table that is not there is refused, until it is there", async () => {
  const enrich = { from: "not.there", key: "$.sku", as: "product" };
  const details = (path: string) => [{ path, message: 'There is no reference table "not.there".' }];
  const refusedWith = ({ status, body }: { status: number; body: { error?: { code: string; details: unknown } } }) => [
    status,
    body.error?.code,
    body.error?.details,
  ];
  assert.deepEqual(refusedWith(await create({ enrich })), [422, "unknown_reference_table", details("/enrich/from")]);
  const imported = await api.call(owner.live, "POST", "/subscriptions/import", {
    subscriptions: [
      { webhook_url: freshUrl(), event_selector: "a" },
      { webhook_url: freshUrl(), event_selector: "a", enrich },
    ],
  });
  assert.deepEqual(refusedWith(imported), [422, "unknown_reference_table", details("/subscriptions/1/enrich/from")]);
  const { body } = await create({ enrich: { from: "$event", as: "meta" } });
  const patch = () => api.call(owner.live, "PATCH", `/subscriptions/${body.subscription_id}`, { enrich });
  assert.deepEqual(refusedWith(await patch()), [422, "unknown_reference_table", details("/enrich/from")]);
  await api.call(owner.live, "PUT", "/reference-tables/not.there", { rows: {} });
  assert.equal((await patch()).status, 200);
  await api.call(owner.live, "DELETE", "/reference-tables/not.there");
  assert.equal((await create({ enrich })).status, 422);
});

test("sandbox and live, and two customers, do not see each other's subscriptions", async () => {
  const other = await api.customer("Other");
  const { body } = await create({}, other.live);
  const path = `/subscriptions/${body.subscription_id}`;
  for (const stranger of [other.sandbox, owner.live]) {
    const statuses = [];
    for (const [method, at, sent] of [
      ["GET", path, undefined],
      ["PATCH", path, { max_batch: 1 }],
      ["DELETE", path, undefined],
      ["POST", `${path}/enable`, {}],
      ["POST", `${path}/rotate-secret`, {}],
      ["POST", `${path}/test`, {}],
    ] as const) {
      statuses.push((await api.call(stranger, method, at, sent)).status);
    }
    assert.deepEqual(statuses, [404, 404, 404, 404, 404, 404]);
  }
  assert.deepEqual((await api.call(other.sandbox, "GET", "/subscriptions")).body, {
    subscriptions: [],
    next_cursor: null,
  });
});

test("the list shows each subscription once, page by page, while others come and go", async () => {
  const other = await api.customer("Other");
  const ids: string[] = [];
  for (let i = 0; i < 7; i += 1) ids.push((await create({}, other.live)).body.subscription_id);
  const seen: string[] = [];
  let cursor = "";
  do {
    const { body } = await api.call(other.live, "GET", `/subscriptions?limit=2${cursor}`);
    seen.push(...body.subscriptions.map((each: { subscription_id: string }) => each.subscription_id));
    await create({}, other.sandbox);
    cursor = body.next_cursor === null ? "" : `&cursor=${encodeURIComponent(body.next_cursor)}`;
  } while (cursor !== "");
  assert.deepEqual(seen, [...ids].sort());
  await api.call(other.live, "PATCH", `/subscriptions/${ids[0]}`, { status: "disabled" });
  const disabled = await api.call(other.live, "GET", "/subscriptions?status=disabled");
  assert.deepEqual(
    disabled.body.subscriptions.map((each: { subscription_id: string }) => each.subscription_id),
    [ids[0]],
  );
});

test("no route of subscriptions works without the scope `subscriptions`", async () => {
  const weak: Identity = { ...owner.live, scopes: ["events:read", "events:write", "keys", "privacy", "admin"] };
  for (const [method, path] of [
    ["GET", "/subscriptions"],
    ["POST", "/subscriptions"],
    ["GET", "/subscriptions/sub_01ARZ3NDEKTSV4RRFFQ69G5FAV"],
    ["PUT", "/event-types/a"],
    ["GET", "/reference-tables/a"],
  ] as const) {
    assert.equal(
      (await api.call(weak, method, path, method === "GET" ? undefined : {})).status,
      403,
      `${method} ${path}`,
    );
  }
});

/** All that PostgreSQL holds of subscriptions, as text. */
async function stored(): Promise<string> {
  const tables = ["signing_secrets", "subscriptions", "subscription_versions", "audit_log"];
  const results = await Promise.all(tables.map((table) => api.database.raw.query(`select * from ${table}`)));
  return JSON.stringify(results.map(({ rows }) => rows));
}

test("every route that takes a signing secret or a header's value stores it sealed", async () => {
  const { body } = await create({ headers: { authorization: "Bearer made-in-clear" } });
  const path = `/subscriptions/${body.subscription_id}`;
  const patch = { headers: { authorization: "***", "x-second": "patched-in-clear" } };
  assert.equal((await api.call(owner.live, "PATCH", path, patch)).status, 200);
  const rotated = await api.call(owner.live, "POST", `${path}/rotate-secret`, { overlap_seconds: 60 });
  const imported = await api.call(owner.live, "POST", "/subscriptions/import", {
    subscriptions: [{ webhook_url: freshUrl(), event_selector: "a", headers: { "x-import": "imported-in-clear" } }],
  });
  const secrets = [body.signing_secret, rotated.body.signing_secret, imported.body.subscriptions[0].signing_secret];
  const text = await stored();
  for (const secret of [...secrets, "made-in-clear", "patched-in-clear", "imported-in-clear"])
    assert.equal(text.includes(secret), false, secret);
  const target = await targetOf(body.subscription_id);
  assert.deepEqual(target.headers, { authorization: "Bearer made-in-clear", "x-second": "patched-in-clear" });
  assert.deepEqual(
    target.secrets.map(({ secret }) => secret),
    [rotated.body.signing_secret, body.signing_secret],
  );
});

test("a removed subscription has neither secrets nor header values, also when its customer was deleted", async () => {
  const other = await api.customer("Leaves");
  const subscribed = async () =>
    (await create({ headers: { "x-a": 'quoted "}, \\ value', "x-b": "b" } }, other.live)).body
      .subscription_id as string;
  const [removed, kept, deleted] = [await subscribed(), await subscribed(), await subscribed()];
  const held = async (id: string) => {
    const of = (table: string) => `select count(*)::int as n from ${table} where subscription_id = '${id}'`;
    const [secrets, values, versions] = await Promise.all([
      api.database.raw.query<{ n: number }>(of("signing_secrets")),
      api.database.raw.query<{ n: number }>(`${of("subscriptions")} and definition::text not like '%"headers":{}%'`),
      api.database.raw.query<{ n: number }>(
        `${of("subscription_versions")} and definition::text not like '%"headers":{}%'`,
      ),
    ]);
    return [secrets, values, versions].map(({ rows }) => rows[0]!.n);
  };
  await api.call(other.live, "DELETE", `/subscriptions/${removed}`);
  assert.deepEqual(await held(removed), [0, 0, 0]);
  assert.deepEqual(await held(kept), [1, 1, 0]);
  await api.call(operator, "DELETE", `/customers/${other.customer_id}`);
  assert.deepEqual(await held(deleted), [0, 0, 0]);
  const { definition } = (
    await api.database.raw.query<{ definition: Record<string, unknown> }>(
      `select definition from subscriptions where subscription_id = '${deleted}'`,
    )
  ).rows[0]!;
  assert.deepEqual([definition.headers, definition.event_selector], [{}, "order.*"]);
});

test("a URL of another origin is refused until its header values are given again", async () => {
  const { body } = await create({
    webhook_url: "https://mine.example.com/a",
    headers: { authorization: "Bearer DOWN", "x-b": "b" },
  });
  const path = `/subscriptions/${body.subscription_id}`;
  const message =
    'Another origin gets no values that were given for https://mine.example.com: send "headers" with the values of authorization, x-b, or without them.';
  for (const webhook_url of ["https://theirs.example.com/a", "https://mine.example.com:8443/a"]) {
    for (const headers of [undefined, { authorization: "***", "x-b": "***" }]) {
      const answer = await api.call(owner.live, "PATCH", path, {
        webhook_url,
        ...defined({ headers }),
      });
      assert.deepEqual(
        [answer.status, answer.body.error.code, answer.body.error.message],
        [422, "invalid_header", message],
      );
    }
  }
  assert.deepEqual((await targetOf(body.subscription_id)).webhook_url, "https://mine.example.com/a");
  assert.equal((await api.call(owner.live, "PATCH", path, { webhook_url: "https://mine.example.com/b" })).status, 200);
  const given = { webhook_url: "https://theirs.example.com/a", headers: { authorization: "Bearer NEW" } };
  assert.equal((await api.call(owner.live, "PATCH", path, given)).status, 200);
  assert.deepEqual((await targetOf(body.subscription_id)).headers, { authorization: "Bearer NEW" });
  const without = { webhook_url: "https://third.example.com/a", headers: {} };
  assert.equal((await api.call(owner.live, "PATCH", path, without)).status, 200);
});

test.run();
