import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { payloadMaker } from "../../../runtime/deliver/payloads.ts";
import { postAll } from "../../../runtime/deliver/postAll.ts";
import type { DeliveryTarget } from "../../../runtime/domain/subscription.ts";
import { batchSortKey, partitionOf } from "../../../runtime/store/keys.ts";
import { makeWorld, START, SUB, TENANT } from "./world.ts";

const test = suite("payloads that fail to be made");
const OTHER = "sub_01JDGXS7G0ABCDEFGHJKMNPQRV";
const HOUR = 3_600_000;
const DAYS = 24 * HOUR;
const boom = () => {
  throw new TypeError("secret words of the event");
};
/** A definition of which one member can't be read. */
const broken = (target: DeliveryTarget, member: keyof DeliveryTarget): DeliveryTarget =>
  Object.defineProperty({ ...target }, member, { get: boom, enumerable: true });

/** A payload whose size can be told, but whose bytes can't be had. */
const onceReadable = () => {
  let reads = 0;
  return Object.defineProperty({}, "length", { get: () => (++reads > 1 ? boom() : 3) });
};

type World = ReturnType<typeof makeWorld>;
/** Real payloads: transforms and enrichment with a service that the test answers for. */
function withPayloads(world: World, rowsOf: (keys: readonly string[]) => Record<string, string>) {
  const service = (async ({ keys }: { keys: readonly string[] }) => ({
    answer: { version: 1, row_texts: JSON.parse(JSON.stringify(rowsOf(keys))) },
    bytes: 0,
  })) as never;
  const posting = world.ports.posting as { payloads: World["ports"]["posting"]["payloads"] };
  posting.payloads = payloadMaker({ service, region: "eu-west-1", now: world.now });
}
const extractAll = { extract: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`m${i}`, "$.p"])) };

/** What fails, how, and the error of the attempt that it becomes. */
const steps: [step: string, error: string, fail: (world: World) => void][] = [
  [
    "the payload is read",
    "payload_unreadable",
    (world) => Object.assign(world.ports, { fetchBody: boom, unreadable: undefined }),
  ],
  [
    "the table is asked",
    "enrich_failed",
    (world) => {
      withPayloads(world, boom);
      world.subscribe({ enrich: { from: "products", key: "$.sku", as: "product" } });
    },
  ],
  [
    "the event is transformed",
    "transform_failed",
    (world) => {
      withPayloads(world, () => ({}));
      world.subscribe({
        transform: {
          get omit() {
            return boom();
          },
        } as never,
      });
    },
  ],
  ["the payloads are prepared", "enrich_failed", (world) => Object.assign(world.ports.posting, { payloads: boom })],
  ["the posts are cut", "body_failed", (world) => world.targets.set(SUB, broken(world.subscribe(), "format"))],
  ["a payload is made", "body_failed", (world) => Object.assign(world.ports.posting, { payloads: async () => boom })],
  [
    "the body is written",
    "body_failed",
    (world) => Object.assign(world.ports.posting, { payloads: async () => () => onceReadable() }),
  ],
  ["the post is signed", "sign_failed", (world) => world.targets.set(SUB, broken(world.subscribe(), "secrets"))],
  ["its headers are made", "sign_failed", (world) => world.targets.set(SUB, broken(world.subscribe(), "headers"))],
  [
    "what follows is decided",
    "settle_failed",
    (world) =>
      world.answers(({ url }, nth) =>
        url.host === "well.example.com" || nth > 2 ? 200 : { status: 503, retryAfter: Object.create(null) },
      ),
  ],
];

for (const [step, error, fail] of steps)
  test(`where ${step} and that fails, the delivery has a failed attempt that says so, and the others go on`, async () => {
    const world = makeWorld();
    world.subscribe();
    world.subscribe({ subscription_id: OTHER, webhook_url: "https://well.example.com/" });
    const first = world.accept([{ sku: "a", p: 1 }]);
    if (error === "payload_unreadable") {
      const key = `${partitionOf(TENANT, first)}\n${batchSortKey(first)}`;
      world.items.set(key, { ...world.items.get(key)!, body: { B: Buffer.from("no pack") } });
      world.queue[0]!.text = `${world.queue[0]!.text.split("\n")[0]}\n${Buffer.from("no pack").toString("base64")}`;
    }
    fail(world);
    const well = world.accept([{ n: 2 }], { subscription_id: OTHER });
    await world.step();
    assert.equal(world.queue.filter(({ receives }) => receives > 0).length, 0, "no message is left behind");
    if (
      error !== "settle_failed" &&
      step !== "the payloads are prepared" &&
      step !== "a payload is made" &&
      step !== "the body is written"
    )
      assert.equal(world.delivery(well, OTHER)?.status, "delivered");
    const item = world.delivery(first)!;
    assert.deepEqual(
      [item.status, item.attempts.map((attempt) => [attempt.status_code, attempt.error])],
      ["failed", [[null, error]]],
    );
    assert.match(item.attempts[0]!.error_detail!, /^The platform failed at this step \(\w+\); nothing was sent\.$/);
    assert.equal(world.circuits.size, 0, "the endpoint has no part in it");
    if (step !== "what follows is decided") {
      await world.run(START + 5 * DAYS, HOUR);
      const last = world.delivery(first)!;
      assert.deepEqual([last.status, last.reason, last.attempts.length], ["dead_lettered", "attempts_exhausted", 12]);
    } else {
      await world.run(START + DAYS, HOUR);
      assert.equal(world.delivery(first)!.status, "delivered");
    }
  });

test("the events of a batch that can be made are delivered; the one that can't is tried again alone, and given up alone", async () => {
  const world = makeWorld();
  world.subscribe({ format: "payload" });
  const posting = world.ports.posting as { payloads: World["ports"]["posting"]["payloads"] };
  posting.payloads = async (_, delivery) => (offset) => {
    if (offset === 1) return { error: "enrich_failed", text: "no table", final: false };
    return delivery.events[offset]!;
  };
  const first = world.accept([{ n: 0 }, { n: 1 }, { n: 2 }]);
  const beside = world.accept([{ n: 3 }]);
  await world.step();
  assert.deepEqual(world.posts.map(({ body }) => body).sort(), ['[{"n":0},{"n":2}]', '[{"n":3}]']);
  const item = world.delivery(first)!;
  assert.deepEqual([item.status, item.remaining, item.attempts.length], ["failed", [1], 1]);
  assert.equal(world.delivery(beside)!.status, "delivered");
  await world.run(START + 5 * DAYS, HOUR);
  const last = world.delivery(first)!;
  assert.deepEqual(
    [last.status, last.remaining, last.attempts.at(-1)!.error_detail],
    ["dead_lettered", [1], "no table"],
  );
  assert.equal(world.posts.length, 2);
});

test("a payload that a transform makes too large is a dead letter at once, with its reason; the rest of its batch is delivered", async () => {
  const world = makeWorld();
  withPayloads(world, () => ({}));
  world.subscribe({ format: "payload", transform: extractAll });
  const first = world.accept([{ p: 1 }, { p: "x".repeat(90_000) }]);
  await world.step();
  assert.equal(world.posts.length, 1);
  const { status, reason, remaining, attempts } = world.delivery(first)!;
  assert.deepEqual(
    [status, reason, remaining, attempts.map(({ error, error_detail }) => [error, error_detail])],
    [
      "dead_lettered",
      "payload_too_large",
      [1],
      [
        [
          "payload_too_large",
          "The transform and the enrichment make 9,000,490 bytes of this event; at most 1,000,000 are delivered.",
        ],
      ],
    ],
  );
  assert.deepEqual(world.waiting(), []);
  // Once the owner has mended the transform, asking for it again delivers it.
  world.subscribe({ format: "payload" });
});

test("beside events that only failed, one that is too large waits with them, and is given up last", async () => {
  const world = makeWorld();
  withPayloads(world, () => ({}));
  world.subscribe({ format: "payload", transform: extractAll });
  world.answers((_, nth) => (nth === 1 ? 500 : 200));
  const first = world.accept([{ p: 1 }, { p: "x".repeat(90_000) }]);
  await world.step();
  assert.deepEqual(
    [world.delivery(first)!.status, world.delivery(first)!.attempts[0]!.error],
    ["failed", "http_error"],
  );
  await world.run(START + DAYS, HOUR);
  const { status, reason, remaining, attempts } = world.delivery(first)!;
  assert.deepEqual([status, reason, remaining, attempts.length], ["dead_lettered", "payload_too_large", [1], 2]);
});

test("a thousand events that a transform makes a hundred times larger are never in memory together", async () => {
  const world = makeWorld();
  const target = world.subscribe({ format: "payload" });
  let made = 0;
  let most = 0;
  let underWay = 0;
  const posting: World["ports"]["posting"] = {
    ...world.ports.posting,
    payloads: async () => () => {
      made += 100_000;
      most = Math.max(most, made);
      return Buffer.alloc(100_000, "1");
    },
    async post({ body }) {
      underWay += 1;
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      made -= body.length - 12;
      assert.ok(underWay < 6);
      return { status: 200, error: null, latency_ms: 1 };
    },
  };
  const indexes = Array.from({ length: 1_000 }, (_, n) => n);
  const delivery = { ...{ tenant: TENANT, subscription_id: SUB, first: "01ARZ3NDEKTSV4RRFFQ69G5FAV", messageId: "m" } };
  const rest = { types: indexes.map(() => null), indexes, remaining: indexes, deleted: new Set(), attempts: [] };
  let posts = 0;
  await postAll([{ target, first: true, deliveries: [{ ...delivery, ...rest } as never] }], posting, (done) => {
    posts += done.length;
  });
  assert.ok(posts >= 100, String(posts));
  assert.ok(most < 8_000_000, `${most} bytes`);
});

test("each event is delivered or reported under any failures, and nothing waits without a message", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.constantFrom("fine", "fails", "too large"), { minLength: 1, maxLength: 6 }), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.constantFrom(1, 2, 100),
      async (batches, max_batch) => {
        const world = makeWorld();
        world.subscribe({ format: "payload", max_batch });
        const fate = new Map<string, readonly string[]>();
        const posting = world.ports.posting as { payloads: World["ports"]["posting"]["payloads"] };
        posting.payloads =
          async (_, { first, events }) =>
          (offset) => {
            const kind = fate.get(first)![offset]!;
            if (kind === "fine") return events[offset]!;
            return kind === "fails"
              ? { error: "transform_failed", text: "no", final: false }
              : { error: "payload_too_large", text: "no", final: true };
          };
        for (const kinds of batches) fate.set(world.accept(kinds.map((kind, n) => ({ n, kind }))), kinds);
        await world.run(START + 5 * DAYS, HOUR);
        const sent = world.posts.flatMap(({ body }) => JSON.parse(body)).length;
        assert.equal(sent, batches.flat().filter((kind) => kind === "fine").length);
        assert.deepEqual(world.waiting(), []);
        for (const [first, kinds] of fate) {
          const left = kinds.flatMap((kind, offset) => (kind === "fine" ? [] : [offset]));
          const { status, remaining, indexes } = world.delivery(first)!;
          assert.equal(status, left.length === 0 ? "delivered" : "dead_lettered");
          if (left.length > 0) assert.deepEqual(remaining ?? indexes, left);
        }
      },
    ),
    { numRuns: 40 },
  ));

test.run();
