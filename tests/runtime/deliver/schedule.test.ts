import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import {
  CEILINGS_MS,
  decide,
  delaySeconds,
  MAX_RETRY_AFTER_MS,
  type Next,
  type Outcome,
  retryAfterMs,
} from "../../../runtime/deliver/schedule.ts";

const NOW = Date.parse("2026-11-25T04:00:00Z");
const answer = (status: number | null, retryAfter?: string): Outcome => ({ status, error: "x", retryAfter });
const failed = (retry_after_ms: number): Next => ({ kind: "failed", retry_after_ms });

const behaviour: [says: string, outcome: Outcome, attempt: number, next: Next][] = [
  ["200 is delivered", answer(200), 1, { kind: "delivered" }],
  ["any 2xx is delivered", answer(299), 7, { kind: "delivered" }],
  ["a redirect is a failure, never followed", answer(302), 1, failed(2_000)],
  ["410 ends the subscription, at any attempt", answer(410), 12, { kind: "gone" }],
  ["silence is a failure", answer(null), 2, failed(14_500)],
  ["400 is tried again like 500", answer(400), 1, failed(2_000)],
  ["the last wait is drawn below a day", answer(500), 11, failed(43_199_500)],
  ["past the last wait it is dead-lettered", answer(500), 12, { kind: "dead_lettered", reason: "attempts_exhausted" }],
  ["Retry-After in seconds on a 429 is a lower bound", answer(429, "120"), 1, failed(120_000)],
  ["Retry-After in seconds on a 503 is a lower bound", answer(503, "120"), 1, failed(120_000)],
  ["Retry-After as a date is a lower bound", answer(503, "Wed, 25 Nov 2026 04:10:00 GMT"), 1, failed(600_000)],
  ["a shorter Retry-After changes nothing", answer(503, "1"), 2, failed(14_500)],
  ["Retry-After on a 500 says nothing", answer(500, "120"), 1, failed(2_000)],
  ["Retry-After is capped at a day", answer(429, "1000000"), 1, failed(86_400_000)],
  ["a Retry-After in the past says nothing", answer(429, "Wed, 25 Nov 2026 03:00:00 GMT"), 1, failed(2_000)],
  ["nonsense in Retry-After says nothing", answer(429, "soon"), 1, failed(2_000)],
  ["attempt 0 counts as the first", answer(500), 0, failed(2_000)],
];
for (const [says, outcome, attempt, next] of behaviour)
  test(says, () => assert.deepEqual(decide(outcome, attempt, 0.5, NOW), next));

test("the schedule is 5 s, 30 s, 2 min, 10 min, 30 min, 1, 2, 4, 8, 16 and 24 h", () =>
  assert.deepEqual(
    CEILINGS_MS.map((ms) => ms / 1_000),
    [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 57_600, 86_400],
  ));

test("for any random number a wait is at least a second below its ceiling, or follows Retry-After", () =>
  fc.assert(
    fc.property(
      fc.constantFrom(429, 500, 503),
      fc.integer({ min: 1, max: 11 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.option(fc.nat({ max: 200_000 }), { nil: undefined }),
      (status, attempt, dice, seconds) => {
        const next = decide(answer(status, seconds?.toString()), attempt, dice, NOW);
        assert.equal(next.kind, "failed");
        const bound = status === 500 ? 0 : Math.min((seconds ?? 0) * 1_000, MAX_RETRY_AFTER_MS);
        const wait = (next as { retry_after_ms: number }).retry_after_ms;
        assert.ok(wait >= bound && wait < Math.max(bound + 1, CEILINGS_MS[attempt - 1]! - 999));
      },
    ),
  ));

test("Retry-After gives a wait from zero to one day", () =>
  fc.assert(
    fc.property(fc.string(), (text) => {
      const wait = retryAfterMs(text, NOW);
      return wait >= 0 && wait <= MAX_RETRY_AFTER_MS;
    }),
  ));

test("a queue's delay is whole seconds, never early, at least one and at most 900", () =>
  assert.deepEqual([0, 1, 1_000, 1_001, 899_999, 1_000_000].map(delaySeconds), [1, 1, 1, 2, 900, 900]));

test.run();
