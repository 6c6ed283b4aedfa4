import assert from "node:assert/strict";
import { mock } from "node:test";
import type { SQSRecord } from "aws-lambda";
import fc from "fast-check";
import { suite } from "uvu";
import { FairQueue } from "../../local/sqs/fair.ts";
import type { Outgoing } from "../../runtime/aws/queues.ts";
import { unmade } from "../../runtime/deliver/unmade.ts";
import type { Tenant } from "../../runtime/domain/identity/identity.ts";
import type { Budget } from "../../runtime/matching/index.ts";
import { route } from "../../runtime/route/route.ts";
import { encodeBatch } from "../../runtime/store/batches/batchItem.ts";
import { batchKey, keyText } from "../../runtime/store/keys.ts";
import { type Answer, makeWorld as makeDeliverWorld } from "./deliver/world.ts";
import { makeWorld as makeRouteWorld } from "./route/world.ts";

/**
 * A quiet customer beside hostile ones, between the two queues, under a clock of the test's own: route and deliver run for real, in as
 * many environments at once as stand here; selectors cost their units of 50 ns without taking them, endpoints their time. So
 * what is measured is what the code decides, the same on any machine.
 */
const test = suite("a quiet customer beside hostile ones");

const TICK_MS = 20;
const UNIT_MS = 50e-6;
const ROUTE_ENVIRONMENTS = 5;
/** As Lambda scales five provisioned pollers: ten invocations each, and a thousand more a minute. */
const DELIVER_ENVIRONMENTS = 50;
const MORE_EACH_MS = 1_000 / 60_000;
/** What an invocation takes beside matching and posts. */
const INVOCATION_MS = 20;
const ATTACKED_MS = 12_000;
const QUIET_EVERY_MS = 400;
const QUIET = "cus_01JDGXS7G0ABCDEFGHJKMNPQRT" as Tenant;
const QUIET_SUB = "sub_01JDGXS7G0ABCDEFGHJKMNPQRT";

/** One customer's way of being a burden. */
interface Hostile {
  /** Selectors that look at each event, and what each takes. */
  readonly selectors: number;
  readonly units: number;
  readonly subscriptions: number;
  readonly endpoint: "hangs" | "slow" | "fails" | "well" | "too large";
  readonly maxBatch: 1 | 100;
  /** Events of a request, and how often such requests come. */
  readonly events: number;
  readonly everyMs: number;
  /** Requests that come at once. */
  readonly burst: number;
  readonly replays: boolean;
  /** Whether its endpoints have the quiet one's host. */
  readonly sameHost: boolean;
}

const hostile: fc.Arbitrary<Hostile> = fc.record({
  selectors: fc.constantFrom(0, 1, 100, 2_000),
  units: fc.constantFrom(50, 5_000, 10_000),
  subscriptions: fc.integer({ min: 1, max: 12 }),
  endpoint: fc.constantFrom("hangs", "slow", "fails", "well", "too large"),
  maxBatch: fc.constantFrom(1, 100),
  events: fc.integer({ min: 1, max: 40 }),
  everyMs: fc.constantFrom(100, 200, 1_000),
  burst: fc.constantFrom(1, 1, 10),
  replays: fc.boolean(),
  sameHost: fc.boolean(),
});

const answerOf: Record<Hostile["endpoint"], Exclude<Answer, number>> = {
  hangs: { error: "timeout", ms: 10_000 },
  slow: { status: 200, ms: 3_000 },
  fails: { status: 500, ms: 20 },
  well: { status: 200, ms: 20 },
  "too large": { status: 200, ms: 20 },
};

/** Lets everything run that waits for nothing but its turn. */
async function turns(): Promise<void> {
  for (let n = 0; n < 4; n += 1) await new Promise((resolve) => setImmediate(resolve));
}

interface Waiting {
  readonly record: SQSRecord;
  readonly group: string;
  readonly visibleAt: number;
}

/** @returns milliseconds from acceptance to delivery of each of the quiet one's events, and its attempts */
async function run(attackers: readonly Hostile[]): Promise<{ latencies: number[]; attempts: number; sent: number }> {
  const routing = makeRouteWorld({});
  const delivering = makeDeliverWorld({ dice: () => 0.5 });
  const began = delivering.now();
  let clock = 0;
  const tenantOf = (at: number) => `cus_01JDGXS7G0ABCDEFGHJKMNPQA${at}` as Tenant;
  const subsOf = (at: number) =>
    Array.from(
      { length: attackers[at]!.subscriptions },
      (_, n) => `sub_01JDGXS7G0ABCDEFGHJK${at}${String(n).padStart(5, "0")}`,
    );
  const behaviour = new Map<string, Hostile["endpoint"]>();
  delivering.subscribe({
    tenant: QUIET,
    subscription_id: QUIET_SUB,
    webhook_url: "https://hooks.example.com/quiet",
    max_batch: 1,
  });
  for (const [at, { endpoint, maxBatch, sameHost }] of attackers.entries())
    for (const subscription_id of subsOf(at)) {
      const url = new URL(`https://${sameHost ? "hooks" : `host${at}`}.example.com/${subscription_id}`);
      behaviour.set(url.pathname, endpoint);
      delivering.subscribe({ tenant: tenantOf(at), subscription_id, webhook_url: url.href, max_batch: maxBatch });
    }
  delivering.answers(async ({ url }) => {
    const answer = answerOf[behaviour.get(url.pathname) ?? "well"];
    await new Promise((resolve) => setTimeout(resolve, answer.ms));
    return answer;
  });
  const { payloads } = delivering.ports.posting;
  Object.assign(delivering.ports.posting, {
    payloads: (async (target, delivery, offsets) =>
      behaviour.get(new URL(target.webhook_url).pathname) === "too large"
        ? () => unmade("payload_too_large", new Error("1,000,001 bytes"))
        : payloads(target, delivery, offsets)) as typeof payloads,
  });

  /** What an invocation of route has spent so far, and what it has queued, with what was spent by then. */
  let spent = 0;
  let queued: { at: number; messages: readonly Outgoing[] }[] = [];
  const matcherOf = (tenant: Tenant) => {
    const at = attackers.findIndex((_, n) => tenantOf(n) === tenant);
    const wanted = at < 0 ? [QUIET_SUB] : subsOf(at);
    const { selectors, units } = attackers[at] ?? { selectors: 1, units: 50 };
    return {
      size: wanted.length,
      match(event: { payload: unknown }, _tally: unknown, budget: Budget) {
        // It depends on more than the type.
        void event.payload;
        for (let n = 0; n < selectors; n += 1) budget.spend(Math.min(units, budget.allowance));
        spent += budget.spent;
        return wanted.map((subscription_id) => ({ subscription_id }));
      },
    };
  };
  Object.assign(routing.ports, {
    now: () => began + clock,
    snapshots: {
      get: async (tenant: Tenant) => ({
        tenant,
        version: 1,
        retention_days: 30,
        matcher: matcherOf(tenant),
        erasures: [],
        byType: new Map(),
      }),
    },
    async storeNew(batches: Parameters<typeof routing.ports.storeNew>[0]) {
      for (const batch of batches)
        delivering.items.set(keyText(batchKey(batch.tenant, batch.first)), encodeBatch(batch));
      await routing.ports.storeAgain(batches[0]!);
    },
    async queue(messages: readonly Outgoing[]) {
      queued.push({ at: spent, messages });
      return messages.map(() => undefined);
    },
  });

  let ingest: Waiting[] = [];
  const busy: number[] = [];
  const onTheWay: { at: number; messages: readonly Outgoing[] }[] = [];
  const accept = (tenant: Tenant, count: number) => {
    const record = routing.message(
      Array.from({ length: count }, () => ({ event_type: "a", at: clock })),
      { tenant },
    );
    ingest.push({ record, group: tenant, visibleAt: clock });
  };

  async function routeOne(): Promise<void> {
    const fair = new FairQueue<Waiting>();
    for (const one of ingest) if (one.visibleAt <= clock) fair.push(one.group, one);
    if (fair.size === 0) return;
    const taken = new Set(Array.from({ length: Math.min(10, fair.size) }, () => fair.shift()!));
    ingest = ingest.filter((one) => !taken.has(one));
    [spent, queued] = [0, []];
    const Records = [...taken].map(({ record }) => record);
    const { batchItemFailures } = await route({ Records }, routing.ports, began + clock + 30_000);
    assert.deepEqual(batchItemFailures, []);
    for (const { at, messages } of queued) onTheWay.push({ at: clock + INVOCATION_MS + at * UNIT_MS, messages });
    const over = clock + INVOCATION_MS + spent * UNIT_MS;
    busy.push(over);
    const back = [...routing.sentBack];
    for (const [at, record] of routing.takeBack().entries())
      ingest.push({ record, group: back[at]!.group!, visibleAt: over + back[at]!.delaySeconds! * 1_000 });
  }

  const running = { delivery: 0, retry: 0 };
  function deliverSome(): void {
    for (const lane of ["delivery", "retry"] as const)
      while (
        running[lane] < DELIVER_ENVIRONMENTS + clock * MORE_EACH_MS &&
        delivering.queue.some(({ queue, visibleAt }) => queue === lane && visibleAt <= delivering.now())
      ) {
        running[lane] += 1;
        void delivering.step(lane).finally(() => {
          running[lane] -= 1;
        });
      }
  }

  /** What a replay does to the queues: something that was sent before goes into that of retries. */
  const again = (tenant: Tenant) => {
    const sent = delivering.queue.find(({ group }) => group === tenant);
    if (sent !== undefined) delivering.send("retry", [sent]);
  };

  const quiet: number[] = [];
  const arrived = () => delivering.posts.filter(({ url }) => url.endsWith("/quiet"));
  for (; clock < ATTACKED_MS || (arrived().length < quiet.length && clock < 10 * ATTACKED_MS); clock += TICK_MS) {
    if (clock < ATTACKED_MS) {
      if (clock % QUIET_EVERY_MS === 0) {
        quiet.push(clock);
        accept(QUIET, 1);
      }
      for (const [at, { everyMs, burst, events, replays }] of attackers.entries())
        if (clock % (everyMs * burst) === 0)
          for (let n = 0; n < burst; n += 1) {
            accept(tenantOf(at), events);
            if (replays) again(tenantOf(at));
          }
    }
    for (const one of onTheWay.filter(({ at }) => at <= clock)) {
      onTheWay.splice(onTheWay.indexOf(one), 1);
      delivering.send("delivery", one.messages);
    }
    for (const over of busy.filter((at) => at <= clock)) busy.splice(busy.indexOf(over), 1);
    while (busy.length < ROUTE_ENVIRONMENTS && ingest.some(({ visibleAt }) => visibleAt <= clock)) await routeOne();
    deliverSome();
    await turns();
    mock.timers.tick(TICK_MS);
    delivering.advance(TICK_MS);
  }
  const posts = arrived();
  const latencies = posts.map(
    ({ at, body }) => at - began - (JSON.parse(body) as { payload: { at: number } }).payload.at,
  );
  return {
    latencies,
    attempts: Math.max(...posts.map(({ headers }) => Number(headers["triggers-attempt"]))),
    sent: quiet.length,
  };
}

const p95 = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length * 0.95) - 1]!;

test.before(() => mock.timers.enable({ apis: ["setTimeout"] }));
test.after(() => mock.timers.reset());

test("without neighbours a customer's events arrive at once", async () => {
  const { latencies, sent } = await run([]);
  assert.deepEqual([latencies.length, p95(latencies) <= 60], [sent, true], String(latencies));
});

test("beside three busy neighbours each event of a customer arrives at the first attempt, and 95 of 100 within three seconds", () =>
  fc.assert(
    fc.asyncProperty(fc.array(hostile, { minLength: 3, maxLength: 3 }), async (attackers) => {
      const { latencies, attempts, sent } = await run(attackers);
      assert.deepEqual([latencies.length, attempts], [sent, 1]);
      assert.ok(p95(latencies) <= 3_000, `p95 ${p95(latencies)} ms`);
    }),
    { numRuns: 6 },
  ));

test.run();
