import assert from "node:assert/strict";
import { suite } from "uvu";
import type { Outgoing } from "../../../runtime/aws/queues.ts";
import { getItem } from "../../../runtime/aws/tables.ts";
import { circuitStore } from "../../../runtime/deliver/circuits.ts";
import { sweep } from "../../../runtime/deliver/sweep.ts";
import type { Item } from "../../../runtime/domain/codec/fields.ts";
import { decodeDeliver } from "../../../runtime/domain/codec/index.ts";
import { newUlid } from "../../../runtime/domain/ids.ts";
import { type DeliveryItem, encodeDeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";
import { claimDue, due } from "../../../runtime/store/deliveries/waiting.ts";
import { deliveryKey } from "../../../runtime/store/keys.ts";
import { openStorage, type Storage } from "../../support/storage.ts";
import { START, SUB, TENANT } from "./world.ts";

const test = suite("sweeping the table");
const HOUR = 3_600_000;
let storage: Storage;
let clock = START;
let sent: Outgoing[] = [];
let logged: string[] = [];
test.before.each(async () => {
  storage = await openStorage();
  clock = START;
  sent = [];
  logged = [];
});
test.after.each(() => storage.close());

/** A delivery that waits for the sweeper. @returns its batch */
async function waits(next_attempt_at: number, more: Partial<DeliveryItem> = {}): Promise<string> {
  const first = newUlid(START - HOUR);
  const item: DeliveryItem = {
    ...{ tenant: TENANT, first, count: 1, subscription_id: SUB, indexes: [0], status: "failed", swept: true },
    ...{ attempts: [{ at: "", status_code: 503, latency_ms: 1, error: "http_error" }], expiry: 2_000_000_000 },
    next_attempt_at,
    ...more,
  };
  await storage.put(encodeDeliveryItem(item));
  return first;
}
const claimed = (item: Item, until: number) => claimDue(storage.store.events, item, until);
const run = (retry = async (messages: readonly Outgoing[]) => void sent.push(...messages), claim = claimed) =>
  sweep({
    due: (partition, until) => due(storage.store.events, partition, until),
    claim,
    log: (_, message) => logged.push(message),
    now: () => clock,
    retry,
  });
const batches = () =>
  sent
    .map(({ text }) => decodeDeliver(text))
    .flatMap((message) => (message.kind === "retry" ? message.batches : []))
    .sort();

test("a delivery that is due within a minute is sent with the remaining delay, a later one stays", async () => {
  const [past, soon] = [await waits(START - HOUR), await waits(START + 30_000)];
  await waits(START + 60_001);
  assert.deepEqual(await run(), { deliveries: 2, probes: 0 });
  const delays = sent.map(({ text, delaySeconds }) => {
    const message = decodeDeliver(text);
    return [message.kind === "retry" && message.batches[0], delaySeconds];
  });
  assert.deepEqual(
    new Map(delays as [string, number][]),
    new Map([
      [past, 1],
      [soon, 30],
    ]),
  );
});

test("a sweeper that is late finds all of it, page by page", async () => {
  const group = "msg_shared";
  const firsts = [];
  for (let n = 0; n < 450; n += 1) firsts.push(await waits(START, { group }));
  clock += 5 * HOUR;
  assert.deepEqual(await run(), { deliveries: 450, probes: 0 });
  assert.deepEqual(batches(), firsts.sort());
});

test("when sweepers run side by side, one of them sends each delivery", async () => {
  const firsts = [];
  for (let n = 0; n < 60; n += 1) firsts.push(await waits(START + n));
  const counts = await Promise.all([run(), run(), run()]);
  assert.equal(
    counts.reduce((sum, { deliveries }) => sum + deliveries, 0),
    60,
  );
  assert.deepEqual(batches(), firsts.sort());
});

test("batches of a sweeper that died are found again when its lease is over, and not before", async () => {
  const first = await waits(START);
  await assert.rejects(
    run(async () => Promise.reject(new Error("killed"))),
    new Error("killed"),
  );
  clock += 600_000;
  assert.deepEqual(await run(), { deliveries: 0, probes: 0 });
  clock += 300_000;
  assert.deepEqual(await run(), { deliveries: 1, probes: 0 });
  assert.deepEqual(batches(), [first]);
});

test("an item that can't be read is told of, and keeps no other from being sent", async () => {
  const group = "msg_together";
  const damaged = await waits(START, { group });
  const firsts = [await waits(START, { group }), await waits(START, { group })].sort();
  const item = await getItem(
    storage.store.events,
    deliveryKey({ tenant: TENANT, first: damaged, subscription_id: SUB }),
    "strong",
  );
  await storage.put({ ...item!, attempts: { S: "[" } });
  assert.deepEqual(await run(), { deliveries: 2, probes: 0 });
  assert.deepEqual(batches(), firsts);
  assert.deepEqual(logged, ["sweep.unreadable", "sweep.swept"]);
});

test("a claim that fails keeps nobody else from being sent, in its page or in another", async () => {
  const group = "msg_together";
  const firsts = [await waits(START, { group }), await waits(START, { group })].sort();
  for (let n = 0; n < 20; n += 1) firsts.push(await waits(START));
  const busy = firsts.shift()!;
  const claim = async (item: Item, until: number) => {
    if (item.sk!.S!.includes(busy)) throw new Error("throttled");
    return claimed(item, until);
  };
  await assert.rejects(run(undefined, claim), new Error("throttled"));
  assert.deepEqual(batches(), firsts.sort());
  assert.deepEqual(logged.sort(), ["sweep.failed", "sweep.swept"]);
  await run();
  assert.deepEqual(batches(), [busy, ...firsts].sort());
});

test("deliveries of one post go back as one", async () => {
  const group = "msg_together";
  const firsts = [await waits(START, { group }), await waits(START, { group })].sort();
  await waits(START);
  await run();
  assert.equal(sent.length, 2);
  assert.ok(
    sent.some(
      ({ text }) => JSON.stringify((decodeDeliver(text) as { batches?: string[] }).batches) === JSON.stringify(firsts),
    ),
  );
});

test("a probe whose own message is overdue is sent, and only then", async () => {
  const circuits = circuitStore(storage.store.events, () => clock);
  await circuits.open((await circuits.failed(TENANT, SUB, 10, false))!, START + 5_000);
  assert.deepEqual(await run(), { deliveries: 0, probes: 0 });
  clock += 120_000;
  assert.deepEqual(await run(), { deliveries: 0, probes: 1 });
  assert.deepEqual(decodeDeliver(sent[0]!.text), { kind: "probe", tenant: TENANT, subscription_id: SUB });
});

test.run();
