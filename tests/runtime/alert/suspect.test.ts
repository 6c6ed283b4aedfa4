import assert from "node:assert/strict";
import { test } from "uvu";
import { suspectIn } from "../../../runtime/alert/suspect.ts";
import type { AlertRule } from "../../../runtime/domain/alerts/rule.ts";
import { problemsIn } from "../../../runtime/store/problems.ts";
import { openStorage } from "../../support/storage.ts";

/** What an alert names as the suspected cause. */

const NOW = Date.UTC(2026, 10, 28, 12);
const tenant = "cus_a";
const [orders, stock, removed] = ["0", "1", "2"].map((last) => `sub_01ARZ3NDEKTSV4RRFFQ69G5FA${last}`) as [
  string,
  string,
  string,
];
const workflows = new Map([
  [orders, "orders"],
  [stock, "stock"],
  [removed, null],
]);
const rule = (filter: AlertRule["filter"] = null): AlertRule => ({
  ...{ rule_id: "rul_1", name: "Failures", kind: "error_rate", query: null, threshold: 0.05, for_minutes: 10 },
  ...{ severity: "critical", channels: [], filter, enabled: true },
});

async function suspectAfter(failed: Readonly<Record<string, number>>, of = rule()): Promise<string | null> {
  const { store, close } = await openStorage();
  const problems = problemsIn(store.events, () => NOW);
  for (const [subscription_id, attempts] of Object.entries(failed))
    await problems.failed({
      ...{ tenant, subscription_id, attempts, events: attempts, first_at: NOW - 60_000, last_at: NOW - 1_000 },
      ...{ sample_delivery_id: "dlv_1", well: false, error: "http_5xx", status_code: 503 },
    });
  const suspect = suspectIn(
    store.events,
    async () => workflows,
    () => NOW,
  );
  return suspect(tenant, of).finally(close);
}
const explanation = "The endpoint is overloaded or under maintenance.";

test("the workflow that failed most is suspected, by its name", async () =>
  assert.equal(
    await suspectAfter({ [orders]: 3, [stock]: 7 }),
    `Workflow stock failed 7 times (http_5xx, 503): ${explanation} There is 1 other problem.`,
  ));

test("a subscription without a workflow is named by its id", async () =>
  assert.equal(await suspectAfter({ [removed]: 1 }), `${removed} failed 1 time (http_5xx, 503): ${explanation}`));

test("a rule about one workflow suspects nothing of another", async () => {
  const failed = { [orders]: 3, [stock]: 7 };
  assert.equal(
    await suspectAfter(failed, rule({ workflow_id: ["orders"] })),
    `Workflow orders failed 3 times (http_5xx, 503): ${explanation}`,
  );
  assert.equal(await suspectAfter(failed, rule({ workflow_id: ["other"] })), null);
});

test("a rule about refused requests suspects no endpoint", async () => {
  const refusals: AlertRule = {
    ...rule({ reason: ["rate_limited"] }),
    kind: "metric",
    query: { measures: ["refused"] },
  };
  const limited = "More events came in one second than usual; GET /usage tells by which key.";
  assert.equal(await suspectAfter({ [orders]: 3 }, refusals), limited);
  assert.equal(await suspectAfter({ [orders]: 3 }, { ...refusals, filter: { reason: ["invalid_json"] } }), null);
  assert.equal(await suspectAfter({ [orders]: 3 }, { ...refusals, filter: null }), null);
});

test.run();
