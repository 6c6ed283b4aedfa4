import assert from "node:assert/strict";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { test } from "uvu";
import { encodeDelivery, encodeRetry } from "../../../runtime/domain/codec/index.ts";
import { batchSortKey, partitionOf } from "../../../runtime/store/keys.ts";
import { makeWorld, START, SUB, TENANT } from "./world.ts";

/** What happens at the same time as deliveries, or in the middle of one. */
const HOUR = 3_600_000;
const REPLAY = "rpl_01JDGXS7G0ABCDEFGHJKMNPQRX";
const secretOf = (byte: number) => `whsec_${Buffer.alloc(24, byte).toString("base64")}`;
const isSignedBy = (secret: string, { headers, body }: { headers: Readonly<Record<string, string>>; body: string }) => {
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signatures } = headers;
  return signatures!.split(" ").includes(new Webhook(secret).sign(id!, new Date(Number(at) * 1_000), body));
};

test("a secret rotated between two attempts: both sign until the old one's time is up, then the new one alone", async () => {
  const world = makeWorld();
  const [old, fresh] = [secretOf(1), secretOf(2)];
  world.subscribe({ secrets: [{ secret: old }] });
  world.answers(() => 500);
  world.accept([{ n: 1 }]);
  await world.settle();
  const expires_at = new Date(START + 20_000).toISOString();
  world.subscribe({ secrets: [{ secret: fresh }, { secret: old, expires_at }] });
  await world.run(START + 10_000);
  await world.run(START + HOUR);
  assert.ok(world.posts.length > 3);
  assert.deepEqual(
    world.posts
      .slice(0, 3)
      .map((post) => [
        isSignedBy(old, post),
        isSignedBy(fresh, post),
        post.headers["webhook-signature"]!.split(" ").length,
      ]),
    [
      [true, false, 1],
      [true, true, 2],
      [false, true, 1],
    ],
  );
  assert.equal(new Set(world.posts.map(({ headers }) => headers["webhook-id"])).size, 1);
});

for (const [says, answer, status] of [
  ["and answers 200 has delivered", 200, "delivered"],
  ["and fails is not tried again", 500, "cancelled"],
] as const) {
  test(`a post under way to a subscription that is removed ${says}`, async () => {
    const world = makeWorld();
    world.subscribe();
    world.answers(() => {
      world.targets.set(SUB, null);
      return answer;
    });
    const first = world.accept([{ n: 1 }]);
    await world.run(START + HOUR);
    assert.deepEqual([world.posts.length, world.delivery(first)?.status], [1, status]);
    assert.deepEqual(world.waiting(), []);
  });
}

test("a batch of 1,000 events to a subscriber of single objects is 1,000 posts, each tried again by itself", async () => {
  const world = makeWorld();
  world.subscribe({ max_batch: 1, format: "payload" });
  const failing = new Set([0, 17, 999]);
  world.answers(({ body }, nth) => (nth <= 1_000 && failing.has(JSON.parse(body.toString()).n) ? 500 : 200));
  const first = world.accept(Array.from({ length: 1_000 }, (_, n) => ({ n })));
  await world.settle();
  assert.equal(world.posts.length, 1_000);
  assert.equal(new Set(world.posts.map(({ headers }) => headers["webhook-id"])).size, 1_000);
  assert.deepEqual(world.delivery(first)?.remaining, [...failing]);
  await world.run(START + HOUR);
  const again = world.posts.slice(1_000);
  assert.deepEqual(
    again.map(({ body, headers }) => [JSON.parse(body).n, headers["triggers-attempt"]]).sort((a, b) => a[0] - b[0]),
    [
      [0, "2"],
      [17, "2"],
      [999, "2"],
    ],
  );
  for (const { body, headers } of again) {
    const before = world.posts.find((post) => post.body === body)!;
    assert.equal(headers["webhook-id"], before.headers["webhook-id"]);
  }
  assert.equal(world.delivery(first)?.status, "delivered");
});

test("posts that an invocation has no time for are left to the next without an attempt, and each event comes once", async () => {
  const world = makeWorld();
  world.subscribe({ max_batch: 1, format: "payload" });
  world.answers(() => {
    world.advance(1_000);
    return { status: 200, ms: 1_000 };
  });
  const first = world.accept(Array.from({ length: 100 }, (_, n) => ({ n })));
  await world.step();
  const made = world.posts.length;
  assert.ok(made < 60, `${made} posts in one invocation`);
  assert.equal(world.delivery(first)?.status, "pending");
  await world.run(START + HOUR);
  const numbers = world.posts.map(({ body }) => JSON.parse(body).n as number).sort((a, b) => a - b);
  assert.deepEqual(
    numbers,
    Array.from({ length: 100 }, (_, n) => n),
  );
  assert.equal(world.delivery(first)?.status, "delivered");
});

const deeds = ["retry", "replay", "delete", "remove", "disable", "enable", "drain", "step", "wait"] as const;
test("nothing is posted for a removed subscription or a deleted event, and all else ends, under any changes at once", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...deeds), { minLength: 1, maxLength: 12 }),
      fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
      async (plan, answers) => {
        const world = makeWorld();
        const target = world.subscribe({ format: "payload" });
        let removed = false;
        let deleted = false;
        world.answers(({ body }, nth) => {
          assert.equal(removed, false, "posted though it is removed");
          assert.ok(!deleted || !body.toString().includes('{"n":1}'), "posted though it is deleted");
          return (answers[nth - 1] ?? true) ? 200 : 500;
        });
        const payloads = [{ n: 0 }, { n: 1 }];
        const first = world.accept(payloads, { inline: false });
        const drain = () =>
          world.send("retry", [
            {
              text: `${JSON.stringify({ v: 1, k: "drain", tenant: TENANT, subscription_id: SUB, pass: 1, reset: true })}\n`,
              group: TENANT,
            },
          ]);
        const common = { tenant: TENANT, subscription_id: SUB };
        for (const deed of plan) {
          if (deed === "retry") {
            const attempts = world.delivery(first)?.attempts.length ?? 0;
            world.send("retry", [
              { text: encodeRetry({ ...common, batches: [first], attempts, manual: true }), group: TENANT },
            ]);
          } else if (deed === "replay") {
            const message = { first, count: 2, indexes: [0, 1], attempts: 0, types: [null, null], repeated: true };
            world.send("retry", [
              { text: encodeDelivery({ ...common, ...message, replay_id: REPLAY }), group: TENANT },
            ]);
          } else if (deed === "delete") {
            deleted = true;
            const key = `${partitionOf(TENANT, first)}\n${batchSortKey(first)}`;
            world.items.set(key, { ...world.items.get(key)!, deleted: { NS: ["1"] } });
          } else if (deed === "remove") {
            removed = true;
            world.targets.set(SUB, null);
            drain();
          } else if (deed === "disable" && !removed) world.targets.set(SUB, { ...target, status: "disabled" });
          else if (deed === "enable" && !removed) {
            world.targets.set(SUB, target);
            drain();
          } else if (deed === "drain") drain();
          else if (deed === "wait") world.advance(7_000);
          else await world.step();
        }
        if (!removed) {
          world.targets.set(SUB, target);
          drain();
        }
        // Eight failures in a row take 7 h 43 min at the most.
        await world.run(world.now() + 12 * HOUR, HOUR / 4);
        assert.equal(world.delivery(first)?.status === "delivered" || removed, true, world.delivery(first)?.status);
        if (removed) assert.ok(["delivered", "cancelled"].includes(world.delivery(first)!.status));
        assert.deepEqual(world.waiting(), []);
      },
    ),
    { numRuns: Number(process.env.FC_RUNS ?? 150) },
  ));

test.run();
