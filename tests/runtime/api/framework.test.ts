import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { z } from "@hono/zod-openapi";
import fc from "fast-check";
import { suite } from "uvu";
import { buildApp } from "../../../runtime/api/app.ts";
import {
  listQuery,
  openList,
  readCursor,
  repeatable,
  same,
  signCursor,
  wholeNumber,
} from "../../../runtime/api/cursor.ts";
import type { Deps } from "../../../runtime/api/deps.ts";
import { answerOf, pathOf, requestOf } from "../../../runtime/api/functionUrl.ts";
import { route } from "../../../runtime/api/route.ts";
import { parseJson } from "../../../runtime/domain/body/managementBody.ts";
import { decodeBody } from "../../../runtime/domain/body/requestBody.ts";
import { defined, mapDefined } from "../../../runtime/domain/defined.ts";
import { TriggersError } from "../../../runtime/domain/errors/errors.ts";
import {
  CONTENT_TYPE_HEADER,
  encodeIdentity,
  IDENTITY_HEADER,
  type Identity,
  PATH_HEADER,
} from "../../../runtime/domain/identity/identity.ts";
import { isUnavailable } from "../../../runtime/domain/outage.ts";
import { idleLimiter } from "../../support/api.ts";

const test = suite("framework");
const identity: Identity = {
  customer_id: "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV",
  environment: "sandbox",
  key_id: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV",
  scopes: ["events:read"],
  limit_per_second: 10,
};
const logged: Record<string, unknown>[] = [];
const deps = {
  env: { CURSOR_SECRET: "cursor" },
  secret: async () => "a secret",
  now: () => 1_764_064_800_000,
  countUsage: async () => {},
  limiter: idleLimiter,
  log: (level: string, message: string, fields: Record<string, unknown>) => logged.push({ level, message, ...fields }),
} as unknown as Deps;

const app = buildApp(deps);
route(
  app,
  {
    method: "post",
    path: "/probe/{id}",
    tag: "Probe",
    summary: "Answers what it was given",
    scope: "events:read",
    params: z.object({ id: z.string().regex(/^\w+$/) }),
    query: z.strictObject({ n: wholeNumber(1, 5, 3), kind: repeatable(z.enum(["a", "b"])).optional() }),
    body: z.strictObject({ name: z.string(), tags: z.array(z.strictObject({ t: z.string() })).optional() }),
    responses: { 200: { description: "echo" } },
  },
  (c, input) => c.json({ params: input.params, query: input.query, body: input.body, tenant: c.get("tenant") }),
);
route(
  app,
  {
    method: "get",
    path: "/echo/{name}",
    slashes: true,
    tag: "Probe",
    summary: "Answers a name",
    scope: "events:read",
    params: z.object({ name: z.string() }),
    responses: { 200: { description: "echo" } },
  },
  (c, { params }) => c.json(params),
);
const failing = (path: string, thrown: unknown) =>
  route(app, { method: "get", path, tag: "Probe", summary: "Fails", scope: "events:read", responses: {} }, () => {
    throw thrown;
  });
failing("/probe-fault", new Error("a secret detail at /srv/internal.ts"));
failing("/probe-outage", Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));

// biome-ignore lint/suspicious/noExplicitAny: tests compare answers whole, whatever their shape
type Answer = any;

async function ask(method: string, path: string, body?: string | Uint8Array, headers: Record<string, string> = {}) {
  const response = await app.request(path, {
    method,
    headers: { [IDENTITY_HEADER]: encodeIdentity(identity), "content-type": "application/json", ...headers },
    ...defined({ body: mapDefined(body, (body) => body as string) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
}
const NAME = '{"name":"x"}';

test("the handler gets checked parameters, query and body, and the caller's tenant", async () => {
  const { status, body } = await ask("POST", "/probe/one?kind=a&kind=b", NAME);
  assert.deepEqual(
    [status, body],
    [
      200,
      {
        params: { id: "one" },
        query: { n: 3, kind: ["a", "b"] },
        body: { name: "x" },
        tenant: "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV.sandbox",
      },
    ],
  );
});

const INVALID = [400, "invalid_request"] as const;
const refused: [says: string, path: string, body: string, status: number, code: string, details: unknown][] = [
  [
    "an unknown member is named by its path",
    "/probe/one",
    '{"name":"x","tags":[{"t":"a","u":1}]}',
    ...INVALID,
    [{ path: "/tags/0/u", message: "is not known here" }],
  ],
  [
    "every thing wrong has a detail",
    "/probe/one",
    '{"tags":"x","y":1}',
    ...INVALID,
    [
      { path: "/name", message: "is required" },
      { path: "/tags", message: "must be an array" },
      { path: "/y", message: "is not known here" },
    ],
  ],
  ["a body that is no object is refused", "/probe/one", "[]", ...INVALID, [{ path: "", message: "must be an object" }]],
  [
    "an unknown query parameter is refused",
    "/probe/one?x=1",
    NAME,
    ...INVALID,
    [{ path: "/x", message: "is not known here" }],
  ],
  [
    "a number out of range is refused",
    "/probe/one?n=6",
    NAME,
    ...INVALID,
    [{ path: "/n", message: "must be at most 5" }],
  ],
  [
    "a parameter given twice that is to be given once is refused",
    "/probe/one?n=1&n=2",
    NAME,
    ...INVALID,
    [{ path: "/n", message: "may be given once" }],
  ],
  [
    "a bad parameter in the path is named by its path",
    "/probe/a-b",
    NAME,
    ...INVALID,
    [{ path: "/id", message: "must match the pattern /^\\w+$/" }],
  ],
  ...["%", "%4", "%zz", "%ff", "%c3%28"].map((escaped): [string, string, string, number, string, unknown] => [
    `a path that holds ${escaped} is refused`,
    `/probe/${escaped}`,
    NAME,
    ...INVALID,
    [{ path: "", message: "holds a % that begins no escape, or escapes of bytes that are not UTF-8" }],
  ]),
  ...["n=%", "n=1&kind=%FF"].map((query): [string, string, string, number, string, unknown] => [
    `the query ${query} is refused`,
    `/probe/one?${query}`,
    NAME,
    ...INVALID,
    [
      {
        path: `/${query.split("&").at(-1)!.split("=")[0]}`,
        message: "holds a % that begins no escape, or escapes of bytes that are not UTF-8; a % itself is %25",
      },
    ],
  ]),
  [
    "U+0000 in a string is refused",
    "/probe/one",
    '{"name":"\\u0000"}',
    ...INVALID,
    [{ path: "", message: "Strings may not contain the character U+0000." }],
  ],
  ["U+0000 in the query is refused", "/probe/one?n=%00", NAME, ...INVALID, [{ path: "", message: "contains U+0000" }]],
  ["an absent body is no JSON", "/probe/one", "", 400, "invalid_json", undefined],
];
for (const [says, path, body, status, code, details] of refused) {
  test(says, async () => {
    const answer = await ask("POST", path, body);
    assert.deepEqual([answer.status, answer.body.error.code, answer.body.error.details], [status, code, details]);
  });
}

test("the refusal of invalid JSON has the position", async () => {
  const { status, body } = await ask("POST", "/probe/one", '{"name": x}');
  assert.deepEqual([status, body.error.code], [400, "invalid_json"]);
  assert.equal(
    body.error.message,
    'The body is not valid JSON at line 1, column 10 (byte 9): expected a value, found "x".',
  );
  assert.deepEqual(body.error.details, [
    { path: "", code: "invalid_json", message: 'expected a value, found "x"', line: 1, column: 10, byte: 9 },
  ]);
});

test("a repeated member name is refused, at any depth and in any escaping", async () => {
  const { status, body } = await ask("POST", "/probe/one", '{"name":"x",\n"tags":[{"t":"a","\\u0074":"b"}]}');
  assert.deepEqual([status, body.error.code], [400, "invalid_json"]);
  assert.equal(
    body.error.message,
    'The body is not valid JSON at line 2, column 18 (byte 30): the member name "\\u0074" is repeated.',
  );
  assert.deepEqual(
    body.error.details.map((detail: Answer) => [detail.path, detail.line]),
    [["/tags/0/t", 2]],
  );
});

const mediaTypes: [type: string, status: number][] = [
  ["application/json", 200],
  ["application/json; charset=utf-8", 200],
  ["application/vnd.api+json", 200],
  ["", 200],
  ["text/plain", 415],
  ["application/x-www-form-urlencoded", 415],
  ["application/jsonp", 415],
];
for (const [type, status] of mediaTypes) {
  test(`a body of type "${type}" is answered ${status}`, async () => {
    assert.equal((await ask("POST", "/probe/one", NAME, { "content-type": type })).status, status);
  });
}

test("gzip and zstd are decoded, other encodings refused", async () => {
  assert.equal((await ask("POST", "/probe/one", gzipSync(NAME), { "content-encoding": "gzip" })).status, 200);
  assert.equal((await ask("POST", "/probe/one", zstdCompressSync(NAME), { "content-encoding": "zstd" })).status, 200);
  assert.equal((await ask("POST", "/probe/one", NAME, { "content-encoding": "br" })).status, 415);
  assert.equal((await ask("POST", "/probe/one", NAME, { "content-encoding": "gzip" })).status, 400);
});

test("an encoded body keeps the caller's type, which the edge passes on beside it", async () => {
  const as = (type: string) => ({
    "content-type": "application/octet-stream",
    [CONTENT_TYPE_HEADER]: type,
    "content-encoding": "gzip",
  });
  assert.equal((await ask("POST", "/probe/one", gzipSync(NAME), as("application/json"))).status, 200);
  assert.equal((await ask("POST", "/probe/one", gzipSync(NAME), as("text/plain"))).status, 415);
});

test("a body over the limit is 413, and a gzip bomb is stopped there", async () => {
  const large = JSON.stringify({ name: "x".repeat(1_000_000) });
  assert.equal((await ask("POST", "/probe/one", large)).status, 413);
  assert.equal(
    (await ask("POST", "/probe/one", gzipSync(Buffer.alloc(50_000_000)), { "content-encoding": "gzip" })).status,
    413,
  );
});

test("a byte order mark is skipped, invalid UTF-8 refused, nesting bounded", () => {
  assert.deepEqual(parseJson(Buffer.from("\ufeff[1]")), [1]);
  assert.throws(() => parseJson(Buffer.from([0x22, 0xff, 0x22])), {
    code: "invalid_json",
    message: "The body is not valid JSON at line 1, column 2 (byte 1): the text is not UTF-8.",
  });
  assert.deepEqual(parseJson(Buffer.from(`${"[".repeat(64)}${"]".repeat(64)}`)) !== undefined, true);
  assert.throws(() => parseJson(Buffer.from(`${"[".repeat(65)}1${"]".repeat(65)}`)), { code: "invalid_request" });
  assert.throws(() => parseJson(Buffer.from("[".repeat(400_000))), { code: "invalid_json" });
});

test("a string with a lone surrogate is refused, anywhere in the body", () => {
  const refused = { code: "invalid_request", message: "Strings may not contain a lone surrogate." };
  for (const text of ['{"a":"\\ud800"}', '{"\\uDFFF":1}', '{"a":[{"b":["x\\udc00\\ud800"]}]}'])
    assert.throws(() => parseJson(Buffer.from(text)), refused);
  for (const text of ['{"a":"\\ud83d\\ude00"}', '{"a":"\\\\ud800"}', '{"a":"\\ufffd"}']) parseJson(Buffer.from(text));
});

test("for any bytes, decoding and parsing either work or refuse with a named error", () =>
  fc.assert(
    fc.property(fc.uint8Array(), fc.constantFrom(undefined, "gzip", "zstd", "identity", "x"), (bytes, encoding) => {
      try {
        parseJson(decodeBody(Buffer.from(bytes), encoding));
      } catch (thrown) {
        assert.ok(thrown instanceof TriggersError, String(thrown));
      }
    }),
    { numRuns: 500 },
  ));

test("an unknown route is 404, a wrong method 405 with Allow", async () => {
  const unknown = await ask("GET", "/nowhere");
  assert.deepEqual([unknown.status, unknown.body.error.code], [404, "not_found"]);
  const wrong = await ask("DELETE", "/probe/one");
  assert.deepEqual(
    [wrong.status, wrong.body.error.code, wrong.headers.get("allow")],
    [405, "method_not_allowed", "OPTIONS, POST"],
  );
  const readable = await ask("PUT", "/health");
  assert.equal(readable.headers.get("allow"), "GET, HEAD, OPTIONS");
});

const namedRoutes: [method: string, path: string, allow: string][] = [
  ["GET", "/events/dry-run", "POST"],
  ["GET", "/events/lookup", "POST"],
  ["DELETE", "/inbox/ack", "POST"],
  ["DELETE", "/inbox/delete", "POST"],
  ["GET", "/subscriptions/rehearse", "POST"],
  ["PATCH", "/subscriptions/import", "POST"],
];
for (const [, path, allow] of namedRoutes) {
  test(`OPTIONS ${path} names what is possible there`, async () => {
    const { status, headers } = await app.request(path, { method: "OPTIONS" });
    assert.deepEqual([status, headers.get("allow")], [204, `OPTIONS, ${allow}`]);
  });
}
for (const [method, path, allow] of namedRoutes) {
  test(`${method} ${path} is a wrong method, not an object that doesn't exist`, async () => {
    const { status, headers, body } = await ask(method, path);
    assert.deepEqual([status, body.error.code, headers.get("allow")], [405, "method_not_allowed", `OPTIONS, ${allow}`]);
    assert.match(headers.get("x-request-id") ?? "", /^req_/);
  });
}

test("a request that did not come through the edge is 401", async () => {
  const response = await app.request("/subscriptions");
  assert.equal(response.status, 401);
  assert.match(response.headers.get("x-request-id") ?? "", /^req_[0-9A-Z]{26}$/);
});

test("every answer carries the request's id, which its error names, and says that nobody may keep it", async () => {
  for (const path of ["/health", "/nowhere", "/probe-fault", "/docs"]) {
    const response = await app.request(path, { headers: { [IDENTITY_HEADER]: encodeIdentity(identity) } });
    const id = response.headers.get("x-request-id");
    assert.match(id ?? "", /^req_[0-9A-Z]{26}$/, path);
    assert.equal(response.headers.get("cache-control"), "no-store", path);
    if (response.status >= 400 && path !== "/health")
      assert.equal(((await response.json()) as Answer).error.request_id, id);
  }
});

test("a missing scope is 403 before anything else is checked", async () => {
  const { status, body } = await ask("POST", "/subscriptions?x=1", "not json");
  assert.deepEqual(
    [status, body.error.code, body.error.message],
    [403, "forbidden", 'This key lacks the scope "subscriptions".'],
  );
});

test("a fault of ours is 500; its cause is logged and not answered", async () => {
  const { status, body } = await ask("GET", "/probe-fault");
  assert.deepEqual(
    [status, body.error.code, body.error.message],
    [500, "internal", "The platform failed to process this request."],
  );
  const line = logged.at(-1)!;
  assert.equal(line.request_id, body.error.request_id);
  assert.match(String(line.error), /a secret detail/);
});

test("an outage of a dependency is 503 with Retry-After", async () => {
  const { status, headers, body } = await ask("GET", "/probe-outage");
  assert.deepEqual([status, headers.get("retry-after"), body.error.code], [503, "1", "unavailable"]);
});

test("an outage is recognised behind wrappers, a fault is not taken for one", () => {
  const refusedConnection = Object.assign(new Error("x"), { code: "ECONNREFUSED" });
  assert.equal(isUnavailable(new Error("outer", { cause: refusedConnection })), true);
  assert.equal(isUnavailable(new AggregateError([refusedConnection])), true);
  assert.equal(isUnavailable(Object.assign(new Error("x"), { name: "ThrottlingException" })), true);
  assert.equal(isUnavailable(new Error("undefined is not a function")), false);
  assert.equal(isUnavailable("x"), false);
});

test("a cursor reads back what was signed, for its own list and tenant only", async () => {
  const cursor = await signCursor(deps, "cus_1:keys", { after: "é" });
  assert.deepEqual(await readCursor(deps, "cus_1:keys", cursor), { after: "é" });
  const forged = `${Buffer.from('{"after":"x"}').toString("base64url")}.${cursor.split(".")[1]}`;
  for (const [purpose, text] of [
    ["cus_2:keys", cursor],
    ["cus_1:audit", cursor],
    ["cus_1:keys", forged],
    ["cus_1:keys", `${cursor}x`],
    ["cus_1:keys", "x"],
    ["cus_1:keys", ""],
    ["cus_1:keys", `${cursor}.`],
  ] as const) {
    await assert.rejects(readCursor(deps, purpose, text), {
      code: "invalid_request",
      message: "The cursor is not valid.",
    });
  }
});

test("a page has a next cursor only when there is more", async () => {
  const list = await openList<number>(deps, "p", { limit: 2 });
  assert.equal((await list.page([1, 2], same, (last) => last)).next_cursor, null);
  const { items, next_cursor } = await list.page([1, 2, 3], same, (last) => last);
  assert.deepEqual([items, await readCursor(deps, "p", next_cursor!)], [[1, 2], 2]);
});

test("a list takes a limit of 1 to 1,000, by default 100", () => {
  const limits = z.strictObject(listQuery);
  assert.deepEqual(limits.parse({}), { limit: 100 });
  for (const limit of ["0", "1001", "-1", "1.5", "x", ""])
    assert.equal(limits.safeParse({ limit }).success, false, limit);
});

const event = (more: object) =>
  ({
    rawPath: "/probe/one",
    rawQueryString: "",
    headers: { "content-type": "application/json", [IDENTITY_HEADER]: encodeIdentity(identity) },
    requestContext: { http: { method: "POST" }, domainName: "abc.lambda-url.us-east-1.on.aws" },
    isBase64Encoded: false,
    ...more,
  }) as unknown as Parameters<typeof requestOf>[0];

test("a Function URL's event becomes a request, its body from text or base64, and the answer goes back", async () => {
  for (const body of [{ body: NAME }, { body: Buffer.from(NAME).toString("base64"), isBase64Encoded: true }]) {
    const answer = await answerOf(await app.fetch(requestOf(event({ ...body, rawQueryString: "n=2" }))));
    assert.ok(typeof answer === "object");
    assert.deepEqual(
      [answer.statusCode, answer.isBase64Encoded, JSON.parse(answer.body!).query],
      [200, false, { n: 2 }],
    );
  }
});

const name = fc.oneof(
  fc
    .string({ unit: "binary", minLength: 1, maxLength: 40 })
    .filter((text) => text.isWellFormed() && !text.includes("\0")),
  fc.constantFrom(".", "..", "%", "%2F", "%252e", "/", "a/b", "a/", "?x=1", "#", "+", "a b", "\\", "é", "~", "dry-run"),
);

const get = { requestContext: { http: { method: "GET" }, domainName: "abc.lambda-url.us-east-1.on.aws" } };

test("a name in a path is decoded once and keeps its meaning, with any characters", () =>
  fc.assert(
    fc.asyncProperty(name, fc.boolean(), async (text, all) => {
      const encoded = all
        ? [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")
        : encodeURIComponent(text);
      // A Function URL may decode the path: what the edge says of it counts.
      const headers = { [IDENTITY_HEADER]: encodeIdentity(identity), [PATH_HEADER]: `/echo/${encoded}` };
      const request = requestOf(event({ rawPath: `/echo/${text}`, headers, ...get }));
      assert.deepEqual(await (await app.fetch(request)).json(), { name: text });
    }),
    { numRuns: 500 },
  ));

test("without a header for the path, the path of the function URL counts", async () => {
  const request = requestOf(event({ rawPath: "/event-types/a#b?c d/é%", rawQueryString: "x=1", body: NAME }));
  assert.deepEqual(
    [decodeURIComponent(pathOf(request)), new URL(request.url).search],
    ["/event-types/a#b?c d/é%", "?x=1"],
  );
});

test("an answer that is not text goes back as base64", async () => {
  const bytes = new Uint8Array([0, 255, 128]);
  const answer = await answerOf(new Response(bytes, { headers: { "content-type": "application/gzip" } }));
  assert.deepEqual(answer, {
    statusCode: 200,
    headers: { "content-type": "application/gzip" },
    body: Buffer.from(bytes).toString("base64"),
    isBase64Encoded: true,
  });
});

test.run();
