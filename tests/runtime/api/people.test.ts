import assert from "node:assert/strict";
import { sql } from "kysely";
import { suite } from "uvu";
import { asCustomer } from "../../../runtime/database/roles.ts";
import { HOST_HEADER, type Identity } from "../../../runtime/domain/identity/identity.ts";
import type { Role } from "../../../runtime/domain/people/roles.ts";
import { takeTicket } from "../../../runtime/sockets/tickets.ts";
import { operator, startApi, type TestApi } from "../../support/api.ts";

const test = suite("people");
let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after(() => api.close());

const acting = (identity: Identity, role: Role, signed_in_at = 0): Identity => ({
  ...identity,
  key_id: "psn_01ARZ3NDEKTSV4RRFFQ69G5FAV",
  person: { person_id: "psn_01ARZ3NDEKTSV4RRFFQ69G5FAV", name: "Ada", role, signed_in_at },
});

test("a customer has at most 1,000 people, and those who were removed don't count", async () => {
  const { live, customer_id } = await api.customer();
  await asCustomer(api.deps.db, customer_id, (tx) =>
    sql`insert into people (person_id, customer_id, email, role, status, invited_by, created_at, updated_at)
        select ${customer_id} || n, ${customer_id}, n || '@example.com', 'auditor', case when n = 1 then 'removed' else 'invited' end, 'key_1', now(), now()
        from generate_series(1, 1000) as n`.execute(tx),
  );
  const invite = (email: string) => api.call(live, "POST", "/people", { email, role: "owner" });
  assert.equal((await invite("last@example.com")).status, 201);
  const refused = await invite("one.more@example.com");
  assert.deepEqual([refused.status, refused.body.error.code], [422, "limit_reached"]);
});

test("a customer's people have a customer's roles, the operator's people the operator's", async () => {
  const { live } = await api.customer();
  const role = async (identity: Identity, role: string) =>
    (await api.call(identity, "POST", "/people", { email: `${role}@example.com`, role })).status;
  assert.deepEqual([await role(live, "operator"), await role(live, "auditor")], [400, 201]);
  assert.deepEqual([await role(operator, "owner"), await role(operator, "operator")], [400, 201]);
});

test("a key gives nobody a role that does more than the key itself", async () => {
  const { live } = await api.customer();
  const auditor = await api.call(live, "POST", "/people", { email: "auditor@example.com", role: "auditor" });
  const key: Identity = { ...live, scopes: ["events:read", "admin"] };
  const invited = async (role: Role, who: Identity) =>
    (await api.call(who, "POST", "/people", { email: `${role}.${who.scopes.length}@example.com`, role })).status;
  const all = ["owner", "developer", "operations", "business", "executive", "auditor"] as const;
  const statuses: Record<string, number> = {};
  for (const role of all) statuses[role] = await invited(role, key);
  assert.deepEqual(statuses, {
    ...{ owner: 403, developer: 403 },
    ...{ operations: 201, business: 201, executive: 201, auditor: 201 },
  });
  assert.equal(await invited("auditor", { ...live, scopes: ["admin"] }), 403);
  const raise = (who: Identity) => api.call(who, "PATCH", `/people/${auditor.body.person_id}`, { role: "owner" });
  assert.deepEqual([(await raise(key)).status, (await raise(live)).status], [403, 200]);
});

test("a ticket of a person has the person's role, ends with the session, and is never given to another person", async () => {
  const { live } = await api.customer();
  const now = api.deps.now();
  const person = (id: string, role: Role): Identity => {
    const session = { id: `session of ${id}`, ends_at: now + 60_000 };
    return { ...live, key_id: id, person: { person_id: id, name: id, role, signed_in_at: 0, session } };
  };
  const ask = (who: Identity) =>
    api.call(who, "POST", "/live/tickets", undefined, { "idempotency-key": `ticket-${live.customer_id}` });
  const owner = person("psn_01ARZ3NDEKTSV4RRFFQ69G5FAV", "owner");
  const first = await ask(owner);
  assert.equal((await ask(owner)).body.ticket, first.body.ticket);
  for (const other of [person("psn_01ARZ3NDEKTSV4RRFFQ69G5FAW", "executive"), live])
    assert.equal((await ask(other)).body.error.code, "idempotency_conflict");
  const sockets = { dynamodb: api.deps.dynamodb, name: api.deps.env.LIVE_TABLE };
  const { who, ends_at, tenant } = (await takeTicket(sockets, first.body.ticket, now))!;
  assert.deepEqual(
    { who, ends_at, tenant },
    {
      who: {
        ...{ session: "session of psn_01ARZ3NDEKTSV4RRFFQ69G5FAV", person_id: "psn_01ARZ3NDEKTSV4RRFFQ69G5FAV" },
        ...{ role: "owner", limit_per_second: live.limit_per_second },
      },
      ends_at: now + 60_000,
      tenant: live.customer_id,
    },
  );
});

test("a ticket of a key names where the socket is opened, holds for 30 s and once, and ends with the key", async () => {
  const { live, sandbox } = await api.customer();
  const ask = (who: Identity) =>
    api.call(who, "POST", "/live/tickets", undefined, { [HOST_HEADER]: "api.example.com" });
  const sockets = { dynamodb: api.deps.dynamodb, name: api.deps.env.LIVE_TABLE };
  const asked = api.deps.now();
  const { status, body } = await ask(sandbox);
  assert.deepEqual([status, Object.keys(body)], [201, ["ticket", "url", "expires_at"]]);
  assert.equal(body.url, "wss://api.example.com/live");
  const left = Date.parse(body.expires_at) - asked;
  assert.ok(left >= 30_000 && left <= 30_000 + (api.deps.now() - asked), `${left} ms`);
  const expiry = Date.parse(body.expires_at);
  const { who, tenant } = (await takeTicket(sockets, body.ticket, expiry - 1))!;
  assert.deepEqual(
    [tenant, who],
    [`${live.customer_id}.sandbox`, { key_id: sandbox.key_id, limit_per_second: sandbox.limit_per_second }],
  );
  assert.equal(await takeTicket(sockets, body.ticket, expiry - 1), undefined);
  assert.equal(await takeTicket(sockets, (await ask(live)).body.ticket, expiry + 60_000), undefined);
  const ends = new Date(asked + 60_000).toISOString();
  const made = await api.call(live, "POST", "/keys", { expires_at: ends });
  const { body: short } = await ask({ ...live, key_id: made.body.key_id });
  assert.equal((await takeTicket(sockets, short.ticket, asked))!.ends_at, Date.parse(ends));
  assert.equal((await ask({ ...live, scopes: ["events:write"] })).status, 403);
});

test("a sandbox key can't invite people", async () => {
  const { sandbox } = await api.customer();
  const { status } = await api.call(sandbox, "POST", "/people", { email: "a@example.com", role: "owner" });
  assert.equal(status, 403);
});

test("masked values are shown only after a sign-in within the last five minutes", async () => {
  const { live } = await api.customer();
  const reveal = (identity: Identity) =>
    api.call(identity, "POST", "/reveal", { object: "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV", reason: "look" });
  const now = api.deps.now();
  assert.equal((await reveal(acting(live, "owner", now - 240_000))).status, 404);
  assert.equal((await reveal(acting(live, "owner", now - 301_000))).body.error.code, "sign_in_again");
  assert.equal((await reveal(acting(live, "business", now))).status, 403);
  assert.equal((await reveal(live)).status, 403);
});

test.run();
