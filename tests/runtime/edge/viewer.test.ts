import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { test } from "uvu";
import { compileViewerFunction } from "../../../local/cloudfront/viewerFunction.ts";
import { errorResponse, TriggersError } from "../../../runtime/domain/errors/errors.ts";
import { formatKey, newKeyId, newSecret, parseKey } from "../../../runtime/domain/identity/apiKey.ts";
import { CONSOLE_HEADERS, environments, isConsole, isPublic } from "../../../runtime/domain/identity/identity.ts";
import { ulidIn } from "../../../runtime/domain/ids.ts";
import { LIVE_PATH } from "../../../runtime/domain/live.ts";
import { authenticate } from "../../../runtime/edge/authenticate.ts";

type Headers = Record<string, string>;
const code = readFileSync(new URL("../../../runtime/edge/viewer.js", import.meta.url), "utf8");

const compiled = (takeover?: string) =>
  compileViewerFunction(code, "E1", [(key) => (key === "takeover" ? takeover : undefined)]);
const requestOf = (method: string, uri: string, headers: Headers) => ({
  ...{ method, uri, query: "", ip: "203.0.113.7" },
  headers: new Map(Object.entries(headers)),
});
const authorization = `Bearer ${formatKey("live", newKeyId(), newSecret())}`;

/** What the function makes of a request that it lets pass. @param takeover the store's entry, if there is one */
async function after(uri: string, headers: Headers, takeover?: string) {
  const request = requestOf("POST", uri, { authorization, ...headers });
  const { originId, response } = await compiled(takeover)(request);
  assert.equal(response, undefined);
  const { "x-triggers-received": received, ...others } = Object.fromEntries(request.headers);
  return { headers: others, originId, uri: request.uri, received: Number(received) };
}

const carried = { authorization, "x-triggers-authorization": authorization };
const behaviour: [says: string, before: Headers, after: Headers][] = [
  [
    "the caller's authorization travels on under another name",
    { host: "a" },
    { host: "a", ...carried, "x-triggers-host": "a" },
  ],
  [
    "headers that only the platform may set are dropped from a caller's request",
    {
      "x-triggers-identity": "eyJ",
      "x-triggers-authorization": "Bearer stolen",
      "x-triggers-body-fault": "x",
      "x-triggers-request-id": "x",
      "x-trigger": "kept",
    },
    { "x-trigger": "kept", ...carried },
  ],
];
for (const [says, before, expected] of behaviour)
  test(says, async () => assert.deepEqual((await after("/events", before)).headers, expected));

const toConsole = [
  "/console/api/inbox",
  "/console/api",
  "/console/session",
  "/console/session/extend",
  "/console/sessions",
  "/console/sessions/ses_1",
];
const notToConsole = [
  "/console/",
  "/console/events",
  "/console/apis",
  "/console/sessionstorage",
  "/events",
  "/consoles/api/x",
];
for (const uri of [...toConsole, ...notToConsole])
  test(`${uri} is ${toConsole.includes(uri) ? "" : "not "}the console's, and its pages' words pass there alone`, async () => {
    const said = Object.fromEntries(CONSOLE_HEADERS.map((name) => [name, "1"]));
    const request = requestOf("GET", uri, {
      authorization,
      host: "triggers.example",
      "x-triggers-identity": "eyJ",
      ...said,
    });
    await compiled()(request);
    const passed = [...request.headers.keys()].filter((name) => name.startsWith("x-triggers-"));
    const always = ["x-triggers-authorization", "x-triggers-host", "x-triggers-received"];
    assert.equal(isConsole(uri), toConsole.includes(uri));
    assert.deepEqual(passed.sort(), (isConsole(uri) ? [...always, ...CONSOLE_HEADERS] : always).sort());
    // Links lead back there.
    assert.equal(request.headers.get("x-triggers-host"), "triggers.example");
  });

/** What the function answers itself; undefined where it lets the request pass. */
async function refusalOf(method: string, uri: string, headers: Headers) {
  const { response } = await compiled()(requestOf(method, uri, headers));
  if (response === undefined) return undefined;
  const { error } = JSON.parse(String(response.body)) as { error: { request_id: string } };
  return { ...response, body: String(response.body), id: error.request_id };
}

const noKeys: [says: string, headers: Headers][] = [
  ["no authorization", {}],
  ["an empty one", { authorization: "" }],
  ["another scheme", { authorization: authorization.replace("Bearer", "Basic") }],
  ["a key alone", { authorization: authorization.slice(7) }],
  ["no key", { authorization: "Bearer nonsense" }],
  ["a typo in a key", { authorization: authorization.replace(/.$/, (last) => (last === "0" ? "1" : "0")) }],
  ["a key that lost its end", { authorization: authorization.slice(0, -1) }],
  ["two keys", { authorization: `${authorization} ${authorization.slice(7)}` }],
  ["a key of another environment", { authorization: authorization.replace("trg_live", "trg_sandbox") }],
  ["the platform's own header", { "x-triggers-authorization": authorization }],
];
for (const [says, headers] of noKeys)
  test(`a request with ${says} is refused as the edge function would, before it is asked`, async () => {
    const answer = await refusalOf("POST", "/events", headers);
    assert.ok(answer !== undefined && ulidIn("req", answer.id) !== undefined);
    const thrown = await authenticate(undefined, "", {} as never).catch((error: unknown) => error);
    const expected = errorResponse(thrown, answer.id);
    assert.deepEqual(
      [answer.status, { ...answer.headers }, answer.body],
      [expected.status, expected.headers, expected.body],
    );
  });

test("every valid key passes, and a text without a key's form does not", () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...environments),
      fc.option(fc.nat(70)),
      fc.string({ minLength: 1, maxLength: 1 }),
      async (environment, at, other) => {
        const key = formatKey(environment, newKeyId(), newSecret());
        const sent = at === null ? key : key.slice(0, at) + other + key.slice(at + 1);
        const refused = (await refusalOf("GET", "/inbox", { authorization: `bearer  ${sent}` })) !== undefined;
        assert.equal(refused, parseKey(sent) === undefined);
      },
    ),
  ));

for (const method of ["GET", "POST", "OPTIONS", "HEAD"])
  for (const uri of [
    "/",
    "/health",
    "/health/",
    "/health/details",
    "/openapi.json",
    "/docs",
    "/docs/",
    "/docs/errors",
    "/docsx",
    "/links/a.b",
    "/links",
    "/events",
    "//docs",
  ])
    test(`${method} ${uri} needs a key where the edge function asks for one, and only there`, async () => {
      const path = uri.length > 1 && uri.endsWith("/") ? uri.slice(0, -1) : uri;
      assert.equal((await refusalOf(method, uri, {})) === undefined, isPublic(method, path));
    });

for (const uri of [LIVE_PATH, `${LIVE_PATH}/`])
  test(`a handshake at ${uri} passes without a key, and what is none gets an error of the API in place of API Gateway's text`, async () => {
    assert.equal(await refusalOf("GET", uri, { "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" }), undefined);
    const answer = await refusalOf("GET", uri, { authorization });
    assert.ok(answer !== undefined);
    const message = "This path opens a WebSocket: ask it by a WebSocket client.";
    const expected = errorResponse(new TriggersError("invalid_request", message), answer.id);
    assert.deepEqual(
      [answer.status, { ...answer.headers }, answer.body],
      [expected.status, expected.headers, expected.body],
    );
  });

test("two authorizations are ambiguous, so the viewer function passes on neither", () => {
  const both = { authorization: { value: "a", multiValue: [{ value: "a" }, { value: "b" }] } };
  const mark = new Function(`const cf = { kvs() {} };${code.replace(/^(\/\/|import ).*$/gm, "")};return mark`)();
  mark(both);
  assert.deepEqual(Object.keys(both), ["authorization", "x-triggers-received"]);
});

test("the edge records the time of the request, and ignores a time that the caller sends", async () => {
  const before = Date.now();
  const { received } = await after("/events", { "x-triggers-received": "1" });
  assert.ok(received >= before && received <= Date.now());
});

const paths: [says: string, sent: string, meant: string][] = [
  ["a path stays as it is", "/events/dry-run", "/events/dry-run"],
  ["a slash at the end means the same as none", "/events/", "/events"],
  ["the root is a slash", "/", "/"],
  ["only one slash is taken away", "/events//", "/events/"],
  ["an escaped slash belongs to a name", "/event-types/a%2F", "/event-types/a%2F"],
];
for (const [says, sent, meant] of paths) test(says, async () => assert.equal((await after(sent, {})).uri, meant));

const said = (region: string, from: number): string => JSON.stringify({ region, until: Date.now() + from });
const origins: [says: string, uri: string, takeover: string | undefined, originId: string | undefined][] = [
  ["events go to the home region while nobody has taken over", "/events", undefined, undefined],
  ["events go to the region that has taken over", "/events", said("eu-west-1", 60_000), "ingest-eu-west-1"],
  ["so they do by a path with a slash at its end", "/events/", said("eu-west-1", 60_000), "ingest-eu-west-1"],
  ["a takeover that was not renewed has ended", "/events", said("eu-west-1", -1), undefined],
  ["reads go to the home region, where events are", "/inbox", said("eu-west-1", 60_000), undefined],
  ["an entry that is no JSON moves nothing", "/events", "{", undefined],
];
for (const [says, uri, takeover, originId] of origins)
  test(says, async () => assert.equal((await after(uri, {}, takeover)).originId, originId));

test("the viewer function fits CloudFront's runtime: only CloudFront's import, no optional chaining, under 10 KB", () => {
  const bare = code.replace(/^\/\/.*$/gm, "").replace('import cf from "cloudfront";', "");
  assert.equal(/\bimport\b|\?\.|\?\?/.test(bare), false);
  assert.ok(code.length < 10_240);
});

test.run();
