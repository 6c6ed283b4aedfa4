import assert from "node:assert/strict";
import { suite } from "uvu";
import { buildApp } from "../../../runtime/api/app.ts";
import type { Deps } from "../../../runtime/api/deps.ts";
import { errorCatalog } from "../../../runtime/domain/errors/errors.ts";

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

test("every operation but the public ones needs a key, and says what it answers without one", () => {
  const open = operations.filter(({ operation }) => operation.security.length === 0).map(({ name }) => name);
  assert.deepEqual(open.sort(), [
    "GET /",
    "GET /docs",
    "GET /docs/answers/{status}",
    "GET /docs/errors",
    "GET /docs/roles",
    "GET /health",
    "GET /links/{token}",
    "GET /openapi.json",
    "GET /status",
    "POST /links/{token}",
  ]);
  for (const { name, operation } of operations) {
    assert.equal("401" in operation.responses, operation.security.length > 0, name);
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

test("the reference is one page that loads nothing and holds no script", async () => {
  const response = await app.request("/docs");
  const html = await response.text();
  assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  assert.doesNotMatch(html, /<script|<link|<img|src=|url\(/);
  for (const { name } of operations) assert.ok(html.includes(`<code>${name.split(" ")[1]}</code>`), name);
});

test("the error page has every code at its anchor, where `docs` of an error points", async () => {
  const html = await (await app.request("/docs/errors")).text();
  for (const [code, { status }] of Object.entries(errorCatalog)) {
    assert.ok(html.includes(`<section id="${code}"><h3><code>${code}</code> · ${status}</h3>`), code);
  }
});

test.run();
