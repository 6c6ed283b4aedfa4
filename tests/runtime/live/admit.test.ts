import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { TriggersError } from "../../../runtime/domain/errors/errors.ts";
import { HOST_HEADER } from "../../../runtime/domain/identity/identity.ts";
import type { Role } from "../../../runtime/domain/people/roles.ts";
import { type AdmitPorts, admit, type Handshake } from "../../../runtime/live/admit.ts";
import type { Ticket } from "../../../runtime/sockets/tickets.ts";

const test = suite("who may open a socket");
const NOW = Date.parse("2026-11-27T12:00:00Z");
const HOUR = 3_600_000;
const HOST = "api.example.com";

const ticket: Ticket = { tenant: "cus_1.sandbox", who: { key_id: "key_1", limit_per_second: 10 }, until: NOW + 30_000 };
const memberAs = (role: Role) => ({
  ...{ person_id: "psn_1", customer_id: "cus_1", customer_name: "Acme", limit_per_second: 10 },
  role,
});
/** @param role of the person whose session the cookie names */
const ports = (role: Role = "owner", ends_at = NOW + 9 * HOUR, given: Ticket = ticket): AdmitPorts => ({
  now: () => NOW,
  takeTicket: async (text) => (text === "good" ? given : undefined),
  session: async (cookies) =>
    cookies === "session=good" ? { id: "hash", member: memberAs(role), ends_at } : undefined,
});
const page = (more: Partial<Record<string, string>> = {}, query: Handshake["query"] = {}): Handshake => ({
  headers: { cookie: "session=good", origin: `https://${HOST}`, [HOST_HEADER]: HOST, ...more },
  query,
});
const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "let in",
    (thrown: unknown) => (thrown instanceof TriggersError ? thrown.code : String(thrown)),
  );

test("a ticket opens a socket of the side and the key that asked for it, for two hours", async () => {
  assert.deepEqual(await admit({ headers: {}, query: { ticket: "good" } }, ports()), {
    tenant: "cus_1.sandbox",
    who: ticket.who,
    ends_at: NOW + 2 * HOUR,
  });
});

test("a socket ends after two hours, or with the key or the session that it was opened by, where that is sooner", () =>
  fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 10 * HOUR }), fc.boolean(), async (left, byTicket) => {
      const ends_at = NOW + left;
      const asked = byTicket ? { headers: {}, query: { ticket: "good" } } : page();
      const admitted = await admit(asked, ports("owner", ends_at, { ...ticket, ends_at }));
      assert.equal(admitted.ends_at, Math.min(ends_at, NOW + 2 * HOUR));
    }),
  ));

test("neither a ticket nor a session is unauthorized, and so is an invalid one, which no session makes good", async () => {
  assert.equal(await codeOf(admit({ headers: {}, query: {} }, ports())), "unauthorized");
  assert.equal(await codeOf(admit(page({ cookie: "session=other" }), ports())), "unauthorized");
  assert.equal(await codeOf(admit(page({}, { ticket: "used" }), ports())), "unauthorized");
});

test("a session needs no ticket: it opens a socket of its person, live unless the sandbox is asked for", async () => {
  const who = { session: "hash", person_id: "psn_1", role: "owner", limit_per_second: 10 } as const;
  assert.deepEqual(await admit(page(), ports()), { tenant: "cus_1", who, ends_at: NOW + 2 * HOUR });
  assert.equal((await admit(page({}, { environment: "sandbox" }), ports())).tenant, "cus_1.sandbox");
  assert.equal(await codeOf(admit(page({}, { environment: "test" }), ports())), "forbidden");
});

test("a session counts for a page of this very host alone", async () => {
  for (const origin of ["https://elsewhere.example", `http://${HOST}`, `https://${HOST}.example`, "null", undefined])
    assert.equal(await codeOf(admit({ ...page(), headers: { ...page().headers, origin } }, ports())), "cross_site");
});

test("a role that may listen to nothing is refused", async () => {
  assert.equal(await codeOf(admit(page(), ports("operator"))), "forbidden");
  assert.equal(await codeOf(admit(page(), ports("executive"))), "let in");
});

test.run();
