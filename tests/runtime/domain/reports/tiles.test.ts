import assert from "node:assert/strict";
import { test } from "uvu";
import { type Answered, picturesOf } from "../../../../runtime/domain/reports/tiles.ts";

/** What a tile of a report draws. */

const DAY = 86_400_000;
const FROM = Date.UTC(2026, 9, 19);
const iso = (days: number): string => new Date(FROM + days * DAY).toISOString();
const latency = (p95: number) => ({ p50: p95, p95, p99: p95, count: 9 });
const points = [
  [30_000, 0.996, 0.25, 1_250],
  [90_000, 1, null, 4_800],
].map(([events, delivery_success_rate, error_rate, p95], day) => ({
  ...{ start: iso(day), events, delivery_success_rate, error_rate, delivery_latency_ms: latency(p95!) },
}));
const tile: Answered["tile"] = {
  title: "Each day",
  chart: "line",
  query: { measures: ["events", "delivery_success_rate", "error_rate", "delivery_latency_ms"], interval: "day" },
};
const answer = {
  ...{ from: iso(0), to: iso(2), interval: "day", time_zone: "UTC", complete_until: iso(2), folded: 0, totals: {} },
  series: [{ key: {}, points, totals: {} }],
} as unknown as NonNullable<Answered["answer"]>;

/** The labels of an axis of values, and the names of the lines. */
const textsIn = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]+)<\/text>/g)].map(([, text]) => text!).filter((text) => !text.includes("Oct"));

test("lines of one scale share an axis, which tells their unit; others have a picture of their own", () => {
  const pictures = picturesOf({ tile, answer }, 515);
  assert.deepEqual(pictures.map(textsIn), [
    ["0", "20K", "40K", "60K", "80K", "100K", "Events"],
    ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %", "Delivery success", "Error rate"],
    ["0 ms", "1 s", "2 s", "3 s", "4 s", "5 s", "Time to deliver, p95"],
  ]);
});

test.run();
