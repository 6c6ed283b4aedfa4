import assert from "node:assert/strict";
import type { KyselyPlugin } from "kysely";
import { suite } from "uvu";
import type { Deps } from "../../../runtime/api/deps.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { testVault } from "../../support/vault.ts";

/**
 * Caps hold for calls that come at once. The database of tests runs one transaction after the other, so what is looked at is that each
 * call takes its turn before it adds something.
 */
const test = suite("caps");
let api: TestApi;
let live: Identity;
let waits: string[] = [];
const turns: KyselyPlugin = {
  transformQuery({ node }) {
    if (node.kind === "InsertQueryNode") waits.push("adds");
    if (node.kind === "RawNode" && node.sqlFragments.join("").includes("pg_advisory_xact_lock")) waits.push("waits");
    return node;
  },
  transformResult: async ({ result }) => result,
};
test.before(async () => {
  const lambda = { send: async () => ({ Payload: Buffer.from('{"sent":true,"error":null}') }) };
  api = await startApi({ lambda: lambda as unknown as Deps["lambda"], vault: async () => testVault });
  ({ live } = await api.customer());
  Object.assign(api.deps, { db: api.deps.db.withPlugin(turns) });
});
test.after(() => api.close());

const adding: [path: string, body: object][] = [
  ["/replays", { from: "2026-11-25T10:00:00Z" }],
  ["/privacy/exports", { all: true }],
  ["/alert-channels", { kind: "email", target: "ada@example.com" }],
  ["/reports", { name: "Week", template: "weekly" }],
  ["/people", { email: "ada@example.com", role: "auditor" }],
];
for (const [path, body] of adding)
  test(`POST ${path} takes its turn before it adds anything`, async () => {
    waits = [];
    const { status, body: answer } = await api.call(live, "POST", path, body);
    assert.ok(status === 201 || status === 202, JSON.stringify(answer));
    assert.equal(waits[0], "waits");
  });

test("rotations of one secret take their turns", async () => {
  const { body: key } = await api.call(live, "POST", "/keys", {});
  const made = { webhook_url: "https://example.com/hook", event_selector: "a" };
  const { body: subscription } = await api.call(live, "POST", "/subscriptions", made);
  for (const path of [`/keys/${key.key_id}/rotate`, `/subscriptions/${subscription.subscription_id}/rotate-secret`]) {
    waits = [];
    assert.equal((await api.call(live, "POST", path, {})).status, 200);
    assert.equal(waits[0], "waits", path);
  }
});

test("POST /keys takes its turn, and so does POST /reports/{id}/run", async () => {
  waits = [];
  await api.call(live, "POST", "/keys", {});
  assert.equal(waits[0], "waits");
  const { body } = await api.call(live, "POST", "/reports", { name: "Month", template: "monthly" });
  waits = [];
  assert.equal((await api.call(live, "POST", `/reports/${body.report_id}/run`)).status, 202);
  assert.equal(waits[0], "waits");
});

test.run();
