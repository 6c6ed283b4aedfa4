import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { failureCatalog, failureOf, statusCatalog } from "../../../runtime/domain/errors/failures.ts";
import { errorClasses } from "../../../runtime/domain/metrics/names.ts";
import {
  decodeProblem,
  encodeProblem,
  type Problem,
  parseProblemId,
  problemId,
  problemStates,
  stateOf,
} from "../../../runtime/domain/problem.ts";

const test = suite("problem");
const MINUTE = 60_000;
const T = Date.parse("2026-11-25T10:00:00Z");
const SUB = "sub_01JDGXS7G0ABCDEFGHJKMNPQRT";

const problem = (more: Partial<Problem> = {}): Problem => ({
  tenant: "cus_01JDGXS7G0ABCDEFGHJKMNPQRS",
  subscription_id: SUB,
  error: "http_5xx",
  status_code: 500,
  said: "open",
  said_at: T,
  count: 3,
  events: 2,
  first_at: T,
  last_at: T,
  sample_delivery_id: "dlv_x",
  ...more,
});

const states: [says: string, problem: Problem, at: number, state: string][] = [
  ["is open while nothing succeeds, however long that lasts", problem(), T + 600 * MINUTE, "open"],
  ["is open until 30 minutes of success are over", problem({ well_at: T + MINUTE }), T + 31 * MINUTE - 1, "open"],
  ["resolves by itself after 30 minutes of success", problem({ well_at: T + MINUTE }), T + 31 * MINUTE, "resolved"],
  ["a success before the last failure does not count", problem({ well_at: T - 1 }), T + 60 * MINUTE, "open"],
  ["an acknowledged one resolves too", problem({ said: "acknowledged", well_at: T }), T + 30 * MINUTE, "resolved"],
  ["an acknowledged one stays so meanwhile", problem({ said: "acknowledged" }), T + 1, "acknowledged"],
  ["a resolved one stays so without a failure", problem({ said: "resolved", said_at: T + 1 }), T + 2, "resolved"],
  ["a resolved one opens when it recurs", problem({ said: "resolved", last_at: T + 1 }), T + 2, "open"],
  ["a muted one stays muted", problem({ said: "muted", last_at: T + 9, well_at: T + 9 }), 2 * T, "muted"],
];
for (const [says, given, at, state] of states) test(says, () => assert.equal(stateOf(given, at), state));

const causes = fc.record({
  error: fc.constantFrom(...errorClasses),
  status_code: fc.option(fc.integer({ min: 100, max: 599 })),
});

test("an id names its subscription and cause, and an item keeps all of a problem", () =>
  fc.assert(
    fc.property(causes, fc.constantFrom(...problemStates), fc.option(fc.nat()), (cause, said, well) => {
      assert.deepEqual(parseProblemId(problemId(SUB, cause)), { subscription_id: SUB, ...cause });
      const whole = problem({ ...cause, said, ...(well === null ? {} : { well_at: well }) });
      assert.deepEqual(decodeProblem(encodeProblem(whole)), whole);
    }),
  ));

test("a text that is not an id names no problem", () => {
  for (const id of ["", "prb_", `prb_${SUB.slice(4)}`, `prb_${SUB.slice(4)}z500`, `prb_${SUB.slice(4)}g5000`])
    assert.equal(parseProblemId(id), undefined, id);
});

test("every failure has an explanation and advice, those of a status first", () => {
  for (const error of errorClasses) assert.deepEqual(failureOf(error, null), failureCatalog[error]);
  assert.deepEqual(failureOf("http_4xx", 404), statusCatalog[404]);
  assert.deepEqual(failureOf("http_4xx", 418), failureCatalog.http_4xx);
});

test.run();
