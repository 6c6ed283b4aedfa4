import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { suite } from "uvu";
import { startApi, type TestApi } from "../../support/api.ts";
import { memoryS3 } from "../../support/storage.ts";

/** Calls that nobody in good faith makes, of the routes that hand out, keep and erase data: each is refused in so many words. */
const test = suite("hostile calls");

const objects = new Map<string, Uint8Array>();
const queued: unknown[] = [];
let api: TestApi;
let us: Awaited<ReturnType<TestApi["customer"]>>;
let them: Awaited<ReturnType<TestApi["customer"]>>;
/** A privacy request and a cursor of the other customer's. */
let theirRequest: string;
let theirCursor: string;
test.before(async () => {
  const sqs = { send: async (command: unknown) => void queued.push(command) } as never;
  api = await startApi({ sqs, s3: memoryS3(objects) });
  [us, them] = [await api.customer(), await api.customer("Them")];
  for (let i = 0; i < 2; i += 1)
    theirRequest = (await api.call(them.live, "POST", "/privacy/exports", { all: true })).body.request_id;
  theirCursor = (await api.call(them.live, "GET", "/privacy/requests?limit=1")).body.next_cursor;
  assert.equal(typeof theirCursor, "string");
});
test.after(() => api.close());

/** What was answered, as far as these tests name it: status, code, and what is wrong where. */
async function answer(method: string, path: string, body?: string | Uint8Array, headers = {}, who = us.live) {
  const { status, body: told } = await api.call(who, method, path, body, headers);
  const { code, details } = told.error ?? {};
  return [status, code, ...(details ?? []).map((each: { path: string }) => each.path)];
}
const invalid = (...paths: string[]) => [400, "invalid_request", ...paths];

const takingBodies = [
  ["POST", "/privacy/exports"],
  ["POST", "/privacy/erasures"],
  ["PUT", "/retention"],
  ["POST", "/inbox/ack"],
  ["POST", "/inbox/delete"],
  ["POST", "/events/lookup"],
] as const;
const noBody: [says: string, body: string | Uint8Array, answered: unknown[], headers?: Record<string, string>][] = [
  ["nothing at all", "", [400, "invalid_json"]],
  ["a text that ends", '{"all":', [400, "invalid_json", ""]],
  ["a hundred thousand arrays that never close", "[".repeat(100_000), [400, "invalid_json", ""]],
  ["65 arrays within one another", "[".repeat(65) + "]".repeat(65), invalid("")],
  ["null", "null", invalid("")],
  ["a number beyond all numbers", "1e999", invalid("")],
  ["an array", "[]", invalid("")],
  ["a text", '"all"', invalid("")],
  ["a member given twice", '{"all":true,"all":true}', [400, "invalid_json", "/all"]],
  ["bytes that are no UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), [400, "invalid_json", ""]],
  ["a NUL in a member's name", '{"\\u0000":1}', invalid("")],
  ["a NUL in a value", '{"event_ids":["evt_\\u0000"]}', invalid("")],
  ["a million bytes and more", `{"a":"${"x".repeat(1_000_000)}"}`, [413, "payload_too_large"]],
  [
    "much in a small archive",
    gzipSync(Buffer.alloc(20_000_000, 32)),
    [413, "payload_too_large"],
    { "content-encoding": "gzip" },
  ],
  ["no archive", "{}", [400, "invalid_json"], { "content-encoding": "gzip" }],
  ["a form", "all=true", [415, "unsupported_media_type"], { "content-type": "application/x-www-form-urlencoded" }],
];
for (const [says, body, answered, headers] of noBody)
  test(`a body that is ${says} is refused by every route that takes one`, async () => {
    for (const [method, path] of takingBodies)
      assert.deepEqual(await answer(method, path, body, headers), answered, `${method} ${path}`);
  });

const subject = (jsonpath: string, equals: unknown = "a") => JSON.stringify({ subject: { jsonpath, equals } });
const scopes: [says: string, body: string, ...paths: string[]][] = [
  ["no scope", "{}", "/subject"],
  ["both scopes", '{"all":true,"subject":{"jsonpath":"$.a","equals":"a"}}', "/subject"],
  ["all that is not all", '{"all":false}', "/all"],
  ["members of JavaScript's own", '{"__proto__":1,"constructor":1}', "/__proto__", "/constructor", "/subject"],
  ["a subject of a text", '{"subject":"$.a"}', "/subject"],
  ["a path that is empty", subject(""), "/subject/jsonpath"],
  ["a malformed path", subject("$.["), "/subject/jsonpath"],
  ["a path that never ends", subject("$[?".concat("(".repeat(900))), "/subject/jsonpath"],
  ["a path that is too long", subject(`$.${"a".repeat(1_000)}`), "/subject/jsonpath"],
  ["a path with an unknown function", subject("$[?nope(@.a)]"), "/subject/jsonpath"],
  ["a path with an index beyond all", subject("$[99999999999999999999]"), "/subject/jsonpath"],
  ["a path that is a number", '{"subject":{"jsonpath":1,"equals":"a"}}', "/subject/jsonpath"],
  ["null for a value", subject("$.a", null), "/subject/equals"],
  ["an object for a value", subject("$.a", {}), "/subject/equals"],
  ["an empty value", subject("$.a", ""), "/subject/equals"],
  ["a value that is too long", subject("$.a", "x".repeat(1_001)), "/subject/equals"],
  ["an unknown member", '{"all":true,"dry_run":true,"confirm":"CUSTOMER"}', "/dry_run"],
  ["another customer's confirmation", '{"all":true,"confirm":"THEM"}', "/confirm"],
  ["a confirmation in capitals", '{"all":true,"confirm":"CUS_"}', "/confirm"],
  ["a confirmation by a number", '{"all":true,"confirm":1}', "/confirm"],
];
for (const [says, body, ...paths] of scopes)
  test(`${says} is refused, and no export or erasure begins`, async () => {
    const before = [queued.length, objects.size];
    const text = body.replace("THEM", them.customer_id).replace("CUSTOMER", us.customer_id);
    for (const path of ["/privacy/exports", "/privacy/erasures"])
      assert.deepEqual(await answer("POST", path, text), invalid(...paths), path);
    assert.deepEqual([queued.length, objects.size], before);
  });

test("erasing everything needs the customer's own id", async () => {
  const before = [queued.length, objects.size];
  assert.deepEqual(await answer("POST", "/privacy/erasures", '{"all":true}'), invalid("/confirm"));
  assert.deepEqual(await answer("POST", "/privacy/erasures", '{"all":true,"confirm":""}'), invalid("/confirm"));
  assert.deepEqual([queued.length, objects.size], before);
});

test("an invalid number of days leaves the retention unchanged", async () => {
  for (const days of ["0", "-1", "3651", "1.5", '"30"', "1e999", "null", "[]"])
    assert.deepEqual(await answer("PUT", "/retention", `{"days":${days}}`), invalid("/days"), days);
  assert.deepEqual((await api.call(us.live, "GET", "/retention")).body, { days: 90 });
});

test("a request takes at most a thousand ids, and answers unknown ones as missing", async () => {
  const many = new Array(1_001).fill("evt_01ARZ3NDEKTSV4RRFFQ69G5FAV");
  const strange = ["evt_☃", "prv_01ARZ3NDEKTSV4RRFFQ69G5FAV", "evt_8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "evt_' or 1=1 --", ""];
  for (const path of ["/inbox/ack", "/inbox/delete", "/events/lookup"]) {
    for (const event_ids of ["evt_1", many, [1], [null], [["evt_1"]], { 0: "evt_1" }]) {
      const [status, code, at] = await answer("POST", path, JSON.stringify({ event_ids }));
      assert.deepEqual([status, code, String(at).startsWith("/event_ids")], [400, "invalid_request", true]);
    }
    const { status, body } = await api.call(us.live, "POST", path, { event_ids: strange.slice(0, 4) });
    assert.deepEqual([status, body.missing], [200, strange.slice(0, 4)]);
    const none = await api.call(us.live, "POST", path, { event_ids: [] });
    const [found] = Object.values(none.body);
    assert.deepEqual([none.status, found, none.body.missing], [200, path === "/events/lookup" ? [] : 0, []], path);
  }
});

for (const path of ["/inbox", "/audit", "/privacy/requests", "/deliveries"])
  test(`${path} refuses invalid limits and cursors`, async () => {
    for (const limit of ["-1", "0", "1001", "1e3", "99999999999999999999", "", "NaN", "1&limit=2", "%ff", "💥"])
      assert.deepEqual(await answer("GET", `${path}?limit=${limit}`), invalid("/limit"), limit);
    const [signed, signature] = theirCursor.split(".");
    const forged = ["", "x", ".", "a.b", "a.b.c", `${signed}.`, `${signed}.${"A".repeat(22)}`, `x.${signature}`];
    for (const cursor of [...forged, theirCursor, "x".repeat(5_000), "%F0%9F%92%A5"])
      assert.deepEqual(await answer("GET", `${path}?cursor=${cursor}`), invalid("/cursor"), cursor.slice(0, 80));
    assert.deepEqual(await answer("GET", `${path}?limit=%00`), invalid(""));
    assert.deepEqual(await answer("GET", `${path}?nope=1`), invalid("/nope"));
  });

const queries: [path: string, query: string, ...at: string[]][] = [
  ["/inbox", "from=yesterday", "/from"],
  ["/inbox", "from=-1", "/from"],
  ["/inbox", "to=99999999999999999999", "/to"],
  ["/inbox", "from=2026-02-30T00:00:00Z", "/from"],
  ["/inbox", "status=gone", "/status"],
  ["/inbox", "event_type=", "/event_type"],
  ["/inbox", `event_type=${"x".repeat(257)}`, "/event_type"],
  ["/inbox", "acknowledged=1", "/acknowledged"],
  ["/inbox", "order=random", "/order"],
  ["/inbox", "filter=1", "/filter"],
  ["/inbox", `filter=${"(".repeat(3_000)}`, "/filter"],
  ["/inbox", "q=", "/q"],
  ["/inbox", `q=${"x".repeat(257)}`, "/q"],
  ["/usage", "interval=year", "/interval"],
  ["/usage", "group_by=customer", "/group_by"],
  ["/usage", "from=yesterday", "/from"],
  ["/usage", "limit=-1", "/limit"],
  ["/audit/access", "", "/hour"],
  ["/audit/access", "hour=25", "/hour"],
  ["/audit/access", "hour=2026-11-26T10:00:00Z&cursor=1", "/cursor"],
];
for (const [path, query, ...at] of queries)
  test(`${path}?${query.slice(0, 40)} is refused`, async () =>
    assert.deepEqual(await answer("GET", `${path}?${query}`), invalid(...at)));

test("times before and after all events find no event, and too many buckets of usage are refused", async () => {
  for (const range of ["to=0001-01-01T00:00:00Z", "from=9999-12-31T23:59:59Z"])
    assert.deepEqual((await api.call(us.live, "GET", `/inbox?${range}`)).body.events, []);
  const ever = "from=0001-01-01T00:00:00Z&to=9999-12-31T00:00:00Z";
  for (const interval of ["minute", "hour", "day"])
    assert.deepEqual((await answer("GET", `/usage?${ever}&interval=${interval}`)).slice(0, 2), [
      400,
      "invalid_request",
    ]);
  assert.deepEqual(await answer("GET", "/audit/access?hour=0001-01-01T00:00:00Z"), [404, "not_found"]);
});

test("another customer's id is 404, like an unknown one; a malformed id is a bad parameter", async () => {
  const strange = [
    "x",
    "%00",
    "%ff",
    "..%2f..",
    "%F0%9F%98%80",
    "x".repeat(9_000),
    "prv_",
    "prv_8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
  ];
  const ids = [...strange, "prv_01ARZ3NDEKTSV4RRFFQ69G5FAV", "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", theirRequest];
  for (const id of ids) {
    const expected = (prefix: string) => (id.startsWith(prefix) ? [404, "not_found"] : [400, "invalid_request"]);
    assert.deepEqual((await answer("GET", `/privacy/requests/${id}`)).slice(0, 2), expected("prv_"), id);
    assert.deepEqual((await answer("GET", `/events/${id}`)).slice(0, 2), expected("evt_"), id);
    assert.deepEqual((await answer("DELETE", `/inbox/${id}`)).slice(0, 2), expected("evt_"), id);
  }
  // The same customer's sandbox key doesn't see the live one's request either.
  assert.deepEqual(await answer("GET", `/privacy/requests/${theirRequest}`, undefined, {}, them.sandbox), [
    404,
    "not_found",
  ]);
  assert.equal((await api.call(them.live, "GET", `/privacy/requests/${theirRequest}`)).status, 200);
});

test("a missing scope is answered before any other error", async () => {
  const weak = { ...us.live, scopes: ["events:write"] as const };
  const calls = [
    ...takingBodies,
    ["GET", "/privacy/requests?limit=-1"],
    ["GET", `/privacy/requests/${theirRequest}`],
    ["GET", "/audit"],
    ["GET", "/retention"],
    ["GET", "/usage"],
    ["GET", "/inbox"],
  ] as const;
  for (const [method, path] of calls)
    assert.deepEqual(
      await answer(method, path, method === "GET" ? undefined : "{", {}, weak),
      [403, "forbidden"],
      `${method} ${path}`,
    );
});

test.run();
