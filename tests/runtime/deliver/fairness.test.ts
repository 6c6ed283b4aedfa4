import assert from "node:assert/strict";
import { suite } from "uvu";
import { eventually } from "../../support/eventually.ts";
import { type Answer, makeWorld } from "./world.ts";

const test = suite("one endpoint delays no other");
const OTHERS = Array.from({ length: 9 }, (_, n) => `sub_01JDGXS7G0ABCDEFGHJKMNPQ${n}0`);

/** Ten endpoints, of which the first answers when it is told to. */
function ten(answers: (host: string) => Answer = () => 200) {
  const world = makeWorld();
  world.subscribe({ webhook_url: "https://slow.example.com/" });
  for (const [n, subscription_id] of OTHERS.entries())
    world.subscribe({ subscription_id, webhook_url: `https://well-${n}.example.com/` });
  const { promise, resolve } = Promise.withResolvers<Answer>();
  world.answers(({ url }) => (url.host === "slow.example.com" ? promise : answers(url.host)));
  const slow = world.accept([{ n: 0 }]);
  const others = OTHERS.map(
    (subscription_id) => [subscription_id, world.accept([{ n: 1 }], { subscription_id })] as const,
  );
  return { world, slow, others, answer: resolve };
}

test("results are kept as they come, while the slowest post of the invocation still waits", async () => {
  const { world, slow, others, answer } = ten();
  const over = world.step();
  await eventually(
    () => others.map(([id, first]) => world.delivery(first, id)?.status),
    (all) => all.every((one) => one === "delivered"),
  );
  assert.equal(world.delivery(slow), undefined);
  answer({ status: 200, ms: 9_000 });
  await over;
  assert.equal(world.delivery(slow)?.status, "delivered");
});

test("the second attempt of another endpoint is queued while the slowest post still waits", async () => {
  const { world, others, answer } = ten((host) => (host === "well-3.example.com" ? 500 : 200));
  const over = world.step();
  const failed = () => world.waiting().find((message) => message.kind === "retry");
  await eventually(failed, (message) => message !== undefined);
  assert.deepEqual([failed()?.subscription_id, (failed()?.in_ms ?? 0) <= 5_000], [others[3]![0], true]);
  answer({ error: "timeout", ms: 10_000 });
  await over;
  assert.equal(world.delivery(others[3]![1], others[3]![0])?.status, "failed");
});

test("once an endpoint is seen to be slow, its further posts leave the queue of first attempts at once, and none is made twice", async () => {
  const world = makeWorld();
  world.subscribe({ max_batch: 1 });
  world.answers(() => ({ status: 200, ms: 3_000 }));
  const first = world.accept(Array.from({ length: 20 }, (_, n) => ({ n })));
  await world.step("delivery");
  assert.deepEqual(
    [world.posts.length, world.waiting().map(({ kind, in_ms }) => [kind, in_ms])],
    [1, [["retry", 1_000]]],
  );
  world.answers(() => 200);
  await world.run(world.now() + 1_000);
  assert.deepEqual([world.posts.length, world.delivery(first)?.status], [20, "delivered"]);
});

test.run();
