import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import type { Item } from "../../../runtime/domain/codec/fields.ts";
import {
  archivePrefix,
  CodecError,
  type DeliverMessage,
  decodeDeliver,
  decodeIngest,
  encodeArchive,
  encodeDelivery,
  encodeDrain,
  encodeIngest,
  encodeProbe,
  encodeRetry,
  type IngestMessage,
} from "../../../runtime/domain/codec/index.ts";
import { defined } from "../../../runtime/domain/defined.ts";
import { deliveryStatuses } from "../../../runtime/domain/event.ts";
import { deliveryId, newUlid, parseDeliveryId } from "../../../runtime/domain/ids.ts";
import { type BatchItem, decodeBatch, encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { type Circuit, decodeCircuit, encodeCircuit } from "../../../runtime/store/circuits/circuitItem.ts";
import {
  type DeliveryItem,
  decodeDeliveryItem,
  deliveryStatusAt,
  encodeDeliveryItem,
} from "../../../runtime/store/deliveries/deliveryItem.ts";
import { statePartitions } from "../../../runtime/store/keys.ts";

const runs = Number(process.env.FC_RUNS ?? 300);
const law = <T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => void) =>
  fc.assert(fc.property(arbitrary, holds), { numRuns: runs });

const ulid = fc
  .tuple(fc.integer({ min: 0, max: 4e12 }), fc.uint8Array({ minLength: 10, maxLength: 10 }))
  .map(([ms, bytes]) => newUlid(ms, 1_000, () => bytes));
const subscriptionId = ulid.map((id) => `sub_${id}`);
const tenant = fc.tuple(ulid, fc.boolean()).map(([id, sandbox]) => `cus_${id}${sandbox ? ".sandbox" : ""}`);
const type = fc.option(fc.string({ minLength: 1, maxLength: 20, unit: "binary" }), { nil: null });
const packed = fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes));
const body = fc.oneof(
  packed.map((inline) => ({ inline })),
  fc.string({ minLength: 1 }).map((s3_key) => ({ s3_key })),
);
const trace = { traceparent: fc.constant("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") };
const types = (count: number) =>
  fc.oneof(
    fc.array(type, { minLength: count, maxLength: count }),
    type.map((same) => new Array<string | null>(count).fill(same)),
  );
const indexes = (count: number) => fc.subarray([...Array(count).keys()], { minLength: 1 });
const count = fc.integer({ min: 1, max: 12 });
const milliseconds = fc.integer({ min: 0, max: 4e12 });

const ingest: fc.Arbitrary<IngestMessage> = count.chain((n) =>
  fc.record(
    {
      tenant,
      first: ulid,
      count: fc.constant(n),
      types: types(n),
      key_id: ulid.map((id) => `key_${id}`),
      key_name: fc.string(),
      key_hash: fc.string(),
      body,
      ...trace,
    },
    { noNullPrototype: true, requiredKeys: ["tenant", "first", "count", "types", "key_id", "body"] },
  ),
) as fc.Arbitrary<IngestMessage>;

const deliver: fc.Arbitrary<DeliverMessage> = fc.oneof(
  count.chain((n) =>
    fc.record(
      {
        kind: fc.constant("delivery"),
        tenant,
        subscription_id: subscriptionId,
        first: ulid,
        count: fc.constant(n),
        indexes: indexes(n),
        attempts: fc.nat(),
        types: types(n),
        body,
        repeated: fc.constant(true),
        expiry: fc.nat(),
        replay_id: ulid.map((id) => `rpl_${id}`),
        key_name: fc.string(),
        ...trace,
      },
      {
        noNullPrototype: true,
        requiredKeys: ["kind", "tenant", "subscription_id", "first", "count", "indexes", "attempts", "types"],
      },
    ),
  ),
  fc.record(
    {
      kind: fc.constant("retry"),
      tenant,
      subscription_id: subscriptionId,
      batches: fc.array(ulid, { minLength: 1, maxLength: 5 }),
      attempts: fc.nat(),
      replay_id: ulid.map((id) => `rpl_${id}`),
      manual: fc.constant(true),
      retried_by: ulid.map((id) => `rpl_${id}`),
    },
    { noNullPrototype: true, requiredKeys: ["kind", "tenant", "subscription_id", "batches", "attempts"] },
  ),
  fc.record(
    {
      ...{ kind: fc.constant("drain"), tenant, subscription_id: subscriptionId, pass: fc.constantFrom(1, 2) },
      reached: fc.record(
        { partition: fc.nat(16), after: fc.string({ minLength: 1 }), found: fc.constant(true) },
        { noNullPrototype: true, requiredKeys: ["partition"] },
      ),
    },
    { noNullPrototype: true, requiredKeys: ["kind", "tenant", "subscription_id", "pass"] },
  ),
  fc.record({ kind: fc.constant("probe"), tenant, subscription_id: subscriptionId }, { noNullPrototype: true }),
) as fc.Arbitrary<DeliverMessage>;

const batch: fc.Arbitrary<BatchItem> = count.chain((n) =>
  fc.record(
    {
      tenant,
      first: ulid,
      count: fc.constant(n),
      types: types(n),
      key_id: ulid.map((id) => `key_${id}`),
      body,
      matched: fc.dictionary(subscriptionId, indexes(n), { maxKeys: 3, noNullPrototype: true }),
      snapshot_version: fc.nat(),
      routed_at: milliseconds,
      acknowledged: fc.dictionary(fc.integer({ min: 0, max: n - 1 }).map(String), milliseconds, {
        noNullPrototype: true,
      }),
      deleted: fc.subarray([...Array(n).keys()]),
      expiry: fc.nat(),
      key_name: fc.string(),
      ...trace,
    },
    {
      noNullPrototype: true,
      requiredKeys: [
        ...(["tenant", "first", "count", "types", "key_id", "body", "matched"] as const),
        ...(["snapshot_version", "routed_at", "acknowledged", "deleted", "expiry"] as const),
      ],
    },
  ),
) as fc.Arbitrary<BatchItem>;

const attempt = fc.record(
  {
    at: fc.constant("2026-11-25T04:00:00.000Z"),
    status_code: fc.option(fc.integer({ min: 100, max: 599 }), { nil: null }),
    latency_ms: fc.nat(),
    error: fc.option(fc.constant("timeout"), { nil: null }),
    response_excerpt: fc.string(),
  },
  { noNullPrototype: true, requiredKeys: ["at", "status_code", "latency_ms", "error"] },
);
const delivery: fc.Arbitrary<DeliveryItem> = count.chain((n) =>
  fc.record(
    {
      tenant,
      first: ulid,
      count: fc.constant(n),
      subscription_id: subscriptionId,
      indexes: indexes(n),
      status: fc.constantFrom(...deliveryStatuses),
      attempts: fc.array(attempt, { maxLength: 4 }),
      next_attempt_at: milliseconds,
      swept: fc.constant(true),
      held: fc.constant(true),
      remaining: indexes(n),
      group: fc.constant("msg_0123456789ABCDEFGHJKMNPQRS"),
      schedule_from: fc.nat(),
      retried_by: ulid.map((id) => `rpl_${id}`),
      reason: fc.string({ minLength: 1 }),
      replay_id: ulid.map((id) => `rpl_${id}`),
      expiry: fc.nat(),
    },
    {
      noNullPrototype: true,
      requiredKeys: ["tenant", "first", "count", "subscription_id", "indexes", "status", "attempts", "expiry"],
    },
  ),
) as fc.Arbitrary<DeliveryItem>;

const circuit: fc.Arbitrary<Circuit> = fc.record(
  {
    tenant,
    subscription_id: subscriptionId,
    failures: fc.nat(),
    failing_since: milliseconds,
    slow: fc.boolean(),
    alerted: fc.constantFrom(0, 50, 70, 90, 100),
    opened_at: milliseconds,
    next_probe_at: milliseconds,
    probes: fc.nat(),
    expiry: fc.nat(),
  },
  {
    noNullPrototype: true,
    requiredKeys: ["tenant", "subscription_id", "failures", "failing_since", "slow", "alerted", "expiry"],
  },
) as fc.Arbitrary<Circuit>;

function encodeDeliver(message: DeliverMessage): string {
  const { kind, ...rest } = message;
  if (kind === "delivery") return encodeDelivery(rest as never);
  if (kind === "retry") return encodeRetry(rest as never);
  return kind === "drain" ? encodeDrain(rest as never) : encodeProbe(rest as never);
}

test("an ingest message comes back as it went", () =>
  law(ingest, (message) => assert.deepEqual(decodeIngest(encodeIngest(message)), message)));

test("any message to deliver is decoded as it was encoded, with its kind", () =>
  law(deliver, (message) => assert.deepEqual(decodeDeliver(encodeDeliver(message)), message)));

test("a batch item comes back as it was stored", () =>
  law(batch, (item) => assert.deepEqual(decodeBatch(encodeBatch(item)), item)));

test("a delivery item comes back as it was stored", () =>
  law(delivery, (item) => assert.deepEqual(decodeDeliveryItem(encodeDeliveryItem(item)), item)));

test("a circuit comes back as it was stored", () =>
  law(circuit, (item) => assert.deepEqual(decodeCircuit(encodeCircuit(item)), item)));

test("a delivery's id names its batch, subscription and replay", () =>
  law(fc.tuple(ulid, subscriptionId, fc.option(ulid, { nil: undefined })), ([first, subscription_id, replay]) => {
    const replay_id = replay === undefined ? undefined : `rpl_${replay}`;
    assert.deepEqual(parseDeliveryId(deliveryId(first, subscription_id, replay_id)), {
      first,
      subscription_id,
      ...defined({ replay_id }),
    });
  }));

const faultOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof CodecError) return `${error.fault}: ${error.message}`;
    throw error;
  }
  return "read";
};

test("a message of an unknown version is refused by name", () => {
  law(ingest, (message) => {
    const newer = encodeIngest(message).replace('"v":1', '"v":2');
    const refusal = "unknown_version: the ingest message has version 2; this code reads version 1";
    assert.equal(
      faultOf(() => decodeIngest(newer)),
      refusal,
    );
  });
  law(deliver, (message) => {
    const newer = encodeDeliver(message).replace('"v":1', '"v":2');
    assert.match(
      faultOf(() => decodeDeliver(newer)),
      /^unknown_version: the delivery message has version 2/,
    );
  });
});

test("an item of an unknown version is refused by name", () => {
  const newer = (item: Item): Item => ({ ...item, v: { N: "2" } });
  law(fc.tuple(batch, delivery, circuit), ([b, d, c]) => {
    const says = (what: string) => `unknown_version: the ${what} has version 2; this code reads version 1`;
    assert.equal(
      faultOf(() => decodeBatch(newer(encodeBatch(b)))),
      says("batch item"),
    );
    assert.equal(
      faultOf(() => decodeDeliveryItem(newer(encodeDeliveryItem(d)))),
      says("delivery item"),
    );
    assert.equal(
      faultOf(() => decodeCircuit(newer(encodeCircuit(c)))),
      says("circuit item"),
    );
  });
});

test("a damaged message gives a CodecError or a message, nothing else", () => {
  const damaged = fc.tuple(fc.oneof(ingest.map(encodeIngest), deliver.map(encodeDeliver)), fc.nat(), fc.string());
  law(damaged, ([whole, at, noise]) => {
    const cut = at % (whole.length + 1);
    for (const text of [whole.slice(0, cut), whole.slice(0, cut) + noise + whole.slice(cut + noise.length), noise]) {
      faultOf(() => decodeIngest(text));
      faultOf(() => decodeDeliver(text));
    }
  });
});

test("an item that lacks a member, or holds another type there, gives a CodecError or an item, nothing else", () => {
  const readers: [(item: Item) => unknown, fc.Arbitrary<Item>][] = [
    [decodeBatch, batch.map(encodeBatch)],
    [decodeDeliveryItem, delivery.map(encodeDeliveryItem)],
    [decodeCircuit, circuit.map(encodeCircuit)],
  ];
  for (const [read, items] of readers) {
    law(items, (item) => {
      for (const name of Object.keys(item)) {
        const { [name]: _, ...rest } = item;
        faultOf(() => read(rest as Item));
        for (const other of [{ S: "[" }, { S: "7" }, { N: "-1" }, { N: "x" }, { BOOL: true }])
          faultOf(() => read({ ...item, [name]: other } as Item));
      }
    });
  }
});

const FIRST = "01JDGXS7G0ABCDEFGHJKMNPQRS";
const SUB = "sub_01JDGXS7G0ABCDEFGHJKMNPQRT";
const header = (more: object) =>
  `${JSON.stringify({ v: 1, k: "delivery", tenant: "cus_1", subscription_id: SUB, first: FIRST, count: 2, indexes: null, attempts: 0, types: [null], ...more })}\n`;
const refusals: [says: string, text: string, fault: string][] = [
  ["no header line", "{}", "corrupt: the delivery message has no readable header"],
  ["a header that is no object", "7\n", "corrupt: the delivery message has no header"],
  ["no version", '{"k":"delivery"}\n', "corrupt: the delivery message has no version"],
  [
    "another kind",
    header({ k: "ingest" }),
    "corrupt: expected a delivery or retry or drain or probe message, found ingest",
  ],
  ["a batch id that is no ULID", header({ first: "x" }), 'corrupt: the delivery message has no valid "first"'],
  ["a negative count", header({ count: -1 }), 'corrupt: the delivery message has no valid "count"'],
  ["an index past the count", header({ indexes: [2] }), 'corrupt: the delivery message has no valid "indexes"'],
  ["indexes out of order", header({ indexes: [1, 0] }), 'corrupt: the delivery message has no valid "indexes"'],
  ["types of another length", header({ types: ["a", "b", "c"] }), 'corrupt: the delivery message has no valid "types"'],
  ["a type that is a number", header({ types: [1] }), 'corrupt: the delivery message has no valid "types"'],
  ["a retry of nothing", header({ k: "retry", batches: [] }), 'corrupt: the retry message has no valid "batches"'],
  ["a third drain pass", header({ k: "drain", pass: 3 }), 'corrupt: the drain message has no valid "pass"'],
];
for (const [says, text, fault] of refusals) {
  test(`a delivery message with ${says} is refused`, () =>
    assert.equal(
      faultOf(() => decodeDeliver(text)),
      fault,
    ));
}

test("only failed, dead-lettered and held deliveries are in the index by state, only swept ones in the index of due ones", () => {
  const item: DeliveryItem = {
    tenant: "cus_1",
    first: FIRST,
    count: 2,
    subscription_id: SUB,
    indexes: [0, 1],
    status: "delivered",
    attempts: [],
    expiry: 1,
  };
  const state = (more: Partial<DeliveryItem>) => {
    const stored = encodeDeliveryItem({ ...item, ...more });
    return [stored.state_pk?.S?.replace(/#\d+$/, "#SHARD"), stored.due_pk?.S];
  };
  assert.deepEqual(state({}), [undefined, undefined]);
  assert.deepEqual(state({ status: "failed" }), ["cus_1#failed#SHARD", undefined]);
  assert.deepEqual(state({ status: "failed", swept: true })[1]?.slice(0, 4), "due#");
  assert.deepEqual(state({ status: "dead_lettered" }), ["cus_1#dead_lettered#SHARD", undefined]);
  assert.deepEqual(state({ status: "pending", held: true }), [`cus_1#held#${SUB}#SHARD`, undefined]);
  assert.deepEqual(state({ status: "cancelled" }), [undefined, undefined]);
});

test("deliveries of one state are spread over sixteen partitions, all of which are read", () => {
  const placed = Array.from({ length: 800 }, () => {
    const first = newUlid(Date.now(), 1);
    const delivery: DeliveryItem = {
      ...{ tenant: "cus_1", first, count: 1, subscription_id: SUB, indexes: [0], status: "failed" },
      ...{ attempts: [], expiry: 1 },
    };
    return encodeDeliveryItem(delivery).state_pk!.S!;
  });
  const perPartition = Map.groupBy(placed, (pk) => pk);
  assert.deepEqual([...perPartition.keys()].sort(), statePartitions("cus_1", "failed").slice(1).sort());
  for (const [pk, all] of perPartition) assert.ok(all.length < 100, `${pk} has ${all.length} of 800`);
});

test("deliveries of one post wait in the same partition of the index of due ones", () => {
  const due = (first: string) =>
    encodeDeliveryItem({
      tenant: "cus_1",
      first,
      count: 1,
      subscription_id: SUB,
      indexes: [0],
      status: "failed",
      attempts: [],
      swept: true,
      group: "msg_0123456789ABCDEFGHJKMNPQRS",
      expiry: 1,
    }).due_pk?.S;
  assert.equal(due(FIRST), due("01JDGXS7G0ZZZZZZZZZZZZZZZZ"));
});

test("an event whose post arrived counts as delivered while the rest of its delivery waits", () => {
  const waiting = { status: "failed", indexes: [0, 1], remaining: [1] } as unknown as DeliveryItem;
  assert.deepEqual([deliveryStatusAt(waiting, 0), deliveryStatusAt(waiting, 1)], ["delivered", "failed"]);
});

test("archive records hold every event in order, each within a Firehose record", () => {
  const sizes = fc.array(fc.integer({ min: 2, max: 400_000 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(sizes, (lengths) => {
      const events = lengths.map((length, at) => ({
        head: `{"event_type":"é事","payload":`,
        raw: Buffer.from(JSON.stringify({ at, pad: "x".repeat(length) })),
      }));
      const records = encodeArchive({ first: FIRST }, "cus_1", "live", events);
      const lines = records.map((record) => JSON.parse(record.toString("utf8")));
      assert.deepEqual(
        lines.flatMap((line) => line.events.map((event: { payload: { at: number } }) => event.payload.at)),
        events.map((_, at) => at),
      );
      for (const [at, record] of records.entries()) {
        assert.ok(record.length <= 1_024_000);
        assert.equal(record.at(-1), 10);
        assert.equal(lines[at].prefix, archivePrefix("cus_1"));
        assert.equal(lines[at].batch, FIRST);
      }
    }),
    { numRuns: 20 },
  );
});

test.run();
