import assert from "node:assert/strict";
import { suite } from "uvu";
import type { ReportDefinition } from "../../../../runtime/domain/reports/report.ts";
import { rangeOfReport, tilesOf } from "../../../../runtime/domain/reports/tiles.ts";

const test = suite("what a report is about");

const report = (template: ReportDefinition["template"], time_zone = "Europe/Berlin"): ReportDefinition => ({
  ...{ name: "Orders", template, recipients: [] },
  schedule: { every: "week", at: "08:00", time_zone },
});
/** Half past midnight of Monday, 2 November 2026, in Berlin. */
const NOW = Date.parse("2026-11-01T23:30:00Z");
const iso = (at: number): string => new Date(at).toISOString();
const own: ReportDefinition["template"] = [{ title: "Events", query: { measures: ["events"] } }];

const ranges: [says: string, template: ReportDefinition["template"], zone: string, from: string, to: string][] = [
  [
    ...(["a weekly report is about the last whole week of its zone", "weekly", "Europe/Berlin"] as const),
    ...(["2026-10-25T23:00:00.000Z", "2026-11-01T23:00:00.000Z"] as const),
  ],
  [
    ...(["where it is still Sunday, about the week before", "weekly", "UTC"] as const),
    ...(["2026-10-19T00:00:00.000Z", "2026-10-26T00:00:00.000Z"] as const),
  ],
  [
    ...(["a monthly report is about the last whole month", "monthly", "Europe/Berlin"] as const),
    ...(["2026-09-30T22:00:00.000Z", "2026-10-31T23:00:00.000Z"] as const),
  ],
  [
    ...(["where the month is not over yet, about the one before", "monthly", "Pacific/Honolulu"] as const),
    ...(["2026-10-01T10:00:00.000Z", "2026-11-01T10:00:00.000Z"] as const),
  ],
  [
    ...(["tiles of one's own are about the last seven days", own, "Europe/Berlin"] as const),
    ...(["2026-10-25T23:00:00.000Z", "2026-11-01T23:00:00.000Z"] as const),
  ],
];
for (const [says, template, zone, from, to] of ranges)
  test(says, () => {
    const range = rangeOfReport(report(template, zone), NOW);
    assert.deepEqual([iso(range.from), iso(range.to)], [from, to]);
    for (const { query } of tilesOf(report(template, zone), range))
      assert.deepEqual([query.from, query.to, query.time_zone], [from, to, zone]);
  });

test("tiles of one's own may name a range and a zone of their own", () => {
  const query = { measures: ["events"], last: "24h", time_zone: "Asia/Kolkata" } as const;
  const definition = report([{ title: "Today", query: { ...query, measures: ["events"] } }]);
  const [tile] = tilesOf(definition, rangeOfReport(definition, NOW));
  assert.deepEqual(tile!.query, query);
});

test.run();
