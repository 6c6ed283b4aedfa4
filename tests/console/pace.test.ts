import assert from "node:assert/strict";
import { test } from "uvu";
import { paceOf, paceOfWork } from "../../console/src/pace.ts";
import type { DeliveryStatus, EventStatus } from "../../runtime/domain/statuses.ts";
import { MINUTE_MS } from "../../runtime/domain/time.ts";

const now = Date.parse("2026-11-29T12:20:00Z");
const eventOf = (status: EventStatus, deliveries: readonly DeliveryStatus[]) =>
  ({ status, deliveries: deliveries.map((status) => ({ status })) }) as never;

const rows: [says: string, event: never | undefined, retriedAt: number, pace: number | false][] = [
  ["an event that is not there yet is looked for", undefined, 0, 3_000],
  ["an event that waits is looked up again", eventOf("pending", []), 0, 3_000],
  ["an event that is tried again is looked up again", eventOf("failed", ["failed"]), 0, 3_000],
  [
    "a delivery of a replay may wait where the event was delivered",
    eventOf("delivered", ["delivered", "pending"]),
    0,
    3_000,
  ],
  [
    "an event with thousands of deliveries is looked up seldom",
    eventOf("pending", Array(1_000).fill("pending")),
    0,
    30_000,
  ],
  ["a delivered event is not looked up again", eventOf("delivered", ["delivered", "cancelled"]), 0, false],
  ["an event that nobody wants is not looked up again", eventOf("unmatched", []), 0, false],
  ["a delivery that was given up is not looked up again", eventOf("dead_lettered", ["dead_lettered"]), 0, false],
  ["after a retry it is, for a minute", eventOf("dead_lettered", ["dead_lettered"]), now - MINUTE_MS, 3_000],
  ["and then not any longer", eventOf("dead_lettered", ["dead_lettered"]), now - MINUTE_MS - 1, false],
];
for (const [says, event, retriedAt, pace] of rows) test(says, () => assert.equal(paceOf(event, retriedAt, now), pace));

test("a list of work is looked up often while some of it is under way, and seldom when none is", () => {
  assert.equal(paceOfWork([{ status: "succeeded" }, { status: "running" }]), 3_000);
  assert.equal(paceOfWork([{ status: "pending" }]), 3_000);
  assert.equal(paceOfWork([{ status: "succeeded" }, { status: "failed" }, { status: "cancelled" }]), 30_000);
  assert.equal(paceOfWork([]), 30_000);
});

test.run();
