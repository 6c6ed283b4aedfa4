import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { Limiter } from "../../../runtime/redis/limiter.ts";
import {
  BUCKET,
  KEPT_SLOTS,
  LATE_MS,
  remaining,
  SLOT_MS,
  slotOf,
  stateIn,
  WINDOW_SLOTS,
  waitFor,
} from "../../../runtime/redis/window.ts";
import { startRedis, type TestRedis } from "./support/redis.ts";

/** The arithmetic and its script, together: what they promise to who keeps to a limit, and to who does not. */
const test = suite("window");
let redis: TestRedis;
let customers = 0;

test.before(async () => {
  redis = await startRedis();
});
test.after(() => redis.close());

const START = 1_800_000_000_000;
const text = (at: number, level: number, first: number, counts: readonly number[]): string =>
  [at, level, 0, first, ...counts].join(" ");
const slot = slotOf(START);

const rows: [says: string, state: string, limit: number, cost: number, left: number, wait: number][] = [
  ["an unused window has all of it left", "", 10, 10, 10, 0],
  ["a used slot counts whole", text(START, 4_000, slot, [4]), 10, 6, 6, 0],
  ["it counts until its slot is 8 slots old", text(START, 4_000, slot - 7, [4]), 10, 7, 6, SLOT_MS],
  ["and then no more", text(START - 800, 4_000, slot - 8, [4]), 10, 10, 10, 0],
  ["a wait ends when enough slots are over", text(START, 5_500, slot - 5, [6, 0, 4]), 10, 6, 0, 3 * SLOT_MS],
  ["a full bucket makes wait who comes too often for long", text(START, 12_500, slot - 8, [10]), 10, 1, 0, 100],
  ["more than the limit never fits", "", 10, 11, 10, Number.POSITIVE_INFINITY],
  ["who comes late is counted with what came after", text(START + 400, 10_000, slot + 4, [10]), 10, 1, 0, 1_200],
];
for (const [says, state, limit, cost, left, wait] of rows) {
  test(says, () => {
    const known = stateIn(state, START);
    assert.deepEqual([remaining(known, limit, START), waitFor(known, limit, cost, START)], [left, wait]);
  });
}

const customer = (limit_per_second: number): Identity => {
  customers += 1;
  return {
    customer_id: `cus_${customers}`,
    environment: "live",
    key_id: "key_1",
    scopes: ["events:write"],
    limit_per_second,
  };
};

interface Sent {
  readonly at: number;
  readonly cost: number;
}

/** Plays requests through the limiter in the order in which they are counted. @returns those that passed */
async function play(limit: number, requests: readonly (Sent & { readonly counted: number })[]): Promise<Sent[]> {
  const who = customer(limit);
  let now = START;
  const limiter = new Limiter({
    redis: redis.connection,
    now: () => now,
    failedOpen: (cause) => {
      throw cause;
    },
  });
  const passed: Sent[] = [];
  for (const { at, cost, counted } of requests.toSorted((a, b) => a.counted - b.counted)) {
    now = START + counted;
    if ((await limiter.take(who, cost, START + at)).allowed) passed.push({ at, cost });
  }
  return passed;
}

/** Events within any stretch of so many ms, at most. */
function busiest(sent: readonly Sent[], ms: number): number {
  return Math.max(
    0,
    ...sent.map(({ at: from }) =>
      sent.filter(({ at }) => at >= from && at < from + ms).reduce((sum, { cost }) => sum + cost, 0),
    ),
  );
}

const limits = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 60 }));
const requests = (gap: number) =>
  fc.array(
    fc.record({
      gap: fc.nat(gap),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      /** Ms that it is longer on its way than it may be at best. */
      way: fc.nat(1_000 - WINDOW_SLOTS * SLOT_MS),
      /** Ms until it is counted: an environment that begins, a busy machine. */
      held: fc.oneof(fc.constant(0), fc.nat(LATE_MS)),
    }),
    { minLength: 1, maxLength: 40 },
  );

/** Costs of 1 to the limit, sent as soon as the caller may who never sends more than the limit within a second. */
function obedient(limit: number, wanted: readonly { gap: number; share: number; way: number; held: number }[]) {
  const sent: Sent[] = [];
  let at = 0;
  return wanted.map(({ gap, share, way, held }) => {
    const cost = 1 + Math.floor(share * (limit - 1));
    at += gap;
    const others = () => sent.filter((one) => one.at > at - 1_000).reduce((sum, one) => sum + one.cost, 0);
    while (others() + cost > limit)
      at = Math.min(...sent.filter((one) => one.at > at - 1_000).map((o) => o.at)) + 1_000;
    sent.push({ at, cost });
    return { at: at + way, cost, counted: at + way + held };
  });
}

test("a caller within the limit in every second is never refused, however its requests are delayed", () =>
  fc.assert(
    fc.asyncProperty(limits, requests(600), async (limit, wanted) => {
      const sent = obedient(limit, wanted);
      assert.equal((await play(limit, sent)).length, sent.length);
    }),
    { numRuns: 150 },
  ));

for (const [limit, cost, every] of [
  [1, 1, 1_050],
  [2, 2, 1_050],
  [10, 10, 1_100],
  [10, 1, 100],
] as const) {
  test(`at a limit of ${limit}, ${cost} every ${every} ms pass for ever`, async () => {
    for (const offset of [0, 1, 49, 333, 950]) {
      const sent = Array.from({ length: 60 }, (_, i) => ({
        at: offset + i * every,
        cost,
        counted: offset + i * every,
      }));
      assert.equal((await play(limit, sent)).length, 60);
    }
  });
}

test("no 700 ms pass more than the limit, and T seconds at most T + 1.25 times the limit", () =>
  fc.assert(
    fc.asyncProperty(limits, requests(200), async (limit, wanted) => {
      let at = 0;
      const sent = wanted.map(({ gap, share }) => {
        at += gap;
        return { at, cost: 1 + Math.floor(share * (limit - 1)), counted: at };
      });
      const passed = await play(limit, sent);
      assert.ok(busiest(passed, (WINDOW_SLOTS - 1) * SLOT_MS) <= limit);
      for (const ms of [1_000, 2_000, 4_000, 8_000]) assert.ok(busiest(passed, ms) <= (limit * (ms + BUCKET)) / 1_000);
    }),
    { numRuns: 150 },
  ));

test("hammered for long, the limit passes and a second's worth more", async () => {
  const sent = Array.from({ length: 4_000 }, (_, i) => ({ at: i * 5, cost: 3, counted: i * 5 }));
  const passed = (await play(20, sent)).length * 3;
  assert.ok(passed <= 20 * 21.25);
  assert.ok(passed >= 20 * 20);
});

test("a request passes after the told wait and not a millisecond earlier, and the told rest is what passes", () =>
  fc.assert(
    fc.asyncProperty(limits, requests(150), fc.double({ min: 0, max: 1, noNaN: true }), async (limit, wanted, last) => {
      const who = customer(limit);
      let now = START;
      const limiter = new Limiter({ redis: redis.connection, now: () => now, failedOpen: () => {} });
      for (const { gap, share } of wanted) {
        now += gap;
        await limiter.take(who, 1 + Math.floor(share * (limit - 1)));
      }
      const { remaining: left } = await limiter.take(who, 0);
      const more = await limiter.take(who, left + 1);
      assert.equal(more.allowed, false);
      const cost = Math.min(limit, left + 1 + Math.floor(last * limit));
      const { allowed, retryAfterMs } = await limiter.take(who, cost);
      if (!allowed) {
        now += retryAfterMs - 1;
        assert.equal((await limiter.take(who, cost)).allowed, false);
        now += 1;
        assert.equal((await limiter.take(who, cost)).allowed, true);
      }
    }),
    { numRuns: 150 },
  ));

test("a window is small, also when much is counted in it", async () => {
  const sent = Array.from({ length: 3_000 }, (_, i) => ({ at: i * 7, cost: 1_000_000, counted: i * 7 }));
  await play(1_000_000_000, sent);
  const stored = (await redis.connection.command("GET", [`limit:{cus_${customers}}`], 1_000)) as string;
  assert.equal(stored.split(" ").length, 4 + KEPT_SLOTS);
  assert.ok(stored.length < 700, `${stored.length} characters`);
});

test.run();
