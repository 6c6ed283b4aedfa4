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

const tiles: Exclude<Report["template"], string> = [
  {
    title: "By type and error",
    query: { measures: ["failed"], group_by: ["event_type", "error"], top: 5, last: "14d" },
  },
  { title: "A zone's days", chart: "bar", query: { measures: ["events"], interval: "day", time_zone: "Asia/Kolkata" } },
  {
    title: "One month",
    chart: "table",
    query: {
      measures: ["delivery_latency_ms"],
      from: "2026-10-01T00:00:00Z",
      to: "2026-11-01T00:00:00Z",
      compare: "previous",
      histogram: true,
      filter: { event_type: ["a,b", null] },
    },
  },
];

test("what no field shows of a tile stays when it is saved", () =>
  assert.deepEqual(reportBodyOf(reportFormOf({ ...report, template: tiles }, "UTC")).template, tiles));

test("what is changed of a tile takes the place of what it had, and nothing else does", () => {
  const [grouped, zoned, month] = reportFormOf({ ...report, template: tiles }, "UTC").tiles;
  const changed = [
    { ...grouped!, group_by: "error" as const },
    { ...zoned!, chart: "line" as const },
    { ...month!, last: "7d" },
    { ...grouped!, group_by: "" as const, measures: ["events"] as const },
  ];
  const { template } = reportBodyOf({ ...emptyReport("UTC"), template: "own", tiles: changed });
  assert.deepEqual(
    (template as unknown as { query: object }[]).map(({ query }) => query),
    [
      { measures: ["failed"], group_by: ["error"], top: 5, last: "14d" },
      { measures: ["events"], time_zone: "Asia/Kolkata" },
      {
        measures: ["delivery_latency_ms"],
        compare: "previous",
        histogram: true,
        last: "7d",
        filter: { event_type: ["a,b", null] },
      },
      { measures: ["events"], top: 5, last: "14d" },
    ],
  );
});

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
