import assert from "node:assert/strict";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { test } from "uvu";
import { CEILINGS_MS } from "../../../runtime/deliver/schedule.ts";
import { encodeRetry } from "../../../runtime/domain/codec/index.ts";
import { eventId, newId, newUlid, ulidAt } from "../../../runtime/domain/ids.ts";
import { batchSortKey, partitionOf } from "../../../runtime/store/keys.ts";
import { makeWorld, START, SUB, TENANT } from "./world.ts";

const HOUR = 3_600_000;
const bodiesOf = (world: ReturnType<typeof makeWorld>) => world.posts.map(({ body }) => JSON.parse(body));
const markDeleted = (world: ReturnType<typeof makeWorld>, first: string, offsets: number[]) => {
  const key = `${partitionOf(TENANT, first)}\n${batchSortKey(first)}`;
  world.items.set(key, { ...world.items.get(key)!, deleted: { NS: offsets.map(String) } });
};

test("messages of one subscription become one array, in the order of acceptance, each event's bytes as they were sent", async () => {
  const world = makeWorld();
  world.subscribe();
  const first = world.accept([{ n: 1 }, { n: 2 }]);
  world.advance(5);
  const second = world.accept([{ n: 3 }]);
  await world.settle();
  assert.deepEqual(bodiesOf(world), [
    [
      { event_id: eventId(first), event_type: null, received_at: "2026-11-25T00:00:00.000Z", payload: { n: 1 } },
      {
        event_id: eventId(ulidAt(first, 1)),
        event_type: null,
        received_at: "2026-11-25T00:00:00.000Z",
        payload: { n: 2 },
      },
      { event_id: eventId(second), event_type: null, received_at: "2026-11-25T00:00:00.005Z", payload: { n: 3 } },
    ],
  ]);
  assert.deepEqual([world.delivery(first)?.status, world.delivery(second)?.status], ["delivered", "delivered"]);
  assert.deepEqual(world.waiting(), []);
});

test("bare payloads come with their event ids in a header", async () => {
  const world = makeWorld();
  world.subscribe({ format: "payload" });
  const first = world.accept([{ n: 1 }, { n: 2 }]);
  await world.settle();
  assert.equal(world.posts[0]!.body, '[{"n":1},{"n":2}]');
  assert.equal(world.posts[0]!.headers["triggers-event-ids"], `${eventId(first)},${eventId(ulidAt(first, 1))}`);
});

test("a subscription with max_batch 1 gets single objects", async () => {
  const world = makeWorld();
  world.subscribe({ max_batch: 1, format: "payload" });
  world.accept([{ n: 1 }, { n: 2 }]);
  await world.settle();
  assert.deepEqual(world.posts.map(({ body }) => body).sort(), ['{"n":1}', '{"n":2}']);
});

test("only the matched events of a batch are posted", async () => {
  const world = makeWorld();
  world.subscribe({ format: "payload" });
  world.accept([{ n: 1 }, { n: 2 }, { n: 3 }], { indexes: [0, 2] });
  await world.settle();
  assert.equal(world.posts[0]!.body, '[{"n":1},{"n":3}]');
});

test("a thousand small events and many large ones are cut into posts of at most 100 events and 1 MB", async () => {
  const world = makeWorld();
  world.subscribe({ format: "payload" });
  world.accept(Array.from({ length: 1_000 }, (_, n) => ({ n })));
  for (let request = 0; request < 3; request += 1)
    world.accept(Array.from({ length: 6 }, (_, n) => ({ n, pad: "x".repeat(90_000) })));
  await world.settle();
  const sizes = bodiesOf(world).map((events: unknown[]) => events.length);
  assert.deepEqual(
    sizes.sort((a, b) => b - a),
    [...new Array(10).fill(100), 6, 6, 6],
  );
  assert.ok(world.posts.every(({ body }) => body.length <= 1_000_100));
});

test("every post is signed, names its attempt and subscription, and passes the trace on", async () => {
  const world = makeWorld();
  const target = world.subscribe({ headers: { Authorization: "Bearer theirs" } });
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  world.accept([{ n: 1 }], { traceparent });
  await world.settle();
  const { headers, body } = world.posts[0]!;
  const { "webhook-id": id, "webhook-signature": signature, ...rest } = headers;
  assert.deepEqual(rest, {
    "user-agent": "triggers/1",
    authorization: "Bearer theirs",
    "content-type": "application/json",
    "webhook-timestamp": String(START / 1_000),
    "triggers-subscription-id": SUB,
    "triggers-attempt": "1",
    traceparent,
  });
  assert.match(id!, /^msg_[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.equal(signature, new Webhook(target.secrets[0]!.secret).sign(id!, new Date(START), body));
});

test("events that came out of a webhook before say how often, also when they are tried again", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers((_, nth) => (nth === 1 ? 500 : 200));
  world.accept([{ n: 1 }], { hops: 1 });
  await world.step();
  world.accept([{ n: 2 }]);
  await world.run(START + HOUR);
  assert.deepEqual(
    world.posts.map(({ headers }) => headers["triggers-hops"]),
    ["2", undefined, "2"],
  );
});

test("a retry brings the same events under the same webhook-id, with the next attempt's number", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers((_, nth) => (nth <= 3 ? 500 : 200));
  const first = world.accept([{ n: 1 }]);
  const second = world.accept([{ n: 2 }]);
  await world.run(START + HOUR);
  assert.deepEqual(new Set(world.posts.map(({ headers }) => headers["webhook-id"])).size, 1);
  assert.deepEqual(new Set(world.posts.map(({ body }) => body)).size, 1);
  assert.deepEqual(
    world.posts.map(({ headers }) => headers["triggers-attempt"]),
    ["1", "2", "3", "4"],
  );
  for (const at of [first, second]) {
    assert.deepEqual(
      world.delivery(at)?.attempts.map(({ status_code, error }) => [status_code, error]),
      [
        [500, "http_error"],
        [500, "http_error"],
        [500, "http_error"],
        [200, null],
      ],
    );
  }
});

test("the whole schedule is walked through queue delays and the sweeper, then the delivery is dead-lettered", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 500);
  const first = world.accept([{ n: 1 }]);
  world.accept([{ n: 2 }]);
  await world.run(START + 80 * HOUR);
  const waits = world.posts.slice(1).map(({ at }, i) => at - world.posts[i]!.at);
  // One endpoint that only fails opens its circuit at the tenth attempt: from there a probe's wait comes on top.
  assert.equal(world.posts.length, 12);
  for (const [i, wait] of waits.entries()) {
    assert.ok(wait >= (CEILINGS_MS[i]! - 1_000) * 0.99, `attempt ${i + 2} came after ${wait} ms`);
    assert.ok(wait <= CEILINGS_MS[i]! + 62_000, `attempt ${i + 2} came after ${wait} ms`);
  }
  const item = world.delivery(first)!;
  assert.equal(item.status, "dead_lettered");
  assert.equal(item.reason, "attempts_exhausted");
  assert.equal(item.attempts.length, 12);
  assert.equal(new Set(world.posts.map(({ headers }) => headers["webhook-id"])).size, 1);
});

test("a sweeper that is late, runs twice, or dies half-way makes a retry late, never lost or doubled", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers((_, nth) => (nth === 1 ? { status: 503, retryAfter: "7200" } : 200));
  world.accept([{ n: 1 }]);
  world.accept([{ n: 2 }]);
  await world.run(START + 5 * HOUR, Number.POSITIVE_INFINITY);
  assert.equal(world.posts.length, 1);
  const dies = world.sweep({ retry: async () => Promise.reject(new Error("killed")) });
  await assert.rejects(dies, new Error("killed"));
  await world.run(START + 5 * HOUR + 120_000);
  assert.equal(world.posts.length, 1, "the lease of the dead sweeper keeps others off");
  world.advance(900_000);
  await Promise.all([world.sweep(), world.sweep()]);
  await world.run(world.now() + 10_000, Number.POSITIVE_INFINITY);
  assert.equal(world.posts.length, 2);
  assert.equal(world.posts[1]!.body, world.posts[0]!.body);
});

test("the Retry-After of a 503 is obeyed, even when it is longer than the schedule's wait", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers((_, nth) => (nth === 1 ? { status: 503, retryAfter: "600" } : 200));
  world.accept([{ n: 1 }]);
  await world.run(START + HOUR);
  assert.deepEqual(
    world.posts.map(({ at }) => at - START),
    [0, 600_000],
  );
});

test("410 removes the subscription, cancels what waits, and nothing more is sent", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers((_, nth) => (nth === 1 ? 500 : 410));
  const waiting = world.accept([{ n: 1 }]);
  await world.settle();
  const gone = world.accept([{ n: 2 }]);
  await world.settle();
  const later = world.accept([{ n: 3 }]);
  await world.run(START + 24 * HOUR);
  assert.equal(world.posts.length, 2);
  assert.deepEqual(world.service, [{ op: "remove", tenant: TENANT, subscription_id: SUB, reason: "webhook_gone" }]);
  for (const first of [waiting, gone, later]) {
    assert.equal(world.delivery(first)?.status, "cancelled");
    assert.equal(world.delivery(first)?.reason, "subscription_removed");
  }
});

test("only the failed posts of a large delivery are sent again", async () => {
  const world = makeWorld();
  world.subscribe({ format: "payload" });
  world.answers(({ body }, nth) => (nth <= 3 && body.includes('{"n":150}') ? 500 : 200));
  const first = world.accept(Array.from({ length: 250 }, (_, n) => ({ n })));
  await world.settle();
  const item = world.delivery(first)!;
  assert.equal(item.status, "failed");
  assert.deepEqual(
    item.remaining,
    Array.from({ length: 100 }, (_, i) => 100 + i),
  );
  await world.run(START + HOUR);
  assert.equal(world.posts.length, 4);
  assert.equal(world.posts[3]!.body, world.posts.slice(0, 3).find(({ body }) => body.includes('{"n":150}'))!.body);
  const failedId = world.posts.slice(0, 3).find(({ body }) => body.includes('{"n":150}'))!.headers["webhook-id"];
  assert.equal(world.posts[3]!.headers["webhook-id"], failedId);
  assert.deepEqual([world.delivery(first)?.status, world.delivery(first)?.remaining], ["delivered", undefined]);
});

test("events deleted while their delivery waits are not sent; with all of them gone it is cancelled", async () => {
  const world = makeWorld();
  world.subscribe({ format: "payload" });
  world.answers((_, nth) => (nth <= 2 ? 500 : 200));
  const some = world.accept([{ n: 1 }, { n: 2 }]);
  await world.settle();
  const all = world.accept([{ n: 3 }]);
  await world.settle();
  markDeleted(world, some, [0]);
  markDeleted(world, all, [0]);
  await world.run(START + HOUR);
  assert.deepEqual(
    world.posts.slice(2).map(({ body }) => body),
    ['[{"n":2}]'],
  );
  assert.equal(world.delivery(some)?.status, "delivered");
  // Which attempts went without it tells erasure whose answers can't repeat it.
  assert.deepEqual(
    world.delivery(some)?.attempts.map(({ unsent }) => unsent),
    [undefined, [0]],
  );
  assert.deepEqual([world.delivery(all)?.status, world.delivery(all)?.reason], ["cancelled", "events_deleted"]);
});

test("a first attempt that waited long in its queue leaves out events deleted meanwhile", async () => {
  const world = makeWorld();
  world.subscribe({ format: "payload" });
  const first = world.accept([{ n: 1 }, { n: 2 }]);
  markDeleted(world, first, [1]);
  world.advance(60_000);
  await world.settle();
  assert.deepEqual(
    world.posts.map(({ body }) => body),
    ['[{"n":1}]'],
  );
});

test("a first attempt that waited for an hour is not made when its delivery was taken for a stray and tried meanwhile", async () => {
  const world = makeWorld();
  world.subscribe();
  const first = world.accept([{ n: 1 }]);
  const original = { ...world.queue[0]! };
  world.advance(2 * HOUR);
  await world.settle();
  assert.deepEqual([world.posts.length, world.delivery(first)?.status], [1, "delivered"]);
  world.queue.push(original);
  await world.settle();
  assert.equal(world.posts.length, 1);
});

test("a first attempt looks for erased events when its customer has asked for an erasure since", async () => {
  const world = makeWorld();
  const first = world.accept([{ n: 1 }, { n: 2 }]);
  markDeleted(world, first, [1]);
  world.subscribe({ format: "payload", erased_until: START });
  await world.settle();
  world.advance(1);
  const later = world.accept([{ n: 3 }]);
  await world.settle();
  assert.deepEqual(
    world.posts.map(({ body }) => body),
    ['[{"n":1}]', '[{"n":3}]'],
  );
  assert.equal(world.delivery(later)?.status, "delivered");
});

test("nothing of a deleted batch is sent, even when the message still carries its events", async () => {
  for (const [erased_until, wait] of [
    [START, 0],
    [0, 60_000],
  ] as const) {
    const world = makeWorld();
    world.subscribe({ erased_until });
    const first = world.accept([{ n: 1 }]);
    world.items.clear();
    world.advance(wait);
    await world.settle();
    assert.deepEqual([world.posts, world.delivery(first), world.queue], [[], undefined, []]);
  }
});

test("when many requests share a post, eight keep its answer, and all know which", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => ({ status: 200, excerpt: "thanks" }));
  const firsts = Array.from({ length: 10 }, (_, n) => {
    world.advance(1);
    return world.accept([{ n }]);
  });
  await world.settle();
  assert.equal(world.posts.length, 1);
  const attempts = firsts.map((first) => world.delivery(first)!.attempts[0]!);
  assert.deepEqual(
    attempts.map(({ response_excerpt }) => response_excerpt),
    [...new Array(8).fill("thanks"), undefined, undefined],
  );
  for (const { answer_with } of attempts) assert.deepEqual(answer_with, firsts.slice(0, 8));
  const alone = world.accept([{ n: 10 }]);
  await world.settle();
  assert.deepEqual(world.delivery(alone)!.attempts[0]!.answer_with, undefined);
});

test("a delivery whose subscription can't be read waits for the next try, and delays no other", async () => {
  const world = makeWorld();
  world.subscribe();
  const id = newId("sub");
  const target = world.subscribe({ subscription_id: id });
  world.targets.set(id, undefined);
  const kept = world.accept([{ n: 1 }], { subscription_id: id });
  const other = world.accept([{ n: 2 }]);
  await world.settle();
  assert.equal(world.delivery(other)?.status, "delivered");
  assert.equal(world.delivery(kept, id), undefined);
  world.targets.set(id, target);
  await world.run(START + HOUR);
  assert.equal(world.delivery(kept, id)?.status, "delivered");
  assert.equal(world.posts.length, 2);
});

test("a disabled subscription holds what arrives and what waits; a drain delivers all of it, once", async () => {
  const world = makeWorld();
  const target = world.subscribe({ format: "payload" });
  world.answers((_, nth) => (nth === 1 ? 500 : 200));
  const waiting = world.accept([{ n: 1 }]);
  await world.settle();
  world.advance(1);
  world.targets.set(SUB, { ...target, status: "disabled" });
  const arriving = world.accept([{ n: 2 }]);
  await world.run(START + HOUR);
  assert.equal(world.posts.length, 1);
  for (const first of [waiting, arriving]) {
    const { status, held, reason } = world.delivery(first)!;
    assert.deepEqual({ status, held, reason }, { status: "pending", held: true, reason: "subscription_disabled" });
  }
  world.targets.set(SUB, target);
  world.send("retry", [{ text: drainText(), group: TENANT }]);
  await world.run(START + 2 * HOUR);
  assert.deepEqual(
    world.posts.slice(1).map(({ body, headers }) => [body, headers["triggers-attempt"]]),
    [
      ['[{"n":1}]', "2"],
      ['[{"n":2}]', "1"],
    ],
  );
  assert.deepEqual([world.delivery(waiting)?.status, world.delivery(arriving)?.status], ["delivered", "delivered"]);
  assert.deepEqual(world.waiting(), []);
});

const drainText = () =>
  `${JSON.stringify({ v: 1, k: "drain", tenant: TENANT, subscription_id: SUB, pass: 1, reset: true })}\n`;

test("a drain releases at most 100 deliveries a second", async () => {
  const world = makeWorld();
  const target = world.subscribe({ status: "disabled", max_batch: 1 });
  for (let n = 0; n < 250; n += 1) world.accept([{ n }]);
  await world.settle();
  world.targets.set(SUB, { ...target, status: "active" });
  world.send("retry", [{ text: drainText(), group: TENANT }]);
  await world.run(START + HOUR);
  const bySecond = Map.groupBy(world.posts, ({ at }) => Math.floor((at - START) / 1_000));
  assert.deepEqual(
    [...bySecond.values()].map((posts) => posts.length),
    [100, 100, 50],
  );
});

test("a manual retry always makes an attempt, also the second time, and restarts the schedule", async () => {
  const world = makeWorld();
  world.subscribe();
  const first = world.accept([{ n: 1 }]);
  await world.settle();
  const retry = () => {
    const { attempts } = world.delivery(first)!;
    const message = { tenant: TENANT, subscription_id: SUB, batches: [first], attempts: attempts.length, manual: true };
    world.send("retry", [{ text: encodeRetry(message), group: TENANT }]);
  };
  retry();
  await world.settle();
  world.answers(() => 500);
  retry();
  await world.settle();
  assert.deepEqual(
    world.posts.map(({ headers }) => headers["triggers-attempt"]),
    ["1", "2", "3"],
  );
  const item = world.delivery(first)!;
  assert.deepEqual([item.status, item.attempts.length, item.schedule_from], ["failed", 3, 2]);
  assert.equal(item.next_attempt_at! - world.now(), 3_996);
});

test("a manual retry is made before the first attempt, as often as asked, and while deliveries are held back", async () => {
  const world = makeWorld();
  world.subscribe({ status: "disabled" });
  const first = world.accept([{ n: 1 }]);
  world.queue.length = 0;
  const text = encodeRetry({ tenant: TENANT, subscription_id: SUB, batches: [first], attempts: 0, manual: true });
  for (let times = 1; times <= 2; times += 1) {
    world.send("retry", [{ text, group: TENANT }]);
    await world.settle();
    assert.equal(world.posts.length, times);
  }
  assert.deepEqual([world.delivery(first)?.status, world.delivery(first)?.attempts.length], ["delivered", 2]);
});

test("a dead letter that a replay tries again names that replay in each post, and stays the same delivery", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 503);
  const [dead, other] = [world.accept([{ n: 1 }]), world.accept([{ n: 2 }])];
  await world.run(START + 80 * HOUR);
  assert.equal(world.delivery(dead)?.status, "dead_lettered");
  const before = world.posts.length;
  const retried_by = "rpl_01JDGXS7G0ABCDEFGHJKMNPQRW";
  const retry = (first: string, more: object) =>
    encodeRetry({ tenant: TENANT, subscription_id: SUB, batches: [first], attempts: 12, manual: true, ...more });
  world.circuits.clear();
  world.answers((_, nth) => (nth === before + 1 || nth === before + 2 ? 500 : 200));
  world.send("retry", [
    { text: retry(dead, { retried_by }), group: TENANT },
    { text: retry(other, {}), group: TENANT },
  ]);
  await world.run(world.now() + HOUR);
  const told = world.posts
    .slice(before)
    .map(({ body, headers }) => [
      JSON.parse(body)[0].payload.n,
      headers["triggers-attempt"],
      headers["triggers-replay-id"],
    ]);
  assert.deepEqual(
    told.sort((a, b) => (String(a) < String(b) ? -1 : 1)),
    [
      [1, "13", retried_by],
      [1, "14", retried_by],
      [2, "13", undefined],
      [2, "14", undefined],
    ],
  );
  assert.deepEqual([world.delivery(dead)?.status, world.delivery(dead)?.retried_by], ["delivered", retried_by]);
  world.send("retry", [{ text: retry(dead, {}), group: TENANT }]);
  await world.settle();
  assert.equal(world.posts.at(-1)!.headers["triggers-replay-id"], undefined, "asked for by hand, in no replay's name");
});

test("a dead letter that a replay hands on a second time, after a crash, is tried once", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 503);
  const dead = world.accept([{ n: 1 }]);
  await world.run(START + 80 * HOUR);
  const before = world.posts.length;
  world.circuits.clear();
  world.answers(() => 200);
  const retried_by = "rpl_01JDGXS7G0ABCDEFGHJKMNPQRW";
  const message = { tenant: TENANT, subscription_id: SUB, batches: [dead], attempts: 12, manual: true };
  for (let times = 1; times <= 2; times += 1) {
    world.send("retry", [{ text: encodeRetry({ ...message, retried_by }), group: TENANT }]);
    await world.settle();
  }
  assert.equal(world.posts.length, before + 1);
  world.send("retry", [
    { text: encodeRetry({ ...message, retried_by: `${retried_by.slice(0, -1)}X` }), group: TENANT },
  ]);
  await world.settle();
  assert.equal(world.posts.length, before + 2, "another replay");
});

test("a retry message that its delivery has outrun has no effect", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 500);
  const first = world.accept([{ n: 1 }]);
  await world.settle();
  const [{ kind: _, in_ms: __, ...message }] = world.waiting() as never as [{ kind: string; in_ms: number }];
  await world.run(START + 6_000);
  assert.equal(world.posts.length, 2);
  world.send("retry", [{ text: encodeRetry(message as never), group: TENANT }]);
  await world.step("retry");
  assert.equal(world.posts.length, 2);
  assert.equal(world.delivery(first)?.attempts.length, 2);
});

test("a message that can't be read is dead at once, and alone", async () => {
  const world = makeWorld();
  world.subscribe();
  world.send("delivery", [{ text: "damaged", group: TENANT }]);
  const first = world.accept([{ n: 1 }]);
  await world.settle();
  assert.equal(world.delivery(first)?.status, "delivered");
  assert.deepEqual([world.queue, world.dead], [[], ["m1"]]);
  assert.deepEqual(
    world.logs.filter(({ message }) => message === "deliver.failed").map(({ fields }) => fields),
    [
      {
        message_id: "m1",
        phase: "decode",
        error: "CodecError: the delivery message has no readable header (SyntaxError: Unexpected end of JSON input)",
      },
    ],
  );
});

const phases: [phase: string, breakIt: (world: ReturnType<typeof makeWorld>) => void][] = [
  [
    "read",
    (world) => {
      world.send("retry", [
        {
          text: encodeRetry({ tenant: TENANT, subscription_id: SUB, batches: [newUlid(START)], attempts: 1 }),
          group: TENANT,
        },
      ]);
      world.faults.set("read", new Error("away"));
    },
  ],
  ["gate", (world) => void world.targets.set(SUB, undefined)],
  [
    "queue",
    (world) => {
      world.answers(() => 500);
      world.faults.set("retry", new Error("away"));
    },
  ],
  ["keep", (world) => void world.faults.set("record", new Error("away"))],
];
for (const [phase, breakIt] of phases)
  test(`a message that fails at the phase "${phase}" comes again, and its log line says so`, async () => {
    const world = makeWorld();
    world.subscribe();
    if (phase !== "read") world.accept([{ n: 1 }]);
    breakIt(world);
    await world.step();
    assert.deepEqual(
      world.logs.filter(({ message }) => message === "deliver.failed").map(({ fields }) => fields.phase),
      [phase],
    );
    assert.equal(world.queue.filter(({ receives }) => receives === 1).length, 1);
  });

const steps = ["read", "retry", "record", "delete"] as const;
test("whichever step fails, nothing is lost, and duplicates are at most one for each fault", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...steps, undefined), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      async (faults, deliveries, answers) => {
        const world = makeWorld();
        world.subscribe({ format: "payload" });
        world.answers((_, nth) => ((answers[nth - 1] ?? true) ? 200 : 500));
        const firsts = Array.from({ length: deliveries }, (_, n) => world.accept([{ n }], { inline: n % 2 === 0 }));
        let struck = 0;
        for (const step of faults) {
          if (step !== undefined) world.faults.set(step, new Error("fault"));
          await world.step();
          if (step !== undefined && !world.faults.delete(step)) struck += 1;
          world.advance(400_000);
        }
        await world.run(world.now() + 5 * HOUR, HOUR / 4);
        const sent = new Map<string, number>();
        for (const [i, { body }] of world.posts.entries()) {
          if (!(answers[i] ?? true)) continue;
          for (const { n } of JSON.parse(body)) sent.set(String(n), (sent.get(String(n)) ?? 0) + 1);
        }
        for (const [n, first] of firsts.entries()) {
          assert.equal(world.delivery(first)?.status, "delivered");
          const times = sent.get(String(n)) ?? 0;
          assert.ok(times >= 1 && times <= 1 + struck, `event ${n} came ${times} times after ${struck} faults`);
        }
        assert.deepEqual(world.waiting(), []);
      },
    ),
    { numRuns: Number(process.env.FC_RUNS ?? 100) },
  ));

test.run();
