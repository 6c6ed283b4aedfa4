import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import {
  type AlertRule,
  bodyOf,
  emptyForm,
  formOf,
  inWords,
  narrowedBy,
  usualForm,
  waitsFor,
} from "../../console/src/alertForm.ts";
import { alertKinds, severities } from "../../runtime/domain/alerts/kinds.ts";
import { dimensionsOf, measures } from "../../runtime/domain/metrics/names.ts";

const rule: AlertRule = {
  rule_id: "rul_1",
  name: "Orders fail",
  kind: "error_rate",
  query: null,
  threshold: 0.07,
  for_minutes: 10,
  severity: "critical",
  channels: ["chn_1"],
  filter: { event_type: ["order.created", null], error: ["timeout"] },
  enabled: false,
  created_at: "2026-11-27T00:00:00.000Z",
  updated_at: "2026-11-27T00:00:00.000Z",
};

test("a share is filled in as percent, and a missing value as (none)", () => {
  const { threshold, filter } = formOf(rule);
  assert.deepEqual([threshold, filter], ["7", { event_type: "order.created, (none)", error: "timeout" }]);
});

test("a rule that is opened and saved unchanged stays what it was", () =>
  fc.assert(
    fc.property(
      fc.constantFrom(...alertKinds),
      fc.constantFrom(...measures),
      fc.constantFrom(...severities),
      fc.integer({ min: 0, max: 1_000 }),
      (kind, measure, severity, thousandths) => {
        const filter = narrowedBy({ kind, measure }).includes("event_type")
          ? { event_type: ["a", "a, b", "(none)", null] }
          : null;
        const query = kind === "metric" ? { measures: [measure], last: "5m" } : null;
        const before = { ...rule, kind, query, severity, filter, threshold: thousandths / 1_000 };
        const { rule_id: _, created_at: __, updated_at: ___, ...definition } = before;
        assert.deepEqual(bodyOf(formOf(before)), definition);
      },
    ),
  ));

test("the body leaves out a filter that the measure can't use, even if the field had one before", () => {
  const filter = { event_type: "order.created", error: "timeout" };
  for (const measure of measures) {
    const body = bodyOf({ ...emptyForm, kind: "metric", measure, filter });
    const expected = Object.keys(filter).filter((name) => dimensionsOf[measure].includes(name as "error"));
    assert.deepEqual(Object.keys(body.filter ?? {}).sort(), expected.sort(), measure);
  }
  assert.equal(bodyOf({ ...emptyForm, ...usualForm("api_down"), filter }).filter, null);
});

test("a text that is not a number is sent as it is, and the platform says why it is wrong", () =>
  assert.deepEqual(
    [bodyOf({ ...emptyForm, threshold: "five" }).threshold, bodyOf({ ...emptyForm, for_minutes: "" }).for_minutes],
    ["five", ""],
  ));

test("a rule reads as a sentence", () => {
  assert.equal(
    inWords({ ...rule, filter: null }, "Share of attempts that fail"),
    "Share of attempts that fail above 7\u00a0%, for 10 min",
  );
  assert.equal(
    inWords({ ...rule, filter: null, kind: "api_down", for_minutes: 0 }, "The API can't be reached"),
    "The API can't be reached, at once",
  );
  assert.equal(
    inWords({ ...rule, filter: { event_type: ["order.paid", null] } }, "Share of attempts that fail"),
    "Share of attempts that fail above 7\u00a0%, for 10 min, where event type is order.paid, (none)",
  );
});

test("a pending alert says when it rings, and after that what it still waits for", () => {
  const since = Date.parse("2026-11-27T14:22:00Z");
  const clock = (at: number) => new Date(at).toISOString().slice(11, 16);
  const at = (minute: number, given: Pick<AlertRule, "kind" | "query" | "threshold" | "for_minutes"> = rule) =>
    waitsFor(given, since, since + minute * 60_000, clock);
  assert.equal(at(9.9), "at 14:32 if it stays above 7\u00a0%");
  assert.equal(
    at(10),
    "with the next minute that is above 7\u00a0%; a better one ends it, and so do 30 minutes without a number",
  );
  assert.equal(at(1, { ...rule, kind: "api_down", threshold: 0, for_minutes: 2 }), "at 14:24 if it stays unreachable");
});

test.run();
