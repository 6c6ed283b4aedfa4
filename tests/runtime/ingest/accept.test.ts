import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { suite } from "uvu";
import { AwsError } from "../../../runtime/aws/signed.ts";
import { compileSchema } from "../../../runtime/domain/body/schema.ts";
import {
  BODY_FAULT_HEADER,
  CONTENT_TYPE_HEADER,
  IDENTITY_HEADER,
  type Identity,
} from "../../../runtime/domain/identity/identity.ts";
import { timeOf, ulidAt } from "../../../runtime/domain/ids.ts";
import { accept } from "../../../runtime/ingest/accept.ts";
import { startRedis, type TestRedis } from "../redis/support/redis.ts";
import { identity, platformOver, request, START, textsOf } from "./support/ports.ts";

const test = suite("accept");
let redis: TestRedis;
let customers = 0;
test.before(async () => {
  redis = await startRedis();
});
test.after(() => redis.close());

/** A customer of its own for each test, so that limits are apart. */
const newcomer = () => ({ ...identity, customer_id: `cus_${++customers}` });
const errorOf = ({ body }: { body: string }) => {
  const { request_id, ...error } = JSON.parse(body).error;
  assert.match(request_id, /^req_/);
  return error;
};

test("one object is answered with its id, and travels as the bytes that were sent", async () => {
  const platform = platformOver(redis.connection);
  const text = '{ "event_type" : "order.created", "n": 1.50e400 , "s":"\\u00e9" }';
  const answer = await platform.post(` ${text}\n`, { "x-triggers-request-id": "req_1" }, newcomer());
  const [message] = platform.sent;
  assert.deepEqual(answer, {
    status: 202,
    headers: {
      "content-type": "application/json",
      "x-request-id": "req_1",
      "ratelimit-limit": "1000",
      "ratelimit-remaining": "999",
      "ratelimit-reset": "1",
      "cache-control": "no-store",
    },
    body: JSON.stringify({ event_id: `evt_${message!.first}`, status: "accepted" }),
  });
  assert.deepEqual(textsOf(message!), [text]);
  assert.deepEqual(message, {
    tenant: `cus_${customers}`,
    first: message!.first,
    count: 1,
    types: ["order.created"],
    key_id: identity.key_id,
    body: message!.body,
  });
  assert.equal(timeOf(message!.first), START);
});

test("an array is answered with the ids in order, and travels as one message", async () => {
  const platform = platformOver(redis.connection);
  const answer = await platform.post('[{"event_type":"a"},{"b":2},{"event_type":"c"}]', {}, newcomer());
  const [message, ...more] = platform.sent;
  assert.deepEqual(more, []);
  assert.deepEqual(JSON.parse(answer.body), {
    events: [0, 1, 2].map((i) => ({ event_id: `evt_${ulidAt(message!.first, i)}`, status: "accepted" })),
  });
  assert.deepEqual(message!.types, ["a", null, "c"]);
  assert.deepEqual(textsOf(message!), ['{"event_type":"a"}', '{"b":2}', '{"event_type":"c"}']);
});

test("an array of one is answered as an array", async () => {
  const answer = await platformOver(redis.connection).post("[{}]", {}, newcomer());
  assert.equal(JSON.parse(answer.body).events.length, 1);
});

test("1,000 events are taken", async () => {
  const platform = platformOver(redis.connection);
  const answer = await platform.post(`[${Array(1_000).fill("{}").join(",")}]`, {}, newcomer());
  assert.equal(answer.status, 202);
  assert.equal(platform.sent[0]!.count, 1_000);
});

test("a sandbox key writes to the sandbox alone", async () => {
  const platform = platformOver(redis.connection);
  await platform.post("{}", {}, { ...newcomer(), environment: "sandbox" });
  assert.equal(platform.sent[0]!.tenant, `cus_${customers}.sandbox`);
});

test("a trace context that is well-formed travels along", async () => {
  const platform = platformOver(redis.connection);
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await platform.post("{}", { traceparent }, newcomer());
  await platform.post("{}", { traceparent: "00-nonsense\n" }, newcomer());
  assert.deepEqual(
    platform.sent.map((message) => message.traceparent),
    [traceparent, undefined],
  );
});

test("an event that comes back from a webhook is counted, and refused the fifth time", async () => {
  const platform = platformOver(redis.connection);
  const hook = { "triggers-subscription-id": "sub_01JDGXS7G0ABCDEFGHJKMNPQRT" };
  const answers: number[] = [];
  for (const headers of [
    {},
    hook,
    { ...hook, "triggers-hops": "2" },
    { "triggers-hops": "4" },
    { "triggers-hops": "many" },
    { ...hook, "triggers-hops": "5" },
  ])
    answers.push((await platform.post("{}", headers, newcomer())).status);
  assert.deepEqual(answers, [202, 202, 202, 202, 202, 422]);
  assert.deepEqual(
    platform.sent.map(({ hops }) => hops),
    [undefined, 1, 2, 4, undefined],
  );
});

const big = `{"a":"${"x".repeat(1_000_000 - 8)}"}`;
const plain = { code: "", docs: "" };
const refusals: [
  says: string,
  body: string | Buffer,
  headers: Record<string, string>,
  status: number,
  code: string,
  message: string,
  details?: object[],
][] = [
  [
    "text that is not JSON",
    "{",
    {},
    400,
    "invalid_json",
    "The body is not valid JSON at line 1, column 2 (byte 1): the text ends where a member name in quotes should be.",
  ],
  ["an empty body", "", {}, 400, "invalid_json", "The body is empty; JSON is expected."],
  ["a plain value", "5", {}, 400, "invalid_event", "An event must be a JSON object; this is a plain value."],
  ["an array of arrays", "[[]]", {}, 400, "invalid_event", "1 of 1 events is not valid; none was accepted."],
  ["an empty array", "[]", {}, 400, "invalid_event", "The array is empty; send 1 to 1,000 events."],
  [
    "1,001 events",
    `[${Array(1_001).fill("{}").join(",")}]`,
    {},
    400,
    "too_many_events",
    "The array holds 1,001 events; 1,000 are allowed in one request.",
  ],
  [
    "a repeated name",
    '{"a":1,"a":2}',
    {},
    400,
    "invalid_json",
    'The body is not valid JSON at line 1, column 8 (byte 7): the member name "a" is repeated.',
  ],
  [
    "a body of 1,000,001 bytes",
    `${big} `,
    {},
    413,
    "payload_too_large",
    "The body exceeds 1,000,000 bytes. Split it over several requests.",
  ],
  [
    "one that the edge took away for its size",
    "",
    { [BODY_FAULT_HEADER]: "payload_too_large" },
    413,
    "payload_too_large",
    "The body exceeds 1,000,000 bytes. Split it over several requests.",
  ],
  [
    "one that the edge took away for its bytes",
    "",
    { [BODY_FAULT_HEADER]: "invalid_json" },
    400,
    "invalid_json",
    "The body is not valid JSON: the text is not UTF-8.",
  ],
  [
    "a gzip bomb",
    gzipSync(Buffer.alloc(50_000_000, 0x20)),
    { "content-encoding": "gzip" },
    413,
    "payload_too_large",
    "The body exceeds 1,000,000 bytes. Split it over several requests.",
  ],
  [
    "a zstd bomb",
    zstdCompressSync(Buffer.alloc(50_000_000, 0x20)),
    { "content-encoding": "zstd" },
    413,
    "payload_too_large",
    "The body exceeds 1,000,000 bytes. Split it over several requests.",
  ],
  ["a body that is not gzip", "{}", { "content-encoding": "gzip" }, 400, "invalid_json", "The body is not gzip."],
  [
    "a damaged zstd frame",
    zstdCompressSync(Buffer.from("{}")).subarray(0, 9),
    { "content-encoding": "zstd" },
    400,
    "invalid_json",
    "The body is not zstd.",
  ],
  [
    "another encoding",
    "{}",
    { "content-encoding": "br" },
    415,
    "unsupported_media_type",
    'Content-Encoding must be gzip, zstd or identity, not "br".',
  ],
  [
    "two encodings",
    "{}",
    { "content-encoding": "gzip, gzip" },
    415,
    "unsupported_media_type",
    'Content-Encoding must be gzip, zstd or identity, not "gzip, gzip".',
  ],
  [
    "another type",
    "{}",
    { "content-type": "text/plain" },
    415,
    "unsupported_media_type",
    'Content-Type must be application/json, not "text/plain".',
  ],
  [
    "a type that only begins like JSON",
    "{}",
    { "content-type": "application/jsonp" },
    415,
    "unsupported_media_type",
    'Content-Type must be application/json, not "application/jsonp".',
  ],
];
for (const [says, body, headers, status, code, message] of refusals) {
  test(`${says} is refused with ${status} ${code}, and nothing is sent`, async () => {
    const platform = platformOver(redis.connection);
    const answer = await platform.post(body, headers, newcomer());
    const { details: _, ...error } = errorOf(answer);
    assert.deepEqual([answer.status, error], [status, { ...plain, code, message, docs: `/docs/errors#${code}` }]);
    assert.deepEqual(
      ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map((name) => answer.headers[name]),
      ["1000", "1000", "1"],
    );
    assert.deepEqual(platform.sent, []);
  });
}

const accepted: [says: string, body: string | Buffer, headers: Record<string, string>][] = [
  ["a body of exactly 1,000,000 bytes", big, {}],
  ["gzip", gzipSync("{}"), { "content-encoding": "gzip" }],
  ["zstd", zstdCompressSync(Buffer.from("{}")), { "content-encoding": "zstd" }],
  ["the encoding's name in capitals", gzipSync("{}"), { "content-encoding": " GZIP " }],
  ["identity", "{}", { "content-encoding": "identity" }],
  ["1,000,000 bytes in gzip", gzipSync(big), { "content-encoding": "gzip" }],
  ["a type with parameters", "{}", { "content-type": "application/json; charset=utf-8" }],
  ["any +json type", "{}", { "content-type": "application/cloudevents+json" }],
  ["a missing type", "{}", { "content-type": "" }],
  [
    "the caller's own type, where the edge had to change it",
    gzipSync("{}"),
    {
      "content-type": "application/octet-stream",
      [CONTENT_TYPE_HEADER]: "application/json",
      "content-encoding": "gzip",
    },
  ],
  ["a byte order mark", "\ufeff{}", {}],
];
for (const [says, body, headers] of accepted) {
  test(`${says} is accepted`, async () => {
    const answer = await platformOver(redis.connection).post(body, headers, newcomer());
    assert.equal(answer.status, 202, answer.body);
  });
}

test("all faults of all events are answered together, each with its place, and no event is accepted", async () => {
  const platform = platformOver(redis.connection);
  const answer = await platform.post('[{"event_type":1},{},7,{"a":{"b":1,"b":2}}]', {}, newcomer());
  assert.equal(answer.status, 400);
  assert.deepEqual(errorOf(answer), {
    code: "invalid_json",
    message: "3 of 4 events are not valid; none was accepted.",
    details: [
      { index: 0, path: "/event_type", code: "invalid_event", message: "`event_type` must be a string." },
      { index: 2, path: "", code: "invalid_event", message: "An event must be a JSON object; this is a plain value." },
      {
        index: 3,
        path: "/a/b",
        code: "invalid_json",
        message: 'The member name "b" is repeated.',
        line: 1,
        column: 36,
        byte: 35,
      },
    ],
    docs: "/docs/errors#invalid_json",
  });
  assert.deepEqual(platform.sent, []);
});

test("at most 100 faults are answered", async () => {
  const answer = await platformOver(redis.connection).post(`[${Array(200).fill(1).join(",")}]`, {}, newcomer());
  const { message, details } = errorOf(answer);
  assert.equal(details.length, 100);
  assert.equal(message, "100 of 200 events are not valid; none was accepted, the first 100 faults are in `details`.");
});

test("events that break their type's schema are refused, and it does not apply to other types", async () => {
  const check = compileSchema(
    JSON.stringify({ type: "object", required: ["id"], properties: { id: { type: "string" } } }),
  );
  const platform = platformOver(redis.connection, {}, (type) => (type === "order" ? check : undefined));
  const answer = await platform.post(
    '[{"event_type":"order","id":5},{"event_type":"other","id":5},{"event_type":"order"}]',
    {},
    newcomer(),
  );
  assert.deepEqual(errorOf(answer), {
    code: "schema_violation",
    message: "2 of 3 events are not valid; none was accepted.",
    details: [
      { index: 0, path: "/id", code: "schema_violation", message: "must be string (type)" },
      { index: 2, path: "", code: "schema_violation", message: "must have required property 'id' (required)" },
    ],
    docs: "/docs/errors#schema_violation",
  });
  assert.equal((await platform.post('{"event_type":"order","id":"5"}', {}, newcomer())).status, 202);
});

test("an event that is refused for its schema counts against the limit, and beyond the limit nothing is checked", async () => {
  let checks = 0;
  const faults = () => {
    checks += 1;
    return [{ path: "", message: "it never fits" }];
  };
  for (const headers of [() => ({}), (n: number) => ({ "idempotency-key": `schema ${n}` })]) {
    const platform = platformOver(redis.connection, {}, () => ({ costly: false, bytes: 2, faults }));
    const who = { ...newcomer(), limit_per_second: 3 };
    checks = 0;
    const statuses: number[] = [];
    for (let n = 0; n < 5; n += 1) statuses.push((await platform.post('{"event_type":"t"}', headers(n), who)).status);
    assert.deepEqual([statuses, checks], [[400, 400, 400, 429, 429], 3]);
  }
});

test("an event that can't be checked in time counts as breaking its schema, and delays no other request", async () => {
  const check = compileSchema(JSON.stringify({ properties: { a: { pattern: "^(a+)+$" } } }));
  const platform = platformOver(redis.connection, {}, () => check);
  const answer = await platform.post(`{"event_type":"t","a":"${"a".repeat(200)}b"}`, {}, newcomer());
  assert.equal(errorOf(answer).message, "The event could not be checked against its schema within 250 ms.");
});

test("a request that did not come through the edge is refused, with any headers", async () => {
  const platform = platformOver(redis.connection);
  for (const header of [
    undefined,
    "",
    "nonsense",
    Buffer.from("null").toString("base64url"),
    Buffer.from("{}").toString("base64url"),
  ]) {
    const answer = await accept({ ...request("{}"), headers: { [IDENTITY_HEADER]: header } }, platform.ports);
    assert.deepEqual(
      [answer.status, errorOf(answer).code, answer.headers["ratelimit-limit"]],
      [401, "unauthorized", undefined],
    );
  }
});

test("a key makes so many requests a second that are refused for what they are, and is told to come back beyond them", async () => {
  const platform = platformOver(redis.connection);
  const who = { ...newcomer(), limit_per_second: 10 };
  const refusedOf = async (who: Identity, times: number) => {
    const statuses: number[] = [];
    for (let n = 0; n < times; n += 1)
      statuses.push((await platform.post(["nonsense", "[]", '{"event_type":7}'][n % 3]!, {}, who)).status);
    return [statuses.filter((status) => status === 400).length, statuses.slice(-2)];
  };
  assert.deepEqual(await refusedOf(who, 1_002), [1_000, [429, 429]]);
  const larger = { ...newcomer(), limit_per_second: 1_200 };
  assert.deepEqual(await refusedOf(larger, 1_202), [1_200, [429, 429]], "a larger limit of events is that of requests");
  const refused = await platform.post("nonsense", {}, who);
  assert.deepEqual([errorOf(refused).code, refused.headers["retry-after"]], ["rate_limited", "1"]);
  assert.match(refused.headers["ratelimit-remaining"] ?? "", /^\d+$/);
  assert.equal((await platform.post("{}", {}, who)).status, 202, "what is right has the limit of events alone");
  const another = { ...who, key_id: "key_01ARZ3NDEKTSV4RRFFQ69G5FAW" };
  assert.equal((await platform.post("nonsense", {}, another)).status, 400);
});

test("a key without the scope is refused before its body is looked at", async () => {
  const platform = platformOver(redis.connection);
  const answer = await platform.post("{", {}, { ...newcomer(), scopes: ["events:read"] });
  assert.deepEqual([answer.status, errorOf(answer).message], [403, 'This key lacks the scope "events:write".']);
});

test("the refusal of another method names the allowed ones", async () => {
  const platform = platformOver(redis.connection);
  const answer = await accept({ ...request(""), method: "GET" }, platform.ports);
  assert.deepEqual(
    [answer.status, errorOf(answer).code, answer.headers.allow],
    [405, "method_not_allowed", "OPTIONS, POST"],
  );
  assert.match(answer.headers["ratelimit-remaining"] ?? "", /^\d+$/);
});

test("over the limit, the answer says when to come back", async () => {
  const platform = platformOver(redis.connection);
  const who = { ...newcomer(), limit_per_second: 10 };
  await platform.post(`[${Array(8).fill("{}").join(",")}]`, {}, who);
  const answer = await platform.post(`[${Array(8).fill("{}").join(",")}]`, {}, who);
  assert.equal(answer.status, 429);
  assert.deepEqual(errorOf(answer).message, "The limit of 10 events per second is used up. Repeat in 1 s.");
  assert.deepEqual(
    ["retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map((name) => answer.headers[name]),
    ["1", "10", "2", "1"],
  );
  assert.equal(platform.sent.length, 1);
});

test("a request that alone exceeds the limit is refused with that reason", async () => {
  const platform = platformOver(redis.connection);
  const answer = await platform.post("[{},{},{}]", {}, { ...newcomer(), limit_per_second: 2 });
  assert.deepEqual(
    [answer.status, errorOf(answer).message],
    [429, "This request has 3 events and the limit is 2 events per second, so it can never pass: split it."],
  );
});

for (const [says, sent, message] of [
  ["refuses", false, "The events could not be stored; none was accepted."],
  [
    "fell silent over",
    true,
    "Whether the events could be stored is not known; the same `Idempotency-Key` makes a repeat safe.",
  ],
] as const)
  test(`events that the queue ${says} are never answered with 202`, async () => {
    const platform = platformOver(redis.connection, {
      send: async () => {
        throw new AwsError("down", sent);
      },
    });
    const answer = await platform.post("{}", {}, newcomer());
    assert.deepEqual(
      [answer.status, errorOf(answer), answer.headers["retry-after"]],
      [503, { code: "unavailable", message, docs: "/docs/errors#unavailable" }, "1"],
    );
    assert.deepEqual(platform.failures, ["ingest.failed"]);
  });

test("an unexpected error is 500, and its text is not answered", async () => {
  const platform = platformOver(redis.connection, {
    schemas: async () => {
      throw new Error("secret detail at /var/task/index.mjs");
    },
  });
  const answer = await platform.post("{}", {}, newcomer());
  assert.equal(answer.status, 500);
  assert.equal(errorOf(answer).message, "The platform failed to process this request.");
});

test("packed events over the limit of a message go to the bucket first, under the tenant and the first id", async () => {
  const order: string[] = [];
  const platform = platformOver(redis.connection, {
    putPayload: async (key) => {
      order.push(key);
    },
    send: async ({ first, body }) => {
      order.push(`send ${first} ${JSON.stringify(body)}`);
    },
  });
  let noise = "";
  for (let seed = 1; noise.length < 700_000; seed = (seed * 48_271) % 2_147_483_647) noise += seed.toString(36);
  await platform.post(`{"a":"${noise}"}`, {}, newcomer());
  const [key] = order;
  assert.match(key!, new RegExp(`^cus_${customers}/[0-9A-Z]{26}$`));
  assert.deepEqual(order, [key, `send ${key!.split("/")[1]} {"s3_key":"${key}"}`]);
});

test("nothing a caller sends appears in an answer's headers", async () => {
  const evil = "x\r\nset-cookie: a=b";
  const answer = await platformOver(redis.connection).post(
    "{}",
    { "idempotency-key": evil, "content-type": evil },
    newcomer(),
  );
  assert.ok(Object.values(answer.headers).every((value) => !/[\r\n]/.test(value)));
});

test.run();
