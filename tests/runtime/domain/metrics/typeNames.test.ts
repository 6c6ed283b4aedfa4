import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { dimsOf, grainOf, otherKey, type Rows, rowIn, tallyRows } from "../../../../runtime/domain/metrics/facts.ts";
import { OTHER } from "../../../../runtime/domain/metrics/names.ts";

const test = suite("names of event types in metrics");

const text = fc.oneof(
  fc.constantFrom("(other)", "\\(other)", "\\\\(other)", "(other)\n", "\n(other)", "(OTHER)", "other", "\\"),
  fc.string({ minLength: 1, maxLength: 20 }),
);

test("every event type keeps its own row, and none counts as the others", () => {
  fc.assert(
    fc.property(fc.uniqueArray(text, { minLength: 1, maxLength: 6 }), (types) => {
      const rows: Rows = new Map();
      tallyRows((key) => rowIn(rows, key), {
        ...{ kind: "accepted", tenant: "cus_1", at: 0, key_id: "key_1", first: "01ARZ3NDEKTSV4RRFFQ69G5FAV" },
        ...{ matched: { sub_1: types.map((_, offset) => offset) } },
        events: types.map((type) => ({ type, bytes: 1 })),
      } as never);
      for (const grain of ["type", "joint"] as const) {
        const own = [...rows.keys()].filter((key) => grainOf(key) === grain);
        const names = new Set(own.map((key) => dimsOf(key).event_type).filter((name) => name !== null));
        assert.equal(names.size, types.length, grain);
        assert.ok(!names.has(OTHER), grain);
        if (grain === "joint") assert.equal(dimsOf(otherKey(own[0]!)).event_type, OTHER);
      }
    }),
  );
});

test.run();
