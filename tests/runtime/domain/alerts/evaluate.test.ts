import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { PROBE_WAITS_MS } from "../../../../runtime/deliver/circuits.ts";
import {
  type Change,
  NO_DATA_MS,
  rehearse,
  ripeAt,
  step,
  type Watch,
} from "../../../../runtime/domain/alerts/evaluate.ts";
import { defaultRules } from "../../../../runtime/domain/alerts/rule.ts";

const test = suite("states of an alert rule");
const MINUTE = 60_000;

type Rule = Parameters<typeof step>[0];
const rule = (more: Partial<Rule> = {}): Rule => ({
  kind: "error_rate",
  threshold: 0.05,
  for_minutes: 3,
  severity: "warning",
  ...more,
});

/** What changes, by minute from 0, over these numbers. */
function run(given: Rule, numbers: readonly (number | null)[]): [minute: number, change: Change][] {
  let watch: Watch | undefined;
  return numbers.flatMap((value, minute) => {
    const { watch: after, changes } = step(given, watch, minute * MINUTE, value);
    watch = after;
    return changes.map((change): [number, Change] => [minute, change]);
  });
}
const times = (count: number, value: number | null): (number | null)[] => Array.from({ length: count }, () => value);

const behaviour: [says: string, rule: Rule, numbers: readonly (number | null)[], changes: [number, Change][]][] = [
  ["nothing happens below the threshold, or at it", rule(), [0, 0.05, 0.01], []],
  [
    "it is pending above it, and fires once that has lasted",
    rule(),
    [0.1, 0.1, 0.1],
    [
      [0, "pending"],
      [2, "firing"],
    ],
  ],
  [
    "it lapses where it has not lasted",
    rule(),
    [0.1, 0.1, 0.01, 0.1],
    [
      [0, "pending"],
      [2, "lapsed"],
      [3, "pending"],
    ],
  ],
  [
    "a rule for no minutes fires at once",
    rule({ for_minutes: 0 }),
    [0.1],
    [
      [0, "pending"],
      [0, "firing"],
    ],
  ],
  [
    "a rule for one minute fires after one",
    rule({ for_minutes: 1 }),
    [0.1],
    [
      [0, "pending"],
      [0, "firing"],
    ],
  ],
  [
    "it resolves once it was well for as long",
    rule(),
    [0.1, 0.1, 0.1, 0, 0, 0],
    [
      [0, "pending"],
      [2, "firing"],
      [5, "resolved"],
    ],
  ],
  [
    "a number that swings around the threshold rings once",
    rule(),
    [0.1, 0.1, 0.1, 0.046, 0.06, 0.047, 0.049, 0.046, 0.046],
    [
      [0, "pending"],
      [2, "firing"],
    ],
  ],
  [
    "one bad minute begins the wait anew",
    rule(),
    [0.1, 0.1, 0.1, 0, 0, 0.1, 0, 0, 0],
    [
      [0, "pending"],
      [2, "firing"],
      [8, "resolved"],
    ],
  ],
  [
    "minutes without a number neither break nor mend",
    rule(),
    [0.1, null, null, 0.1, null, 0, null, null],
    [
      [0, "pending"],
      [3, "firing"],
      [7, "resolved"],
    ],
  ],
  [
    "a single number does not fire by itself",
    rule(),
    [0.1, ...times(40, null)],
    [
      [0, "pending"],
      [30, "lapsed"],
    ],
  ],
  [
    "a firing one without numbers resolves after half an hour",
    rule({ for_minutes: 1 }),
    [0.1, ...times(40, null)],
    [
      [0, "pending"],
      [0, "firing"],
      [30, "resolved"],
    ],
  ],
  [
    "use of the limit becomes critical once it is full, and is told once more",
    rule({ kind: "quota", threshold: 0.8, for_minutes: 1 }),
    [0.9, 0.9, 1, 1, 0.9, 0],
    [
      [0, "pending"],
      [0, "firing"],
      [2, "escalated"],
      [5, "resolved"],
    ],
  ],
];
for (const [says, given, numbers, changes] of behaviour)
  test(says, () => assert.deepEqual(run(given, numbers), changes));

test("an endpoint that is left alone is tried again before the alert about it lapses", () =>
  assert.ok(Math.max(...PROBE_WAITS_MS) < NO_DATA_MS));

test("a resolved alert has its reason", () => {
  const firing: Watch = { state: "firing", since: 0, seen_at: 0, value: 1, calm_since: null, severity: "warning" };
  assert.equal(step(rule({ for_minutes: 0 }), firing, MINUTE, 0).resolution, "recovered");
  assert.equal(step(rule(), firing, 31 * MINUTE, null).resolution, "no_data");
});

const numbers = fc.array(fc.option(fc.constantFrom(0, 0.02, 0.045, 0.05, 0.06, 0.5, 1), { freq: 4 }), {
  maxLength: 120,
});
const rules = fc.record({
  kind: fc.constantFrom("error_rate" as const, "quota" as const),
  threshold: fc.constantFrom(0, 0.05, 0.8),
  for_minutes: fc.integer({ min: 0, max: 15 }),
  severity: fc.constant("warning" as const),
});

test("for any numbers changes alternate, and an alert fires only after its minutes above the threshold", () =>
  fc.assert(
    fc.property(rules, numbers, (given, values) => {
      let state: "ok" | "pending" | "firing" = "ok";
      let since = 0;
      for (const [minute, change] of run(given, values)) {
        if (change === "pending") {
          assert.equal(state, "ok");
          [state, since] = ["pending", minute];
        } else if (change === "firing") {
          assert.equal(state, "pending");
          assert.ok((values[minute] ?? -1) > given.threshold);
          assert.ok(minute + 1 - since >= given.for_minutes);
          state = "firing";
        } else if (change === "lapsed") {
          assert.equal(state, "pending");
          state = "ok";
        } else if (change === "resolved") {
          assert.equal(state, "firing");
          state = "ok";
        } else assert.equal(state, "firing");
      }
    }),
  ));

test("for any numbers a pending rule fires with the first one above its threshold from the time that is told, and waits half an hour for it", () =>
  fc.assert(
    fc.property(rules, numbers, (given, values) => {
      let watch: Watch | undefined;
      values.forEach((value, at) => {
        const [minute, before] = [at * MINUTE, watch];
        const { watch: after, changes } = step(given, before, minute, value);
        watch = after;
        if (before?.state !== "pending") return;
        const above = value !== null && value > given.threshold;
        const fires = above && minute + MINUTE >= ripeAt(given, before.since);
        const lapses = value === null ? minute - before.seen_at >= NO_DATA_MS : !above;
        assert.deepEqual(changes, fires ? ["firing"] : lapses ? ["lapsed"] : []);
      });
    }),
  ));

test("a preview of a rule gives the alerts that the rule gives", () =>
  fc.assert(
    fc.property(rules, numbers, (given, values) => {
      const rung = rehearse(
        given,
        values.map((value, minute) => [minute * MINUTE, value] as const),
      );
      const changes = run(given, values);
      const at = (wanted: Change) =>
        changes.filter(([, change]) => change === wanted).map(([minute]) => (minute + 1) * MINUTE);
      assert.deepEqual(
        rung.map(({ fired_at }) => fired_at),
        at("firing"),
      );
      assert.deepEqual(
        rung.flatMap(({ resolved_at }) => resolved_at ?? []),
        at("resolved"),
      );
    }),
  ));

test("every customer begins with these six rules", () =>
  assert.deepEqual(
    defaultRules.map(({ kind, threshold, for_minutes, severity, enabled }) => [
      kind,
      threshold,
      for_minutes,
      severity,
      enabled,
    ]),
    [
      ["error_rate", 0.05, 10, "critical", true],
      ["latency", 5_000, 5, "warning", true],
      ["quota", 0.8, 1, "warning", true],
      ["metric", 0, 0, "critical", true],
      ["dead_letters", 0, 1, "warning", true],
      ["api_down", 0, 2, "critical", true],
    ],
  ));

test.run();
