import assert from "node:assert/strict";
import { suite } from "uvu";
import { readLog, verdict } from "../../../operations/auditVerify.ts";
import type { AuditEntry } from "../../../runtime/domain/auditChain.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { operator, startApi, type TestApi } from "../../support/api.ts";
import { serve } from "../../support/service.ts";

const test = suite("audit");
let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after(() => api.close());

/** The whole log through the API, as `npm run audit:verify` reads it. */
const logOf = (as: Identity) => readLog((path) => api.call(as, "GET", path), 4);

/** A customer with some history: 6 entries. */
async function historian() {
  const customer = await api.customer("Historian");
  const { body } = await api.call(customer.live, "POST", "/subscriptions", {
    webhook_url: "https://example.com/h",
    event_selector: "a",
    headers: { "x-token": "s3cret" },
  });
  const path = `/subscriptions/${body.subscription_id}`;
  await api.call(customer.live, "PATCH", path, { max_batch: 5 });
  await api.call({ ...customer.live, scopes: ["events:read"] }, "DELETE", path);
  await api.call(customer.live, "PUT", "/retention", { days: 10 });
  await api.call(customer.live, "DELETE", path);
  return { ...customer, subscription_id: body.subscription_id };
}

test("the log can be read from any entry on, by its number", async () => {
  const { live } = await historian();
  const read = async (query: string) => {
    const { status, body } = await api.call(live, "GET", `/audit?${query}`);
    return [status, body.audit?.map(({ seq }: AuditEntry) => seq), body.next_cursor] as const;
  };
  const [status, seqs, next] = await read("from_seq=4&limit=2");
  assert.deepEqual([status, seqs], [200, [4, 3]]);
  assert.deepEqual(await read(`from_seq=4&limit=2&cursor=${next}`), [200, [2, 1], null]);
  assert.deepEqual(await read("from_seq=1"), [200, [1], null]);
  assert.deepEqual((await read("from_seq=1000000"))[1], [6, 5, 4, 3, 2, 1]);
  for (const none of ["0", "-1", "1.5", "first", ""]) assert.equal((await read(`from_seq=${none}`))[0], 400);
});

test("the log can be read for one object alone, page by page", async () => {
  const { live, subscription_id } = await historian();
  const read = async (query: string) => {
    const { status, body } = await api.call(live, "GET", `/audit?${query}`);
    return [status, body.audit?.map(({ action }: AuditEntry) => action), body.next_cursor] as const;
  };
  const all = ["subscription.delete", "subscription.delete", "subscription.update", "subscription.create"];
  assert.deepEqual(await read(`object=${subscription_id}`), [200, all, null]);
  const [status, newest, next] = await read(`object=${subscription_id}&limit=3`);
  assert.deepEqual([status, newest], [200, all.slice(0, 3)]);
  assert.deepEqual(await read(`object=${subscription_id}&limit=3&cursor=${next}`), [200, all.slice(3), null]);
  for (const other of ["", "object=sub_unknown&"]) assert.equal((await read(`${other}limit=3&cursor=${next}`))[0], 400);
  assert.deepEqual(await read("object=sub_unknown"), [200, [], null]);
  assert.equal((await read("object="))[0], 400);
});

test("each change tells who, what, when, from where, and how it ended; so do refusals", async () => {
  const { live, customer_id, subscription_id } = await historian();
  const { entries } = await logOf(live);
  const by = (identity: Identity) => ({ type: "key", key_id: identity.key_id, name: identity.key_name });
  assert.deepEqual(
    entries.map(({ seq, actor, action, object, source_ip, outcome }) => [
      seq,
      actor,
      action,
      object,
      source_ip,
      outcome,
    ]),
    [
      [
        1,
        { type: "operator", key_id: operator.key_id, name: "operator" },
        "customer.create",
        customer_id,
        "203.0.113.9",
        "ok",
      ],
      [2, by(live), "subscription.create", subscription_id, "198.51.100.7", "ok"],
      [3, by(live), "subscription.update", subscription_id, "198.51.100.7", "ok"],
      [4, by(live), "subscription.delete", subscription_id, "198.51.100.7", "forbidden"],
      [5, by(live), "retention.update", customer_id, "198.51.100.7", "ok"],
      [6, by(live), "subscription.delete", subscription_id, "198.51.100.7", "ok"],
    ],
  );
  for (const { at } of entries) assert.equal(new Date(at).toISOString(), at);
});

test("the audit log holds no secret", async () => {
  const { live } = await historian();
  await api.call(live, "POST", "/keys", {});
  const text = JSON.stringify((await logOf(live)).entries);
  assert.doesNotMatch(text, /s3cret|whsec_|trg_live/);
});

test("a repeated change without effect has no second entry", async () => {
  const { live, subscription_id } = await historian();
  const before = (await logOf(live)).entries.length;
  await api.call(live, "DELETE", `/subscriptions/${subscription_id}`);
  await api.call(live, "PUT", "/retention", { days: 10 });
  assert.equal((await logOf(live)).entries.length, before);
});

test("changes by the platform have entries too", async () => {
  const { live, customer_id } = await historian();
  const { body } = await api.call(live, "POST", "/subscriptions", {
    webhook_url: "https://example.com/p",
    event_selector: "a",
  });
  const subject = { tenant: customer_id, subscription_id: body.subscription_id };
  await serve(api.deps.db, { op: "remove", ...subject, reason: "gone" }, api.deps.now());
  const { entries } = await logOf(live);
  const { actor, action, object, details } = entries.at(-1)!;
  assert.deepEqual(
    [actor, action, object, details],
    [{ type: "platform", name: "deliver" }, "subscription.remove", body.subscription_id, { reason: "gone" }],
  );
});

test("the chain of one customer is whole while many write at once", async () => {
  const { live, sandbox } = await historian();
  // A busy machine answers 503 to who waits too long for the chain's end. That change left nothing, so it is sent again.
  let waiting = Array.from({ length: 30 }, (_, i) => i);
  for (let round = 0; waiting.length > 0; round += 1) {
    assert.ok(round < 30, `still refused: ${waiting.join(", ")}`);
    const statuses = await Promise.all(
      waiting.map(async (i) => {
        const key = i % 2 === 0 ? live : sandbox;
        const { status } = await api.call(key, "PUT", `/event-types/t${i}`, { type: "object" });
        assert.ok(status === 200 || status === 503, `status ${status}`);
        return status;
      }),
    );
    waiting = waiting.filter((_, at) => statuses[at] === 503);
  }
  const log = await logOf(live);
  assert.equal(log.entries.length, 36);
  assert.deepEqual(verdict(log), {
    text: `36 entries, 0 access records of 0 hours, unbroken\n36:${log.head.hash}`,
    code: 0,
  });
});

test("a change that fails after its entry was written leaves no entry and no change", async () => {
  const { live } = await historian();
  const before = await logOf(live);
  const broken: TestApi["deps"]["dynamodb"] = Object.assign(Object.create(api.deps.dynamodb), {
    send: () => Promise.reject(Object.assign(new Error("away"), { code: "ECONNREFUSED" })),
  });
  const { buildApp } = await import("../../../runtime/api/app.ts");
  const { encodeIdentity, IDENTITY_HEADER } = await import("../../../runtime/domain/identity/identity.ts");
  const app = buildApp({ ...api.deps, dynamodb: broken });
  const answer = await app.request("/keys", { method: "POST", headers: { [IDENTITY_HEADER]: encodeIdentity(live) } });
  assert.equal(answer.status, 503);
  assert.deepEqual((await logOf(live)).entries, before.entries);
});

const statements = ["update audit_log set outcome = 'ok'", "delete from audit_log", "truncate audit_log"];
for (const statement of statements) {
  test(`PostgreSQL refuses "${statement}", even from the tables' owner`, async () => {
    await historian();
    await assert.rejects(api.database.raw.query(statement), /the audit log is append-only: \w+ is refused/);
  });
}

/** What someone with every right on the database could do: take the triggers off first. */
async function tamper(statement: string): Promise<void> {
  await api.database.raw.exec(
    `alter table audit_log disable trigger all; ${statement}; alter table audit_log enable trigger all;`,
  );
}
const tampering: [says: string, statement: (customer: string) => string, text: string][] = [
  [
    "audit:verify finds a changed entry",
    (customer) => `update audit_log set outcome = 'ok' where customer_id = '${customer}' and seq = 4`,
    "TAMPERED at entry 4 (changed): entry 4 is not what was written",
  ],
  [
    "audit:verify finds a removed entry",
    (customer) => `delete from audit_log where customer_id = '${customer}' and seq = 3`,
    "TAMPERED at entry 3 (missing): entry 3 is missing",
  ],
  [
    "audit:verify finds that the newest entry was removed",
    (customer) => `delete from audit_log where customer_id = '${customer}' and seq = 6`,
    "TAMPERED at entry 6 (missing): entry 6 is missing; the log has 6",
  ],
  [
    "audit:verify finds reordered entries",
    (customer) =>
      [
        [3, 90],
        [4, 3],
        [90, 4],
      ]
        .map(([from, to]) => `update audit_log set seq = ${to} where customer_id = '${customer}' and seq = ${from}`)
        .join(";"),
    "TAMPERED at entry 3 (out_of_order): entry 3 does not follow 2",
  ],
  [
    "audit:verify finds that the log's memory of its newest entry was set back",
    (customer) =>
      `update audit_heads set seq = 5, hash = (select hash from audit_log where customer_id = '${customer}' and seq = 5) where customer_id = '${customer}'`,
    "TAMPERED at entry 5 (changed): entry 6 is not the newest the log remembers",
  ],
];
for (const [says, statement, text] of tampering) {
  test(says, async () => {
    const { live, customer_id } = await historian();
    assert.equal(verdict(await logOf(live)).code, 0);
    await tamper(statement(customer_id));
    assert.deepEqual(verdict(await logOf(live)), { text, code: 1 });
  });
}

test("a rewritten log is found by the line that an earlier run printed", async () => {
  const { live } = await historian();
  const log = await logOf(live);
  const seen = `${log.head.seq}:${log.head.hash}`;
  assert.equal(verdict(log, seen).code, 0);
  const another = await logOf((await historian()).live);
  assert.deepEqual(verdict(another, seen), {
    text: `TAMPERED: entry 6 no longer has the hash ${log.head.hash}; the log was written anew`,
    code: 1,
  });
});

test("the log needs the scope `admin`, is the customer's, and refuses another list's cursor", async () => {
  const { live, sandbox } = await historian();
  assert.equal((await api.call({ ...live, scopes: ["keys", "subscriptions"] }, "GET", "/audit")).status, 403);
  assert.deepEqual((await logOf(sandbox)).entries, (await logOf(live)).entries);
  const { body } = await api.call(live, "GET", "/keys?limit=1");
  const crossed = await api.call(live, "GET", `/audit?cursor=${body.next_cursor}`);
  assert.deepEqual([crossed.status, crossed.body.error.code], [400, "invalid_request"]);
});

test.run();
