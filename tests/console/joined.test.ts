import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { joined, type LiveFigures } from "../../console/src/joined.ts";
import type { MetricsQuery as Asked } from "../../console/src/metrics.ts";
import { answerOf, Gathering, type MetricsAnswer } from "../../runtime/domain/metrics/answer.ts";
import { type Measure, measures } from "../../runtime/domain/metrics/names.ts";
import { MetricsQuery } from "../../runtime/domain/metrics/query.ts";
import { rangeOf } from "../../runtime/domain/metrics/range.ts";
import { type Counter, count, noSums, type Sums } from "../../runtime/domain/metrics/sums.ts";
import { rfc3339 } from "../../runtime/domain/time.ts";

/** What a socket tells, put into an answer, is what asking anew would have answered. */

const test = suite("joined");

const NOON = Date.parse("2026-11-27T12:00:00Z");
const MINUTE = 60_000;
const LIMIT = 100;

/** Facts of one minute. */
interface Minute {
  readonly counts: Partial<Record<Counter, number>>;
  readonly failed: number;
  readonly peak: number;
}
const minute: fc.Arbitrary<Minute> = fc.record({
  counts: fc.record(
    {
      events: fc.nat(500),
      delivered: fc.nat(500),
      dead_lettered: fc.nat(50),
      attempts: fc.nat(900),
      failed: fc.nat(90),
    },
    { requiredKeys: [] },
  ),
  failed: fc.nat(1_000),
  peak: fc.nat(LIMIT * 2),
});

function sumsOf({ counts, failed, peak }: Minute): Sums {
  const sums = noSums();
  for (const [name, n] of Object.entries(counts)) count(sums, name as Counter, n);
  count(sums, "attempts_failed", Math.min(failed, counts.attempts ?? 0));
  sums.peak = Math.min(peak, counts.events ?? 0);
  return sums;
}

/** What the platform answers at a time, with facts by minutes before and after noon. */
function answerAt(input: Asked, now: number, facts: ReadonlyMap<number, Minute>): MetricsAnswer {
  const query = MetricsQuery.parse(input);
  const range = rangeOf(query, now);
  const context = { limit: LIMIT, completeUntil: now - 10_000, workflowOf: () => null };
  const gathering = new Gathering(query, range, context);
  for (const [at, each] of facts) gathering.take(NOON + at * MINUTE, {}, sumsOf(each));
  return JSON.parse(JSON.stringify(answerOf(query, range, context, gathering))) as MetricsAnswer;
}

/** What a socket is told at a time. */
function toldAt(now: number, facts: ReadonlyMap<number, Minute>): LiveFigures {
  const start = Math.floor(now / MINUTE) * MINUTE;
  const asked = { from: rfc3339(start - MINUTE), to: rfc3339(start + MINUTE), interval: "minute" } as const;
  const { series, complete_until } = answerAt({ measures, ...asked }, now, facts);
  const [previous, running] = series[0]!.points;
  return { channel: "metrics", at: rfc3339(now), complete_until, ...running!, previous: previous! };
}

const tiles: readonly (readonly Measure[])[] = [
  ["limit_use", "refused", "events"],
  ["events", "delivered", "failed", "dead_lettered", "attempts", "error_rate"],
  ["delivery_success_rate", "delivered", "dead_lettered"],
];
const ranges = [{ last: "5m" }, { from: rfc3339(NOON - 4 * MINUTE) }];

test("for every tile the joined answer equals a new query, for any events in the last two minutes", () => {
  fc.assert(
    fc.property(
      fc.array(minute, { minLength: 8, maxLength: 8 }),
      fc.tuple(minute, minute),
      fc.constantFrom(...tiles),
      fc.constantFrom(...ranges),
      fc.integer({ min: 1, max: MINUTE - 1 }),
      fc.integer({ min: 0, max: MINUTE - 2 }),
      (earlier, [previous, running], wanted, range, into, wait) => {
        const query = { measures: wanted, ...range, interval: "minute" as const };
        const looked = NOON + into;
        // In its first millisecond, a minute is not yet part of a range that has a beginning.
        const then = (looked + wait) % MINUTE === 0 ? looked + wait + 1 : looked + wait;
        const place = Math.floor((then - NOON) / MINUTE);
        const before = new Map(earlier.map((each, at) => [at - 7, each]));
        const after = new Map([...before, [place - 1, previous], [place, running]]);
        const answer = joined(query, answerAt(query, looked, before), toldAt(then, after));
        assert.deepEqual(answer, answerAt(query, then, after));
      },
    ),
  );
});

test("there is no joined answer where a minute is missing or the message is older than the answer", () => {
  const query: Asked = { measures: ["events"], last: "5m", interval: "minute" };
  const none = new Map<number, Minute>();
  const answer = answerAt(query, NOON, none);
  assert.equal(joined(query, answer, toldAt(NOON + 2 * MINUTE, none)), undefined);
  assert.equal(joined(query, answer, toldAt(NOON - 1, none)), undefined);
});

test("the page asks again where points can't be added up to the answer", () => {
  const some = new Map<number, Minute>([[0, { counts: { events: 1, attempts: 4 }, failed: 1, peak: 1 }]]);
  const told = toldAt(NOON + 1, some);
  const asked = (query: Asked) => joined(query, answerAt(query, NOON, some), told);
  assert.notEqual(asked({ measures: ["error_rate", "attempts"], last: "5m", interval: "minute" }), undefined);
  assert.equal(asked({ measures: ["accept_latency_ms"], last: "5m", interval: "minute" }), undefined);
  assert.equal(asked({ measures: ["error_rate"], last: "5m", interval: "minute" }), undefined);
  assert.equal(asked({ measures: ["events"], last: "5m", interval: "minute", group_by: ["status"] }), undefined);
  assert.equal(asked({ measures: ["events"], last: "5m", interval: "minute", compare: "previous" }), undefined);
  assert.equal(asked({ measures: ["events"], last: "3h", interval: "hour" }), undefined);
});

test.run();
