import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { SQSRecord } from "aws-lambda";
import fc from "fast-check";
import { test } from "uvu";
import { encodeCalls, type IngestMessage } from "../../../runtime/domain/codec/index.ts";
import { pack, unpack } from "../../../runtime/domain/codec/pack.ts";
import { eventId, newUlid, ulidAt } from "../../../runtime/domain/ids.ts";
import { type Erasure, subjectHash } from "../../../runtime/domain/job.ts";
import type { BatchItem } from "../../../runtime/store/batches/batchItem.ts";
import { makeWorld, START, TENANT } from "./world.ts";

test("a batch is stored with what matched, its deliveries are queued, and its events archived", async () => {
  const world = makeWorld({ sub_a: "order.*", sub_b: "$.n > 1", sub_c: "never" });
  const record = world.message([{ event_type: "order.created", n: 1 }, { event_type: "order.paid", n: 2 }, { n: 3 }]);
  assert.deepEqual(await world.route(record), []);
  const [batch] = [...world.stored.values()];
  assert.deepEqual(batch!.matched, { sub_a: [0, 1], sub_b: [1, 2] });
  assert.deepEqual(
    [batch!.snapshot_version, batch!.routed_at, batch!.stored_at, batch!.key_id],
    [7, START, START, "key_1"],
  );
  assert.equal(batch!.expiry, START / 1_000 + 30 * 86_400);
  assert.deepEqual(
    world.deliveries.map(({ subscription_id, indexes, attempts }) => [subscription_id, indexes, attempts]),
    [
      ["sub_a", [0, 1], 0],
      ["sub_b", [1, 2], 0],
    ],
  );
  assert.equal(world.archived.length, 3);
  assert.deepEqual(
    world.facts.map((fact) => fact.kind === "accepted" && [fact.key_id, fact.matched]),
    [["key_1", { sub_a: [0, 1], sub_b: [1, 2] }]],
  );
});

const ada = {
  jsonpath: "$.user.email",
  equals_sha256: subjectHash("ada@example.com", undefined),
  equals_type: "string",
};
const people = [{ user: { email: "ada@example.com" } }, { user: { email: "bob@example.com" } }];
const bodyOf = (batch: BatchItem | undefined) =>
  batch !== undefined && "inline" in batch.body ? unpack(batch.body.inline).map(String) : batch?.body;

test("an event erased while it waited is stored empty, and never archived or delivered, even if its message repeats", async () => {
  const world = makeWorld({ sub_a: "$.user", sub_b: "$.user.email == 'ada@example.com'" });
  const record = world.message(people);
  world.advance(86_400_000);
  world.erasures.push({ until: START, subject: ada });
  world.fails.add("queue");
  assert.deepEqual(await world.route(record), [record.messageId]);
  assert.deepEqual(await world.route(world.again(record)), []);
  const [batch] = [...world.stored.values()];
  assert.deepEqual(bodyOf(batch), ["{}", JSON.stringify(people[1])]);
  assert.deepEqual([batch!.deleted, batch!.matched, batch!.types], [[0], { sub_a: [1] }, [null, null]]);
  const ids = new Set(world.archived.map(({ event_id }) => event_id));
  assert.deepEqual([...ids], [eventId(ulidAt(batch!.first, 1))]);
  assert.deepEqual(
    world.deliveries.map(({ subscription_id, indexes, body }) => [subscription_id, indexes, body]),
    [["sub_a", [1], undefined]],
  );
});

const after: [says: string, erasure: Erasure][] = [
  ["before it was accepted", { until: START - 1, subject: ada }],
  ["before it was accepted, of everything", { until: START - 1 }],
  ["of another value", { until: START, subject: { ...ada, equals_sha256: subjectHash("eve@example.com", undefined) } }],
  ["of the same text as another type", { until: START, subject: { ...ada, equals_type: "number" } }],
];
for (const [says, erasure] of after)
  test(`an erasure ${says} leaves an event as it was sent`, async () => {
    const world = makeWorld({ sub_a: "$.user" });
    world.erasures.push(erasure);
    await world.route(world.message(people));
    assert.deepEqual(
      bodyOf([...world.stored.values()][0]),
      people.map((each) => JSON.stringify(each)),
    );
  });

test("after an erasure of everything, waiting events are not stored and their payloads are deleted", async () => {
  const world = makeWorld({ sub_a: "$.user" });
  world.payloads.set("big", pack([Buffer.from("{}")]));
  const records = [world.message(people), world.message([{}], { body: { s3_key: "big" } })];
  world.erasures.push({ until: START });
  assert.deepEqual(await world.route(...records), []);
  assert.deepEqual([world.stored.size, world.archived, world.deliveries, [...world.payloads]], [0, [], [], []]);
  world.advance(1);
  await world.route(world.message(people));
  assert.equal(world.stored.size, 1);
});

test("the object of a large request is deleted once its rest is stored, and its message is harmless afterwards", async () => {
  const world = makeWorld({});
  world.payloads.set("big", pack(people.map((each) => Buffer.from(JSON.stringify(each)))));
  const record = world.message(people, { body: { s3_key: "big" } });
  world.erasures.push({ until: START, subject: ada });
  world.fails.add("remove");
  assert.deepEqual(await world.route(record), [record.messageId]);
  assert.deepEqual(await world.route(world.again(record)), []);
  assert.deepEqual(bodyOf([...world.stored.values()][0]), ["{}", JSON.stringify(people[1])]);
  assert.deepEqual([...world.payloads], []);
  assert.deepEqual(await world.route(world.again(record, 3)), []);
});

test("an erasure between two receives of a large request leaves its stored batch the object with its other events", async () => {
  const world = makeWorld({ sub_a: "$.user" });
  const packed = pack(people.map((each) => Buffer.from(JSON.stringify(each))));
  world.payloads.set("big", packed);
  const record = world.message(people, { body: { s3_key: "big" } });
  world.fails.add("queue");
  assert.deepEqual(await world.route(record), [record.messageId]);
  world.erasures.push({ until: START, subject: ada });
  assert.deepEqual(await world.route(world.again(record)), []);
  const [batch] = [...world.stored.values()];
  assert.deepEqual([batch!.body, world.payloads.get("big")], [{ s3_key: "big" }, packed]);
  assert.deepEqual(
    world.deliveries.map(({ subscription_id, indexes }) => [subscription_id, indexes]),
    [["sub_a", [1]]],
  );
});

test("the large rest of a request keeps its other events when one was erased before it came back", async () => {
  const world = makeWorld({});
  const first = newUlid(START, 2);
  const rest = [people[0]!, { ...people[1], picture: randomBytes(400_000).toString("base64") }];
  const key = `${TENANT}/${first}-rest`;
  world.payloads.set(key, pack(rest.map((each) => Buffer.from(JSON.stringify(each)))));
  world.erasures.push({ until: START, subject: ada });
  assert.deepEqual(await world.route(world.message(rest, { first, part: 1, rest: true, body: { s3_key: key } })), []);
  assert.deepEqual(
    [...world.payloads].map(([name, packed]) => [{ s3_key: name }, unpack(packed).map(String)]),
    [[world.stored.get(first)!.body, ["{}", JSON.stringify(rest[1])]]],
  );
});

test("a batch that comes a minute late has the inbox read again from below it, before its message is done", async () => {
  const world = makeWorld({});
  const [soon, late] = [world.message([{ n: 1 }]), world.message([{ n: 2 }])];
  world.advance(59_000);
  await world.route(soon);
  assert.deepEqual(world.reopened, []);
  world.advance(2_000);
  world.fails.add("mark");
  assert.deepEqual(await world.route(late), [late.messageId]);
  assert.deepEqual(await world.route(world.again(late)), []);
  assert.deepEqual(world.reopened, [TENANT]);
});

test("calls without a batch are counted, and the message does not come again when they can't be written yet", async () => {
  const world = makeWorld({});
  const call = {
    ...{ at: START, key_id: "key_1", call: "POST /events", outcome: "rate_limited" },
    ...{ requests: 3, events: 0, bytes: 0 },
  };
  const told = {
    messageId: "calls",
    body: encodeCalls({ tenant: TENANT, calls: [call] }),
    attributes: { ApproximateReceiveCount: "1" },
  } as SQSRecord;
  const broken = { ...told, messageId: "broken", body: '{"v":1,"k":"calls","tenant":"cus_a","calls":[{}]}\n' };
  assert.deepEqual(await world.route(told, world.message([{ n: 1 }]), broken), []);
  assert.deepEqual(world.dead, ["broken"]);
  assert.deepEqual(world.facts[0], { kind: "called", tenant: TENANT, ...call });
  assert.equal(world.stored.size, 1);
  world.fails.add("usage");
  assert.deepEqual(await world.route(told), []);
});

test("an accepted request is counted with where it came from", async () => {
  const world = makeWorld({});
  await world.route(world.message([{ n: 1 }], { source_ip: "198.51.100.7" }));
  const [fact] = world.facts;
  assert.deepEqual(fact?.kind === "accepted" && [fact.source_ip, fact.routed_at], ["198.51.100.7", START]);
});

/** From the edge's receipt, which the message says, until the queue had it, which the queue says. */
const accepting: [says: string, sent: number, message: Partial<IngestMessage>, accept_ms: number | undefined][] = [
  ["from the edge's receipt until the queue had it", START + 37, { arrived: START }, 37],
  [
    "at most a minute: who waits longer has put the message back by hand",
    START + 60_001,
    { arrived: START },
    undefined,
  ],
  ["a whole minute still", START + 60_000, { arrived: START }, 60_000],
  ["zero where the clocks of two machines differ a little", START - 999, { arrived: START }, 0],
  ["nothing where they differ by a second", START - 1_000, { arrived: START }, undefined],
  ["nothing where the edge said no time", START + 37, {}, undefined],
  [
    "what the other region measured, for a request that it relays",
    START + 900_000,
    { arrived: START, accept_ms: 12 },
    12,
  ],
  ["nothing for the rest of a request, which has been counted", START + 37, { arrived: START, rest: true }, undefined],
];
for (const [says, sent, message, accept_ms] of accepting)
  test(`the time to accept a request is ${says}`, async () => {
    const world = makeWorld({});
    const record = world.message([{ n: 1 }, { n: 2 }], message);
    await world.route({ ...record, attributes: { ...record.attributes, SentTimestamp: String(sent) } });
    assert.deepEqual(
      world.facts.map((fact) => fact.kind === "accepted" && fact.accept_ms),
      [accept_ms],
    );
  });

test("a message that can't be read is dead at once, and the rest is routed", async () => {
  const world = makeWorld({ sub_a: "order.*" });
  const damaged = { ...world.message([{}]), body: "damaged" };
  const lying = world.message([{}], { count: 2, types: [null, null] });
  const good = world.message([{ event_type: "order.created" }]);
  assert.deepEqual(await world.route(damaged, lying, good), []);
  assert.deepEqual(world.dead, ["m1", "m2"]);
  assert.equal(world.deliveries.length, 1);
  assert.ok(world.logs.some((line) => line.includes("the pack holds 1 events, not 2")));
  assert.deepEqual(world.failedAt(), ["decode", "read"]);
});

test("packed events that were too large for the message are fetched", async () => {
  const world = makeWorld({ sub_a: "$.big == 1" });
  world.payloads.set("k", pack([Buffer.from('{"big":1}')]));
  assert.deepEqual(await world.route(world.message([{}], { body: { s3_key: "k" } })), []);
  assert.deepEqual(
    world.deliveries.map(({ body }) => body),
    [{ s3_key: "k" }],
  );
});

test("small events go along with their deliveries, large ones and those of many subscribers are read when they are posted", async () => {
  const noise = Array.from({ length: 60_000 }, (_, i) => ((i * 2_654_435_761) >>> 7).toString(36)).join("");
  const world = makeWorld({ sub_a: "$.n" });
  await world.route(world.message([{ n: 1 }]), world.message([{ n: noise }]));
  assert.deepEqual(
    world.deliveries.map(({ body }) => body !== undefined),
    [true, false],
  );
  const popular = makeWorld(Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`sub_${i}`, "$.n"])));
  await popular.route(popular.message([{ n: 1 }]));
  assert.deepEqual(new Set(popular.deliveries.map(({ body }) => body)), new Set([undefined]));
});

const steps = { snapshot: "read", store: "store", queue: "queue", archive: "archive" };
for (const [step, phase] of Object.entries(steps)) {
  test(`a message whose ${step} fails comes again, its log line says so, and then nothing is missing or decided anew`, async () => {
    const world = makeWorld({ sub_a: "order.*" });
    const record = world.message([{ event_type: "order.created" }]);
    world.fails.add(step);
    assert.deepEqual(await world.route(record), [record.messageId]);
    assert.deepEqual(world.failedAt(), [phase]);
    const before = [...world.stored.values()][0];
    world.subscriptions.set("sub_b", { subscription_id: "sub_b", version: 1, event_selector: "order.*" });
    world.moveVersion();
    assert.deepEqual(await world.route(world.again(record)), []);
    const after = [...world.stored.values()][0]!;
    if (before !== undefined) assert.equal(after, before, "what was stored stands");
    assert.equal(world.stored.size, 1);
    assert.ok(world.archived.length >= 1 && world.archived.length <= 2);
    const sent = world.deliveries.filter(({ subscription_id }) => subscription_id === "sub_a");
    assert.ok(sent.length >= 1 && sent.length <= 2);
    assert.equal(world.facts.length <= 1, true);
  });
}

test("a redelivered message leaves acknowledged and deleted events as they are, and delivers no deleted one", async () => {
  const world = makeWorld({ sub_a: "$.n" });
  const record = world.message([{ n: 1 }, { n: 2 }]);
  await world.route(record);
  const [first, batch] = [...world.stored][0]!;
  const touched = { ...batch, acknowledged: { 0: START }, deleted: [0] };
  world.stored.set(first, touched);
  assert.deepEqual(await world.route(world.again(record)), []);
  assert.equal(world.stored.get(first), touched);
  const { indexes, repeated, body } = world.deliveries.at(-1)!;
  assert.deepEqual({ indexes, repeated, body }, { indexes: [1], repeated: true, body: undefined });
  assert.equal(world.archived.length, 3);
  assert.equal(world.facts.length, 1);
});

test("a message out of a dead-letter queue, whose receives count from one again, counts as redelivered", async () => {
  const world = makeWorld({ sub_a: "$.n" });
  const record = world.message([{ n: 1 }]);
  await world.route(record);
  const [first, batch] = [...world.stored][0]!;
  world.stored.set(first, { ...batch, deleted: [0] });
  world.advance(600_000);
  await world.route(world.again(record, 1));
  assert.deepEqual(world.stored.get(first)!.deleted, [0]);
});

test("the same message twice in one invocation is stored once", async () => {
  const world = makeWorld({ sub_a: "$.n" });
  const record = world.message([{ n: 1 }]);
  assert.deepEqual(await world.route(record, { ...record, messageId: "copy" }), []);
  assert.equal(world.stored.size, 1);
});

test("usage that can't be counted keeps no event from being routed", async () => {
  const world = makeWorld({ sub_a: "$.n" });
  world.fails.add("usage");
  assert.deepEqual(await world.route(world.message([{ n: 1 }])), []);
  assert.ok(world.logs.some((line) => line.startsWith("route.usage_not_counted_yet")));
});

test("events of one type share a decision, except where a selector reads the payload", async () => {
  const type = fc.constantFrom("a", "b", null);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ event_type: type, n: fc.nat(3) }), { minLength: 1, maxLength: 12 }),
      async (drawn) => {
        const world = makeWorld({ sub_a: "a", sub_n: { event_type: "b", jsonpath: "$[?@ == 2]" } });
        const payloads = drawn.map(({ event_type, n }) => (event_type === null ? { n } : { event_type, n }));
        await world.route(world.message(payloads));
        const where = (wanted: (payload: { event_type?: string; n: number }) => boolean) =>
          payloads.flatMap((payload, at) => (wanted(payload as { n: number }) ? [at] : []));
        const expected = {
          sub_a: where(({ event_type }) => event_type === "a"),
          sub_n: where(({ event_type, n }) => event_type === "b" && n === 2),
        };
        const matched = [...world.stored.values()][0]!.matched;
        assert.deepEqual({ sub_a: matched.sub_a ?? [], sub_n: matched.sub_n ?? [] }, expected);
      },
    ),
    { numRuns: 100 },
  );
});

test.run();
