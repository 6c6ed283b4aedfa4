import assert from "node:assert/strict";
import { suite } from "uvu";
import { asCustomer } from "../../../runtime/database/roles.ts";
import { defined } from "../../../runtime/domain/defined.ts";
import { OPERATOR } from "../../../runtime/domain/identity/identity.ts";
import { newId } from "../../../runtime/domain/ids.ts";
import type { Role } from "../../../runtime/domain/people/roles.ts";
import { startDatabase, type TestDatabase } from "../../support/database.ts";
import { serve } from "../../support/service.ts";

/** Whom an issuer vouches for, and where such a person is known. */
const test = suite("people in the subscriptions service");
const NOW = Date.parse("2026-11-25T10:00:00Z");
const DAY_MS = 86_400_000;
const at = (ms: number): string => new Date(ms).toISOString();
let database: TestDatabase;
test.before(async () => {
  database = await startDatabase();
});
test.after(() => database.close());

async function customer(name: string, days = 90): Promise<string> {
  const customer_id = newId("cus");
  await asCustomer(database.db, customer_id, (tx) =>
    tx
      .insertInto("customers")
      .values({
        customer_id,
        name,
        limit_per_second: 5,
        status: "active",
        retention_days: days,
        created_at: at(NOW),
        updated_at: at(NOW),
      })
      .execute(),
  );
  return customer_id;
}

async function invite(customer_id: string, email: string, role: Role): Promise<string> {
  const person_id = newId("psn");
  const values = {
    person_id,
    customer_id,
    email,
    role,
    name: null,
    status: "invited" as const,
    issuer: null,
    subject: null,
    invited_by: "key_1",
    created_at: at(NOW),
    updated_at: at(NOW),
    signed_in_at: null,
  };
  await asCustomer(database.db, customer_id, (tx) => tx.insertInto("people").values(values).execute());
  return person_id;
}

const signIn = async (subject: string, email?: string, issuer = "https://id.example") =>
  (await serve(database.db, { op: "memberships", issuer, subject, ...defined({ email }) }, NOW)).memberships.map(
    ({ customer_name, role }) => [customer_name, role],
  );

test("the first person who proves its address takes an invitation, and nobody after", async () => {
  const one = await customer("Acme");
  const two = await customer("Bolt");
  await invite(one, "ada@example.com", "owner");
  await invite(two, "ada@example.com", "auditor");
  await invite(OPERATOR, "ada@example.com", "operator");
  assert.deepEqual(await signIn("ada"), []);
  assert.deepEqual(await signIn("ada", "Ada@Example.com"), [
    ["Acme", "owner"],
    ["Bolt", "auditor"],
    ["Operator", "operator"],
  ]);
  assert.deepEqual(await signIn("ada"), [
    ["Acme", "owner"],
    ["Bolt", "auditor"],
    ["Operator", "operator"],
  ]);
  assert.deepEqual(await signIn("mallory", "ada@example.com"), []);
  assert.deepEqual(await signIn("ada", "ada@example.com", "https://other.example"), []);
});

test("a deleted customer is not among the customers of a person", async () => {
  const gone = await customer("Gone");
  await invite(gone, "bob@example.com", "owner");
  await asCustomer(database.db, gone, (tx) =>
    tx.updateTable("customers").set({ status: "deleted" }).where("customer_id", "=", gone).execute(),
  );
  assert.deepEqual(await signIn("bob", "bob@example.com"), []);
});

test("the role of a person is that of now, in that customer alone", async () => {
  const one = await customer("One");
  const two = await customer("Two");
  const person_id = await invite(one, "eve@example.com", "operations");
  const role = async (customer_id: string) =>
    (await serve(database.db, { op: "role", customer_id, person_id }, NOW)).role;
  const set = (values: { role?: Role; status?: "removed" }) =>
    asCustomer(database.db, one, (tx) =>
      tx.updateTable("people").set(values).where("person_id", "=", person_id).execute(),
    );
  assert.equal(await role(one), null);
  await signIn("eve", "eve@example.com");
  assert.deepEqual([await role(one), await role(two)], ["operations", null]);
  await set({ role: "executive" });
  assert.equal(await role(one), "executive");
  await set({ status: "removed" });
  assert.equal(await role(one), null);
});

test("views of payloads are deleted when their events would be", async () => {
  const short = await customer("Short", 1);
  const long = await customer("Long", 100);
  for (const customer_id of [short, long])
    for (const age of [2, 0])
      await asCustomer(database.db, customer_id, (tx) =>
        tx
          .insertInto("event_views")
          .values({
            view_id: newId("aud"),
            customer_id,
            tenant: customer_id,
            event_id: "evt_1",
            at: at(NOW - age * DAY_MS),
            person_id: "psn_1",
            name: "Ada",
            role: "owner",
            how: "payload",
            reason: null,
          })
          .execute(),
      );
  assert.deepEqual(await serve(database.db, { op: "forget_views" }, NOW), { forgotten: 1 });
  const left = await asCustomer(database.db, short, (tx) => tx.selectFrom("event_views").select("at").execute());
  assert.deepEqual(
    left.map((row) => row.at.getTime()),
    [NOW],
  );
});

test.run();
