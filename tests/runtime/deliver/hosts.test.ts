import assert from "node:assert/strict";
import * as fc from "fast-check";
import { suite } from "uvu";
import { type Hosts, hostsOver, TELL_EVERY, UNPROVED_PER_SECOND, WINDOW_MS } from "../../../runtime/deliver/hosts.ts";
import { sendSample } from "../../../runtime/deliver/sample.ts";
import { encodeRetry } from "../../../runtime/domain/codec/index.ts";
import { openStorage, type Storage } from "../../support/storage.ts";
import { hostCounters, makeWorld, SUB, TENANT } from "./world.ts";

const test = suite("posts to one host");
const HOST = "hooks.example.com";
const START = 1_800_000_000_000;
let storage: Storage;
let clock = START;

test.before(async () => {
  storage = await openStorage();
});
test.after(() => storage.close());
test.before.each(() => {
  clock += 60_000;
});

const environment = (limit: number, over = storage.dynamodb as never): Hosts =>
  hostsOver({ dynamodb: over, name: "events" }, limit, { log: () => {}, now: () => clock, dice: () => 0.5 });
const tenant = (name: string) => `cus_${name}` as typeof TENANT;

/** How many of so many posts may begin, each told before the next begins. */
async function pass(hosts: Hosts, times: number, who: string = TENANT): Promise<number> {
  let passed = 0;
  for (let n = 0; n < times; n += 1) {
    if (hosts.enter(HOST, who as typeof TENANT) === undefined) passed += 1;
    await hosts.told();
  }
  return passed;
}

test("in a window as many posts begin as the limit allows, over all environments, plus those not yet reported", async () => {
  const all = [environment(100), environment(100), environment(100)];
  for (const hosts of all) hosts.accepted(HOST);
  clock += WINDOW_MS - (clock % WINDOW_MS) + WINDOW_MS - 1;
  let passed = 0;
  for (let round = 0; round < 50; round += 1) for (const hosts of all) passed += await pass(hosts, 10);
  const limit = 100 * (WINDOW_MS / 1_000);
  assert.ok(passed >= limit * 0.9 && passed < limit + all.length * TELL_EVERY, String(passed));
});

test("a few posts to a host are not reported", async () => {
  const counters = hostCounters();
  assert.equal(await pass(environment(100, counters.dynamodb), TELL_EVERY - 1), TELL_EVERY - 1);
  assert.deepEqual(counters.writes, []);
});

test("a host that has accepted no post gets a hundred a second, and the whole limit once it has accepted one", async () => {
  clock += WINDOW_MS - (clock % WINDOW_MS) + WINDOW_MS - 1;
  const [here, there] = [environment(1_000), environment(1_000)];
  const unproved = UNPROVED_PER_SECOND * (WINDOW_MS / 1_000);
  const passed = await pass(here, unproved + 200);
  assert.ok(passed >= unproved * 0.9 && passed <= unproved, String(passed));
  there.accepted(HOST);
  await pass(there, TELL_EVERY);
  await pass(here, TELL_EVERY);
  assert.equal(await pass(here, 200), 200);
});

test("a customer with few posts goes on while one that used up the rate waits, in any lane", async () => {
  clock += WINDOW_MS - (clock % WINDOW_MS) + WINDOW_MS - 1;
  const [here, there] = [environment(100), environment(100)];
  for (const hosts of [here, there]) hosts.accepted(HOST);
  await pass(here, 2_000, tenant("busy"));
  const quiet = await Promise.all(Array.from({ length: 20 }, (_, n) => pass(there, 2, tenant(`quiet${n}`))));
  // One in 64 shares the busy one's lane, for this window.
  assert.ok(quiet.filter((passed) => passed === 2).length >= 18, String(quiet));
});

test("the wait grows with the number of waiting posts, up to the longest delay of a queue", async () => {
  const hosts = environment(10);
  hosts.accepted(HOST);
  const waits: number[] = [];
  for (let n = 0; n < 20_000; n += 1) {
    const wait = hosts.enter(HOST, TENANT);
    if (wait !== undefined) waits.push(wait);
    if (n % 100 === 0) await hosts.told();
  }
  assert.ok(waits[0]! >= WINDOW_MS && waits[0]! < 1.1 * WINDOW_MS, String(waits[0]));
  assert.ok(waits.every((wait, at) => at === 0 || wait >= waits[at - 1]!));
  assert.equal(waits.at(-1), 900_000);
});

test("a host waits where writes of the counters are throttled, and goes on where they can't be reached", async () => {
  const failing = (name: string) => ({ send: async () => Promise.reject(Object.assign(new Error(name), { name })) });
  const throttled = environment(100, failing("ProvisionedThroughputExceededException") as never);
  assert.equal(await pass(throttled, 40), TELL_EVERY);
  assert.equal(await pass(environment(100, failing("TimeoutError") as never), 40), 40);
});

test("posts over the limit wait without an attempt, and all of them arrive", async () => {
  const world = makeWorld({ hostLimit: 1 });
  world.subscribe({ max_batch: 1 });
  const first = world.accept(Array.from({ length: 60 }, (_, n) => ({ n })));
  await world.step();
  const begun = world.posts.length;
  assert.ok(begun > 0 && begun < 10, String(begun));
  await world.run(world.now() + 600_000);
  assert.equal(world.posts.length, 60);
  const { status, attempts } = world.delivery(first)!;
  assert.deepEqual([status, attempts.every(({ error }) => error === null)], ["delivered", true]);
});

test("what is tried again by hand while its host is full is tried later", async () => {
  const world = makeWorld({ hostLimit: 1 });
  world.subscribe({ max_batch: 1 });
  const dead = world.accept([{ dead: true }]);
  world.answers(() => 503);
  await world.run(world.now() + 80 * 3_600_000);
  assert.equal(world.delivery(dead)?.status, "dead_lettered");
  world.circuits.clear();
  world.answers(() => 200);
  world.accept(Array.from({ length: 60 }, (_, n) => ({ n })));
  await world.step("delivery");
  const begun = world.posts.length;
  const retry = { tenant: TENANT, subscription_id: SUB, batches: [dead], attempts: 12, manual: true };
  world.send("retry", [{ text: encodeRetry(retry), group: TENANT }]);
  await world.step("retry");
  assert.equal(world.posts.length, begun, "the host is full");
  await world.run(world.now() + 600_000);
  assert.equal(world.delivery(dead)?.status, "delivered");
});

test("a test says when its host has used up the rate", async () => {
  const world = makeWorld({ hostLimit: 1 });
  world.subscribe({ max_batch: 1 });
  world.accept(Array.from({ length: 60 }, (_, n) => ({ n })));
  await world.step();
  const sent = world.posts.length;
  const event = { event_type: "triggers.test", payload: {} };
  const { delivered, error } = await sendSample(
    { op: "test", tenant: TENANT, subscription_id: SUB, event },
    world.ports,
  );
  assert.deepEqual([delivered, error, world.posts.length], [false, "host_busy", sent]);
});

test("in every window at most as many posts begin as the limit plus those not yet reported", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ environment: fc.nat(3), customer: fc.nat(5), posts: fc.nat(60), ms: fc.nat(3_000) }), {
        maxLength: 40,
      }),
      fc.integer({ min: 1, max: 60 }),
      async (acts, limit) => {
        const { dynamodb } = hostCounters();
        clock = START;
        const all = Array.from({ length: 4 }, () => environment(limit, dynamodb));
        const begun = new Map<number, number>();
        for (const { environment: at, customer, posts, ms } of acts) {
          const window = Math.floor(clock / WINDOW_MS);
          begun.set(window, (begun.get(window) ?? 0) + (await pass(all[at]!, posts, tenant(`c${customer}`))));
          clock += ms;
        }
        for (const posts of begun.values())
          assert.ok(posts <= limit * (WINDOW_MS / 1_000) + 4 * TELL_EVERY, String(posts));
      },
    ),
    { numRuns: 50 },
  ));

test.run();
