import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { attemptSpanId, batchSpanId, type Trace, traceOf, traceparentOf } from "../../../runtime/domain/trace.ts";

const FIRST = "01JDGXS7G0ABCDEFGHJKMNPQRS";
const ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const own = traceOf({ first: FIRST }, 1)!;

const traces: [says: string, traceparent: string | undefined, ratio: number, trace: Trace | undefined][] = [
  ["the caller's trace is gone on with", `00-${ID}-${SPAN}-01`, 0, { trace_id: ID, caller: SPAN }],
  ["the caller's flags may hold more than the sampled one", `00-${ID}-${SPAN}-03`, 0, { trace_id: ID, caller: SPAN }],
  ["a trace that its caller doesn't record is not recorded", `00-${ID}-${SPAN}-00`, 1, undefined],
  ["nor one with other flags only", `00-${ID}-${SPAN}-02`, 1, undefined],
  ["a trace id of zeros is none", `00-${"0".repeat(32)}-${SPAN}-01`, 1, own],
  ["a parent id of zeros is none", `00-${ID}-${"0".repeat(16)}-01`, 1, own],
  ["another version is none", `01-${ID}-${SPAN}-01`, 1, own],
  ["without one, a trace begins here", undefined, 1, own],
  ["unless none are to be recorded", undefined, 0, undefined],
];
for (const [says, traceparent, ratio, trace] of traces)
  test(says, () => assert.deepEqual(traceOf({ first: FIRST, traceparent }, ratio), trace));

test("the given share of traces that begin here is recorded, and a greater ratio only adds traces", () => {
  const firsts = Array.from({ length: 4_000 }, (_, n) => `01JDGXS7G0ABCDEFGHJKMN${String(n).padStart(4, "0")}`);
  const recorded = (ratio: number) => firsts.filter((first) => traceOf({ first }, ratio) !== undefined);
  const [tenth, half] = [new Set(recorded(0.1)), new Set(recorded(0.5))];
  assert.ok(tenth.size > 300 && tenth.size < 500, String(tenth.size));
  assert.ok(half.size > 1_850 && half.size < 2_150, String(half.size));
  assert.ok([...tenth].every((first) => half.has(first)));
});

test("ids are of W3C's form, the same for the same work and others for other work", () =>
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.nat(), (webhook, delivery, at) => {
      const ids = [
        batchSpanId("ingest", FIRST),
        batchSpanId("route", FIRST),
        attemptSpanId(webhook, delivery, 1, at),
        attemptSpanId(webhook, delivery, 2, at),
        attemptSpanId(webhook, delivery, 1, at + 1),
      ];
      assert.ok(ids.every((id) => /^[0-9a-f]{16}$/.test(id)));
      assert.equal(new Set(ids).size, ids.length);
      assert.equal(attemptSpanId(webhook, delivery, 1, at), ids[2]);
      assert.match(traceparentOf(own.trace_id, ids[2]!), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    }),
  ));

test.run();
