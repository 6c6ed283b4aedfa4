import assert from "node:assert/strict";
import { QueryCommand } from "@aws-sdk/client-dynamodb";
import { suite } from "uvu";
import { drain } from "../../../runtime/deliver/drain.ts";
import { type DrainMessage, decodeDeliver, encodeDrain } from "../../../runtime/domain/codec/index.ts";
import { newUlid } from "../../../runtime/domain/ids.ts";
import type { BatchItem } from "../../../runtime/store/batches/batchItem.ts";
import { merge, readDelivery, replaceDelivery } from "../../../runtime/store/deliveries/changeDelivery.ts";
import { type Attempt, type DeliveryItem, encodeDeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";
import { attemptsMade, numbered } from "../../../runtime/store/deliveries/keptAttempts.ts";
import { heldIn } from "../../../runtime/store/deliveries/waiting.ts";
import { stripDeliveries } from "../../../runtime/store/erasure/stripDeliveries.ts";
import { deliveryKey } from "../../../runtime/store/keys.ts";
import { openStorage, type Storage } from "../../support/storage.ts";
import { SUB, TENANT } from "./world.ts";

const test = suite("delivery items that many change");
const FIRST = "01JDGXS7G0ABCDEFGHJKMNPQRS";
let storage: Storage;
test.before.each(async () => {
  storage = await openStorage();
});
test.after.each(() => storage.close());

const attempt = (status_code: number): Attempt => ({
  at: `2026-11-25T00:00:00.${status_code}Z`,
  status_code,
  latency_ms: 5,
  error: status_code === 200 ? null : "http_error",
});
const item = (more: Partial<DeliveryItem> = {}): DeliveryItem => ({
  tenant: TENANT,
  first: FIRST,
  count: 4,
  subscription_id: SUB,
  indexes: [0, 1, 2, 3],
  status: "failed",
  attempts: [attempt(500)],
  next_attempt_at: 1_000,
  expiry: 2_000_000_000,
  ...more,
});
const replace = (before: DeliveryItem | undefined, after: DeliveryItem) =>
  replaceDelivery(storage.store.events, before, after);
async function stored(): Promise<DeliveryItem> {
  return (await readDelivery(storage.store.events, { tenant: TENANT, first: FIRST, subscription_id: SUB }))!;
}

const { next_attempt_at: _, ...ended } = item();
const before = item();
const again = item({ attempts: [attempt(500), attempt(503)], next_attempt_at: 2_000 });
const merges: [says: string, after: DeliveryItem, current: DeliveryItem, merged: DeliveryItem][] = [
  [
    "two attempts made at once both count",
    again,
    item({ attempts: [attempt(500), attempt(501)] }),
    item({ attempts: [attempt(500), attempt(501), attempt(503)], next_attempt_at: 2_000 }),
  ],
  [
    "one that failed does not undo another's success",
    again,
    { ...ended, status: "delivered", attempts: [attempt(500), attempt(200)] },
    { ...ended, status: "delivered", attempts: [attempt(500), attempt(200), attempt(503)] },
  ],
  [
    "one that succeeded ends what another left to be tried again",
    { ...ended, status: "delivered", attempts: [attempt(500), attempt(200)] },
    item({ attempts: [attempt(500), attempt(501)], swept: true }),
    { ...ended, status: "delivered", attempts: [attempt(500), attempt(501), attempt(200)] },
  ],
  [
    "a cancelled delivery stays cancelled, with any result of a post under way",
    { ...ended, status: "delivered", attempts: [attempt(500), attempt(200)] },
    { ...ended, status: "cancelled" },
    { ...ended, status: "cancelled", attempts: [attempt(500), attempt(200)] },
  ],
  [
    "a delivery that has ended keeps its own reason, or has none",
    { ...ended, status: "dead_lettered", reason: "attempts_exhausted", attempts: again.attempts },
    { ...ended, status: "delivered", reason: "acknowledged_from_backlog" },
    { ...ended, status: "delivered", reason: "acknowledged_from_backlog", attempts: again.attempts },
  ],
  [
    "an erased one too",
    again,
    { ...ended, status: "cancelled", reason: "event_erased" },
    { ...ended, status: "cancelled", reason: "event_erased", attempts: again.attempts },
  ],
  [
    "one that began before a delivery was given up does not begin it anew",
    again,
    { ...ended, status: "dead_lettered", reason: "attempts_exhausted", attempts: [attempt(500), attempt(501)] },
    {
      ...ended,
      ...{ status: "dead_lettered", reason: "attempts_exhausted" },
      attempts: [attempt(500), attempt(501), attempt(503)],
    },
  ],
  [
    "what either has taken off stays off",
    item({ attempts: again.attempts, remaining: [1, 2, 3] }),
    item({ remaining: [0, 1, 3] }),
    item({ attempts: again.attempts, remaining: [1, 3] }),
  ],
];
for (const [says, after, current, merged] of merges) {
  test(`${says}, in the table as in the pure function`, async () => {
    assert.deepEqual(merge(before, after, current), merged);
    await replace(undefined, current);
    await replace(before, after);
    assert.deepEqual(await stored(), merged);
  });
}

test("an item without changes by others is put as it is", async () => {
  await replace(undefined, before);
  await replace(before, again);
  assert.deepEqual(await stored(), again);
});

test("when four changes are made at once, each attempt is kept", async () => {
  await replace(undefined, before);
  const codes = Array.from({ length: 4 }, (_, n) => 501 + n);
  await Promise.all(codes.map((code) => replace(before, item({ attempts: [...before.attempts, attempt(code)] }))));
  const { attempts } = await stored();
  assert.deepEqual(attempts.map(({ status_code }) => status_code).sort(), [500, ...codes]);
});

test("of changes made at once, the first alone moves the delivery", async () => {
  await replace(undefined, before);
  const delivered = { ...ended, status: "delivered", attempts: [...before.attempts, attempt(200)] } as const;
  const made = await Promise.all([1, 2, 3].map(() => replace(before, delivered)));
  assert.deepEqual(made.map(({ from }) => from).sort(), ["delivered", "delivered", "failed"]);
  assert.ok(made.every(({ to }) => to === "delivered"));
});

test("what is held goes on or is cancelled, and what an attempt has changed since it was read stays as it is", async () => {
  const held = heldIn(storage.store.events);
  const waiting = { ...ended, status: "pending", held: true, reason: "circuit_open" } as const;
  const { held: _, reason: __, ...going } = waiting;
  await replace(undefined, waiting);
  assert.deepEqual(await held.release([waiting], 9_000), [waiting]);
  assert.deepEqual(await stored(), { ...going, next_attempt_at: 9_000, swept: true });
  assert.deepEqual(await held.release([waiting], 10_000), []);
  const delivered = { ...ended, status: "delivered", attempts: [...before.attempts, attempt(200)] } as const;
  await replace(await stored(), delivered);
  assert.deepEqual(await held.release([waiting], 9_000), []);
  await held.cancel([waiting], "subscription_removed");
  assert.deepEqual(await stored(), delivered);
  const other = { ...item({ first: "01JDGXS7G0ABCDEFGHJKMNPQRX" }) };
  await replace(undefined, other);
  await held.cancel([other], "subscription_removed");
  const cancelled = await readDelivery(storage.store.events, other);
  assert.deepEqual(
    [cancelled?.status, cancelled?.reason, cancelled?.next_attempt_at],
    ["cancelled", "subscription_removed", undefined],
  );
});

test("a delivery that probed its endpoint for days keeps every attempt and the latest answers, and can end", async () => {
  const attempts = Array.from({ length: 500 }, () => ({ ...attempt(503), response_excerpt: "x".repeat(1_024) }));
  const waiting = { ...ended, status: "pending", held: true, reason: "circuit_open", attempts } as const;
  await replace(undefined, waiting);
  const kept = await stored();
  assert.deepEqual(
    kept.attempts.map(({ status_code, response_excerpt = "" }) => [status_code, response_excerpt.length]),
    attempts.map((_, at) => [503, at < 460 ? 0 : 1_024]),
  );
  await replace(kept, { ...ended, status: "delivered", attempts: [...kept.attempts, attempt(200)] });
  const { status, attempts: all } = await stored();
  assert.deepEqual([status, all.length], ["delivered", 501]);
});

test("a held delivery that can't be read keeps no other from being released", async () => {
  const held = heldIn(storage.store.events);
  const waiting = { ...ended, status: "pending", held: true, reason: "circuit_open" } as const;
  const damaged = { ...waiting, first: "01JDGXS7G0ABCDEFGHJKMNPQRA" };
  await replace(undefined, waiting);
  await storage.put({ ...encodeDeliveryItem(damaged), attempts: { S: "[" } });
  assert.deepEqual(await held.page(TENANT, SUB, 100), [waiting]);
  assert.deepEqual(await held.page(TENANT, SUB, 1), [waiting]);
});

test("however many held deliveries can't be read, those after them are released", async () => {
  const held = heldIn(storage.store.events);
  const waiting = { ...ended, status: "pending", held: true, reason: "circuit_open" } as const;
  const item = encodeDeliveryItem(waiting);
  const damaged = { ...item, attempts: { S: "[" } };
  for (let n = 100; n < 350; n += 1) {
    const earlier = { ...waiting, first: `01JDGXS7G0ABCDEFGHJKMNP${n}` };
    await storage.put({ ...damaged, ...deliveryKey(earlier) });
  }
  const last = { ...waiting, first: "01JDGXS7G1ABCDEFGHJKMNPQRS" };
  await storage.put({ ...encodeDeliveryItem(last), state_pk: item.state_pk! });
  assert.deepEqual(await held.page(TENANT, SUB, 1), [last]);
  assert.deepEqual(await held.page(TENANT, SUB, 100), [last]);
});

test("a delivery that was tried thousands of times can still be written: the first and the newest attempts are kept", async () => {
  const made = Array.from({ length: 5_000 }, (_, n) => ({
    ...attempt(503),
    latency_ms: n,
    response_excerpt: "\u0001".repeat(1_024),
    answer_with: [FIRST, `01JDGXS7G0ABCDEFGHJKMN${String(n % 10).padStart(4, "0")}`],
    unsent: [0, 1],
  }));
  await replace(undefined, item({ attempts: made.slice(0, 3_000) }));
  for (const next of [3_000, 4_000]) {
    const known = await stored();
    await replace(known, { ...known, attempts: [...known.attempts, ...made.slice(next, next + 1_000)] });
  }
  const kept = await stored();
  const latencies = kept.attempts.map(({ latency_ms }) => latency_ms);
  const newest = latencies.slice(10);
  assert.deepEqual(latencies.slice(0, 10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.ok(newest.length >= 40 && newest.length <= 990, String(newest.length));
  assert.deepEqual(
    newest,
    Array.from({ length: newest.length }, (_, n) => 5_000 - newest.length + n),
  );
  assert.equal(attemptsMade(kept), 5_000);
  assert.deepEqual(
    numbered(kept).map(({ attempt: { latency_ms }, number }) => number - latency_ms),
    latencies.map(() => 1),
  );
  assert.equal(kept.left_out?.answer_with.length, 11);
  assert.ok(kept.attempts.slice(-40).every(({ response_excerpt }) => response_excerpt !== undefined));
});

test("answers of posts that were shared with attempts left out are found by an erasure", async () => {
  const { store } = storage;
  const other = "01JDGXS7G0ABCDEFGHJKMNPQRX";
  const shared = { ...attempt(500), answer_with: [FIRST, other] };
  const others = (length: number) => Array.from({ length }, () => attempt(503));
  await replace(undefined, item({ attempts: [...others(10), shared, ...others(1_000)] }));
  await replace(undefined, item({ first: other, attempts: [{ ...shared, response_excerpt: "what was sent" }] }));
  const batch = { tenant: TENANT, first: FIRST, count: 4, deleted: [0] } as unknown as BatchItem;
  await stripDeliveries(store, batch, [0]);
  const keeper = await readDelivery(store.events, item({ first: other }));
  assert.deepEqual(keeper?.attempts, [shared]);
});

test("held and failed deliveries are found by subscription", async () => {
  const firsts = ["01JDGXS7G0ABCDEFGHJKMNPQR1", "01JDGXS7G0ABCDEFGHJKMNPQR2", "01JDGXS7G0ABCDEFGHJKMNPQR3"];
  const other = "sub_01JDGXS7G0ABCDEFGHJKMNPQRV";
  for (const first of [...firsts].reverse()) {
    for (const subscription_id of [SUB, other]) {
      await replace(undefined, item({ first, subscription_id }));
    }
  }
  await replace(undefined, { ...ended, status: "pending", held: true });
  const held = heldIn(storage.store.events);
  const { deliveries, next } = await held.failed(TENANT, other, 10);
  assert.deepEqual(
    deliveries.map(({ first, subscription_id }) => [first, subscription_id]).sort(),
    firsts.map((first) => [first, other]),
  );
  assert.equal(next, undefined);
  assert.deepEqual(
    (await held.page(TENANT, SUB, 10)).map(({ first }) => first),
    [FIRST],
  );
  assert.deepEqual(await held.page(TENANT, other, 10), []);
});

test("items from before the index had shards are found among later ones", async () => {
  const old = item({ first: "01JDGXS7G0ABCDEFGHJKMNPQR0" });
  await storage.put({ ...encodeDeliveryItem(old), state_pk: { S: `${TENANT}#failed` } });
  await replace(undefined, item({ first: "01JDGXS7G0ABCDEFGHJKMNPQR9" }));
  const { deliveries } = await heldIn(storage.store.events).failed(TENANT, SUB, 10);
  assert.deepEqual([deliveries[0]?.first, deliveries.at(-1)?.first], [old.first, "01JDGXS7G0ABCDEFGHJKMNPQR9"]);
});

test("a removed subscription's failed deliveries are all cancelled, and the tenant's are read a few times, however many there are", async () => {
  const other = "sub_01JDGXS7G0ABCDEFGHJKMNPQRV";
  const now = Date.now();
  for (let n = 0; n < 1_500; n += 1)
    await storage.put(encodeDeliveryItem(item({ first: newUlid(now - n), subscription_id: n % 2 ? SUB : other })));
  let keys = 0;
  const { dynamodb, name } = storage.store.events;
  const counted = {
    async send(command: object) {
      const answer = await dynamodb.send(command as never);
      if (command instanceof QueryCommand) keys += (answer as { ScannedCount?: number }).ScannedCount ?? 0;
      return answer;
    },
  } as typeof dynamodb;
  const waiting: string[] = [encodeDrain({ tenant: TENANT, subscription_id: SUB, pass: 1 })];
  const ports = {
    ...{ log: () => {}, now: () => now, held: heldIn({ dynamodb: counted, name }) },
    targets: { get: async () => () => null } as never,
    circuits: {} as never,
    retry: async (messages: readonly { text: string }[]) => void waiting.push(...messages.map(({ text }) => text)),
  };
  for (let text = waiting.shift(); text !== undefined; text = waiting.shift())
    await drain(decodeDeliver(text) as DrainMessage, ports);
  const { deliveries } = await heldIn(storage.store.events).failed(TENANT, SUB, 1_000);
  assert.equal(deliveries.length, 0);
  assert.equal((await heldIn(storage.store.events).failed(TENANT, other, 1_000)).deliveries.length, 750);
  // Once to find them, once more to find none, and once in the second look.
  assert.ok(keys <= 1_500 + 2 * 750 + 100, `${keys} keys were read`);
});

test.run();
