import assert from "node:assert/strict";
import { mock } from "node:test";
import { suite } from "uvu";
import { type Circuits, circuitStore } from "../../../runtime/deliver/circuits.ts";
import type { PostResult } from "../../../runtime/deliver/post.ts";
import { postAll } from "../../../runtime/deliver/postAll.ts";
import type { PostDone } from "../../../runtime/deliver/settle.ts";
import { circuitKey } from "../../../runtime/store/keys.ts";
import { openStorage, type Storage } from "../../support/storage.ts";
import { makeWorld, START, SUB, TENANT } from "./world.ts";

const test = suite("circuits in the table");
let storage: Storage;
let clock = START;
let here: Circuits;
let elsewhere: Circuits;

test.before(async () => {
  storage = await openStorage();
});
test.after(() => storage.close());
test.before.each(() => {
  clock += 60_000;
  const environment = () => circuitStore(storage.store.events, () => clock);
  [here, elsewhere] = [environment(), environment()];
});
test.after.each(async () => {
  await here.succeeded(TENANT, SUB);
});

const seen = async (circuits: Circuits) => (await circuits.of(TENANT)).get(SUB);

test("failures add up over environments, and one success forgets them", async () => {
  await here.failed(TENANT, SUB, 2, false);
  const { failures, failing_since, slow } = (await elsewhere.failed(TENANT, SUB, 3, true))!;
  assert.deepEqual({ failures, failing_since, slow }, { failures: 5, failing_since: clock, slow: true });
  await here.succeeded(TENANT, SUB);
  assert.equal(await elsewhere.read(TENANT, SUB), undefined);
});

test("a circuit that can't be read keeps none of the others from being seen, and one that ends is told of", async () => {
  await here.failed(TENANT, SUB, 2, false);
  const damaged = "sub_01JDGXS7G0ABCDEFGHJKMNPQRV";
  await storage.put({ ...circuitKey(TENANT, damaged), v: { N: "1" }, failures: { S: "two" } });
  assert.equal((await seen(elsewhere))?.failures, 2);
  assert.deepEqual(await here.succeeded(TENANT, damaged), undefined);
  assert.equal((await here.succeeded(TENANT, SUB))?.failures, 2);
  assert.equal(await here.succeeded(TENANT, SUB), undefined);
});

test("other environments learn of a slow endpoint before it fails, and its failures stay at zero", async () => {
  assert.equal(await seen(elsewhere), undefined);
  await here.suspect(TENANT, SUB);
  clock += 5_001;
  const circuit = await seen(elsewhere);
  assert.deepEqual(
    [circuit?.slow, circuit?.failures, circuit?.failing_since, circuit?.opened_at],
    [true, 0, Number.POSITIVE_INFINITY, undefined],
  );
  clock += 86_400_000;
  assert.equal((await here.failed(TENANT, SUB, 1, true))?.failing_since, clock);
});

test("one environment opens a circuit, another doesn't open it again, and only it sets the next probe", async () => {
  const circuit = (await here.failed(TENANT, SUB, 10, false))!;
  assert.equal(await here.open(circuit, clock + 5_000), true);
  assert.equal(await elsewhere.open(circuit, clock + 5_000), false);
  const opened = (await here.read(TENANT, SUB))!;
  assert.deepEqual([opened.next_probe_at, opened.probes, opened.opened_at], [clock + 5_000, 0, clock]);
  assert.equal(await elsewhere.open(opened, clock + 10_000), true);
  assert.equal(await here.open(opened, clock + 10_000), false);
});

test("a post that has waited two seconds tells of its endpoint while it still waits", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const world = makeWorld();
    const target = world.subscribe();
    let answer: (result: PostResult) => void = () => {};
    const suspected: string[] = [];
    const posting = {
      ...world.ports.posting,
      post: () => new Promise<PostResult>((resolve) => (answer = resolve)),
      suspect: () => void suspected.push(target.subscription_id),
      payloads: async () => () => Buffer.from("{}"),
    };
    const delivery = {
      remaining: [0],
      deleted: new Set(),
      attempts: [],
      first: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
      types: [null],
    };
    const results: PostDone[] = [];
    const done = postAll([{ target, first: true, deliveries: [delivery as never] }], posting, (ended) =>
      results.push(...ended),
    );
    await new Promise((resolve) => setImmediate(resolve));
    mock.timers.tick(1_999);
    assert.deepEqual(suspected, []);
    mock.timers.tick(1);
    assert.deepEqual(suspected, [SUB]);
    assert.ok(world.ports.posting.slow.has(SUB));
    answer({ status: 200, error: null, latency_ms: 3_000, retryAfter: undefined });
    await done;
    assert.equal(results[0]!.result?.status, 200);
  } finally {
    mock.timers.reset();
  }
});

test.run();
