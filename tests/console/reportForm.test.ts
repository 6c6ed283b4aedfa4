import assert from "node:assert/strict";
import { test } from "uvu";
import {
  commonDimensions,
  emptyReport,
  emptyTile,
  type Report,
  reportBodyOf,
  reportFormOf,
} from "../../console/src/reportForm.ts";
import { MetricsQuery } from "../../runtime/domain/metrics/query.ts";

const report: Report = {
  report_id: "rpt_1",
  name: "Orders",
  template: [
    {
      title: "Failures by error",
      chart: "bar",
      query: { measures: ["failed"], interval: "none", group_by: ["error"], last: "7d", filter: { event_type: ["a"] } },
    },
  ],
  schedule: { every: "day", at: "07:30", time_zone: "Asia/Kolkata" },
  recipients: ["a@example.com"],
  unsubscribed: [],
  next_run_at: null,
  created_at: "2026-11-27T00:00:00.000Z",
  updated_at: "2026-11-27T00:00:00.000Z",
};

test("a report that is opened and saved unchanged stays what it was", () =>
  assert.deepEqual(reportBodyOf(reportFormOf(report, "UTC")), {
    name: "Orders",
    template: report.template,
    schedule: report.schedule,
    recipients: report.recipients,
  }));

test("a report without a schedule has none, and begins in the reader's zone when one is chosen", () => {
  const form = reportFormOf({ ...report, template: "monthly", schedule: null }, "Europe/Berlin");
  assert.deepEqual([form.every, form.time_zone], ["", "Europe/Berlin"]);
  assert.equal(reportBodyOf(form).schedule, null);
  assert.equal(reportBodyOf(form).template, "monthly");
});

test("a tile groups and filters only by what all its measures share", () => {
  assert.deepEqual(commonDimensions(["events", "refused"]), ["key_id"]);
  assert.deepEqual(commonDimensions([]), []);
  const tile = {
    ...emptyTile,
    measures: ["events", "refused"] as const,
    group_by: "event_type" as const,
    filter: { error: "dns" },
  };
  const { template } = reportBodyOf({ ...emptyReport("UTC"), template: "own", tiles: [tile] });
  const [{ query }] = template as unknown as [{ query: object }];
  assert.deepEqual(query, { measures: ["events", "refused"] });
});

test("every way to draw a tile makes a query that the platform takes", () => {
  for (const chart of ["", "line", "bar", "number", "table"] as const)
    for (const group_by of ["", "event_type"] as const) {
      const { template } = reportBodyOf({
        ...emptyReport("UTC"),
        template: "own",
        tiles: [{ ...emptyTile, chart, group_by }],
      });
      for (const { query } of template as { query: unknown }[]) assert.ok(MetricsQuery.safeParse(query).success);
    }
});

test.run();
