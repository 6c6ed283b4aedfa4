import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { suite } from "uvu";
import { sendSample } from "../../../runtime/deliver/sample.ts";
import { makeWorld, START, SUB, TENANT } from "./world.ts";

const test = suite("what stops posts");

test("posts of a large delivery that have not begun when their subscription is disabled are held, and come once it is enabled", async () => {
  const world = makeWorld();
  const active = world.subscribe({ max_batch: 1, format: "payload" });
  world.answers((_, nth) => {
    if (nth === 3) world.targets.set(SUB, { ...active, status: "disabled" });
    return 200;
  });
  const first = world.accept(Array.from({ length: 9 }, (_, n) => ({ n })));
  await world.step();
  const sent = world.posts.length;
  assert.ok(sent < 9, String(sent));
  await world.run(START + 60_000);
  assert.deepEqual(
    [world.posts.length, world.delivery(first)!.status, world.delivery(first)!.held],
    [sent, "pending", true],
  );
});

test("posts of a large delivery that have not begun when their subscription is removed are cancelled", async () => {
  const world = makeWorld();
  world.subscribe({ max_batch: 1, format: "payload" });
  world.answers((_, nth) => {
    if (nth === 3) world.targets.set(SUB, null);
    return 200;
  });
  const first = world.accept(Array.from({ length: 9 }, (_, n) => ({ n })));
  await world.step();
  const sent = world.posts.length;
  await world.run(START + 60_000);
  assert.deepEqual([world.posts.length, world.delivery(first)!.status], [sent, "cancelled"]);
});

test("after a 410 the subscription is removed first, then all environments are told", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 410);
  world.accept([{ n: 1 }]);
  const { stop } = world.ports;
  Object.assign(world.ports, {
    stop: async (tenant: string, id: string) => {
      assert.deepEqual(world.service, [{ op: "remove", tenant: TENANT, subscription_id: SUB, reason: "webhook_gone" }]);
      await stop(tenant, id);
    },
  });
  await world.settle();
  assert.deepEqual(world.stopped, [SUB]);
});

test("a 410 to a test removes the subscription, too, and cancels what waits", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 500);
  const first = world.accept([{ n: 1 }]);
  await world.step();
  world.answers(() => 410);
  const event = { event_type: "triggers.test", payload: {} };
  const answer = await sendSample({ op: "test", tenant: TENANT, subscription_id: SUB, event }, world.ports);
  assert.deepEqual([answer.delivered, answer.status_code], [false, 410]);
  assert.deepEqual(world.stopped, [SUB]);
  await world.run(START + 60_000);
  assert.deepEqual([world.posts.length, world.delivery(first)!.status], [2, "cancelled"]);
});

test("a test that is wrongly signed on purpose has another signature, and a 410 to it removes nothing", async () => {
  const world = makeWorld();
  const [secret] = world.subscribe().secrets;
  world.answers(() => 410);
  const event = { event_type: "triggers.test", payload: {} };
  const test = { op: "test", tenant: TENANT, subscription_id: SUB, event } as const;
  const wrong = await sendSample({ ...test, wrongly_signed: true }, world.ports);
  assert.deepEqual([wrong.status_code, world.stopped], [410, []]);
  const right = await sendSample(test, world.ports);
  const isOurs = ({ body, headers }: typeof wrong.request): boolean => {
    const at = new Date(Number(headers["webhook-timestamp"]) * 1_000);
    return new Webhook(secret!.secret).sign(headers["webhook-id"]!, at, body) === headers["webhook-signature"];
  };
  assert.deepEqual([isOurs(wrong.request), isOurs(right.request)], [false, true]);
});

test("a test gives its endpoint five seconds, half of what a delivery has", async () => {
  const world = makeWorld();
  world.subscribe();
  const limits: unknown[] = [];
  const { posting } = world.ports;
  const post: typeof posting.post = (request, given) => {
    limits.push(given);
    return posting.post(request, given);
  };
  const event = { event_type: "triggers.test", payload: {} };
  await sendSample(
    { op: "test", tenant: TENANT, subscription_id: SUB, event },
    { ...world.ports, posting: { ...posting, post } },
  );
  assert.deepEqual(limits, [{ timeoutMs: 5_000, restMs: 1_000 }]);
});

test.run();
