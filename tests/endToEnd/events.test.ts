// group: shared 1
import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { suite } from "uvu";
import { eventually } from "../support/eventually.ts";
import {
  type Answer,
  type Customer,
  call,
  newCustomer,
  type SharedPlatform,
  sharedPlatform,
} from "../support/platform.ts";

/** What the API promises about sending events and about bodies, sentence by sentence, through the whole platform. */
const test = suite("writing events");
let platform: SharedPlatform;
let customer: Customer;
test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform, { limit_per_second: 100_000 });
});

type Headers = Record<string, string>;
const post = (body: unknown, headers: Headers = {}, key = customer.api_key, path = "/events") =>
  call(platform.url, "POST", path, { key, body, headers });
const told = ({ status, json }: Answer) => [status, json.error?.code];
const limits = ({ headers }: Answer) =>
  ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map((name) => headers.get(name));
const nested = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`;
const sized = (bytes: number) => `{"a":"${"x".repeat(bytes - 8)}"}`;
const many = (count: number) => `[${Array(count).fill("{}").join(",")}]`;

test("one object is answered with its id", async () => {
  const answer = await post({ event_type: "order.created" });
  assert.equal(answer.status, 202);
  assert.deepEqual(Object.keys(answer.json), ["event_id", "status"]);
  assert.match(answer.json.event_id, /^evt_[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  assert.equal(answer.json.status, "accepted");
  assert.match(answer.headers.get("x-request-id") ?? "", /^req_/);
});

test("an array is answered in its order", async () => {
  const answer = await post([{ n: 0 }, { n: 1 }, { n: 2 }]);
  assert.equal(answer.status, 202);
  const ids = answer.json.events.map(({ event_id }: { event_id: string }) => event_id);
  await eventually(
    async () => {
      const read = await Promise.all(
        ids.map((id: string) => call(platform.url, "GET", `/events/${id}`, { key: customer.api_key })),
      );
      return read.map(({ json }) => json?.payload?.n);
    },
    (numbers) => JSON.stringify(numbers) === "[0,1,2]",
  );
});

test("an event comes back as the same JSON text", async () => {
  const text =
    '{"big":123456789012345678901234567890.10,"exp":1E400,"neg":-0,"esc":"\\u00e9\\/\\ud800","raw":"é😀","__proto__":{"a":1},"":[ ]}';
  const sent = await post(text);
  assert.equal(sent.status, 202, sent.text);
  const { text: read } = await eventually(
    () => call(platform.url, "GET", `/events/${sent.json.event_id}`, { key: customer.api_key }),
    ({ status }) => status === 200,
  );
  assert.ok(read.includes(`"payload":${text}`), read);
});

const accepted: [says: string, body: string | Buffer, headers?: Headers][] = [
  ["1,000 events", many(1_000)],
  ["64 levels", nested(64)],
  ["64 levels within a list", `[${nested(64)}]`],
  ["a body of 1,000,000 bytes", sized(1_000_000)],
  ["an event type of 256 characters", JSON.stringify({ event_type: "é".repeat(256) })],
  ["any +json type", "{}", { "content-type": "application/vnd.acme.v1+json; charset=utf-8" }],
  ["a byte order mark", "\ufeff{}"],
  ["gzip", gzipSync('{"zipped":true}'), { "content-encoding": "gzip" }],
  ["zstd", zstdCompressSync(Buffer.from('{"zipped":true}')), { "content-encoding": "zstd" }],
  ["1,000,000 bytes in gzip", gzipSync(sized(1_000_000)), { "content-encoding": "gzip" }],
];
for (const [says, body, headers] of accepted) {
  test(`${says}: accepted`, async () => {
    const answer = await post(body, headers);
    assert.equal(answer.status, 202, answer.text.slice(0, 300));
  });
}

test("a missing Content-Type counts as JSON", async () => {
  const response = await fetch(`${platform.url}/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${customer.api_key}` },
    body: new Uint8Array(Buffer.from("{}")),
  });
  assert.equal(response.status, 202);
});

const refused: [says: string, body: string | Buffer, status: number, code: string, headers?: Headers][] = [
  ["1,000,001 bytes", sized(1_000_001), 413, "payload_too_large"],
  ["2,000,000 bytes", sized(2_000_000), 413, "payload_too_large"],
  ["20,000,000 bytes, more than an origin takes", sized(20_000_000), 413, "payload_too_large"],
  ["1,000,001 bytes in gzip", gzipSync(sized(1_000_001)), 413, "payload_too_large", { "content-encoding": "gzip" }],
  ["a gzip bomb", gzipSync(Buffer.alloc(100_000_000)), 413, "payload_too_large", { "content-encoding": "gzip" }],
  [
    "a zstd bomb",
    zstdCompressSync(Buffer.alloc(100_000_000)),
    413,
    "payload_too_large",
    { "content-encoding": "zstd" },
  ],
  ["a body that is not JSON", '{"a":', 400, "invalid_json"],
  ["an empty body", "", 400, "invalid_json"],
  ["a repeated name", '{"a":{"b":1,"b":2}}', 400, "invalid_json"],
  ["bytes that are not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, "invalid_json"],
  ["bytes that are not gzip", "{}", 400, "invalid_json", { "content-encoding": "gzip" }],
  ["not an object", "5", 400, "invalid_event"],
  ["an array of something else", "[{},5]", 400, "invalid_event"],
  ["an empty array", "[]", 400, "invalid_event"],
  ["an empty event type", '{"event_type":""}', 400, "invalid_event"],
  ["an event type of 257 characters", JSON.stringify({ event_type: "x".repeat(257) }), 400, "invalid_event"],
  ["an event type that is no string", '{"event_type":7}', 400, "invalid_event"],
  ["65 levels", nested(65), 400, "invalid_event"],
  ["1,001 events", many(1_001), 400, "too_many_events"],
  ["another Content-Type", "{}", 415, "unsupported_media_type", { "content-type": "text/plain" }],
  ["another Content-Encoding", "{}", 415, "unsupported_media_type", { "content-encoding": "br" }],
  ["a bad Idempotency-Key", "{}", 400, "invalid_request", { "idempotency-key": "x".repeat(256) }],
];
for (const [says, body, status, code, headers] of refused) {
  test(`${says}: ${status} ${code}, with what is left of the limit`, async () => {
    const answer = await post(body, headers);
    assert.deepEqual(told(answer), [status, code]);
    assert.deepEqual(limits(answer), ["100000", limits(answer)[1], "1"]);
    assert.equal(answer.headers.get("x-request-id"), answer.json.error.request_id);
    assert.equal(answer.json.error.docs, `/docs/errors#${code}`);
  });
}

test("the refusal of bad JSON has its position", async () => {
  const { json } = await post('{\n  "a": 01\n}');
  assert.equal(
    json.error.message,
    'The body is not valid JSON at line 2, column 9 (byte 10): expected "," or "}", found "1".',
  );
});

test("one bad event makes the whole array refused, and each fault is named", async () => {
  const fresh = await newCustomer(platform);
  const { json } = await post('[{"event_type":7},{},{"x":{"a":1,"a":2}}]', {}, fresh.api_key);
  assert.deepEqual(
    json.error.details.map(({ index, path, code }: Record<string, unknown>) => [index, path, code]),
    [
      [0, "/event_type", "invalid_event"],
      [2, "/x/a", "invalid_json"],
    ],
  );
  const inbox = await call(platform.url, "GET", "/inbox", { key: fresh.api_key });
  assert.deepEqual(inbox.json.events, []);
});

test("events that break the schema of their type are refused from 5 s after it was registered", async () => {
  const fresh = await newCustomer(platform);
  const put = await call(platform.url, "PUT", "/event-types/order", { key: fresh.api_key, body: { required: ["id"] } });
  assert.equal(put.status, 200, put.text);
  const answer = await eventually(
    () => post('[{"event_type":"order","id":1},{"event_type":"order"},{"event_type":"other"}]', {}, fresh.api_key),
    ({ status }) => status === 400,
    10_000,
  );
  assert.deepEqual(answer.json.error.details, [
    { index: 1, path: "", code: "schema_violation", message: "must have required property 'id' (required)" },
  ]);
  assert.equal(answer.json.error.code, "schema_violation");
});

test("a repeat with the same key and body answers the first answer again", async () => {
  const key = { "idempotency-key": `repeat ${Date.now()}` };
  const first = await post([{ a: 1 }], key);
  const again = await post([{ a: 1 }], key);
  assert.deepEqual([first.status, again.status, again.text], [202, 202, first.text]);
  assert.deepEqual(
    [first, again].map(({ headers }) => headers.get("idempotency-replayed")),
    [null, "true"],
  );
  assert.deepEqual(told(await post([{ a: 2 }], key)), [409, "idempotency_conflict"]);
  assert.equal((await post([{ a: 2 }], key, customer.sandbox_key)).status, 202);
});

test("when many repeats come at once, exactly one makes events", async () => {
  const key = { "idempotency-key": `at once ${Date.now()}` };
  const answers = await Promise.all(Array.from({ length: 12 }, () => post({ once: true }, key)));
  const ids = new Set(answers.filter(({ status }) => status === 202).map(({ json }) => json.event_id));
  assert.equal(ids.size, 1);
  for (const answer of answers) {
    if (answer.status === 202) continue;
    assert.deepEqual(told(answer), [409, "idempotency_in_flight"]);
    assert.equal(answer.headers.get("retry-after"), "1");
  }
});

test("a refused request leaves its Idempotency-Key free", async () => {
  const key = { "idempotency-key": `refused ${Date.now()}` };
  assert.equal((await post("{", key)).status, 400);
  assert.equal((await post("{}", key)).status, 202);
});

test("a request costs its number of events, and over the limit the answer says when to come back", async () => {
  const limited = await newCustomer(platform, { limit_per_second: 10 });
  const answers: Answer[] = [];
  // Whatever part of a second has passed, three requests of 8 can't all fit in it.
  for (let i = 0; i < 3; i += 1) answers.push(await post(many(8), {}, limited.api_key));
  assert.equal(answers[0]!.status, 202);
  assert.deepEqual(limits(answers[0]!), ["10", "2", "1"]);
  const over = answers.find(({ status }) => status === 429);
  assert.ok(over !== undefined);
  assert.equal(over.json.error.code, "rate_limited");
  assert.match(over.headers.get("retry-after") ?? "", /^[12]$/);
  assert.equal((await post(many(8), {}, limited.sandbox_key)).status, 202);
});

test("a request that alone exceeds the limit is refused with that reason", async () => {
  const limited = await newCustomer(platform, { limit_per_second: 10 });
  const answer = await post(many(11), {}, limited.api_key);
  assert.equal(answer.status, 429);
  assert.equal(
    answer.json.error.message,
    "This request has 11 events and the limit is 10 events per second, so it can never pass: split it.",
  );
});

test("a key's own limit is a second window below the customer's", async () => {
  const made = await call(platform.url, "POST", "/keys", { key: customer.api_key, body: { limit_per_second: 5 } });
  const answer = await post(many(3), {}, made.json.api_key);
  assert.deepEqual(limits(answer), ["5", "2", "1"]);
  assert.equal((await post(many(6), {}, made.json.api_key)).status, 429);
});

test("a sandbox key writes to the sandbox alone", async () => {
  const fresh = await newCustomer(platform);
  await post({ where: "sandbox" }, {}, fresh.sandbox_key);
  const inboxOf = async (key: string) => (await call(platform.url, "GET", "/inbox", { key })).json.events;
  await eventually(
    () => inboxOf(fresh.sandbox_key),
    (events) => events.length === 1,
  );
  assert.deepEqual(await inboxOf(fresh.api_key), []);
});

test("another method is 405, with the allowed methods", async () => {
  for (const method of ["GET", "PUT", "DELETE"]) {
    const answer = await call(platform.url, method, "/events", { key: customer.api_key });
    assert.deepEqual([...told(answer), answer.headers.get("allow")], [405, "method_not_allowed", "OPTIONS, POST"]);
    assert.equal(limits(answer)[0], "100000");
  }
});

test("a dry run takes the same bodies and refuses the same ones", async () => {
  const good = await post('[{"event_type":"a"},{}]', {}, customer.api_key, "/events/dry-run");
  assert.equal(good.status, 200, good.text);
  assert.deepEqual(
    good.json.results.map(({ valid }: { valid: boolean }) => valid),
    [true, true],
  );
  const zipped = await post(gzipSync("{}"), { "content-encoding": "gzip" }, customer.api_key, "/events/dry-run");
  assert.equal(zipped.status, 200, zipped.text);
  for (const [, body, status, code, headers] of refused.filter(
    ([says]) => !/Idempotency|event type|array of something|levels|repeated|not an object/.test(says),
  )) {
    assert.deepEqual(
      told(await post(body, headers, customer.api_key, "/events/dry-run")),
      [status, code],
      String(body).slice(0, 40),
    );
  }
});

test.run();
