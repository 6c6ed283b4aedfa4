import assert from "node:assert/strict";
import { CreateTableCommand } from "@aws-sdk/client-dynamodb";
import { suite } from "uvu";
import type { Dynamodb } from "../../../runtime/aws/clients.ts";
import type { Table } from "../../../runtime/aws/tables.ts";
import { beginTick } from "../../../runtime/counters/alerts.ts";
import { pack } from "../../../runtime/domain/codec/pack.ts";
import type { KeyRecord } from "../../../runtime/domain/identity/apiKey.ts";
import { MESSAGES_A_SECOND, type Watcher } from "../../../runtime/domain/live.ts";
import { addChild, putNewKey, readKey, replaceVersions, revoke } from "../../../runtime/keys/keysTable.ts";
import { beginMeasuring, putConnection, takeRoom } from "../../../runtime/sockets/connections.ts";
import { readBatch, storeAgain } from "../../../runtime/store/batches/storeBatches.ts";
import { addFailures, openCircuit, readCircuit, removeCircuit } from "../../../runtime/store/circuits/circuits.ts";
import {
  putDeliveries,
  readDelivery,
  releaseDelivery,
  replaceDelivery,
  stripAnswers,
} from "../../../runtime/store/deliveries/changeDelivery.ts";
import type { DeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";
import { claimDue } from "../../../runtime/store/deliveries/waiting.ts";
import { eraseInBatch } from "../../../runtime/store/erasure/eraseInBatch.ts";
import { addHostCounts } from "../../../runtime/store/hostCounts.ts";
import { deleteEvents } from "../../../runtime/store/inbox/marks.ts";
import { deliveryKey } from "../../../runtime/store/keys.ts";
import { findProblem, problemsIn } from "../../../runtime/store/problems.ts";
import type { Store } from "../../../runtime/store/table.ts";
import { takeSlot } from "../../../runtime/store/testSlots.ts";
import { batchOf, deliveryOf, openStorage, type Storage } from "../../support/storage.ts";

/**
 * The answer of a call may be lost on its way; then the client sends it again. A write under a condition must not be refused by its own
 * first call, as if another had written.
 */

const test = suite("writes whose answer is lost");
const TENANT = "cus_01JDGXS7G0ABCDEFGHJKMNPQRS";
const SUB = "sub_01JDGXS7G0ABCDEFGHJKMNPQRT";
const AT = Date.now() - 60_000;

let storage: Storage;
let events: Table;
let store: Store;
/** What happens between the call whose answer is lost and the next. */
let meanwhile: () => Promise<unknown>;
test.before.each(async () => {
  storage = await openStorage();
  meanwhile = async () => undefined;
  events = { ...storage.store.events, dynamodb: forgetful(storage.dynamodb) };
  store = { ...storage.store, events };
});
test.after.each(() => storage.close());

/** Each change is sent twice, as is each put under a condition; the caller sees the second answer. */
const forgetful = (dynamodb: Dynamodb): Dynamodb =>
  ({
    async send(command: { input: object }) {
      if ("ConditionExpression" in command.input || "UpdateExpression" in command.input) {
        await dynamodb.send(command as never).catch(() => undefined);
        await meanwhile();
      }
      return dynamodb.send(command as never);
    },
  }) as unknown as Dynamodb;

const attempt = (status_code: number) => ({ at: "2026-11-25T00:00:00.000Z", status_code, latency_ms: 5, error: null });
const batch = batchOf(TENANT, [{ event_type: "a" }, { event_type: "b", ada: true }], AT, {
  matched: { [SUB]: [0, 1] },
});
const failed = deliveryOf(batch, SUB, { status: "failed", attempts: [attempt(500)], next_attempt_at: AT });
const stored = async (): Promise<DeliveryItem> => (await readDelivery(events, failed))!;

test("an attempt counts once, and its move is told", async () => {
  assert.deepEqual(await replaceDelivery(events, undefined, failed), { from: "pending", to: "failed" });
  const { next_attempt_at: _, ...rest } = failed;
  const delivered = { ...rest, status: "delivered", attempts: [...failed.attempts, attempt(200)] } as const;
  assert.deepEqual(await replaceDelivery(events, failed, delivered), { from: "failed", to: "delivered" });
  assert.deepEqual(await stored(), delivered);
});

test("a held delivery that is released goes on at once, and a due one is claimed", async () => {
  const { next_attempt_at: _, ...rest } = failed;
  const held = { ...rest, status: "pending", held: true } as const;
  await putDeliveries(events, [held]);
  assert.equal(await releaseDelivery(events, held, AT + 1), true);
  const item = { ...deliveryKey(held), next_attempt_at: { N: String(AT + 1) } };
  assert.equal(await claimDue(events, item, AT + 2), true);
  assert.equal(await claimDue(events, item, AT + 3), false);
});

test("answers that are taken off count", async () => {
  await putDeliveries(events, [{ ...failed, attempts: [{ ...attempt(500), response_excerpt: "ada" }] }]);
  assert.equal(
    await stripAnswers(
      events,
      await stored(),
      () => true,
      () => false,
    ),
    true,
  );
});

test("a circuit opens, and so its probe is sent", async () => {
  const endpoint = { tenant: TENANT, subscription_id: SUB };
  const failures = { failures: 10, slow: false, now: AT, expiry: 2_000_000_000 };
  const circuit = (await addFailures(events, endpoint, failures))!;
  assert.equal(circuit.failures, 10);
  const times = { now: AT, next_probe_at: AT + 5_000, due_at: AT + 6_000 };
  assert.equal((await openCircuit(events, circuit, times))?.probes, 0);
  assert.equal((await readCircuit(events, endpoint))?.probes, 0);
  assert.equal(await openCircuit(events, circuit, { ...times, next_probe_at: AT + 7_000 }), undefined);
});

test("a batch that came again counts as stored now, and what was deleted meanwhile stays deleted", async () => {
  assert.equal(await storeAgain(events, batch), undefined);
  assert.deepEqual((await storeAgain(events, batch))?.deleted, []);
  const other = batchOf(TENANT, [{ event_type: "a" }], AT);
  meanwhile = async () => {
    meanwhile = async () => undefined;
    await deleteEvents(storage.store, TENANT, [other.first], Date.now);
  };
  assert.deepEqual((await storeAgain(events, other))?.deleted, [0]);
  assert.deepEqual((await readBatch(events, TENANT, other.first))?.deleted, [0]);
});

test("an erasure removes the payload's old object, and the answers that repeat it", async () => {
  const raws = [{ event_type: "a" }, { event_type: "b", ada: true }].map((each) => Buffer.from(JSON.stringify(each)));
  storage.objects.set(`${store.payloadBucket}/old`, pack(raws));
  const large = { ...batch, body: { s3_key: "old" } } as const;
  await storeAgain(events, large);
  await putDeliveries(events, [{ ...failed, attempts: [{ ...attempt(500), response_excerpt: "ada" }] }]);
  const hits = (_: unknown, all: readonly Buffer[]) => [...all.keys()].filter((at) => all[at]!.includes("ada"));
  const { offsets } = await eraseInBatch(store, large, hits);
  assert.deepEqual(offsets, [1]);
  assert.deepEqual(
    [...storage.objects.keys()].filter((key) => key.endsWith("/old")),
    [],
  );
  assert.deepEqual((await stored()).attempts, [attempt(500)]);
});

test("a slot is taken, and by one alone", async () => {
  const slot = { customer_id: TENANT, number: 0, holder: "me" };
  assert.equal(await takeSlot(events, slot, { now: AT, until: AT + 1_000 }), true);
  assert.equal(await takeSlot(events, { ...slot, holder: "other" }, { now: AT, until: AT + 1_000 }), false);
});

test("what is added counts once: failures of a circuit and of a problem, and posts to a host", async () => {
  const endpoint = { tenant: TENANT, subscription_id: SUB };
  const more = { failures: 2, slow: false, now: AT, expiry: 2_000_000_000 };
  assert.equal((await addFailures(events, endpoint, more))?.failures, 2);
  assert.equal((await addFailures(events, endpoint, more))?.failures, 4);
  meanwhile = async () => {
    meanwhile = async () => undefined;
    await removeCircuit(events, endpoint);
  };
  // What succeeded meanwhile has removed it, and the second call finds none to be told apart by.
  assert.equal((await addFailures(events, endpoint, more))?.failures, 2);
  const cause = { error: "http_5xx", status_code: 503 } as const;
  const failed = { ...endpoint, ...cause, attempts: 3, events: 2, first_at: AT, last_at: AT };
  await problemsIn(events, Date.now).failed({ ...failed, sample_delivery_id: "dlv_a", well: false });
  const problem = await findProblem(events, TENANT, { subscription_id: SUB, ...cause });
  assert.deepEqual([problem?.count, problem?.events], [3, 2]);
  const host = { host: "a.example", window: 1, now: AT };
  const posts = { lanes: new Map([[0, 5]]), accepted: 4, held: 1 };
  assert.deepEqual(await addHostCounts(events, host, posts), posts);
});

test("a lease is taken, and by one alone", async () => {
  const tables = { counters: { ...events, name: "metrics" }, sockets: events };
  assert.deepEqual(await beginTick(tables.counters, AT, 30_000), { until: 0 });
  assert.equal(await beginTick(tables.counters, AT + 1, 30_000), undefined);
  assert.equal(await beginMeasuring(tables.sockets, TENANT, AT), true);
  assert.equal(await beginMeasuring(tables.sockets, TENANT, AT + 1), false);
});

test("a window of a socket's begins once", async () => {
  await putConnection(events, { tenant: TENANT, connection_id: "a", who: {} as Watcher, ends_at: AT + 60_000 });
  assert.equal(await takeRoom(events, TENANT, "a", MESSAGES_A_SECOND, AT), MESSAGES_A_SECOND);
});

test("a key is made and its secret replaced, unless it is revoked meanwhile", async () => {
  await storage.dynamodb.send(
    new CreateTableCommand({
      TableName: "keys",
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "key_id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "key_id", KeyType: "HASH" }],
    }),
  );
  const keys: Table = { ...events, name: "keys" };
  const record: KeyRecord = {
    key_id: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    customer_id: TENANT,
    environment: "live",
    scopes: ["events:read"],
    status: "active",
    versions: [{ hash: "a", pepper_version: "1", created_at: "2026-11-25T00:00:00.000Z" }],
    customer_limit_per_second: 100,
    created_at: "2026-11-25T00:00:00.000Z",
  };
  assert.equal(await putNewKey(keys, record), true);
  assert.equal(await putNewKey(keys, record), false);
  const rotated = { ...record, versions: [{ ...record.versions[0]!, hash: "b" }] };
  assert.equal(await replaceVersions(keys, record, rotated), true);
  assert.deepEqual((await readKey(keys, record.key_id, "strong"))?.versions, rotated.versions);
  assert.equal(await replaceVersions(keys, record, rotated), false);
  assert.equal(await addChild(keys, record.key_id, "key_01ARZ3NDEKTSV4RRFFQ69G5FAW"), true);
  const revoked = await revoke(keys, record.key_id);
  assert.deepEqual([revoked.before, revoked.children.length], [false, 1]);
  assert.equal((await revoke({ ...keys, dynamodb: storage.dynamodb }, record.key_id)).before, true);
  assert.equal(await replaceVersions(keys, rotated, record), false);
});

test.run();
