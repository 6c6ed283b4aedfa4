import assert from "node:assert/strict";
import { test } from "uvu";
import type { Erasure } from "../../../runtime/domain/job.ts";
import type { RoutedSubscription } from "../../../runtime/domain/subscription.ts";
import { snapshotCache } from "../../../runtime/route/snapshots.ts";

const TENANT = "cus_01JDGXS7G0ABCDEFGHJKMNPQRS";
const START = 1_800_000_000_000;
const subscription = (n: number, event_selector = `type.${n}`): RoutedSubscription => ({
  subscription_id: `sub_${n}`,
  version: 1,
  event_selector,
});

/** A service whose customer's subscriptions can be changed, and which can go away. */
function fake() {
  let clock = START;
  const versions: RoutedSubscription[][] = [[]];
  let erasures: Erasure[] = [];
  const asked: string[] = [];
  let away = false;
  const log: string[] = [];
  const current = () => versions.at(-1)!;
  const service = async (request: { op: string; since?: number; cursor?: string }) => {
    asked.push(request.op);
    if (away) throw new Error("away");
    const version = versions.length;
    if (request.op === "versions") return { answer: { versions: { [TENANT]: version } }, bytes: 10 };
    const common = { version, retention_days: 90, erasures };
    if (request.op === "snapshot") {
      const at = Number(request.cursor ?? 0);
      const next_cursor = at + 1 < current().length ? String(at + 1) : null;
      return { answer: { ...common, subscriptions: current().slice(at, at + 1), next_cursor }, bytes: 100 };
    }
    const before = versions[request.since! - 1]!;
    const same = (a: RoutedSubscription, b: RoutedSubscription) => JSON.stringify(a) === JSON.stringify(b);
    const changed = current().filter((s) => !before.some((b) => same(s, b)));
    const ids = new Set(current().map((s) => s.subscription_id));
    const removed = before.map((s) => s.subscription_id).filter((id) => !ids.has(id));
    return { answer: { ...common, changed, removed, next_cursor: null }, bytes: 50 };
  };
  const options = {
    service: service as never,
    log: (_: string, message: string) => log.push(message),
    now: () => clock,
    maxBytes: 1_000_000,
  };
  const cache = snapshotCache(options);
  return {
    asked,
    log,
    cache,
    now: () => clock,
    erase() {
      versions.push(current());
      erasures = [...erasures, { until: clock }];
    },
    change: (to: RoutedSubscription[]) => versions.push(to),
    away: (is: boolean) => {
      away = is;
    },
    advance: (ms: number) => {
      clock += ms;
    },
    /** Ids that match an event of this type. @param ageMs time since it was accepted */
    async matches(event_type: string, acceptedAgo = 0): Promise<string[]> {
      const { matcher } = await cache.get(TENANT, clock - acceptedAgo);
      const event = { event_id: "evt_1", event_type, received_at: new Date(clock).toISOString(), payload: {} };
      return matcher.match(event).map(({ subscription_id }) => subscription_id);
    },
    settled: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

test("a snapshot is read once, page by page, however many want it at the same time", async () => {
  const service = fake();
  service.change([subscription(1), subscription(2), subscription(3)]);
  const answers = await Promise.all([service.matches("type.1"), service.matches("type.2"), service.matches("type.3")]);
  assert.deepEqual(answers, [["sub_1"], ["sub_2"], ["sub_3"]]);
  assert.deepEqual(service.asked, ["snapshot", "snapshot", "snapshot"]);
});

test("nobody waits for the versions that are asked every two seconds", async () => {
  const service = fake();
  await service.matches("type.1");
  service.change([subscription(1)]);
  service.advance(3_000);
  assert.deepEqual(await service.matches("type.1"), []);
  await service.settled();
  assert.deepEqual(service.asked, ["snapshot", "versions", "changes"]);
  assert.deepEqual(await service.matches("type.1"), ["sub_1"]);
});

test("an event accepted five seconds after a change always sees it", async () => {
  for (const idle of [0, 1_000, 3_999, 5_000, 60_000, 86_400_000]) {
    const service = fake();
    await service.matches("type.1");
    service.advance(idle);
    service.change([subscription(1)]);
    service.advance(5_000);
    assert.deepEqual(await service.matches("type.1"), ["sub_1"], `after ${idle} ms of quiet`);
  }
});

test("an event that waited in its queue is matched without a new question", async () => {
  const service = fake();
  await service.matches("type.1");
  service.advance(1_900);
  await service.matches("type.1", 10_000);
  assert.deepEqual(service.asked, ["snapshot"]);
});

test("an event that waited hears of an erasure that was asked eight seconds before it is routed", async () => {
  const service = fake();
  await service.matches("type.1");
  const erased = async (waited: number) => (await service.cache.get(TENANT, service.now() - waited)).erasures;
  service.erase();
  service.advance(8_001);
  assert.deepEqual(await erased(86_400_000), [{ until: START }]);
  // One that came at once may be matched with what was confirmed a moment before.
  const young = fake();
  await young.matches("type.1");
  young.erase();
  young.advance(3_000);
  assert.deepEqual((await young.cache.get(TENANT, young.now())).erasures, []);
});

test("only changed subscriptions are read again", async () => {
  const service = fake();
  service.change([subscription(1), subscription(2)]);
  await service.matches("type.1");
  service.change([subscription(2, "other"), subscription(3)]);
  service.advance(10_000);
  assert.deepEqual(await service.matches("type.1"), []);
  assert.deepEqual(await service.matches("other"), ["sub_2"]);
  assert.deepEqual(await service.matches("type.2"), []);
  assert.deepEqual(await service.matches("type.3"), ["sub_3"]);
  assert.deepEqual(service.asked, ["snapshot", "snapshot", "versions", "changes"]);
});

test("while the service is away the last good snapshot serves, and it is not asked again at every event", async () => {
  const service = fake();
  service.change([subscription(1)]);
  await service.matches("type.1");
  service.away(true);
  service.advance(60_000);
  for (let n = 0; n < 5; n += 1) {
    assert.deepEqual(await service.matches("type.1"), ["sub_1"]);
    service.advance(100);
  }
  assert.deepEqual(service.asked.filter((op) => op === "versions").length, 1);
  assert.deepEqual(service.log, ["route.versions_unknown"]);
  service.away(false);
  service.change([]);
  service.advance(10_000);
  assert.deepEqual(await service.matches("type.1"), []);
});

test("a customer that was never seen while the service is away is an error, so that its messages come again", async () => {
  const service = fake();
  service.away(true);
  await assert.rejects(service.matches("type.1"), new Error("away"));
  service.away(false);
  assert.deepEqual(await service.matches("type.1"), []);
});

test("a selector that no longer compiles leaves the others in force", async () => {
  const service = fake();
  service.change([subscription(1), subscription(2, "$["), subscription(3)]);
  assert.deepEqual(await service.matches("type.1"), ["sub_1"]);
  assert.deepEqual(await service.matches("type.3"), ["sub_3"]);
  assert.deepEqual(service.log, ["route.selector_unusable"]);
});

test.run();
