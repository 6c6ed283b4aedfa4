import assert from "node:assert/strict";
import { test } from "uvu";
import type { Call } from "../../../runtime/aws/signed.ts";
import { eventId } from "../../../runtime/domain/ids.ts";
import type { PublishRequest } from "../../../runtime/domain/live.ts";
import { snapshotCache } from "../../../runtime/route/snapshots.ts";
import { makeWorld as makeDeliverWorld, SUB } from "../deliver/world.ts";
import { makeWorld as makeRouteWorld, TENANT } from "../route/world.ts";
import { counted } from "./counted.ts";

/** Nothing runs for customers whom nobody watches: calls are counted. */

const requestIn = ({ body }: Call): PublishRequest => JSON.parse(String(body)) as PublishRequest;

test("routing makes no call for an unwatched customer, and one for a watched customer", async () => {
  const world = makeRouteWorld({ sub_a: "order.*" });
  const { calls, tell } = counted();
  Object.assign(world.ports, { tell });
  await world.route(world.message([{ event_type: "order.created" }]), world.message([{ n: 2 }]));
  assert.equal(calls.length, 0);
  world.watched.add(TENANT);
  await world.route(
    world.message([{ event_type: "order.created", secret: "S3CRET" }, { n: 2 }]),
    world.message([{ n: 3 }]),
  );
  assert.equal(calls.length, 1);
  assert.equal(calls[0]!.headers["x-amz-invocation-type"], "Event");
  const { tenant, events } = requestIn(calls[0]!) as Extract<PublishRequest, { op: "publish" }>;
  assert.equal(tenant, TENANT);
  assert.deepEqual(
    events!.map(({ event_type, status }) => [event_type, status]),
    [
      ["order.created", "pending"],
      [null, "unmatched"],
      [null, "unmatched"],
    ],
  );
  assert.ok(!String(calls[0]!.body).includes("S3CRET"));
});

test("a repeated message makes no second call", async () => {
  const world = makeRouteWorld({});
  world.watched.add(TENANT);
  const record = world.message([{ n: 1 }]);
  await world.route(record);
  await world.route(world.again(record));
  assert.equal(world.told.length, 1);
});

test("delivering makes no call for an unwatched customer, and tells each attempt of a watched one", async () => {
  const world = makeDeliverWorld();
  world.subscribe();
  world.accept([{ n: 1 }]);
  await world.settle();
  assert.equal(world.told.length, 0);
  world.subscribe({ watched: true });
  const first = world.accept([{ n: 2 }]);
  await world.settle();
  assert.equal(world.told.length, 1);
  const [news] = world.told[0]!;
  assert.deepEqual(
    news!.deliveries!.map(({ status, attempt, event_ids, subscription_id }) => ({
      status,
      attempt,
      event_ids,
      subscription_id,
    })),
    [{ status: "delivered", attempt: 1, event_ids: [eventId(first)], subscription_id: SUB }],
  );
});

test("events beyond those that can be shown are counted", async () => {
  const world = makeRouteWorld({});
  world.watched.add(TENANT);
  await world.route(world.message(Array.from({ length: 800 }, (_, n) => ({ n }))));
  const [news] = world.told[0]!;
  assert.equal(news!.events!.length, 500);
  assert.deepEqual(news!.untold, { events: 300 });
});

test("the usual question for changes also tells whether somebody watches", async () => {
  let watched = false;
  let clock = 0;
  const asked: string[] = [];
  const snapshots = snapshotCache({
    log: () => {},
    now: () => clock,
    maxBytes: 1e6,
    service: (async (request: { op: string }) => {
      asked.push(request.op);
      if (request.op === "versions")
        return { answer: { versions: { [TENANT]: 1 }, ...(watched ? { watched: [TENANT] } : {}) }, bytes: 10 };
      return { answer: { version: 1, subscriptions: [], retention_days: 30, next_cursor: null }, bytes: 10 };
    }) as never,
  });
  assert.equal((await snapshots.get(TENANT, clock)).watched, false);
  clock += 5_000;
  watched = true;
  assert.equal((await snapshots.get(TENANT, clock)).watched, true);
  clock += 5_000;
  watched = false;
  assert.equal((await snapshots.get(TENANT, clock)).watched, false);
  assert.deepEqual(asked, ["snapshot", "versions", "versions"]);
});

test.run();
