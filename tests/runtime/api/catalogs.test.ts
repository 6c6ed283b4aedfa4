import assert from "node:assert/strict";
import { suite } from "uvu";
import { up as numberKeys } from "../../../runtime/database/migrations/0003-number-keys.ts";
import { asService } from "../../../runtime/database/roles.ts";
import { encodeIdentity, IDENTITY_HEADER, type Identity } from "../../../runtime/domain/identity/identity.ts";
import { numberKeyIn } from "../../../runtime/domain/jsonNumber.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { hostileNames } from "../../support/names.ts";
import { serve } from "../../support/service.ts";

const test = suite("event types, reference tables, retention");
let api: TestApi;
let owner: { live: Identity; sandbox: Identity; customer_id: string };
test.before(async () => {
  api = await startApi();
  owner = await api.customer();
});
test.after(() => api.close());

const call = (method: string, path: string, body?: unknown, as: Identity = owner.live) =>
  api.call(as, method, path, body);
const schemasOf = async (tenant: string) =>
  (await serve(api.deps.db, { op: "schemas", known: [{ tenant, version: -1 }] }, 0)).tenants[0]!;

test("a schema is answered with its version; a change adds one to it, the same schema again does not", async () => {
  const first = { type: "object", required: ["id"] };
  const second = { type: "object", required: ["id", "amount"] };
  const put = (schema: unknown) => call("PUT", "/event-types/order.created", schema);
  const { status, body } = await put(first);
  const { updated_at, ...rest } = body;
  assert.deepEqual([status, rest], [200, { event_type: "order.created", version: 1, schema: first }]);
  assert.equal(new Date(updated_at).toISOString(), updated_at);
  assert.equal((await put(first)).body.version, 1);
  assert.equal((await put(second)).body.version, 2);
  assert.deepEqual((await call("GET", "/event-types/order.created")).body.schema, second);
  assert.deepEqual((await call("GET", "/event-types/order.created?version=1")).body.schema, first);
  assert.equal((await call("GET", "/event-types/order.created?version=3")).status, 404);
  assert.deepEqual((await schemasOf(owner.customer_id)).schemas, [
    { event_type: "order.created", version: 2, schema_text: JSON.stringify(second) },
  ]);
});

test("ingest sees another version of the schemas after each change", async () => {
  const other = await api.customer("Other");
  const versions = [(await schemasOf(other.customer_id)).version];
  await call("PUT", "/event-types/a", true, other.live);
  versions.push((await schemasOf(other.customer_id)).version);
  await call("DELETE", "/event-types/a", undefined, other.live);
  versions.push((await schemasOf(other.customer_id)).version);
  assert.deepEqual(versions, [0, 1, 2]);
});

test("ingest asks for many tenants at once, and gets the schemas that it does not know, as far as they fit an answer", async () => {
  const others = [await api.customer("One"), await api.customer("Two"), await api.customer("Three")];
  const large = { description: "x".repeat(1_500_000) };
  for (const { live, customer_id } of others) {
    await call("PUT", "/event-types/a", true, live);
    const values = { tenant: customer_id, customer_id, event_type: "large", version: 1, is_current: true };
    const row = { ...values, schema: JSON.stringify(large), updated_at: new Date().toISOString() };
    await asService(api.deps.db, (tx) =>
      tx
        .insertInto("event_schemas")
        .values([row, { ...row, event_type: "more" }])
        .execute(),
    );
  }
  const [one, two, three] = others.map(({ customer_id }) => customer_id) as [string, string, string];
  const ask = async (known: [tenant: string, version: number][]) => {
    const request = { op: "schemas", known: known.map(([tenant, version]) => ({ tenant, version })) } as const;
    return (await serve(api.deps.db, request, 0)).tenants.map(({ tenant, version, schemas }) => [
      tenant,
      version,
      schemas?.map(({ event_type }) => event_type),
    ]);
  };
  const all = ["a", "large", "more"];
  assert.deepEqual(
    await ask([
      [one, 1],
      [two, -1],
    ]),
    [
      [one, 1, undefined],
      [two, 1, all],
    ],
  );
  assert.deepEqual(
    await ask([
      [three, -1],
      [two, -1],
      [one, 1],
    ]),
    [
      [three, 1, all],
      [one, 1, undefined],
    ],
  );
});

test("after DELETE events of the type are no longer checked; versions go on counting", async () => {
  await call("PUT", "/event-types/gone", { type: "object" });
  assert.equal((await call("DELETE", "/event-types/gone")).status, 204);
  assert.equal((await call("DELETE", "/event-types/gone")).status, 204);
  assert.equal((await call("GET", "/event-types/gone")).status, 404);
  assert.equal((await call("DELETE", "/event-types/never")).status, 404);
  assert.equal((await call("PUT", "/event-types/gone", { type: "object" })).body.version, 2);
});

test("a type may hold any character, encoded in the path", async () => {
  const { status, body } = await call("PUT", "/event-types/a%2Fb%20%C3%A9%25", true);
  assert.deepEqual([status, body.event_type], [200, "a/b é%"]);
  assert.equal((await call("GET", "/event-types/a%2Fb%20%C3%A9%25")).status, 200);
  // As a Function URL may pass it on, decoded.
  assert.equal((await call("GET", "/event-types/a/b é%25")).body.event_type, "a/b é%");
  assert.equal((await call("POST", "/event-types/a/b", {})).status, 405);
  assert.equal((await call("PUT", `/event-types/${"😀".repeat(256)}`, true)).status, 200);
  for (const bad of ["x".repeat(257), "order.*", "*", "order.**"]) {
    const { status, body } = await call("PUT", `/event-types/${bad}`, true);
    assert.deepEqual([status, body.error.code, body.error.details[0].path], [400, "invalid_request", "/type"], bad);
  }
});

test("a type may be called as a route is, which goes on to work", async () => {
  assert.equal((await call("PUT", "/event-types/rehearse", { type: "object" })).body.event_type, "rehearse");
  assert.equal((await call("GET", "/event-types/rehearse")).body.version, 1);
  const tried = await call("POST", "/event-types/rehearse", { event_type: "rehearse", schema: true });
  assert.deepEqual([tried.status, tried.body.examined], [200, 0]);
  const patched = await call("PATCH", "/event-types/rehearse", {});
  assert.deepEqual([patched.status, patched.headers.get("allow")], [405, "DELETE, GET, HEAD, OPTIONS, POST, PUT"]);
  assert.equal((await call("DELETE", "/event-types/rehearse")).status, 204);
});

const noSchemas: [says: string, schema: unknown, path: string][] = [
  ["an unknown type", { type: "objekt" }, "/type"],
  ["a remote $ref", { $ref: "https://example.com/schema.json" }, ""],
  ["an enum that is no list", { enum: "x" }, "/enum"],
  ["another dialect", { $schema: "http://json-schema.org/draft-07/schema#" }, "/$schema"],
  ["a bound that is no number", { properties: { a: { minimum: "1" } } }, "/properties/a/minimum"],
  ["an invalid pattern", { pattern: "(" }, ""],
  ["a schema in a member of that name", { schema: { type: "object" } }, "/schema"],
];
for (const [says, schema, path] of noSchemas) {
  test(`${says} is 422 invalid_schema, with the place`, async () => {
    const { status, body } = await call("PUT", "/event-types/bad", schema);
    assert.deepEqual([status, body.error.code, body.error.details[0].path], [422, "invalid_schema", path]);
  });
}

test("a body that is not a JSON Schema is 400", async () => {
  assert.equal((await call("PUT", "/event-types/bad", [])).status, 400);
  assert.equal((await call("PUT", "/event-types/bad", "1")).status, 400);
});

test("event types are listed by name, page by page, those of the key's environment", async () => {
  const other = await api.customer("Other");
  for (const type of ["b", "a", "C", "é", "z.1"])
    await call("PUT", `/event-types/${encodeURIComponent(type)}`, true, other.live);
  await call("PUT", "/event-types/sandboxed", true, other.sandbox);
  const names: string[] = [];
  let cursor = "";
  do {
    const { body } = await call("GET", `/event-types?limit=2${cursor}`, undefined, other.live);
    names.push(...body.event_types.map((each: { event_type: string }) => each.event_type));
    cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
  } while (cursor !== "");
  assert.deepEqual(names, ["C", "a", "b", "z.1", "é"]);
});

test("a reference table is replaced whole, versioned, read back and served by key", async () => {
  const rows = { "sku-1": { name: "Lamp", price: 9.5 }, "sku-2": { name: "Desk", tags: ["a", null] } };
  const first = await call("PUT", "/reference-tables/products", { rows });
  assert.deepEqual([first.status, first.body.name, first.body.version, first.body.row_count], [200, "products", 1, 2]);
  const read = await call("GET", "/reference-tables/products");
  assert.deepEqual(read.body, { ...first.body, rows });
  const second = await call("PUT", "/reference-tables/products", { rows: { "sku-3": { name: "Chair" } } });
  assert.deepEqual([second.body.version, second.body.row_count], [2, 1]);
  const keys = ["sku-1", "sku-3"];
  assert.deepEqual(
    await serve(api.deps.db, { op: "reference", tenant: owner.customer_id, table: "products", keys }, 0),
    {
      version: 2,
      rows: [["sku-3", '{"name":"Chair"}']],
    },
  );
});

test("the numbers of a row keep their digits, where it is read and where it is served", async () => {
  const row = '{ "price": 1.50, "ean": 12345678901234567890, "e": 1E5 }';
  const put = await call("PUT", "/reference-tables/digits", `\ufeff{ "rows": { "a": ${row} } }`);
  assert.equal(put.status, 200);
  const read = await api.app.request("/reference-tables/digits", {
    headers: { [IDENTITY_HEADER]: encodeIdentity(owner.live) },
  });
  assert.equal(read.headers.get("content-type"), "application/json");
  assert.ok((await read.text()).endsWith(`"rows":{"a":${row}}}`));
  assert.deepEqual(
    await serve(api.deps.db, { op: "reference", tenant: owner.customer_id, table: "digits", keys: ["a"] }, 0),
    { version: 1, rows: [["a", row]] },
  );
});

/** What enrichment finds by this number. */
const served = async (table: string, number: string) =>
  serve(
    api.deps.db,
    { op: "reference", tenant: owner.customer_id, table, keys: [number], number_keys: [numberKeyIn(number)!] },
    0,
  ).then(({ rows }) => rows.map(([key]) => key));

test("a row whose key is a number is found by its value, before and after the key had one", async () => {
  const keys = ["1.5", "1.50", "15e-1", "-0", "0.0", "9007199254740992", "9007199254740993", "1e400", "01", "1.", "x"];
  const rows = Object.fromEntries(keys.map((key) => [key, {}]));
  const wanted: [number: string, keys: string[]][] = [
    ["1.500", ["1.5", "1.50", "15e-1"]],
    ["0", ["-0", "0.0"]],
    ["9007199254740993.0", ["9007199254740993"]],
    ["10e399", ["1e400"]],
    ["1", []],
  ];
  await call("PUT", "/reference-tables/numbers", { rows });
  for (const [number, found] of wanted) assert.deepEqual(await served("numbers", number), found, number);
  // As rows are that were put before: the migration gives them what they lack.
  const { raw } = api.database;
  const { rows: before } = await raw.query(
    "select key, number_key from reference_rows where name = 'numbers' order by key",
  );
  await raw.exec("drop index reference_rows_number; alter table reference_rows drop column number_key");
  await numberKeys(api.deps.db as never);
  const { rows: after } = await raw.query(
    "select key, number_key from reference_rows where name = 'numbers' order by key",
  );
  assert.deepEqual(after, before);
});

for (const name of hostileNames.filter((name) => name.trim() !== "" && name.isWellFormed())) {
  test(`${JSON.stringify(name)} can be a row, a member of one, an event type and a member in its schema`, async () => {
    const named = (value: unknown) => `{${JSON.stringify(name)}:${JSON.stringify(value)}}`;
    const put = await call("PUT", "/reference-tables/names", `{"rows":${named({ a: 1.5 })}}`);
    assert.deepEqual([put.status, put.body.row_count], [200, 1]);
    const get = await api.app.request("/reference-tables/names", {
      headers: { [IDENTITY_HEADER]: encodeIdentity(owner.live) },
    });
    assert.ok((await get.text()).endsWith(`"rows":${named({ a: 1.5 })}}`));
    const { rows } = await serve(
      api.deps.db,
      { op: "reference", tenant: owner.customer_id, table: "names", keys: [name] },
      0,
    );
    assert.deepEqual(rows, [[name, '{"a":1.5}']]);
    const refused = await call("PUT", "/reference-tables/names", `{"rows":${named(5)}}`);
    assert.deepEqual([refused.status, refused.body.error.code], [400, "invalid_request"]);
    const schema = `{"properties":${named({ type: "string" })}}`;
    const path = `/event-types/t-${encodeURIComponent(name)}-t`;
    assert.equal((await call("PUT", path, schema)).status, 200);
    const dry = await call(
      "POST",
      "/events/dry-run",
      `{"event_type":${JSON.stringify(`t-${name}-t`)},${named(5).slice(1)}`,
    );
    assert.equal(dry.body.results[0].errors.length, 1);
  });
}

test("a schema is read back as it was put, with the digits of its numbers", async () => {
  const schema = '{ "maximum": 9007199254740993, "multipleOf": 0.10, "const": 1E2 }';
  const headers = { [IDENTITY_HEADER]: encodeIdentity(owner.live), "content-type": "application/json" };
  const read = async (path: string, init: RequestInit = {}) =>
    (await api.app.request(path, { headers, ...init })).text();
  const put = await read("/event-types/digits", { method: "PUT", body: schema });
  assert.ok(put.startsWith(`{"event_type":"digits","version":1,"schema":${schema},`), put);
  assert.equal(await read("/event-types/digits"), put);
  assert.ok((await read("/event-types?limit=1000")).includes(put));
  // Other spaces are the same schema, other digits are not.
  assert.equal(
    JSON.parse(await read("/event-types/digits", { method: "PUT", body: schema.replaceAll(" ", "") })).version,
    1,
  );
  assert.equal(
    JSON.parse(await read("/event-types/digits", { method: "PUT", body: schema.replace("0.10", "0.1") })).version,
    2,
  );
});

test("a deleted reference table is gone, deleting it again is 204, deleting an unknown one 404", async () => {
  await call("PUT", "/reference-tables/old", { rows: { a: {} } });
  assert.equal((await call("DELETE", "/reference-tables/old")).status, 204);
  assert.equal((await call("DELETE", "/reference-tables/old")).status, 204);
  assert.equal((await call("GET", "/reference-tables/old")).status, 404);
  assert.equal((await call("DELETE", "/reference-tables/never")).status, 404);
  assert.equal((await call("PUT", "/reference-tables/old", { rows: {} })).body.version, 2);
});

test("a reference table is bounded in rows and in the size of a row", async () => {
  const many = Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`k${i}`, {}]));
  const wide = { wide: { text: "x".repeat(16_384) } };
  for (const rows of [many, wide]) {
    const { status, body } = await call("PUT", "/reference-tables/big", { rows });
    assert.deepEqual([status, body.error.code], [422, "unprocessable"]);
  }
  const fits = Object.fromEntries(Object.entries(many).slice(1));
  assert.equal((await call("PUT", "/reference-tables/big", { rows: fits })).body.row_count, 10_000);
});

test("a malformed table is 400: rows missing, a row that is not an object, an unknown member", async () => {
  for (const body of [{}, { rows: { a: 1 } }, { rows: {}, ttl: 1 }]) {
    assert.equal((await call("PUT", "/reference-tables/bad", body)).status, 400);
  }
});

test("reference tables and event types of another customer, or the other environment, are 404", async () => {
  const other = await api.customer("Other");
  await call("PUT", "/reference-tables/mine", { rows: {} }, other.live);
  await call("PUT", "/event-types/mine", true, other.live);
  for (const stranger of [other.sandbox, owner.live]) {
    for (const path of ["/reference-tables/mine", "/event-types/mine"]) {
      for (const method of ["GET", "DELETE"]) {
        assert.equal((await call(method, path, undefined, stranger)).status, 404, `${method} ${path}`);
      }
    }
  }
  assert.equal((await call("GET", "/event-types/mine", undefined, other.live)).status, 200);
});

test("numbers are kept for ever until the customer says for how many days", async () => {
  const keeper = (await api.customer("Keeper")).live;
  const put = (body: object) => call("PUT", "/retention", body, keeper);
  assert.deepEqual((await put({ days: 90, metrics_days: 500 })).body, { days: 90, metrics_days: 500 });
  assert.deepEqual((await put({ days: 91 })).body, { days: 91, metrics_days: 500 });
  const { answer } = { answer: await serve(api.deps.db, { op: "customers" }, 0) };
  assert.equal(answer.metrics_days?.[keeper.customer_id], 500);
  assert.deepEqual((await put({ days: 91, metrics_days: null })).body, { days: 91 });
  assert.equal((await put({ days: 91, metrics_days: 0 })).status, 400);
});

test("retention is the customer's, 90 days until it is set, and routing hears of a change", async () => {
  const other = await api.customer("Other");
  assert.deepEqual((await call("GET", "/retention", undefined, other.live)).body, { days: 90 });
  assert.deepEqual((await call("PUT", "/retention", { days: 30 }, other.live)).body, { days: 30 });
  assert.deepEqual((await call("GET", "/retention", undefined, other.sandbox)).body, { days: 30 });
  const tenants = [other.customer_id, `${other.customer_id}.sandbox`];
  assert.deepEqual((await serve(api.deps.db, { op: "retention", tenants }, 0)).days, {
    [tenants[0]!]: 30,
    [tenants[1]!]: 30,
  });
  assert.deepEqual((await serve(api.deps.db, { op: "versions", tenants }, 0)).versions, {
    [tenants[0]!]: 1,
    [tenants[1]!]: 1,
  });
  const { retention_days } = await serve(api.deps.db, { op: "snapshot", tenant: tenants[0]! }, 0);
  assert.equal(retention_days, 30);
});

test("retention is 1 to 3,650 whole days, and needs the scope `admin`", async () => {
  for (const days of [0, 3_651, 1.5, "30", null]) assert.equal((await call("PUT", "/retention", { days })).status, 400);
  const weak: Identity = { ...owner.live, scopes: ["subscriptions", "keys"] };
  assert.equal((await call("GET", "/retention", undefined, weak)).status, 403);
  assert.equal((await call("PUT", "/retention", { days: 1 }, weak)).status, 403);
});

test.run();
