import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { collector } from "../../../runtime/aws/collect.ts";
import { testClock } from "../../local/clock.ts";

function world() {
  const clock = testClock(0);
  const written: number[] = [];
  const state = { held: 0, broken: false };
  const logs: string[] = [];
  const { collected } = collector({
    async flush() {
      if (state.broken) throw new Error("away");
      written.push(clock.now());
      state.held = 0;
    },
    log: (_, message) => logs.push(message),
    now: clock.now,
    after: (ms, run) => void clock.at(clock.now() + ms, run),
  });
  const invoke = () => {
    state.held += 1;
    return collected();
  };
  return { clock, written, state, logs, invoke };
}

test("with little traffic each invocation writes its own counts", async () => {
  const { clock, written, invoke } = world();
  for (let i = 0; i < 4; i += 1) {
    await invoke();
    clock.advance(2_000);
  }
  assert.deepEqual(written, [0, 2_000, 4_000, 6_000]);
});

test("a busy environment writes once in a while, and the rest when the window ends", async () => {
  const { clock, written, state, invoke } = world();
  for (let i = 0; i < 29; i += 1) {
    await invoke();
    clock.advance(100);
  }
  assert.deepEqual([written, state.held], [[0, 100], 27]);
  clock.advance(100);
  assert.deepEqual([written, state.held], [[0, 100, 3_000], 0]);
});

test("nothing is held for longer than three seconds, and nobody writes more than once a second for long", () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 100 }), async (pauses) => {
      const { clock, written, state, invoke } = world();
      for (const pause of pauses) {
        await invoke();
        clock.advance(pause);
      }
      clock.advance(3_000);
      assert.equal(state.held, 0);
      for (const at of written) assert.ok(written.filter((other) => other >= at && other < at + 3_000).length <= 3);
    }),
  ));

test("a failed write fails the invocation that made it; without an invocation that waits, it writes a log line", async () => {
  const { clock, logs, state, invoke } = world();
  state.broken = true;
  await assert.rejects(invoke(), new Error("away"));
  await assert.rejects(invoke(), new Error("away"));
  await invoke();
  clock.advance(3_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(logs, ["usage.not_counted_yet"]);
});

test.run();
