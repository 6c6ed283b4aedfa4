import assert from "node:assert/strict";
import { test } from "uvu";
import { alertLevel, OPEN_AFTER, PROBE_WAITS_MS, probeWaitMs } from "../../../runtime/deliver/circuits.ts";
import { gate } from "../../../runtime/deliver/gate.ts";
import { CONCURRENT_PER_ENDPOINT } from "../../../runtime/deliver/postAll.ts";
import type { DeliveryTarget } from "../../../runtime/domain/subscription.ts";
import type { Circuit } from "../../../runtime/store/circuits/circuitItem.ts";
import { makeWorld, START, SUB, TENANT } from "./world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Sends single events to an endpoint that fails, until its circuit is open. @returns their batches */
async function openCircuit(world: ReturnType<typeof makeWorld>): Promise<string[]> {
  const firsts: string[] = [];
  for (let n = 0; n < OPEN_AFTER; n += 1) {
    firsts.push(world.accept([{ n }]));
    await world.step("delivery");
    world.advance(1);
  }
  return firsts;
}

test("after ten failures in a row the circuit opens, and what arrives waits without being attempted", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 500);
  await openCircuit(world);
  assert.equal(world.posts.length, OPEN_AFTER);
  const waiting = world.accept([{ n: "late" }]);
  await world.step("delivery");
  assert.equal(world.posts.length, OPEN_AFTER);
  const { status, held, attempts, reason } = world.delivery(waiting)!;
  assert.deepEqual(
    { status, held, attempts, reason },
    { status: "pending", held: true, attempts: [], reason: "circuit_open" },
  );
});

test("an open circuit is probed with its oldest waiting delivery, at growing intervals, and closes on the first success", async () => {
  const world = makeWorld();
  world.subscribe();
  let broken = true;
  world.answers(() => (broken ? 500 : 200));
  const failed = await openCircuit(world);
  const held = [1, 2, 3].map((n) => {
    world.advance(1);
    return world.accept([{ held: n }]);
  });
  await world.step("delivery");
  const opened = world.now();
  await world.run(opened + 10 * MINUTE);
  const probes = world.posts.slice(OPEN_AFTER).map(({ at }) => Math.round((at - opened) / 1_000));
  assert.deepEqual(probes, [5, 15, 45, 105, 225, 525]);
  assert.ok(world.posts.slice(OPEN_AFTER).every(({ body }) => body.includes('"held":1')));
  assert.equal(world.delivery(held[0]!)?.status, "pending");
  broken = false;
  await world.run(opened + 4 * HOUR);
  assert.equal(world.circuits.size, 0);
  for (const first of [...failed, ...held]) assert.equal(world.delivery(first)?.status, "delivered");
  const delivered = world.posts.slice(OPEN_AFTER + 6);
  const held23 = delivered.filter(({ body }) => body.includes('"held"'));
  assert.equal(held23.length, 2, "the probe, then the other two together");
  assert.deepEqual(world.waiting(), []);
});

test("while the circuit is open a failed delivery keeps its place in the schedule", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 500);
  const [first] = await openCircuit(world);
  world.accept([{ held: 1 }]);
  await world.run(world.now() + 5 * HOUR);
  assert.equal(world.delivery(first!)?.status, "failed");
  const own = world.posts.filter(({ body }) => body.includes('"n":0}'));
  assert.equal(own.length, world.delivery(first!)!.attempts.length);
  assert.ok(own.length < 6, "five hours of the schedule alone would have been seven attempts or more");
});

test("an open circuit with nothing to probe lets the next delivery try", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 500);
  await openCircuit(world);
  const probe = world.queue.filter(({ text }) => text.includes('"probe"'));
  world.queue.splice(0, world.queue.length, ...probe);
  await world.run(world.now() + 6_000);
  assert.equal(world.circuits.get(SUB)?.opened_at, undefined);
  const posts = world.posts.length;
  world.accept([{ n: "next" }]);
  await world.step("delivery");
  assert.equal(world.posts.length, posts + 1);
  assert.notEqual(world.circuits.get(SUB)?.opened_at, undefined, "and its failure opens the circuit again");
});

test("what was held goes on though the problems of its endpoint can't be written", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 500);
  await openCircuit(world);
  const held = [world.accept([{ held: 1 }]), world.accept([{ held: 2 }])];
  await world.step("delivery");
  world.answers(() => 200);
  world.faults.set("well", new Error("throttled"));
  await world.run(world.now() + 10 * MINUTE);
  assert.deepEqual(
    held.map((first) => world.delivery(first)?.status),
    ["delivered", "delivered"],
  );
});

test("what was held goes on where a circuit is closed by one that remembers it as not yet open", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 500);
  await openCircuit(world);
  const held = world.accept([{ held: 1 }]);
  await world.step("delivery");
  world.answers(() => 200);
  const { opened_at: _, next_probe_at: __, ...before } = world.circuits.get(SUB)!;
  world.remember(new Map([[SUB, before]]));
  world.accept([{ under: "way" }]);
  await world.step("delivery");
  world.remember(undefined);
  await world.run(world.now() + 10 * MINUTE);
  assert.equal(world.delivery(held)?.status, "delivered");
});

test("a probe whose message was lost is sent by the sweeper", async () => {
  const world = makeWorld();
  world.subscribe();
  let broken = true;
  world.answers(() => (broken ? 500 : 200));
  await openCircuit(world);
  const held = world.accept([{ held: 1 }]);
  await world.step("delivery");
  world.queue.splice(0, world.queue.length);
  broken = false;
  await world.run(world.now() + 10 * MINUTE);
  assert.equal(world.delivery(held)?.status, "delivered");
});

test("after five days of failure the subscription is disabled, its owner warned at 50, 70, 90 and 100 percent", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 500);
  await openCircuit(world);
  const held = world.accept([{ held: 1 }]);
  await world.run(START + 6 * DAY, HOUR);
  assert.deepEqual(world.notices, [50, 70, 90, 100]);
  assert.deepEqual(world.service, [
    { op: "disable", tenant: TENANT, subscription_id: SUB, reason: "endpoint_failing" },
  ]);
  const last = world.posts.at(-1)!;
  assert.ok(last.at - START >= 5 * DAY && last.at - START < 5 * DAY + HOUR);
  assert.deepEqual([world.delivery(held)?.status, world.delivery(held)?.held], ["pending", true]);
});

test("an owner who could not be told that the subscription ends is told at the next failure, and it ends then", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers(() => 500);
  await openCircuit(world);
  world.accept([{ held: 1 }]);
  await world.run(START + 5 * DAY - HOUR, HOUR);
  assert.deepEqual([world.notices.at(-1), world.service], [90, []]);
  world.faults.set("tell", new Error("throttled"));
  await world.run(START + 6 * DAY, HOUR);
  assert.deepEqual([world.notices.at(-1), world.service.length], [100, 1]);
});

test("one success forgets every failure before it", async () => {
  const world = makeWorld();
  world.subscribe();
  world.answers((_, nth) => (nth % 6 === 0 ? 200 : 500));
  for (let n = 0; n < 30; n += 1) {
    world.accept([{ n }]);
    await world.step("delivery");
  }
  assert.equal(world.logs.filter(({ message }) => message === "deliver.circuit_open").length, 0);
});

test("an endpoint that hangs is served from the queue of retries, and holds up no other", async () => {
  const world = makeWorld();
  world.subscribe({ max_batch: 1 });
  const other = "sub_01JDGXS7G0ABCDEFGHJKMNPQRV";
  world.subscribe({ subscription_id: other, webhook_url: "https://well.example.com/" });
  world.answers(({ url }) => (url.host === "well.example.com" ? 200 : { error: "timeout", ms: 10_000 }));
  world.accept([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }, { n: 6 }, { n: 7 }]);
  await world.step("delivery");
  const hung = world.posts.length;
  assert.ok(hung >= 1 && hung <= CONCURRENT_PER_ENDPOINT, "once one hangs, none is begun any more");
  const diverted = world.accept([{ n: 8 }]);
  const well = world.accept([{ n: 9 }], { subscription_id: other });
  await world.step("delivery");
  assert.equal(world.delivery(well, other)?.status, "delivered");
  assert.equal(world.posts.length, hung + 1);
  assert.equal(world.delivery(diverted), undefined);
  assert.ok(world.waiting().some((message) => message.kind === "delivery" && message.first === diverted));
});

const target = (status: "active" | "disabled") => ({ status }) as DeliveryTarget;
const circuit = (more: Partial<Circuit> = {}) => ({ failures: 3, failing_since: 0, ...more }) as Circuit;
const open = circuit({ opened_at: 1, next_probe_at: 31_000 });
const first = { attempts: [], manual: false, probe: false };
const later = { ...first, attempts: [{} as never] };
const endpoint = (target: DeliveryTarget | null, circuit?: Circuit, slow = false) => ({ target, circuit, slow });
const gates: [says: string, args: Parameters<typeof gate>, decision: ReturnType<typeof gate>][] = [
  ["a well endpoint is posted to", [first, endpoint(target("active")), true, 1_000, 0.5], { kind: "post" }],
  [
    "one that failed a few times too",
    [first, endpoint(target("active"), circuit()), true, 1_000, 0.5],
    { kind: "post" },
  ],
  ["a removed subscription's delivery is cancelled", [first, endpoint(null), true, 1_000, 0.5], { kind: "cancel" }],
  ["also when a manual retry asks", [{ ...first, manual: true }, endpoint(null), true, 1_000, 0.5], { kind: "cancel" }],
  [
    "a disabled subscription's is held",
    [later, endpoint(target("disabled")), true, 1_000, 0.5],
    { kind: "hold", reason: "subscription_disabled" },
  ],
  [
    "a manual retry acts on a disabled one",
    [{ ...later, manual: true }, endpoint(target("disabled"), open), true, 1_000, 0.5],
    { kind: "post" },
  ],
  [
    "an open circuit holds first attempts",
    [first, endpoint(target("active"), open), true, 1_000, 0.5],
    { kind: "hold", reason: "circuit_open" },
  ],
  [
    "and postpones later ones until after its probe",
    [later, endpoint(target("active"), open), true, 1_000, 0.5],
    { kind: "postpone", retry_after_ms: 60_000 },
  ],
  [
    "its probe passes",
    [{ ...first, probe: true }, endpoint(target("active"), open), true, 1_000, 0.5],
    { kind: "post" },
  ],
  [
    "a slow endpoint leaves the queue of first attempts",
    [first, endpoint(target("active"), undefined, true), true, 1_000, 0.5],
    { kind: "divert" },
  ],
  [
    "and is posted to from the queue of retries",
    [first, endpoint(target("active"), undefined, true), false, 1_000, 0.5],
    { kind: "post" },
  ],
];
for (const [says, args, decision] of gates) test(`gate: ${says}`, () => assert.deepEqual(gate(...args), decision));

test("probes wait 5 s to 15 min, the last wait repeating", () => {
  assert.deepEqual([0, 1, 7, 8, 100].map(probeWaitMs), [5_000, 10_000, 900_000, 900_000, 900_000]);
  assert.ok(
    PROBE_WAITS_MS.every((wait) => wait <= 900_000),
    "a queue can hold every one of them",
  );
});

test("warnings are due at half-time, 70, 90 and 100 percent of five days", () =>
  assert.deepEqual(
    [0, 2.4, 2.5, 3.49, 3.5, 4.5, 4.99, 5, 9].map((days) => alertLevel(0, days * DAY)),
    [0, 0, 50, 50, 70, 90, 90, 100, 100],
  ));

test("an endpoint that answers late is served apart until it answers soon", async () => {
  const world = makeWorld();
  world.subscribe();
  await world.ports.circuits.suspect(TENANT, SUB);
  world.answers(() => ({ status: 200, ms: 3_000 }));
  world.accept([{ n: 1 }]);
  await world.step("delivery");
  assert.equal(world.posts.length, 0);
  await world.step("retry");
  assert.equal(world.posts.length, 1);
  assert.equal(world.circuits.get(SUB)?.slow, true);
  world.advance(61_000);
  world.answers(() => 200);
  world.accept([{ n: 2 }]);
  await world.step("delivery");
  await world.step("retry");
  assert.equal(world.circuits.get(SUB), undefined);
  world.accept([{ n: 3 }]);
  await world.step("delivery");
  assert.equal(world.posts.length, 3);
});

test.run();
