import assert from "node:assert/strict";
import { suite } from "uvu";
import { deliveryId } from "../../../runtime/domain/ids.ts";
import { makeWorld, START, SUB, TENANT } from "./world.ts";

const test = suite("what deliver tells of problems");

const told = (more: object) => ({
  tenant: TENANT,
  subscription_id: SUB,
  attempts: 1,
  first_at: START,
  last_at: START,
  well: false,
  ...more,
});

test("a failed post is reported with its cause and its events; a success is not", async () => {
  const world = makeWorld();
  world.subscribe();
  world.accept([{ n: 1 }]);
  await world.settle();
  assert.deepEqual(world.failures, []);
  world.answers(() => 500);
  const first = world.accept([{ n: 1 }, { n: 2 }]);
  await world.settle();
  const sample_delivery_id = deliveryId(first, SUB, undefined);
  assert.deepEqual(world.failures, [told({ error: "http_5xx", status_code: 500, events: 2, sample_delivery_id })]);
});

test("an event counts once for a cause, for any number of failures", async () => {
  const world = makeWorld();
  world.subscribe();
  let status = 500;
  world.answers(() => status);
  world.accept([{ n: 1 }]);
  await world.settle();
  world.advance(10_000);
  await world.settle();
  status = 404;
  world.advance(60_000);
  await world.settle();
  assert.deepEqual(
    world.failures.map(({ error, status_code, attempts, events }) => [error, status_code, attempts, events]),
    [
      ["http_5xx", 500, 1, 1],
      ["http_5xx", 500, 1, 0],
      ["http_4xx", 404, 1, 1],
    ],
  );
});

test("an attempt whose state could not be stored is reported when it is repeated", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 500);
  world.accept([{ n: 1 }]);
  world.faults.set("retry", new Error("the queue is away"));
  await world.settle();
  assert.deepEqual(world.failures, []);
});

test("the first success after failures says that the endpoint is well, and no later one does", async () => {
  const world = makeWorld();
  world.subscribe();
  let status = 500;
  world.answers(() => status);
  world.accept([{ n: 1 }]);
  await world.settle();
  status = 200;
  world.accept([{ n: 2 }]);
  await world.settle();
  world.accept([{ n: 3 }]);
  await world.settle();
  assert.deepEqual(world.well, [SUB]);
});

test("failures beside successes of the same moment say that the endpoint answers", async () => {
  const world = makeWorld();
  world.subscribe({ max_batch: 1 });
  world.answers(({ body }) => (body.toString().includes("bad") ? 400 : 200));
  world.accept([{ n: "good" }]);
  world.accept([{ n: "bad" }]);
  await world.settle();
  assert.deepEqual(
    world.failures.map(({ status_code, well }) => [status_code, well]),
    [[400, true]],
  );
});

test("a problem that fails to be reported changes nothing of the delivery", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 500);
  const first = world.accept([{ n: 1 }]);
  world.faults.set("problem", new Error("the table is away"));
  await world.settle();
  assert.equal(world.delivery(first)?.status, "failed");
  assert.ok(world.logs.some(({ message }) => message === "deliver.problem_not_told"));
});

test.run();
