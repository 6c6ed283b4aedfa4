import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { suite } from "uvu";
import { parseKey } from "../../../runtime/domain/identity/apiKey.ts";
import { scopes } from "../../../runtime/domain/identity/identity.ts";
import { decodeKeyRecord } from "../../../runtime/domain/identity/keyRecord.ts";
import { noteUse } from "../../../runtime/keys/keysTable.ts";
import { operator, startApi, type TestApi } from "../../support/api.ts";
import { serve } from "../../support/service.ts";

const test = suite("customers");
let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after(() => api.close());

const recordOf = async (keyId: string) =>
  decodeKeyRecord(
    (await api.deps.dynamodb.send(new GetItemCommand({ TableName: "keys", Key: { key_id: { S: keyId } } }))).Item!,
  );

test("a new customer gets a live and a sandbox key with every scope", async () => {
  const { status, body } = await api.call(operator, "POST", "/customers", { name: "Acme" });
  const { customer_id, api_key, sandbox_key, created_at, ...rest } = body;
  assert.equal(status, 201);
  assert.deepEqual(rest, { name: "Acme", limit_per_second: 1_000, status: "active" });
  const [live, sandbox] = [parseKey(api_key)!, parseKey(sandbox_key)!];
  assert.deepEqual([live.environment, sandbox.environment], ["live", "sandbox"]);
  const record = await recordOf(live.key_id);
  assert.deepEqual([record.customer_id, [...record.scopes].sort()], [customer_id, [...scopes].sort()]);
  const read = await api.call(operator, "GET", `/customers/${customer_id}`);
  assert.deepEqual(read.body, { customer_id, created_at, ...rest });
});

test("only the operator administers customers", async () => {
  const { live, customer_id } = await api.customer();
  for (const [method, path, body] of [
    ["POST", "/customers", { name: "Mine" }],
    ["GET", `/customers/${customer_id}`, undefined],
    ["GET", "/customers/figures", undefined],
    ["PATCH", `/customers/${customer_id}`, { limit_per_second: 5 }],
    ["DELETE", `/customers/${customer_id}`, undefined],
  ] as const) {
    const answer = await api.call(live, method, path, body);
    assert.deepEqual([method, answer.status], [method, 403]);
  }
});

test("the operator sees the traffic, the limit and the unused keys of each customer", async () => {
  const { customer_id, live, sandbox } = await api.customer();
  await noteUse({ dynamodb: api.deps.dynamodb, name: "keys" }, live.key_id, Date.now());
  const figures: Record<string, unknown>[] = [];
  for (let cursor = ""; ; ) {
    const { status, body } = await api.call(operator, "GET", `/customers/figures?last=1h&limit=2${cursor}`);
    assert.equal(status, 200);
    figures.push(...body.customers);
    if (body.next_cursor === null) break;
    cursor = `&cursor=${body.next_cursor}`;
  }
  const { name, unused_keys, ...ours } = figures.find((each) => each.customer_id === customer_id)!;
  assert.deepEqual(ours, {
    customer_id,
    limit_per_second: 1_000,
    requests: 0,
    events: 0,
    refused: 0,
    delivered: 0,
    failed: 0,
    dead_lettered: 0,
    delivery_success_rate: null,
    limit_use: 0,
    keys: 2,
    keys_never_used: 1,
  });
  assert.deepEqual(
    (unused_keys as { key_id: string; environment: string }[]).map(({ key_id, environment }) => [key_id, environment]),
    [[sandbox.key_id, "sandbox"]],
  );
});

test("a deleted customer is 404, its keys revoked, its subscriptions removed in a new version", async () => {
  const { live, customer_id } = await api.customer();
  const made = await api.call(live, "POST", "/subscriptions", {
    webhook_url: "https://example.com/hook",
    event_selector: "order.*",
  });
  const version = async () => (await serve(api.deps.db, { op: "versions", tenants: [customer_id] }, 0)).versions;
  const before = await version();
  assert.equal((await api.call(operator, "DELETE", `/customers/${customer_id}`)).status, 204);
  assert.equal((await api.call(operator, "DELETE", `/customers/${customer_id}`)).status, 204);
  assert.equal((await api.call(operator, "GET", `/customers/${customer_id}`)).status, 404);
  assert.equal((await recordOf(live.key_id)).status, "revoked");
  assert.deepEqual(await version(), { [customer_id]: before[customer_id]! + 1 });
  const { targets } = await serve(
    api.deps.db,
    { op: "targets", wanted: [{ tenant: customer_id, subscription_id: made.body.subscription_id }] },
    0,
  );
  assert.deepEqual(
    targets.map(({ status, version }) => [status, version]),
    [["removed", 2]],
  );
  const { subscriptions } = await serve(api.deps.db, { op: "snapshot", tenant: customer_id }, 0);
  assert.deepEqual(subscriptions, []);
});

test("deleting a customer erases its events, those too that a key brings in until every edge knows, and takes its catalogs", async () => {
  const sent: { MessageBody: string; DelaySeconds: number }[] = [];
  const sqs = { send: async ({ input }: { input: (typeof sent)[number] }) => sent.push(input) };
  const own = await startApi({ sqs: sqs as never });
  try {
    const { live, customer_id } = await own.customer();
    await own.call(live, "PUT", "/reference-tables/people", { rows: { ada: { email: "ada@example.com" } } });
    await own.call(live, "PUT", "/event-types/person", { type: "object" });
    sent.length = 0;
    assert.equal((await own.call(operator, "DELETE", `/customers/${customer_id}`)).status, 204);
    assert.equal((await own.call(operator, "DELETE", `/customers/${customer_id}`)).status, 204);
    const { rows } = await own.database.raw.query<{ job_id: string; kind: string; request: unknown; created_at: Date }>(
      `select job_id, kind, request, created_at from jobs where customer_id = '${customer_id}'`,
    );
    assert.deepEqual(
      rows.map(({ kind, request }) => [kind, request]),
      [["erasure", { all: true }]],
    );
    assert.ok(
      rows[0]!.created_at.getTime() > own.deps.now() + 60_000,
      "what keys bring in meanwhile is erased as well",
    );
    assert.deepEqual(
      sent.map(({ MessageBody, DelaySeconds }) => [MessageBody.includes(rows[0]!.job_id), DelaySeconds]),
      [[true, 75]],
    );
    for (const table of ["reference_rows", "event_schemas"]) {
      const left = await own.database.raw.query(`select * from ${table} where customer_id = '${customer_id}'`);
      assert.deepEqual(left.rows, [], table);
    }
  } finally {
    await own.close();
  }
});

test("an erased person is remembered by an HMAC under a key of the customer's, which goes once all is erased", async () => {
  const { live, customer_id } = await api.customer("Forgets");
  const email = "ada@example.com";
  const ask = async (body: object) => (await api.call(live, "POST", "/privacy/erasures", body)).body;
  const one = await ask({ subject: { jsonpath: "$.email", equals: email } });
  const two = await ask({ subject: { jsonpath: "$.email", equals: email } });
  assert.match(one.scope.subject.equals_hmac, /^[0-9a-f]{64}$/);
  assert.equal(one.scope.subject.equals_hmac, two.scope.subject.equals_hmac);
  const stored = await Promise.all(
    ["jobs", "audit_log", "customers"].map((table) => api.database.raw.query(`select * from ${table}`)),
  );
  const text = JSON.stringify(stored.map(({ rows }) => rows));
  for (const guess of [email, createHash("sha256").update(email).digest("hex")])
    assert.equal(text.includes(guess), false);

  const known = async () =>
    (await serve(api.deps.db, { op: "snapshot", tenant: customer_id }, api.deps.now())).erasures!.flatMap(
      ({ subject }) => subject ?? [],
    );
  const [subject] = await known();
  assert.equal(
    createHmac("sha256", Buffer.from(subject!.key!, "base64")).update(email).digest("hex"),
    subject!.equals_hmac,
  );
  assert.equal(text.includes(subject!.key!), false);

  const other = await api.customer("Another");
  const theirs = await api.call(other.live, "POST", "/privacy/erasures", {
    subject: { jsonpath: "$.email", equals: email },
  });
  assert.notEqual(theirs.body.scope.subject.equals_hmac, one.scope.subject.equals_hmac);

  const all = await ask({ all: true, confirm: customer_id });
  const done = { op: "job_save", job_id: all.request_id, status: "succeeded" } as const;
  assert.deepEqual(await serve(api.deps.db, done, api.deps.now()), { saved: true, status: "succeeded" });
  assert.deepEqual(
    (await known()).map(({ key }) => key),
    [undefined, undefined],
  );
  const after = await ask({ subject: { jsonpath: "$.email", equals: email } });
  assert.notEqual(after.scope.subject.equals_hmac, one.scope.subject.equals_hmac);
});

test("an erasure can name a person by a number that no double holds, and equal values name the same person", async () => {
  const { live } = await api.customer("Large");
  const ask = async (equals: string) => {
    const body = `{"subject":{"jsonpath":"$.id","equals":${equals}}}`;
    const answer = await api.call(live, "POST", "/privacy/erasures", body);
    assert.equal(answer.status, 202, equals);
    return answer.body.scope.subject.equals_hmac;
  };
  assert.equal(await ask("1e400"), await ask("10E399"));
  assert.notEqual(await ask("1e400"), await ask("1e401"));
  assert.notEqual(await ask("9007199254740993"), await ask("9007199254740992"));
});

test("an erasure without a value, and one by an object, are told which values there may be", async () => {
  const { live } = await api.customer("Without");
  const told = async (subject: object) =>
    (await api.call(live, "POST", "/privacy/erasures", { subject })).body.error.details;
  assert.deepEqual(
    [await told({ jsonpath: "$.id" }), await told({ jsonpath: "$.id", equals: {} })],
    [
      [{ path: "/subject/equals", message: "is required" }],
      [{ path: "/subject/equals", message: "must be a string or a number or true or false" }],
    ],
  );
});

test("an erasure by a path that selects everything needs the customer's id", async () => {
  const { live, customer_id } = await api.customer("Wide");
  for (const jsonpath of ["$..*", "$.a..[*]"]) {
    const body = { subject: { jsonpath, equals: true } };
    const refused = await api.call(live, "POST", "/privacy/erasures", body);
    assert.deepEqual(
      [refused.status, refused.body.error.details],
      [400, [{ path: "/confirm", message: "a path that leads everywhere needs the customer's id" }]],
    );
    assert.equal((await api.call(live, "POST", "/privacy/erasures", { ...body, confirm: customer_id })).status, 202);
    assert.equal((await api.call(live, "POST", "/privacy/exports", body)).status, 202);
  }
});

test("a key of a deleted customer, still known to an edge, makes no new key", async () => {
  const { live, customer_id } = await api.customer();
  await api.call(operator, "DELETE", `/customers/${customer_id}`);
  const answer = await api.call(live, "POST", "/keys", {});
  assert.deepEqual([answer.status, answer.body.error.message], [403, "The customer no longer exists."]);
});

test("an unknown customer is 404", async () => {
  const path = "/customers/cus_01ARZ3NDEKTSV4RRFFQ69G5FAV";
  assert.equal((await api.call(operator, "GET", path)).status, 404);
  assert.equal((await api.call(operator, "PATCH", path, { name: "x" })).status, 404);
  assert.equal((await api.call(operator, "DELETE", path)).status, 404);
});

test.run();
