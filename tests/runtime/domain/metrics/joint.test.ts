import assert from "node:assert/strict";
import { test } from "uvu";
import {
  boundedRows,
  dimsOf,
  isJointKey,
  isOthersKey,
  MAX_JOINT_KEYS,
  type Rows,
  tallyRows,
} from "../../../../runtime/domain/metrics/facts.ts";

const bounded = boundedRows();
/** Counts an event of each of these types. @returns the rows of the minute */
function minute(tenant: string, hour: number, types: readonly number[]): Rows {
  const rows: Rows = new Map();
  for (const n of types)
    tallyRows(bounded(tenant, hour, rows), {
      ...{ kind: "accepted", tenant, at: hour * 3_600_000, routed_at: 0, key_id: "key_1" },
      events: [{ type: `type ${n}`, bytes: 1 }],
    });
  return rows;
}
/** The types that joint rows tell apart, and how many events the row of the others counts. */
function told(rows: Rows): [types: (string | null | undefined)[], others: number | undefined] {
  const joint = [...rows.keys()].filter(isJointKey);
  const others = joint.find(isOthersKey);
  return [
    joint.filter((key) => key !== others).map((key) => dimsOf(key).event_type),
    others === undefined ? undefined : rows.get(others)!.counts.events,
  ];
}
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

test("a writer tells a thousand joint keys of a customer and hour apart, always the same; the rest is one row, and other rows know each", () => {
  const first = minute("cus_a", 1, range(0, MAX_JOINT_KEYS + 3));
  assert.deepEqual(told(first), [range(0, MAX_JOINT_KEYS).map((n) => `type ${n}`), 3]);
  assert.equal(MAX_JOINT_KEYS, 1_000);
  const types = [...first.keys()].filter((key) => !isJointKey(key) && dimsOf(key).event_type !== null);
  assert.equal(types.length, MAX_JOINT_KEYS + 3);
  // The next minute of the hour.
  assert.deepEqual(told(minute("cus_a", 1, [5, MAX_JOINT_KEYS + 1, MAX_JOINT_KEYS + 9])), [["type 5"], 2]);
});

test("another hour and another customer have a thousand of their own", () => {
  minute("cus_a", 2, range(0, MAX_JOINT_KEYS));
  for (const [tenant, hour] of [
    ["cus_a", 3],
    ["cus_b", 2],
  ] as const)
    assert.deepEqual(told(minute(tenant, hour, [7_000])), [["type 7000"], undefined]);
});

test.run();
