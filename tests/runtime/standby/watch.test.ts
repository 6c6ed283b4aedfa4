import assert from "node:assert/strict";
import { test } from "uvu";
import { beginning, decide, isBusy, type Step, takeoverIn, type WatchState } from "../../../runtime/standby/watch.ts";

const now = 1_000_000;
const state = (change: Partial<WatchState>): WatchState => ({ ...beginning, ...change });
const held = now + 60_000;

const behaviour: [
  says: string,
  before: WatchState,
  healthy: boolean,
  step: Step,
  after: Partial<WatchState>,
  waitMs: number,
][] = [
  ["all is well", beginning, true, "none", { successes: 1 }, 5_000],
  ["one failed check moves nothing, and the next comes soon", beginning, false, "none", { failures: 1 }, 1_000],
  [
    "the second in a row moves events here",
    state({ failures: 1 }),
    false,
    "take_over",
    { failures: 2, until: held },
    5_000,
  ],
  ["a good check in between begins anew", state({ failures: 1 }), true, "none", { successes: 1 }, 5_000],
  [
    "a takeover with time left is not renewed",
    state({ failures: 3, until: now + 45_000 }),
    false,
    "none",
    { failures: 4, until: now + 45_000 },
    5_000,
  ],
  [
    "one that ends soon is",
    state({ failures: 9, until: now + 39_000 }),
    false,
    "take_over",
    { failures: 10, until: held },
    5_000,
  ],
  [
    "while it lasts, one good check hands nothing back, and the next comes soon",
    state({ failures: 9, until: held }),
    true,
    "none",
    { successes: 1, until: held },
    1_000,
  ],
  [
    "the third in a row does",
    state({ successes: 2, until: held }),
    true,
    "hand_back",
    { successes: 3, until: 0 },
    5_000,
  ],
  [
    "a takeover that has ended by itself needs no handing back",
    state({ successes: 2, until: now - 1 }),
    true,
    "none",
    { successes: 3, until: now - 1 },
    5_000,
  ],
];
for (const [says, before, healthy, step, after, waitMs] of behaviour)
  test(says, () => assert.deepEqual(decide(before, healthy, now), { state: state(after), step, waitMs }));

for (const [name, busy] of [
  ["TooManyRequestsException", true],
  ["ServiceException", false],
  ["TimeoutError", false],
  ["AccessDeniedException", false],
] as const)
  test(`a home region that answers ${name} is ${busy ? "busy, and so alive" : "not heard of"}`, () =>
    assert.equal(isBusy(Object.assign(new Error("refused"), { name })), busy));

test("a text that is no takeover counts as none, so that the next one can be written over it", () => {
  const takeover = { region: "us-west-2", until: 5 };
  const texts = [JSON.stringify(takeover), "", "{", "null", '"x"', '{"region":"us-west-2"}', '{"region":1,"until":5}'];
  assert.deepEqual(texts.map(takeoverIn), [takeover, ...Array(6).fill(undefined)]);
});

test.run();
