import * as assert from "node:assert/strict";
import { suite } from "uvu";
import type { Service } from "../../../runtime/aws/service.ts";
import { targetCache, targetOf } from "../../../runtime/deliver/targets.ts";
import type { Tenant } from "../../../runtime/domain/identity/identity.ts";
import type { DeliveryTarget, SubscriptionOf } from "../../../runtime/domain/subscription.ts";

import type { Stop } from "../../../runtime/store/stops.ts";

const test = suite("targets of delivering");

const TENANT = "cus_1" as Tenant;
const OTHER = "cus_2" as Tenant;
const target = { tenant: TENANT, subscription_id: "sub_1", status: "active" } as DeliveryTarget;

/** A cache over a service that answers with `stored`, or fails without it; `asked` keeps what it was asked for. */
function setUp() {
  const state = {
    stored: [target] as DeliveryTarget[] | undefined,
    unreadable: [] as SubscriptionOf[],
    asked: [] as string[],
    now: 0,
    stops: [] as Stop[],
    looks: 0,
    stopsAnswer: undefined as Promise<never> | undefined,
  };
  const service = (async ({ wanted }: { wanted: readonly SubscriptionOf[] }) => {
    state.asked.push(wanted.map(({ subscription_id }) => subscription_id).join(" "));
    await new Promise((resolve) => setImmediate(resolve));
    if (state.stored === undefined) throw new Error("no answer");
    return { answer: { targets: state.stored, unreadable: state.unreadable }, bytes: 0 };
  }) as unknown as Service;
  const cache = targetCache(
    service,
    () => {},
    () => state.now,
    async () => {
      state.looks += 1;
      await new Promise((resolve) => setImmediate(resolve));
      return state.stopsAnswer ?? [...state.stops];
    },
  );
  return { state, get: () => targetOf(cache, TENANT, "sub_1"), cache };
}

const answered = () => new Promise((resolve) => setTimeout(resolve, 5));

test("a known target is asked for in the background after 2 s, and before its use after 4 s", async () => {
  const { state, get } = setUp();
  await get();
  state.now = 2_000;
  assert.equal(await get(), target);
  assert.equal(state.asked.length, 1);
  state.stored = [{ ...target, status: "disabled" }];
  state.now = 2_001;
  assert.equal((await get())?.status, "active");
  assert.equal(state.asked.length, 2);
  await answered();
  assert.equal((await get())?.status, "disabled");
  state.stored = [];
  state.now = 6_002;
  assert.equal(await get(), null);
});

test("a target that can't be opened is unknown until it can, and never counts as removed", async () => {
  const { state, get } = setUp();
  state.stored = [];
  state.unreadable = [{ tenant: TENANT, subscription_id: "sub_1" }];
  await assert.rejects(get(), { message: "sub_1 is not known here, and the subscriptions service can't be asked" });
  state.stored = [target];
  state.unreadable = [];
  assert.equal(await get(), target);
  state.stored = [];
  state.unreadable = [{ tenant: TENANT, subscription_id: "sub_1" }];
  state.now = 6_000;
  assert.equal(await get(), target, "what is known is used");
});

test("one question asks for the targets of all customers, and for stale ones that are in use", async () => {
  const { state, cache } = setUp();
  const [one, two, three] = ["sub_1", "sub_2", "sub_3"].map((subscription_id, at) => ({
    tenant: at === 0 ? TENANT : OTHER,
    subscription_id,
  }));
  state.stored = [one, two, three].map((each) => ({ ...target, ...each }));
  const found = await cache.get([one!, two!, three!]);
  assert.deepEqual(state.asked, ["sub_1 sub_2 sub_3"]);
  assert.equal(found(OTHER, "sub_2")?.subscription_id, "sub_2");
  assert.equal(found(TENANT, "sub_2"), undefined, "another customer's subscription is not this one's");
  await cache.get([one!, two!]);
  state.now = 2_001;
  await cache.get([one!]);
  assert.equal(state.asked.at(-1), "sub_1 sub_2", "nobody needed the third since it was asked for");
});

test("two that need the same unknown subscription at a time ask once, and both get it", async () => {
  const { state, get } = setUp();
  assert.deepEqual(await Promise.all([get(), get()]), [target, target]);
  assert.equal(state.asked.length, 1);
});

test("many are asked for in parts that an answer can hold", async () => {
  const { state, cache } = setUp();
  await cache.get(Array.from({ length: 450 }, (_, at) => ({ tenant: TENANT, subscription_id: `sub_${at}` })));
  assert.deepEqual(
    state.asked.map((ids) => ids.split(" ").length),
    [200, 200, 50],
  );
});

test("known targets are used while the service can't be asked, and unknown ones are reported", async () => {
  const { state, get, cache } = setUp();
  await get();
  state.stored = undefined;
  state.now = 60_000;
  assert.equal(await get(), target);
  await assert.rejects(targetOf(cache, TENANT, "sub_2"), /sub_2 is not known here/);
  state.now = 61_000;
  const both = await cache.get([
    { tenant: TENANT, subscription_id: "sub_1" },
    { tenant: OTHER, subscription_id: "sub_2" },
  ]);
  assert.deepEqual([both(TENANT, "sub_1"), both(OTHER, "sub_2")], [target, undefined]);
});

test("a subscription removed here is gone at once, and an answer under way does not bring it back", async () => {
  const { state, get, cache } = setUp();
  await get();
  state.now = 2_001;
  await get(); // asks behind the work
  cache.removed(TENANT, "sub_1");
  await answered();
  assert.equal(await get(), null);
  state.now = 100_000;
  assert.equal(await get(), null);
  assert.equal(state.asked.length, 2);
});

test("who has just changed a subscription meets it as it is now, not as it was a moment ago", async () => {
  const { state, get, cache } = setUp();
  await get();
  state.stored = [{ ...target, status: "disabled" }];
  state.now = 1;
  assert.equal((await get())?.status, "active");
  assert.equal((await cache.latest(target))?.status, "disabled");
  assert.equal((await get())?.status, "disabled");
  state.stored = undefined;
  state.now = 2;
  assert.equal((await cache.latest(target))?.status, "disabled", "as it was, while the service is away");
  await assert.rejects(cache.latest({ tenant: TENANT, subscription_id: "sub_2" }), /no answer/);
  state.stored = [];
  state.now = 60_000;
  assert.equal(await cache.latest(target), null);
});

const stop = (key: string, subscription_id: string | undefined = "sub_1"): Stop => ({
  tenant: TENANT,
  subscription_id,
  key,
});

test("a subscription whose posts were stopped is asked for again within a second, once", async () => {
  const { state, get, cache } = setUp();
  await get();
  state.stored = [{ ...target, status: "disabled" }];
  state.stops.push(stop("1"));
  state.now = 801;
  assert.equal(await cache.standing(target), "disabled");
  assert.deepEqual([state.asked, state.looks], [["sub_1", "sub_1"], 2]);
  state.now = 1_500;
  assert.equal(await cache.standing(target), "disabled");
  assert.deepEqual([state.asked.length, state.looks], [2, 2]);
  state.stored = [target];
  state.now = 1_700;
  assert.equal((await get())?.status, "disabled");
});

test("a post that was got ready before, and waits for its turn, is not sent once its subscription is removed", async () => {
  const { state, get, cache } = setUp();
  const got = await get();
  state.now = 400;
  assert.equal(await cache.standing(got!), "active");
  assert.equal(state.looks, 1, "what is known is young enough");
  state.stored = [];
  state.stops.push(stop("1", undefined));
  state.now = 900;
  assert.equal(await cache.standing(got!), "removed");
});

test("an answer that was asked for before a stop does not count after it", async () => {
  const { state, cache } = setUp();
  await cache.get([]);
  let answer: (targets: DeliveryTarget[]) => void = () => {};
  const slow = new Promise<DeliveryTarget[]>((resolve) => {
    answer = resolve;
  });
  const service = (async () => ({ answer: { targets: await slow }, bytes: 0 })) as unknown as Service;
  const late = targetCache(
    service,
    () => {},
    () => state.now,
    async () => [...state.stops],
  );
  const first = late.get([target]);
  await answered();
  state.now = 1_000;
  state.stops.push(stop("1"));
  const second = late.get([target]);
  await answered();
  answer([{ ...target, status: "disabled" }]);
  assert.equal((await second)(TENANT, "sub_1")?.status, "disabled");
  await first;
});

test("where stops can't be read, posts go on with the known targets", async () => {
  const { state, get, cache } = setUp();
  await get();
  state.stopsAnswer = Promise.reject(new Error("no answer"));
  state.stopsAnswer.catch(() => undefined);
  state.now = 1_000;
  assert.equal(await cache.standing(target), "active");
  assert.equal(await get(), target);
});

test.run();
