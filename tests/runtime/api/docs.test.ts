import assert from "node:assert/strict";
import Ajv2020 from "ajv/dist/2020.js";
import { suite } from "uvu";
import { buildApp } from "../../../runtime/api/app.ts";
import { bodyExamples } from "../../../runtime/api/bodyExamples.ts";
import type { Deps } from "../../../runtime/api/deps.ts";

const test = suite("docs");
const app = buildApp({ env: {}, now: Date.now, log: () => undefined } as unknown as Deps);
type Json = Record<string, unknown>;
const document = (await (await app.request("/openapi.json")).json()) as {
  openapi: string;
  paths: Record<string, Record<string, { responses: Record<string, Json>; security: unknown[]; requestBody?: Json }>>;
  components: { schemas: Record<string, Json> };
};
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
);

test("every route that is served is documented, and POST /events which ingest serves", () => {
  const served = app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{\.\+\})?/g, "{$1}")}`);
  assert.deepEqual(operations.map(({ name }) => name).sort(), [...new Set([...served, "POST /events"])].sort());
});

test("every reference inside the document leads somewhere", () => {
  const refs = new Set(
    [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map((m) => m[1]!),
  );
  assert.deepEqual(
    [...refs].filter((name) => document.components.schemas[name] === undefined),
    [],
  );
});

test("every operation except the public ones needs a key, and documents its answer without one", () => {
  const open = operations.filter(({ operation }) => operation.security.length === 0).map(({ name }) => name);
  assert.deepEqual(open.sort(), [
    "GET /",
    "GET /docs/answers/{status}",
    "GET /health",
    "GET /links/{token}",
    "GET /openapi.json",
    "POST /links/{token}",
  ]);
  for (const { name, operation } of operations) {
    for (const refusal of ["401", "429"])
      assert.equal(refusal in operation.responses, operation.security.length > 0, name);
  }
  // The status tells figures to a key, and its states to everybody.
  assert.deepEqual(document.paths["/status"]!.get!.security, [{}, { api_key: [] }]);
});

test("a call that can answer a table says so", () => {
  const tables = operations.filter(({ operation }) => JSON.stringify(operation.responses).includes('"text/csv"'));
  assert.deepEqual(
    tables.map(({ name }) => name),
    ["GET /usage", "GET /metrics"],
  );
});

test("a missing page of the documentation is 404 with a page of links; a missing text is 404 as text", async () => {
  const page = await app.request("/docs/no-such-%3Cpage%3E/index.html");
  const shown = await page.text();
  assert.deepEqual([page.status, page.headers.get("content-type")], [404, "text/html; charset=utf-8"]);
  assert.match(page.headers.get("x-request-id") ?? "", /^req_/);
  assert.match(shown, /<h1>This page is not there<\/h1>/);
  assert.ok(shown.includes("<code>/docs/no-such-%3Cpage%3E/</code>") || shown.includes("/docs/no-such-&lt;page&gt;/"));
  for (const [, target] of shown.matchAll(/(?:href|action)="([^"]+)"/g)) assert.match(target!, /^\/docs\//);
  const text = await app.request("/docs/no-such-page.md");
  assert.deepEqual([text.status, text.headers.get("content-type")], [404, "text/markdown; charset=utf-8"]);
  assert.match(await text.text(), /^# This page is not there\n/);
});

test("a path that is not a page is an error in the error format", async () => {
  const head = { "x-triggers-request-id": "req_01M88FFK1QVXXRB524PVS8B7M0" };
  for (const path of ["/docs/answers/418", "/health/none"]) {
    const answer = await app.request(path, { headers: head });
    assert.equal(
      ((await answer.json()) as { error: { request_id: string } }).error.request_id,
      head["x-triggers-request-id"],
    );
  }
});

test("the edge's own answers are in the format of errors, and those of a failure say when to come back", async () => {
  const head = { "x-triggers-request-id": "req_01M88FFK1QVXXRB524PVS8B7M0" };
  for (const [status, code, retryAfter] of [
    [414, "uri_too_long", null],
    [502, "bad_gateway", "1"],
    [504, "gateway_timeout", "1"],
  ]) {
    const answer = await app.request(`/docs/answers/${status}`, { headers: head });
    const { error } = (await answer.json()) as { error: { code: string; request_id: string } };
    assert.deepEqual([error.code, error.request_id], [code, head["x-triggers-request-id"]]);
    assert.deepEqual(
      [answer.headers.get("retry-after"), answer.headers.get("x-request-id")],
      [retryAfter, head["x-triggers-request-id"]],
    );
  }
});

test("every body is refused when a member is unknown, unless its members are the customer's own", () => {
  const loose = operations.flatMap(({ name, operation }) => {
    const content = operation.requestBody?.content as Record<string, { schema: Json }> | undefined;
    const schema = content?.["application/json"]?.schema;
    if (schema === undefined) return [];
    const target =
      typeof schema.$ref === "string" ? document.components.schemas[schema.$ref.split("/").at(-1)!]! : schema;
    return target.additionalProperties === false ? [] : [name];
  });
  for (const expected of ["POST /events", "PUT /event-types/{type}"]) assert.ok(loose.includes(expected), expected);
  const mine = loose.filter((name) => !/events|inbox|deliver|replay|dead|privacy|rehearse|backlog/.test(name));
  assert.deepEqual(mine, ["PUT /event-types/{type}"]);
});

test("every body has an example that fits its schema, and every example belongs to a call", () => {
  const ajv = new Ajv2020.default({ strict: false, validateFormats: false });
  for (const [name, schema] of Object.entries(document.components.schemas))
    ajv.addSchema(schema, `#/components/schemas/${name}`);
  const withBody = operations.filter(({ operation }) => operation.requestBody !== undefined);
  for (const { name, operation } of withBody) {
    const content = operation.requestBody!.content as Record<string, { schema: Json; example?: unknown }>;
    const { schema, example } = content["application/json"]!;
    assert.notEqual(example, undefined, name);
    assert.ok(ajv.validate(schema, example), `${name}: ${ajv.errorsText()}`);
  }
  assert.deepEqual(Object.keys(bodyExamples).sort(), withBody.map(({ name }) => name).sort());
});

test.run();
